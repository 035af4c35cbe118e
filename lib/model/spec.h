#pragma once

/*
 * What the user wants: stacks (Compose projects), their services with every default filled in, and
 * the networks, volumes and images that they use.
 *
 * lib/compose makes a stack from the files of one Compose project; lib/graph joins all stacks into
 * one model, resolves the edges to indexes and refuses cycles. Everything a stack points at lives
 * in the stack's arena and dies with acc_stack_destroy().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/diag.h"
#include "lib/model/condition.h"
#include "lib/model/node.h"
#include "lib/model/window.h"

/* The value of a secret or config with `environment: NAME`, put beside it in the tree as a string
 * when NAME is set (as compose-go does). Never print it. */
#define ACC_SPEC_VALUE_KEY "x-#value"

#define ACC_CID_LEN  64u /* a container, network or image id: hex of a SHA-256 */
#define ACC_HASH_LEN 64u
#define ACC_NONE     UINT32_MAX /* no index */

/* Limits of one configuration; a home has a hundredth of them. */
#define ACC_STACKS_MAX   1024u
#define ACC_SERVICES_MAX 65536u
#define ACC_REPLICAS_MAX 100u
#define ACC_PORTS_MAX                                                                              \
    32u /* ports of one service that a listen probe looks at; further ones are not probed */

/* E3. The order is the order of precedence when a pair of services has several: the first wins. */
enum acc_edge_kind {
    ACC_EDGE_BINDS = 0, /* hard, and shares a namespace or volumes: same container identity */
    ACC_EDGE_NEEDS,     /* hard, gated by readiness (or by running) */
    ACC_EDGE_MILESTONE, /* gates until first satisfied */
    ACC_EDGE_WANTS,     /* waits until the target is ready or has failed, then is ignored */
    ACC_EDGE_AFTER,     /* order only, when both act */
    ACC_EDGE_CONFLICTS, /* never both running */
};
#define ACC_EDGE_KIND_COUNT 6
const char *acc_edge_kind_name(enum acc_edge_kind kind); /* "needs", ... */

enum acc_edge_condition {
    ACC_COND_READY = 0, /* service_healthy, and the default of x-acc edges */
    ACC_COND_RUNNING,   /* service_started */
    ACC_COND_COMPLETED, /* service_completed_successfully */
};

/* What a running dependent does when the dependency goes away (E3 table). */
enum acc_on_down { ACC_ON_DOWN_RIDE = 0, ACC_ON_DOWN_RESTART, ACC_ON_DOWN_STOP };

struct acc_edge {
    enum acc_edge_kind kind;
    enum acc_edge_condition condition;
    enum acc_on_down on_down;
    bool at_create;      /* gates Create only; never makes its dependent's root */
    bool is_link;        /* its container is named when this one is created: it must be there */
    bool required;       /* depends_on.required; false: a missing or disabled target is ignored */
    const char *stack;   /* of the target; NULL: the same stack */
    const char *service; /* of the target */
    const char *label;   /* for people, "" when none */
    uint32_t target;     /* index in the model; set by lib/graph, ACC_NONE: not in this model */
    struct acc_srcpos pos;
};

enum acc_restart_policy {
    ACC_RESTART_UNSET = 0, /* kept up, like always and unless-stopped */
    ACC_RESTART_NO,        /* started, never restarted */
    ACC_RESTART_ALWAYS,
    ACC_RESTART_UNLESS_STOPPED,
    ACC_RESTART_ON_FAILURE,
};
const char *
acc_restart_policy_name(enum acc_restart_policy policy); /* as Docker spells it; "" for unset */

enum acc_pull_policy {
    ACC_PULL_MISSING = 0,
    ACC_PULL_ALWAYS,
    ACC_PULL_NEVER,
    ACC_PULL_BUILD,
    ACC_PULL_REFRESH, /* daily, weekly, every_<duration>: when it was tagged longer ago than that */
};

/* How readiness is found without a health check (x-acc.probe). */
enum acc_probe_kind {
    ACC_PROBE_AUTO = 0, /* health check if there is one, else listen */
    ACC_PROBE_LISTEN,
    ACC_PROBE_TCP,  /* accd connects to the container's address, `port` */
    ACC_PROBE_HTTP, /* GET http://address:port/path answers 2xx or 3xx */
    ACC_PROBE_NONE, /* ready when running */
};

/* ENGINE.md E5, every time in milliseconds. acc_timing_default() has the values and
 * lib/model/spec.c the reasons; `timing:` of acc.yaml and x-acc override them one by one. */
struct acc_timing {
    uint64_t backoff_base, backoff_cap; /* 1 s .. 5 min, doubled each time */
    uint64_t reset_min, reset_max;      /* READY for clamp(2 x last delay, min, max) resets */
    uint64_t config_base, config_cap;   /* class config: 30 s .. 10 min */
    uint64_t start_base, start_cap;     /* class start: 2 s .. 60 s */
    uint64_t budget_window;             /* 10 min */
    uint32_t budget;                    /* 5 counted failures in it open the breaker */
    uint32_t give_up_after;             /* opens before FAILED; 0 = never */
    uint64_t open, open_cap;            /* 5 min, doubled up to 1 h */
    uint64_t half_open_ready;           /* READY this long closes it: 30 s */
    uint64_t degraded_grace_min;        /* 20 s; the grace is 2 x interval or this */
    uint64_t start_deadline_min;        /* 5 min */
    uint64_t ready_stable_after_flap;   /* 10 s */
    uint64_t flap_window;               /* 5 min: what counts as "after a flap" */
    uint64_t recovery_grace_min;        /* 60 s */
    uint64_t attribution_window;        /* 5 s */
    uint64_t incident_notify;           /* 10 s of bad before anybody is told */
    uint64_t incident_close;            /* root READY for 60 s */
    uint64_t external_stop_settle;      /* 15 s: a foreign stop is believed after that */
    uint64_t probe_first, probe_cap;    /* early readiness: 50 ms, growing up to 5 s */
    uint64_t probe_confirm;             /* 10 s between two early passes */
    uint64_t listen_giveup;             /* 10 s: ready by running although nothing listens */
    uint64_t run_min;                   /* 2 s: ready by running */
    uint64_t resync;                    /* full list: 60 s */
    uint64_t boot_grace;                /* 60 s without health restarts of what ran before accd */
    uint64_t upgrade_timeout;           /* 5 min for a candidate to get ready */
    uint64_t upgrade_stable;            /* 10 s that it must stay so */
    uint64_t upgrade_settle;            /* 3 s until a proxy knows what has changed */
    uint64_t upgrade_drain;             /* 10 s for what the old one is at, before it is stopped */
    uint64_t upgrade_monitor;           /* 10 min in which the old one is kept */
    uint64_t upgrade_pause;             /* 15 min that a dependency may hold a candidate up */
    uint64_t pull_retry, pull_retry_cap; /* 2 s until a pull that failed is tried again, doubled up
                                            to 60 s */
    uint64_t auto_spread;               /* 5 min: within this after its window opens it begins */
    uint32_t starts_in_flight;          /* 0: min(8, 2 x cores), filled in by the daemon */
    uint32_t pulls_in_flight;           /* 3 */
    uint32_t rollouts_in_flight;        /* 3 that have two containers at once */
};
void acc_timing_default(struct acc_timing *ret_timing);
/* The field of a `timing:` key ("open", "budget", "backoff_base", ...): a uint64_t in ms, or with
 * `*ret_is_count` a uint32_t. NULL when unknown; acc_timing_nearest() is for "did you mean". */
void *acc_timing_field(struct acc_timing *timing, const char *key, bool *ret_is_count);
const char *acc_timing_key(size_t i);            /* all of them; NULL past the end */
const char *acc_timing_nearest(const char *key); /* NULL when nothing is near */

/* A health check that fails while this file is there is how a proxy is told to leave a container
 * alone. Each container has a /dev/shm of its own, empty at each start: no mark outlives a run. */
#define ACC_DRAIN_FILE "/dev/shm/acc-drain"

/* x-acc.upgrade.drain: commands that tell the proxy, and that take it back. */
struct acc_drain_spec {
    const char *const *run;  /* NULL-terminated; NULL: none */
    const char *const *undo; /* likewise */
    bool on_host;            /* else in the container */
};

/* Order of an upgrade (x-acc.upgrade.order). */
enum acc_upgrade_order { ACC_ORDER_AUTO = 0, ACC_ORDER_START_FIRST, ACC_ORDER_STOP_FIRST };

/* x-acc.upgrade.auto: it is upgraded by itself, in these windows, to what its registry has had for
 * this long. */
struct acc_auto_spec {
    struct acc_window window[ACC_WINDOWS_MAX];
    size_t n_windows;
    uint64_t min_age_ms;
};
/* Most images that break things are replaced within a day. */
#define ACC_AUTO_MIN_AGE_MS 86400000u

/* A command before or after an upgrade (x-acc.upgrade.pre, .post). */
struct acc_upgrade_hook {
    const char *const *argv; /* NULL-terminated */
    bool in_container;       /* by the exec API; else on the host, as accd's user */
    uint64_t limit_ms;
};
/* A dump of a database takes minutes; `timeout:` says otherwise. */
#define ACC_UPGRADE_HOOK_LIMIT_MS 300000u

struct acc_health_spec {
    bool set;      /* the file has a test of its own */
    bool disabled; /* disable: true or test: [NONE] */
    int64_t interval_ms, timeout_ms, start_period_ms,
        start_interval_ms; /* 0: the image's, then Docker's */
    uint32_t retries;      /* 0: as above */
};

#define ACC_WAITING_CODES_MAX 8u

/* One entry of x-acc.host. */
struct acc_host_need {
    struct acc_condition is;
    uint32_t at; /* in acc_model.conditions; by lib/graph */
};
/* One entry of x-acc.serialize: of all that name the same token, one at a time gets ready. */
struct acc_token_need {
    const char *name;
    uint32_t at; /* in acc_model.tokens; by lib/graph */
};

struct acc_service_spec {
    const char *id;    /* "stack/service" */
    const char *stack; /* the Compose project */
    const char *name;  /* the service's key in the file */
    struct acc_srcpos pos;
    const struct acc_node *node; /* the resolved service: canonical long form, env_file merged */
    /* What is in its secrets and configs, as digests: "secrets/token=0123456789abcdef ..."; "" when
     * it has none. Part of the spec_hash, and the label io.acc.contents. */
    const char *contents;
    char spec_hash[ACC_HASH_LEN + 1]; /* io.acc.spec: of the resolved service without references */

    const char *image;    /* reference as the file has it; "<project>-<service>" for build-only */
    const char *platform; /* NULL: any */
    enum acc_pull_policy pull_policy;
    int64_t pull_every_ns; /* REFRESH */
    bool has_build;
    const char *container_name; /* NULL: <project>-<service>-<n> */
    uint32_t replicas;          /* 0 is allowed */
    enum acc_restart_policy restart;
    uint32_t restart_max; /* on-failure:N; 0 = no limit */
    bool one_shot;        /* the target of a service_completed_successfully edge (by lib/graph) */
    /* Exit 0 is its end, too: the target of another milestone, without a `restart:`, and nobody
     * needs it to run (by lib/graph). */
    bool may_end;
    uint64_t stop_grace_ms; /* Docker's 10 s by default */
    bool stop_grace_set;
    struct acc_health_spec health;
    uint16_t ports[ACC_PORTS_MAX]; /* declared TCP container ports: ports and expose */
    size_t n_ports;
    bool has_post_start, has_pre_stop; /* lifecycle hooks; they are in `node` */
    bool rw_mount;                     /* has a writable named volume or bind mount */

    struct acc_edge *edges;
    size_t n_edges;
    struct acc_host_need *host; /* each once */
    size_t n_host;
    struct acc_token_need *serialize; /* each once */
    size_t n_serialize;
    uint32_t *resources; /* of this stack, indexes into acc_stack.resources: image first, then
                            networks and volumes */
    size_t n_resources;

    /* x-acc */
    const char *phase, *tier; /* "" when none */
    uint32_t priority;        /* 0..100 */
    enum acc_probe_kind probe;
    uint16_t probe_port;
    const char *probe_path;
    uint8_t waiting_codes[ACC_WAITING_CODES_MAX];
    size_t n_waiting_codes;
    bool restart_on_unhealthy; /* on_unhealthy: restart (default) | report */
    bool stateful;
    enum acc_upgrade_order upgrade_order;
    bool upgrade_pauses; /* upgrade.on_failure: pause; else it goes back by itself */
    struct acc_drain_spec drain;
    const struct acc_upgrade_hook *pre_upgrade, *post_upgrade;
    size_t n_pre_upgrade, n_post_upgrade;
    const struct acc_auto_spec *upgrade_auto; /* NULL: only when somebody asks */
    const char *exclusive; /* why two of its containers can't run at once, one clause; NULL: they
                              can */
    const char **takes;    /* what no two services that follow each other may have at once: "volume
                              pgdata", "port 80/tcp of the host" */
    size_t n_takes;
    struct acc_timing timing;
    const struct acc_node *x_acc; /* merged x-acc mapping with the keys of later issues, or NULL */
};

enum acc_resource_kind { ACC_RES_IMAGE, ACC_RES_NETWORK, ACC_RES_VOLUME };

struct acc_resource {
    enum acc_resource_kind kind;
    uint32_t stack;   /* index of the stack; images of several stacks are several resources */
    const char *key;  /* in the file; for an image its reference */
    const char *name; /* in the engine */
    bool external;
    enum acc_pull_policy pull_policy; /* images: the strictest of their users */
    int64_t pull_every_ns;            /* images, REFRESH: the shortest of their users */
    const char *platform;             /* images */
    const struct acc_node *node;      /* the resolved top-level network or volume, or NULL */
    struct acc_srcpos pos;
};

struct acc_stack {
    struct acc_arena *arena; /* owned */
    const char *name;
    const char *dir;    /* absolute project directory */
    const char **files; /* absolute paths, as given by -f */
    size_t n_files;
    const char **env_files; /* only when given explicitly: label project.environment_file */
    size_t n_env_files;
    const char *phase;        /* of acc.yaml's stacks entry, "" when none */
    struct acc_node *project; /* the whole resolved project: name, services, networks, ... */
    struct acc_service_spec *services; /* enabled ones, sorted by name */
    size_t n_services;
    const char **disabled; /* names of services without an enabled profile */
    const char **disabled_profiles; /* of each the first that would do */
    size_t n_disabled;
    /* Names in the engine of all networks and volumes that the files declare, used or not. */
    const char **declared_networks, **declared_volumes;
    size_t n_declared_networks, n_declared_volumes;
    struct acc_resource *resources;
    size_t n_resources;
};

/* An upgrade takes its image as it lies here: no registry is asked for it. */
bool acc_service_image_is_here(const struct acc_service_spec *service);

/* NULL is allowed; always returns NULL. */
struct acc_stack *acc_stack_destroy(struct acc_stack *stack);

/* Phases of one configuration, in their order. */
#define ACC_PHASES_MAX 64u
/* What goes back when one of a phase's rollouts fails (phases[].rollback). */
enum acc_rollback_scope { ACC_ROLLBACK_SERVICE = 0, ACC_ROLLBACK_PHASE, ACC_ROLLBACK_ALL };
struct acc_phase_spec {
    const char *name;
    bool has_gate;           /* all of its members must be ready ... */
    uint64_t healthy_for_ms; /* ... for so long, before the next one begins */
    enum acc_rollback_scope rollback;
};

/* All stacks as one. Indexes are dense: service `i` of the model is services[i]. */
struct acc_model {
    struct acc_stack **stacks; /* owned */
    size_t n_stacks;
    struct acc_service_spec **services; /* owned array of borrowed pointers into the stacks */
    uint32_t *service_stack;            /* the stack of each service */
    size_t n_services;
    struct acc_resource **resources; /* owned array of borrowed pointers */
    uint32_t *resource_base;         /* first model index of each stack's resources */
    size_t n_resources;
    uint32_t
        *order; /* n_services indexes, dependencies first (binds, needs, milestone, wants, after) */
    struct acc_phase_spec *phases; /* owned; by acc_model_set_phases() */
    char *phase_names;             /* owned; what the names of `phases` lie in */
    size_t n_phases;
    /* Of all of them together; without it what they say alike. */
    struct acc_timing timing;
    bool has_timing;
    uint32_t *layer; /* 0 for a service without dependencies, else 1 + the highest of them */
    /* What all services together need of the host, and their tokens: each once, by name. */
    struct acc_condition *conditions; /* owned; texts of the stacks */
    size_t n_conditions;
    const char **tokens; /* owned; texts of the stacks */
    size_t n_tokens;
};

/* Frees the model and its stacks. NULL is allowed; always returns NULL. */
struct acc_model *acc_model_destroy(struct acc_model *model);
/* By id ("stack/service"), or by a service name that is unique. ACC_NONE when there is none or,
 * with
 * `*ret_ambiguous` set, when several stacks have one. */
uint32_t acc_model_find(const struct acc_model *model, const char *name, bool *ret_ambiguous);
/* By its name, which is the Compose project's; ACC_NONE when there is none. */
uint32_t acc_model_find_stack(const struct acc_model *model, const char *name);
