#pragma once

/*
 * accd's command line (DESIGN.md 4.2).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Compose files of one stack on the command line. */
#define ACCD_FILES_MAX 64u

struct accd_options {
    const char *config;
    const char *files[ACCD_FILES_MAX];
    size_t n_files;
    const char *project;
    const char *docker;
    const char *socket;
    const char *state_dir;
    const char *sys_root;
    int log_level;
    bool check;
    bool hand_back;
};

enum accd_options_result {
    ACCD_OPTIONS_RUN = 0,
    ACCD_OPTIONS_EXIT_OK,    /* --help, --version: it has printed */
    ACCD_OPTIONS_EXIT_USAGE, /* it has said what is wrong */
};

/* Strings are borrowed from `argv` and the environment. What is wrong is written to `errors`. */
enum accd_options_result accd_options_parse(int argc, char **argv, struct accd_options *ret_options,
                                            FILE *errors);
