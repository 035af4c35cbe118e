/* A configuration as the lines of model_text.h, as far as the engine knows it. */

#include <errno.h>
#include <string.h>

#include "lib/base/fields.h"
#include "lib/drill/model_text.h"

static void put_word(struct acc_buf *out, const char *key, const char *text)
{
    if (text && *text) {
        (void)acc_buf_printf(out, " %s=", key);
        acc_fields_put_text(text, out);
    }
}

static void put_flag(struct acc_buf *out, const char *word, bool is_set)
{
    (void)acc_buf_printf(out, "%s%s", is_set ? " " : "", is_set ? word : "");
}

static void put_health(struct acc_buf *out, const struct acc_health_spec *h)
{
    if (h->disabled) {
        (void)acc_buf_puts(out, " health=no");
    } else if (h->set) {
        (void)acc_buf_printf(out, " health=%lld,%lld,%lld,%u", (long long)h->interval_ms,
                             (long long)h->timeout_ms, (long long)h->start_period_ms,
                             (unsigned)h->retries);
    }
}

static void put_edges(const struct acc_model *model, const struct acc_service_spec *s,
                      struct acc_buf *out)
{
    static const char *const conditions[] = {"", ",running", ",completed"};
    static const char *const on_down[] = {"", ",restart", ",stop"};

    for (size_t e = 0; e < s->n_edges; e++) {
        const struct acc_edge *edge = &s->edges[e];

        if (edge->target != ACC_NONE) {
            (void)acc_buf_printf(out, " %s:%s%s%s%s%s", acc_edge_kind_name(edge->kind),
                                 model->services[edge->target]->id, conditions[edge->condition],
                                 on_down[edge->on_down], edge->at_create ? ",create" : "",
                                 edge->is_link ? ",link" : "");
        }
    }
}

static void put_timing(const struct acc_timing *timing, struct acc_buf *out)
{
    struct acc_timing plain;
    struct acc_timing is = *timing;
    const char *key;
    bool is_count;

    acc_timing_default(&plain);
    for (size_t i = 0; (key = acc_timing_key(i)); i++) {
        const void *at = acc_timing_field(&is, key, &is_count);
        const void *usual = acc_timing_field(&plain, key, &is_count);
        uint32_t count;
        uint64_t ms;

        if (memcmp(at, usual, is_count ? sizeof(count) : sizeof(ms)) == 0) {
            continue;
        }
        if (is_count) {
            memcpy(&count, at, sizeof(count));
            (void)acc_buf_printf(out, " %s=%u", key, (unsigned)count);
        } else {
            memcpy(&ms, at, sizeof(ms));
            (void)acc_buf_printf(out, " %s=%llums", key, (unsigned long long)ms);
        }
    }
}

static void put_policies(const struct acc_service_spec *s, struct acc_buf *out)
{
    static const char *const probes[] = {"auto", "listen", "tcp", "http", "none"};
    static const char *const orders[] = {"", "start-first", "stop-first"};

    put_health(out, &s->health);
    put_word(out, "restart", acc_restart_policy_name(s->restart));
    if (s->restart_max) {
        (void)acc_buf_printf(out, ":%u", (unsigned)s->restart_max);
    }
    put_word(out, "probe", s->probe ? probes[s->probe] : "");
    put_word(out, "order", orders[s->upgrade_order]);
    put_flag(out, "stateful", s->stateful);
    put_flag(out, "pauses", s->upgrade_pauses);
    put_flag(out, "report", !s->restart_on_unhealthy);
    put_flag(out, "post-start", s->has_post_start);
    put_flag(out, "pre-stop", s->has_pre_stop);
    put_flag(out, "drains", s->drain.run != NULL);
    put_flag(out, "pre", s->n_pre_upgrade > 0);
    put_flag(out, "post", s->n_post_upgrade > 0);
    put_word(out, "exclusive", s->exclusive);
    for (size_t k = 0; k < s->n_takes; k++) {
        put_word(out, "takes", s->takes[k]);
    }
}

static void put_service(const struct acc_model *model, const struct acc_service_spec *s,
                        struct acc_buf *out)
{
    (void)acc_buf_printf(out, "service %s hash=%s", s->name, s->spec_hash);
    put_word(out, "image", s->image);
    put_word(out, "name", s->container_name);
    put_word(out, "phase", s->phase);
    put_word(out, "tier", s->tier);
    (void)acc_buf_printf(out, " replicas=%u priority=%u grace=%llums", (unsigned)s->replicas,
                         (unsigned)s->priority, (unsigned long long)s->stop_grace_ms);
    put_policies(s, out);
    for (size_t k = 0; k < s->n_ports; k++) {
        (void)acc_buf_printf(out, " port=%u", s->ports[k]);
    }
    for (size_t k = 0; k < s->n_waiting_codes; k++) {
        (void)acc_buf_printf(out, " waiting=%u", s->waiting_codes[k]);
    }
    for (size_t k = 0; k < s->n_resources; k++) {
        (void)acc_buf_printf(out, "%s%u", k ? "," : " uses=", (unsigned)s->resources[k]);
    }
    for (size_t k = 0; k < s->n_host; k++) {
        (void)acc_buf_puts(out, " host:");
        acc_fields_put_text(s->host[k].is.text, out);
    }
    for (size_t k = 0; k < s->n_serialize; k++) {
        (void)acc_buf_printf(out, " serialize:%s", s->serialize[k].name);
    }
    put_edges(model, s, out);
    put_timing(&s->timing, out);
    (void)acc_buf_puts(out, "\n");
}

static void put_resource(const struct acc_resource *res, struct acc_buf *out)
{
    static const char *const kinds[] = {"image", "network", "volume"};

    (void)acc_buf_printf(out, "resource %s ", kinds[res->kind]);
    acc_fields_put_text(res->key && *res->key ? res->key : "-", out);
    (void)acc_buf_puts(out, " ");
    acc_fields_put_text(res->name && *res->name ? res->name : "-", out);
    (void)acc_buf_puts(out, res->external ? " external\n" : "\n");
}

int acc_model_text_put(const struct acc_model *model, struct acc_buf *out)
{
    for (size_t i = 0; i < model->n_phases; i++) {
        (void)acc_buf_printf(out, "phase %s", model->phases[i].name);
        if (model->phases[i].rollback != ACC_ROLLBACK_SERVICE) {
            bool is_all = model->phases[i].rollback == ACC_ROLLBACK_ALL;

            (void)acc_buf_printf(out, " rollback=%s", is_all ? "all" : "phase");
        }
        if (model->phases[i].has_gate) {
            (void)acc_buf_printf(out, " healthy_for=%llums",
                                 (unsigned long long)model->phases[i].healthy_for_ms);
        }
        (void)acc_buf_puts(out, "\n");
    }
    for (size_t i = 0; i < model->n_stacks; i++) {
        const struct acc_stack *stack = model->stacks[i];

        (void)acc_buf_printf(out, "stack %s\n", stack->name);
        for (size_t k = 0; k < stack->n_resources; k++) {
            put_resource(&stack->resources[k], out);
        }
        for (size_t k = 0; k < stack->n_services; k++) {
            put_service(model, &stack->services[k], out);
        }
    }
    return out->failed ? -ENOMEM : 0;
}
