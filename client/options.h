#pragma once

/*
 * accctl's command line (DESIGN.md 4.7). Options may stand before and after the verb; which ones a
 * verb takes is its row in cmd.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ACCCTL_ARGS_MAX  256u
#define ACCCTL_FILES_MAX 64u
#define ACCCTL_SOCKET    "/run/acc/control"

/* Exit codes (DESIGN.md 4.7). */
enum accctl_exit {
    ACCCTL_DONE = 0,
    ACCCTL_FAILED = 1,
    ACCCTL_USAGE = 2,
    ACCCTL_AWAY = 3, /* accd can't be reached */
    ACCCTL_INVALID = 4,
    ACCCTL_TIMED_OUT = 5,
    ACCCTL_REFUSED = 6,
};

enum accctl_option {
    ACCCTL_O_PHASE = 1 << 0,
    ACCCTL_O_ALL = 1 << 1,
    ACCCTL_O_WITH_DEPENDENTS = 1 << 2,
    ACCCTL_O_VOLUMES = 1 << 3,
    ACCCTL_O_DETACH = 1 << 4,
    ACCCTL_O_TIMEOUT = 1 << 5,
    ACCCTL_O_FOLLOW = 1 << 6,
    ACCCTL_O_WATCH = 1 << 7,
    ACCCTL_O_TIMESTAMPS = 1 << 8,
    ACCCTL_O_TAIL = 1 << 9,
    ACCCTL_O_LIMIT = 1 << 10,
    ACCCTL_O_FILE = 1 << 11,
    ACCCTL_O_PROJECT = 1 << 12,
    ACCCTL_O_CONFIG = 1 << 13,
    ACCCTL_O_QUIET = 1 << 14,
    ACCCTL_O_ENV_FILE = 1 << 15,
    ACCCTL_O_PROFILE = 1 << 16,
    ACCCTL_O_PROJECT_DIR = 1 << 17,
    ACCCTL_O_HASH = 1 << 18,
    ACCCTL_O_IMAGE = 1 << 19,
    ACCCTL_O_TO = 1 << 20,
    ACCCTL_O_DRY_RUN = 1 << 21, /* --dry-run, --build: of upgrade */
    ACCCTL_O_BREAK = 1 << 22,   /* --fail, --flap, --oom */
    ACCCTL_O_SAVE = 1 << 23,
    ACCCTL_O_PRUNE = 1 << 25,
    ACCCTL_O_HOLD = 1 << 26, /* --up, --down, --freeze */
    ACCCTL_O_REASON = 1 << 27,
    ACCCTL_O_FOR = 1 << 28,
    ACCCTL_O_DECIDE = 1 << 29, /* --yes of rollback, --keep of upgrade */
    ACCCTL_O_TAKEN_BACK = 1 << 24,
};

struct accctl_options {
    const char *socket;
    bool json, no_color, help, version;
    const char *verb; /* NULL: none */
    const char *args[ACCCTL_ARGS_MAX];
    size_t n_args;
    uint32_t given; /* enum accctl_option */
    const char *phase;
    bool prune, all, with_dependents, volumes, detach, follow, watch, timestamps, taken_back, quiet;
    uint64_t timeout_ms; /* 0: none */
    uint32_t tail, limit;
    const char *files[ACCCTL_FILES_MAX];
    size_t n_files;
    const char *project, *config, *project_dir;
    uint32_t save;                 /* events: the so many-th last decision; 0: none */
    const char *fail, *flap, *oom; /* drill: the service */
    const char *env_files[ACCCTL_FILES_MAX];
    size_t n_env_files;
    const char *profiles[ACCCTL_FILES_MAX];
    size_t n_profiles;
    bool hash;
    const char *image; /* NULL: the file's */
    uint32_t to;       /* revision; 0: none given */
    bool dry_run, build;
    bool yes, keep;
    const char *hold;   /* "up", "down", "freeze"; NULL: none given */
    const char *reason; /* of a hold; NULL: none */
    uint64_t for_ms;    /* 0: until it is released */
};

/* `allowed(verb)` gives the options of a verb, and -1 for one that doesn't exist (then parsing goes
 * on, so that the caller can say so). Strings are borrowed. False: what is wrong was written to
 * `errors`. */
bool accctl_options_parse(int argc, char **argv, int (*allowed)(const char *verb),
                          struct accctl_options *ret_options, FILE *errors);
