#include "daemon/out/image_pins.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_request.h"

#define LIMIT_MS 30000u

struct accd_pins {
    struct accd_pins_config config;
    bool is_touched;
    struct accd_request *request; /* NULL: nothing is under way */
    struct acc_pin *wanted;       /* owned; while looking */
    size_t n_wanted;
    struct acc_pin_change *change; /* owned; while changing */
    size_t n, at;
};

static void end(struct accd_pins *pins)
{
    free(pins->wanted);
    free(pins->change);
    pins->wanted = NULL;
    pins->change = NULL;
    pins->n = pins->at = pins->n_wanted = 0;
}

static void next(struct accd_pins *pins);

static void on_changed(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_pins *pins = ctx;
    const struct acc_pin_change *change = &pins->change[pins->at++];

    pins->request = NULL;
    /* 404: the image, or the tag, is gone. 409: a container uses it. Neither is news. */
    if (reply->error != ACCD_HTTP_OK ||
        (reply->status >= 400 && reply->status != 404 && reply->status != 409)) {
        accd_log(ACCD_LOG_WARNING, "the tag %s could not be %s: %s", change->name,
                 change->image_id[0] ? "set" : "removed",
                 reply->error ? reply->detail : "Docker refuses");
    }
    next(pins);
}

static int send_tag(struct accd_pins *pins, struct accd_http_config *config,
                    const struct acc_pin_change *change)
{
    const char *colon = strrchr(change->name, ':');
    struct acc_buf repo;
    int r;

    acc_buf_init(&repo, ACCD_DOCKER_PATH_MAX);
    r = acc_buf_append(&repo, change->name, (size_t)(colon - change->name));
    config->method = ACCD_HTTP_POST;
    if (r == 0) {
        r = accd_docker_start(pins->config.docker, config, &pins->request,
                              "/images/%s/tag?repo=%s&tag=%s", change->image_id, repo.data,
                              colon + 1);
    }
    acc_buf_fini(&repo);
    return r;
}

static int send_untag(struct accd_pins *pins, struct accd_http_config *config,
                      const struct acc_pin_change *change)
{
    config->method = ACCD_HTTP_DELETE;
    return accd_docker_start(pins->config.docker, config, &pins->request, "/images/%s?noprune=1",
                             change->name);
}

static void next(struct accd_pins *pins)
{
    while (pins->at < pins->n) {
        const struct acc_pin_change *change = &pins->change[pins->at];
        struct accd_http_config config = {
            .fresh = true, .limit_ms = LIMIT_MS, .ctx = pins, .on_done = on_changed};
        int r = change->image_id[0] ? send_tag(pins, &config, change)
                                    : send_untag(pins, &config, change);

        if (r == 0) {
            return;
        }
        accd_log(ACCD_LOG_WARNING, "the tag %s could not be asked for: %s", change->name,
                 strerror(-r));
        pins->at++;
    }
    end(pins);
    accd_pins_run(pins); /* what came meanwhile */
}

static void on_listed(void *ctx, const struct accd_http_reply *reply)
{
    struct accd_pins *pins = ctx;

    pins->request = NULL;
    if (reply->error != ACCD_HTTP_OK || reply->status != 200 ||
        acc_pins_compare(reply->body, reply->body_len, pins->wanted, pins->n_wanted, &pins->change,
                         &pins->n) < 0) {
        accd_log(ACCD_LOG_WARNING, "the images of old revisions could not be looked at: %s",
                 reply->error ? reply->detail : "Docker's answer can't be read");
        end(pins);
        return;
    }
    next(pins);
}

void accd_pins_touch(struct accd_pins *pins)
{
    pins->is_touched = true;
}

void accd_pins_run(struct accd_pins *pins)
{
    struct accd_http_config config = {
        .limit_ms = LIMIT_MS, .ctx = pins, .on_done = on_listed, .body_cap = ACC_DOCKER_BODY_MAX};

    if (!pins->is_touched || pins->request) {
        return;
    }
    pins->is_touched = false;
    if (pins->config.wanted(pins->config.ctx, &pins->wanted, &pins->n_wanted) < 0 ||
        pins->n_wanted == 0 ||
        accd_docker_start(pins->config.docker, &config, &pins->request,
                          "/images/json?filters=%%7B%%22reference%%22%%3A%%5B%%22acc-pin%%2F*%%2F*"
                          "%%22%%5D%%7D") < 0) {
        end(pins); /* nothing was ever upgraded, or out of memory: the next time */
    }
}

int accd_pins_create(const struct accd_pins_config *config, struct accd_pins **ret_pins)
{
    struct accd_pins *pins = calloc(1, sizeof(*pins));

    if (!pins) {
        return -ENOMEM;
    }
    pins->config = *config;
    pins->is_touched = true;
    *ret_pins = pins;
    return 0;
}

struct accd_pins *accd_pins_destroy(struct accd_pins *pins)
{
    if (pins) {
        accd_http_cancel(pins->request);
        end(pins);
        free(pins);
    }
    return NULL;
}
