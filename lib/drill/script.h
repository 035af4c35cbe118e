#pragma once

/*
 * Golden cases: a configuration, what happens, and what the engine must ask for; one readable text.
 *
 *     service d health                      the configuration (model_text.h)
 *     service a needs:d,restart
 *     begin                                 all is brought up and forgotten; "begin cold": not yet
 *     exit d 1                              something happens ...
 *     then start d                          ... and this is asked of Docker, in this order
 *     run 40s
 *     then stop a, start a
 *     state a up
 *
 * What happens: exit, oom, health, docker (stop, start, rm, pause, unpause, create, rename), engine
 * (down, up, hangs, dies, back, back live, back killing), accd restart, host shutdown, host stays,
 * the verbs of accctl, apply, run, let SERVICE KEY=VALUE (how it behaves). What must be: then,
 * state, failures, restarts, incidents, roots, impact, told, says. docs/engine.md has them all. `#`
 * begins a comment.
 */

#include "lib/base/buf.h"

enum acc_script_result {
    ACC_SCRIPT_OK = 0,
    ACC_SCRIPT_DIFFERS, /* the engine did something else */
    ACC_SCRIPT_WRONG,   /* the text can't be read */
};

/* Run it. To `out`: what is asked and told, with its time, when `is_verbose`; and each thing that
 * is not as it must be, with its line. An acc_script_result or -ENOMEM. */
int acc_script_run(const char *text, bool is_verbose, struct acc_buf *out);
