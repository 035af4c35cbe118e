#pragma once

/*
 * What the files say of a service that no container has to be made anew for: accd goes by it from
 * then on. No request to the engine holds it, so nothing but the two readings of the files tells
 * that it has changed.
 */

#include <stddef.h>

#include "lib/model/spec.h"

#define ACC_SETTINGS_TEXT_MAX 255u

/* "x-acc upgrade changed; depends_on added", as far as there is room; "" where nothing is other. */
void acc_settings_changed(const struct acc_service_spec *old, const struct acc_service_spec *now,
                          char *out, size_t out_size);
