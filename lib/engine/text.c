/*
 * Words: names of enums, notes, how an exit is told.
 */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/engine/internal.h"

const char *acc_action_type_name(enum acc_action_type type)
{
    static const char *const names[] = {
        "journal",
        "journal-end",
        "save-service",
        "save-stack",
        "save-revision",
        "save-maintenance",
        "inspect",
        "list",
        "compare",
        "probe",
        "look-up",
        "ensure",
        "remove-resource",
        "create",
        "start",
        "stop",
        "kill",
        "remove",
        "unpause",
        "update",
        "set-policy",
        "upgrade-hook",
        "pull",
        "route",
        "drain",
        "undrain",
        "rename",
        "hook",
        "note",
        "incident",
    };

    static_assert(ACC_ARRAY_LEN(names) == ACC_ACT_TYPE_COUNT, "one name per action");
    return names[type];
}

const char *acc_verb_name(enum acc_verb verb)
{
    static const char *const names[] = {"up",      "start",    "stop",    "down",
                                        "restart", "adopt",    "release", "hand-back",
                                        "upgrade", "rollback", "hold",    "maintenance"};

    static_assert(ACC_ARRAY_LEN(names) == ACC_VERB_COUNT, "one name per verb");
    return names[verb];
}

const char *acc_svc_state_name(enum acc_svc_state state)
{
    static const char *const names[] = {
        "off",      "blocked",   "queued",       "starting",  "up",
        "impaired", "backoff",   "open",         "half-open", "failed",
        "held",     "upgrading", "rolling-back", "stopping",  "done",
    };

    static_assert(ACC_ARRAY_LEN(names) == ACC_SVC_STATE_COUNT, "one name per state");
    return names[state];
}

const char *acc_inst_state_name(enum acc_inst_state state)
{
    static const char *const names[] = {
        "absent",   "creating", "created", "starting", "probing",  "ready",      "degraded",
        "draining", "stopping", "exited",  "paused",   "removing", "quarantine",
    };

    static_assert(ACC_ARRAY_LEN(names) == ACC_INST_STATE_COUNT, "one name per state");
    return names[state];
}

const char *acc_verdict_name(enum acc_verdict verdict)
{
    static const char *const names[] = {"none", "unknown", "starting", "healthy", "unhealthy"};

    return names[verdict];
}

const char *acc_evidence_name(enum acc_evidence evidence)
{
    static const char *const names[] = {"", "check", "probe", "listens", "runs"};

    return names[evidence];
}

const char *acc_fail_class_name(enum fail_class class)
{
    static const char *const names[] = {"config", "start",       "exit",
                                        "oom",    "never-ready", "unhealthy"};

    static_assert(ACC_ARRAY_LEN(names) == FAIL_CLASS_COUNT, "one name per class");
    return names[class];
}

void acc_copy(char *out, size_t out_size, const char *text)
{
    size_t len = strnlen(text, out_size - 1); /* cut: the start tells */

    memcpy(out, text, len);
    out[len] = '\0';
    if (text[len]) {
        (void)acc_mark_cut(out, len, out_size - 1);
    }
}

struct acc_told acc_output_told(const struct instance *i)
{
    struct acc_told told = {.text = ""};

    if (i->output[0]) {
        memcpy(told.text, ": ", 2);
        acc_copy(told.text + 2, sizeof(told.text) - 2, i->output);
    }
    return told;
}

void acc_exit_text(int32_t code, bool oom, char *out, size_t out_size)
{
    const char *what = oom                          ? " (out of memory)"
                       : code == 125                ? " (the container could not be run)"
                       : code == 126                ? " (its command can't be executed)"
                       : code == 127                ? " (its command was not found)"
                       : code == 134                ? " (aborted)"
                       : code == 137                ? " (killed)"
                       : code == 139                ? " (segmentation fault)"
                       : code == 143 || code == 130 ? " (terminated)"
                                                    : "";

    (void)snprintf(out, out_size, "exited with %d%s", (int)code, what);
}

__attribute__((format(printf, 5, 0))) static void note(struct acc_engine *e,
                                                       enum acc_note_kind kind, uint32_t svc,
                                                       const char *who, const char *fmt,
                                                       va_list args)
{
    struct acc_action *action;
    size_t len;

    if (e->out->cap - e->out->n <= ACC_ROOM / 2) {
        return; /* thousands of services changed at once: history may lack a line */
    }
    action = acc_ask(e, ACC_ACT_NOTE, svc, NULL);
    action->note.kind = kind;
    acc_copy(action->note.text, sizeof(action->note.text), who);
    len = strlen(action->note.text);
    (void)vsnprintf(action->note.text + len, sizeof(action->note.text) - len, fmt, args); /* cut */
    acc_asked(e, action);
}

void acc_note(struct acc_engine *e, enum acc_note_kind kind, uint32_t svc, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    note(e, kind, svc, "", fmt, args);
    va_end(args);
}

void acc_note_inst(struct acc_engine *e, enum acc_note_kind kind, const struct instance *i,
                   const char *fmt, ...)
{
    const struct service *s = acc_svc_of(e, i);
    char who[ACC_NAME_MAX + 3] = "";
    va_list args;

    if (i->present && (i->is_spare || s->n_inst > 1)) {
        (void)snprintf(who, sizeof(who), "%s: ", i->name);
    }
    va_start(args, fmt);
    note(e, kind, i->svc, who, fmt, args);
    va_end(args);
}
