#include "lib/drill/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/drill/heard.h"
#include "lib/drill/script_internal.h"

/* "begin" lets so much time pass after all are up: nothing that was learned on the way matters. */
#define BEGIN_MS  700000u
#define STATE_MAX (64u << 20)

int acc_script_wrong(struct script *s, const char *what, const char *word)
{
    (void)acc_buf_printf(s->out, "line %u: %s%s\n", s->line, what, word);
    s->result = ACC_SCRIPT_WRONG;
    return s->result;
}

int acc_script_differs(struct script *s, const char *what, const char *is, const char *must)
{
    (void)acc_buf_printf(s->out, "line %u: %s\n    is       %s\n    must be  %s\n", s->line, what,
                         is, must);
    s->result = s->result == ACC_SCRIPT_WRONG ? ACC_SCRIPT_WRONG : ACC_SCRIPT_DIFFERS;
    return s->result;
}

/* --- what is asked and told ------------------------------------------------------------------ */

void acc_script_add(struct acc_buf *list, const char *word)
{
    (void)acc_buf_printf(list, "%s%s", list->len > 0 ? ", " : "", word);
}

static void verbose(struct script *s, const char *what, const char *text)
{
    uint64_t ms = s->world.now_ms - s->begin_ms;

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
    slash = strncmp(view.root, "host:", 5) == 0 ? NULL : strrchr(view.root, '/');
    (void)snprintf(text, sizeof(text), "%s %s", slash ? slash + 1 : view.root,
                   phases[action->incident.phase]);
    acc_script_add(&s->incidents, text);
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

static void watch_change(struct script *s, const struct acc_action *action)
{
    char text[2 * ACC_NAME_MAX + 64];

    acc_heard_asked(s->world.model, s->world.engine, action, text, sizeof(text));
    if (action->type != ACC_ACT_ENSURE_RESOURCE) { /* what is there already is asked for, too */
        acc_script_add(&s->asked, text);
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
    } else if (acc_heard_is_change(action->type)) {
        watch_change(s, action);
    }
}

/* --- the beginning --------------------------------------------------------------------------- */

int acc_script_open(struct script *s)
{
    struct acc_model *model = NULL;
    int r;

    if (s->is_open) {
        return 0;
    }
    r = acc_model_text_build(&s->model, &model, s->out);
    if (r == -EINVAL) {
        return acc_script_wrong(s, "this configuration can't be used", "");
    }
    if (r == 0 && s->state.len > 0) {
        r = acc_world_init_from(&s->world, model, s->state.data);
        if (r == -EINVAL) {
            return acc_script_wrong(s, "this state is of another configuration, or of another accd",
                                    "");
        }
    } else {
        r = r < 0 ? r : acc_world_init(&s->world, model, s->observes);
    }
    if (r == 0) {
        s->is_open = true;
        s->begin_ms = s->world.now_ms;
        s->world.watch = watch;
        s->world.watch_data = s;
    }
    return r;
}

void acc_script_forget(struct script *s)
{
    acc_buf_reset(&s->asked);
    acc_buf_reset(&s->told);
    acc_buf_reset(&s->incidents);
}

static int on_begin(struct script *s, char *rest)
{
    bool is_cold = strcmp(acc_script_trim(rest), "cold") == 0;
    int r = acc_script_open(s);

    if (r != 0) {
        return r;
    }
    acc_world_connect(&s->world, false, false);
    if (!is_cold) {
        acc_world_run(&s->world, BEGIN_MS);
        acc_script_forget(s);
    }
    return 0;
}

static int on_stack(struct script *s, char *rest)
{
    return acc_model_text_stack(&s->model, acc_script_next(&rest));
}

static int on_resource(struct script *s, char *rest)
{
    return acc_model_text_resource(&s->model, rest);
}

/* "was ...": of a state that was saved; kept as it is until all of it is there. */
static int on_was(struct script *s, char *rest)
{
    if (s->is_open) {
        return acc_script_wrong(s, "\"was\" comes before all that happens", "");
    }
    return acc_buf_printf(&s->state, "was %s\n", rest);
}

/* "hear MS TYPE ...": exactly this is told to the engine, and from here on nothing else. */
static int on_hear(struct script *s, char *rest)
{
    struct acc_heard *heard = NULL;
    int r = acc_script_open(s);

    if (r != 0) {
        return r;
    }
    r = acc_heard_read(rest, acc_engine_n_services(s->world.engine), &heard);
    if (r == -EINVAL || (r == 0 && heard->event.now_ms < s->world.now_ms)) {
        acc_heard_free(heard);
        return acc_script_wrong(s, "hear what? not ", rest);
    }
    if (r == 0) {
        s->world.is_puppet = true;
        s->world.now_ms = heard->event.now_ms;
        acc_world_event(&s->world, &heard->event);
    }
    acc_heard_free(heard);
    return r;
}

static int on_phase(struct script *s, char *rest)
{
    char *name = acc_script_next(&rest);
    int r = acc_model_text_phase(&s->model, name, acc_script_trim(rest));

    return r == -EINVAL ? acc_script_wrong(s, "no such gate: ", rest) : r;
}

static int on_service(struct script *s, char *rest)
{
    char *name = acc_script_next(&rest);

    return *name ? acc_model_text_service(&s->model, name, rest)
                 : acc_script_wrong(s, "service what?", "");
}

static int on_no_service(struct script *s, char *rest)
{
    char *name = acc_script_next(&rest);

    return acc_model_text_remove(&s->model, name) ? 0 : acc_script_wrong(s, "no service ", name);
}

static int on_apply(struct script *s, char *rest)
{
    struct acc_model *model = NULL;
    int r = acc_model_text_build(&s->model, &model, s->out);

    if (r == -EINVAL) {
        return acc_script_wrong(s, "this configuration can't be used", "");
    }
    return r < 0 ? r : acc_world_reconfigure(&s->world, model, strcmp(rest, "prune") == 0);
}

static int on_observe(struct script *s, char *rest)
{
    (void)rest;
    s->observes = true;
    return 0;
}

/* --- the script ------------------------------------------------------------------------------ */

static const struct acc_script_word begins[] = {
    {"stack", on_stack, false},
    {"phase", on_phase, false},
    {"service", on_service, false},
    {"no-service", on_no_service, false},
    {"observe", on_observe, false},
    {"begin", on_begin, false},
    {"apply", on_apply, true},
    {"resource", on_resource, false},
    {"was", on_was, false},
    {"hear", on_hear, false},
    {NULL, NULL, false},
};

static const struct acc_script_word *find_word(const char *name)
{
    const struct acc_script_word *const tables[] = {begins, acc_script_happens, acc_script_lets,
                                                    acc_script_musts};

    for (size_t k = 0; k < ACC_ARRAY_LEN(tables); k++) {
        for (const struct acc_script_word *word = tables[k]; word->name; word++) {
            if (strcmp(word->name, name) == 0) {
                return word;
            }
        }
    }
    return NULL;
}

static int run_line(struct script *s, char *line)
{
    char *comment = strchr(line, '#');
    const struct acc_script_word *known;
    const char *word;
    char shown[96];

    /* "web#2" is a slot; a comment begins the line or follows a blank. */
    for (; comment; comment = strchr(comment + 1, '#')) {
        if (comment == line || comment[-1] == ' ' || comment[-1] == '\t') {
            *comment = '\0';
            break;
        }
    }
    line = acc_script_trim(line);
    (void)snprintf(shown, sizeof(shown), "%s", line);
    word = acc_script_next(&line);
    if (*word == '\0') {
        return 0;
    }
    if (s->is_open && !s->world.is_puppet) {
        verbose(s, "--", shown);
    }
    if (!s->is_open && s->state.len > 0 && strcmp(word, "was") != 0) {
        int r = acc_script_open(s);

        if (r != 0) {
            return r;
        }
    }
    known = find_word(word);
    if (known) {
        return known->needs_world && !s->is_open
                   ? acc_script_wrong(s, "\"begin\" comes before ", word)
                   : known->run(s, line);
    }
    return s->is_open ? acc_script_verb(s, word, line)
                      : acc_script_wrong(s, "no such word: ", word);
}

int acc_script_run(const char *text, bool is_verbose, struct acc_buf *out)
{
    struct script s = {.is_verbose = is_verbose, .out = out};
    char *copy = strdup(text);
    char *rest = copy;
    int r = copy ? 0 : -ENOMEM;

    acc_buf_init(&s.asked, ACC_SCRIPT_TEXT_MAX);
    acc_buf_init(&s.told, ACC_SCRIPT_TEXT_MAX);
    acc_buf_init(&s.incidents, ACC_SCRIPT_TEXT_MAX);
    acc_buf_init(&s.state, STATE_MAX);
    while (rest && r == 0 && s.result != ACC_SCRIPT_WRONG) {
        char *line = strsep(&rest, "\n");

        s.line++;
        r = run_line(&s, line);
    }
    if (s.is_open && s.asked.len > 0 && s.result == ACC_SCRIPT_OK) {
        (void)acc_script_differs(&s, "asked of Docker after the last check", s.asked.data,
                                 "nothing");
    }
    if (s.is_open) {
        acc_world_fini(&s.world);
    }
    acc_model_text_fini(&s.model);
    acc_buf_fini(&s.asked);
    acc_buf_fini(&s.told);
    acc_buf_fini(&s.incidents);
    acc_buf_fini(&s.state);
    free(copy);
    return r < 0 ? r : s.result;
}
