#pragma once

/*
 * acc.yaml (DESIGN.md 4.3) to plain data. Opens no file; globs stay patterns for the caller.
 */

#include "lib/model/spec.h"

struct acc_config_stack {
    const char **files; /* as written; one pattern with glob characters, or a list of files */
    size_t n_files;
    bool is_glob;     /* each match of files[0] is a stack of its own */
    const char *name; /* NULL: as Compose derives it */
    const char **env_files;
    size_t n_env_files;
    const char *phase; /* "" when none */
    struct acc_srcpos pos;
};

enum acc_hook_kind { ACC_HOOK_COMMAND, ACC_HOOK_URL };

struct acc_config_hook {
    enum acc_hook_kind kind;
    const char *url;
    const char **argv; /* a string runs by /bin/sh -c, a list as it is */
    size_t n_argv;
    struct acc_srcpos pos;
};

struct acc_config {
    struct acc_arena *arena; /* owned */
    struct acc_config_stack *stacks;
    size_t n_stacks;
    struct acc_timing timing;        /* defaults with `timing:` applied */
    const struct acc_node *defaults; /* mapping for every service's x-acc, or NULL */
    struct acc_config_hook *on_incident;
    size_t n_on_incident;
    double host_cpus;    /* 0: measured */
    int64_t host_memory; /* 0: measured */
    struct acc_phase_spec *phases;
    size_t n_phases;
    const struct acc_node *root; /* the whole file: host, tiers, rehearsal for later use */
};

/* Parse `text`. Unknown keys are errors with their place and a suggestion. 0 and `*ret_config`
 * (owned), -EINVAL with `diags`, and then `*ret_config` (owned) is what is right in it, or as it
 * was; -ENOMEM. */
int acc_config_parse(const char *path, const char *text, size_t text_len,
                     struct acc_config **ret_config, struct acc_diags *diags);
struct acc_config *acc_config_destroy(struct acc_config *config); /* NULL allowed; returns NULL */
