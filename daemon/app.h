#pragma once

/*
 * The wiring of accd and the order in which its parts begin and end. No logic.
 */

#include "daemon/options.h"

enum accd_app_result {
    ACCD_APP_LEFT = 0, /* asked to */
    ACCD_APP_FAILED,   /* it has said why */
    ACCD_APP_CONFIG,   /* the configuration is invalid; told with places */
};

/* Runs until SIGTERM, or does what --check or --hand-back ask. */
enum accd_app_result accd_app_run(const struct accd_options *options);
