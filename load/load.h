#pragma once

/*
 * Files to model: the only code beside lib that accd and accctl share.
 *
 * lib opens no file, so somebody reads acc.yaml, expands its globs, and answers the Compose
 * loader's questions. Blocking: accd calls it at start and on a worker thread for a reload, accctl
 * for its offline verbs. Knows files and nothing of Docker.
 */

#include "lib/compose/accyaml.h"
#include "lib/compose/compose.h"
#include "lib/model/spec.h"
#include "load/unloaded.h"

struct acc_load_options {
    const char *config;       /* acc.yaml; ignored when there are `files` */
    const char *const *files; /* -f, together one stack; may be relative */
    size_t n_files;
    bool is_apart;       /* each of the `files` is a stack of its own */
    bool find_all;       /* all problems, not only those of the first pass that has some */
    bool must_match;     /* `config`: a pattern that matches nothing is an error */
    bool may_miss;       /* `config`: an entry whose file isn't there is left out, with a warning */
    bool may_fail;       /* `config`: a stack whose files don't load is left out; `diags` tells what
                          * is wrong with it, as an error */
    const char *hint;    /* what to do when `config` isn't there; NULL: nothing more is said */
    const char *project; /* --project, or NULL */
    const char *const *env_files; /* --env-file of one stack; may be relative */
    size_t n_env_files;
    const char *const *profiles; /* beside COMPOSE_PROFILES */
    size_t n_profiles;
    const char *project_dir; /* may be relative; NULL: the folder of the first file */
    bool is_inspection;      /* `config`: to be looked at, alone; what accd doesn't carry out is a
                              * warning, and other stacks aren't there */
};

struct acc_loaded {
    struct acc_config *config;     /* owned; NULL with -f */
    struct acc_model *model;       /* owned */
    struct acc_unloaded *unloaded; /* owned; with `may_fail` */
    size_t n_unloaded;
};

/* 0 and `*ret_loaded`; -EINVAL with the problems in `diags` (warnings may be there after success),
 * with `find_all` sorted by place; -ENOMEM. */
int acc_load(const struct acc_load_options *options, struct acc_loaded *ret_loaded,
             struct acc_diags *diags);
void acc_loaded_fini(struct acc_loaded *loaded);

/* The patterns and files of acc.yaml that match nothing, or that aren't there, absolute, into
 * `*ret_patterns`, which is the caller's to free, with each of them; how many. */
size_t acc_load_unmatched(const struct acc_load_options *options, const struct acc_loaded *loaded,
                          char ***ret_patterns);

/* What would stop whole stacks by accident: a pattern that matches nothing any more (the disk that
 * they lie on isn't mounted), one that matches nothing in the place of an entry whose stacks run (a
 * typo), or an acc.yaml without `stacks:` (it was emptied). An error for each in `diags`; the
 * number of them. */
size_t acc_load_accidents(const struct acc_load_options *options, const struct acc_loaded *running,
                          const struct acc_loaded *loaded, struct acc_diags *diags);
