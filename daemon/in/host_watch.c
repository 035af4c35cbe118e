#include "daemon/in/host_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/in/host_facts.h"
#include "daemon/log.h"
#include "daemon/uvx.h"

/* A folder in which something appears or goes. Not IN_MODIFY: each write to /dev/null is one. */
#define FOLDER_EVENTS                                                                              \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |         \
     IN_ONLYDIR)
/* The farthest time that a timer takes: it is to be cancelled by a clock that is set. */
#define NEVER_S (INT64_C(1) << 40)

enum source { SOURCE_MOUNTS, SOURCE_FOLDERS, SOURCE_ROUTES, SOURCE_CLOCK };
#define SOURCE_COUNT 4
static const char *const source_names[] = {"mounts", "inotify", "rtnetlink", "the clock"};

struct watched {
    struct acc_condition is; /* in `text` */
    char text[ACC_CONDITION_TEXT_MAX + 1];
    enum acc_tri told;
    bool is_told;
    char place[ACC_PLACE_MAX + 1]; /* told of a bind source */
};

struct accd_host_watch {
    uv_loop_t *loop;
    struct accd_pump *pump;
    const char *sys_root;
    struct accd_handles handles;
    uv_poll_t poll[SOURCE_COUNT];
    int fd[SOURCE_COUNT]; /* -1: not open */
    struct watched *item; /* owned */
    size_t n;
    uint64_t generation; /* of `item`; looks of older ones are void */
    bool *is_looking;    /* owned; of each item: a worker is at it */
    bool *look_again;    /* owned; ... and something has happened since */
    bool is_placing;     /* a worker looks where the bind sources lie */
    bool place_again;    /* ... and something was mounted since */
    size_t n_works;
    bool is_closing, is_closed; /* closed: the handles are */
};

/* A worker's look at all bind sources. */
struct places {
    uv_work_t work;
    struct accd_host_watch *watch;
    uint64_t generation;
    size_t n;
    struct accd_host_path *path; /* owned */
    size_t *at;                  /* owned; which item each is */
};

/* A worker's look at one file. */
struct look {
    uv_work_t work;
    struct accd_host_watch *watch;
    uint64_t generation;
    size_t at;
    int folders_fd;
    bool is_device;
    char path[ACC_CONDITION_TEXT_MAX + 1];
    enum acc_tri is_there;
};

static void maybe_free(struct accd_host_watch *watch)
{
    if (!watch->is_closed || watch->n_works > 0) {
        return;
    }
    for (int k = 0; k < SOURCE_COUNT; k++) {
        if (watch->fd[k] >= 0) {
            (void)close(watch->fd[k]);
        }
    }
    free(watch->item);
    free(watch->is_looking);
    free(watch->look_again);
    free(watch);
}

static void on_closed(void *owner)
{
    struct accd_host_watch *watch = owner;

    if (watch->is_closing) {
        watch->is_closed = true;
        maybe_free(watch);
    }
}

int accd_host_watch_create(uv_loop_t *loop, struct accd_pump *pump, const char *sys_root,
                           struct accd_host_watch **ret_watch)
{
    struct accd_host_watch *watch = calloc(1, sizeof(*watch));

    if (!watch) {
        return -ENOMEM;
    }
    watch->loop = loop;
    watch->pump = pump;
    watch->sys_root = sys_root;
    watch->handles = (struct accd_handles){.owner = watch, .on_all_closed = on_closed};
    for (int k = 0; k < SOURCE_COUNT; k++) {
        watch->fd[k] = -1;
    }
    *ret_watch = watch;
    return 0;
}

/* --- telling --------------------------------------------------------------------------------- */

static void tell(struct accd_host_watch *watch, size_t at, enum acc_tri is_met)
{
    struct watched *item = &watch->item[at];
    struct acc_event event = {.type = ACC_EV_HOST, .now_ms = uv_now(watch->loop)};

    if (item->is_told && item->told == is_met) {
        return;
    }
    event.host.condition = item->text;
    event.host.is_met = is_met;
    if (accd_pump_push(watch->pump, &event) == 0) { /* else the next look tells it */
        item->is_told = true;
        item->told = is_met;
    }
}

/* --- looking --------------------------------------------------------------------------------- */

/* The nearest folder above `path` that is there; what appears in it may lead on to `path`. */
static void watch_folder_of(int fd, const char *path)
{
    char folder[PATH_MAX];
    char *slash;

    (void)snprintf(folder, sizeof(folder), "%s", path);
    while ((slash = strrchr(folder, '/'))) {
        slash[slash == folder] = '\0'; /* "/" itself stays */
        if (inotify_add_watch(fd, folder, FOLDER_EVENTS) >= 0 || strcmp(folder, "/") == 0) {
            return;
        }
    }
}

/* In a worker. First the watch, then the look: nothing can happen unseen between them. */
static void look_now(uv_work_t *work)
{
    struct look *look = (struct look *)work;

    if (look->folders_fd >= 0) {
        watch_folder_of(look->folders_fd, look->path);
    }
    look->is_there = accd_host_exists(look->path, look->is_device);
}

static void look_at_file(struct accd_host_watch *watch, size_t at);

static void look_done(uv_work_t *work, int status)
{
    struct look *look = (struct look *)work;
    struct accd_host_watch *watch = look->watch;
    bool is_void = status < 0 || watch->is_closing || look->generation != watch->generation;

    watch->n_works--;
    if (!is_void) {
        watch->is_looking[look->at] = false;
        tell(watch, look->at, look->is_there);
        if (watch->look_again[look->at]) {
            look_at_file(watch, look->at);
        }
        accd_pump_run(watch->pump);
    }
    free(look);
    maybe_free(watch);
}

static void look_at_file(struct accd_host_watch *watch, size_t at)
{
    const struct watched *item = &watch->item[at];
    struct look *look;

    watch->look_again[at] = watch->is_looking[at];
    if (watch->is_looking[at]) {
        return;
    }
    look = calloc(1, sizeof(*look));
    if (!look) {
        return; /* the next event or list looks again */
    }
    look->watch = watch;
    look->generation = watch->generation;
    look->at = at;
    look->folders_fd = watch->fd[SOURCE_FOLDERS];
    look->is_device = item->is.kind == ACC_HOST_DEVICE;
    memcpy(look->path, item->is.arg, strlen(item->is.arg) + 1);
    if (uv_queue_work(watch->loop, &look->work, look_now, look_done) < 0) {
        free(look);
        return;
    }
    watch->is_looking[at] = true;
    watch->n_works++;
}

/* --- where bind sources lie --------------------------------------------------------------------
 */

static void tell_place(struct accd_host_watch *watch, size_t at, const char *place)
{
    struct watched *item = &watch->item[at];
    struct acc_event event = {.type = ACC_EV_HOST, .now_ms = uv_now(watch->loop)};

    if (item->is_told && strcmp(item->place, place) == 0) {
        return;
    }
    event.host.condition = item->text;
    event.host.place = place;
    if (accd_pump_push(watch->pump, &event) == 0) { /* else the next look tells it */
        item->is_told = true;
        memcpy(item->place, place, strlen(place) + 1);
    }
}

static void places_free(struct places *places)
{
    if (places) {
        free(places->path);
        free(places->at);
    }
    free(places);
}

static void place_now(uv_work_t *work)
{
    struct places *places = (struct places *)work;

    accd_host_places(places->watch->sys_root, places->path, places->n);
}

static void look_at_places(struct accd_host_watch *watch);

static void place_done(uv_work_t *work, int status)
{
    struct places *places = (struct places *)work;
    struct accd_host_watch *watch = places->watch;
    bool is_void = status < 0 || watch->is_closing || places->generation != watch->generation;

    watch->n_works--;
    watch->is_placing = false;
    for (size_t i = 0; !is_void && i < places->n; i++) {
        tell_place(watch, places->at[i], places->path[i].place);
    }
    places_free(places);
    if (!watch->is_closing && watch->place_again) {
        look_at_places(watch);
    }
    if (!is_void) {
        accd_pump_run(watch->pump);
    }
    maybe_free(watch);
}

/* The worker may outlive the items: it has copies. NULL: out of memory. */
static struct places *places_new(struct accd_host_watch *watch)
{
    struct places *places = calloc(1, sizeof(*places));

    if (!places) {
        return NULL;
    }
    places->watch = watch;
    places->generation = watch->generation;
    places->path = calloc(watch->n + 1, sizeof(*places->path));
    places->at = calloc(watch->n + 1, sizeof(*places->at));
    for (size_t i = 0; places->path && places->at && i < watch->n; i++) {
        if (watch->item[i].is.kind != ACC_HOST_PLACE) {
            continue;
        }
        memcpy(places->path[places->n].path, watch->item[i].text, sizeof(watch->item[i].text));
        places->at[places->n++] = i;
    }
    return places;
}

/* All at once: they are many, and what is mounted is read once. */
static void look_at_places(struct accd_host_watch *watch)
{
    struct places *places;

    watch->place_again = watch->is_placing;
    if (watch->is_placing) {
        return;
    }
    places = places_new(watch);
    if (!places || places->n == 0 ||
        uv_queue_work(watch->loop, &places->work, place_now, place_done) < 0) {
        places_free(places); /* there are none; else the next event or list looks again */
        return;
    }
    watch->is_placing = true;
    watch->n_works++;
}

static void look_at(struct accd_host_watch *watch, size_t at)
{
    const struct acc_condition *is = &watch->item[at].is;

    switch (is->kind) {
    case ACC_HOST_MOUNT:
        tell(watch, at, accd_host_mounted(watch->sys_root, is->arg));
        break;
    case ACC_HOST_DEVICE:
    case ACC_HOST_PATH:
        look_at_file(watch, at);
        break;
    case ACC_HOST_ADDRESS:
        tell(watch, at, accd_host_address(is->arg));
        break;
    case ACC_HOST_NETWORK:
        tell(watch, at, accd_host_network(watch->sys_root));
        break;
    case ACC_HOST_TIME:
        if (watch->fd[SOURCE_FOLDERS] >= 0) {
            watch_folder_of(watch->fd[SOURCE_FOLDERS], ACCD_TIMESYNC_FILE);
        }
        tell(watch, at, accd_host_time());
        break;
    case ACC_HOST_PLACE: /* look_at_places(), with all others */
    case ACC_HOST_DISK:  /* the store knows */
    case ACC_HOST_READY: /* Docker does (app_others.c) */
    case ACC_HOST_RUNNING:
    case ACC_HOST_DONE:
    case ACC_HOST_REACHED:
    case ACC_HOST_MAKER:
    case ACC_HOST_FREE:
        break;
    }
}

/* Which conditions a source speaks of. A mount may hide or show files, too. */
static bool concerns(enum source source, enum acc_condition_kind kind)
{
    bool is_file = kind == ACC_HOST_DEVICE || kind == ACC_HOST_PATH;

    switch (source) {
    case SOURCE_MOUNTS:
        return kind == ACC_HOST_MOUNT || kind == ACC_HOST_PLACE || is_file;
    case SOURCE_FOLDERS:
        return is_file || kind == ACC_HOST_TIME;
    case SOURCE_ROUTES:
        return kind == ACC_HOST_ADDRESS || kind == ACC_HOST_NETWORK;
    case SOURCE_CLOCK:
        return kind == ACC_HOST_TIME;
    }
    return false;
}

static void look_by(struct accd_host_watch *watch, enum source source)
{
    for (size_t i = 0; i < watch->n; i++) {
        if (concerns(source, watch->item[i].is.kind)) {
            look_at(watch, i);
        }
    }
    if (source == SOURCE_MOUNTS) {
        look_at_places(watch);
    }
    accd_pump_run(watch->pump);
}

void accd_host_watch_look(struct accd_host_watch *watch)
{
    for (size_t i = 0; i < watch->n; i++) {
        look_at(watch, i);
    }
    look_at_places(watch);
}

/* --- the sources ----------------------------------------------------------------------------- */

static int open_mounts(const struct accd_host_watch *watch)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/proc/%s/mountinfo", watch->sys_root,
                   watch->sys_root[0] ? "1" : "self");
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static int open_routes(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                  .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                               RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                               RTMGRP_IPV6_ROUTE};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool arm_clock(int fd)
{
    struct itimerspec never = {.it_value = {.tv_sec = NEVER_S}};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static int open_clock(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0 && !arm_clock(fd)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int open_source(const struct accd_host_watch *watch, enum source source)
{
    switch (source) {
    case SOURCE_MOUNTS:
        return open_mounts(watch);
    case SOURCE_FOLDERS:
        return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    case SOURCE_ROUTES:
        return open_routes();
    case SOURCE_CLOCK:
        return open_clock();
    }
    return -1;
}

/* What it says in detail doesn't matter: it makes us look. */
static void drain(int fd)
{
    char rubbish[8192];

    while (read(fd, rubbish, sizeof(rubbish)) > 0) {
    }
}

static void on_source(uv_poll_t *poll, int status, int events)
{
    struct accd_host_watch *watch = accd_handle_owner(poll);
    enum source source = (enum source)(poll - watch->poll);

    (void)status, (void)events;
    if (source != SOURCE_MOUNTS) { /* that one has said all by being readable */
        drain(watch->fd[source]);
    }
    if (source == SOURCE_CLOCK) {
        (void)arm_clock(watch->fd[source]);
    }
    look_by(watch, source);
}

static void open_one(struct accd_host_watch *watch, enum source source)
{
    int events = source == SOURCE_MOUNTS ? UV_PRIORITIZED : UV_READABLE;
    int fd = open_source(watch, source);
    int r = fd < 0 ? -errno : uv_poll_init(watch->loop, &watch->poll[source], fd);

    if (r < 0) {
        accd_log(ACCD_LOG_WARNING,
                 "host: %s can't be watched (%s): what services need of the host is looked at with "
                 "each list only",
                 source_names[source], strerror(-r));
        if (fd >= 0) {
            (void)close(fd);
        }
        return;
    }
    watch->fd[source] = fd;
    accd_handles_add(&watch->handles, (uv_handle_t *)&watch->poll[source]);
    (void)uv_poll_start(&watch->poll[source], events, on_source); /* can't fail */
}

static void open_what_is_needed(struct accd_host_watch *watch)
{
    for (int k = 0; k < SOURCE_COUNT; k++) {
        for (size_t i = 0; i < watch->n && watch->fd[k] < 0; i++) {
            if (concerns((enum source)k, watch->item[i].is.kind)) {
                open_one(watch, (enum source)k);
                break;
            }
        }
    }
}

/* --- what is watched ------------------------------------------------------------------------- */

static void fill(struct accd_host_watch *watch, const struct acc_model *model)
{
    for (size_t i = 0; i < model->n_conditions; i++) {
        struct watched *item = &watch->item[i];

        *item = (struct watched){.is_told = false};
        memcpy(item->text, model->conditions[i].text, strlen(model->conditions[i].text) + 1);
        item->is = acc_condition_moved(&model->conditions[i], item->text);
    }
}

int accd_host_watch_set(struct accd_host_watch *watch, const struct acc_model *model)
{
    size_t n = model->n_conditions;
    struct watched *item = calloc(n + 1, sizeof(*item));
    bool *is_looking = calloc(n + 1, sizeof(*is_looking));
    bool *look_again = calloc(n + 1, sizeof(*look_again));

    if (!item || !is_looking || !look_again) {
        free(item);
        free(is_looking);
        free(look_again);
        return -ENOMEM;
    }
    free(watch->item);
    free(watch->is_looking);
    free(watch->look_again);
    watch->item = item;
    watch->is_looking = is_looking;
    watch->look_again = look_again;
    watch->n = n;
    watch->generation++;
    fill(watch, model);
    open_what_is_needed(watch);
    accd_host_watch_look(watch);
    return 0;
}

void accd_host_watch_close(struct accd_host_watch *watch)
{
    if (!watch) {
        return;
    }
    watch->is_closing = true;
    if (watch->handles.n_open == 0) {
        watch->is_closed = true;
        maybe_free(watch);
        return;
    }
    for (int k = 0; k < SOURCE_COUNT; k++) {
        if (watch->fd[k] >= 0) {
            accd_handles_close(&watch->handles, (uv_handle_t *)&watch->poll[k]);
        }
    }
}
