/*
 * The Compose loader on hostile text. An input holds several files, parted by lines "%%%": the
 * first is the Compose file, the next its .env, the others answer what include, extends and
 * env_file ask for, in turn.
 *
 * Properties: it ends; errors are told exactly when it fails, each in a file; loading again gives
 * the same; nothing of the stack is the loader's.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/compose/compose.h"

#define PARTS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
    const char *text;
    size_t len;
};

static size_t split(const char *text, size_t len, struct part *parts)
{
    static const char line[] = "\n%%%\n";
    size_t n = 0;

    while (n + 1 < PARTS_MAX) {
        const char *end = memmem(text, len, line, sizeof(line) - 1);

        if (!end) {
            break;
        }
        parts[n++] = (struct part){text, (size_t)(end - text)};
        len -= (size_t)(end - text) + sizeof(line) - 1;
        text = end + sizeof(line) - 1;
    }
    parts[n++] = (struct part){text, len};
    return n;
}

static int load(const struct part *parts, size_t n_parts, bool find_all,
                struct acc_stack **ret_stack, struct acc_diags *diags)
{
    static const char *const files[] = {"/p/compose.yaml"};
    static const char *const environment[] = {"SET=set", "EMPTY=", "HOME=/root"};
    struct acc_compose_request request = {.files = files,
                                          .n_files = 1,
                                          .environment = environment,
                                          .n_environment = ACC_ARRAY_LEN(environment),
                                          .is_inspection = !find_all,
                                          .find_all = find_all};
    struct acc_compose_loader *loader = NULL;
    size_t next = 2;
    int r = acc_compose_begin(&request, &loader);

    acc_assert(r == 0);
    while ((r = acc_compose_load(loader, ret_stack, diags)) == ACC_COMPOSE_NEED) {
        acc_assert(acc_compose_n_needs(loader) > 0);
        for (size_t i = 0; i < acc_compose_n_needs(loader); i++) {
            const char *path = acc_compose_need(loader, i);
            size_t at = strcmp(path, files[0]) == 0 ? 0 : (strcmp(path, "/p/.env") == 0 ? 1 : next);

            next += at == next;
            acc_assert(acc_compose_supply(loader, path, at < n_parts ? parts[at].text : NULL,
                                          at < n_parts ? parts[at].len : 0, ENOENT) == 0);
        }
    }
    acc_assert(r == 0 || r == -EINVAL || r == -ENOMEM);
    acc_assert((r == -EINVAL) == (diags->n_errors > 0));
    (void)acc_compose_end(loader);
    return r;
}

/* The loader is gone, and where things are written is known still. */
static void check_places(const struct acc_node *node)
{
    acc_assert(!node->pos.file || node->pos.file[0] == '/');
    acc_node_for_each(child, node)
    {
        check_places(child);
    }
}

static void write_piece(void *ctx, const char *text, size_t text_len)
{
    acc_assert(acc_buf_append(ctx, text, text_len) == 0);
}

static void print(const struct acc_stack *stack, struct acc_buf *out)
{
    check_places(stack->project);
    acc_buf_init(out, 1u << 28);
    acc_assert(acc_compose_config_json(stack, write_piece, out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acc_diags diags;
    struct part parts[PARTS_MAX];
    size_t n_parts = split((const char *)data, size, parts);
    struct acc_stack *stack = NULL;
    struct acc_buf once;
    struct acc_buf twice;

    /* What is wrong with it, as far as it goes: the passes meet trees that are not sound. */
    (void)load(parts, n_parts, true, &stack, &diags);
    (void)acc_stack_destroy(stack);
    if (load(parts, n_parts, false, &stack, &diags) != 0) {
        return 0;
    }
    print(stack, &once);
    (void)acc_stack_destroy(stack);
    acc_assert(load(parts, n_parts, false, &stack, &diags) == 0);
    print(stack, &twice);
    (void)acc_stack_destroy(stack);
    acc_assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    acc_buf_fini(&once);
    acc_buf_fini(&twice);
    return 0;
}
