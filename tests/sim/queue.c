#include "tests/sim/queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/assert.h"

void sim_queue_init(struct sim_queue *queue, uint64_t now_ms)
{
    *queue = (struct sim_queue){.now_ms = now_ms};
}

void sim_queue_fini(struct sim_queue *queue)
{
    for (size_t i = 0; i < queue->n; i++) {
        if (queue->item[i].owns_ctx) {
            free(queue->item[i].ctx);
        }
    }
    free(queue->item);
    *queue = (struct sim_queue){0};
}

static bool is_before(const struct sim_item *a, const struct sim_item *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->seq < b->seq);
}

static void put(struct sim_queue *q, struct sim_item item)
{
    size_t i;

    if (q->n == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 256;
        q->item = realloc(q->item, q->cap * sizeof(*q->item));
        acc_assert(q->item);
    }
    for (i = q->n++; i > 0 && is_before(&item, &q->item[(i - 1) / 2]); i = (i - 1) / 2) {
        q->item[i] = q->item[(i - 1) / 2];
    }
    q->item[i] = item;
}

void sim_queue_in(struct sim_queue *q, uint64_t delay_ms, sim_fn fn, void *ctx, uint64_t a,
                  uint64_t b)
{
    put(q, (struct sim_item){q->now_ms + delay_ms, q->next_seq++, fn, ctx, a, b, 0});
}

void sim_queue_in_own(struct sim_queue *q, uint64_t delay_ms, sim_fn fn, void *ctx)
{
    put(q, (struct sim_item){q->now_ms + delay_ms, q->next_seq++, fn, ctx, 0, 0, 1});
}

uint64_t sim_queue_next_ms(const struct sim_queue *q)
{
    return q->n > 0 ? q->item[0].at_ms : UINT64_MAX;
}

void sim_queue_run_one(struct sim_queue *q)
{
    acc_assert(q->n > 0);
    struct sim_item due = q->item[0];
    struct sim_item last = q->item[--q->n];
    size_t i = 0;

    for (size_t child = 1; child < q->n; child = 2 * i + 1) {
        child += child + 1 < q->n && is_before(&q->item[child + 1], &q->item[child]) ? 1 : 0;
        if (!is_before(&q->item[child], &last)) {
            break;
        }
        q->item[i] = q->item[child];
        i = child;
    }
    if (q->n > 0) {
        q->item[i] = last;
    }
    q->now_ms = due.at_ms;
    due.fn(due.ctx, due.a, due.b);
}
