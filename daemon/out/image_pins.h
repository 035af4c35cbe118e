#pragma once

/*
 * Keeps the tags "acc-pin/..." as the engine's revisions want them (lib/codec/image_pins.h).
 *
 * Told that something may have changed, it looks what is there and changes what differs, one thing
 * after the other. What fails is said and left to the next time: a pin is a convenience, the digest
 * of a revision is known without it.
 */

#include <stddef.h>

#include "daemon/docker.h"
#include "lib/codec/image_pins.h"

struct accd_pins;

struct accd_pins_config {
    struct accd_docker *docker; /* borrowed */
    /* All that is wanted, allocated: the callee frees it. -ENOMEM. */
    int (*wanted)(void *ctx, struct acc_pin **ret_pins, size_t *ret_n);
    void *ctx;
};

int accd_pins_create(const struct accd_pins_config *config, struct accd_pins **ret_pins);
struct accd_pins *accd_pins_destroy(struct accd_pins *pins); /* NULL allowed; returns NULL */
void accd_pins_touch(struct accd_pins *pins);                /* something may have changed */
/* Look, when something may have changed and nothing is under way. Docker is there. */
void accd_pins_run(struct accd_pins *pins);
