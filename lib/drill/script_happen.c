/* What happens: to containers, to Docker, to accd, by hand and by the verbs of accctl. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/drill/script_internal.h"

static int on_exit_(struct script *s, char *rest)
{
    struct acc_world_container *c = acc_script_container(s, acc_script_next(&rest));

    if (c) {
        acc_world_exit(&s->world, c, (int32_t)strtol(acc_script_next(&rest), NULL, 10), false);
    }
    return 0;
}

static int on_oom(struct script *s, char *rest)
{
    struct acc_world_container *c = acc_script_container(s, acc_script_next(&rest));

    if (c) {
        acc_world_exit(&s->world, c, 137, true);
    }
    return 0;
}

static int on_health(struct script *s, char *rest)
{
    static const char *const names[] = {"none", "starting", "healthy", "unhealthy"};
    struct acc_world_container *c = acc_script_container(s, acc_script_next(&rest));
    const char *word = acc_script_next(&rest);

    for (unsigned k = 0; c && k < ACC_ARRAY_LEN(names); k++) {
        if (strcmp(names[k], word) == 0) {
            bool has_failed = strcmp(word = acc_script_next(&rest), "failed") == 0;
            bool has_passed = strcmp(word, "passed") == 0;
            bool is_told = strcmp(has_failed || has_passed ? acc_script_next(&rest) : word,
                                  "untold") != 0;

            acc_world_health(&s->world, c, (enum acc_docker_health)k,
                             has_failed || (k == ACC_DH_UNHEALTHY && !has_passed), is_told);
            return 0;
        }
    }
    return c ? acc_script_wrong(s, "no such health: ", word) : 0;
}

/* A container that somebody else makes: "docker create NAME [running] [as CONTAINER]". */
static int docker_create(struct script *s, char *rest)
{
    struct acc_world_container *c;
    uint32_t svc;
    uint32_t slot;
    char name[2 * ACC_NAME_MAX];
    bool is_running = false;
    int r = acc_script_open(s);

    if (r != 0 || !acc_script_slot(s, acc_script_next(&rest), &svc, &slot)) {
        return r;
    }
    (void)snprintf(name, sizeof(name), "%s-%s-%u", s->world.model->services[svc]->stack,
                   s->world.model->services[svc]->name, (unsigned)slot);
    for (char *word = acc_script_next(&rest); *word; word = acc_script_next(&rest)) {
        if (strcmp(word, "running") == 0) {
            is_running = true;
        } else if (strcmp(word, "as") == 0) {
            (void)snprintf(name, sizeof(name), "%s", acc_script_next(&rest));
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
    const char *verb = acc_script_next(&rest);
    struct acc_world_container *c;

    if (strcmp(verb, "create") == 0) {
        return docker_create(s, rest);
    }
    c = acc_script_container(s, acc_script_next(&rest));
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
        acc_world_docker_rm(&s->world, c, strcmp(acc_script_next(&rest), "seen") == 0);
    } else if (strcmp(verb, "network-rm") == 0) { /* and another one of the name is made */
        c->is_netless = true;
    } else if (strcmp(verb, "network-disconnect") == 0 || strcmp(verb, "network-connect") == 0) {
        acc_world_docker_network(&s->world, c, acc_script_next(&rest), verb[8] == 'c');
    } else if (strcmp(verb, "pause") == 0 || strcmp(verb, "unpause") == 0) {
        acc_world_docker_pause(&s->world, c, verb[0] == 'p');
    } else if (strcmp(verb, "rename") == 0 && strcmp(acc_script_next(&rest), "as") == 0) {
        acc_world_docker_rename(&s->world, c, acc_script_next(&rest));
    } else {
        return acc_script_wrong(s, "docker can't ", verb);
    }
    return 0;
}

static int on_engine(struct script *s, char *rest)
{
    const char *what = acc_script_next(&rest);
    char *word = acc_script_next(&rest);
    bool is_live = strcmp(word, "live") == 0;

    if (strcmp(what, "stops") == 0) { /* as it goes down */
        struct acc_world_container *c = acc_script_container(s, word);

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
    } else if (strcmp(what, "back") == 0 && strcmp(word, "killing") == 0) {
        acc_world_connect_killing(&s->world);
    } else if (strcmp(what, "back") == 0) {
        if (is_live) {
            acc_world_forget_health(&s->world);
        }
        acc_world_connect(&s->world, true, is_live);
    } else {
        return acc_script_wrong(s, "the engine can't be ", what);
    }
    return 0;
}

/* "accd dies-before rename": the next time; "accd comes" is for later. */
static int set_death(struct script *s, const char *what, const char *word)
{
    for (unsigned k = 0; k < ACC_ACT_TYPE_COUNT; k++) {
        if (strcmp(acc_action_type_name((enum acc_action_type)k), word) == 0) {
            s->world.dies_at = (enum acc_action_type)k;
            s->world.death = strcmp(what, "dies-after") == 0 ? ACC_WORLD_DIES_AFTER
                                                             : ACC_WORLD_DIES_BEFORE;
            return 0;
        }
    }
    return acc_script_wrong(s, "accd never asks for ", word);
}

static int on_accd(struct script *s, char *rest)
{
    const char *what = acc_script_next(&rest);

    if (strcmp(what, "restarts") == 0 || strcmp(what, "dies") == 0) {
        acc_world_restart_accd(&s->world);
    } else if (strcmp(what, "dies-before") == 0 || strcmp(what, "dies-after") == 0) {
        return set_death(s, what, acc_script_next(&rest));
    } else if (strcmp(what, "forgets") == 0) { /* its state is lost */
        for (size_t i = 0; i < s->world.model->n_services; i++) {
            s->world.has_record[i] = false;
        }
        for (size_t i = 0; i < s->world.model->n_stacks; i++) {
            s->world.has_stack_record[i] = false;
        }
        s->world.n_revisions = 0;
        s->world.n_incidents = 0;
        s->world.maintenance = (struct acc_hold_record){.kind = ACC_HOLD_NONE};
        acc_world_restart_accd(&s->world);
    } else if (strcmp(what, "comes") != 0) {
        return acc_script_wrong(s, "accd can't ", what);
    }
    if (strcmp(what, "dies") != 0) {
        acc_world_connect(&s->world, false, false);
    }
    return 0;
}

/* "host shutdown for TIME", or at once; "host stays" */
static int shut_down(struct script *s, bool is_cancelled, const char *budget)
{
    struct acc_event event = {.type = ACC_EV_SHUTDOWN};

    event.shutdown.is_cancelled = is_cancelled;
    if (*budget && !acc_script_ms(budget, &event.shutdown.budget_ms)) {
        return acc_script_wrong(s, "no such time: ", budget);
    }
    acc_world_event(&s->world, &event);
    return 0;
}

/* "host shutdown [for TIME]", "host stays", "host CONDITION yes|no|unknown", or "host PATH
 * MOUNT-POINT TYPE SOURCE ROOT" of a bind source: where it lies; "/" is the root file system,
 * "unknown" that nobody can tell, "untold" that nobody has looked yet. */
static int on_host(struct script *s, char *rest)
{
    static const char *const words[] = {"unknown", "no", "yes"};
    const char *what = acc_script_next(&rest);
    const char *place = what[0] == '/' ? acc_script_trim(rest) : NULL;
    const char *word = place ? place : acc_script_next(&rest);
    int r = acc_script_open(s);

    if (r != 0) {
        return r;
    }
    if (place) {
        return acc_world_place(&s->world, what, strcmp(place, "unknown") == 0 ? "" : place)
                   ? 0
                   : acc_script_wrong(s, "no such bind source: ", what);
    }
    if (strcmp(what, "shutdown") == 0 || strcmp(what, "stays") == 0) {
        return shut_down(s, what[1] == 't', acc_script_next(&rest)); /* behind "for" */
    }
    for (unsigned k = 0; k < ACC_ARRAY_LEN(words); k++) {
        if (strcmp(words[k], word) == 0 && strcmp(what, ACC_CONDITION_DISK) == 0) {
            struct acc_event event = {.type = ACC_EV_HOST};

            event.host.condition = what;
            event.host.is_met = (enum acc_tri)k;
            acc_world_event(&s->world, &event);
            return 0;
        }
        if (strcmp(words[k], word) == 0) {
            return acc_world_host(&s->world, what, (enum acc_tri)k)
                       ? 0
                       : acc_script_wrong(s, "no such condition: ", what);
        }
    }
    return acc_script_wrong(s, "the host's condition is yes, no or unknown, not ", word);
}

static int on_run(struct script *s, char *rest)
{
    const char *word = acc_script_next(&rest);
    uint64_t ms;

    if (!acc_script_ms(word, &ms)) {
        return acc_script_wrong(s, "run how long? not ", word);
    }
    acc_world_run(&s->world, ms);
    return s->world.has_failed ? acc_script_wrong(s, "the engine does not come to rest", "") : 0;
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
        (void)snprintf(cmd->reason, sizeof(cmd->reason), "%s", acc_script_next(rest));
    }
    return strcmp(word, "for") != 0 || acc_script_ms(acc_script_next(rest), &cmd->for_ms);
}

int acc_script_verb(struct script *s, const char *verb, char *rest)
{
    const char *target = acc_script_next(&rest);
    struct acc_cmd cmd = {.hold = ACC_HOLD_NONE};

    for (char *word = acc_script_next(&rest); *word; word = acc_script_next(&rest)) {
        cmd.with_dependents |= strcmp(word, "with-dependents") == 0;
        cmd.volumes |= strcmp(word, "volumes") == 0;
        cmd.yes |= strcmp(word, "yes") == 0;
        cmd.keep |= strcmp(word, "keep") == 0;
        if (strncmp(word, "image=", 6) == 0) {
            (void)snprintf(cmd.image, sizeof(cmd.image), "%s", word + 6);
        } else if (strncmp(word, "to=", 3) == 0) {
            cmd.revision = (uint32_t)strtoul(word + 3, NULL, 10);
        }
        if (!read_hold(&cmd, word, &rest)) {
            return acc_script_wrong(s, "no such time: ", word);
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
            if (cmd.verb == ACC_VERB_RELEASE && acc_root_is_path(target)) {
                (void)snprintf(cmd.root, sizeof(cmd.root), "%s", target);
            }
            return acc_world_cmd(&s->world, cmd, target)
                       ? 0
                       : acc_script_wrong(s, "no such target: ", target);
        }
    }
    return acc_script_wrong(s, "no such word: ", verb);
}

const struct acc_script_word acc_script_happens[] = {
    {"docker", on_docker, false}, {"exit", on_exit_, true},    {"oom", on_oom, true},
    {"health", on_health, true},  {"engine", on_engine, true}, {"accd", on_accd, false},
    {"host", on_host, false},     {"run", on_run, true},       {NULL, NULL, false},
};
