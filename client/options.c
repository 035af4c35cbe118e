#include "client/options.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"

/* Allowed with every verb: one bit for all of them. */
#define GLOBALS (1 << 30)
enum global {
    G_SOCKET = GLOBALS,
    G_JSON,
    G_NO_COLOR,
    G_HELP,
    G_VERSION,
};

/* The first row that fits and is allowed wins: -f is another option for another verb. */
static const struct option_row {
    const char *name;
    char letter; /* 0: none */
    int id;
    bool has_value;
} rows[] = {
    {"--socket", 0, G_SOCKET, true},
    {"--json", 0, G_JSON, false},
    {"--no-color", 0, G_NO_COLOR, false},
    {"--help", 'h', G_HELP, false},
    {"--version", 0, G_VERSION, false},
    {"--phase", 0, ACCCTL_O_PHASE, true},
    {"--all", 'a', ACCCTL_O_ALL, false},
    {"--with-dependents", 0, ACCCTL_O_WITH_DEPENDENTS, false},
    {"--volumes", 'v', ACCCTL_O_VOLUMES, false},
    {"--prune", 0, ACCCTL_O_PRUNE, false},
    {"--detach", 'd', ACCCTL_O_DETACH, false},
    {"--follow", 'f', ACCCTL_O_FOLLOW, false},
    {"--watch", 'w', ACCCTL_O_WATCH, false},
    {"--timestamps", 't', ACCCTL_O_TIMESTAMPS, false},
    {"--taken-back", 0, ACCCTL_O_TAKEN_BACK, false},
    {"--timeout", 't', ACCCTL_O_TIMEOUT, true},
    {"--tail", 'n', ACCCTL_O_TAIL, true},
    {"--limit", 'n', ACCCTL_O_LIMIT, true},
    {"--save", 0, ACCCTL_O_SAVE, true},
    {"--file", 'f', ACCCTL_O_FILE, true},
    {"--project", 'p', ACCCTL_O_PROJECT, true},
    {"--config", 'c', ACCCTL_O_CONFIG, true},
    {"--image", 0, ACCCTL_O_IMAGE, true},
    {"--to", 0, ACCCTL_O_TO, true},
    {"--dry-run", 0, ACCCTL_O_DRY_RUN, false},
    {"--yes", 0, ACCCTL_O_DECIDE, false},
    {"--keep", 0, ACCCTL_O_DECIDE, false},
    {"--build", 0, ACCCTL_O_DRY_RUN, false},
    {"--quiet", 'q', ACCCTL_O_QUIET, false},
    {"--fail", 0, ACCCTL_O_BREAK, true},
    {"--flap", 0, ACCCTL_O_BREAK, true},
    {"--oom", 0, ACCCTL_O_BREAK, true},
    {"--env-file", 0, ACCCTL_O_ENV_FILE, true},
    {"--profile", 0, ACCCTL_O_PROFILE, true},
    {"--project-directory", 0, ACCCTL_O_PROJECT_DIR, true},
    {"--hash", 0, ACCCTL_O_HASH, false},
    {"--up", 0, ACCCTL_O_HOLD, false},
    {"--down", 0, ACCCTL_O_HOLD, false},
    {"--freeze", 0, ACCCTL_O_HOLD, false},
    {"--reason", 0, ACCCTL_O_REASON, true},
    {"--for", 0, ACCCTL_O_FOR, true},
};

struct parser {
    int argc;
    char **argv;
    int i;
    int allowed;    /* of the verb; all before it is known */
    char typed[32]; /* the option under way, as it was written */
    struct accctl_options *options;
    FILE *errors;
};

static bool wrong(const struct parser *p, const char *what, const char *detail)
{
    (void)fprintf(p->errors, "accctl: %s%s\n", what, detail);
    return false;
}

static bool read_count(const struct parser *p, const char *value, uint32_t max, uint32_t *ret)
{
    uint64_t number;

    if (!acc_parse_u64(value, &number) || number > max) {
        (void)fprintf(p->errors, "accctl: %s takes a number up to %u, not '%s'\n", p->typed, max,
                      value);
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

/* "90" is seconds, as docker compose has it. */
static bool read_time(const struct parser *p, const char *value, uint64_t *ret_ms)
{
    int64_t ns = 0;
    uint64_t seconds = 0;

    if (acc_parse_u64(value, &seconds) && seconds > 0 && seconds <= 31u * 24 * 3600) {
        *ret_ms = seconds * 1000;
        return true;
    }
    if (acc_parse_duration_ns(value, &ns) && ns >= 1000000) {
        *ret_ms = (uint64_t)(ns / 1000000);
        return true;
    }
    (void)fprintf(p->errors, "accctl: %s takes a time like 90s or 5m, not '%s'\n", p->typed, value);
    return false;
}

static bool add(const struct parser *p, const struct option_row *row, const char *value,
                const char **list, size_t *n)
{
    if (*n == ACCCTL_FILES_MAX) {
        return wrong(p, "too many ", row->name);
    }
    list[(*n)++] = value;
    return true;
}

static bool set(const struct parser *p, const struct option_row *row, const char *value)
{
    struct accctl_options *o = p->options;
    int lists = ACCCTL_O_FILE | ACCCTL_O_ENV_FILE | ACCCTL_O_PROFILE | ACCCTL_O_BREAK;

    if (row->has_value && !(row->id & (GLOBALS | lists)) && (o->given & (uint32_t)row->id)) {
        return wrong(p, p->typed, " was given twice");
    }
    o->given |= row->id & GLOBALS ? 0 : (uint32_t)row->id;
    switch (row->id) {
    case G_SOCKET:
        o->socket = value;
        return true;
    case G_JSON:
        o->json = true;
        return true;
    case G_NO_COLOR:
        o->no_color = true;
        return true;
    case G_HELP:
        o->help = true;
        return true;
    case G_VERSION:
        o->version = true;
        return true;
    case ACCCTL_O_PHASE:
        o->phase = value;
        return true;
    case ACCCTL_O_ALL:
        o->all = true;
        return true;
    case ACCCTL_O_WITH_DEPENDENTS:
        o->with_dependents = true;
        return true;
    case ACCCTL_O_VOLUMES:
        o->volumes = true;
        return true;
    case ACCCTL_O_PRUNE:
        o->prune = true;
        return true;
    case ACCCTL_O_DETACH:
        o->detach = true;
        return true;
    case ACCCTL_O_TIMEOUT:
        return read_time(p, value, &o->timeout_ms);
    case ACCCTL_O_FOLLOW:
        o->follow = true;
        return true;
    case ACCCTL_O_WATCH:
        o->watch = true;
        return true;
    case ACCCTL_O_TIMESTAMPS:
        o->timestamps = true;
        return true;
    case ACCCTL_O_TAKEN_BACK:
        o->taken_back = true;
        return true;
    case ACCCTL_O_TAIL:
        return read_count(p, value, 1000000, &o->tail);
    case ACCCTL_O_LIMIT:
        return read_count(p, value, 1000, &o->limit);
    case ACCCTL_O_SAVE:
        return read_count(p, value, 1000, &o->save) &&
               (o->save > 0 || wrong(p, "--save counts from 1, the newest decision", ""));
    case ACCCTL_O_IMAGE:
        o->image = value;
        return true;
    case ACCCTL_O_TO: /* "r3" is how history shows it */
        return read_count(p, value[0] == 'r' ? value + 1 : value, 100000000, &o->to) &&
               (o->to > 0 || wrong(p, "--to counts from 1, see accctl history", ""));
    case ACCCTL_O_DECIDE:
        o->yes |= strcmp(row->name, "--yes") == 0;
        o->keep |= strcmp(row->name, "--keep") == 0;
        return true;
    case ACCCTL_O_DRY_RUN:
        o->build |= strcmp(row->name, "--build") == 0;
        o->dry_run |= strcmp(row->name, "--dry-run") == 0;
        return true;
    case ACCCTL_O_PROJECT:
        o->project = value;
        return true;
    case ACCCTL_O_BREAK:
        *(strcmp(row->name, "--fail") == 0   ? &o->fail
          : strcmp(row->name, "--flap") == 0 ? &o->flap
                                             : &o->oom) = value;
        return true;
    case ACCCTL_O_QUIET:
        o->quiet = true;
        return true;
    case ACCCTL_O_CONFIG:
        o->config = value;
        return true;
    case ACCCTL_O_FILE:
        return add(p, row, value, o->files, &o->n_files);
    case ACCCTL_O_ENV_FILE:
        return add(p, row, value, o->env_files, &o->n_env_files);
    case ACCCTL_O_PROFILE:
        return add(p, row, value, o->profiles, &o->n_profiles);
    case ACCCTL_O_PROJECT_DIR:
        o->project_dir = value;
        return true;
    case ACCCTL_O_HASH:
        o->hash = true;
        return true;
    case ACCCTL_O_HOLD:
        if (o->hold && strcmp(o->hold, row->name + 2) != 0) {
            return wrong(p, row->name, " and another kind of hold can't be both");
        }
        o->hold = row->name + 2;
        return true;
    case ACCCTL_O_REASON:
        o->reason = value;
        return true;
    case ACCCTL_O_FOR:
        return read_time(p, value, &o->for_ms);
    default:
        return false;
    }
}

static bool unknown(const struct parser *p, const char *arg)
{
    const char *known[ACC_ARRAY_LEN(rows)];
    const char *verb = p->options->verb;
    const char *nearest;
    size_t n = 0;

    for (size_t i = 0; i < ACC_ARRAY_LEN(rows); i++) {
        if (rows[i].id & p->allowed) {
            known[n++] = rows[i].name;
        }
    }
    nearest = acc_nearest(arg, known, n);
    (void)fprintf(p->errors, "accctl: %s%sunknown option %s%s%s%s\nTry 'accctl help%s%s'.\n",
                  verb ? verb : "", verb ? ": " : "", arg, nearest ? "; did you mean " : "",
                  nearest ? nearest : "", nearest ? "?" : "", verb ? " " : "", verb ? verb : "");
    return false;
}

static bool value_of(struct parser *p, const struct option_row *row, const char *attached,
                     const char **ret_value)
{
    *ret_value = NULL;
    if (!row->has_value) {
        return !attached || wrong(p, p->typed, " takes no value");
    }
    if (!attached && p->i + 1 < p->argc) {
        attached = p->argv[++p->i];
    }
    if (!attached || *attached == '\0') {
        return wrong(p, p->typed, " needs a value");
    }
    *ret_value = attached;
    return true;
}

static bool long_option(struct parser *p, const char *arg)
{
    size_t len = strcspn(arg, "=");
    const char *attached = arg[len] == '=' ? arg + len + 1 : NULL;
    const char *value;

    (void)snprintf(p->typed, sizeof(p->typed), "%.*s", (int)len, arg); /* one of ours is short */
    for (size_t i = 0; i < ACC_ARRAY_LEN(rows); i++) {
        if ((rows[i].id & p->allowed) && strlen(rows[i].name) == len &&
            strncmp(arg, rows[i].name, len) == 0) {
            return value_of(p, &rows[i], attached, &value) && set(p, &rows[i], value);
        }
    }
    return unknown(p, arg);
}

/* "-d", "-dv", "-n20", "-n 20" */
static bool short_options(struct parser *p, const char *arg)
{
    for (const char *at = arg + 1; *at; at++) {
        const struct option_row *row = NULL;
        const char *value;

        for (size_t i = 0; i < ACC_ARRAY_LEN(rows) && !row; i++) {
            row = (rows[i].id & p->allowed) && rows[i].letter == *at ? &rows[i] : NULL;
        }
        if (!row) {
            return unknown(p, arg);
        }
        (void)snprintf(p->typed, sizeof(p->typed), "-%c", *at);
        if (!value_of(p, row, row->has_value && at[1] ? at + 1 : NULL, &value) ||
            !set(p, row, value)) {
            return false;
        }
        if (row->has_value) {
            return true;
        }
    }
    return true;
}

static bool word(struct parser *p, const char *arg, int (*allowed)(const char *verb))
{
    struct accctl_options *o = p->options;

    if (!o->verb) {
        int options = allowed(arg);

        o->verb = arg;
        p->allowed = GLOBALS | (options < 0 ? 0 : options);
        return true;
    }
    if (o->n_args == ACCCTL_ARGS_MAX) {
        return wrong(p, "too many arguments; name a stack or a phase", "");
    }
    o->args[o->n_args++] = arg;
    return true;
}

/* Options that take the next word with them, whatever the verb is. */
static bool takes_next(const char *arg)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(rows); i++) {
        if (rows[i].has_value && strcmp(arg, rows[i].name) == 0) {
            return true;
        }
    }
    return strcmp(arg, "-n") == 0 || strcmp(arg, "-p") == 0 || strcmp(arg, "-c") == 0;
}

/* The verb decides what -f means, so it is looked for first. */
static const char *find_verb(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (takes_next(argv[i])) {
            i++;
        } else if (argv[i][0] != '-') {
            return argv[i];
        }
    }
    return NULL;
}

bool accctl_options_parse(int argc, char **argv, int (*allowed)(const char *verb),
                          struct accctl_options *ret_options, FILE *errors)
{
    struct accctl_options options = {.tail = UINT32_MAX, .limit = 100};
    struct parser p = {.argc = argc,
                       .argv = argv,
                       .i = 1,
                       .allowed = GLOBALS,
                       .options = &options,
                       .errors = errors};
    const char *verb = find_verb(argc, argv);
    const char *from_env = getenv("ACC_SOCKET");
    bool only_words = false;
    bool ok = true;

    options.socket = from_env && *from_env ? from_env : ACCCTL_SOCKET;
    if (verb && allowed(verb) > 0) {
        p.allowed |= allowed(verb);
    }
    for (; ok && p.i < argc; p.i++) {
        const char *arg = argv[p.i];

        if (only_words || arg[0] != '-' || arg[1] == '\0') {
            ok = word(&p, arg, allowed);
        } else if (strcmp(arg, "--") == 0) {
            only_words = true;
        } else {
            ok = arg[1] == '-' ? long_option(&p, arg) : short_options(&p, arg);
        }
    }
    if (ok) {
        *ret_options = options;
    }
    return ok;
}
