#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd.h"
#include "load/load.h"

/* Compose's own order (compose-go: cli/options.go, DefaultFileNames and DefaultOverrideFileNames).
 */
static const char *const names[] = {"compose.yaml", "compose.yml", "docker-compose.yml",
                                    "docker-compose.yaml"};
static const char *const overrides[] = {"compose.override.yml", "compose.override.yaml",
                                        "docker-compose.override.yml",
                                        "docker-compose.override.yaml"};

static const char *first_there(const char *const *candidates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (access(candidates[i], F_OK) == 0) {
            return candidates[i];
        }
    }
    return NULL;
}

/* The files of this folder; 0 when it has none. */
static size_t find_files(const char **files)
{
    files[0] = first_there(names, sizeof(names) / sizeof(names[0]));
    if (!files[0]) {
        return 0;
    }
    files[1] = first_there(overrides, sizeof(overrides) / sizeof(overrides[0]));
    return files[1] ? 2 : 1;
}

static int print_hashes(struct accctl *ctl, const struct acc_stack *stack)
{
    char hash[ACC_HASH_LEN + 1];
    int r = 0;

    for (size_t i = 0; i < stack->n_services && r == 0; i++) {
        r = acc_compose_service_hash(&stack->services[i], NULL, NULL, hash);
        if (r == 0) {
            (void)fprintf(ctl->out, "%s %s\n", stack->services[i].name, hash);
        }
    }
    return r;
}

static void write_piece(void *ctx, const char *text, size_t text_len)
{
    struct accctl *ctl = ctx;

    (void)fwrite(text, 1, text_len, ctl->out);
}

static int print(struct accctl *ctl, const struct acc_stack *stack)
{
    if (!ctl->options->json) {
        return acc_compose_config_yaml(stack, write_piece, ctl);
    }
    int r = acc_compose_config_json(stack, write_piece, ctl);

    (void)fputs("\n", ctl->out);
    return r;
}

/* Which files: DONE, or it was said what is wrong. `found` is room for those of this folder. */
static enum accctl_exit choose(struct accctl *ctl, const char **found,
                               struct acc_load_options *load)
{
    const struct accctl_options *o = ctl->options;

    if (!accctl_select(ctl, load)) {
        return ACCCTL_USAGE;
    }
    load->is_inspection = true;
    load->hint = "name an acc.yaml with -c, or a Compose file with -f";
    if (o->n_args > 0 && !o->config) {
        (void)fprintf(ctl->err, "accctl: config: a stack is named with -c, of its acc.yaml\n");
        return ACCCTL_USAGE;
    }
    if (o->config || load->n_files > 0) {
        return ACCCTL_DONE;
    }
    load->files = found;
    load->n_files = find_files(found);
    if (load->n_files > 0) {
        return ACCCTL_DONE;
    }
    (void)fprintf(ctl->err, "accctl: no compose.yaml in this folder; name one with -f, or an "
                            "acc.yaml with -c\n");
    return ACCCTL_INVALID;
}

/* The one that is named, or all there is; NULL, and it was said which there are. */
static const struct acc_stack *choose_stack(struct accctl *ctl, const struct acc_model *model)
{
    const char *name = ctl->options->n_args > 0 ? ctl->options->args[0] : NULL;
    const struct acc_stack *stack = NULL;

    for (size_t i = 0; i < model->n_stacks; i++) {
        if (name ? strcmp(model->stacks[i]->name, name) == 0 : model->n_stacks == 1) {
            stack = model->stacks[i];
        }
    }
    if (!stack && name) {
        (void)fprintf(ctl->err, "accctl: config: there is no stack '%s'", name);
    } else if (!stack) {
        (void)fprintf(ctl->err, "accctl: config: name one stack");
    }
    for (size_t i = 0; !stack && i < model->n_stacks; i++) {
        (void)fprintf(ctl->err, "%s%s", i == 0 ? ": " : ", ", model->stacks[i]->name);
    }
    (void)fprintf(ctl->err, "%s", stack ? "" : "\n");
    return stack;
}

enum accctl_exit accctl_cmd_config(struct accctl *ctl)
{
    const char *found[2];
    struct acc_load_options options;
    enum accctl_exit code = choose(ctl, found, &options);
    struct acc_diags *diags = NULL;
    struct acc_loaded loaded = {0};
    int r = -ENOMEM;

    if (code != ACCCTL_DONE) {
        return code;
    }
    diags = calloc(1, sizeof(*diags));
    if (diags) {
        r = acc_load(&options, &loaded, diags);
        accctl_print_diags(ctl, diags);
    }
    if (r == 0) {
        const struct acc_stack *stack = choose_stack(ctl, loaded.model);

        code = stack ? ACCCTL_DONE : ACCCTL_USAGE;
        if (stack) {
            r = ctl->options->hash ? print_hashes(ctl, stack) : print(ctl, stack);
        }
    }
    if (r < 0 && r != -EINVAL) {
        (void)fprintf(ctl->err, "accctl: %s\n", strerror(-r));
    }
    acc_loaded_fini(&loaded);
    free(diags);
    return r == 0 ? code : r == -EINVAL ? ACCCTL_INVALID : ACCCTL_FAILED;
}
