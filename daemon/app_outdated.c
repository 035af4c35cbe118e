/*
 * `accctl outdated`: every running image against its registry. Which question comes when is the
 * book's (lib/codec/outdated); here they are put to Docker.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "daemon/app_parts.h"

struct question {
    struct accd_outdated_run *run; /* NULL: free */
    size_t row;
};

struct accd_outdated_run {
    struct accd_outdated_run *prev, *next; /* in app->outdated */
    struct accd_app *app;
    struct acc_outdated book;
    struct question question[ACC_OUTDATED_ASKS_MAX];
    bool is_asking; /* answers may come while a question is put */
    void (*done)(void *arg, const struct acc_outdated *book);
    void *arg;
};

static void go_on(struct accd_outdated_run *run);

/* Whoever asked: what a registry says of a service that upgrades by itself is news for it. */
static void tell_engine(struct accd_app *app, const struct acc_outdated *book)
{
    for (size_t i = 0; i < book->n; i++) {
        const struct acc_outdated_row *row = &book->row[i];
        struct acc_event event = {.type = ACC_EV_LOOKED, .now_ms = uv_now(&app->loop)};

        event.looked.service = row->service;
        event.looked.image = row->image;
        event.looked.news = row->look.state == ACC_IMAGE_OUTDATED  ? ACC_NEWS_OTHER
                            : row->look.state == ACC_IMAGE_UNKNOWN ? ACC_NEWS_UNKNOWN
                                                                   : ACC_NEWS_NONE;
        event.looked.digest = row->look.remote;
        event.looked.reason = row->look.reason;
        (void)accd_pump_push(app->pump, &event); /* full: it is asked for again */
    }
    accd_pump_run(app->pump);
}

static struct acc_outdated_row *outdated_row(struct acc_outdated *book, const char *service)
{
    for (size_t i = 0; i < book->n; i++) {
        if (strcmp(book->row[i].service, service) == 0 &&
            book->row[i].look.state == ACC_IMAGE_OUTDATED) {
            return &book->row[i];
        }
    }
    return NULL;
}

static void say_taken_back(struct acc_outdated_row *row, bool is_refused)
{
    size_t size = sizeof(row->look.reason);
    int n = snprintf(row->look.reason, size,
                     "was tried and taken back; again: accctl upgrade %s%s%s", row->service,
                     is_refused ? " --image " : "", is_refused ? row->image : "");

    if (n < 0 || (size_t)n >= size) { /* half an order is none */
        (void)snprintf(row->look.reason, size, "was tried and taken back; again: accctl upgrade%s",
                       is_refused ? ", with --image" : "");
    }
    row->is_taken_back = true;
}

/* What one has been made of need not be what serves. */
static void fill_asked(struct acc_outdated *book, const char *service)
{
    for (size_t i = 0; i < book->n; i++) {
        struct acc_outdated_row *row = &book->row[i];

        if (strcmp(row->service, service) == 0 && row->look.state != ACC_IMAGE_UNKNOWN) {
            (void)snprintf(row->look.reason, sizeof(row->look.reason),
                           "its upgrade needs an operator: accctl why %.100s", service);
        }
    }
}

/* What is known here of the other image: it was tried before, or comes by itself. */
static void fill_known(struct accd_app *app, struct acc_outdated *book)
{
    size_t n = acc_engine_n_services(app->engine);
    uint64_t now_ms = uv_now(&app->loop);

    for (uint32_t svc = 0; svc < n; svc++) {
        struct acc_service_view view;
        struct acc_outdated_row *row;
        struct acc_auto_view autos;
        bool is_refused;

        acc_engine_service(app->engine, svc, now_ms, &view);
        row = outdated_row(book, view.id);
        if (view.step == ACC_ROLL_ASK) {
            fill_asked(book, view.id);
            continue;
        }
        if (!row) {
            continue;
        }
        acc_engine_auto(app->engine, svc, now_ms, &autos);
        if (acc_engine_took_back(app->engine, svc, row->look.remote, &is_refused)) {
            say_taken_back(row, is_refused);
        } else if (autos.is_set && autos.is_pending) {
            row->taken_s = autos.taken_s;
        } else if (acc_engine_other_image(app->engine, svc)) {
            (void)snprintf(row->look.reason, sizeof(row->look.reason),
                           "runs %.80s, which was named with --image; an upgrade goes back to the "
                           "file's",
                           acc_engine_other_image(app->engine, svc));
        }
    }
}

static void end(struct accd_outdated_run *run, struct acc_outdated *book)
{
    DL_DELETE(run->app->outdated, run);
    if (book) {
        tell_engine(run->app, book);
        fill_known(run->app, book);
    }
    run->done(run->arg, book);
    acc_outdated_fini(&run->book);
    free(run);
}

static void on_remote(void *ctx, const struct acc_image_look *look)
{
    struct question *question = ctx;
    struct accd_outdated_run *run = question->run;

    question->run = NULL;
    acc_outdated_tell(&run->book, question->row, look);
    if (!run->is_asking) {
        go_on(run);
    }
}

static void ask(struct accd_outdated_run *run, size_t row)
{
    static const struct acc_image_look nomem = {.state = ACC_IMAGE_UNKNOWN,
                                                .reason = "accd is out of memory"};
    struct question *question = run->question;

    while (question->run) {
        question++; /* there is one: the book has no more questions out */
    }
    *question = (struct question){run, row};
    if (accd_docker_call_remote(run->app->call, &run->book.row[row], on_remote, question) < 0) {
        on_remote(question, &nomem);
    }
}

static void go_on(struct accd_outdated_run *run)
{
    size_t row;

    run->is_asking = true;
    while (acc_outdated_next(&run->book, &row)) {
        ask(run, row);
    }
    run->is_asking = false;
    if (run->book.n_asked == 0) {
        end(run, &run->book);
    }
}

static bool is_local(const struct acc_service_spec *service)
{
    return service->has_build || service->pull_policy == ACC_PULL_NEVER ||
           service->pull_policy == ACC_PULL_BUILD;
}

/* Its first container: replicas are made of one image. */
static const char *image_id_of(const struct accd_app *app, uint32_t svc, uint32_t n_instances)
{
    for (uint32_t i = 0; i < n_instances; i++) {
        struct acc_instance_view view;

        acc_engine_instance(app->engine, svc, i, &view);
        if (view.cid[0] && view.image_id[0]) {
            return view.image_id;
        }
    }
    return "";
}

/* `docker image prune -a` takes the name of what acc has pulled, and with it the digest. */
static void fill_pulled(struct accd_outdated_run *run, uint32_t svc)
{
    const struct acc_outdated_row *row = &run->book.row[run->book.n - 1];
    const char *image, *digest;

    digest = acc_engine_pulled_as(run->app->engine, svc, row->image_id, &image);
    acc_outdated_know(&run->book, image, digest);
}

static int fill(struct accd_outdated_run *run, const uint8_t *selected)
{
    const struct acc_model *model = run->app->loaded.model;
    int r = 0;

    for (uint32_t i = 0; i < model->n_services && r == 0; i++) {
        struct acc_service_view view;

        if (selected[i]) {
            acc_engine_service(run->app->engine, i, uv_now(&run->app->loop), &view);
            r = acc_outdated_add(&run->book, view.id, view.image,
                                 image_id_of(run->app, i, view.n_instances),
                                 is_local(model->services[i]));
            if (r == 0) {
                fill_pulled(run, i);
            }
        }
    }
    return r;
}

void accd_app_outdated(void *ctx, const uint8_t *selected,
                       void (*done)(void *arg, const struct acc_outdated *book), void *arg)
{
    struct accd_app *app = ctx;
    struct accd_outdated_run *run = calloc(1, sizeof(*run));

    if (!run) {
        done(arg, NULL);
        return;
    }
    *run = (struct accd_outdated_run){.app = app, .done = done, .arg = arg};
    DL_APPEND(app->outdated, run);
    if (!acc_engine_has_snapshot(app->engine) || fill(run, selected) < 0) {
        end(run, NULL);
        return;
    }
    go_on(run);
}

void accd_app_outdated_drop(struct accd_app *app)
{
    while (app->outdated) {
        end(app->outdated, NULL);
    }
}

/* --- asked by the engine ---------------------------------------------------------------------- */

void accd_app_on_look_up(void *ctx, const struct acc_action *action)
{
    struct accd_app *app = ctx;
    size_t n = acc_engine_n_services(app->engine);

    if (app->n_looks != n) { /* none yet: a new configuration comes between two batches */
        free(app->looks);
        app->looks = calloc(n, 1);
        app->n_looks = app->looks ? n : 0;
    }
    if (action->svc < app->n_looks) {
        app->looks[action->svc] = 1;
    }
}

static void on_looked(void *arg, const struct acc_outdated *book)
{
    (void)arg; /* the engine was told */
    (void)book;
}

void accd_app_look_up(struct accd_app *app)
{
    uint8_t *looks = app->looks;

    if (app->n_looks > 0) {
        app->looks = NULL;
        app->n_looks = 0;
        accd_app_outdated(app, looks, on_looked, NULL);
        free(looks);
    }
}

void accd_app_set_clock(struct accd_app *app)
{
    const struct acc_model *model = app->loaded.model;
    bool is_wanted = false;

    for (size_t i = 0; i < model->n_services; i++) {
        is_wanted |= model->services[i]->upgrade_auto != NULL;
    }
    accd_wall_clock_set(&app->wall_clock, is_wanted);
}
