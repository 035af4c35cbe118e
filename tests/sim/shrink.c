#include "tests/sim/shrink.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

/* How often the seed is run: a run takes some 30 ms, so this is a minute. */
#define RUNS_MAX 2000u
/* What is left when nothing more can be left out in a round is small enough. */
#define ROUNDS_MAX 4u
/* Faults may end so long after what went wrong in them. */
#define LIFE_MORE_MS 1000u

struct cut_list {
    struct cut *item;
    size_t n, cap;
};

struct shrinking {
    struct world_options options;
    struct cut_list taken; /* what is left out */
    char sign[sizeof(((struct world *)NULL)->violation)];
    uint32_t n_runs;
    uint32_t n_troubles[TROUBLE_COUNT]; /* of the last run that failed */
    uint64_t begin_ms, failed_ms;
};

static struct world world; /* too large for a stack */

static void add(struct cut_list *list, enum cut_kind kind, uint32_t at, uint32_t number)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->item = realloc(list->item, list->cap * sizeof(*list->item));
        acc_assert(list->item);
    }
    list->item[list->n++] = (struct cut){kind, at, number};
}

/* --- the same thing? ------------------------------------------------------------------------- */

/* "st0/s04", "st0-s04-1", "2134": who it is and how long differs as parts are left out. */
static bool is_detail(const char *word, size_t len)
{
    bool has_digit = false;
    bool has_mark = false;

    for (size_t i = 0; i < len; i++) {
        has_digit |= isdigit((unsigned char)word[i]) != 0;
        has_mark |= word[i] == '/' || word[i] == '-' || word[i] == '.';
    }
    return isdigit((unsigned char)word[0]) != 0 || memchr(word, '/', len) ||
           (has_digit && has_mark);
}

/* The words of what went wrong, without its time, its names and what the engine has to say. */
static void sign_of(const char *violation, char *out, size_t size)
{
    const char *at = strstr(violation, " s: ");
    size_t n = 0;

    for (at = at ? at + 4 : violation; *at && *at != ';'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ;");
        bool is_skipped = is_detail(at, len);

        if (n + len + 2 < size) {
            memcpy(out + n, is_skipped ? "#" : at, is_skipped ? 1 : len);
            n += is_skipped ? 1 : len;
            out[n++] = ' ';
        }
        at += len;
    }
    out[n] = '\0';
}

/* Run it with these left out, too; keep them out when the same goes wrong. */
static bool try(struct shrinking *s, const struct cut *more, size_t n_more)
{
    size_t before = s->taken.n;
    char sign[sizeof(s->sign)];
    bool is_same;

    if (s->n_runs >= RUNS_MAX) {
        return false;
    }
    for (size_t i = 0; i < n_more; i++) {
        add(&s->taken, more[i].kind, more[i].at, more[i].number);
    }
    s->n_runs++;
    s->options.cuts = (struct cuts){s->taken.item, s->taken.n};
    world_open(&world, &s->options);
    s->begin_ms = world.queue.now_ms;
    is_same = !world_run(&world);
    if (is_same) {
        sign_of(world.violation, sign, sizeof(sign));
        is_same = s->sign[0] == '\0' || strcmp(sign, s->sign) == 0;
    }
    if (is_same) {
        memcpy(s->n_troubles, world.n_troubles, sizeof(s->n_troubles));
        memcpy(s->sign, sign, sizeof(s->sign));
        s->failed_ms = world.failed_ms;
    } else {
        s->taken.n = before;
    }
    world_close(&world);
    return is_same;
}

/* --- what could be left out ------------------------------------------------------------------ */

static void list_services(struct shrinking *s, struct cut_list *list, enum cut_kind kind)
{
    uint32_t n = world.graph.model->n_services;

    for (uint32_t i = 0; i < n; i++) {
        const struct acc_service_spec *spec = world.graph.model->services[i];

        if (cut_has(&s->options.cuts, CUT_SERVICE, i, 0)) {
            continue;
        }
        if (kind == CUT_SERVICE) {
            add(list, kind, i, 0);
        }
        for (uint32_t k = 0; kind == CUT_HABIT && k < CUT_HABITS; k++) {
            if (cut_has_habit(&world, i, k)) {
                add(list, kind, i, k);
            }
        }
        for (uint32_t k = 0; kind == CUT_EDGE && k < spec->n_edges; k++) {
            if (!cut_has(&s->options.cuts, CUT_SERVICE, spec->edges[k].target, 0)) {
                add(list, kind, i, k);
            }
        }
    }
}

/* As the seed was drawn, without anything left out: numbers are those. */
static void list_all(struct shrinking *s, struct cut_list *list, enum cut_kind kind)
{
    struct world_options options = s->options;

    list->n = 0;
    options.cuts = (struct cuts){NULL, 0};
    world_open(&world, &options);
    s->options.cuts = (struct cuts){s->taken.item, s->taken.n};
    for (uint32_t i = 0; kind == CUT_TRIAL && i < WORLD_TRIALS && !options.quick; i++) {
        add(list, kind, i, 0);
    }
    for (uint32_t i = 0; i < TROUBLE_COUNT; i++) {
        if (kind == CUT_FAULT && s->n_troubles[i] > 0) {
            add(list, kind, i, 0);
        }
        for (uint32_t k = 0; kind == CUT_EVENT && k < s->n_troubles[i]; k++) {
            add(list, kind, i, k);
        }
    }
    for (uint32_t i = 0; kind == CUT_QUIRK && i < CUT_QUIRKS; i++) {
        if (cut_has_quirk(&world, i)) {
            add(list, kind, i, 0);
        }
    }
    if (kind == CUT_SERVICE || kind == CUT_HABIT || kind == CUT_EDGE) {
        list_services(s, list, kind);
    }
    world_close(&world);
    for (size_t i = list->n; i-- > 0;) { /* what is out already isn't asked for again */
        if (cut_has(&s->options.cuts, kind, list->item[i].at, list->item[i].number)) {
            list->item[i] = list->item[--list->n];
        }
    }
}

/* --- leaving it out -------------------------------------------------------------------------- */

static bool shrink_kind(struct shrinking *s, enum cut_kind kind)
{
    struct cut_list list = {NULL, 0, 0};
    size_t before = s->taken.n;

    list_all(s, &list, kind);
    for (size_t chunk = list.n; chunk > 0; chunk /= 2) {
        for (size_t at = 0; at < list.n;) {
            size_t n = chunk < list.n - at ? chunk : list.n - at;

            if (try(s, &list.item[at], n)) {
                memmove(&list.item[at], &list.item[at + n], (list.n - at - n) * sizeof(*list.item));
                list.n -= n;
            } else {
                at += n;
            }
        }
    }
    free(list.item);
    return s->taken.n > before;
}

/* Nothing that comes later matters; and maybe less of what came before. */
static bool shorten(struct shrinking *s)
{
    uint64_t was_ms = s->options.chaos_ms;
    uint64_t least_ms = was_ms;
    uint64_t life_ms = s->failed_ms - s->begin_ms + LIFE_MORE_MS;

    for (uint64_t ms = life_ms < was_ms ? life_ms : was_ms / 2; ms > 0; ms /= 2) {
        s->options.chaos_ms = ms;
        if (!try(s, NULL, 0)) {
            break;
        }
        least_ms = ms;
    }
    s->options.chaos_ms = least_ms;
    return least_ms < was_ms;
}

static void tell(struct shrinking *s, FILE *out, struct shrink_result *result)
{
    for (uint32_t i = 0; i < world.graph.model->n_services; i++) {
        result->n_services += cut_has_service(&world, i) ? 0 : 1;
        result->n_edges += (uint32_t)world.graph.model->services[i]->n_edges;
    }
    for (uint32_t i = 0; i < TROUBLE_COUNT; i++) {
        uint32_t n = 0;

        for (uint32_t k = 0; k < s->n_troubles[i]; k++) {
            n += cut_has(&s->options.cuts, CUT_FAULT, i, 0) ||
                         cut_has(&s->options.cuts, CUT_EVENT, i, k)
                     ? 0
                     : 1;
        }
        result->n_events += n;
        if (n > 0) {
            (void)fprintf(out, "  %s: %u\n", world_trouble_name((enum trouble)i), n);
        }
    }
    for (uint32_t i = 0; i < CUT_QUIRKS; i++) {
        if (cut_has_quirk(&world, i)) {
            (void)fprintf(out, "  %s\n", cut_quirk_name(i));
        }
    }
    for (uint32_t i = 0; i < world.graph.model->n_services; i++) {
        for (uint32_t k = 0; k < CUT_HABITS; k++) {
            if (!cut_has_service(&world, i) && cut_has_habit(&world, i, k) &&
                !cut_has(&s->options.cuts, CUT_HABIT, i, k)) {
                (void)fprintf(out, "  %s %s\n", world_service_id(&world, i), cut_habit_name(k));
            }
        }
    }
    (void)fprintf(out, "%u services, %u edges and %u faults are left after %u runs\n",
                  result->n_services, result->n_edges, result->n_events, s->n_runs);
}

bool shrink(const struct world_options *options, FILE *out, struct shrink_result *ret_result)
{
    static const enum cut_kind kinds[] = {CUT_TRIAL, CUT_FAULT, CUT_QUIRK, CUT_SERVICE,
                                          CUT_EVENT, CUT_HABIT, CUT_EDGE};
    struct shrinking s = {.options = *options};
    bool is_smaller = true;

    *ret_result = (struct shrink_result){0};
    s.options.trace = NULL;
    s.options.coverage = NULL;
    if (!try(&s, NULL, 0)) {
        return false;
    }
    for (unsigned round = 0; is_smaller && round < ROUNDS_MAX; round++) {
        is_smaller = shorten(&s);
        for (size_t k = 0; k < ACC_ARRAY_LEN(kinds); k++) {
            is_smaller |= shrink_kind(&s, kinds[k]);
        }
    }
    s.options.cuts = (struct cuts){s.taken.item, s.taken.n};
    s.options.trace = out;
    world_open(&world, &s.options);
    (void)fprintf(out, "seed %llu, what it takes:\n", (unsigned long long)options->seed);
    tell(&s, out, ret_result);
    (void)world_run(&world);
    ret_result->n_runs = s.n_runs;
    world_close(&world);
    free(s.taken.item);
    return true;
}
