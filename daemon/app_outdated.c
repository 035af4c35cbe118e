/*
 * `accctl outdated`: every running image against its registry. Which question comes when is the
 * book's (lib/codec/outdated); here they are put to Docker.
 */

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

static void end(struct accd_outdated_run *run, const struct acc_outdated *book)
{
    DL_DELETE(run->app->outdated, run);
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
    if (accd_docker_call_remote(run->app->call, run->book.row[row].image,
                                run->book.row[row].image_id, on_remote, question) < 0) {
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
