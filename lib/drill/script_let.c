/* How services behave, and what becomes of pulls: "let" and "pulls". */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/drill/script_internal.h"

static bool parse_result(const char *value, enum acc_op_result *ret_result)
{
    static const char *const names[] = {"ok",     "not-modified", "gone", "conflict",
                                        "config", "refused",      "lost", "failed"};

    for (unsigned k = 0; k < ACC_ARRAY_LEN(names); k++) {
        if (strcmp(names[k], value) == 0) {
            *ret_result = (enum acc_op_result)k;
            return true;
        }
    }
    return false;
}

static bool set_time(struct acc_world_service *b, const char *key, const char *value)
{
    return (strcmp(key, "creates") == 0 && acc_script_ms(value, &b->create_ms)) ||
           (strcmp(key, "starts") == 0 && acc_script_ms(value, &b->start_ms)) ||
           (strcmp(key, "stops") == 0 && acc_script_ms(value, &b->stop_ms)) ||
           (strcmp(key, "boots") == 0 && acc_script_ms(value, &b->boot_ms)) ||
           (strcmp(key, "hooks") == 0 && acc_script_ms(value, &b->hook_ms)) ||
           (strcmp(key, "drains") == 0 && acc_script_ms(value, &b->drain_ms)) ||
           (strcmp(key, "bad-after") == 0 && acc_script_ms(value, &b->bad_ms)) ||
           (strcmp(key, "crashes") == 0 && acc_script_ms(value, &b->crash_ms));
}

static bool set_word(struct acc_world_service *b, const char *key, const char *value)
{
    bool is_bad = strcmp(key, "bad") == 0;

    if (strcmp(key, "image") == 0) {
        (void)snprintf(b->image, sizeof(b->image), "%s", value);
    } else if (is_bad || strcmp(key, "sick-is") == 0) {
        (void)snprintf(is_bad ? b->bad : b->sick, sizeof(b->bad), "%s", value);
    } else {
        return false;
    }
    return true;
}

static bool set_behaviour(struct acc_world_service *b, const char *key, const char *value)
{
    const struct {
        const char *key;
        bool *field;
        bool is_when_no;
    } flags[] = {
        {"sick", &b->is_sick, false},           {"waits", &b->is_waiting, false},
        {"listens", &b->is_deaf, true},         {"volume", &b->has_volume, false},
        {"answers", &b->is_silent, true},       {"obeys-stop", &b->ignores_stop, true},
        {"obeys-kill", &b->ignores_kill, true}, {"manual-flag", &b->no_manual_flag, true},
        {"monitor", &b->is_unwatched, true},    {"spoils", &b->spoils, false},
    };

    for (size_t k = 0; k < ACC_ARRAY_LEN(flags); k++) {
        if (strcmp(flags[k].key, key) == 0) {
            *flags[k].field = (strcmp(value, "no") == 0) == flags[k].is_when_no;
            return strcmp(value, "no") == 0 || strcmp(value, "yes") == 0;
        }
    }
    if (strcmp(key, "code") == 0) {
        b->crash_code = (int32_t)strtol(value, NULL, 10);
        return true;
    }
    return set_time(b, key, value) || set_word(b, key, value) ||
           (strcmp(key, "create") == 0 && parse_result(value, &b->create)) ||
           (strcmp(key, "start") == 0 && parse_result(value, &b->start)) ||
           (strcmp(key, "hook") == 0 && parse_result(value, &b->hook));
}

/* "let NAME KEY=VALUE..." */
static int on_let(struct script *s, char *rest)
{
    char *name = acc_script_next(&rest);
    uint32_t svc;
    int r = acc_script_open(s);

    if (r != 0 || !acc_script_service(s, name, &svc)) {
        return r;
    }
    for (char *word = acc_script_next(&rest); *word; word = acc_script_next(&rest)) {
        char *equals = strchr(word, '=');

        if (equals) {
            *equals = '\0';
        }
        if (!equals || !set_behaviour(&s->world.service[svc], word, equals + 1)) {
            return acc_script_wrong(s, "no such behaviour: ", word);
        }
        s->world.service[svc].message = "the host says no";
    }
    return 0;
}

static int on_pulls(struct script *s, char *rest)
{
    int r = acc_script_open(s);

    s->world.pull_message = "no such image";
    return r != 0 || parse_result(acc_script_next(&rest), &s->world.pull)
               ? r
               : acc_script_wrong(s, "pulls what?", "");
}

static int on_networks(struct script *s, char *rest)
{
    int r = acc_script_open(s);

    return r != 0 || parse_result(acc_script_next(&rest), &s->world.network)
               ? r
               : acc_script_wrong(s, "networks what?", "");
}

const struct acc_script_word acc_script_lets[] = {
    {"let", on_let, false},
    {"pulls", on_pulls, false},
    {"networks", on_networks, false},
    {NULL, NULL, false},
};
