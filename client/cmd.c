#include "client/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/codec/control_request.h"
#include "lib/codec/json_get.h"

/* accd is asked, so it may be slow. */
#define ASKS ACCCTL_O_TIMEOUT
#define ACTS (ACCCTL_O_ALL | ACCCTL_O_DETACH | ACCCTL_O_TIMEOUT)
/* Which files are read: accctl_select(). */
#define SELECTS                                                                                    \
    (ACCCTL_O_CONFIG | ACCCTL_O_FILE | ACCCTL_O_PROJECT | ACCCTL_O_ENV_FILE | ACCCTL_O_PROFILE |   \
     ACCCTL_O_PROJECT_DIR)
#define SELECTION                                                                                  \
    "-f FILE... [-p NAME] [--env-file FILE]... [--profile NAME]...\n"                              \
    "              [--project-directory DIR]"
#define TARGETS "[SERVICE|STACK]... [--phase P] [--all]"
/* Of what takes something down, or could: all is never meant by silence. */
#define NAMED "SERVICE|STACK...|--phase P|--all"
#define WAITS                                                                                      \
    "Shows how it goes and waits for the outcome; --detach doesn't, --timeout 90s ends the "       \
    "wait,\n"                                                                                      \
    "not the work. Exit: 0 done, 1 failed, 5 timed out, 6 refused.\n"

/* In the order of `help`. */
static const struct accctl_cmd cmds[] = {
    {"status", accctl_cmd_status, ASKS | ACCCTL_O_PHASE | ACCCTL_O_WATCH, 0, ACCCTL_ARGS_MAX,
     "[SERVICE|STACK]... [--phase P] [--watch]", "what runs, problems first",
     "Without a name: the host, what isn't well, and a line per stack. With a stack: a table of\n"
     "its services. With one service: all there is to it. --watch (-w) keeps it on the screen.\n\n"
     "  accctl status\n"
     "  accctl status media --watch\n"
     "  accctl status --json | jq -r '.services[] | select(.state != \"up\") | .id'\n"},
    {"why", accctl_cmd_why, ASKS, 1, 1, "SERVICE",
     "why a service is as it is, in a sentence or two",
     "Names the root of the trouble, since when, exit codes, the last health output, and what\n"
     "happens next. For a stack: each of its services that isn't well.\n\n"
     "  accctl why grafana\n"},
    {"logs", accctl_cmd_logs,
     ASKS | ACCCTL_O_FOLLOW | ACCCTL_O_TAIL | ACCCTL_O_TIMESTAMPS | ACCCTL_O_TAKEN_BACK, 1, 1,
     "SERVICE [-f] [-n LINES] [-t] | SERVICE --taken-back", "output of a service's containers",
     "-f follows, with --timeout for so long, -n 100 begins with the last hundred lines,\n"
     "-t puts Docker's time before each. --taken-back: the last twenty lines of the container\n"
     "that an upgrade or a changed file brought and that was taken back, for as long as accd "
     "runs.\n\n"
     "  accctl logs -f -n 20 postgres\n"},
    {"events", accctl_cmd_events, ASKS | ACCCTL_O_FOLLOW | ACCCTL_O_LIMIT | ACCCTL_O_SAVE, 0,
     ACCCTL_ARGS_MAX, "[SERVICE|STACK]... [-f] [-n LINES] | --save N",
     "what happened and what was decided",
     "The last lines of accd's history (-n, default 100); -f goes on with what happens.\n"
     "--save prints what the N-th last decision that changed something was made on (1: the "
     "newest),\n"
     "and what was decided, for accctl replay: names, times and numbers, no environment, no\n"
     "commands, no output. The last ones are kept, as long as accd runs.\n\n"
     "  accctl events -f\n"
     "  accctl events --save 1 >decision.txt; accctl replay decision.txt\n"
     "  accctl events -n 20 postgres\n"},
    {"incidents", accctl_cmd_incidents, ASKS, 0, 0, "", "open incidents and the last closed ones",
     "One incident per root; what suffers from it is counted, not listed as trouble of its own.\n"},
    {"up", accctl_cmd_act, ACTS | ACCCTL_O_PHASE, 0, ACCCTL_ARGS_MAX, TARGETS,
     "bring services up, in order, and wait until they are ready",
     "Without a name: everything that is managed. A stack that is only observed is taken over\n"
     "where it is named, and that is said. " WAITS
     "\n  accctl up\n  accctl up media --timeout 5m\n"},
    {"start", accctl_cmd_act, ACTS | ACCCTL_O_PHASE, 0, ACCCTL_ARGS_MAX, TARGETS, "the same as up",
     "The other end of stop. " WAITS "\n  accctl start grafana\n"},
    {"stop", accctl_cmd_act, ACTS | ACCCTL_O_PHASE | ACCCTL_O_WITH_DEPENDENTS, 1, ACCCTL_ARGS_MAX,
     NAMED " [--with-dependents]", "stop services; their containers stay",
     "They stay stopped until up or start, also over a reboot. " WAITS
     "\n  accctl stop grafana\n  accctl stop postgres --with-dependents\n"},
    {"down", accctl_cmd_act, ACTS | ACCCTL_O_PHASE | ACCCTL_O_WITH_DEPENDENTS | ACCCTL_O_VOLUMES, 1,
     ACCCTL_ARGS_MAX, NAMED " [--with-dependents] [--volumes]",
     "stop services and remove their containers",
     "Named volumes stay, unless --volumes (-v) is given. " WAITS "\n  accctl down media\n"},
    {"restart", accctl_cmd_act, ACTS | ACCCTL_O_PHASE | ACCCTL_O_WITH_DEPENDENTS, 1,
     ACCCTL_ARGS_MAX, NAMED " [--with-dependents]", "stop and start services",
     "Costs nothing of a service's restart budget, and ends its backoff. " WAITS
     "\n  accctl restart grafana\n"},
    {"upgrade", accctl_cmd_act,
     ACTS | ACCCTL_O_PHASE | ACCCTL_O_IMAGE | ACCCTL_O_DRY_RUN | ACCCTL_O_DECIDE, 1,
     ACCCTL_ARGS_MAX, NAMED " [--image REF] [--build] [--dry-run] [--keep]",
     "go to newer images, and back by itself if they are bad",
     "Pulls what the image's tag means now, before anything stops; with --build the image of a "
     "service\n"
     "with build: is made anew instead. Where two can run at once the\n"
     "new container is ready before the old one stops; else (a fixed port, data that it writes)\n"
     "the old one stops first. The old one is kept while the new one is watched (10 min, or\n"
     "x-acc.upgrade.monitor), and started again when the new one fails. The verb waits for that,\n"
     "too; Ctrl-C or --detach end the waiting, not the upgrade. A stateful service whose new "
     "container\n"
     "has failed after it ran waits for a word, and so does each that failed where\n"
     "x-acc.upgrade.on_failure is pause: --keep goes on with it, accctl rollback --yes goes "
     "back.\n"
     "Of one that is watched --keep says that this is enough. --image is for one service.\n" WAITS
     "\n  accctl upgrade grafana\n  accctl upgrade grafana --image grafana/grafana:11.3.0\n"
     "  accctl upgrade --all --dry-run\n"},
    {"rollback", accctl_cmd_act, (ACTS & ~ACCCTL_O_ALL) | ACCCTL_O_TO | ACCCTL_O_DECIDE, 1,
     ACCCTL_ARGS_MAX, "SERVICE... [--to REV] [--yes]", "go back to an older revision",
     "Ends an upgrade that is under way or watched the other way; otherwise goes to the stable\n"
     "revision before, or to one of the last five (accctl history). With --yes\n"
     "also over data that the new one may have changed. " WAITS
     "\n  accctl rollback grafana\n  accctl rollback grafana --to 3\n"},
    {"history", accctl_cmd_history, ASKS, 1, 1, "SERVICE", "revisions of a service",
     "Newest first: when, how long it took, who asked, what changed, and how it ended.\n\n"
     "  accctl history grafana\n"},
    {"outdated", accctl_cmd_outdated, ASKS | ACCCTL_O_PHASE, 0, ACCCTL_ARGS_MAX,
     "[SERVICE|STACK]... [--phase P]", "which images have something newer in their registry",
     "Compares the digest that runs with what the image's tag means now; pulls nothing. Each "
     "image\n"
     "is asked for once, few at a time, with the logins of ~/.docker/config.json. What can't be\n"
     "known says why: a login is wanted, the registry limits, is broken or doesn't answer.\n"
     "Exit: 0 all is known (outdated or not), 1 something isn't.\n\n"
     "  accctl outdated\n"
     "  accctl outdated media --json | jq -r '.images[] | select(.state == \"outdated\") | "
     ".service'\n"},
    {"adopt", accctl_cmd_act, ACTS, 0, ACCCTL_ARGS_MAX, "[STACK]... [--all]",
     "take over what docker compose has started",
     "A stack that ran before accd came is only observed. This takes it over: the same\n"
     "containers, none is restarted; from then on accd restarts them and not Docker.\n"
     "What doesn't run stays off, and is named; more replicas than the file has stay, too.\n"
     "Without a name: all that are only observed. --detach doesn't wait for it.\n\n"
     "  accctl events media      what accd would have done so far\n"
     "  accctl adopt media\n"},
    {"hand-back", accctl_cmd_act, ACTS, 1, ACCCTL_ARGS_MAX, "STACK...|--all",
     "the way back from adopt",
     "Gives the containers the restart policies of their files again, and only observes. An "
     "upgrade\n"
     "that isn't committed is taken back first; the kept container of a watched one is removed.\n"
     "What is being restarted runs again before.\n"
     "--detach doesn't wait for it.\n\n"
     "  accctl hand-back media\n"},
    {"hold", accctl_cmd_act, ACTS | ACCCTL_O_PHASE | ACCCTL_O_HOLD | ACCCTL_O_REASON | ACCCTL_O_FOR,
     1, ACCCTL_ARGS_MAX,
     NAMED " [--up|--down|--freeze]\n              [--reason TEXT] [--for TIME]",
     "forbid accd to stop, to start or to touch a service",
     "--up: nobody stops it, no cascade and no upgrade. --down: nobody starts it, and what needs\n"
     "it waits. --freeze (the default): nothing of it is changed, it is only watched. A hold "
     "only\n"
     "prevents: what runs goes on, what is under way ends; the verb waits for that, unless "
     "--detach\n"
     "is given. It outlives\n"
     "accd, until release or for the TIME of --for. Shown by status and why.\n\n"
     "  accctl hold grafana --reason 'moving its disk' --for 2h\n"
     "  accctl hold postgres --up\n"},
    {"release", accctl_cmd_act, ACTS | ACCCTL_O_PHASE, 1, ACCCTL_ARGS_MAX, NAMED,
     "end a hold, also of a service that was stopped by hand",
     "The other end of hold. What is stopped with docker stop is held, too: accd leaves it alone\n"
     "until this, or up. What isn't started because something else is mounted where its bind\n"
     "source lies takes it as it is; with host:PATH, the root that status names, all services do\n"
     "that lack it, and no hold is ended. --detach doesn't wait for it.\n\n"
     "  accctl release grafana\n"
     "  accctl release host:/mnt/nas\n"},
    {"maintenance", accctl_cmd_maintenance,
     ACCCTL_O_REASON | ACCCTL_O_FOR | ACCCTL_O_DETACH | ACCCTL_O_TIMEOUT, 1, 1,
     "on|off [--reason TEXT] [--for TIME]", "freeze everything, and end that",
     "While it is on accd changes nothing, whatever happens, and refuses the verbs that would;\n"
     "on waits until what is under way has ended, unless --detach is given. It outlives accd and\n"
     "the host.\n\n"
     "  accctl maintenance on --reason 'new disk' --for 3h\n"
     "  accctl maintenance off\n"},
    {"plan", accctl_cmd_plan, ASKS, 0, ACCCTL_ARGS_MAX, "[SERVICE|STACK]...",
     "what apply would do, and why",
     "Reads the files and compares them with what runs: which services would be created, changed\n"
     "while they run, made anew or stopped, and what differs. Nothing is changed. Networks and\n"
     "volumes that are there and differ stay as they are; what to do is said with each.\n\n"
     "  accctl plan\n"
     "  accctl plan media\n"},
    {"apply", accctl_cmd_act,
     ACCCTL_O_PRUNE | ACCCTL_O_VOLUMES | ACCCTL_O_DETACH | ACCCTL_O_TIMEOUT, 0, 0,
     "[--prune [--volumes]]", "read the files again and apply what changed",
     "What accctl plan shows: new services come up, changed ones are changed while they run where\n"
     "only limits differ, and made anew otherwise; nothing else is touched. Services that are "
     "gone\n"
     "from the files are stopped; with --prune their containers and networks are removed, and "
     "with\n"
     "--volumes volumes, too; also those of a whole stack that left. When a file is wrong the "
     "running\n"
     "configuration stays (exit 4). " WAITS
     "\n  accctl apply\n  accctl apply --prune --timeout 5m\n"},
    {"check", accctl_cmd_check, SELECTS, 0, ACCCTL_ARGS_MAX, "[FILE]... | [-c FILE] | " SELECTION,
     "read configuration files and say all that is wrong with them",
     "An acc.yaml with all its stacks (-c FILE, or by its name; default /etc/acc/acc.yaml), or\n"
     "Compose files: each a stack of its own, or with -f together one, as docker compose has it.\n"
     "Asks no accd. Exit: 0 fine, 4 not.\n\n"
     "  accctl check\n"
     "  accctl check compose.yaml\n"
     "  accctl check -f compose.yaml -f compose.gpu.yaml\n"},
    {"config", accctl_cmd_config, SELECTS | ACCCTL_O_HASH, 0, 1,
     "-c FILE [STACK] | " SELECTION "\n              [--json] [--hash]",
     "a Compose project as accd reads it",
     "What docker compose config prints: merged, interpolated, with defaults. -f as there; "
     "without\n"
     "it, the compose.yaml of this folder; with -c one of the stacks of an acc.yaml. --hash: the\n"
     "config-hash of each service instead. Asks no accd.\n\n"
     "  accctl config -f compose.yaml -f compose.gpu.yaml\n"
     "  accctl config -c /etc/acc/acc.yaml media\n"},
    {"drill", accctl_cmd_drill, ASKS | ACCCTL_O_BREAK | ACCCTL_O_PROJECT, 0, ACCCTL_ARGS_MAX,
     "--fail SERVICE|engine|host:WHAT | --flap SERVICE | --oom SERVICE [FILE]... [-p NAME]",
     "what accd would do if something broke, until all is well again",
     "Plays accd's own decisions on a stand-in for Docker in virtual time: a service exits\n"
     "(--fail), runs out of memory (--oom), exits again and again for two minutes (--flap), or\n"
     "dockerd dies with all containers for 10 s (--fail engine). --fail host:mount:/mnt/nas: what\n"
     "a service's host: names is missing for two minutes, and who stood on it exits; of a path\n"
     "(host:/mnt/nas) all mounts, bind sources and files at and below it. It begins with this\n"
     "host as it is: who is up, budgets, holds, open incidents. With FILE, an acc.yaml or Compose "
     "files, it\n"
     "begins with all of that up, and asks no accd. Acts on nothing.\n"
     "Exit: 0 all is well in the end, 1 not.\n\n"
     "  accctl drill --fail postgres\n"
     "  accctl drill --fail host:/mnt/nas\n"
     "  accctl drill --fail engine compose.yaml\n"},
    {"replay", accctl_cmd_replay, ACCCTL_O_QUIET, 1, ACCCTL_ARGS_MAX, "FILE... [-q]",
     "play a golden case, and say where the engine does otherwise",
     "A case is a configuration, what happens, and what must be asked of Docker; tests/golden has\n"
     "many, and accctl events --save writes them. Shows all that is asked and told with its time; "
     "-q only what differs. Asks no accd.\n"
     "Exit: 0 as it must be, 1 it differs, 4 the file can't be read.\n\n"
     "  accctl replay tests/golden/crash-needs-restart.txt\n"},
    {"ping", accctl_cmd_ping, ASKS, 0, 0, "", "whether accd is there, and sees Docker", ""},
    {"version", accctl_cmd_version, ASKS, 0, 0, "", "versions of accctl, accd and Docker Engine",
     "Says so when accd can't be reached, and exits with 0 all the same: ping is for asking "
     "that.\n"},
    {"help", accctl_cmd_help, 0, 0, 1, "[VERB]", "this, or more on a verb", ""},
};

const struct accctl_cmd *accctl_cmd_find(const char *name, const char **ret_nearest)
{
    const char *names[ACC_ARRAY_LEN(cmds)];

    for (size_t i = 0; i < ACC_ARRAY_LEN(cmds); i++) {
        if (strcmp(cmds[i].name, name) == 0) {
            return &cmds[i];
        }
        names[i] = cmds[i].name;
    }
    if (ret_nearest) {
        *ret_nearest = acc_nearest(name, names, ACC_ARRAY_LEN(names));
    }
    return NULL;
}

int accctl_cmd_options(const char *verb)
{
    const struct accctl_cmd *cmd = accctl_cmd_find(verb, NULL);

    return cmd ? cmd->options : -1;
}

/* --- help --------------------------------------------------------------------------------------
 */

static void print_help(FILE *out)
{
    (void)fprintf(out, "accctl [--socket PATH] [--json] [--no-color] VERB\n"
                       "Asks accd, which keeps this host's Docker Compose stacks alive.\n\n");
    for (size_t i = 0; i < ACC_ARRAY_LEN(cmds); i++) {
        (void)fprintf(out, "  %-11s %s\n", cmds[i].name, cmds[i].summary);
    }
    (void)fprintf(
        out, "\n"
             "  --socket PATH  accd's socket (default $ACC_SOCKET, " ACCCTL_SOCKET ")\n"
             "  --json         one JSON document; a line each when streaming\n"
             "  --no-color     as NO_COLOR=1\n"
             "  --timeout TIME how long accd is waited for, like 5s; with verbs that act, for the\n"
             "                 outcome. Without it: 20s for an answer, as long as it takes for an\n"
             "                 outcome, while accd is there\n"
             "\n"
             "A service is named like grafana, or media/grafana where several stacks have one.\n"
             "Exit: 0 done, 1 failed, 2 usage, 3 accd can't be reached or doesn't answer,\n"
             "4 configuration invalid, 5 timed out, 6 refused. More: accctl help VERB\n");
}

static enum accctl_exit help_on(const struct accctl *ctl, const char *name)
{
    const char *nearest = NULL;
    const struct accctl_cmd *cmd = accctl_cmd_find(name, &nearest);

    if (!cmd) {
        (void)fprintf(ctl->err, "accctl: no verb '%s'%s%s%s\n", name,
                      nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
        return ACCCTL_USAGE;
    }
    (void)fprintf(ctl->out, "accctl %s%s%s\n%s.\n%s%s", cmd->name, *cmd->usage ? " " : "",
                  cmd->usage, cmd->summary, *cmd->help ? "\n" : "", cmd->help);
    return ACCCTL_DONE;
}

enum accctl_exit accctl_cmd_help(struct accctl *ctl)
{
    if (ctl->options->n_args == 1) {
        return help_on(ctl, ctl->options->args[0]);
    }
    print_help(ctl->out);
    return ACCCTL_DONE;
}

/* What stands for arguments where a verb needs some. A dry run touches nothing, so it may be of
 * all.
 */
static bool names_without_words(const struct accctl_options *o)
{
    return o->all || o->phase || o->dry_run;
}

static enum accctl_exit run_verb(struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;
    const char *nearest = NULL;
    const struct accctl_cmd *cmd = accctl_cmd_find(o->verb, &nearest);

    if (!cmd) {
        (void)fprintf(ctl->err, "accctl: no verb '%s'%s%s%s\nTry 'accctl help'.\n", o->verb,
                      nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
        return ACCCTL_USAGE;
    }
    if (o->help) {
        return help_on(ctl, cmd->name);
    }
    if (o->n_args > cmd->n_max || (o->n_args < cmd->n_min && !names_without_words(o))) {
        (void)fprintf(ctl->err, "accctl: %s takes %s\nTry 'accctl help %s'.\n", cmd->name,
                      cmd->n_max == 0 ? "no arguments" : cmd->usage, cmd->name);
        return ACCCTL_USAGE;
    }
    if (o->all && (o->n_args > 0 || o->phase)) {
        (void)fprintf(ctl->err, "accctl: %s takes either --all, or names or a phase\n", cmd->name);
        return ACCCTL_USAGE;
    }
    return cmd->run(ctl);
}

enum accctl_exit accctl_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct accctl_options options;
    struct accctl ctl = {.options = &options, .out = out, .err = err};

    if (!accctl_options_parse(argc, argv, accctl_cmd_options, &options, err)) {
        return ACCCTL_USAGE;
    }
    ctl.style = accctl_style_of_stdout(options.no_color);
    if (options.version) {
        return accctl_cmd_version(&ctl);
    }
    if (!options.verb) {
        print_help(options.help ? out : err);
        return options.help ? ACCCTL_DONE : ACCCTL_USAGE;
    }
    return run_verb(&ctl);
}
