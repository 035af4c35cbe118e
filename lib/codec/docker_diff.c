#include "lib/codec/docker_diff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/codec/docker_diff_job.h"
#include "lib/codec/docker_state.h"
#include "lib/codec/json_get.h"

/* --- lines --- */

void acc_diff_add(struct acc_diff_job *job, bool is_live, const char *fmt, ...)
{
    struct acc_docker_diff *diff = job->diff;
    char text[ACC_DIFF_TEXT_MAX + 1];
    va_list ap;

    diff->needs_recreate = diff->needs_recreate || !is_live;
    if (diff->n == ACC_DIFF_LINES_MAX) {
        diff->n_dropped++;
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
    va_end(ap);
    acc_copy_line(text, diff->line[diff->n].text, sizeof(diff->line[diff->n].text));
    diff->line[diff->n].is_live = is_live;
    diff->n++;
}

void acc_diff_note(struct acc_diff_job *job, const char *what, bool wanted, bool there)
{
    acc_diff_add(job, false, "%s %s", what,
                 wanted && there ? "changed"
                 : wanted        ? "added"
                                 : "removed");
}

bool acc_diff_is_empty(const cJSON *item)
{
    if (!item || cJSON_IsNull(item) || cJSON_IsFalse(item)) {
        return true;
    }
    if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
        return item->child == NULL;
    }
    return cJSON_IsNumber(item) ? item->valuedouble == 0
                                : cJSON_IsString(item) && item->valuestring[0] == '\0';
}

/* Every key of one is the same in the other. */
static bool keys_same(const cJSON *a, const cJSON *b)
{
    for (const cJSON *item = a->child; item; item = item->next) {
        if (!acc_diff_same(item, acc_json_get(b, item->string))) {
            return false;
        }
    }
    return true;
}

bool acc_diff_same(const cJSON *want, const cJSON *have)
{
    if (acc_diff_is_empty(want) || acc_diff_is_empty(have)) {
        return acc_diff_is_empty(want) && acc_diff_is_empty(have);
    }
    if (cJSON_IsObject(want) && cJSON_IsObject(have)) {
        return keys_same(want, have) && keys_same(have, want);
    }
    if (!cJSON_IsArray(want) || !cJSON_IsArray(have)) {
        return cJSON_Compare(want, have, true);
    }
    const cJSON *a = want->child, *b = have->child;

    while (a && b && acc_diff_same(a, b)) {
        a = a->next;
        b = b->next;
    }
    return !a && !b;
}

/* --- image, command --- */

static void diff_image(struct acc_diff_job *job)
{
    const char *want_ref = acc_json_text(job->want, "Image");
    const char *have_ref = acc_json_text(job->have_config, "Image");
    const char *want_id = acc_json_text(acc_json_object(job->want, "Labels"), ACC_LABEL_IMAGE);
    const char *have_id = acc_json_text(job->have, "Image");

    want_ref = want_ref ? want_ref : "";
    have_ref = have_ref ? have_ref : "";
    if (want_id && *want_id && have_id && *have_id) {
        if (strcmp(want_id, have_id) == 0) {
            return; /* by whatever name */
        }
        if (strcmp(want_ref, have_ref) == 0) {
            acc_diff_add(job, false, "image %s is another one (%.19s -> %.19s)", want_ref, have_id,
                         want_id);
            return;
        }
    } else if (strcmp(want_ref, have_ref) == 0) {
        return;
    }
    acc_diff_add(job, false, "image %s -> %s", have_ref, want_ref);
}

/* moby daemon/commit.go merge(): what the image fills in. NULL stands for "can't be known". */
static void diff_command(struct acc_diff_job *job)
{
    const cJSON *cmd = acc_json_array(job->want, "Cmd");
    const cJSON *entrypoint = acc_json_array(job->want, "Entrypoint");
    bool by_image = false, entrypoint_by_image = false;

    if (acc_diff_is_empty(entrypoint)) {
        by_image = acc_diff_is_empty(cmd);
        entrypoint_by_image = !entrypoint;
    }
    if (by_image) {
        cmd = acc_json_array(job->image, "Cmd");
    }
    if (entrypoint_by_image) {
        entrypoint = acc_json_array(job->image, "Entrypoint");
    }
    /* what the image has may be secret as well: only that it differs is told */
    if ((!entrypoint_by_image || job->has_image) &&
        !acc_diff_same(entrypoint, acc_json_get(job->have_config, "Entrypoint"))) {
        acc_diff_add(job, false, "entrypoint changed");
    }
    if ((!by_image || job->has_image) &&
        !acc_diff_same(cmd, acc_json_get(job->have_config, "Cmd"))) {
        acc_diff_add(job, false, "command changed");
    }
}

/* --- environment and labels: names, never values --- */

static size_t name_len(const char *word)
{
    return strcspn(word, "=");
}

/* The last "K=..." or "K" of that name: the one that counts. */
static const char *variable(const cJSON *list, const char *word)
{
    const char *found = NULL;

    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        const char *text = acc_json_text_of(item);

        if (text && name_len(text) == name_len(word) && strncmp(text, word, name_len(word)) == 0) {
            found = text;
        }
    }
    return found;
}

static void diff_environment(struct acc_diff_job *job)
{
    const cJSON *want = acc_json_array(job->want, "Env");
    const cJSON *have = acc_json_array(job->have_config, "Env");
    const cJSON *image = acc_json_array(job->image, "Env");
    const cJSON *item;

    for (item = want ? want->child : NULL; item; item = item->next) {
        const char *word = acc_json_text_of(item);
        const char *there = word ? variable(have, word) : NULL;

        if (!word || variable(want, word) != word) {
            continue; /* a later one of the same name wins */
        }
        if (!there || strcmp(there, word) != 0) {
            acc_diff_add(job, false, "environment %.*s %s", (int)name_len(word), word,
                         there ? "changed" : "added");
        }
    }
    for (item = have && job->has_image ? have->child : NULL; item; item = item->next) {
        const char *word = acc_json_text_of(item);
        const char *by_image = word ? variable(image, word) : NULL;

        if (!word || variable(want, word) || (by_image && strcmp(by_image, word) == 0)) {
            continue;
        }
        acc_diff_add(job, false, "environment %.*s removed", (int)name_len(word), word);
    }
}

static bool is_ours(const char *label)
{
    return strncmp(label, "com.docker.compose.", strlen("com.docker.compose.")) == 0 ||
           strncmp(label, "io.acc.", strlen("io.acc.")) == 0;
}

/* Where the word "name=digest" of this name begins in a list of such, or NULL. */
static const char *find_word(const char *list, const char *name, size_t len)
{
    while (list && *list) {
        if (strncmp(list, name, len) == 0 && list[len] == '=') {
            return list;
        }
        list += strcspn(list, " ");
        list += *list == ' ';
    }
    return NULL;
}

/* What secrets and configs hold is in no request but this label. A container without it was not
 * made by accd (or by an old one): nothing is known. */
static void diff_contents(struct acc_diff_job *job)
{
    const char *want = acc_json_text(acc_json_object(job->want, "Labels"), ACC_LABEL_CONTENTS);
    const char *have = acc_json_text(acc_json_object(job->have_config, "Labels"),
                                     ACC_LABEL_CONTENTS);

    while (want && have && *want) {
        size_t len = strcspn(want, " ");
        size_t name_len = strcspn(want, "=");
        const char *was = find_word(have, want, name_len);

        if (was && (strncmp(was, want, len) != 0 || (was[len] != '\0' && was[len] != ' '))) {
            acc_diff_add(job, false, "content of %.*s changed", (int)name_len, want);
        }
        want += len + (want[len] == ' ');
    }
}

static void diff_labels(struct acc_diff_job *job)
{
    const cJSON *want = acc_json_object(job->want, "Labels");
    const cJSON *have = acc_json_object(job->have_config, "Labels");
    const cJSON *image = acc_json_object(job->image, "Labels");
    const cJSON *item;

    for (item = want ? want->child : NULL; item; item = item->next) {
        const cJSON *there = acc_json_get(have, item->string);

        if (!is_ours(item->string) && (!there || !cJSON_Compare(item, there, true))) {
            acc_diff_add(job, false, "label %s %s", item->string, there ? "changed" : "added");
        }
    }
    for (item = have && job->has_image ? have->child : NULL; item; item = item->next) {
        const cJSON *by_image = acc_json_get(image, item->string);

        if (!is_ours(item->string) && !acc_json_get(want, item->string) &&
            !(by_image && cJSON_Compare(item, by_image, true))) {
            acc_diff_add(job, false, "label %s removed", item->string);
        }
    }
}

/* --- the rest of Config --- */

static void diff_hostname(struct acc_diff_job *job)
{
    const char *want = acc_json_text(job->want, "Hostname");
    const char *have = acc_json_text(job->have_config, "Hostname");
    const char *cid = acc_json_text(job->have, "Id");
    const char *mode = acc_json_text(job->have_host, "NetworkMode");
    /* its own id, or with a shared network the name of whoever owns that */
    bool is_default = !have || !*have || strncmp(cid, have, 12) == 0 ||
                      (mode && (strcmp(mode, "host") == 0 || strncmp(mode, "container:", 10) == 0));

    if (want && *want ? !have || strcmp(want, have) != 0 : !is_default) {
        acc_diff_note(job, "hostname", want && *want, have && *have && !is_default);
    }
}

static void diff_config(struct acc_diff_job *job)
{
    static const struct {
        const char *key, *what;
        bool by_image;
    } fields[] = {
        {"User", "user", true},
        {"WorkingDir", "working_dir", true},
        {"Tty", "tty", false},
        {"OpenStdin", "stdin_open", false},
        {"Domainname", "domainname", false},
        {"StopSignal", "stop_signal", true},
    };

    diff_hostname(job);
    for (size_t i = 0; i < ACC_ARRAY_LEN(fields); i++) {
        const cJSON *want = acc_json_get(job->want, fields[i].key);
        const cJSON *have = acc_json_get(job->have_config, fields[i].key);

        if (acc_diff_is_empty(want) && fields[i].by_image) {
            if (!job->has_image) {
                continue;
            }
            want = acc_json_get(job->image, fields[i].key);
            if (acc_diff_is_empty(want)) {
                const char *text = acc_json_text_of(have);

                /* the engine fills these in: "/" below 1.50, SIGTERM always */
                if (text && (strcmp(text, "/") == 0 || strcmp(text, "SIGTERM") == 0)) {
                    continue;
                }
            }
        }
        if (!acc_diff_same(want, have)) {
            acc_diff_note(job, fields[i].what, !acc_diff_is_empty(want), !acc_diff_is_empty(have));
        }
    }
    /* Compose 1 sets none and tells the time with each stop, as accd does: absent is no difference
     */
    const cJSON *want_s = acc_json_get(job->want, "StopTimeout");
    const cJSON *have_s = acc_json_get(job->have_config, "StopTimeout");

    if (want_s && have_s && !cJSON_Compare(want_s, have_s, true)) {
        acc_diff_add(job, false, "stop_grace_period %lld s -> %lld s",
                     (long long)acc_json_int_of(have_s, 0), (long long)acc_json_int_of(want_s, 0));
    }
}

static void diff_health(struct acc_diff_job *job)
{
    static const struct {
        const char *key, *what;
    } fields[] = {
        {"Test", "healthcheck test"},
        {"Interval", "healthcheck interval"},
        {"Timeout", "healthcheck timeout"},
        {"StartPeriod", "healthcheck start_period"},
        {"StartInterval", "healthcheck start_interval"},
        {"Retries", "healthcheck retries"},
    };
    const cJSON *want = acc_json_object(job->want, "Healthcheck");
    const cJSON *have = acc_json_object(job->have_config, "Healthcheck");
    const cJSON *image = acc_json_object(job->image, "Healthcheck");

    for (size_t i = 0; i < ACC_ARRAY_LEN(fields); i++) {
        const cJSON *wanted = acc_json_get(want, fields[i].key);
        const cJSON *there = acc_json_get(have, fields[i].key);

        if (acc_diff_is_empty(wanted)) {
            if (!job->has_image) {
                continue; /* the image may have one */
            }
            wanted = acc_json_get(image, fields[i].key);
        }
        if (!acc_diff_same(wanted, there)) {
            acc_diff_note(job, fields[i].what, !acc_diff_is_empty(wanted),
                          !acc_diff_is_empty(there));
        }
    }
}

/* --- ports --- */

static void diff_ports(struct acc_diff_job *job)
{
    const cJSON *want = acc_json_object(job->want_host, "PortBindings");
    const cJSON *have = acc_json_object(job->have_host, "PortBindings");
    const cJSON *item;
    char what[96];

    for (item = want ? want->child : NULL; item; item = item->next) {
        const cJSON *there = acc_json_get(have, item->string);

        if (!acc_diff_same(item, there)) {
            (void)snprintf(what, sizeof(what), "published port %.60s", item->string);
            acc_diff_note(job, what, true, !acc_diff_is_empty(there));
        }
    }
    for (item = have ? have->child : NULL; item; item = item->next) {
        if (!acc_diff_is_empty(item) && !acc_json_get(want, item->string)) {
            acc_diff_add(job, false, "published port %.60s removed", item->string);
        }
    }
}

/* --- networks --- */

static bool list_has(const cJSON *list, const char *text)
{
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        const char *word = acc_json_text_of(item);

        if (word && strcmp(word, text) == 0) {
            return true;
        }
    }
    return false;
}

/* The name that Compose 2 gives by default, which other releases spell otherwise ("a_b_1"): not one
 * that the file asks for. */
static bool is_default_name(const struct acc_diff_job *job, const char *alias)
{
    const cJSON *labels = acc_json_object(job->want, "Labels");
    const char *project = acc_json_text(labels, ACC_LABEL_PROJECT);
    const char *service = acc_json_text(labels, ACC_LABEL_SERVICE);
    const char *number = acc_json_text(labels, ACC_LABEL_NUMBER);
    char name[3 * ACC_NAME_MAX];

    if (!project || !service || !number) {
        return false;
    }
    (void)snprintf(name, sizeof(name), "%s-%s-%s", project, service, number);
    return strcmp(name, alias) == 0;
}

static void diff_endpoint(struct acc_diff_job *job, const char *network, const cJSON *want,
                          const cJSON *have)
{
    static const struct {
        const char *key, *what;
    } addresses[] = {{"IPv4Address", "ipv4_address"}, {"IPv6Address", "ipv6_address"}};
    const char *name = acc_json_text(job->have, "Name");
    const cJSON *aliases = acc_json_array(want, "Aliases");
    const char *mac = acc_json_text(want, "MacAddress");
    const char *have_mac = acc_json_text(have, "MacAddress");
    bool running = acc_json_bool(acc_json_object(job->have, "State"), "Running");

    name = name && *name == '/' ? name + 1 : name;
    for (const cJSON *item = aliases ? aliases->child : NULL; item; item = item->next) {
        const char *alias = acc_json_text_of(item);

        /* its own name always resolves; Compose 1 does not list it */
        if (alias && !list_has(acc_json_array(have, "Aliases"), alias) &&
            !list_has(acc_json_array(have, "DNSNames"), alias) &&
            !(name && strcmp(name, alias) == 0) && !is_default_name(job, alias)) {
            acc_diff_add(job, false, "network %s alias %s added", network, alias);
        }
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(addresses); i++) {
        const cJSON *wanted = acc_json_get(acc_json_object(want, "IPAMConfig"), addresses[i].key);
        const cJSON *there = acc_json_get(acc_json_object(have, "IPAMConfig"), addresses[i].key);

        if (!acc_diff_same(wanted, there)) {
            acc_diff_add(job, false, "network %s %s %s", network, addresses[i].what,
                         acc_diff_is_empty(wanted) ? "removed" : "changed");
        }
    }
    if (mac && *mac && running && (!have_mac || strcmp(mac, have_mac) != 0)) {
        acc_diff_add(job, false, "network %s mac_address changed", network);
    }
}

static bool is_special(const char *mode)
{
    return strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0 || strcmp(mode, "bridge") == 0 ||
           strncmp(mode, "container:", strlen("container:")) == 0;
}

static bool diff_mode(struct acc_diff_job *job)
{
    const char *want = acc_json_text(job->want_host, "NetworkMode");
    const char *have = acc_json_text(job->have_host, "NetworkMode");

    want = want ? want : "bridge";
    have = have && *have && strcmp(have, "default") != 0 ? have : "bridge";
    if (strcmp(want, have) != 0 && (is_special(want) || is_special(have))) {
        acc_diff_add(job, false, "network_mode %.80s -> %.80s", have, want);
        return true;
    }
    return is_special(want);
}

static bool connects_has(const struct acc_docker_create *expected, const char *network)
{
    for (size_t i = 0; i < expected->n_connects; i++) {
        if (strcmp(expected->connects[i].network, network) == 0) {
            return true;
        }
    }
    return false;
}

/* Who makes a container from a file gives it the name of its service on each network. */
static bool is_by_hand(const struct acc_diff_job *job, const cJSON *endpoint)
{
    const char *service = acc_json_text(acc_json_object(job->want, "Labels"), ACC_LABEL_SERVICE);

    return service && !list_has(acc_json_array(endpoint, "Aliases"), service);
}

static int diff_networks(struct acc_diff_job *job, const struct acc_docker_create *expected)
{
    const cJSON *want = acc_json_object(acc_json_object(job->want, "NetworkingConfig"),
                                        "EndpointsConfig");
    const cJSON *have = acc_json_object(acc_json_object(job->have, "NetworkSettings"), "Networks");
    const cJSON *item;

    if (diff_mode(job)) {
        return 0;
    }
    for (item = want ? want->child : NULL; item; item = item->next) {
        const cJSON *there = acc_json_object(have, item->string);

        if (there) {
            diff_endpoint(job, item->string, item, there);
        } else {
            acc_diff_add(job, false, "network %s added", item->string);
        }
    }
    for (size_t i = 0; i < expected->n_connects; i++) {
        const struct acc_docker_connect *connect = &expected->connects[i];
        const cJSON *there = acc_json_object(have, connect->network);
        cJSON *endpoint = NULL;
        int r = acc_json_parse_object(connect->endpoint, strlen(connect->endpoint), &endpoint);

        if (r < 0) {
            return r;
        }
        if (there) {
            diff_endpoint(job, connect->network, endpoint, there);
        } else {
            acc_diff_add(job, false, "network %s added", connect->network);
        }
        cJSON_Delete(endpoint);
    }
    for (item = have ? have->child : NULL; item; item = item->next) {
        if (acc_json_get(want, item->string) || connects_has(expected, item->string)) {
            continue;
        }
        if (is_by_hand(job, item)) {
            job->diff->n_told += job->diff->n < ACC_DIFF_LINES_MAX;
            acc_diff_add(job, true, "network %s connected by hand, it stays", item->string);
        } else {
            acc_diff_add(job, false, "network %s removed", item->string);
        }
    }
    return 0;
}

/* --- all of it --- */

static int compare(struct acc_diff_job *job, const struct acc_docker_create *expected,
                   const struct acc_docker_diff_policy *policy)
{
    diff_image(job);
    diff_command(job);
    diff_environment(job);
    diff_labels(job);
    diff_contents(job);
    diff_config(job);
    diff_health(job);
    diff_ports(job);
    acc_diff_mounts(job);
    int r = diff_networks(job, expected);

    acc_diff_host(job);
    acc_diff_resources(job, policy);
    return r;
}

int acc_docker_diff_make(const struct acc_docker_create *expected,
                         const struct acc_docker_diff_policy *policy, const char *inspect,
                         size_t inspect_len, const char *image, size_t image_len,
                         struct acc_docker_diff *ret_diff)
{
    cJSON *want = NULL, *have = NULL, *image_json = NULL;
    int r = acc_json_parse_object(expected->body, expected->body_len, &want);

    r = r == 0 ? acc_json_parse_object(inspect, inspect_len, &have) : r;
    r = r == 0 && image ? acc_json_parse_object(image, image_len, &image_json) : r;
    if (r == 0 && !acc_is_cid(acc_json_text(have, "Id"))) {
        r = -EINVAL;
    }
    if (r == 0) {
        struct acc_diff_job job = {
            .diff = ret_diff,
            .want = want,
            .want_host = acc_json_object(want, "HostConfig"),
            .have = have,
            .have_config = acc_json_object(have, "Config"),
            .have_host = acc_json_object(have, "HostConfig"),
            .image = acc_json_object(image_json, "Config"),
            .has_image = image_json != NULL,
        };

        ret_diff->n = ret_diff->n_dropped = ret_diff->n_told = 0;
        ret_diff->needs_recreate = false;
        r = compare(&job, expected, policy);
    }
    cJSON_Delete(want);
    cJSON_Delete(have);
    cJSON_Delete(image_json);
    return r;
}
