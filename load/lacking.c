#include "load/lacking.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct acc_lacking *acc_lacking_create(void)
{
    return calloc(1, sizeof(struct acc_lacking));
}

void acc_unloaded_free(struct acc_unloaded *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].stack);
        free(list[i].file);
        free(list[i].problem);
    }
    free(list);
}

void acc_lacking_destroy(struct acc_lacking *lacking)
{
    if (lacking) {
        acc_unloaded_free(lacking->item, lacking->n);
        free(lacking);
    }
}

/* --- diagnostics ------------------------------------------------------------------------------ */

static bool is_told(const struct acc_diags *diags, const struct acc_diag *diag)
{
    for (size_t i = 0; i < diags->n; i++) {
        const struct acc_diag *other = &diags->item[i];

        if (diag->line > 0 && other->line == diag->line && other->col == diag->col &&
            strcmp(other->text, diag->text) == 0 && strcmp(other->file, diag->file) == 0) {
            return true;
        }
    }
    return false;
}

static void add_diag(struct acc_diags *diags, const struct acc_diag *diag)
{
    if (is_told(diags, diag)) {
        return;
    }
    if (diags->n < ACC_DIAGS_MAX) {
        diags->item[diags->n++] = *diag;
    } else {
        diags->n_dropped++;
    }
}

void acc_load_add_diags(struct acc_diags *diags, const struct acc_diags *own)
{
    for (size_t i = 0; i < own->n; i++) {
        add_diag(diags, &own->item[i]);
    }
    diags->n_errors += own->n_errors; /* more than there are; nobody tells the number */
    diags->n_dropped += own->n_dropped;
}

/* The first error, as it is told; the caller's to free. NULL: no memory. */
static char *problem_of(const struct acc_diags *diags)
{
    char line[ACC_DIAG_TEXT_MAX + ACC_DIAG_FILE_MAX + 64] = "";

    for (size_t i = 0; i < diags->n; i++) {
        if (diags->item[i].severity == ACC_SEVERITY_ERROR) {
            (void)acc_diag_format(&diags->item[i], line, sizeof(line));
            break;
        }
    }
    return strdup(line);
}

/* --- who is left out -------------------------------------------------------------------------- */

static bool has(const struct acc_lacking *lacking, const char *stack, const char *file)
{
    for (size_t i = 0; i < lacking->n; i++) {
        if (strcmp(lacking->item[i].stack, stack) == 0 &&
            strcmp(lacking->item[i].file, file) == 0) {
            return true;
        }
    }
    return false;
}

int acc_lacking_add(struct acc_lacking *lacking, const char *stack, const char *file,
                    struct acc_diags *own)
{
    if (has(lacking, stack, file)) {
        return 0; /* of the reading before */
    }
    acc_diags_sort(own);
    struct acc_unloaded *item = reallocarray(lacking->item, lacking->n + 1, sizeof(*lacking->item));
    struct acc_unloaded one = {strdup(stack), strdup(file), problem_of(own), own->n_errors};

    if (item) {
        lacking->item = item;
    }
    if (!item || !one.stack || !one.file || !one.problem) {
        free(one.stack);
        free(one.file);
        free(one.problem);
        return -ENOMEM;
    }
    item[lacking->n++] = one;
    acc_load_add_diags(&lacking->diags, own);
    return 0;
}

bool acc_lacking_blame(struct acc_lacking *lacking, const struct acc_diags *diags, size_t first)
{
    size_t n = lacking->blamed.n;

    for (size_t i = first; i < diags->n; i++) {
        if (diags->item[i].severity == ACC_SEVERITY_ERROR) {
            add_diag(&lacking->blamed, &diags->item[i]);
        }
    }
    return lacking->blamed.n > n;
}

static bool is_at(struct acc_srcpos pos, const struct acc_diag *diag)
{
    return pos.file && strncmp(diag->file, pos.file, sizeof(diag->file) - 1) == 0;
}

/* Does the stack come from the file? It may be one that it includes or extends. */
static bool is_from(const struct acc_stack *stack, const struct acc_diag *diag)
{
    for (size_t i = 0; i < stack->n_files; i++) {
        if (is_at((struct acc_srcpos){.file = stack->files[i]}, diag)) {
            return true;
        }
    }
    for (size_t i = 0; i < stack->n_services; i++) {
        const struct acc_service_spec *service = &stack->services[i];

        if (is_at(service->pos, diag)) {
            return true;
        }
        for (size_t k = 0; k < service->n_edges; k++) {
            if (is_at(service->edges[k].pos, diag)) {
                return true;
            }
        }
    }
    return false;
}

/* All that is told of `stack`, or of another one that has its name: nobody knows which of them is
 * the one that runs. */
static void collect(const struct acc_lacking *lacking, struct acc_stack *const *stacks, size_t n,
                    const struct acc_stack *stack, struct acc_diags *out)
{
    for (size_t i = 0; i < lacking->blamed.n; i++) {
        const struct acc_diag *diag = &lacking->blamed.item[i];
        bool is_its = false;

        for (size_t k = 0; k < n && !is_its; k++) {
            is_its = strcmp(stacks[k]->name, stack->name) == 0 && is_from(stacks[k], diag);
        }
        if (is_its) {
            add_diag(out, diag);
            out->n_errors++;
        }
    }
}

int acc_lacking_sort_out(struct acc_lacking *lacking, struct acc_stack **stacks, size_t *n)
{
    struct acc_diags *own = NULL;
    size_t n_left = 0;
    int r = 0;

    if (lacking->blamed.n == 0) {
        return 0;
    }
    own = calloc(*n + 1, sizeof(*own));
    r = own ? 0 : -ENOMEM;
    for (size_t i = 0; i < *n && own; i++) {
        collect(lacking, stacks, *n, stacks[i], &own[i]);
    }
    for (size_t i = 0; i < *n; i++) {
        if (own && own[i].n_errors > 0) {
            int each = acc_lacking_add(lacking, stacks[i]->name,
                                       stacks[i]->n_files > 0 ? stacks[i]->files[0] : "", &own[i]);

            r = each < 0 ? each : r;
            acc_stack_destroy(stacks[i]);
        } else {
            stacks[n_left++] = stacks[i];
        }
    }
    *n = n_left;
    free(own);
    return r;
}
