#include "lib/codec/docker_pull.h"

#include <string.h>

#include "lib/codec/json_get.h"

void acc_docker_pull_init(struct acc_docker_pull *pull)
{
    memset(pull, 0, sizeof(*pull));
}

static struct acc_docker_pull_layer *layer_of(struct acc_docker_pull *pull, const char *id)
{
    for (size_t i = 0; i < pull->n_layers; i++) {
        if (strcmp(pull->layer[i].id, id) == 0) {
            return &pull->layer[i];
        }
    }
    if (pull->n_layers == ACC_PULL_LAYERS_MAX) {
        return NULL;
    }
    struct acc_docker_pull_layer *layer = &pull->layer[pull->n_layers++];

    *layer = (struct acc_docker_pull_layer){0};
    acc_copy_whole(id, layer->id, sizeof(layer->id));
    return layer;
}

/* Downloading and extracting count the same bytes twice, the second time from 0: a layer's
 * progress only grows, so the bar shows the download and stays there. */
static void read_progress(struct acc_docker_pull *pull, const cJSON *json)
{
    const char *id = acc_json_text(json, "id");
    const cJSON *detail = acc_json_object(json, "progressDetail");
    int64_t current = acc_json_int(detail, "current", 0);
    int64_t total = acc_json_int(detail, "total", 0);

    if (!id || strlen(id) > ACC_PULL_ID_MAX || current <= 0 || total <= 0) {
        return;
    }
    struct acc_docker_pull_layer *layer = layer_of(pull, id);

    if (!layer) {
        return;
    }
    if ((uint64_t)total > layer->total) {
        layer->total = (uint64_t)total;
    }
    if ((uint64_t)current > layer->current) {
        layer->current = (uint64_t)current;
    }
    if (layer->current > layer->total) {
        layer->current = layer->total;
    }
}

/* Saturating: a peer may claim any size. */
static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void sum_up(struct acc_docker_pull *pull)
{
    uint64_t current = 0, total = 0;

    for (size_t i = 0; i < pull->n_layers; i++) {
        current = add(current, pull->layer[i].current);
        total = add(total, pull->layer[i].total);
    }
    pull->total = total;
    pull->current = current; /* never less than before: no layer's is */
}

static void read_error(struct acc_docker_pull *pull, const cJSON *json)
{
    const cJSON *detail = acc_json_get(json, "errorDetail");
    const char *message = acc_json_text(detail, "message");
    const char *error = acc_json_text(json, "error"); /* deprecated with 1.48; podman's only one */

    if (!detail && !error) {
        return;
    }
    pull->failed = true;
    acc_copy_line(message && *message ? message : error, pull->error, sizeof(pull->error));
    if (pull->error[0] == '\0') {
        acc_copy_whole("the engine told no reason", pull->error, sizeof(pull->error));
    }
}

int acc_docker_pull_line(struct acc_docker_pull *pull, const char *text, size_t text_len)
{
    static const char digest[] = "Digest: ";
    cJSON *json = NULL;
    int r = acc_json_parse_object(text, text_len, &json);

    if (r < 0) {
        return r;
    }
    const char *status = acc_json_text(json, "status");

    pull->n_lines++;
    if (status) {
        acc_copy_line(status, pull->status, sizeof(pull->status));
        if (strncmp(status, digest, strlen(digest)) == 0) {
            acc_copy_whole(status + strlen(digest), pull->digest, sizeof(pull->digest));
        }
    }
    read_progress(pull, json);
    sum_up(pull);
    read_error(pull, json);
    cJSON_Delete(json);
    return 0;
}
