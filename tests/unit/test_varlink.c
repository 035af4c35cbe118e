#include "lib/codec/varlink.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What a byte stream gives: "text$" for a request that ended in NUL, "text/" in a newline, "!" for
 * one that was too big. \1 stands for NUL. */
static const struct {
    const char *label, *in, *want;
} frames[] = {
    {"one", "{\"a\":1}\1", "{\"a\":1}$"},
    {"newline", "{\"a\":1}\n", "{\"a\":1}/"},
    {"two", "{}\1{}\n", "{}${}/"},
    {"no end yet", "{}\1{\"a\"", "{}$"},
    {"newline inside an object is white space", "{\n\"a\":[\n1]\n}\1", "{\n\"a\":[\n1]\n}$"},
    {"newline inside an object that ends in one", "{\n}\n", "{\n}/"},
    {"brace and escaped quote in a string", "{\"a\":\"}\\\"{\"}\n", "{\"a\":\"}\\\"{\"}/"},
    {"blank lines are passed over", "\n\r\n\1{}\n\n\1{}\1", "{}/{}$"},
    {"rubbish is a request, too", "hello\n}}]\n\1{}\1", "hello/}}]/{}$"},
    {"newline in a string ends the broken text", "{\"a\n{}\1", "{\"a/{}$"},
    {"NUL ends whatever is open", "{[\"\1{}\1", "{[\"${}$"},
    {"http", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r/"},
};

static size_t bytes_of(const char *in, char *out)
{
    size_t len = strlen(in);

    for (size_t i = 0; i < len; i++) {
        out[i] = in[i] == '\1' ? '\0' : in[i];
    }
    return len;
}

static void feed(struct acc_varlink_frame *frame, const char *in, size_t len, char *got)
{
    enum acc_varlink_frame_result r;

    do {
        const char *text = NULL;
        size_t text_len = 0;
        bool newline = false;

        r = acc_varlink_frame_feed(frame, &in, &len, &text, &text_len, &newline);
        if (r == ACC_VARLINK_REQUEST) {
            ck_assert_uint_eq(strlen(text), text_len);
            strcat(strcat(got, text), newline ? "/" : "$");
        } else if (r != ACC_VARLINK_MORE) {
            strcat(got, "!");
        }
    } while (r != ACC_VARLINK_MORE);
    ck_assert_uint_eq(len, 0);
}

START_TEST(cuts_requests_however_the_bytes_arrive)
{
    char in[256];
    size_t len = bytes_of(frames[_i].in, in);

    for (size_t step = 1; step <= len; step++) {
        struct acc_varlink_frame frame;
        char got[256] = "";

        acc_varlink_frame_init(&frame);
        for (size_t at = 0; at < len; at += step) {
            feed(&frame, in + at, len - at < step ? len - at : step, got);
            if (frame.given) {
                acc_varlink_frame_release(&frame);
            }
        }
        acc_varlink_frame_fini(&frame);
        ck_assert_msg(strcmp(got, frames[_i].want) == 0, "%s, %zu at a time: got %s, want %s",
                      frames[_i].label, step, got, frames[_i].want);
    }
}
END_TEST

START_TEST(a_request_above_the_cap_is_dropped_once_and_the_next_one_lives)
{
    struct acc_varlink_frame frame;
    char *big = malloc(ACC_VARLINK_REQUEST_MAX + 16);
    char got[64] = "";

    acc_varlink_frame_init(&frame);
    memset(big, '{', ACC_VARLINK_REQUEST_MAX + 16);
    for (int i = 0; i < 3; i++) {
        feed(&frame, big, ACC_VARLINK_REQUEST_MAX + 16, got);
    }
    ck_assert_str_eq(got, "!");
    ck_assert_uint_eq(frame.buf.alloc, 0);
    feed(&frame, "\0{}\0", 4, got);
    ck_assert_str_eq(got, "!{}$");
    acc_varlink_frame_fini(&frame);
    free(big);
}
END_TEST

START_TEST(a_request_of_exactly_the_cap_is_taken)
{
    struct acc_varlink_frame frame;
    char *big = malloc(ACC_VARLINK_REQUEST_MAX + 1);
    const char *in = big, *text = NULL;
    size_t len = ACC_VARLINK_REQUEST_MAX + 1, text_len = 0;
    bool newline;

    acc_varlink_frame_init(&frame);
    memset(big, ' ', ACC_VARLINK_REQUEST_MAX);
    big[0] = '{';
    big[1] = '}';
    big[ACC_VARLINK_REQUEST_MAX] = '\0';
    ck_assert_int_eq(acc_varlink_frame_feed(&frame, &in, &len, &text, &text_len, &newline),
                     ACC_VARLINK_REQUEST);
    ck_assert_uint_eq(text_len, ACC_VARLINK_REQUEST_MAX);
    acc_varlink_frame_fini(&frame);
    free(big);
}
END_TEST

START_TEST(what_is_left_when_the_peer_closes_counts)
{
    struct acc_varlink_frame frame;
    const char *text = NULL;
    size_t text_len = 0;
    char got[64] = "";

    acc_varlink_frame_init(&frame);
    feed(&frame, "{}\n \n{\"a\":1", 11, got);
    ck_assert_str_eq(got, "{}/");
    ck_assert_int_eq(acc_varlink_frame_finish(&frame, &text, &text_len), ACC_VARLINK_REQUEST);
    ck_assert_str_eq(text, "{\"a\":1");
    ck_assert_int_eq(acc_varlink_frame_finish(&frame, &text, &text_len), ACC_VARLINK_MORE);
    acc_varlink_frame_fini(&frame);
}
END_TEST

static const struct {
    const char *in, *want;
    size_t len;
} texts[] = {
    {"plain", "plain", 5},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 14},
    {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd", 6},
    {"a\0b",
     "a\xef\xbf\xbd"
     "b",
     3},
    {"over\xc0\xaf", "over\xef\xbf\xbd\xef\xbf\xbd", 6},
    {"sur\xed\xa0\x80", "sur\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 6},
    {"\xf5\xff", "\xef\xbf\xbd\xef\xbf\xbd", 2},
};

START_TEST(text_of_programs_becomes_valid_utf8)
{
    struct acc_varlink_reply reply;
    const cJSON *item;

    acc_varlink_reply_begin(&reply);
    acc_put_bytes(&reply.put, reply.parameters, "t", texts[_i].in, texts[_i].len);
    item = cJSON_GetObjectItemCaseSensitive(reply.parameters, "t");
    ck_assert_str_eq(item->valuestring, texts[_i].want);
    cJSON_Delete(reply.root);
}
END_TEST

START_TEST(a_reply_has_the_envelope_of_varlink)
{
    struct acc_varlink_reply reply;
    struct acc_buf out;

    acc_buf_init(&out, 1000);
    acc_varlink_reply_begin(&reply);
    acc_put_text(&reply.put, reply.parameters, "a", "b");
    ck_assert_int_eq(acc_varlink_reply_finish(&reply, NULL, true, &out), 0);
    ck_assert_str_eq(out.data, "{\"parameters\":{\"a\":\"b\"},\"continues\":true}");
    acc_buf_reset(&out);
    acc_varlink_reply_begin(&reply);
    ck_assert_int_eq(acc_varlink_reply_finish(&reply, "x.Y", false, &out), 0);
    ck_assert_str_eq(out.data, "{\"parameters\":{},\"error\":\"x.Y\"}");
    acc_buf_fini(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("varlink");
    TCase *tcase = tcase_create("varlink");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, cuts_requests_however_the_bytes_arrive, 0,
                        sizeof(frames) / sizeof(frames[0]));
    tcase_add_test(tcase, a_request_above_the_cap_is_dropped_once_and_the_next_one_lives);
    tcase_add_test(tcase, a_request_of_exactly_the_cap_is_taken);
    tcase_add_test(tcase, what_is_left_when_the_peer_closes_counts);
    tcase_add_loop_test(tcase, text_of_programs_becomes_valid_utf8, 0,
                        sizeof(texts) / sizeof(texts[0]));
    tcase_add_test(tcase, a_reply_has_the_envelope_of_varlink);
    srunner_run_all(runner, CK_NORMAL);
    int n_failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return n_failed > 0;
}
