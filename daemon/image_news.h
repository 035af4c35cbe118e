#pragma once

/*
 * What is heard while an image is built or pulled: from the operation that does it to those who
 * wait for a service that needs it.
 */

#include <stdbool.h>
#include <stdint.h>

struct accd_image_news {
    const char *image;       /* its reference */
    const char *line;        /* of a build, without secrets; NULL: it is a pull */
    uint64_t current, total; /* bytes of a pull; total 0: not known yet */
};
