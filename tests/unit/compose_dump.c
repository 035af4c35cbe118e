/*
 * Load a Compose project and print it: compose_dump [OPTION...] FILE...
 *
 *     -p NAME   --project-directory DIR   --env-file FILE   --profile NAME
 *     --hash    the config-hash of each service, as `config --hash '*'`
 *     --yaml    YAML instead of JSON
 *     --strict  refuse what accd does not carry out
 *     --stats   on stderr: services, and the bytes that the stack holds
 *
 * For the tests that compare with real Compose. Exit 0, or 1 with the messages on stderr.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/compose/compose.h"
#include "lib/graph/graph.h"

#define LIST_MAX 64

struct options {
    struct acc_compose_request request;
    const char *files[LIST_MAX];
    const char *env_files[LIST_MAX];
    const char *profiles[LIST_MAX];
    int wants_stats, wants_hash, wants_yaml;
};

static const char *absolute(const char *path)
{
    char folder[PATH_MAX];
    char *text = NULL;

    if (*path == '/' || !getcwd(folder, sizeof(folder))) {
        return path;
    }
    while (strncmp(path, "./", 2) == 0) {
        path += 2;
    }
    return asprintf(&text, "%s/%s", folder, path) < 0 ? NULL : text;
}

static void parse_options(struct options *options, int argc, char *argv[])
{
    struct acc_compose_request *request = &options->request;

    request->files = options->files;
    request->env_files = options->env_files;
    request->profiles = options->profiles;
    request->is_inspection = true;
    request->environment = (const char *const *)environ;
    while (environ[request->n_environment]) {
        request->n_environment++;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-p") == 0) {
            request->project_name = argv[++i];
        } else if (strcmp(argv[i], "--project-directory") == 0) {
            request->project_dir = absolute(argv[++i]);
        } else if (strcmp(argv[i], "--env-file") == 0) {
            options->env_files[request->n_env_files++] = absolute(argv[++i]);
        } else if (strcmp(argv[i], "--profile") == 0) {
            options->profiles[request->n_profiles++] = argv[++i];
        } else if (strcmp(argv[i], "--stats") == 0) {
            options->wants_stats = 1;
        } else if (strcmp(argv[i], "--hash") == 0) {
            options->wants_hash = 1;
        } else if (strcmp(argv[i], "--yaml") == 0) {
            options->wants_yaml = 1;
        } else if (strcmp(argv[i], "--strict") == 0) {
            request->is_inspection = false;
        } else {
            options->files[request->n_files++] = absolute(argv[i]);
        }
    }
}

static int supply(struct acc_compose_loader *loader, const char *path)
{
    FILE *file = fopen(path, "rbe");
    struct acc_buf text;
    char chunk[65536];
    size_t n = 0;
    int r = 0;

    if (!file) {
        return acc_compose_supply(loader, path, NULL, 0, errno);
    }
    acc_buf_init(&text, ACC_COMPOSE_FILE_MAX + sizeof(chunk));
    errno = 0;
    while (!text.failed && (n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        acc_buf_append(&text, chunk, n);
    }
    if (ferror(file) || text.failed) {
        r = acc_compose_supply(loader, path, NULL, 0, text.failed ? EFBIG : errno);
    } else {
        r = acc_compose_supply(loader, path, text.data ? text.data : "", text.len, 0);
    }
    acc_buf_fini(&text);
    fclose(file);
    return r;
}

static void tell(const struct acc_diags *diags)
{
    char line[ACC_DIAG_FILE_MAX + ACC_DIAG_TEXT_MAX + 64];

    for (size_t i = 0; i < diags->n; i++) {
        acc_diag_format(&diags->item[i], line, sizeof(line));
        fprintf(stderr, "%s\n", line);
    }
}

/* Joined to a model on its own: dependencies are checked over all stacks, by lib/graph. */
static int join(struct acc_stack *stack, struct acc_model **ret_model, struct acc_diags *diags)
{
    return acc_model_join(&stack, 1, ret_model, diags);
}

static int print_hashes(const struct acc_stack *stack, struct acc_buf *out)
{
    char hash[ACC_HASH_LEN + 1];
    int r = 0;

    for (size_t i = 0; i < stack->n_services && r == 0; i++) {
        r = acc_compose_service_hash(&stack->services[i], NULL, NULL, hash);
        acc_buf_printf(out, "%s %s\n", stack->services[i].name, hash);
    }
    return r;
}

static void append(void *ctx, const char *text, size_t text_len)
{
    acc_buf_append(ctx, text, text_len); /* print() looks at the failure */
}

static int print(const struct options *options, const struct acc_stack *stack)
{
    struct acc_buf out;
    int r = 0;

    acc_buf_init(&out, 1u << 30);
    if (options->wants_hash) {
        r = print_hashes(stack, &out);
    } else {
        r = options->wants_yaml ? acc_compose_config_yaml(stack, append, &out)
                                : acc_compose_config_json(stack, append, &out);
    }
    if (r == 0 && !out.failed) {
        fwrite(out.data, 1, out.len, stdout);
    }
    if (options->wants_stats) {
        fprintf(stderr, "%zu services, %zu bytes\n", stack->n_services,
                acc_arena_used(stack->arena));
    }
    acc_buf_fini(&out);
    return r;
}

int main(int argc, char *argv[])
{
    static struct options options;
    static struct acc_diags diags;
    struct acc_compose_loader *loader = NULL;
    struct acc_stack *stack = NULL;
    struct acc_model *model = NULL;
    int r = 0;

    parse_options(&options, argc, argv);
    if (options.request.n_files == 0 || acc_compose_begin(&options.request, &loader) < 0) {
        return 2;
    }
    while ((r = acc_compose_load(loader, &stack, &diags)) == ACC_COMPOSE_NEED) {
        for (size_t i = 0; i < acc_compose_n_needs(loader); i++) {
            if (supply(loader, acc_compose_need(loader, i)) < 0) {
                return 2;
            }
        }
    }
    loader = acc_compose_end(loader);
    r = r < 0 ? r : join(stack, &model, &diags);
    tell(&diags);
    if (r == 0) {
        r = print(&options, model->stacks[0]);
        model = acc_model_destroy(model);
    }
    return r == 0 ? 0 : 1;
}
