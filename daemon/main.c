/*
 * accd: argv to app to exit code, nothing else.
 */

#include <malloc.h>
#include <stdlib.h>

#include "daemon/app.h"
#include "daemon/log.h"
#include "daemon/options.h"

/* Exit codes of DESIGN.md 4.2; accd.service doesn't restart after 2 and 4. */
enum { EXIT_CODE_USAGE = 2, EXIT_CODE_CONFIG = 4 };

int main(int argc, char **argv)
{
    struct accd_options options;

    /* One heap for all threads: the workers allocate a few kB, and an arena each would cost more
     * than the whole daemon. */
    (void)mallopt(M_ARENA_MAX, 1);
    switch (accd_options_parse(argc, argv, &options, stderr)) {
    case ACCD_OPTIONS_RUN:
        break;
    case ACCD_OPTIONS_EXIT_OK:
        return EXIT_SUCCESS;
    case ACCD_OPTIONS_EXIT_USAGE:
        return EXIT_CODE_USAGE;
    }
    accd_log_init((enum accd_log_level)options.log_level, getenv("JOURNAL_STREAM") != NULL);
    switch (accd_app_run(&options)) {
    case ACCD_APP_LEFT:
        return EXIT_SUCCESS;
    case ACCD_APP_FAILED:
        return EXIT_FAILURE;
    case ACCD_APP_CONFIG:
        return EXIT_CODE_CONFIG;
    }
    return EXIT_FAILURE;
}
