#pragma once

/*
 * One check under way, shared by probe.c (all kinds, telling) and probe_exec.c (the exec API).
 * Private to those two.
 */

#include <uv.h>

#include "daemon/docker.h"
#include "daemon/inspector.h"
#include "daemon/out/probe_config.h"
#include "lib/codec/docker_stdio.h"

enum accd_check_stage {
    ACCD_CHECK_LOOK,   /* what the container is like */
    ACCD_CHECK_QUEUE,  /* an exec waits for its turn */
    ACCD_CHECK_OLD,    /* is the hung one before it gone? */
    ACCD_CHECK_CREATE, /* exec create */
    ACCD_CHECK_RUN,    /* exec start, or the connection */
    ACCD_CHECK_KILL,   /* out of time, already told */
    ACCD_CHECK_CODE,   /* exec json */
    ACCD_CHECK_END,
};

struct accd_check {
    uv_timer_t timer; /* first: the handle's address is the struct's */
    struct accd_check *prev, *next;
    struct accd_probe *probe;
    uint64_t op;
    uint32_t svc;
    char cid[ACC_CID_LEN + 1];
    enum acc_probe_how how;
    enum accd_check_stage stage;
    bool is_told;
    bool has_turn; /* counts among EXECS_MAX */
    uint8_t waiting[ACC_WAITING_CODES_MAX];
    size_t n_waiting;
    uint64_t timeout_ms;
    struct accd_request *request;
    char exec_id[ACC_CID_LEN + 1];
    struct acc_docker_stdio stdio;
    char output[ACC_OUTPUT_MAX + 1];
    size_t output_len;
    bool is_output_cut;
    unsigned n_looks;
    struct accd_request *lookup; /* for the pid of what is to be killed */
};

/* An exec that outlived its time and could not be killed. */
struct accd_hung {
    struct accd_hung *next;
    char cid[ACC_CID_LEN + 1];
    char exec_id[ACC_CID_LEN + 1];
};

struct accd_probe {
    struct accd_probe_config config;
    char *sys_root;
    struct accd_check *checks;
    struct accd_hung *hung;
    unsigned n_running; /* execs that have their turn */
    unsigned n_open;    /* checks whose timer is not closed, and the probe itself */
};

bool accd_check_container(struct accd_check *check, struct accd_container *ret_container);
/* Push the one answer; a second one is dropped. */
void accd_check_tell(struct accd_check *check, enum acc_probe_verdict verdict, int32_t exit_code,
                     const char *output);
/* Over: its turn goes to the next exec that waits. Runs the pump. */
void accd_check_end(struct accd_check *check);
/* Tell that it could not be run, and end. */
void accd_check_tell_unknown(struct accd_check *check, const char *why);
void accd_check_tell_refused(struct accd_check *check, const struct accd_http_reply *reply);
/* Ask Docker for /WHAT/ID/CALL; on -errno it has been told and ended. */
int accd_check_start(struct accd_check *check, struct accd_http_config *config, const char *what,
                     const char *id, const char *call);
/* probe_exec.c: begin the exec that has waited longest, if there is room. */
void accd_check_next_exec(struct accd_probe *probe);
