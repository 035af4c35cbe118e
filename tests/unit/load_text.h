#pragma once

/*
 * Loads Compose text for a test: one project "t" in /p with the files that the test gives.
 */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/compose/compose.h"
#include "lib/compose/json.h"

struct text_file {
    const char *path, *text;
};

static struct acc_diags diags;

/* compose.yaml is /p/compose.yaml; `more`, ended by an empty path, is what else there is. */
static int load_with(const struct acc_compose_request *asked, const char *text,
                     const struct text_file *more, struct acc_stack **ret_stack)
{
    static const char *const files[] = {"/p/compose.yaml"};
    static const char *const environment[] = {"HOME=/home/u", "SET=set"};
    struct acc_compose_request request = *asked;
    struct acc_compose_loader *loader = NULL;
    int r;

    memset(&diags, 0, sizeof(diags));
    request.files = files;
    request.n_files = 1;
    request.project_name = "t";
    request.environment = environment;
    request.n_environment = 2;
    ck_assert_int_eq(acc_compose_begin(&request, &loader), 0);
    while ((r = acc_compose_load(loader, ret_stack, &diags)) == ACC_COMPOSE_NEED) {
        for (size_t i = 0; i < acc_compose_n_needs(loader); i++) {
            const char *path = acc_compose_need(loader, i);
            const char *found = strcmp(path, files[0]) == 0 ? text : NULL;

            for (const struct text_file *f = more; f && f->path; f++) {
                found = strcmp(path, f->path) == 0 ? f->text : found;
            }
            ck_assert_int_eq(acc_compose_supply(loader, path, found, found ? strlen(found) : 0,
                                                found ? 0 : ENOENT),
                             0);
        }
    }
    acc_compose_end(loader);
    return r;
}

static inline int load(const char *text, struct acc_stack **ret_stack)
{
    return load_with(&(struct acc_compose_request){0}, text, NULL, ret_stack);
}

/* All diagnostics in one text, a line each. */
static inline const char *told(void)
{
    static char all[16384];
    size_t len = 0;

    all[0] = '\0';
    for (size_t i = 0; i < diags.n && len + ACC_DIAG_TEXT_MAX < sizeof(all); i++) {
        (void)acc_diag_format(&diags.item[i], all + len, sizeof(all) - len);
        len += strlen(all + len);
        all[len++] = '\n';
        all[len] = '\0';
    }
    return all;
}

static inline struct acc_service_spec *service_of(struct acc_stack *stack, const char *name)
{
    for (size_t i = 0; i < stack->n_services; i++) {
        if (strcmp(stack->services[i].name, name) == 0) {
            return &stack->services[i];
        }
    }
    ck_abort_msg("no service %s", name);
    return NULL;
}
