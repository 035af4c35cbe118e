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
                                       .is_inspection = true,
                                       .find_all = true};
    struct acc_diags *diags = calloc(1, sizeof(*diags));
    struct acc_loaded loaded = {0};
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
    r = diags ? acc_load(&options, &loaded, diags) : -ENOMEM;
    if (diags) {
        accctl_print_diags(ctl, diags);
    }
    if (r == 0) {
        const struct acc_stack *stack = loaded.model->stacks[0];

        r = ctl->options->hash ? print_hashes(ctl, stack) : print(ctl, stack);
    }
    if (r < 0 && r != -EINVAL) {
        (void)fprintf(ctl->err, "accctl: %s\n", strerror(-r));
    }
    acc_loaded_fini(&loaded);
    free(diags);
    return r == 0 ? ACCCTL_DONE : r == -EINVAL ? ACCCTL_INVALID : ACCCTL_FAILED;
}
