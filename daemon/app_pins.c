/* Which images are to be kept: what the engine remembers of its revisions. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app_parts.h"

int accd_app_pins(void *ctx, struct acc_pin **ret_pins, size_t *ret_n)
{
    const struct accd_app *app = ctx;
    size_t n_services = acc_engine_n_services(app->engine);
    struct acc_pin *pins = calloc(n_services * ACC_KEPT_MAX + 1, sizeof(*pins));
    size_t n = 0;

    if (!pins) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n_services; i++) {
        struct acc_kept kept[ACC_KEPT_MAX];
        size_t n_kept = acc_engine_kept(app->engine, i, kept);
        struct acc_service_view view;

        if (n_kept > 0) {
            acc_engine_service(app->engine, i, uv_now(&app->loop), &view);
        }
        for (size_t k = 0; k < n_kept; k++) {
            struct acc_pin *pin = &pins[n++];

            acc_pin_repo(view.stack, view.name, pin->repo);
            pin->revision = kept[k].number;
            (void)snprintf(pin->image_id, sizeof(pin->image_id), "%s", kept[k].image_id);
        }
    }
    *ret_pins = pins;
    *ret_n = n;
    return 0;
}

void accd_app_on_save_revision(void *ctx, const struct acc_action *action)
{
    struct accd_app *app = ctx;

    accd_telling_save(&app->telling, action);
    accd_pins_touch(app->pins);
}
