/*
 * Does a container do what the file says? Asked where the labels can't answer it: it was made by
 * somebody else, or from another version of the file.
 *
 * What is the same by meaning is left alone, what can be changed while it runs is, and only what is
 * known to be different is made anew. Until the answer is there nothing is decided (E0: the unknown
 * never destroys).
 */

#include <string.h>

#include "lib/engine/internal.h"

static bool is_asked_of(const struct acc_engine *e, const struct instance *i)
{
    const struct service *s = &e->services[i->svc];

    return i->present && !i->is_spare && i->epoch != 0 && !s->removed &&
           (i->spec[0] == '\0' || strcmp(i->spec, s->spec) != 0 ||
            acc_inst_drift(e, i, NULL) != DRIFT_NONE);
}

static bool is_answered(const struct acc_engine *e, const struct instance *i)
{
    return strcmp(i->compared, e->services[i->svc].spec) == 0;
}

enum acc_likeness acc_inst_likeness(const struct acc_engine *e, const struct instance *i)
{
    return is_asked_of(e, i) && is_answered(e, i) ? i->likeness : ACC_LIKE_UNKNOWN;
}

/* What was adopted as it is follows its file until the file changes, be it alike or not. */
static bool follows(const struct acc_engine *e, const struct instance *i)
{
    const char *spec = acc_inst_spec(e, i);

    return spec[0] == '\0' || strcmp(spec, e->services[i->svc].spec) == 0;
}

bool acc_inst_unsure(const struct acc_engine *e, const struct instance *i)
{
    return is_asked_of(e, i) && !follows(e, i) && acc_inst_likeness(e, i) == ACC_LIKE_UNKNOWN;
}

bool acc_inst_live(const struct acc_engine *e, const struct instance *i)
{
    return is_asked_of(e, i) && !follows(e, i) && acc_inst_likeness(e, i) == ACC_LIKE_LIVE;
}

bool acc_inst_changed(const struct acc_engine *e, const struct instance *i)
{
    return is_asked_of(e, i) && !follows(e, i) && acc_inst_likeness(e, i) == ACC_LIKE_DIFFERENT;
}

bool acc_compare_awaited(const struct acc_engine *e, const struct instance *i)
{
    return is_asked_of(e, i) && !follows(e, i) && !is_answered(e, i);
}

bool acc_compare_settled(const struct acc_engine *e, const struct instance *i)
{
    return (!is_asked_of(e, i) || is_answered(e, i)) && !acc_inst_live(e, i);
}

void acc_compare(struct acc_engine *e, struct service *s, struct instance *i)
{
    struct acc_action *action;

    if (!is_asked_of(e, i) || acc_inst_likeness(e, i) != ACC_LIKE_UNKNOWN || !acc_may_act(e)) {
        return;
    }
    if ((i->comparing || is_answered(e, i)) &&
        !acc_due(e, s, i->compare_ms + ACC_COMPARE_AGAIN_MS)) {
        return;
    }
    i->comparing = true;
    i->compare_ms = e->now;
    action = acc_ask(e, ACC_ACT_COMPARE, i->svc, i);
    acc_copy(action->image_id, sizeof(action->image_id), acc_svc_banned_image(s));
    action->compare.observing = acc_svc_observing(e, s);
    action->compare.changed = !follows(e, i) || acc_inst_drift(e, i, NULL) != DRIFT_NONE;
    acc_asked(e, action);
    acc_wake_at(s, e->now + ACC_COMPARE_AGAIN_MS);
}

/* It has done its work, and what changed in the file does not concern that. */
static void keep_done(struct service *s, const struct instance *i)
{
    if (s->done && strcmp(s->done_spec, i->spec[0] ? i->spec : s->applied) == 0) {
        acc_copy(s->done_spec, sizeof(s->done_spec), s->spec);
        acc_save(s);
    }
}

void acc_compare_answer(struct acc_engine *e, const struct acc_event *event)
{
    struct instance *i = acc_find_cid(e, event->compared.cid);
    struct service *s;

    if (!i || !i->comparing) {
        return;
    }
    s = acc_svc_of(e, i);
    i->comparing = false;
    i->likeness = event->compared.likeness;
    acc_copy(i->compared, sizeof(i->compared), event->compared.spec);
    if (i->likeness == ACC_LIKE_LIVE && strcmp(i->live_tried, i->compared) == 0) {
        i->likeness = ACC_LIKE_DIFFERENT; /* it did not help */
    }
    if (is_answered(e, i) && i->likeness == ACC_LIKE_SAME) {
        keep_done(s, i);
    } else if (i->likeness >= ACC_LIKE_LIVE && event->compared.text[0]) {
        acc_copy(s->change, sizeof(s->change), event->compared.text);
        s->change_alone = event->compared.is_alone;
        acc_note_inst(e, ACC_NOTE_OBSERVED, i, "differs from the file: %.180s",
                      event->compared.text);
    }
    acc_mark_around(e, s);
}
