#pragma once

/*
 * One operation of docker_call under way: its requests one after the other, and its one answer.
 * Private to daemon/out/docker_*.c.
 */

#include "daemon/out/child.h"
#include "daemon/out/docker_config.h"
#include "lib/codec/docker_build.h"
#include "lib/codec/docker_create.h"
#include "lib/codec/docker_diff.h"
#include "lib/codec/docker_error.h"
#include "lib/codec/docker_stdio.h"
#include "lib/codec/json_frame.h"
#include "lib/codec/outdated.h"

/* Soft: OP_LATE (facts of the engine's own timeouts: a stop waits t, then 10 + 2 s). */
#define ACCD_LATE_CREATE_MS  30000u
#define ACCD_LATE_START_MS   120000u
#define ACCD_LATE_STOP_MS    60000u /* beyond the grace */
#define ACCD_LATE_REMOVE_MS  120000u
#define ACCD_LATE_DEFAULT_MS 30000u
#define ACCD_LATE_UPDATE_MS  15000u
#define ACCD_LOOKUP_LIMIT_MS 30000u  /* GETs between; nothing is lost by ending one */
#define ACCD_PULL_IDLE_MS    120000u /* a registry that hangs gives not even a header */
#define ACCD_FILE_TEXT_MAX   (1024u * 1024u)

struct accd_hook_run;
struct accd_hook_job;
struct accd_op;

enum accd_exec_end {
    ACCD_EXEC_ENDED,   /* with an exit code */
    ACCD_EXEC_GOES_ON, /* it has closed its output and runs on by itself */
    ACCD_EXEC_TIMEOUT,
    ACCD_EXEC_REFUSED, /* result and message of the operation say why */
};
struct accd_exec {
    uint64_t limit_ms;
    void (*on_output)(struct accd_op *op, const char *data, size_t len); /* NULL allowed */
    void (*on_end)(struct accd_op *op, enum accd_exec_end end, int code);
    char id[ACC_CID_LEN + 1];
    void (*on_killed)(struct accd_op *op, bool is_over);
    unsigned n_looks;
    struct acc_docker_stdio stdio;
};

struct accd_docker_call {
    struct accd_docker_call_config config;
    struct accd_op *ops;
    struct accd_op *network_op; /* networks are made one at a time: 20.10 makes duplicates */
    size_t n_comparing;
};

#define ACCD_BUILD_ARENA_MAX (1024u * 1024u) /* of command lines; Linux takes 2 MB */

struct accd_op {
    struct accd_op *prev, *next;
    struct accd_docker_call *call;
    struct acc_action action;
    struct accd_request *request;
    void (*step)(struct accd_op *op, const struct accd_http_reply *reply);
    bool is_late;

    char cid[ACC_CID_LEN + 1]; /* of the answer */
    enum acc_op_result result;
    char message[ACC_OUTPUT_MAX + 1];
    bool is_alone; /* COMPARE: the old and the new one must not run at once */

    /* CREATE */
    char *service_id; /* owned; the model may be replaced while the image is looked up */
    char image_id[ACC_HASH_LEN + 8]; /* also of the answer to PULL */
    char *reference;                 /* owned: what it is made of, or what is pulled */
    bool is_by_id, was_repulled;
    char *heirs, *image_volumes;   /* as in struct acc_docker_create_ctx; owned */
    char digest[ACC_HASH_LEN + 8]; /* PULL: what the registry says */
    char from_digest[ACC_HASH_LEN + 8];
    struct acc_docker_create create; /* zeroed or valid */
    size_t i_connect;
    size_t i_volume; /* the next of its service's resources */
    void (*after_volumes)(struct accd_op *op);

    /* resources; copied, see above */
    char *name, *platform, *body; /* owned */
    size_t body_len;
    bool is_external;
    bool was_created, is_duplicate;
    char network_id[ACC_CID_LEN + 1]; /* of the one that this operation made */
    bool is_waiting;                  /* for its turn among the networks */
    enum acc_pull_policy pull_policy;
    int64_t pull_every_ns;
    struct acc_docker_pull *pull;       /* owned; while pulling */
    void (*pulled)(struct accd_op *op); /* instead of the check that ensure makes */

    struct accd_exec exec; /* DRAIN, UNDRAIN, HOOK, UPGRADE_HOOK */

    /* COMPARE and UPDATE */
    char *inspect; /* owned: the container as it is */
    size_t inspect_len;
    bool wants_compare;
    bool is_comparing; /* counts against ACCD_COMPARES_MAX */
    enum acc_likeness likeness;
    char spec[ACC_HASH_LEN + 1];   /* that it was compared with */
    const struct acc_model *model; /* borrowed: compare with this one; NULL: the running one */
    void (*on_compared)(void *ctx, enum acc_likeness likeness, const struct acc_docker_diff *diff);
    void *ctx;                    /* of on_compared, on_remote */
    struct acc_docker_diff *diff; /* owned; for on_compared */
    struct acc_json_frame frame;
    struct acc_arena *build_arena; /* owned; NULL: no service with this image has a build */
    struct acc_docker_build build;
    struct accd_child *child; /* while building */
    void (*after_build)(struct accd_op *op);
    struct acc_registry_auth auth; /* zeroed or valid; for the pull */
    struct acc_buf answer;         /* of a credential helper */
    void (*after_login)(struct accd_op *op, const char *header);
    bool had_login;     /* the registry was given credentials */
    char no_login[192]; /* why it wasn't though there should be some; "": there are none */
    char complaint[96]; /* the last line that the helper wrote on its stderr */
    void (*after_distribution)(struct accd_op *op, const struct accd_http_reply *reply);
    enum acc_registry_fault fault; /* of the registry's last answer */

    struct accd_hook_job *hooks; /* owned; UPGRADE_HOOK */

    /* beside the engine: what a registry has */
    char *known; /* owned; "repository@digest" that it was pulled by; NULL: not on record */
    struct acc_image_look look;
    void (*on_remote)(void *ctx, const struct acc_image_look *look);
    struct accd_hook_run *hook; /* owned; HOOK */
};

/* The model that it speaks of. */
const struct acc_model *accd_op_model(const struct accd_op *op);
/* NULL without memory: then OP_DONE was pushed. */
struct accd_op *accd_op_create(struct accd_docker_call *call, const struct acc_action *action);
/* Push OP_DONE with what is in `op`, and free it. */
void accd_op_finish(struct accd_op *op);
void accd_op_finish_with(struct accd_op *op, enum acc_op_result result, const char *message);
/* Look at the container `cid`, then finish. */
void accd_op_look_and_finish(struct accd_op *op);
void accd_op_free(struct accd_op *op); /* without a word */

struct accd_op_send {
    enum accd_http_method method;
    const char *body;
    size_t body_len;
    const char *header;
    uint64_t late_ms, limit_ms, idle_ms;
    void (*on_data)(void *ctx, const char *data, size_t len); /* ctx is the op */
    size_t body_cap;
};
/* `step` gets the reply; on -errno the op has been finished and freed. Everything but GET goes on
 * a connection of its own. */
int accd_op_send(struct accd_op *op, const struct accd_op_send *send,
                 void (*step)(struct accd_op *op, const struct accd_http_reply *reply),
                 const char *path_fmt, ...) __attribute__((format(printf, 4, 5)));

/* Set result and message of `op` from a reply; returns the result. */
enum acc_op_result accd_op_judge(struct accd_op *op, enum acc_docker_call call,
                                 const struct accd_http_reply *reply);

/* As above, of an answer that is a registry's by Docker: what is wrong is told by its name. */
enum acc_op_result accd_op_judge_registry(struct accd_op *op, const struct accd_http_reply *reply);
/* Likewise, of the words of a pull that failed in its course. */
void accd_op_set_registry_fault(struct accd_op *op, int status, const char *message);

/* docker_make.c: CREATE, and the files that go in before START. */
/* The request of a service's container. 0, or -errno with the operation's message set. */
int accd_op_make(struct accd_op *op, uint32_t svc, const char *name, const char *image_id,
                 struct acc_docker_create *ret_create);
/* Whether the config-hash of service `svc` is that one. */
bool accd_op_has_hash(struct accd_op *op, uint32_t svc, const char *config_hash);
void accd_docker_make(struct accd_op *op);
void accd_docker_start_op(struct accd_op *op);
/* docker_exec.c: one command in the container `cid`, by an exec create request or its argv.
 * `on_end` is called once, unless the operation itself was over before. */
void accd_docker_exec(struct accd_op *op, const struct acc_buf *body, uint64_t limit_ms,
                      void (*on_output)(struct accd_op *op, const char *data, size_t len),
                      void (*on_end)(struct accd_op *op, enum accd_exec_end end, int code));
void accd_docker_exec_argv(struct accd_op *op, const char *const *argv, uint64_t limit_ms,
                           void (*on_output)(struct accd_op *op, const char *data, size_t len),
                           void (*on_end)(struct accd_op *op, enum accd_exec_end end, int code));
/* After ACCD_EXEC_TIMEOUT: end it and what it has begun. Not `is_over`: it may go on. */
void accd_docker_exec_kill(struct accd_op *op, void (*on_killed)(struct accd_op *op, bool is_over));
/* docker_drain.c: DRAIN and UNDRAIN. */
void accd_docker_drain(struct accd_op *op);
/* docker_route.c: ROUTE. */
void accd_docker_route(struct accd_op *op);
/* Put it on (or take it off) the network create.connects[i_connect]. */
void accd_op_connect(struct accd_op *op, bool on,
                     void (*step)(struct accd_op *op, const struct accd_http_reply *reply));
/* docker_hook.c: HOOK. */
void accd_docker_hook(struct accd_op *op);
void accd_docker_hook_free(struct accd_hook_run *run); /* NULL allowed */
/* docker_compare.c: COMPARE, and UPDATE of what can be changed live. */
void accd_docker_compare(struct accd_op *op);
/* Who asked beside the engine is told, and the operation is over. */
void accd_docker_tell_compared(struct accd_op *op);
/* Push COMPARED. */
void accd_op_push_compared(struct accd_op *op);
/* A comparison has ended: the next that waits takes its turn. */
void accd_docker_next_compare(struct accd_docker_call *call);
/* docker_pull.c: PULL, and RENAME. */
void accd_docker_pull(struct accd_op *op);
void accd_docker_rename(struct accd_op *op);
/* "repo@digest" of a reference, owned by the caller; NULL without memory. */
char *accd_image_by_digest(const char *reference, const char *digest);
/* upgrade_hook.c: UPGRADE_HOOK */
void accd_upgrade_hook(struct accd_op *op);
void accd_upgrade_hook_free(struct accd_hook_job *job); /* NULL allowed */
/* docker_build.c: docker build by `op->build`; `after_build` when it went well, else the op is
 * over.
 */
void accd_docker_build(struct accd_op *op, void (*after_build)(struct accd_op *op));
/* docker_login.c: the credentials for `image`; `header` is the value of X-Registry-Auth, or
 * NULL. Never fails for want of them. */
void accd_docker_login(struct accd_op *op, const char *image,
                       void (*after_login)(struct accd_op *op, const char *header));
void accd_docker_logout(struct accd_op *op); /* overwrites and frees them */
/* docker_remote.c: ask the registry, by Docker, what op->reference means. */
void accd_docker_distribution(struct accd_op *op,
                              void (*after)(struct accd_op *op,
                                            const struct accd_http_reply *reply));
/* Who asked beside the engine is told, and the operation is over. */
void accd_docker_tell_remote(struct accd_op *op);
/* docker_ensure.c */
/* Tell how far the pull of its image is, or a line of its build. */
void accd_docker_tell_image(struct accd_op *op, const char *line);
/* Pull op->name; then op->pulled, or the check. */
void accd_docker_fetch(struct accd_op *op);
void accd_docker_ensure(struct accd_op *op);
void accd_docker_unensure(struct accd_op *op);
/* The volumes of the service op->service_id, each as its file says; then `after_volumes`, or the
 * operation is over. */
void accd_docker_ensure_volumes(struct accd_op *op, void (*after_volumes)(struct accd_op *op));
/* The one that made a network has finished: the next that waits takes its turn. */
void accd_docker_next_network(struct accd_docker_call *call);
