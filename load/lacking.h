#pragma once

/*
 * Stacks that a start goes on without, for that their files don't load. For load.c only.
 *
 * What is wrong in the files of one stack is that stack's. What is wrong between stacks (an edge to
 * what isn't there, a cycle, one name twice) is that of those whose files were named for it: the
 * others are loaded once more, without them.
 */

#include "lib/base/diag.h"
#include "lib/model/spec.h"
#include "load/unloaded.h"

struct acc_lacking {
    struct acc_unloaded *item; /* owned */
    size_t n;
    struct acc_diags diags;  /* all that is wrong with them */
    struct acc_diags blamed; /* what was wrong between stacks */
};

struct acc_lacking *acc_lacking_create(void); /* NULL: no memory */
void acc_lacking_destroy(struct acc_lacking *lacking);

/* `own`: what was told of the stack that `file` is the first file of. 0 or -ENOMEM. */
int acc_lacking_add(struct acc_lacking *lacking, const char *stack, const char *file,
                    struct acc_diags *own);
/* What `diags` has from the `first` on was wrong between the stacks. True: some file is named. */
bool acc_lacking_blame(struct acc_lacking *lacking, const struct acc_diags *diags, size_t first);
/* Those of the stacks that have to be left out are destroyed; `*n` is how many are left. 0 or
 * -ENOMEM. */
int acc_lacking_sort_out(struct acc_lacking *lacking, struct acc_stack **stacks, size_t *n);

/* What is wrong in a file that two stacks share is told once. */
void acc_load_add_diags(struct acc_diags *diags, const struct acc_diags *own);
