#pragma once

/*
 * The control server on a loop of its own, over a puppet. Clients are plain sockets of the same
 * thread, so that nothing depends on time: turn() gives the loop what it needs to be done with all
 * that was sent.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/in/control.h"
#include "tests/unit/puppet.h"

struct control_stage {
    uv_loop_t loop;
    struct accd_pump *pump;
    struct accd_control *control;
    struct acc_model model;
    char dir[64], path[96], error[ACCD_CONTROL_ERROR_MAX + 1];
    /* what the ops were asked */
    void (*history_row)(void *arg, int64_t unix_ms, enum acc_note_kind kind, const char *service,
                        const char *text);
    void (*history_done)(void *arg);
    void *history_arg;
    char history_service[64];
    uint32_t history_limit;
    struct accd_control_logs_sink sink;
    struct accd_control_logs_options logs;
    struct accd_last_words *last_words;
    unsigned n_cancelled, n_paused, n_resumed, n_looks;
    void (*applied)(void *arg, const struct accd_applied *applied);
    void *apply_arg;
    const char *unsaved;
    void (*saved)(void *arg); /* NULL: nobody waits for it */
    void *save_arg;
    bool is_slow; /* to save */
    bool prune, prunes_volumes;
    void (*pruned)(void *arg, const char *lines);
    void *prune_arg;
    bool is_differing_slow;      /* networks and volumes are looked at for a while */
    void (*differed)(void *arg); /* NULL: nobody waits for that */
    void *differing_arg;
    const struct acc_plan *resources;
    void (*planned)(void *arg, const char *problems, const struct acc_plan *plan);
    void *plan_arg;
    void (*compared)(void *arg, const struct acc_outdated *book);
    void *outdated_arg;
    uint8_t outdated[PUPPET_MAX];
};
/* The one server of a test process. */
extern struct control_stage server;

/* A checked fixture: stacks acc (db, web) and media (web), all up. */
/* The files that Apply waits for are in force. */
void control_applied(const char *changes, const char *warnings);
void control_set_up(void);
void control_tear_down(void);
/* 0, or -errno with server.error. */
int open_control(void);

void turn(void);
int dial(void);
void say_bytes(int fd, const char *text, size_t len);
/* A request in Varlink's own framing. */
void say(int fd, const char *text);
/* All that has come, NULs as "$"; "(closed)" at the end when the server has hung up. */
const char *hear(int fd);
void note(uint32_t svc, enum acc_note_kind kind, const char *text);
void move(uint32_t svc, enum acc_svc_state state, enum acc_settled settled);

#define PING "{\"method\":\"io.acc.Ping\"}"
#define PONG                                                                                       \
    "{\"parameters\":{\"version\":\"" ACC_VERSION "\",\"connected\":true,"                         \
    "\"engine\":{\"connected\":true,\"version\":\"1\",\"api\":\"2\"}}}"
#define INVALID "\"error\":\"io.acc.InvalidRequest\"}"
