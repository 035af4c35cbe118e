/*
 * What Docker, or whoever answers in its place, sends: framing and every parser of it.
 *
 * Framing has a property: the texts are the same however the bytes arrive. The parsers must stay
 * inside their input and leave only what their contracts allow.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/codec/docker_diff.h"
#include "lib/codec/docker_error.h"
#include "lib/codec/docker_event.h"
#include "lib/codec/docker_inspect.h"
#include "lib/codec/docker_pull.h"
#include "lib/codec/docker_reply.h"
#include "lib/codec/docker_stdio.h"
#include "lib/codec/json_frame.h"

#define FRAME_CAP 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All texts, one after another with their kind, as one digest. */
static uint64_t frame(const char *in, size_t size, size_t step)
{
    struct acc_json_frame frame;
    uint64_t digest = 14695981039346656037u;
    enum acc_json_frame_result r;
    const char *text = "";
    size_t len = 0;

    acc_json_frame_init(&frame, FRAME_CAP);
    for (size_t left = size; left > 0;) {
        size_t n = left < step ? left : step;

        left -= n;
        while ((r = acc_json_frame_feed(&frame, &in, &n, &text, &len)) != ACC_JSON_FRAME_MORE) {
            if (r == ACC_JSON_FRAME_TEXT) {
                acc_assert(len > 0 && len <= FRAME_CAP && text[len] == '\0');
            }
            digest = (digest ^ (uint64_t)r) * 1099511628211u;
            for (size_t i = 0; r == ACC_JSON_FRAME_TEXT && i < len; i++) {
                digest = (digest ^ (unsigned char)text[i]) * 1099511628211u;
            }
        }
        acc_assert(n == 0);
    }
    r = acc_json_frame_finish(&frame, &text, &len);
    for (size_t i = 0; r == ACC_JSON_FRAME_TEXT && i < len; i++) {
        digest = (digest ^ (unsigned char)text[i]) * 1099511628211u;
    }
    acc_json_frame_fini(&frame);
    return digest;
}

static void is_id_or_empty(const char *cid)
{
    acc_assert(cid[0] == '\0' || strspn(cid, "0123456789abcdef") == ACC_CID_LEN);
}

static void containers(const char *text, size_t size)
{
    static struct acc_obs obs;
    static struct acc_obs_extra extra;
    struct acc_docker_event event;
    struct acc_docker_list list;

    if (acc_docker_event_parse(text, size, &event) == 0) {
        is_id_or_empty(event.cid);
        acc_assert(strlen(event.action) <= ACC_DOCKER_ACTION_MAX);
    }
    if (acc_docker_inspect_parse(text, size, &obs, &extra) == 0) {
        acc_assert(strlen(obs.cid) == ACC_CID_LEN);
        acc_assert(obs.n_ports <= ACC_PORTS_MAX && extra.n_addresses <= ACC_INSPECT_NETWORKS_MAX);
        acc_assert(!obs.has_health || obs.interval_ms > 0);
        acc_assert(extra.config_path[0] == '\0' || strstr(extra.config_path, obs.cid));
        acc_assert(!extra.health_argv || !extra.health_argv[extra.n_health_argv]);
        acc_obs_extra_fini(&extra);
    }
    (void)acc_docker_manual_stop_parse(text, size);
    if (acc_docker_list_parse(text, size, &list) == 0) {
        for (size_t i = 0; i < list.n; i++) {
            acc_assert(strlen(list.item[i].cid) == ACC_CID_LEN);
        }
        acc_docker_list_fini(&list);
    }
}

static void others(const char *text, size_t size)
{
    static struct acc_docker_pull pull;
    struct acc_docker_names names;
    struct acc_docker_name_item item;
    struct acc_docker_image image;
    struct acc_docker_version version;
    struct acc_docker_info info;
    struct acc_docker_exec exec;
    char id[ACC_CID_LEN + 1], message[200];

    if (acc_docker_networks_parse(text, size, &names) == 0) {
        acc_docker_names_fini(&names);
    }
    if (acc_docker_volumes_parse(text, size, &names) == 0) {
        acc_docker_names_fini(&names);
    }
    (void)acc_docker_network_parse(text, size, &item);
    (void)acc_docker_image_parse(text, size, &image);
    (void)acc_docker_version_parse(text, size, &version);
    (void)acc_docker_info_parse(text, size, &info);
    (void)acc_docker_exec_parse(text, size, &exec);
    (void)acc_docker_id_parse(text, size, id);
    acc_docker_message(500, text, size, message, sizeof(message));
    acc_assert(message[0] != '\0' && !strchr(message, '\n'));
    (void)acc_docker_result(ACC_CALL_START, 500, message);
    (void)acc_docker_conflict_holder(message, id);
    acc_docker_pull_init(&pull);
    (void)acc_docker_pull_line(&pull, text, size);
    acc_assert(pull.current <= pull.total && pull.failed == (pull.error[0] != '\0'));
}

/* The input as the container, and as its image, of a small request. */
static void differences(const char *text, size_t size)
{
    static char body[] =
        "{\"Image\":\"a:1\",\"Cmd\":[\"x\"],\"Env\":[\"A=1\"],\"Labels\":{\"l\":\"1\"},"
        "\"HostConfig\":{\"Binds\":[\"/a:/b:ro\"],\"NetworkMode\":\"n\",\"Memory\":5,"
        "\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"80\"}]}},"
        "\"NetworkingConfig\":{\"EndpointsConfig\":{\"n\":{\"Aliases\":[\"a\"]}}}}";
    static struct acc_docker_diff diff;
    const struct acc_docker_create create = {.body = body, .body_len = sizeof(body) - 1};

    if (acc_docker_diff_make(&create, NULL, text, size, NULL, 0, &diff) == 0) {
        acc_assert(diff.n <= ACC_DIFF_LINES_MAX);
        (void)acc_docker_diff_make(&create, NULL, text, size, text, size, &diff);
    }
}

static void stdio(const char *in, size_t size)
{
    struct acc_docker_stdio stdio;
    const char *data;
    size_t len, total = 0, all = size;
    uint8_t stream;

    acc_docker_stdio_init(&stdio, false);
    while (acc_docker_stdio_feed(&stdio, &in, &size, &data, &len, &stream)) {
        total += len;
    }
    acc_assert(size == 0 && total <= all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    uint64_t whole = frame(text, size, size);

    acc_assert(whole == frame(text, size, 1));
    acc_assert(whole == frame(text, size, 7));
    containers(text, size);
    others(text, size);
    differences(text, size);
    stdio(text, size);
    return 0;
}
