#include "daemon/inspector.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Out of memory is the caller's to handle, not uthash's exit(). */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "daemon/log.h"
#include "daemon/uvx.h"
#include "lib/base/assert.h"
#include "lib/base/buf.h"
#include "lib/codec/docker_inspect.h"

/* A stuck container is asked again after 5 s, doubled up to 60 s. */
#define RETRY_MIN_MS 5000u
#define RETRY_MAX_MS 60000u
/* config.v2.json of a container: its environment and labels, some kB. */
#define CONFIG_FILE_MAX (4u * 1024u * 1024u)
/* An inspect answer repeats labels and environment; Docker bounds neither. */
#define INSPECT_MAX (8u * 1024u * 1024u)

struct waiter {
    struct waiter *next;
    accd_look_fn then;
    void *ctx;
};

struct entry {
    UT_hash_handle hh;
    struct entry *prev, *next; /* in the queue */
    struct accd_inspector *inspector;
    char cid[ACC_CID_LEN + 1];
    bool is_wanted; /* queued, or to be looked at once more */
    bool is_busy;   /* a look is under way */
    unsigned flags, busy_flags;
    struct waiter *waiters, *busy_waiters;
    struct accd_request *request;
    struct file_job *job;
    uint64_t retry_at_ms, retry_ms; /* stuck; 0: it is not */

    struct acc_obs *obs; /* owned; NULL before the first look */
    char **health_argv;  /* owned */
    bool tty, host_network;
    char address[ACC_ADDRESS_MAX + 1];
    char network_of[ACC_CID_LEN + 1];
};

struct accd_inspector {
    struct accd_inspector_config config;
    struct accd_handles handles;
    uv_timer_t timer;
    struct entry *entries; /* by cid */
    struct entry *queue;
    unsigned n_busy;
    unsigned n_jobs;
    bool is_closed;
};

/* Reads one file of the engine's on the thread pool. */
struct file_job {
    uv_work_t work; /* first */
    struct accd_inspector *inspector;
    struct entry *entry; /* NULL once nobody waits for it */
    struct acc_obs obs;
    enum acc_tri stopped;
    char path[ACC_INSPECT_PATH_MAX + 1];
};

static void pump_queue(struct accd_inspector *inspector);

/* --- telling ------------------------------------------------------------------------------- */

static void push(struct accd_inspector *inspector, struct acc_event *event)
{
    event->now_ms = uv_now(inspector->config.loop);
    if (accd_pump_push(inspector->config.pump, event) < 0) {
        inspector->config.on_dropped(inspector->config.ctx);
    }
}

static void tell(struct waiter *waiters, enum accd_look_result result,
                 const struct accd_container *container)
{
    struct waiter *waiter, *next;

    LL_FOREACH_SAFE(waiters, waiter, next)
    {
        waiter->then(waiter->ctx, result, container);
        free(waiter);
    }
}

static void describe(const struct entry *entry, struct accd_container *ret_container)
{
    *ret_container = (struct accd_container){
        .obs = entry->obs,
        .health_argv = (const char *const *)entry->health_argv,
        .tty = entry->tty,
        .host_network = entry->host_network,
        .address = entry->address,
        .network_of = entry->network_of,
    };
}

/* --- entries ------------------------------------------------------------------------------- */

static void argv_free(char **argv)
{
    for (size_t i = 0; argv && argv[i]; i++) {
        free(argv[i]);
    }
    free(argv);
}

static struct entry *entry_find(const struct accd_inspector *inspector, const char *cid)
{
    struct entry *entry;

    HASH_FIND_STR(inspector->entries, cid, entry);
    return entry;
}

static struct entry *entry_get(struct accd_inspector *inspector, const char *cid)
{
    struct entry *entry = entry_find(inspector, cid);

    if (entry || strlen(cid) > ACC_CID_LEN) {
        return entry;
    }
    entry = calloc(1, sizeof(*entry));
    if (entry) {
        entry->inspector = inspector;
        memcpy(entry->cid, cid, strlen(cid) + 1);
        HASH_ADD_STR(inspector->entries, cid, entry);
    }
    if (entry && !entry->hh.tbl) {
        free(entry);
        return NULL;
    }
    return entry;
}

/* Nobody may wait for it any more. */
static void entry_free(struct entry *entry)
{
    struct accd_inspector *inspector = entry->inspector;

    acc_assert(!entry->is_busy && !entry->is_wanted && !entry->waiters);
    HASH_DEL(inspector->entries, entry);
    argv_free(entry->health_argv);
    free(entry->obs);
    free(entry);
}

static void remember(struct entry *entry, const struct acc_obs *obs, struct acc_obs_extra *extra)
{
    if (!entry->obs) {
        entry->obs = malloc(sizeof(*entry->obs));
    }
    if (!entry->obs) {
        return;
    }
    *entry->obs = *obs;
    argv_free(entry->health_argv);
    entry->health_argv = extra->health_argv;
    extra->health_argv = NULL; /* taken over */
    extra->n_health_argv = 0;
    entry->tty = extra->tty;
    entry->host_network = extra->host_network;
    memcpy(entry->network_of, extra->network_of, sizeof(entry->network_of));
    entry->address[0] = '\0';
    for (size_t i = 0; i < extra->n_addresses && !entry->address[0]; i++) {
        const struct acc_obs_address *address = &extra->addresses[i];

        memcpy(entry->address, address->ip4[0] ? address->ip4 : address->ip6,
               sizeof(entry->address));
    }
}

/* --- the end of a look --------------------------------------------------------------------- */

static void arm(struct accd_inspector *inspector);

static void look_done(struct entry *entry, enum accd_look_result result)
{
    struct accd_inspector *inspector = entry->inspector;
    struct waiter *waiters = entry->busy_waiters;
    struct accd_container container;

    entry->is_busy = false;
    entry->busy_waiters = NULL;
    inspector->n_busy--;
    if (result == ACCD_LOOK_STUCK) {
        uint64_t wait_ms = entry->retry_ms * 2;

        wait_ms = wait_ms < RETRY_MIN_MS ? RETRY_MIN_MS : wait_ms;
        entry->retry_ms = wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms;
        entry->retry_at_ms = uv_now(inspector->config.loop) + entry->retry_ms;
        arm(inspector);
    } else {
        entry->retry_ms = 0;
        entry->retry_at_ms = 0;
    }
    if (entry->is_wanted) {
        DL_APPEND(inspector->queue, entry);
    }
    if (result == ACCD_LOOK_SEEN) {
        describe(entry, &container);
    }
    tell(waiters, result, result == ACCD_LOOK_SEEN ? &container : NULL);
}

static void look_seen(struct entry *entry, const struct acc_obs *obs)
{
    struct acc_event event = {.type = ACC_EV_OBS, .obs = obs};

    push(entry->inspector, &event);
    look_done(entry, ACCD_LOOK_SEEN);
}

static void look_gone(struct entry *entry)
{
    struct acc_event event = {.type = ACC_EV_GONE, .hint = {.cid = entry->cid}};

    push(entry->inspector, &event);
    look_done(entry, ACCD_LOOK_GONE);
    if (!entry->is_wanted) {
        entry_free(entry);
    }
}

/* --- HasBeenManuallyStopped ---------------------------------------------------------------- */

static void read_config(uv_work_t *work)
{
    struct file_job *job = (struct file_job *)work;
    struct acc_buf text;
    char block[8192];
    int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = -1;

    if (fd < 0) {
        return; /* not root, or another host: unknown */
    }
    acc_buf_init(&text, CONFIG_FILE_MAX);
    while ((n = read(fd, block, sizeof(block))) > 0 && acc_buf_append(&text, block, n) == 0) {
    }
    (void)close(fd);
    if (n == 0 && text.data) {
        job->stopped = acc_docker_manual_stop_parse(text.data, text.len);
    }
    acc_buf_fini(&text);
}

static void maybe_free(struct accd_inspector *inspector)
{
    if (inspector->is_closed && inspector->n_jobs == 0) {
        free(inspector);
    }
}

static void on_config_read(uv_work_t *work, int status)
{
    struct file_job *job = (struct file_job *)work;
    struct accd_inspector *inspector = job->inspector;
    struct entry *entry = job->entry;

    (void)status;
    inspector->n_jobs--;
    if (entry) {
        entry->job = NULL;
        job->obs.manually_stopped = job->stopped;
        entry->obs->manually_stopped = job->stopped;
        look_seen(entry, &job->obs);
        pump_queue(inspector);
        accd_pump_run(inspector->config.pump);
    }
    free(job);
    maybe_free(inspector);
}

static bool start_reading(struct entry *entry, const struct acc_obs *obs, const char *path)
{
    struct accd_inspector *inspector = entry->inspector;
    struct file_job *job = path[0] ? calloc(1, sizeof(*job)) : NULL;

    if (!job) {
        return false;
    }
    job->inspector = inspector;
    job->entry = entry;
    job->obs = *obs;
    memcpy(job->path, path, strlen(path) + 1);
    if (uv_queue_work(inspector->config.loop, &job->work, read_config, on_config_read) < 0) {
        free(job);
        return false;
    }
    entry->job = job;
    inspector->n_jobs++;
    return true;
}

/* --- asking -------------------------------------------------------------------------------- */

static void take_answer(struct entry *entry, const struct accd_http_reply *reply)
{
    struct acc_obs_extra extra;
    struct acc_obs *obs = malloc(sizeof(*obs));
    int r = obs ? acc_docker_inspect_parse(reply->body, reply->body_len, obs, &extra) : -ENOMEM;

    if (r < 0) {
        accd_log(ACCD_LOG_WARNING, "container %.12s: its description can't be read: %s", entry->cid,
                 strerror(-r));
        look_done(entry, ACCD_LOOK_STUCK);
        free(obs);
        return;
    }
    remember(entry, obs, &extra);
    if (!entry->obs) {
        look_done(entry, ACCD_LOOK_STUCK);
    } else if (!(entry->busy_flags & ACCD_LOOK_MANUAL_STOP) ||
               !start_reading(entry, obs, extra.config_path)) {
        look_seen(entry, obs);
    }
    acc_obs_extra_fini(&extra);
    free(obs);
}

static void on_inspected(void *ctx, const struct accd_http_reply *reply)
{
    struct entry *entry = ctx;
    struct accd_inspector *inspector = entry->inspector;
    char message[ACC_DOCKER_ERROR_MAX + 1];

    entry->request = NULL;
    switch (reply->error) {
    case ACCD_HTTP_OK:
        break;
    case ACCD_HTTP_ABSENT:
    case ACCD_HTTP_REFUSED:
    case ACCD_HTTP_BROKEN:
        look_done(entry, ACCD_LOOK_LOST);
        inspector->config.on_lost(inspector->config.ctx, reply->error);
        accd_pump_run(inspector->config.pump);
        return;
    case ACCD_HTTP_BUSY:
    case ACCD_HTTP_DENIED:
    case ACCD_HTTP_TIMEOUT:
    case ACCD_HTTP_TOO_BIG:
    case ACCD_HTTP_NOMEM:
        accd_log(ACCD_LOG_WARNING, "container %.12s can't be inspected: %s", entry->cid,
                 accd_http_error_text(reply->error));
        look_done(entry, ACCD_LOOK_STUCK);
        pump_queue(inspector);
        accd_pump_run(inspector->config.pump);
        return;
    }
    if (reply->status == 200) {
        take_answer(entry, reply);
    } else if (reply->status == 404) {
        look_gone(entry);
    } else {
        acc_docker_message(reply->status, reply->body, reply->body_len, message, sizeof(message));
        accd_log(ACCD_LOG_WARNING, "container %.12s can't be inspected: %s", entry->cid, message);
        look_done(entry, ACCD_LOOK_STUCK);
    }
    pump_queue(inspector);
    accd_pump_run(inspector->config.pump);
}

static void look_start(struct entry *entry)
{
    struct accd_inspector *inspector = entry->inspector;
    struct accd_http_config config = {
        .fresh = (entry->flags & ACCD_LOOK_FRESH) != 0,
        .body_cap = INSPECT_MAX,
        .limit_ms = ACCD_LOOK_LIMIT_MS,
        .ctx = entry,
        .on_done = on_inspected,
    };

    entry->is_wanted = false;
    entry->is_busy = true;
    entry->busy_flags = entry->flags;
    entry->busy_waiters = entry->waiters;
    entry->flags = 0;
    entry->waiters = NULL;
    inspector->n_busy++;
    if (accd_docker_start(inspector->config.docker, &config, &entry->request, "/containers/%s/json",
                          entry->cid) < 0) {
        /* No memory: whoever waits waits on, nobody is told before his call has returned. */
        entry->waiters = entry->busy_waiters;
        entry->busy_waiters = NULL;
        entry->is_busy = false;
        inspector->n_busy--;
        entry->retry_at_ms = uv_now(inspector->config.loop) + RETRY_MIN_MS;
        arm(inspector);
    }
}

static void pump_queue(struct accd_inspector *inspector)
{
    /* Without a connection nothing is asked; reset() has emptied the queue or will. */
    while (inspector->queue && inspector->n_busy < ACCD_LOOKS_IN_FLIGHT && !inspector->is_closed) {
        struct entry *entry = inspector->queue;

        DL_DELETE(inspector->queue, entry);
        look_start(entry);
    }
}

static void on_timer(uv_timer_t *uv)
{
    struct accd_inspector *inspector = accd_handle_owner(uv);
    uint64_t now_ms = uv_now(uv->loop);
    struct entry *entry, *next;

    HASH_ITER(hh, inspector->entries, entry, next)
    {
        if (entry->retry_at_ms > 0 && entry->retry_at_ms <= now_ms) {
            entry->retry_at_ms = 0;
            (void)accd_inspector_look(inspector, entry->cid, ACCD_LOOK_PLAIN, NULL, NULL);
        }
    }
    pump_queue(inspector);
    arm(inspector);
}

static void arm(struct accd_inspector *inspector)
{
    uint64_t now_ms = uv_now(inspector->config.loop);
    uint64_t at_ms = UINT64_MAX;

    for (const struct entry *entry = inspector->entries; entry; entry = entry->hh.next) {
        if (entry->retry_at_ms > 0 && entry->retry_at_ms < at_ms) {
            at_ms = entry->retry_at_ms;
        }
    }
    if (at_ms != UINT64_MAX && !inspector->is_closed) {
        (void)uv_timer_start(&inspector->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
    }
}

int accd_inspector_look(struct accd_inspector *inspector, const char *cid, unsigned flags,
                        accd_look_fn then, void *ctx)
{
    struct entry *entry = entry_get(inspector, cid);
    struct waiter *waiter = then ? calloc(1, sizeof(*waiter)) : NULL;

    if (!entry || (then && !waiter)) {
        free(waiter);
        return -ENOMEM;
    }
    if (waiter) {
        waiter->then = then;
        waiter->ctx = ctx;
        LL_PREPEND(entry->waiters, waiter);
    }
    entry->flags |= flags;
    if (!entry->is_wanted && !entry->is_busy) {
        DL_APPEND(inspector->queue, entry);
    }
    entry->is_wanted = true;
    pump_queue(inspector);
    return 0;
}

void accd_inspector_reset(struct accd_inspector *inspector)
{
    struct entry *entry, *next;

    HASH_ITER(hh, inspector->entries, entry, next)
    {
        struct waiter *waiters = entry->waiters;

        accd_http_cancel(entry->request);
        entry->request = NULL;
        if (entry->job) {
            entry->job->entry = NULL;
            entry->job = NULL;
        }
        if (entry->is_wanted && !entry->is_busy) {
            DL_DELETE(inspector->queue, entry);
        }
        entry->is_wanted = false;
        entry->flags = 0;
        entry->retry_at_ms = 0;
        entry->waiters = NULL;
        tell(waiters, ACCD_LOOK_LOST, NULL);
        if (entry->is_busy) {
            look_done(entry, ACCD_LOOK_LOST);
        }
        if (!entry->obs && !entry->is_wanted && !entry->is_busy) {
            entry_free(entry);
        }
    }
}

void accd_inspector_forget(struct accd_inspector *inspector, const char *cid)
{
    struct entry *entry = entry_find(inspector, cid);

    /* Who waits for a look gets its 404. */
    if (entry && !entry->is_busy && !entry->is_wanted) {
        entry_free(entry);
    }
}

bool accd_inspector_get(struct accd_inspector *inspector, const char *cid,
                        struct accd_container *ret_container)
{
    struct entry *entry = entry_find(inspector, cid);

    if (!entry || !entry->obs) {
        return false;
    }
    describe(entry, ret_container);
    return true;
}

bool accd_inspector_knows(const struct accd_inspector *inspector, const char *cid)
{
    return entry_find(inspector, cid) != NULL;
}

void accd_inspector_each(struct accd_inspector *inspector, void (*fn)(void *ctx, const char *cid),
                         void *ctx)
{
    struct entry *entry, *next;

    HASH_ITER(hh, inspector->entries, entry, next)
    {
        fn(ctx, entry->cid);
    }
}

/* --- the whole ----------------------------------------------------------------------------- */

static void on_all_closed(void *owner)
{
    struct accd_inspector *inspector = owner;

    inspector->is_closed = true;
    maybe_free(inspector);
}

int accd_inspector_create(const struct accd_inspector_config *config,
                          struct accd_inspector **ret_inspector)
{
    struct accd_inspector *inspector = calloc(1, sizeof(*inspector));

    if (!inspector) {
        return -ENOMEM;
    }
    inspector->config = *config;
    inspector->handles.owner = inspector;
    inspector->handles.on_all_closed = on_all_closed;
    (void)uv_timer_init(config->loop, &inspector->timer);
    accd_handles_add(&inspector->handles, (uv_handle_t *)&inspector->timer);
    *ret_inspector = inspector;
    return 0;
}

void accd_inspector_close(struct accd_inspector *inspector)
{
    struct entry *entry, *next;

    if (!inspector) {
        return;
    }
    HASH_ITER(hh, inspector->entries, entry, next)
    {
        struct waiter *lists[] = {entry->waiters, entry->busy_waiters};

        accd_http_cancel(entry->request);
        if (entry->job) {
            entry->job->entry = NULL;
        }
        for (size_t i = 0; i < ACC_ARRAY_LEN(lists); i++) {
            struct waiter *waiter, *after;

            LL_FOREACH_SAFE(lists[i], waiter, after)
            {
                free(waiter);
            }
        }
        entry->waiters = NULL;
        entry->is_busy = false;
        entry->is_wanted = false;
        entry_free(entry);
    }
    inspector->queue = NULL;
    inspector->n_busy = 0;
    accd_handles_close(&inspector->handles, (uv_handle_t *)&inspector->timer);
}
