/* `accctl why`: one or two plain sentences for a tired person. */

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/engine/parts.h"

static void clock_of(int64_t unix_ms, char *out, size_t size)
{
    char text[ACC_RFC3339_MAX];

    acc_format_rfc3339(unix_ms, text, sizeof(text));
    (void)snprintf(out, size, "%.8s UTC", text + 11); /* HH:MM:SS of 2026-11-23T13:00:00Z */
}

static const struct instance *shown(const struct service *s)
{
    for (uint32_t i = 0; i < s->n_replicas; i++) {
        if (s->inst[i].state != ACC_INST_READY) {
            return &s->inst[i];
        }
    }
    return &s->inst[0];
}

static void about_health(const struct service *s, struct acc_buf *out)
{
    const struct instance *inst = shown(s);

    if (inst->output[0] && inst->state != ACC_INST_READY) {
        (void)acc_buf_printf(out, " Its health check last said: %s.", inst->output);
    }
}

static void about_exit(const struct service *s, struct acc_buf *out)
{
    const struct instance *inst = shown(s);

    if (!acc_eng_is_running(inst) && inst->exit_code >= 0 && inst->cid[0]) {
        (void)acc_buf_printf(out, " Its container ended with exit code %d%s.", (int)inst->exit_code,
                             inst->oom ? ", killed because it used too much memory" : "");
    }
}

static void about_roots(const struct acc_engine *e, uint32_t svc, uint64_t now_ms,
                        struct acc_buf *out)
{
    struct acc_service_view view;

    acc_engine_service(e, svc, now_ms, &view);
    for (size_t i = 0; i < view.n_roots; i++) {
        const struct service *root = &e->services[view.roots[i]];
        char reason[ACC_REASON_MAX + 1];

        acc_eng_reason_of(e, view.roots[i], reason, sizeof(reason));
        (void)acc_buf_printf(out, " The root is %s (%s)%s%s.", root->id,
                             acc_svc_state_name(root->state), reason[0] ? ": it " : "", reason);
    }
    if (view.n_roots > 0) {
        (void)acc_buf_puts(
            out, " It is not restarted for that and goes on by itself when the root is back.");
    }
}

void acc_engine_why(const struct acc_engine *engine, uint32_t svc, uint64_t now_ms, int64_t unix_ms,
                    struct acc_buf *out)
{
    const struct service *s = &engine->services[svc];
    char at[40];
    char ago[32];
    char reason[ACC_REASON_MAX + 1];

    clock_of(unix_ms - (int64_t)(now_ms - s->since_ms), at, sizeof(at));
    acc_format_span_ms(now_ms - s->since_ms, ago, sizeof(ago));
    acc_eng_reason_of(engine, svc, reason, sizeof(reason));
    (void)acc_buf_printf(out, "%s is %s since %s (%s)", s->id, acc_svc_state_name(s->state), at,
                         ago);
    if (reason[0]) {
        (void)acc_buf_printf(out, ": it %s", reason);
    }
    (void)acc_buf_puts(out, ".");
    if (!engine->connected) {
        (void)acc_buf_puts(out, " Docker can't be reached, so this is what was seen last.");
    }
    if (s->state == ACC_SVC_UP && s->n_restarts > 0 && s->fail_ms) {
        clock_of(unix_ms - (int64_t)(now_ms - s->fail_ms), at, sizeof(at));
        (void)acc_buf_printf(out, " It was restarted %u times; the last failure at %s: it %s.",
                             (unsigned)s->n_restarts, at, s->fail_text);
    }
    if (s->state != ACC_SVC_UP && s->state != ACC_SVC_DONE) {
        about_exit(s, out);
        about_health(s, out);
    }
    if (s->state == ACC_SVC_BLOCKED || s->state == ACC_SVC_IMPAIRED) {
        about_roots(engine, svc, now_ms, out);
    } else if (s->state == ACC_SVC_HELD) {
        (void)acc_buf_printf(out, " `accctl up %s` starts it.", s->name);
    } else if (s->state == ACC_SVC_OPEN) {
        (void)acc_buf_printf(out, " `accctl restart %s` tries at once.", s->name);
    }
}
