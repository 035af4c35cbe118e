#pragma once

/* Inside the twin: between its calls (twin.c), its containers' life (twin_run.c), images, networks
 * and volumes (twin_resources.c) and dockerd's own life (twin_power.c). */

#include "tests/sim/twin.h"

/* A call on its way; owned by the queue, or by the container whose exit it waits for. */
struct twin_waiting {
    struct twin_waiting *next;
    struct twin *twin;
    uint64_t boot;
    struct twin_call call;
    uint32_t svc;       /* whom it is about; ACC_NONE: nobody of the model */
    uint32_t n_rounds;  /* DRAIN, UNDRAIN: how far it has got */
    bool was_looked_at; /* it was drawn whether containerd delays it */
    bool is_named;      /* CREATE: its name is taken from here on */
};

#define EXIT_KILLED 137
/* moby#10879; facts of the engine's source: each of its records is a file that is written anew */
#define DISK_FULL "write /var/lib/docker/containers/x/.tmp-config.v2.json: no space left on device"
#define EXIT_LOST 255 /* nobody knows: it ended while the daemon was away, without live-restore */

/* The stream of a service, or of all that is none's. */
struct sim_rand *twin_luck(const struct twin *twin, uint32_t svc);
void twin_run_begin(struct twin *twin, struct twin_container *c, uint64_t token, bool by_policy);
void twin_run_ended(struct twin *twin, struct twin_container *c, int32_t code, bool oom);
void twin_run_kill(struct twin *twin, struct twin_container *c);
void twin_run_policy(struct twin *twin, struct twin_container *c);
void twin_run_on_exit(void *ctx, struct sim_proc *proc, int32_t code, bool oom);
void twin_monitor_start(struct twin *twin, struct twin_container *c);
void twin_hint(struct twin *twin, const struct twin_container *c, enum acc_hint hint,
               int32_t number);
void twin_hint_destroy(struct twin *twin, const struct twin_container *c);
void twin_answer(struct twin_waiting *w, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void twin_answer_waiting(struct twin *twin, struct twin_container *c);
void twin_drop_waiting(struct twin *twin, struct twin_container *c);
bool twin_unseen(const struct twin *twin); /* the daemon can't see what happens now */
/* There is none of this name at all. */
bool twin_network_is_gone(const struct twin *twin, const struct twin_container *c);
void twin_network_attach(const struct twin *twin, struct twin_container *c); /* it is made */
void twin_network_show(const struct twin *twin, const struct twin_container *c,
                       struct acc_obs *obs);
void twin_serve_resource(struct twin_waiting *w);
