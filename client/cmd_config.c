#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd.h"
#include "lib/graph/graph.h"
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

/* Cycles are found when stacks are joined. What the stack needs of others isn't there to be
 * checked.
 */
static int join(struct acc_stack *stack, struct acc_model **ret_model, struct acc_diags *diags)
{
    for (size_t i = 0; i < stack->n_services; i++) {
        struct acc_service_spec *service = &stack->services[i];
        size_t n = 0;

        for (size_t k = 0; k < service->n_edges; k++) {
            const char *other = service->edges[k].stack;

            if (!other || strcmp(other, stack->name) == 0) {
                service->edges[n++] = service->edges[k];
            }
        }
        service->n_edges = n;
    }
    return acc_model_join(&stack, 1, ret_model, diags);
}

enum accctl_exit accctl_cmd_config(struct accctl *ctl)
{
    const char *found[2];
    struct acc_load_options options = {.files = ctl->options->files,
                                       .n_files = ctl->options->n_files,
                                       .project = ctl->options->project,
                                       .env_files = ctl->options->env_files,
                                       .n_env_files = ctl->options->n_env_files,
                                       .profiles = ctl->options->profiles,
                                       .n_profiles = ctl->options->n_profiles,
                                       .project_dir = ctl->options->project_dir,
                                       .is_inspection = true};
    struct acc_diags *diags = calloc(1, sizeof(*diags));
    struct acc_stack *stack = NULL;
    struct acc_model *model = NULL;
    int r;

    if (options.n_files == 0) {
        options.files = found;
        options.n_files = find_files(found);
    }
    if (options.n_files == 0) {
        (void)fprintf(ctl->err, "accctl: no compose.yaml in this folder; name one with -f\n");
        free(diags);
        return ACCCTL_INVALID;
    }
    r = diags ? acc_load_stack(&options, &stack, diags) : -ENOMEM;
    r = r < 0 ? r : join(stack, &model, diags);
    if (diags) {
        accctl_print_diags(ctl, diags);
    }
    if (r == 0) {
        r = ctl->options->hash ? print_hashes(ctl, model->stacks[0]) : print(ctl, model->stacks[0]);
    }
    if (r < 0 && r != -EINVAL) {
        (void)fprintf(ctl->err, "accctl: %s\n", strerror(-r));
    }
    (void)acc_model_destroy(model);
    free(diags);
    return r == 0 ? ACCCTL_DONE : r == -EINVAL ? ACCCTL_INVALID : ACCCTL_FAILED;
}
