/* How long accd is waited for, and what is said when nothing comes. */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "client/cmd.h"
#include "lib/base/str.h"

/* accd answers a look within milliseconds, or it hangs. */
#define ANSWER_MS 20000
/* It is asked once more whether it is there before it is called dead: the limit has passed already,
 * so this is short. */
#define LAST_ASK_MS 500

uint64_t accctl_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int accctl_limit_ms(const struct accctl *ctl)
{
    uint64_t limit_ms = ctl->options->timeout_ms ? ctl->options->timeout_ms : ANSWER_MS;

    return limit_ms > INT_MAX ? INT_MAX : (int)limit_ms;
}

int accctl_receive(struct accctl *ctl, struct accctl_conn *conn, int wait_ms, cJSON **ret_reply)
{
    int r = accctl_conn_receive(conn, wait_ms, ret_reply);

    if (r == 0) {
        ctl->heard_ms = accctl_now_ms();
    }
    return r;
}

/* On a connection of its own: what is under way on another one is not disturbed. */
static bool is_there(struct accctl *ctl, int limit_ms)
{
    struct accctl_conn *conn = NULL;
    cJSON *reply = NULL;
    int r = accctl_conn_open(ctl->options->socket, limit_ms, &conn);

    r = r < 0 ? r : accctl_conn_send(conn, "io.acc.Ping", NULL, false);
    r = r < 0 ? r : accctl_conn_receive(conn, limit_ms, &reply);
    cJSON_Delete(reply);
    (void)accctl_conn_close(conn);
    return r == 0 || (r == -EINTR && accctl_is_interrupted());
}

bool accctl_is_silent(struct accctl *ctl)
{
    if (accctl_now_ms() < ctl->heard_ms + ANSWER_MS) {
        return false;
    }
    if (!is_there(ctl, ANSWER_MS)) {
        return true;
    }
    ctl->heard_ms = accctl_now_ms();
    return false;
}

/* What is quiet looks like what hangs behind accd: who names a time isn't kept for longer. */
static int news_limit_ms(struct accctl *ctl)
{
    uint64_t now_ms = accctl_now_ms();

    if (!ctl->options->timeout_ms) {
        return ANSWER_MS;
    }
    ctl->until_ms = ctl->until_ms ? ctl->until_ms : now_ms + ctl->options->timeout_ms;
    if (now_ms >= ctl->until_ms) {
        return 0;
    }
    return ctl->until_ms - now_ms < ANSWER_MS ? (int)(ctl->until_ms - now_ms) : ANSWER_MS;
}

int accctl_receive_news(struct accctl *ctl, struct accctl_conn *conn, cJSON **ret_reply)
{
    int r, limit_ms;

    do {
        limit_ms = news_limit_ms(ctl);
        r = limit_ms > 0 ? accctl_receive(ctl, conn, limit_ms, ret_reply) : -ETIMEDOUT;
    } while (r == -ETIMEDOUT && limit_ms > 0 && !accctl_is_silent(ctl));
    return r;
}

static bool acts(const struct accctl *ctl)
{
    int options = accctl_cmd_options(ctl->options->verb);

    return options > 0 && (options & ACCCTL_O_DETACH);
}

enum accctl_exit accctl_tell_late(struct accctl *ctl)
{
    const char *path = ctl->options->socket;
    bool is_alive = is_there(ctl, LAST_ASK_MS);
    cJSON *parameters = cJSON_CreateObject();
    char span[48];

    acc_format_span_ms(accctl_now_ms() - ctl->heard_ms, span, sizeof(span));
    if (is_alive && ctl->until_ms) {
        acc_format_span_ms(ctl->options->timeout_ms, span, sizeof(span));
        (void)fprintf(ctl->err, "accctl: followed for %s, and it goes on; accd is there\n", span);
    } else if (is_alive) {
        (void)fprintf(ctl->err, "accctl: no outcome within %s, though accd is there\n", span);
    } else {
        (void)fprintf(ctl->err,
                      "accctl: accd hasn't answered for %s (socket %s); it may be stopped: "
                      "%s%s\n",
                      span, path,
                      accctl_is_unit(ctl) ? "systemctl status accd" : "ps -C accd -o pid,stat,args",
                      acts(ctl) ? ". What was asked is done once it goes on" : "");
    }
    if (ctl->options->json) {
        (void)cJSON_AddStringToObject(parameters, "socket", path);
        (void)cJSON_AddStringToObject(parameters, "reason", is_alive ? "timed out" : "no answer");
        accctl_print_json_error(ctl, is_alive ? "timed out" : "accd can't be reached", parameters);
    }
    cJSON_Delete(parameters);
    return is_alive ? ACCCTL_TIMED_OUT : ACCCTL_AWAY;
}
