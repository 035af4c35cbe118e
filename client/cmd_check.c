#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
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

static bool is_config(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return strcmp(name, "acc.yaml") == 0 || strcmp(name, "acc.yml") == 0;
}

static enum accctl_exit check_one(struct accctl *ctl, const char *path, cJSON *problems)
{
    struct acc_load_options options = {.config = path, .project = ctl->options->project};
    struct acc_diags *diags = calloc(1, sizeof(*diags)); /* 50 kB: too much for the stack */
    struct acc_loaded loaded = {0};
    int r = -ENOMEM;

    if (!is_config(path)) {
        options.files = &path;
        options.n_files = 1;
    }
    if (diags) {
        r = acc_load(&options, &loaded, diags);
        json_diags(problems, diags);
    }
    if (diags && !ctl->options->json) {
        accctl_print_diags(ctl, diags);
    }
    if (r == 0 && !ctl->options->json) {
        (void)fprintf(ctl->out, "%s: fine, %zu service%s in %zu stack%s\n", path,
                      loaded.model->n_services, loaded.model->n_services == 1 ? "" : "s",
                      loaded.model->n_stacks, loaded.model->n_stacks == 1 ? "" : "s");
    }
    if (r == -ENOMEM) {
        (void)fprintf(ctl->err, "accctl: %s: out of memory\n", path);
    }
    acc_loaded_fini(&loaded);
    free(diags);
    return r == 0 ? ACCCTL_DONE : r == -EINVAL ? ACCCTL_INVALID : ACCCTL_FAILED;
}

enum accctl_exit accctl_cmd_check(struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;
    cJSON *root = cJSON_CreateObject();
    cJSON *problems = cJSON_AddArrayToObject(root, "problems");
    enum accctl_exit code = ACCCTL_DONE;

    for (size_t i = 0; i < (o->n_args > 0 ? o->n_args : 1); i++) {
        enum accctl_exit one = check_one(ctl, o->n_args > 0 ? o->args[i] : DEFAULT_CONFIG,
                                         problems);

        code = one != ACCCTL_DONE ? one : code;
    }
    if (o->json) {
        (void)cJSON_AddBoolToObject(root, "ok", code == ACCCTL_DONE);
        accctl_print_json(ctl, root);
    }
    cJSON_Delete(root);
    return code;
}
