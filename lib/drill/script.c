#include "lib/drill/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/drill/model_text.h"
#include "lib/drill/world.h"

#define TEXT_MAX (1u << 20) /* of what is asked between two checks */
/* "begin" lets so much time pass after all are up: nothing that was learned on the way matters. */
#define BEGIN_MS 700000u

struct script {
    struct acc_model_text model;
    struct acc_world world;
    bool is_open, is_verbose, observes;
    unsigned line;
    int result;
    struct acc_buf *out;
    struct acc_buf asked, told, incidents; /* since the last check of each */
};

static int wrong(struct script *s, const char *what, const char *word)
{
    (void)acc_buf_printf(s->out, "line %u: %s%s\n", s->line, what, word);
    s->result = ACC_SCRIPT_WRONG;
    return s->result;
}

static int differs(struct script *s, const char *what, const char *is, const char *must)
{
    (void)acc_buf_printf(s->out, "line %u: %s\n    is       %s\n    must be  %s\n", s->line, what,
                         is, must);
    s->result = s->result == ACC_SCRIPT_WRONG ? ACC_SCRIPT_WRONG : ACC_SCRIPT_DIFFERS;
    return s->result;
}

/* --- what is asked and told ------------------------------------------------------------------ */

static void add(struct acc_buf *list, const char *word)
{
    (void)acc_buf_printf(list, "%s%s", list->len > 0 ? ", " : "", word);
}

static void verbose(struct script *s, const char *what, const char *text)
{
    uint64_t ms = s->world.now_ms - 1000000u;

    if (s->is_verbose) {
        (void)acc_buf_printf(s->out, "%7llu.%03llu  %-9s %s\n", (unsigned long long)(ms / 1000),
                             (unsigned long long)(ms % 1000), what, text);
    }
}

static void watch_incident(struct script *s, const struct acc_action *action)
{
    static const char *const phases[] = {"opened", "notified", "closed"};
    struct acc_incident_view view;
    char text[2 * ACC_NAME_MAX + 32];
    const char *slash;

    if (!acc_engine_incident(s->world.engine, action->incident.id, &view)) {
        return;
    }
    slash = strrchr(view.root, '/');
    (void)snprintf(text, sizeof(text), "%s %s", slash ? slash + 1 : view.root,
                   phases[action->incident.phase]);
    add(&s->incidents, text);
    verbose(s, "incident", text);
}

static void watch_note(struct script *s, const struct acc_action *action)
{
    char text[ACC_NOTE_MAX + 2 * ACC_NAME_MAX];
    const char *nick = action->note.kind == ACC_NOTE_STATE ? acc_world_nick(&s->world, action->svc)
                                                           : "";

    (void)snprintf(text, sizeof(text), "%s%s%s", nick, *nick ? ": " : "", action->note.text);
    (void)acc_buf_printf(&s->told, "%s\n", text);
    verbose(s, "tells", text);
}

/* It changes something at Docker. */
static bool is_change(enum acc_action_type type)
{
    static const enum acc_action_type changes[] = {
        ACC_ACT_REMOVE_RESOURCE,
        ACC_ACT_CREATE,
        ACC_ACT_START,
        ACC_ACT_STOP,
        ACC_ACT_KILL,
        ACC_ACT_REMOVE,
        ACC_ACT_UPDATE,
        ACC_ACT_UNPAUSE,
        ACC_ACT_SET_POLICY,
        ACC_ACT_UPGRADE_HOOK,
        ACC_ACT_PULL,
        ACC_ACT_ROUTE,
        ACC_ACT_DRAIN,
        ACC_ACT_UNDRAIN,
        ACC_ACT_RENAME,
        ACC_ACT_HOOK,
        ACC_ACT_ENSURE_RESOURCE,
    };

    for (size_t k = 0; k < ACC_ARRAY_LEN(changes); k++) {
        if (changes[k] == type) {
            return true;
        }
    }
    return false;
}

static void watch_change(struct script *s, const struct acc_action *action)
{
    const struct acc_model *model = s->world.model;
    bool is_res = action->type == ACC_ACT_ENSURE_RESOURCE ||
                  action->type == ACC_ACT_REMOVE_RESOURCE;
    const char *name = is_res ? model->resources[action->res]->name
                              : acc_world_nick(&s->world, action->svc);
    bool is_many = !is_res && action->svc < model->n_services && action->slot != ACC_NONE &&
                   model->services[action->svc]->replicas > 1;
    const char *verb = action->type != ACC_ACT_HOOK ? acc_action_type_name(action->type)
                       : action->hook.is_stop       ? "pre-stop"
                                                    : "post-start";
    char text[2 * ACC_NAME_MAX + 64];
    size_t len = (size_t)snprintf(text, sizeof(text), "%s %s", verb, name);

    if (is_many && len < sizeof(text)) {
        (void)snprintf(text + len, sizeof(text) - len, "#%u", (unsigned)action->slot);
    }
    if (action->type != ACC_ACT_ENSURE_RESOURCE) { /* what is there already is asked for, too */
        add(&s->asked, text);
    }
    verbose(s, "asks", text);
}

static void watch(void *data, struct acc_world *world, const struct acc_action *action)
{
    struct script *s = data;

    (void)world;
    if (action->type == ACC_ACT_NOTE && action->note.kind != ACC_NOTE_INCIDENT) { /* told below */
        watch_note(s, action);
    } else if (action->type == ACC_ACT_INCIDENT) {
        watch_incident(s, action);
    } else if (is_change(action->type)) {
        watch_change(s, action);
    }
}

/* --- words ----------------------------------------------------------------------------------- */

/* The next word of `*rest`, which is cut off; "" at the end. */
static char *next(char **rest)
{
    char *word = *rest + strspn(*rest, " \t");
    size_t len = strcspn(word, " \t");

    *rest = word + len;
    if (**rest) {
        *(*rest)++ = '\0';
    }
    return word;
}

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t");
    for (len = strlen(text); len > 0 && strchr(" \t\r", text[len - 1]); len--) {
        text[len - 1] = '\0';
    }
    return text;
}

static bool find_service(struct script *s, const char *name, uint32_t *ret_svc)
{
    bool is_ambiguous = false;

    *ret_svc = s->is_open ? acc_model_find(s->world.model, name, &is_ambiguous) : ACC_NONE;
    if (*ret_svc == ACC_NONE) {
        (void)wrong(s, "no service ", name);
    }
    return *ret_svc != ACC_NONE;
}

/* "name" or "name#slot" */
static bool find_slot(struct script *s, char *name, uint32_t *ret_svc, uint32_t *ret_slot)
{
    char *hash = strchr(name, '#');
    uint64_t slot = 1;

    if (hash) {
        *hash = '\0';
        if (!acc_parse_u64(hash + 1, &slot)) {
            (void)wrong(s, "no slot ", hash + 1);
            return false;
        }
    }
    *ret_slot = (uint32_t)slot;
    return find_service(s, name, ret_svc);
}

static struct acc_world_container *find_container(struct script *s, char *name)
{
    struct acc_world_container *c = NULL;
    uint32_t svc;
    uint32_t slot;

    if (find_slot(s, name, &svc, &slot)) {
        c = acc_world_slot(&s->world, svc, slot);
        if (!c) {
            (void)wrong(s, "no container of ", name);
        }
    }
    return c;
}

static bool parse_ms(const char *text, uint64_t *ret_ms)
{
    int64_t ns;

    if (!acc_parse_duration_ns(text, &ns) || ns < 0) {
        return false;
    }
    *ret_ms = (uint64_t)ns / 1000000;
    return true;
}

/* --- the beginning --------------------------------------------------------------------------- */

static int open_world(struct script *s)
{
    struct acc_model *model = NULL;
    int r;

    if (s->is_open) {
        return 0;
    }
    r = acc_model_text_build(&s->model, &model, s->out);
    if (r == -EINVAL) {
        return wrong(s, "this configuration can't be used", "");
    }
    r = r < 0 ? r : acc_world_init(&s->world, model, s->observes);
    if (r == 0) {
        s->is_open = true;
        s->world.watch = watch;
        s->world.watch_data = s;
    }
    return r;
}

static void forget(struct script *s)
{
    acc_buf_reset(&s->asked);
    acc_buf_reset(&s->told);
    acc_buf_reset(&s->incidents);
}

static int on_begin(struct script *s, char *rest)
{
    bool is_cold = strcmp(trim(rest), "cold") == 0;
    int r = open_world(s);

    if (r != 0) {
        return r;
    }
    acc_world_connect(&s->world, false, false);
    if (!is_cold) {
        acc_world_run(&s->world, BEGIN_MS);
        forget(s);
    }
    return 0;
}

static int on_stack(struct script *s, char *rest)
{
    return acc_model_text_stack(&s->model, next(&rest));
}

static int on_phase(struct script *s, char *rest)
{
    char *name = next(&rest);
    int r = acc_model_text_phase(&s->model, name, trim(rest));

    return r == -EINVAL ? wrong(s, "no such gate: ", rest) : r;
}

static int on_service(struct script *s, char *rest)
{
    char *name = next(&rest);

    return *name ? acc_model_text_service(&s->model, name, rest) : wrong(s, "service what?", "");
}

static int on_no_service(struct script *s, char *rest)
{
    char *name = next(&rest);

    return acc_model_text_remove(&s->model, name) ? 0 : wrong(s, "no service ", name);
}

static int on_apply(struct script *s, char *rest)
{
    struct acc_model *model = NULL;
    int r = acc_model_text_build(&s->model, &model, s->out);

    (void)rest;
    if (r == -EINVAL) {
        return wrong(s, "this configuration can't be used", "");
    }
    return r < 0 ? r : acc_world_reconfigure(&s->world, model);
}

static int on_observe(struct script *s, char *rest)
{
    (void)rest;
    s->observes = true;
    return 0;
}

/* --- what happens ---------------------------------------------------------------------------- */

static int on_exit_(struct script *s, char *rest)
{
    struct acc_world_container *c = find_container(s, next(&rest));

    if (c) {
        acc_world_exit(&s->world, c, (int32_t)strtol(next(&rest), NULL, 10), false);
    }
    return 0;
}

static int on_oom(struct script *s, char *rest)
{
    struct acc_world_container *c = find_container(s, next(&rest));

    if (c) {
        acc_world_exit(&s->world, c, 137, true);
    }
    return 0;
}

static int on_health(struct script *s, char *rest)
{
    static const char *const names[] = {"none", "starting", "healthy", "unhealthy"};
    struct acc_world_container *c = find_container(s, next(&rest));
    const char *word = next(&rest);

    for (unsigned k = 0; c && k < ACC_ARRAY_LEN(names); k++) {
        if (strcmp(names[k], word) == 0) {
            acc_world_health(&s->world, c, (enum acc_docker_health)k);
            return 0;
        }
    }
    return c ? wrong(s, "no such health: ", word) : 0;
}

/* A container that somebody else makes: "docker create NAME [running] [as CONTAINER]". */
static int docker_create(struct script *s, char *rest)
{
    struct acc_world_container *c;
    uint32_t svc;
    uint32_t slot;
    char name[2 * ACC_NAME_MAX];
    bool is_running = false;
    int r = open_world(s);

    if (r != 0 || !find_slot(s, next(&rest), &svc, &slot)) {
        return r;
    }
    (void)snprintf(name, sizeof(name), "%s-%s-%u", s->world.model->services[svc]->stack,
                   s->world.model->services[svc]->name, (unsigned)slot);
    for (char *word = next(&rest); *word; word = next(&rest)) {
        if (strcmp(word, "running") == 0) {
            is_running = true;
        } else if (strcmp(word, "as") == 0) {
            (void)snprintf(name, sizeof(name), "%s", next(&rest));
        }
    }
    c = acc_world_add(&s->world, svc, slot, name, is_running);
    if (c) {
        acc_world_hint(&s->world, c, is_running ? ACC_HINT_START : ACC_HINT_CREATE);
    }
    return 0;
}

static int on_docker(struct script *s, char *rest)
{
    const char *verb = next(&rest);
    struct acc_world_container *c;

    if (strcmp(verb, "create") == 0) {
        return docker_create(s, rest);
    }
    c = find_container(s, next(&rest));
    if (!c) {
        return 0;
    }
    if (strcmp(verb, "stop") == 0) {
        acc_world_docker_stop(&s->world, c, true);
    } else if (strcmp(verb, "kill") == 0) {
        acc_world_hint(&s->world, c, ACC_HINT_KILL);
        acc_world_exit(&s->world, c, 137, false);
    } else if (strcmp(verb, "start") == 0) {
        acc_world_docker_start(&s->world, c);
    } else if (strcmp(verb, "rm") == 0) {
        acc_world_docker_rm(&s->world, c);
    } else if (strcmp(verb, "pause") == 0 || strcmp(verb, "unpause") == 0) {
        acc_world_docker_pause(&s->world, c, verb[0] == 'p');
    } else {
        return wrong(s, "docker can't ", verb);
    }
    return 0;
}

static int on_engine(struct script *s, char *rest)
{
    const char *what = next(&rest);
    char *word = next(&rest);
    bool is_live = strcmp(word, "live") == 0;

    if (strcmp(what, "stops") == 0) { /* as it goes down */
        struct acc_world_container *c = find_container(s, word);

        if (c) {
            acc_world_docker_stop(&s->world, c, false);
        }
    } else if (strcmp(what, "down") == 0) {
        acc_world_disconnect(&s->world, false, false);
    } else if (strcmp(what, "hangs") == 0) {
        acc_world_disconnect(&s->world, false, true);
    } else if (strcmp(what, "dies") == 0) {
        acc_world_disconnect(&s->world, true, false);
    } else if (strcmp(what, "up") == 0) {
        acc_world_connect(&s->world, false, false);
    } else if (strcmp(what, "back") == 0) {
        if (is_live) {
            acc_world_forget_health(&s->world);
        }
        acc_world_connect(&s->world, true, is_live);
    } else {
        return wrong(s, "the engine can't be ", what);
    }
    return 0;
}

static int on_accd(struct script *s, char *rest)
{
    const char *what = next(&rest);

    if (strcmp(what, "restarts") == 0 || strcmp(what, "dies") == 0) {
        acc_world_restart_accd(&s->world);
    } else if (strcmp(what, "forgets") == 0) { /* its state is lost */
        for (size_t i = 0; i < s->world.model->n_services; i++) {
            s->world.has_record[i] = false;
        }
        for (size_t i = 0; i < s->world.model->n_stacks; i++) {
            s->world.has_stack_record[i] = false;
        }
        s->world.maintenance = (struct acc_hold_record){.kind = ACC_HOLD_NONE};
        acc_world_restart_accd(&s->world);
    } else if (strcmp(what, "comes") != 0) {
        return wrong(s, "accd can't ", what);
    }
    if (strcmp(what, "dies") != 0) {
        acc_world_connect(&s->world, false, false);
    }
    return 0;
}

static int on_host(struct script *s, char *rest)
{
    (void)rest;
    acc_world_event(&s->world, &(struct acc_event){.type = ACC_EV_SHUTDOWN});
    return 0;
}

static int on_run(struct script *s, char *rest)
{
    const char *word = next(&rest);
    uint64_t ms;

    if (!parse_ms(word, &ms)) {
        return wrong(s, "run how long? not ", word);
    }
    acc_world_run(&s->world, ms);
    return s->world.has_failed ? wrong(s, "the engine does not come to rest", "") : 0;
}

/* --- behaviour ------------------------------------------------------------------------------- */

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
    return (strcmp(key, "creates") == 0 && parse_ms(value, &b->create_ms)) ||
           (strcmp(key, "starts") == 0 && parse_ms(value, &b->start_ms)) ||
           (strcmp(key, "stops") == 0 && parse_ms(value, &b->stop_ms)) ||
           (strcmp(key, "boots") == 0 && parse_ms(value, &b->boot_ms)) ||
           (strcmp(key, "hooks") == 0 && parse_ms(value, &b->hook_ms)) ||
           (strcmp(key, "crashes") == 0 && parse_ms(value, &b->crash_ms));
}

static bool set_behaviour(struct acc_world_service *b, const char *key, const char *value)
{
    const struct {
        const char *key;
        bool *field;
        bool is_when_no;
    } flags[] = {
        {"sick", &b->is_sick, false},
        {"waits", &b->is_waiting, false},
        {"listens", &b->is_deaf, true},
        {"answers", &b->is_silent, true},
        {"obeys-stop", &b->ignores_stop, true},
        {"obeys-kill", &b->ignores_kill, true},
        {"manual-flag", &b->no_manual_flag, true},
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
    return set_time(b, key, value) ||
           (strcmp(key, "create") == 0 && parse_result(value, &b->create)) ||
           (strcmp(key, "start") == 0 && parse_result(value, &b->start)) ||
           (strcmp(key, "hook") == 0 && parse_result(value, &b->hook));
}

/* "let NAME KEY=VALUE..." */
static int on_let(struct script *s, char *rest)
{
    char *name = next(&rest);
    uint32_t svc;
    int r = open_world(s);

    if (r != 0 || !find_service(s, name, &svc)) {
        return r;
    }
    for (char *word = next(&rest); *word; word = next(&rest)) {
        char *equals = strchr(word, '=');

        if (equals) {
            *equals = '\0';
        }
        if (!equals || !set_behaviour(&s->world.service[svc], word, equals + 1)) {
            return wrong(s, "no such behaviour: ", word);
        }
        s->world.service[svc].message = "the host says no";
    }
    return 0;
}

static int on_pulls(struct script *s, char *rest)
{
    int r = open_world(s);

    s->world.pull_message = "no such image";
    return r != 0 || parse_result(next(&rest), &s->world.pull) ? r : wrong(s, "pulls what?", "");
}

/* "up", "down", "freeze", "for TIME", "because WORD"; others are not its own. */
static bool read_hold(struct acc_cmd *cmd, const char *word, char **rest)
{
    for (int k = ACC_HOLD_UP; k < ACC_HOLD_COUNT; k++) {
        if (strcmp(word, acc_hold_name((enum acc_hold)k)) == 0) {
            cmd->hold = (enum acc_hold)k;
        }
    }
    if (strcmp(word, "because") == 0) {
        (void)snprintf(cmd->reason, sizeof(cmd->reason), "%s", next(rest));
    }
    return strcmp(word, "for") != 0 || parse_ms(next(rest), &cmd->for_ms);
}

static int on_verb(struct script *s, const char *verb, char *rest)
{
    const char *target = next(&rest);
    struct acc_cmd cmd = {.hold = ACC_HOLD_NONE};

    for (char *word = next(&rest); *word; word = next(&rest)) {
        cmd.with_dependents |= strcmp(word, "with-dependents") == 0;
        cmd.volumes |= strcmp(word, "volumes") == 0;
        if (!read_hold(&cmd, word, &rest)) {
            return wrong(s, "no such time: ", word);
        }
    }
    for (unsigned k = 0; k < ACC_VERB_COUNT; k++) {
        if (strcmp(acc_verb_name((enum acc_verb)k), verb) == 0) {
            cmd.verb = (enum acc_verb)k;
            if (cmd.verb == ACC_VERB_MAINTENANCE) { /* "on" or "off", of all */
                cmd.hold = strcmp(target, "on") == 0 ? ACC_HOLD_FREEZE : ACC_HOLD_NONE;
                target = "";
            }
            target = strcmp(target, "all") == 0 ? "" : target;
            return acc_world_cmd(&s->world, cmd, target) ? 0 : wrong(s, "no such target: ", target);
        }
    }
    return wrong(s, "no such word: ", verb);
}

/* --- what must be ---------------------------------------------------------------------------- */

static void check_list(struct script *s, const char *what, struct acc_buf *list, char *must)
{
    const char *is = list->len > 0 ? list->data : "nothing";

    must = trim(must);
    if (strcmp(is, must) != 0) {
        (void)differs(s, what, is, must);
    }
    acc_buf_reset(list);
}

static int on_then(struct script *s, char *rest)
{
    check_list(s, "asked of Docker", &s->asked, rest);
    return 0;
}

static int on_forget(struct script *s, char *rest)
{
    (void)rest;
    forget(s);
    return 0;
}

static int on_incidents(struct script *s, char *rest)
{
    check_list(s, "incidents", &s->incidents, rest);
    return 0;
}

static int on_state(struct script *s, char *rest)
{
    const char *name = next(&rest);
    const char *must = next(&rest);
    struct acc_service_view view;
    uint32_t svc;

    if (find_service(s, name, &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        if (strcmp(acc_svc_state_name(view.state), must) != 0) {
            (void)differs(s, "state", acc_svc_state_name(view.state), must);
        }
    }
    return 0;
}

static void check_number(struct script *s, const char *what, uint64_t is, const char *must)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)is);
    if (strcmp(text, must) != 0) {
        (void)differs(s, what, text, must);
    }
}

static int on_failures(struct script *s, char *rest)
{
    struct acc_service_record record;
    uint32_t svc;

    if (find_service(s, next(&rest), &svc)) {
        acc_engine_service_record(s->world.engine, svc, s->world.now_ms, &record);
        check_number(s, "counted failures", record.n_failures, next(&rest));
    }
    return 0;
}

static int on_restarts(struct script *s, char *rest)
{
    struct acc_service_view view;
    uint32_t svc;

    if (find_service(s, next(&rest), &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        check_number(s, "restarts", view.n_restarts, next(&rest));
    }
    return 0;
}

static int on_roots(struct script *s, char *rest)
{
    struct acc_service_view view;
    struct acc_buf list;
    uint32_t svc;

    acc_buf_init(&list, TEXT_MAX);
    if (find_service(s, next(&rest), &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        for (size_t i = 0; i < view.n_roots; i++) {
            add(&list, acc_world_nick(&s->world, view.roots[i]));
        }
        check_list(s, "roots", &list, rest);
    }
    acc_buf_fini(&list);
    return 0;
}

/* "impact N [now N peak N]": how many the newest incident has impaired or blocked. */
static int on_impact(struct script *s, char *rest)
{
    struct acc_incident_view view;

    if (acc_engine_incident_at(s->world.engine, 0, &view)) {
        check_number(s, "impact", view.n_impact, next(&rest));
        for (char *word = next(&rest); *word; word = next(&rest)) {
            bool is_now = strcmp(word, "now") == 0;

            check_number(s, word, is_now ? view.n_suffer : view.n_peak, next(&rest));
        }
    } else {
        (void)differs(s, "impact", "no incident", rest);
    }
    return 0;
}

/* "told TEXT": in a note since "begin". */
static int on_told(struct script *s, char *rest)
{
    rest = trim(rest);
    if (!s->told.data || !strstr(s->told.data, rest)) {
        (void)differs(s, "told", s->told.len > 0 ? s->told.data : "nothing", rest);
    }
    return 0;
}

static int on_says(struct script *s, char *rest)
{
    struct acc_service_view view;
    uint32_t svc;

    if (find_service(s, next(&rest), &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        rest = trim(rest);
        if (!strstr(view.reason, rest)) {
            (void)differs(s, "reason", view.reason, rest);
        }
    }
    return 0;
}

/* --- the script ------------------------------------------------------------------------------ */

static const struct word {
    const char *name;
    int (*run)(struct script *s, char *rest);
    bool needs_world;
} words[] = {
    {"stack", on_stack, false},
    {"phase", on_phase, false},
    {"service", on_service, false},
    {"no-service", on_no_service, false},
    {"observe", on_observe, false},
    {"begin", on_begin, false},
    {"let", on_let, false},
    {"pulls", on_pulls, false},
    {"docker", on_docker, false},
    {"apply", on_apply, true},
    {"exit", on_exit_, true},
    {"oom", on_oom, true},
    {"health", on_health, true},
    {"engine", on_engine, true},
    {"accd", on_accd, false},
    {"host", on_host, true},
    {"run", on_run, true},
    {"then", on_then, true},
    {"incidents", on_incidents, true},
    {"state", on_state, true},
    {"failures", on_failures, true},
    {"restarts", on_restarts, true},
    {"roots", on_roots, true},
    {"impact", on_impact, true},
    {"told", on_told, true},
    {"says", on_says, true},
    {"forget", on_forget, true},
};

static int run_line(struct script *s, char *line)
{
    char *comment = strchr(line, '#');
    const char *word;
    char shown[96];

    /* "web#2" is a slot; a comment begins the line or follows a blank. */
    for (; comment; comment = strchr(comment + 1, '#')) {
        if (comment == line || comment[-1] == ' ' || comment[-1] == '\t') {
            *comment = '\0';
            break;
        }
    }
    line = trim(line);
    (void)snprintf(shown, sizeof(shown), "%s", line);
    word = next(&line);
    if (*word == '\0') {
        return 0;
    }
    if (s->is_open) {
        verbose(s, "--", shown);
    }
    for (size_t k = 0; k < ACC_ARRAY_LEN(words); k++) {
        if (strcmp(words[k].name, word) == 0) {
            return words[k].needs_world && !s->is_open ? wrong(s, "\"begin\" comes before ", word)
                                                       : words[k].run(s, line);
        }
    }
    return s->is_open ? on_verb(s, word, line) : wrong(s, "no such word: ", word);
}

int acc_script_run(const char *text, bool is_verbose, struct acc_buf *out)
{
    struct script s = {.is_verbose = is_verbose, .out = out};
    char *copy = strdup(text);
    char *rest = copy;
    int r = copy ? 0 : -ENOMEM;

    acc_buf_init(&s.asked, TEXT_MAX);
    acc_buf_init(&s.told, TEXT_MAX);
    acc_buf_init(&s.incidents, TEXT_MAX);
    while (rest && r == 0 && s.result != ACC_SCRIPT_WRONG) {
        char *line = strsep(&rest, "\n");

        s.line++;
        r = run_line(&s, line);
    }
    if (s.is_open && s.asked.len > 0 && s.result == ACC_SCRIPT_OK) {
        (void)differs(&s, "asked of Docker after the last check", s.asked.data, "nothing");
    }
    if (s.is_open) {
        acc_world_fini(&s.world);
    }
    acc_model_text_fini(&s.model);
    acc_buf_fini(&s.asked);
    acc_buf_fini(&s.told);
    acc_buf_fini(&s.incidents);
    free(copy);
    return r < 0 ? r : s.result;
}
