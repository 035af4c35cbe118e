#pragma once

#include <stddef.h>

/* A stack that is left out. */
struct acc_unloaded {
    char *stack;     /* owned; where its file doesn't tell the name, the folder's */
    char *file;      /* owned; the first of its files */
    char *problem;   /* owned; "file:line:col: text", the first that is wrong with it */
    size_t n_errors; /* with that one */
};

void acc_unloaded_free(struct acc_unloaded *list, size_t n);
