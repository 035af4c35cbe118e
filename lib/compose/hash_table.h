#pragma once

/*
 * uthash, set up for lib: no exit() without memory (an element has a member `is_lost` that says
 * so). The hash function is chosen in meson.build.
 */

#include <stdbool.h>

#define HASH_NONFATAL_OOM         1
#define uthash_nonfatal_oom(elem) ((elem)->is_lost = true)
#include <uthash.h>
