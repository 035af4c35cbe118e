/*
 * Env files of hostile text, cooked and raw.
 *
 * Properties: it ends; an error is told exactly when it fails; the same text gives the same
 * variables; no name is empty or holds a '='.
 */

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/compose/dotenv.h"

#define ARENA_MAX (64u * 1024u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "SET") == 0 ? "set" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static void print(const struct acc_compose_env *env, struct acc_buf *out)
{
    for (const struct acc_env_var *var = acc_compose_env_first(env); var;
         var = acc_compose_env_next(var)) {
        const char *name = acc_env_var_name(var);

        acc_assert(*name && !strchr(name, '='));
        (void)acc_buf_printf(out, "%s=%s\n", name, acc_env_var_value(var));
    }
}

static void parse(const uint8_t *data, size_t size, bool is_raw, struct acc_buf *out)
{
    struct acc_dotenv_source source = {"f.env", (const char *)data, size, lookup, NULL, NULL};
    struct acc_compose_env env;
    struct acc_arena *arena = NULL;
    static struct acc_diags diags;

    memset(&diags, 0, sizeof(diags));
    acc_assert(acc_arena_create(ARENA_MAX, &arena) == 0);
    acc_compose_env_init(&env, NULL, arena);
    int r = is_raw ? acc_dotenv_parse_raw(&source, &env, &diags)
                   : acc_dotenv_parse(&source, &env, &diags);

    acc_assert(r == 0 || r == -EINVAL || r == -ENOMEM);
    acc_assert((r == -EINVAL) == (diags.n_errors > 0));
    acc_buf_init(out, ARENA_MAX);
    print(&env, out);
    acc_compose_env_fini(&env);
    (void)acc_arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int is_raw = 0; is_raw < 2; is_raw++) {
        struct acc_buf once;
        struct acc_buf twice;

        parse(data, size, is_raw, &once);
        parse(data, size, is_raw, &twice);
        acc_assert(once.len == twice.len &&
                   (once.len == 0 || memcmp(once.data, twice.data, once.len) == 0));
        acc_buf_fini(&once);
        acc_buf_fini(&twice);
    }
    return 0;
}
