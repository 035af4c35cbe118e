#include "daemon/in/logind.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/uvx.h"

#ifdef ACCD_SYSTEMD

#include <systemd/sd-bus.h>

#define LOGIND       "org.freedesktop.login1"
#define LOGIND_PATH  "/org/freedesktop/login1"
#define LOGIND_IFACE "org.freedesktop.login1.Manager"
/* logind's clock began before we heard of it, and the last stop has to be seen. */
#define MARGIN_MS UINT64_C(500)
/* A bus that is gone comes back when somebody starts it again. */
#define AGAIN_MIN_MS UINT64_C(1000)
#define AGAIN_MAX_MS UINT64_C(60000)

/* One connection to the bus. */
struct link {
    struct accd_logind *logind; /* NULL: nobody listens any more */
    sd_bus *bus;                /* owned */
    struct accd_handles handles;
    uv_poll_t poll;
    uv_timer_t timer;
};

struct accd_logind {
    uv_loop_t *loop;
    struct accd_pump *pump;
    struct accd_handles handles;
    uv_timer_t again;
    uint64_t again_ms;
    struct link *link; /* owned; NULL: no bus */
    int lock_fd;       /* owned; -1: the host doesn't wait for us */
    uint64_t delay_ms; /* so long it does */
    bool is_preparing; /* the host goes down */
};

static void lost(struct link *link, int r);

/* --- sd-bus on the loop ---------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

/* What it waits for changes with each call and each message. */
static int arm(struct link *link)
{
    int wanted = sd_bus_get_events(link->bus);
    uint64_t due_us = UINT64_MAX;
    int events = wanted < 0 ? 0
                            : ((wanted & POLLIN) ? UV_READABLE : 0) |
                                  ((wanted & POLLOUT) ? UV_WRITABLE : 0);
    int r = wanted < 0 ? wanted : sd_bus_get_timeout(link->bus, &due_us);

    if (r < 0) {
        return r;
    }
    if (due_us == UINT64_MAX) {
        (void)uv_timer_stop(&link->timer);
    } else {
        uint64_t now_us = uv_hrtime() / 1000; /* the same clock: CLOCK_MONOTONIC */

        (void)uv_timer_start(&link->timer, on_timer,
                             due_us > now_us ? (due_us - now_us + 999) / 1000 : 0, 0);
    }
    return uv_poll_start(&link->poll, events, on_poll);
}

static void go_on(struct link *link)
{
    int r;

    do {
        r = sd_bus_process(link->bus, NULL);
    } while (r > 0 && link->logind);
    if (r >= 0 && link->logind) {
        r = arm(link);
    }
    if (r < 0 && link->logind) {
        lost(link, r);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events; /* sd-bus finds out by itself */
    go_on(accd_handle_owner(poll));
}

static void on_timer(uv_timer_t *timer)
{
    go_on(accd_handle_owner(timer));
}

/* --- telling --------------------------------------------------------------------------------- */

static void tell(struct accd_logind *logind, bool is_preparing)
{
    struct acc_event event = {.type = ACC_EV_SHUTDOWN, .now_ms = uv_now(logind->loop)};
    bool is_waited_for = logind->lock_fd >= 0 && logind->delay_ms > MARGIN_MS;

    if (is_preparing == logind->is_preparing) {
        return;
    }
    event.shutdown.is_cancelled = !is_preparing;
    event.shutdown.budget_ms = is_preparing && is_waited_for ? logind->delay_ms - MARGIN_MS : 0;
    if (accd_pump_push(logind->pump, &event) < 0) {
        accd_log(ACCD_LOG_ERROR, "there is no room to hear that the host %s",
                 is_preparing ? "is shutting down" : "stays up");
        return;
    }
    logind->is_preparing = is_preparing;
    accd_pump_run(logind->pump);
}

/* --- what logind says ------------------------------------------------------------------------ */

static int on_delay(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct link *link = userdata;
    uint64_t delay_us = 0;

    (void)error;
    if (link->logind && !sd_bus_message_is_method_error(message, NULL) &&
        sd_bus_message_read(message, "v", "t", &delay_us) > 0) {
        link->logind->delay_ms = delay_us / 1000;
    }
    return 0;
}

/* It isn't there, or the host goes down already: nothing that anybody has to see to. */
static bool is_harmless(const sd_bus_error *error)
{
    return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
           sd_bus_error_has_name(error, "org.freedesktop.login1.OperationInProgress");
}

static int on_lock(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const sd_bus_error *refusal = sd_bus_message_get_error(message);
    struct link *link = userdata;
    int fd = -1;

    (void)error;
    if (refusal) {
        accd_log(is_harmless(refusal) ? ACCD_LOG_DEBUG : ACCD_LOG_WARNING,
                 "logind doesn't wait for accd when the host shuts down: %s",
                 refusal->message ? refusal->message : refusal->name);
        return 0;
    }
    if (!link->logind || link->logind->lock_fd >= 0 || sd_bus_message_read(message, "h", &fd) < 0) {
        return 0;
    }
    link->logind->lock_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* `fd` goes with the message */
    accd_log(ACCD_LOG_DEBUG, "logind waits up to %llu ms for accd when the host shuts down",
             (unsigned long long)link->logind->delay_ms);
    return 0;
}

static int on_preparing(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct link *link = userdata;
    int is_preparing = 0;

    (void)error;
    if (link->logind && !sd_bus_message_is_method_error(message, NULL) &&
        sd_bus_message_read(message, "v", "b", &is_preparing) > 0) {
        tell(link->logind, is_preparing);
    }
    return 0;
}

static int take_lock(struct link *link)
{
    int r = sd_bus_call_method_async(link->bus, NULL, LOGIND, LOGIND_PATH,
                                     "org.freedesktop.DBus.Properties", "Get", on_delay, link, "ss",
                                     LOGIND_IFACE, "InhibitDelayMaxUSec");

    return r < 0 ? r
                 : sd_bus_call_method_async(link->bus, NULL, LOGIND, LOGIND_PATH, LOGIND_IFACE,
                                            "Inhibit", on_lock, link, "ssss", "shutdown", "accd",
                                            "stopping services in order", "delay");
}

static int ask(struct link *link)
{
    int r = take_lock(link);

    return r < 0 ? r
                 : sd_bus_call_method_async(link->bus, NULL, LOGIND, LOGIND_PATH,
                                            "org.freedesktop.DBus.Properties", "Get", on_preparing,
                                            link, "ss", LOGIND_IFACE, "PreparingForShutdown");
}

static int on_prepare(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct link *link = userdata;
    int is_preparing = 0;

    (void)error;
    if (!link->logind || sd_bus_message_read(message, "b", &is_preparing) < 0) {
        return 0;
    }
    tell(link->logind, is_preparing);
    return !is_preparing && link->logind->lock_fd < 0 ? take_lock(link) : 0;
}

/* logind has begun anew, or for the first time. */
static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    const char *name, *before, *now;
    struct link *link = userdata;

    (void)error;
    if (!link->logind || sd_bus_message_read(message, "sss", &name, &before, &now) < 0) {
        return 0;
    }
    return *now ? ask(link) : 0;
}

/* Without one of ours sd-bus would end the connection when a match is refused. */
static int on_match(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    (void)message, (void)userdata, (void)error;
    return 0;
}

static int listen_to(struct link *link)
{
    int r = sd_bus_match_signal_async(link->bus, NULL, LOGIND, LOGIND_PATH, LOGIND_IFACE,
                                      "PrepareForShutdown", on_prepare, on_match, link);

    if (r >= 0) {
        r = sd_bus_add_match_async(link->bus, NULL,
                                   "type='signal',sender='org.freedesktop.DBus',"
                                   "member='NameOwnerChanged',arg0='" LOGIND "'",
                                   on_owner, on_match, link);
    }
    return r < 0 ? r : ask(link);
}

/* --- the connection -------------------------------------------------------------------------- */

static void on_link_closed(void *owner)
{
    struct link *link = owner;

    (void)sd_bus_close_unref(link->bus); /* after the loop has let its descriptor go */
    free(link);
}

static void link_close(struct link *link)
{
    link->logind = NULL;
    accd_handles_close(&link->handles, (uv_handle_t *)&link->poll);
    accd_handles_close(&link->handles, (uv_handle_t *)&link->timer);
}

static int link_open(struct accd_logind *logind)
{
    struct link *link = calloc(1, sizeof(*link));
    int r;

    if (!link) {
        return -ENOMEM;
    }
    link->logind = logind;
    link->handles = (struct accd_handles){.owner = link, .on_all_closed = on_link_closed};
    r = sd_bus_open_system(&link->bus); /* does not wait for an answer */
    if (r >= 0) {
        r = uv_poll_init(logind->loop, &link->poll, sd_bus_get_fd(link->bus));
    }
    if (r < 0) {
        (void)sd_bus_close_unref(link->bus);
        free(link);
        return r;
    }
    accd_handles_add(&link->handles, (uv_handle_t *)&link->poll);
    (void)uv_timer_init(logind->loop, &link->timer); /* can't fail */
    accd_handles_add(&link->handles, (uv_handle_t *)&link->timer);
    r = listen_to(link);
    if (r >= 0) {
        r = arm(link);
    }
    if (r < 0) {
        link_close(link);
        return r;
    }
    logind->link = link;
    return 0;
}

static void on_again(uv_timer_t *timer)
{
    struct accd_logind *logind = accd_handle_owner(timer);

    if (link_open(logind) < 0) {
        logind->again_ms = logind->again_ms * 2 < AGAIN_MAX_MS ? logind->again_ms * 2
                                                               : AGAIN_MAX_MS;
        (void)uv_timer_start(&logind->again, on_again, logind->again_ms, 0);
    }
}

/* The lock stays: it is logind's, not the bus's. */
static void lost(struct link *link, int r)
{
    struct accd_logind *logind = link->logind;

    accd_log(ACCD_LOG_DEBUG, "the system bus is gone: %s", strerror(-r));
    logind->link = NULL;
    link_close(link);
    logind->again_ms = AGAIN_MIN_MS;
    (void)uv_timer_start(&logind->again, on_again, logind->again_ms, 0);
}

static void on_closed(void *owner)
{
    free(owner);
}

int accd_logind_create(uv_loop_t *loop, struct accd_pump *pump, struct accd_logind **ret_logind)
{
    struct accd_logind *logind = calloc(1, sizeof(*logind));
    int r;

    if (!logind) {
        return -ENOMEM;
    }
    logind->loop = loop;
    logind->pump = pump;
    logind->lock_fd = -1;
    logind->handles = (struct accd_handles){.owner = logind, .on_all_closed = on_closed};
    (void)uv_timer_init(loop, &logind->again); /* can't fail */
    accd_handles_add(&logind->handles, (uv_handle_t *)&logind->again);
    r = link_open(logind);
    if (r < 0) {
        accd_log(ACCD_LOG_DEBUG, "no system bus: accd doesn't hear of the host's shutdown (%s)",
                 strerror(-r));
    }
    *ret_logind = logind;
    return 0;
}

void accd_logind_let_go(struct accd_logind *logind)
{
    if (logind && logind->lock_fd >= 0) {
        (void)close(logind->lock_fd);
        logind->lock_fd = -1;
    }
}

void accd_logind_close(struct accd_logind *logind)
{
    if (!logind) {
        return;
    }
    accd_logind_let_go(logind);
    if (logind->link) {
        link_close(logind->link);
        logind->link = NULL;
    }
    accd_handles_close(&logind->handles, (uv_handle_t *)&logind->again);
}

#else

int accd_logind_create(uv_loop_t *loop, struct accd_pump *pump, struct accd_logind **ret_logind)
{
    (void)loop, (void)pump;
    *ret_logind = NULL;
    return 0;
}

void accd_logind_let_go(struct accd_logind *logind)
{
    (void)logind;
}

void accd_logind_close(struct accd_logind *logind)
{
    (void)logind;
}

#endif
