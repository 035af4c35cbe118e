#pragma once

/*
 * Models as text, for golden cases and saved decisions: what the engine needs to know of a
 * configuration, a line a service, without Compose.
 *
 *     phase foundation healthy_for=10s
 *     phase apps rollback=phase
 *     stack home
 *     service db health port=5432 phase=foundation
 *     service web needs:db,restart wants:cache replicas=2 backoff_base=2s
 *
 * After the name: `health`, `report` (on_unhealthy), `stateful`, `pauses` (upgrade.on_failure),
 * `exclusive` (two of its containers can't run at once), `takes=WHAT` (no two that follow each other
 * may have it at once; again for more), `pre` and `post` (it has commands around
 * an upgrade), `port=N`, `replicas=N`, `restart=POLICY[:N]`, `priority=N`, `phase=P`,
 * `name=CONTAINER`, `grace=10s`, `probe=auto|listen|tcp|http|none`, `waiting=CODE`, `image=REF`
 * (`NAME:1`), `version=TEXT` (another one is another spec), `hash=TEXT` (the spec hash itself),
 * every key of `timing:`, `host:CONDITION` (of a bind source: `host:/PATH`), `serialize:TOKEN`, and edges KIND:TARGET with, after
 * commas, `running`, `completed`, `restart`, `stop`, `create` or `optional`.
 *
 * What acc_model_text_put() writes of a running accd's configuration has more: `resource KIND KEY
 * NAME [external]` lines of a stack and `uses=0,2` of its services (without them each has an image
 * of its own and the default network), `health=INTERVAL,TIMEOUT,START,RETRIES` in ms or `no`,
 * `order=`, `tier=`, `exclusive=`, `drains`. Texts in it are
 * percent-encoded.
 *
 * A second line of a service replaces the first, which is how a configuration changes.
 */

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/model/spec.h"

struct acc_model_text {
    struct acc_model_line {
        char *stack, *name, *words;
    } * line;
    size_t n;
    struct acc_model_line *res; /* `words` is all of it */
    size_t n_res;
    char **stacks; /* in their order, each once */
    size_t n_stacks;
    const char *stack; /* of the lines to come; one of those, NULL: the first line makes "s" */
    struct acc_phase_spec phase[ACC_PHASES_MAX];
    char *phase_name[ACC_PHASES_MAX]; /* owned; those of `phase` */
    size_t n_phases;
};

/* Zeroed is empty. */
void acc_model_text_fini(struct acc_model_text *text);
/* 0 or -ENOMEM. `words`: what follows the name. */
int acc_model_text_stack(struct acc_model_text *text, const char *name);
/* The next phase; `words`: its gate. -EINVAL when they can't be read. */
int acc_model_text_phase(struct acc_model_text *text, const char *name, const char *words);
int acc_model_text_service(struct acc_model_text *text, const char *name, const char *words);
/* A line "resource". */
int acc_model_text_resource(struct acc_model_text *text, const char *words);
/* Take a service out. False: there is none. */
bool acc_model_text_remove(struct acc_model_text *text, const char *name);
/* 0 and `*ret_model`; -EINVAL with a line in `problem`; -ENOMEM. */
/* The lines that make this model again, as far as the engine knows it. No environment, no commands:
 * the engine has none. */
int acc_model_text_put(const struct acc_model *model, struct acc_buf *out);
int acc_model_text_build(const struct acc_model_text *text, struct acc_model **ret_model,
                         struct acc_buf *problem);
