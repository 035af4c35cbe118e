#include "daemon/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/drill/heard.h"
#include "lib/drill/model_text.h"

/* One stretch: a minute of a bad day, hours of a good one. */
#define EVENTS_MAX 500u
#define HEARD_MAX  (256u * 1024u)
/* A state of two thousand services. Above that nothing is recorded: it would cost too much. */
#define STATE_MAX     (4u << 20)
#define DECISIONS_MAX 64u

struct stretch {
    struct acc_buf state, heard;
    uint64_t number; /* 0: none */
    uint32_t n_events;
};

struct decision {
    uint64_t stretch;
    size_t begin, end; /* of its event, in `heard` */
    char *asked;       /* owned; "start db, start web" */
};

struct accd_recorder {
    struct acc_engine *engine;
    const struct acc_model *model; /* NULL: not known yet */
    struct stretch stretch[2];     /* the newest one is [0] */
    uint64_t n_stretches;
    bool is_off; /* it is too large */
    size_t event_at;
    struct decision decision[DECISIONS_MAX]; /* a ring */
    uint64_t n_decisions;
};

int accd_recorder_create(struct acc_engine *engine, struct accd_recorder **ret_recorder)
{
    struct accd_recorder *r = calloc(1, sizeof(*r));

    if (!r) {
        return -ENOMEM;
    }
    r->engine = engine;
    for (size_t k = 0; k < 2; k++) {
        acc_buf_init(&r->stretch[k].state, STATE_MAX);
        acc_buf_init(&r->stretch[k].heard, 2 * HEARD_MAX);
    }
    *ret_recorder = r;
    return 0;
}

struct accd_recorder *accd_recorder_destroy(struct accd_recorder *r)
{
    for (size_t k = 0; r && k < 2; k++) {
        acc_buf_fini(&r->stretch[k].state);
        acc_buf_fini(&r->stretch[k].heard);
    }
    for (size_t k = 0; r && k < DECISIONS_MAX; k++) {
        free(r->decision[k].asked);
    }
    free(r);
    return NULL;
}

void accd_recorder_set_model(struct accd_recorder *r, const struct acc_model *model)
{
    r->model = model;
    r->stretch[0].n_events = EVENTS_MAX; /* the next event begins a new one */
    r->is_off = false;
}

static int put_state(const struct accd_recorder *r, struct acc_buf *out)
{
    int result = acc_model_text_put(r->model, out);

    return result < 0 ? result : acc_engine_state_put(r->engine, false, out);
}

static void begin_stretch(struct accd_recorder *r)
{
    struct stretch oldest = r->stretch[1];

    r->stretch[1] = r->stretch[0];
    acc_buf_fini(&oldest.state);
    acc_buf_fini(&oldest.heard);
    oldest.number = ++r->n_stretches;
    oldest.n_events = 0;
    r->stretch[0] = oldest;
    r->is_off = put_state(r, &r->stretch[0].state) < 0;
    if (r->is_off) {
        acc_buf_fini(&r->stretch[0].state);
        r->stretch[0].number = 0;
    }
}

void accd_recorder_before(void *recorder, const struct acc_event *event)
{
    struct accd_recorder *r = recorder;
    struct stretch *s = &r->stretch[0];

    if (!r->model || r->is_off) {
        return;
    }
    if (s->number == 0 || s->n_events >= EVENTS_MAX || s->heard.len >= HEARD_MAX) {
        begin_stretch(r);
        if (r->is_off) {
            return;
        }
    }
    r->event_at = s->heard.len;
    s->n_events++;
    (void)acc_buf_puts(&s->heard, "hear ");
    (void)acc_heard_put(event, acc_engine_n_services(r->engine), &s->heard);
    (void)acc_buf_puts(&s->heard, "\n");
    if (s->heard.failed) {
        s->number = 0; /* with a hole it proves nothing */
    }
}

static char *asked_of(const struct accd_recorder *r, const struct acc_actions *actions)
{
    char one[2 * ACC_NAME_MAX + 64];
    struct acc_buf list;

    acc_buf_init(&list, HEARD_MAX);
    for (size_t i = 0; i < actions->n; i++) {
        const struct acc_action *action = &actions->item[i];

        if (acc_heard_is_change(action->type) && action->type != ACC_ACT_ENSURE_RESOURCE) {
            acc_heard_asked(r->model, r->engine, action, one, sizeof(one));
            (void)acc_buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", one);
        }
    }
    return list.len > 0 ? acc_buf_take(&list) : NULL;
}

void accd_recorder_after(void *recorder, const struct acc_actions *actions)
{
    struct accd_recorder *r = recorder;
    const struct stretch *s = &r->stretch[0];
    struct decision *decision = &r->decision[r->n_decisions % DECISIONS_MAX];
    char *asked = r->model && !r->is_off && s->number > 0 ? asked_of(r, actions) : NULL;

    if (asked) {
        free(decision->asked);
        *decision = (struct decision){s->number, r->event_at, s->heard.len, asked};
        r->n_decisions++;
    }
}

/* --- saving ---------------------------------------------------------------------------------- */

static const struct stretch *stretch_of(const struct accd_recorder *r, uint64_t number)
{
    for (size_t k = 0; k < 2; k++) {
        if (number > 0 && r->stretch[k].number == number) {
            return &r->stretch[k];
        }
    }
    return NULL;
}

int accd_recorder_save(const struct accd_recorder *r, uint32_t n, struct acc_buf *out)
{
    const struct decision *decision;
    const struct stretch *s;

    if (!r->model) {
        return -ENOENT;
    }
    if (n == 0) {
        return put_state(r, out);
    }
    if (n > r->n_decisions || n > DECISIONS_MAX) {
        return -ENOENT;
    }
    decision = &r->decision[(r->n_decisions - n) % DECISIONS_MAX];
    s = stretch_of(r, decision->stretch);
    if (!s) {
        return -ENOENT;
    }
    (void)acc_buf_printf(out, "# accd %s decided: %s\n", ACC_VERSION, decision->asked);
    (void)acc_buf_append(out, s->state.data, s->state.len);
    (void)acc_buf_append(out, s->heard.data, decision->begin);
    (void)acc_buf_puts(out, "forget\n");
    (void)acc_buf_append(out, s->heard.data + decision->begin, decision->end - decision->begin);
    (void)acc_buf_printf(out, "then %s\n", decision->asked);
    return out->failed ? -ENOMEM : 0;
}
