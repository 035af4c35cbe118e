/* What must be: "then", "state" and their like. */

#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/drill/script_internal.h"

static void check_list(struct script *s, const char *what, struct acc_buf *list, char *must)
{
    const char *is = list->len > 0 ? list->data : "nothing";

    must = acc_script_trim(must);
    if (strcmp(is, must) != 0) {
        (void)acc_script_differs(s, what, is, must);
    }
    acc_buf_reset(list);
}

static int on_then(struct script *s, char *rest)
{
    check_list(s, "asked of Docker", &s->asked, rest);
    return 0;
}

static int on_forget(struct script *s, char *rest)
{
    (void)rest;
    acc_script_forget(s);
    return 0;
}

static int on_incidents(struct script *s, char *rest)
{
    check_list(s, "incidents", &s->incidents, rest);
    return 0;
}

/* One word of what can be seen of a service. */
static void check_view(struct script *s, const char *what, char *rest,
                       const char *(*word)(const struct acc_service_view *view))
{
    const char *name = acc_script_next(&rest);
    const char *must = acc_script_next(&rest);
    struct acc_service_view view;
    uint32_t svc;

    if (acc_script_service(s, name, &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        if (strcmp(word(&view), must) != 0) {
            (void)acc_script_differs(s, what, word(&view), must);
        }
    }
}

static const char *state_of(const struct acc_service_view *view)
{
    return acc_svc_state_name(view->state);
}

static int on_state(struct script *s, char *rest)
{
    check_view(s, "state", rest, state_of);
    return 0;
}

/* What its health stands on: "check", "listens" and their like. */
static const char *evidence_of(const struct acc_service_view *view)
{
    return acc_evidence_name(view->evidence);
}

static int on_evidence(struct script *s, char *rest)
{
    check_view(s, "evidence", rest, evidence_of);
    return 0;
}

static void check_number(struct script *s, const char *what, uint64_t is, const char *must)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)is);
    if (strcmp(text, must) != 0) {
        (void)acc_script_differs(s, what, text, must);
    }
}

/* "data NAME N": its volume is the N-th that Docker has made of an image's VOLUME; 0: it has none.
 */
static int on_data(struct script *s, char *rest)
{
    const struct acc_world_container *c = acc_script_container(s, acc_script_next(&rest));
    const char *name = c ? strchr(c->obs.volumes, '\t') : NULL;
    uint64_t number = 0;

    if (c) {
        for (const char *at = name ? name + 1 : ""; *at && *at != '\n'; at++) {
            number = number * 16 + (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
        }
        check_number(s, "data", number, acc_script_next(&rest));
    }
    return 0;
}

static int on_failures(struct script *s, char *rest)
{
    struct acc_service_record record;
    uint32_t svc;

    if (acc_script_service(s, acc_script_next(&rest), &svc)) {
        acc_engine_service_record(s->world.engine, svc, s->world.now_ms, &record);
        check_number(s, "counted failures", record.n_failures, acc_script_next(&rest));
    }
    return 0;
}

static int on_restarts(struct script *s, char *rest)
{
    struct acc_service_view view;
    uint32_t svc;

    if (acc_script_service(s, acc_script_next(&rest), &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        check_number(s, "restarts", view.n_restarts, acc_script_next(&rest));
    }
    return 0;
}

static int on_roots(struct script *s, char *rest)
{
    struct acc_service_view view;
    struct acc_buf list;
    uint32_t svc;

    acc_buf_init(&list, ACC_SCRIPT_TEXT_MAX);
    if (acc_script_service(s, acc_script_next(&rest), &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        for (size_t i = 0; i < view.n_roots; i++) {
            acc_script_add(&list, view.roots[i] >= ACC_ROOT_HOST
                                      ? acc_engine_root_id(s->world.engine, view.roots[i])
                                      : acc_world_nick(&s->world, view.roots[i]));
        }
        check_list(s, "roots", &list, rest);
    }
    acc_buf_fini(&list);
    return 0;
}

/* "impact N [now N peak N]": how many the newest incident has impaired or blocked. */
static int on_impact(struct script *s, char *rest)
{
    struct acc_incident_view view;

    if (acc_engine_incident_at(s->world.engine, 0, &view)) {
        check_number(s, "impact", view.n_impact, acc_script_next(&rest));
        for (char *word = acc_script_next(&rest); *word; word = acc_script_next(&rest)) {
            bool is_now = strcmp(word, "now") == 0;

            check_number(s, word, is_now ? view.n_suffer : view.n_peak, acc_script_next(&rest));
        }
    } else {
        (void)acc_script_differs(s, "impact", "no incident", rest);
    }
    return 0;
}

/* "told TEXT": in a note since "begin". */
static int on_told(struct script *s, char *rest)
{
    rest = acc_script_trim(rest);
    if (!s->told.data || !strstr(s->told.data, rest)) {
        (void)acc_script_differs(s, "told", s->told.len > 0 ? s->told.data : "nothing", rest);
    }
    return 0;
}

static int on_says(struct script *s, char *rest)
{
    struct acc_service_view view;
    uint32_t svc;

    if (acc_script_service(s, acc_script_next(&rest), &svc)) {
        acc_engine_service(s->world.engine, svc, s->world.now_ms, &view);
        rest = acc_script_trim(rest);
        if (!strstr(view.reason, rest)) {
            (void)acc_script_differs(s, "reason", view.reason, rest);
        }
    }
    return 0;
}

const struct acc_script_word acc_script_musts[] = {
    {"then", on_then, true},
    {"incidents", on_incidents, true},
    {"state", on_state, true},
    {"evidence", on_evidence, true},
    {"failures", on_failures, true},
    {"restarts", on_restarts, true},
    {"roots", on_roots, true},
    {"impact", on_impact, true},
    {"data", on_data, true},
    {"told", on_told, true},
    {"says", on_says, true},
    {"forget", on_forget, true},
    {NULL, NULL, false},
};
