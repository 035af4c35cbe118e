#include "lib/graph/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct use {
    const char *name;
    const struct acc_condition *condition; /* NULL: a token */
    uint32_t *at;                          /* where its number belongs */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct use *)a)->name, ((const struct use *)b)->name);
}

/* Sorted, and each name has its number; how many names there are. */
static uint32_t number(struct use *use, size_t n)
{
    uint32_t n_names = 0;

    qsort(use, n, sizeof(*use), by_name);
    for (size_t i = 0; i < n; i++) {
        n_names += i == 0 || strcmp(use[i].name, use[i - 1].name) != 0;
        *use[i].at = n_names - 1;
    }
    return n_names;
}

static size_t collect_conditions(const struct acc_model *model, struct use *use)
{
    size_t n = 0;

    for (size_t v = 0; v < model->n_services; v++) {
        struct acc_service_spec *spec = model->services[v];

        for (size_t k = 0; k < spec->n_host; k++) {
            use[n++] = (struct use){spec->host[k].is.text, &spec->host[k].is, &spec->host[k].at};
        }
    }
    return n;
}

static size_t collect_tokens(const struct acc_model *model, struct use *use)
{
    size_t n = 0;

    for (size_t v = 0; v < model->n_services; v++) {
        struct acc_service_spec *spec = model->services[v];

        for (size_t k = 0; k < spec->n_serialize; k++) {
            use[n++] = (struct use){spec->serialize[k].name, NULL, &spec->serialize[k].at};
        }
    }
    return n;
}

static int join(struct acc_model *model, struct use *use, struct acc_diags *diags)
{
    size_t n = collect_conditions(model, use);

    model->n_conditions = number(use, n);
    model->conditions = calloc(model->n_conditions + 1, sizeof(*model->conditions));
    for (size_t i = 0; model->conditions && i < n; i++) {
        model->conditions[*use[i].at] = *use[i].condition;
    }
    n = collect_tokens(model, use);
    model->n_tokens = number(use, n);
    model->tokens = calloc(model->n_tokens + 1, sizeof(*model->tokens));
    for (size_t i = 0; model->tokens && i < n; i++) {
        model->tokens[*use[i].at] = use[i].name;
    }
    if (!model->conditions || !model->tokens) {
        return -ENOMEM;
    }
    if (model->n_conditions > ACC_CONDITIONS_MAX || model->n_tokens > ACC_TOKENS_MAX) {
        acc_diags_add(diags, (struct acc_srcpos){.file = NULL},
                      "%zu conditions and bind sources of the host and %zu names to serialize by are too "
                      "many; at most %u and %u",
                      model->n_conditions, model->n_tokens, ACC_CONDITIONS_MAX, ACC_TOKENS_MAX);
        return -EINVAL;
    }
    return 0;
}

int acc_shared_join(struct acc_model *model, struct acc_diags *diags)
{
    size_t n = 1;
    struct use *use;
    int r;

    for (size_t v = 0; v < model->n_services; v++) {
        n += model->services[v]->n_host + model->services[v]->n_serialize;
    }
    use = calloc(n, sizeof(*use));
    if (!use) {
        return -ENOMEM;
    }
    r = join(model, use, diags);
    free(use);
    return r;
}
