#include "daemon/in/reload.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/assert.h"

struct accd_reload {
    uv_loop_t *loop;
    uv_work_t work;
    struct acc_load_options options; /* borrowed strings: the command line */
    accd_reload_fn on_loaded;
    void *ctx;
    struct acc_loaded loaded; /* the worker's until it ends */
    struct acc_diags diags;
    int error;
    bool is_busy;
    bool is_asked_again;
};

int accd_reload_create(uv_loop_t *loop, const struct acc_load_options *options,
                       accd_reload_fn on_loaded, void *ctx, struct accd_reload **ret_reload)
{
    struct accd_reload *reload = calloc(1, sizeof(*reload));

    if (!reload) {
        return -ENOMEM;
    }
    reload->loop = loop;
    reload->options = *options;
    reload->on_loaded = on_loaded;
    reload->ctx = ctx;
    reload->work.data = reload;
    *ret_reload = reload;
    return 0;
}

static void on_work(uv_work_t *work)
{
    struct accd_reload *reload = work->data;

    reload->diags = (struct acc_diags){0};
    reload->error = acc_load(&reload->options, &reload->loaded, &reload->diags);
}

static void on_worked(uv_work_t *work, int status)
{
    struct accd_reload *reload = work->data;
    struct accd_reload_result result = {reload->error, &reload->loaded, &reload->diags};

    (void)status; /* never cancelled */
    reload->is_busy = false;
    reload->on_loaded(reload->ctx, &result);
    if (reload->is_asked_again) {
        reload->is_asked_again = false;
        accd_reload_request(reload);
    }
}

void accd_reload_request(struct accd_reload *reload)
{
    if (reload->is_busy) {
        reload->is_asked_again = true;
        return;
    }
    reload->is_busy = true;
    int r = uv_queue_work(reload->loop, &reload->work, on_work, on_worked);

    acc_assert(r == 0); /* fails for a NULL callback only */
}

struct accd_reload *accd_reload_destroy(struct accd_reload *reload)
{
    if (reload) {
        acc_assert(!reload->is_busy);
        free(reload);
    }
    return NULL;
}
