#pragma once

/*
 * Virtual time: what is due, in the order of its time; at one time, first queued, first run.
 *
 * Nothing is ever taken out again: who schedules hands a number over that tells later whether the
 * call still means anything.
 */

#include <stddef.h>
#include <stdint.h>

typedef void (*sim_fn)(void *ctx, uint64_t a, uint64_t b);

struct sim_item {
    uint64_t at_ms, seq;
    sim_fn fn;
    void *ctx;
    uint64_t a, b;
    int owns_ctx; /* freed with the queue when it never came to run */
};

struct sim_queue {
    uint64_t now_ms;
    uint64_t next_seq;
    struct sim_item *item; /* a binary heap */
    size_t n, cap;
};

void sim_queue_init(struct sim_queue *queue, uint64_t now_ms);
void sim_queue_fini(struct sim_queue *queue);
void sim_queue_in(struct sim_queue *queue, uint64_t delay_ms, sim_fn fn, void *ctx, uint64_t a,
                  uint64_t b);
/* The same for a `ctx` of its own on the heap, which `fn` frees or queues again. */
void sim_queue_in_own(struct sim_queue *queue, uint64_t delay_ms, sim_fn fn, void *ctx);
/* When the next one is due, or UINT64_MAX. */
uint64_t sim_queue_next_ms(const struct sim_queue *queue);
/* Set the time to it and run it; there must be one. */
void sim_queue_run_one(struct sim_queue *queue);
