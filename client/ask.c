#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd.h"
#include "lib/base/assert.h"
#include "lib/codec/control_request.h"
#include "lib/codec/json_get.h"

/* The only way a signal handler can speak. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signum)
{
    (void)signum;
    interrupted = 1;
}

void accctl_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: poll() shall end */

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool accctl_is_interrupted(void)
{
    return interrupted != 0;
}

void accctl_print_json(struct accctl *ctl, const cJSON *parameters)
{
    char *text = cJSON_PrintUnformatted(parameters);

    (void)fprintf(ctl->out, "%s\n", text ? text : "{}");
    (void)fflush(ctl->out);
    cJSON_free(text);
}

void accctl_print_warnings(struct accctl *ctl, const cJSON *parameters)
{
    const cJSON *line;

    cJSON_ArrayForEach(line, acc_json_array(parameters, "warnings"))
    {
        const char *text = acc_json_text_of(line);

        (void)fprintf(ctl->err, "%s\n", text ? text : "");
    }
    (void)fflush(ctl->err);
}

void accctl_print_json_error(struct accctl *ctl, const char *error, const cJSON *parameters)
{
    cJSON *root = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(root, "error", error);
    (void)cJSON_AddItemToObject(
        root, "parameters", parameters ? cJSON_Duplicate(parameters, true) : cJSON_CreateObject());
    accctl_print_json(ctl, root);
    cJSON_Delete(root);
}

static bool has_unit_file(void)
{
    static const char *const paths[] = {
        "/etc/systemd/system/accd.service", "/run/systemd/system/accd.service",
        "/usr/local/lib/systemd/system/accd.service", "/usr/lib/systemd/system/accd.service",
        "/lib/systemd/system/accd.service"};

    for (size_t i = 0; i < ACC_ARRAY_LEN(paths); i++) {
        if (access(paths[i], F_OK) == 0) {
            return true;
        }
    }
    return false;
}

bool accctl_is_unit(const struct accctl *ctl)
{
    return strcmp(ctl->options->socket, ACCCTL_SOCKET) == 0 &&
           access("/run/systemd/system", F_OK) == 0 && /* as sd_booted() has it */
           has_unit_file();
}

/* What is seen of it stands before and behind the socket's path. */
static void tell_not_running(struct accctl *ctl, const char *before, const char *behind)
{
    const char *path = ctl->options->socket;

    (void)fprintf(ctl->err, "accctl: accd isn't running%s%s%s", before, path, behind);
    if (accctl_is_unit(ctl)) {
        (void)fputs(". Start it: systemctl start accd\n", ctl->err);
    } else if (strcmp(path, ACCCTL_SOCKET) == 0) {
        (void)fputs(". Start it: accd -f COMPOSE, or -c acc.yaml\n", ctl->err);
    } else { /* where its state lies nobody here knows */
        (void)fprintf(ctl->err,
                      ". Start it as it was: accd --socket %s --state-dir DIR -f COMPOSE, or -c "
                      "acc.yaml\n",
                      path);
    }
}

enum accctl_exit accctl_connect(struct accctl *ctl, struct accctl_conn **ret_conn)
{
    const char *path = ctl->options->socket;
    int r = accctl_conn_open(path, accctl_limit_ms(ctl), ret_conn);

    ctl->heard_ms = accctl_now_ms();
    switch (-r) {
    case 0:
        return ACCCTL_DONE;
    case ENOENT:
        tell_not_running(ctl, " or uses another socket: ", ": no such file");
        break;
    case ECONNREFUSED:
        tell_not_running(ctl, ": nobody answers at ", "");
        break;
    case EACCES:
    case EPERM:
        (void)fprintf(ctl->err,
                      "accctl: %s: permission denied. Reading needs root or the group acc: usermod "
                      "-aG acc USER, then log in again\n",
                      path);
        break;
    case ETIMEDOUT:
        ctl->heard_ms -= (uint64_t)accctl_limit_ms(ctl);
        return accctl_tell_late(ctl);
    default:
        (void)fprintf(ctl->err, "accctl: can't reach accd at %s: %s\n", path, strerror(-r));
        break;
    }
    if (ctl->options->json) {
        cJSON *parameters = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(parameters, "socket", path);
        (void)cJSON_AddStringToObject(parameters, "reason", strerror(-r));
        accctl_print_json_error(ctl, "accd can't be reached", parameters);
        cJSON_Delete(parameters);
    }
    return ACCCTL_AWAY;
}

enum accctl_exit accctl_tell_broken(struct accctl *ctl, int r)
{
    const char *path = ctl->options->socket;

    if (r == -EINTR && accctl_is_interrupted()) {
        return ACCCTL_FAILED;
    }
    if (r == -ETIMEDOUT) {
        return accctl_tell_late(ctl);
    }
    if (r == -ECONNRESET || r == -EPIPE) {
        (void)fprintf(ctl->err,
                      "accctl: accd has closed the connection at %s: it was stopped, or has too "
                      "many clients. See %s\n",
                      path,
                      accctl_is_unit(ctl) ? "journalctl -u accd"
                                          : "what it has printed where it was started");
    } else if (r == -EPROTO) {
        (void)fprintf(ctl->err, "accctl: what answers at %s isn't accd\n", path);
    } else {
        (void)fprintf(ctl->err, "accctl: %s: %s\n", path, strerror(-r));
    }
    return ACCCTL_AWAY;
}

/* --- errors of accd ----------------------------------------------------------------------------
 */

static const char *text_of(const cJSON *parameters, const char *key)
{
    const char *text = acc_json_text(parameters, key);

    return text ? text : "";
}

static void print_list(struct accctl *ctl, const cJSON *list)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const char *text = acc_json_text_of(item);

        (void)fprintf(ctl->err, "  %s\n", text ? text : "");
    }
}

/* What is refused goes on behind the name: "db is held down by root". */
static void print_failure(struct accctl *ctl, const cJSON *item, const char *said)
{
    bool is_refused = acc_json_bool(item, "refused");
    struct acc_buf line;

    acc_buf_init(&line, 4096);
    (void)acc_buf_puts(&line, is_refused ? "refused: " : "");
    accctl_put_text(&line, text_of(item, "service"), 0);
    (void)acc_buf_puts(&line, is_refused ? " " : said);
    accctl_put_text(&line, text_of(item, "reason"), 0);
    (void)fprintf(ctl->err, "accctl: %s\n", line.data ? line.data : "");
    acc_buf_fini(&line);
}

static void print_failures(struct accctl *ctl, const cJSON *failures)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, failures)
    {
        print_failure(ctl, item, ": ");
    }
}

static enum accctl_exit no_such(struct accctl *ctl, const cJSON *p)
{
    const char *nearest = text_of(p, "nearest");
    const char *reason = text_of(p, "reason");

    if (*reason) {
        (void)fprintf(ctl->err, "accctl: no service '%s' here: %s\n", text_of(p, "name"), reason);
        return ACCCTL_USAGE;
    }
    (void)fprintf(ctl->err, "accctl: no service or stack '%s'%s%s%s\n", text_of(p, "name"),
                  *nearest ? "; did you mean " : ". See: accctl status", nearest,
                  *nearest ? "?" : "");
    return ACCCTL_USAGE;
}

static enum accctl_exit ambiguous(struct accctl *ctl, const cJSON *p)
{
    (void)fprintf(ctl->err, "accctl: several stacks have a '%s'; name one of\n",
                  text_of(p, "name"));
    print_list(ctl, acc_json_array(p, "candidates"));
    return ACCCTL_USAGE;
}

static enum accctl_exit denied(struct accctl *ctl, const cJSON *p)
{
    (void)fprintf(ctl->err, "accctl: permission denied: this needs %s\n", text_of(p, "needs"));
    return ACCCTL_REFUSED;
}

static enum accctl_exit away(struct accctl *ctl, const cJSON *p)
{
    (void)fprintf(ctl->err, "accctl: accd doesn't see Docker: %s\n", text_of(p, "reason"));
    return ACCCTL_FAILED;
}

static enum accctl_exit refused(struct accctl *ctl, const cJSON *p)
{
    const cJSON *failures = acc_json_array(p, "failures");

    if (failures) {
        print_failures(ctl, failures);
    } else {
        (void)fprintf(ctl->err, "accctl: refused: %s\n", text_of(p, "reason"));
    }
    return ACCCTL_REFUSED;
}

static enum accctl_exit failed(struct accctl *ctl, const cJSON *p)
{
    print_failures(ctl, acc_json_array(p, "failures"));
    return ACCCTL_FAILED;
}

/* It has failed, and others were still waited for. */
static bool is_settled(const cJSON *progress, const char *service)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, progress)
    {
        if (strcmp(text_of(item, "service"), service) == 0) {
            return acc_json_bool(item, "settled");
        }
    }
    return false;
}

static enum accctl_exit timed_out(struct accctl *ctl, const cJSON *p)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(p, "pending"))
    {
        bool is_over = is_settled(acc_json_array(p, "progress"), text_of(item, "service"));

        print_failure(ctl, item, is_over ? ": " : " isn't there yet: ");
    }
    (void)fprintf(ctl->err, "accctl: timed out; accd goes on with it\n");
    return ACCCTL_TIMED_OUT;
}

static enum accctl_exit invalid_config(struct accctl *ctl, const cJSON *p)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(p, "problems"))
    {
        const char *text = acc_json_text_of(item);

        (void)fprintf(ctl->err, "%s\n", text ? text : "");
    }
    (void)fprintf(ctl->err, "accctl: the running configuration stays as it is\n");
    return ACCCTL_INVALID;
}

static enum accctl_exit parameter(struct accctl *ctl, const cJSON *p)
{
    const char *reason = text_of(p, "reason");

    (void)fprintf(ctl->err, "accctl: %s%s\n", *reason ? "" : "accd doesn't take the parameter ",
                  *reason ? reason : text_of(p, "parameter"));
    return ACCCTL_USAGE;
}

static enum accctl_exit no_method(struct accctl *ctl, const cJSON *p)
{
    (void)fprintf(ctl->err,
                  "accctl: this accd has no %s: it is older than accctl " ACC_VERSION
                  "; restart it\n",
                  text_of(p, "method"));
    return ACCCTL_FAILED;
}

enum accctl_exit accctl_tell_error(struct accctl *ctl, const cJSON *reply)
{
    static const struct {
        const char *name;
        enum accctl_exit (*tell)(struct accctl *ctl, const cJSON *parameters);
    } errors[] = {
        {ACC_CTL_E_NO_SUCH_SERVICE, no_such}, {ACC_CTL_E_AMBIGUOUS, ambiguous},
        {ACC_CTL_E_PERMISSION, denied},       {ACC_CTL_E_ENGINE_AWAY, away},
        {ACC_CTL_E_REFUSED, refused},         {ACC_CTL_E_FAILED, failed},
        {ACC_CTL_E_TIMED_OUT, timed_out},     {ACC_CTL_E_INVALID_CONFIG, invalid_config},
        {ACC_CTL_E_PARAMETER, parameter},     {ACC_CTL_E_METHOD, no_method},
    };
    const char *name = acc_json_text(reply, "error");
    const cJSON *parameters = acc_json_object(reply, "parameters");

    name = name ? name : "";
    if (ctl->options->json) {
        accctl_print_json_error(ctl, name, parameters);
    }
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(name, errors[i].name) == 0) {
            return errors[i].tell(ctl, parameters);
        }
    }
    (void)fprintf(ctl->err, "accctl: accd answers %s\n", name);
    return ACCCTL_FAILED;
}

enum accctl_exit accctl_ask_for(struct accctl *ctl, const char *method, cJSON *parameters,
                                int wait_ms, cJSON **ret_reply)
{
    struct accctl_conn *conn = NULL;
    cJSON *reply = NULL;
    enum accctl_exit code = accctl_connect(ctl, &conn);
    int r;

    if (code != ACCCTL_DONE) {
        cJSON_Delete(parameters);
        return code;
    }
    r = accctl_conn_send(conn, method, parameters, false);
    r = r < 0 ? r : accctl_receive(ctl, conn, wait_ms, &reply);
    cJSON_Delete(parameters);
    (void)accctl_conn_close(conn);
    if (r < 0) {
        return accctl_tell_broken(ctl, r);
    }
    if (acc_json_text(reply, "error")) {
        code = accctl_tell_error(ctl, reply);
        cJSON_Delete(reply);
        return code;
    }
    *ret_reply = reply;
    return ACCCTL_DONE;
}

enum accctl_exit accctl_ask(struct accctl *ctl, const char *method, cJSON *parameters,
                            cJSON **ret_reply)
{
    return accctl_ask_for(ctl, method, parameters, accctl_limit_ms(ctl), ret_reply);
}

cJSON *accctl_targets(const struct accctl *ctl)
{
    const struct accctl_options *o = ctl->options;
    cJSON *parameters = cJSON_CreateObject();

    if (o->n_args > 0) {
        cJSON *targets = cJSON_AddArrayToObject(parameters, "targets");

        for (size_t i = 0; i < o->n_args; i++) {
            (void)cJSON_AddItemToArray(targets, cJSON_CreateString(o->args[i]));
        }
    }
    if (o->phase) {
        (void)cJSON_AddStringToObject(parameters, "phase", o->phase);
    }
    return parameters;
}
