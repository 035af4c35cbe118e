#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "lib/base/str.h"
#include "lib/codec/json_get.h"
#include "lib/drill/drill.h"
#include "load/load.h"

#define HOST "host:" /* before what of the host is to be missing */

struct story {
    struct accctl *ctl;
    cJSON *events; /* NULL: as text */
};

static void tell(void *data, const struct acc_drill_event *event)
{
    struct story *story = data;
    FILE *out = story->ctl->out;

    if (story->events) {
        cJSON *item = cJSON_CreateObject();

        (void)cJSON_AddNumberToObject(item, "ms", (double)event->ms);
        (void)cJSON_AddStringToObject(item, "kind", event->kind);
        (void)cJSON_AddStringToObject(item, "service", event->service);
        (void)cJSON_AddStringToObject(item, "text", event->text);
        (void)cJSON_AddItemToArray(story->events, item);
        return;
    }
    bool is_action = strcmp(event->kind, "action") == 0;
    const char *prefix = strcmp(event->kind, "incident") == 0 ? "incident: " : "";

    (void)fprintf(out, "%8.1f s  %s%s%s%s\n", (double)event->ms / 1000, prefix,
                  is_action ? event->text : event->service, *event->service ? " " : "",
                  is_action ? event->service : event->text);
}

static int load(struct accctl *ctl, struct acc_loaded *loaded)
{
    const struct accctl_options *o = ctl->options;
    const char *path = o->args[0];
    struct acc_load_options options = {
        .config = path, .project = o->project, .hint = "name an acc.yaml or a Compose file"};
    struct acc_diags *diags = calloc(1, sizeof(*diags));
    int r = -ENOMEM;

    if (!accctl_is_config(path)) {
        options.files = o->args;
        options.n_files = o->n_args;
    }
    if (diags) {
        r = acc_load(&options, loaded, diags);
        accctl_print_diags(ctl, diags);
    }
    free(diags);
    return r;
}

static void print_text(struct accctl *ctl, const struct acc_drill_result *result)
{
    char span[64];
    size_t n_bad = 0;

    for (size_t i = 0; i < result->n_services; i++) {
        const struct acc_drill_service *s = &result->service[i];

        if (s->was_bad) {
            acc_format_span_ms(s->bad_ms, span, sizeof(span));
            (void)fprintf(ctl->out, "%s%s: not well for %s, restarted %llu time%s\n",
                          n_bad++ == 0 ? "\n" : "", s->id, span, (unsigned long long)s->n_restarts,
                          acc_plural(s->n_restarts));
        }
    }
    acc_format_span_ms(result->well_ms, span, sizeof(span));
    (void)fprintf(ctl->out, "\n%zu of %zu service%s suffer%s; %s%s\n", n_bad, result->n_services,
                  acc_plural(result->n_services), n_bad == 1 ? "s" : "",
                  result->is_well ? "all is well after " : "not all is well after 4 hours",
                  result->is_well ? span : "");
}

static void print_json(struct accctl *ctl, cJSON *root, const struct acc_drill_result *result)
{
    cJSON *list = cJSON_AddArrayToObject(root, "services");

    for (size_t i = 0; i < result->n_services; i++) {
        const struct acc_drill_service *s = &result->service[i];
        cJSON *item = s->was_bad ? cJSON_CreateObject() : NULL;

        if (item) {
            (void)cJSON_AddStringToObject(item, "id", s->id);
            (void)cJSON_AddNumberToObject(item, "bad_ms", (double)s->bad_ms);
            (void)cJSON_AddNumberToObject(item, "restarts", (double)s->n_restarts);
            (void)cJSON_AddItemToArray(list, item);
        }
    }
    (void)cJSON_AddBoolToObject(root, "well", result->is_well);
    (void)cJSON_AddNumberToObject(root, "well_ms", (double)result->well_ms);
    accctl_print_json(ctl, root);
}

static bool is_known_to_host(struct accctl *ctl, const struct acc_model *model, const char *host)
{
    for (size_t k = 0; k < model->n_conditions; k++) {
        if (acc_drill_is_meant(&model->conditions[k], host)) {
            return true;
        }
    }
    (void)fprintf(ctl->err, "accctl: no service needs %s of the host", host);
    for (size_t k = 0; k < model->n_conditions; k++) {
        (void)fprintf(ctl->err, "%s host:%s", k == 0 ? ", but:" : "", model->conditions[k].text);
    }
    (void)fprintf(ctl->err, "\n");
    return false;
}

/* What is to break: false, and it was said what is wrong. */
static bool read_ask(struct accctl *ctl, const struct acc_model *model, struct acc_drill_ask *ask)
{
    const struct accctl_options *o = ctl->options;
    const char *name = o->fail ? o->fail : o->flap ? o->flap : o->oom;
    bool is_ambiguous = false;

    *ask = (struct acc_drill_ask){.what = o->fail   ? ACC_DRILL_FAIL
                                          : o->flap ? ACC_DRILL_FLAP
                                                    : ACC_DRILL_OOM};
    if (o->fail && strcmp(name, "engine") == 0) {
        ask->what = ACC_DRILL_ENGINE;
        return true;
    }
    if (o->fail && strncmp(name, HOST, strlen(HOST)) == 0) {
        ask->what = ACC_DRILL_HOST;
        ask->host = name + strlen(HOST);
        return is_known_to_host(ctl, model, ask->host);
    }
    ask->svc = acc_model_find(model, name, &is_ambiguous);
    if (ask->svc == ACC_NONE) {
        (void)fprintf(ctl->err, "accctl: %s '%s'\n",
                      is_ambiguous ? "several stacks have a service" : "there is no service", name);
    }
    return ask->svc != ACC_NONE;
}

/* Before a file is read: who forgot what is to break need not have one. */
static bool names_what(struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;
    int n = (o->fail != NULL) + (o->flap != NULL) + (o->oom != NULL);

    if (n != 1) {
        (void)fprintf(ctl->err,
                      "accctl: drill %s: give one of --fail SERVICE, --fail engine, --fail "
                      "host:WHAT, --flap SERVICE and --oom SERVICE\nTry 'accctl help drill'.\n",
                      n == 0 ? "lacks what is to break" : "breaks one thing at a time");
    }
    return n == 1;
}

/* The running accd's configuration and state. */
static enum accctl_exit ask(struct accctl *ctl, struct acc_model **ret_model, char **ret_state)
{
    cJSON *reply = NULL;
    enum accctl_exit code = accctl_ask_for(ctl, "io.acc.State", cJSON_CreateObject(),
                                           accctl_limit_ms(ctl), &reply);
    const cJSON *line;
    struct acc_buf text;
    int r;

    acc_buf_init(&text, SIZE_MAX / 2);
    cJSON_ArrayForEach(line, acc_json_array(acc_json_object(reply, "parameters"), "lines"))
    {
        const char *one = acc_json_text_of(line);

        (void)acc_buf_printf(&text, "%s\n", one ? one : "");
    }
    if (code == ACCCTL_DONE) {
        r = acc_drill_read(text.data ? text.data : "", ret_model, ret_state);
        if (r < 0) {
            (void)fprintf(ctl->err,
                          "accctl: drill: accctl does not understand this accd: %s. See: accctl "
                          "version\n",
                          strerror(-r));
            code = ACCCTL_FAILED;
        }
    } else if (code == ACCCTL_AWAY) {
        (void)fprintf(ctl->err, "accctl: without accd: name an acc.yaml or a Compose file\n");
    }
    acc_buf_fini(&text);
    cJSON_Delete(reply);
    return code;
}

static const char *why_not(int r)
{
    switch (r) {
    case -EAGAIN:
        return "not even without trouble would all come up";
    case -ENOTCONN:
        return "accd can't reach Docker just now, so there is nothing to begin with";
    case -ESRCH:
        return "that service doesn't run just now, so it can't break";
    case -EALREADY:
        return "the host lacks that already: accctl incidents tells who suffers";
    case -EINVAL:
        return "accctl does not understand this accd's state. See: accctl version";
    default:
        return strerror(-r);
    }
}

/* `state` NULL: all is brought up first. Takes the model over. */
static enum accctl_exit play(struct accctl *ctl, struct acc_model *model, const char *state)
{
    struct acc_drill_result result = {0};
    struct story story = {ctl, NULL};
    cJSON *root = NULL;
    struct acc_drill_ask ask;
    int r;

    if (!read_ask(ctl, model, &ask)) {
        (void)acc_model_destroy(model);
        return ACCCTL_USAGE;
    }
    if (ctl->options->json) {
        root = cJSON_CreateObject();
        story.events = cJSON_AddArrayToObject(root, "events");
    }
    r = state ? acc_drill_run_from(model, state, &ask, tell, &story, &result)
              : acc_drill_run(model, &ask, tell, &story, &result);
    if (r < 0) {
        (void)fprintf(ctl->err, "accctl: drill: %s\n", why_not(r));
    } else if (root) {
        print_json(ctl, root, &result);
    } else {
        print_text(ctl, &result);
    }
    bool is_well = result.is_well;

    cJSON_Delete(root);
    acc_drill_result_fini(&result);
    return r < 0 || !is_well ? ACCCTL_FAILED : ACCCTL_DONE;
}

enum accctl_exit accctl_cmd_drill(struct accctl *ctl)
{
    struct acc_loaded loaded = {0};
    struct acc_model *model = NULL;
    char *state = NULL;
    enum accctl_exit code = ACCCTL_INVALID;

    if (!names_what(ctl)) {
        return ACCCTL_USAGE;
    }
    if (ctl->options->n_args == 0) {
        code = ask(ctl, &model, &state);
        code = code == ACCCTL_DONE ? play(ctl, model, state) : code;
        free(state);
        return code;
    }
    if (load(ctl, &loaded) == 0) {
        code = play(ctl, loaded.model, NULL);
        loaded.model = NULL; /* taken over */
    }
    acc_loaded_fini(&loaded);
    return code;
}
