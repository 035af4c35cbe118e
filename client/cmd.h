#pragma once

/*
 * The verbs of accctl, and what they share: asking accd, and turning its errors into words and exit
 * codes. One file a verb, or a family of verbs.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "client/conn.h"
#include "client/options.h"
#include "client/render.h"

struct accctl {
    const struct accctl_options *options;
    struct accctl_style style; /* of stdout */
    FILE *out, *err;
    uint64_t heard_ms; /* accd was asked, or answered last */
    uint64_t until_ms; /* news are waited for until then; 0: without end */
};

struct accctl_cmd {
    const char *name;
    enum accctl_exit (*run)(struct accctl *ctl);
    int options;           /* enum accctl_option */
    uint32_t n_min, n_max; /* arguments; --all, or a phase, stands for one */
    const char *usage;     /* behind the verb */
    const char *summary;   /* one line */
    const char *help;      /* the rest: what it does, examples */
};

/* NULL when there is none; `*ret_nearest` may be what was meant. */
const struct accctl_cmd *accctl_cmd_find(const char *name, const char **ret_nearest);
/* For accctl_options_parse(). */
int accctl_cmd_options(const char *verb);
/* The whole program behind main(). */
enum accctl_exit accctl_run(int argc, char **argv, FILE *out, FILE *err);

/* --- asking ----------------------------------------------------------------------------------- */

/* Whether accd is the one that systemd runs here: only then do systemctl and journalctl know it. */
bool accctl_is_unit(const struct accctl *ctl);
/* Says on `err` what is wrong. */
enum accctl_exit accctl_connect(struct accctl *ctl, struct accctl_conn **ret_conn);
/* One request, one reply within the limit. DONE and its parameters in `*ret_reply` (the whole
 * reply; free it), else the error was told, with --json on `out` as well. `parameters` is freed. */
enum accctl_exit accctl_ask(struct accctl *ctl, const char *method, cJSON *parameters,
                            cJSON **ret_reply);
/* The same, of what takes longer than a look: `wait_ms`, -1 for ever. */
enum accctl_exit accctl_ask_for(struct accctl *ctl, const char *method, cJSON *parameters,
                                int wait_ms, cJSON **ret_reply);
/* A reply that carries an error: say it. */
enum accctl_exit accctl_tell_error(struct accctl *ctl, const cJSON *reply);
/* A connection that broke, or on which nothing came in time: -errno to words. */
enum accctl_exit accctl_tell_broken(struct accctl *ctl, int r);
/* The end of what is printed with --json when there is no answer to print. */
void accctl_print_json_error(struct accctl *ctl, const char *error, const cJSON *parameters);

/* {"targets": args, "phase": ...} */
cJSON *accctl_targets(const struct accctl *ctl);
/* What the files say that means nothing, on `err`. */
void accctl_print_warnings(struct accctl *ctl, const cJSON *parameters);
/* `parameters` of a reply as one line. */
void accctl_print_json(struct accctl *ctl, const cJSON *parameters);

/* --- patience (patience.c) ------------------------------------------------------------------- */

/* Of CLOCK_MONOTONIC. */
uint64_t accctl_now_ms(void);
/* How long an answer is waited for: --timeout, or a limit that only an accd that hangs reaches. */
int accctl_limit_ms(const struct accctl *ctl);
/* accctl_conn_receive(), which also keeps `heard_ms`. */
int accctl_receive(struct accctl *ctl, struct accctl_conn *conn, int wait_ms, cJSON **ret_reply);
/* The same without an end, as long as accd is there: silence is no news, so now and then it is
 * asked. -ETIMEDOUT: it doesn't answer. */
int accctl_receive_news(struct accctl *ctl, struct accctl_conn *conn, cJSON **ret_reply);
/* Nothing has come for so long that accd should be asked, and it doesn't answer. */
bool accctl_is_silent(struct accctl *ctl);
/* Nothing has come in time: because accd doesn't answer at all (AWAY), or because it isn't done
 * (TIMED_OUT). */
enum accctl_exit accctl_tell_late(struct accctl *ctl);

/* Ctrl-C ends a stream instead of the program: so that a screen can be put back. */
void accctl_catch_interrupt(void);
bool accctl_is_interrupted(void);

/* --- offline ---------------------------------------------------------------------------------- */

struct acc_diags;
struct acc_load_options;
/* What -c, or -f and its like, say. False: both do, and that was said. */
bool accctl_select(struct accctl *ctl, struct acc_load_options *ret_load);
/* By its name: an acc.yaml, not a Compose file. */
bool accctl_is_config(const char *path);
/* All of them, one a line, on `err`. */
void accctl_print_diags(struct accctl *ctl, const struct acc_diags *diags);

/* --- verbs ------------------------------------------------------------------------------------ */

enum accctl_exit accctl_cmd_status(struct accctl *ctl);
enum accctl_exit accctl_cmd_act(struct accctl *ctl); /* up, stop, restart, upgrade, apply, ... */
enum accctl_exit accctl_cmd_maintenance(struct accctl *ctl);
enum accctl_exit accctl_cmd_history(struct accctl *ctl);
enum accctl_exit accctl_cmd_outdated(struct accctl *ctl);
enum accctl_exit accctl_cmd_plan(struct accctl *ctl);
enum accctl_exit accctl_cmd_why(struct accctl *ctl);
enum accctl_exit accctl_cmd_logs(struct accctl *ctl);
enum accctl_exit accctl_cmd_events(struct accctl *ctl);
enum accctl_exit accctl_cmd_incidents(struct accctl *ctl);
enum accctl_exit accctl_cmd_ping(struct accctl *ctl);
enum accctl_exit accctl_cmd_version(struct accctl *ctl);
enum accctl_exit accctl_cmd_check(struct accctl *ctl);
enum accctl_exit accctl_cmd_config(struct accctl *ctl);
enum accctl_exit accctl_cmd_replay(struct accctl *ctl);
enum accctl_exit accctl_cmd_drill(struct accctl *ctl);
enum accctl_exit accctl_cmd_help(struct accctl *ctl);
