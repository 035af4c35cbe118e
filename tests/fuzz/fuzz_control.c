#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/codec/control_request.h"
#include "lib/codec/json_get.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a peer's bytes came to: every request and its verdict, mixed into one number. */
struct outcome {
    uint64_t hash;
    size_t n_requests, n_too_big;
};

static void mix(struct outcome *outcome, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++) {
        outcome->hash = (outcome->hash ^ at[i]) * 1099511628211u;
    }
}

/* Every error is a reply that a Varlink client can read. */
static void check_error(const struct acc_ctl_error *error)
{
    struct acc_buf out;
    cJSON *reply = NULL;

    acc_buf_init(&out, 1u << 20);
    acc_assert(acc_ctl_error_put(error, &out) == 0);
    acc_assert(acc_json_parse_object(out.data, out.len, &reply) == 0);
    acc_assert(strcmp(acc_json_text(reply, "error"), error->name) == 0);
    acc_assert(acc_json_object(reply, "parameters"));
    cJSON_Delete(reply);
    acc_buf_fini(&out);
}

static void check_request(const struct acc_ctl_request *request)
{
    acc_assert(request->method < ACC_CTL_METHOD_COUNT);
    acc_assert(request->n_targets <= ACC_CTL_TARGETS_MAX);
    for (size_t i = 0; i < request->n_targets; i++) {
        acc_assert(request->targets[i] && request->targets[i][0] != '\0');
    }
    acc_assert(request->method != ACC_CTL_WHY || request->n_targets == 1);
    acc_assert(request->method != ACC_CTL_GET_INTERFACE || request->interface);
}

static void read_request(struct outcome *outcome, const char *text, size_t text_len, bool newline)
{
    struct acc_ctl_request request;
    struct acc_ctl_error error;
    bool is_oneway = false;
    enum acc_ctl_parsed parsed = acc_ctl_request_parse(text, text_len, &request, &error,
                                                       &is_oneway);

    acc_assert(text_len > 0 && text_len <= ACC_VARLINK_REQUEST_MAX && text[text_len] == '\0');
    outcome->n_requests++;
    mix(outcome, text, text_len);
    mix(outcome, &newline, sizeof(newline));
    if (parsed == ACC_CTL_PARSED) {
        mix(outcome, &request.method, sizeof(request.method));
        check_request(&request);
        acc_ctl_request_fini(&request);
    } else {
        mix(outcome, error.value, strlen(error.value));
        check_error(&error);
    }
}

static struct outcome read_all(const char *in, size_t size, size_t step)
{
    struct outcome outcome = {.hash = 14695981039346656037u};
    struct acc_varlink_frame frame;
    const char *text = NULL;
    size_t text_len = 0;

    acc_varlink_frame_init(&frame);
    while (size > 0) {
        size_t n = step < size ? step : size;
        size_t left = n;
        enum acc_varlink_frame_result r;

        do {
            bool newline = false;

            r = acc_varlink_frame_feed(&frame, &in, &left, &text, &text_len, &newline);
            if (r == ACC_VARLINK_REQUEST) {
                read_request(&outcome, text, text_len, newline);
            }
            outcome.n_too_big += r == ACC_VARLINK_TOO_BIG;
        } while (r != ACC_VARLINK_MORE);
        acc_assert(left == 0);
        size -= n;
    }
    if (acc_varlink_frame_finish(&frame, &text, &text_len) == ACC_VARLINK_REQUEST) {
        read_request(&outcome, text, text_len, true);
    }
    acc_varlink_frame_fini(&frame);
    return outcome;
}

/* However the bytes arrive, the same requests come out. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = read_all((const char *)data, size, size + 1);
    struct outcome bytewise = read_all((const char *)data, size, 1);

    acc_assert(whole.hash == bytewise.hash && whole.n_requests == bytewise.n_requests);
    acc_assert(whole.n_too_big == bytewise.n_too_big);
    return 0;
}
