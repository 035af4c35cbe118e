#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "lib/base/str.h"
#include "load/load.h"

#define DEFAULT_CONFIG "/etc/acc/acc.yaml"

void accctl_print_diags(struct accctl *ctl, const struct acc_diags *diags)
{
    char line[ACC_DIAG_FILE_MAX + ACC_DIAG_TEXT_MAX + 64];

    for (size_t i = 0; i < diags->n; i++) {
        (void)acc_diag_format(&diags->item[i], line, sizeof(line));
        (void)fprintf(ctl->err, "%s\n", line);
    }
    if (diags->n_dropped > 0) {
        (void)fprintf(ctl->err, "and %zu more\n", diags->n_dropped);
    }
}

static void json_diags(cJSON *list, const struct acc_diags *diags)
{
    for (size_t i = 0; i < diags->n; i++) {
        const struct acc_diag *diag = &diags->item[i];
        cJSON *item = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(item, "file", diag->file);
        (void)cJSON_AddNumberToObject(item, "line", diag->line);
        (void)cJSON_AddNumberToObject(item, "column", diag->col);
        (void)cJSON_AddStringToObject(item, "severity",
                                      diag->severity == ACC_SEVERITY_WARNING ? "warning" : "error");
        (void)cJSON_AddStringToObject(item, "text", diag->text);
        (void)cJSON_AddItemToArray(list, item);
    }
}

/* Of all that is checked. */
struct found {
    cJSON *problems;
    size_t n_dropped; /* beyond ACC_DIAGS_MAX */
};

static void tell_fine(struct accctl *ctl, const struct acc_load_options *options,
                      const struct acc_model *model)
{
    if (options->n_files == 0) {
        (void)fprintf(ctl->out, "%s: fine, %zu service%s in %zu stack%s\n", options->config,
                      model->n_services, acc_plural(model->n_services), model->n_stacks,
                      acc_plural(model->n_stacks));
        return;
    }
    for (size_t i = 0; i < model->n_stacks; i++) {
        (void)fprintf(ctl->out, "%s: fine, %zu service%s\n", options->files[i],
                      model->stacks[i]->n_services, acc_plural(model->stacks[i]->n_services));
    }
}

/* Everything that is wrong with what the options name, as one configuration. */
static enum accctl_exit check(struct accctl *ctl, const struct acc_load_options *options,
                              struct found *found)
{
    struct acc_diags *diags = calloc(1, sizeof(*diags)); /* 80 kB: too much for the stack */
    struct acc_loaded loaded = {0};
    int r = -ENOMEM;

    if (diags) {
        r = acc_load(options, &loaded, diags);
        json_diags(found->problems, diags);
        found->n_dropped += diags->n_dropped;
    }
    if (diags && !ctl->options->json) {
        accctl_print_diags(ctl, diags);
    }
    if (r == 0 && !ctl->options->json) {
        tell_fine(ctl, options, loaded.model);
    }
    if (r == -ENOMEM) {
        (void)fprintf(ctl->err, "accctl: out of memory\n");
    }
    acc_loaded_fini(&loaded);
    free(diags);
    return r == 0 ? ACCCTL_DONE : r == -EINVAL ? ACCCTL_INVALID : ACCCTL_FAILED;
}

static enum accctl_exit check_config(struct accctl *ctl, const char *path, struct found *found)
{
    struct acc_load_options options = {
        .config = path,
        .find_all = true,
        .must_match = true,
        .hint = "name an acc.yaml with -c, or a Compose file with -f",
    };

    return check(ctl, &options, found);
}

/* Each acc.yaml by itself; the Compose files each as a stack, together: edges may lead from one to
 * another. `load` has what goes for all of them. */
static enum accctl_exit check_args(struct accctl *ctl, struct acc_load_options *load,
                                   struct found *found)
{
    const struct accctl_options *o = ctl->options;
    const char *compose_files[ACCCTL_ARGS_MAX];
    enum accctl_exit code = ACCCTL_DONE;

    load->files = compose_files;
    load->is_apart = true;
    for (size_t i = 0; i < o->n_args; i++) {
        if (accctl_is_config(o->args[i])) {
            enum accctl_exit one = check_config(ctl, o->args[i], found);

            code = one != ACCCTL_DONE ? one : code;
        } else {
            compose_files[load->n_files++] = o->args[i];
        }
    }
    if (load->n_files > 0) {
        enum accctl_exit one = check(ctl, load, found);

        code = one != ACCCTL_DONE ? one : code;
    }
    return code;
}

/* False, and it was said: names of files by more than one way. */
static bool choose(struct accctl *ctl, struct acc_load_options *load)
{
    const struct accctl_options *o = ctl->options;

    if (o->n_args > 0 && (o->config || o->n_files > 0)) {
        (void)fprintf(ctl->err,
                      "accctl: check: name files without an option, each a stack of its own; or "
                      "with -f, together one; or an acc.yaml with -c\n");
        return false;
    }
    return accctl_select(ctl, load);
}

enum accctl_exit accctl_cmd_check(struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;
    cJSON *root = cJSON_CreateObject();
    struct found found = {.problems = cJSON_AddArrayToObject(root, "problems")};
    struct acc_load_options load;
    enum accctl_exit code = ACCCTL_USAGE;

    if (!choose(ctl, &load)) {
        cJSON_Delete(root);
        return code;
    }
    if (o->n_args > 0) {
        code = check_args(ctl, &load, &found);
    } else if (o->n_files > 0) {
        code = check(ctl, &load, &found);
    } else {
        code = check_config(ctl, o->config ? o->config : DEFAULT_CONFIG, &found);
    }
    if (o->json) {
        if (found.n_dropped > 0) {
            (void)cJSON_AddNumberToObject(root, "more", (double)found.n_dropped);
        }
        (void)cJSON_AddBoolToObject(root, "ok", code == ACCCTL_DONE);
        accctl_print_json(ctl, root);
    }
    cJSON_Delete(root);
    return code;
}
