#include "daemon/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"

/* What is longer is no typo of one of ours. */
#define OPTION_MAX 64

static const char usage[] =
    "accd [-c FILE | -f COMPOSE...] [OPTIONS]\n"
    "Keeps Docker Compose stacks alive: starts them in order, restarts what failed at its root.\n"
    "\n"
    "  -c, --config FILE     stacks and settings (default /etc/acc/acc.yaml)\n"
    "  -f, --file COMPOSE    a Compose file instead; several are merged into one stack\n"
    "  -p, --project NAME    the stack's name, with -f (default: as Compose derives it)\n"
    "      --docker URL      the engine (default $DOCKER_HOST, unix:///var/run/docker.sock)\n"
    "      --socket PATH     control socket (default /run/acc/control)\n"
    "      --state-dir DIR   what must survive (default /var/lib/acc)\n"
    "      --sys-root DIR    put before /sys and /proc by the sensors\n"
    "      --log-level LEVEL error, warning, notice, info (default) or debug\n"
    "      --check           read the configuration, say what is wrong with it, and leave\n"
    "      --hand-back       give the containers their restart policies back, and leave\n"
    "      --version, --help\n"
    "\n"
    "SIGHUP applies the changed files. SIGTERM leaves; the containers go on.\n"
    "Exit: 0 left as asked, 1 failed, 2 usage, 4 configuration invalid.\n";

enum {
    OPT_DOCKER = 256,
    OPT_SOCKET,
    OPT_STATE_DIR,
    OPT_SYS_ROOT,
    OPT_LOG_LEVEL,
    OPT_CHECK,
    OPT_HAND_BACK,
    OPT_VERSION,
    OPT_HELP
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"file", required_argument, NULL, 'f'},
    {"project", required_argument, NULL, 'p'},
    {"docker", required_argument, NULL, OPT_DOCKER},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"state-dir", required_argument, NULL, OPT_STATE_DIR},
    {"sys-root", required_argument, NULL, OPT_SYS_ROOT},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"check", no_argument, NULL, OPT_CHECK},
    {"hand-back", no_argument, NULL, OPT_HAND_BACK},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static enum accd_options_result wrong(FILE *errors, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static enum accd_options_result wrong(FILE *errors, const char *fmt, ...)
{
    va_list args;

    (void)fputs("accd: ", errors);
    va_start(args, fmt);
    (void)vfprintf(errors, fmt, args);
    va_end(args);
    (void)fputs("\nTry 'accd --help'.\n", errors);
    return ACCD_OPTIONS_EXIT_USAGE;
}

/* What getopt_long() doesn't take: a letter, the value of one that has none (its id is in optopt),
 * or the long option `word`. */
static enum accd_options_result not_taken(FILE *errors, const char *word)
{
    const char *known[ACC_ARRAY_LEN(long_options) - 1];
    int len = (int)strcspn(word, "=");
    const char *nearest;
    char name[OPTION_MAX];

    if (optopt >= OPT_DOCKER) {
        return wrong(errors, "%.*s takes no value", len, word);
    }
    if (optopt != 0) {
        return wrong(errors, "unknown option -%c", optopt);
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(known); i++) {
        known[i] = long_options[i].name;
    }
    (void)snprintf(name, sizeof(name), "%.*s", len - 2, word + 2);
    nearest = acc_nearest(name, known, ACC_ARRAY_LEN(known));
    return wrong(errors, "unknown option %.*s%s%s%s", len, word, nearest ? "; did you mean --" : "",
                 nearest ? nearest : "", nearest ? "?" : "");
}

static enum accd_options_result take_file(struct accd_options *options, const char *file,
                                          FILE *errors)
{
    if (options->n_files == ACCD_FILES_MAX) {
        return wrong(errors, "more than %u files; the first too many is %s", ACCD_FILES_MAX, file);
    }
    options->files[options->n_files++] = file;
    return ACCD_OPTIONS_RUN;
}

/* `word`: the argument that getopt_long() has ended with. */
static enum accd_options_result take(struct accd_options *options, int option, const char *value,
                                     const char *word, FILE *errors)
{
    switch (option) {
    case 'c':
        options->config = value;
        break;
    case 'f':
        return take_file(options, value, errors);
    case 'p':
        options->project = value;
        break;
    case OPT_DOCKER:
        options->docker = value;
        break;
    case OPT_SOCKET:
        options->socket = value;
        break;
    case OPT_STATE_DIR:
        options->state_dir = value;
        break;
    case OPT_SYS_ROOT:
        options->sys_root = value;
        break;
    case OPT_LOG_LEVEL:
        options->log_level = accd_log_level_parse(value);
        if (options->log_level < 0) {
            return wrong(errors, "--log-level is error, warning, notice, info or debug, not %s",
                         value);
        }
        break;
    case OPT_CHECK:
        options->check = true;
        break;
    case OPT_HAND_BACK:
        options->hand_back = true;
        break;
    case OPT_VERSION:
        (void)printf("accd %s\n", ACC_VERSION);
        return ACCD_OPTIONS_EXIT_OK;
    case OPT_HELP:
        (void)fputs(usage, stdout);
        return ACCD_OPTIONS_EXIT_OK;
    case ':':
        return wrong(errors, "%s needs a value", word);
    default:
        return not_taken(errors, word);
    }
    return ACCD_OPTIONS_RUN;
}

enum accd_options_result accd_options_parse(int argc, char **argv, struct accd_options *ret_options,
                                            FILE *errors)
{
    const char *docker_host = getenv("DOCKER_HOST");
    struct accd_options options = {
        .docker = docker_host && *docker_host ? docker_host : "unix:///var/run/docker.sock",
        .socket = "/run/acc/control",
        .state_dir = "/var/lib/acc",
        .sys_root = "",
        .log_level = ACCD_LOG_INFO,
    };
    int option;

    opterr = 0; /* it is said once, by wrong() */
    optind = 0; /* from the beginning, also when it has run before */
    while ((option = getopt_long(argc, argv, ":c:f:p:", long_options, NULL)) != -1) {
        enum accd_options_result r = take(&options, option, optarg, argv[optind - 1], errors);

        if (r != ACCD_OPTIONS_RUN) {
            return r;
        }
    }
    /* "-f a.yaml b.yaml": what follows the options can only be meant as further files. */
    for (; optind < argc; optind++) {
        if (options.n_files == 0) {
            return wrong(errors,
                         "unexpected argument %s; a Compose file goes behind -f, an acc.yaml "
                         "behind -c",
                         argv[optind]);
        }
        if (take_file(&options, argv[optind], errors) != ACCD_OPTIONS_RUN) {
            return ACCD_OPTIONS_EXIT_USAGE;
        }
    }
    if (options.config && options.n_files > 0) {
        return wrong(errors, "-c and -f exclude each other");
    }
    if (options.project && options.n_files == 0) {
        return wrong(errors, "--project goes with -f; in acc.yaml a stack has its name");
    }
    if (!options.config) {
        options.config = "/etc/acc/acc.yaml";
    }
    *ret_options = options;
    return ACCD_OPTIONS_RUN;
}
