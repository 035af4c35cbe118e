#include "lib/codec/outdated.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/codec/json_get.h"
#include "lib/codec/registry_auth.h"
#include "lib/codec/varlink.h"

const char *acc_image_state_name(enum acc_image_state state)
{
    static const char *const names[] = {"pending", "current", "outdated", "pinned",
                                        "local",   "absent",  "unknown"};

    return names[state];
}

static void settle(struct acc_outdated_row *row, enum acc_image_state state, const char *reason)
{
    row->look.state = state;
    (void)snprintf(row->look.reason, sizeof(row->look.reason), "%s", reason);
}

int acc_outdated_add(struct acc_outdated *book, const char *service, const char *image,
                     const char *image_id, bool is_local)
{
    struct acc_outdated_row *more = reallocarray(book->row, book->n + 1, sizeof(*more));
    struct acc_outdated_row *row;

    if (!more) {
        return -ENOMEM;
    }
    book->row = more;
    row = &book->row[book->n++];
    *row = (struct acc_outdated_row){0};
    (void)snprintf(row->service, sizeof(row->service), "%s", service);
    (void)snprintf(row->image, sizeof(row->image), "%s", image);
    (void)snprintf(row->image_id, sizeof(row->image_id), "%s", image_id);
    if (!image_id[0]) {
        settle(row, ACC_IMAGE_ABSENT, "it has no container");
    } else if (strchr(image, '@')) {
        settle(row, ACC_IMAGE_PINNED, "the file names a digest");
        (void)snprintf(row->look.running, sizeof(row->look.running), "%s", strchr(image, '@') + 1);
    } else if (is_local) {
        settle(row, ACC_IMAGE_LOCAL, "built here, or not to be pulled");
    }
    return 0;
}

void acc_outdated_know(struct acc_outdated *book, const char *image, const char *digest)
{
    struct acc_outdated_row *row = &book->row[book->n - 1];

    (void)snprintf(row->known_image, sizeof(row->known_image), "%s", image);
    (void)snprintf(row->known_digest, sizeof(row->known_digest), "%s", digest);
}

static bool is_same_question(const struct acc_outdated_row *a, const struct acc_outdated_row *b)
{
    return strcmp(a->image, b->image) == 0 && strcmp(a->image_id, b->image_id) == 0 &&
           strcmp(a->known_image, b->known_image) == 0 &&
           strcmp(a->known_digest, b->known_digest) == 0;
}

/* One that was asked for the like: what it said, or still will. */
static bool is_being_asked(const struct acc_outdated *book, const struct acc_outdated_row *row)
{
    for (size_t i = 0; i < book->n; i++) {
        if (book->row[i].is_asked && book->row[i].look.state == ACC_IMAGE_PENDING &&
            is_same_question(&book->row[i], row)) {
            return true;
        }
    }
    return false;
}

/* The registry has just refused to answer anything. */
static const struct acc_outdated_row *who_met_it(const struct acc_outdated *book, const char *image)
{
    char server[ACC_REGISTRY_SERVER_MAX], other[ACC_REGISTRY_SERVER_MAX];

    acc_registry_server(image, server, sizeof(server));
    for (size_t i = 0; i < book->n; i++) {
        if (!acc_registry_fault_is_general(book->row[i].look.fault)) {
            continue;
        }
        acc_registry_server(book->row[i].image, other, sizeof(other));
        if (strcmp(server, other) == 0) {
            return &book->row[i];
        }
    }
    return NULL;
}

bool acc_outdated_next(struct acc_outdated *book, size_t *ret_row)
{
    if (book->n_asked >= ACC_OUTDATED_ASKS_MAX) {
        return false;
    }
    for (size_t i = 0; i < book->n; i++) {
        struct acc_outdated_row *row = &book->row[i];
        const struct acc_outdated_row *met;

        if (row->look.state != ACC_IMAGE_PENDING || row->is_asked || is_being_asked(book, row)) {
            continue;
        }
        met = who_met_it(book, row->image);
        if (met) {
            row->look = met->look;
            row->look.running[0] = '\0';
            continue;
        }
        row->is_asked = true;
        book->n_asked++;
        *ret_row = i;
        return true;
    }
    return false;
}

void acc_outdated_tell(struct acc_outdated *book, size_t row, const struct acc_image_look *look)
{
    book->n_asked--;
    for (size_t i = 0; i < book->n; i++) {
        if (book->row[i].look.state == ACC_IMAGE_PENDING &&
            is_same_question(&book->row[i], &book->row[row])) {
            book->row[i].look = *look;
        }
    }
}

void acc_outdated_fini(struct acc_outdated *book)
{
    free(book->row);
    *book = (struct acc_outdated){0};
}

/* --- one image ------------------------------------------------------------------------------ */

/* As Docker writes repositories in RepoDigests: "docker.io/library/redis" is "redis". */
static const char *familiar(const char *name)
{
    static const char *const hosts[] = {"docker.io/", "index.docker.io/"};
    static const char official[] = "library/";

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t len = strlen(hosts[i]);

        if (strncmp(name, hosts[i], len) == 0) {
            name += len;
            break;
        }
    }
    return strncmp(name, official, sizeof(official) - 1) == 0 ? name + sizeof(official) - 1 : name;
}

/* "repo@sha256:..." -> whether it is of that repository; `*ret_digest` behind the @. */
static bool is_of(const char *repo_digest, const char *image, const char **ret_digest)
{
    const char *repo = familiar(repo_digest);
    const char *at = strchr(repo, '@');
    size_t len = at ? (size_t)(at - repo) : 0;

    *ret_digest = at ? at + 1 : "";
    image = familiar(image);
    return at && strncmp(repo, image, len) == 0 && strchr(":@", image[len]);
}

static void take(struct acc_image_look *look, enum acc_image_state state, const char *digest)
{
    look->state = state;
    look->reason[0] = '\0';
    (void)snprintf(look->running, sizeof(look->running), "%.71s", digest);
}

/* One more name of what runs. */
static void look_at(struct acc_image_look *look, const char *repo_digest, const char *image,
                    const char *remote)
{
    const char *digest;
    bool is_own = is_of(repo_digest, image, &digest);

    if (look->state == ACC_IMAGE_CURRENT || !digest[0]) {
        return;
    }
    if (strcmp(digest, remote) == 0) {
        take(look, ACC_IMAGE_CURRENT, digest); /* whatever its name: it is the same image */
    } else if (is_own && look->state != ACC_IMAGE_OUTDATED) {
        take(look, ACC_IMAGE_OUTDATED, digest);
    } else if (look->state == ACC_IMAGE_LOCAL) {
        look->state = ACC_IMAGE_UNKNOWN; /* its registry may not know it */
        (void)snprintf(look->reason, sizeof(look->reason),
                       "no digest of this repository here; docker pull brings one");
    }
}

/* "redis" is "redis:latest". */
static bool is_tag(const char *repo_tag, const char *image)
{
    static const char latest[] = ":latest";
    const char *tag = familiar(repo_tag);
    size_t len;

    image = familiar(image);
    len = strlen(image);
    return strncmp(tag, image, len) == 0 && (tag[len] == '\0' || strcmp(tag + len, latest) == 0);
}

/* Tagged anew here, or built here and pushed elsewhere: nobody need have it by this name. */
static void look_at_tags(struct acc_image_look *look, const cJSON *json, const char *image)
{
    const char *other = acc_json_text_of(
        cJSON_GetArrayItem(acc_json_array(json, "RepoDigests"), 0));
    const cJSON *item;

    cJSON_ArrayForEach(item, acc_json_array(json, "RepoTags"))
    {
        const char *text = acc_json_text_of(item);

        if (text && other && look->state == ACC_IMAGE_UNKNOWN && is_tag(text, image)) {
            look->state = ACC_IMAGE_LOCAL;
            (void)snprintf(look->reason, sizeof(look->reason),
                           "registries know it as %.*s; by this name it is what lies here, and an "
                           "upgrade takes that",
                           (int)strcspn(other, "@"), other);
        }
    }
}

int acc_image_compare(const char *image_json, size_t len, const char *image, const char *known,
                      const char *remote, struct acc_image_look *ret_look)
{
    cJSON *json = NULL;
    struct acc_image_look look = {.state = ACC_IMAGE_LOCAL,
                                  .reason = "it never came from a registry"};
    int r = acc_json_parse_object(image_json, len, &json);
    const cJSON *item;

    if (r < 0) {
        return r;
    }
    cJSON_ArrayForEach(item, acc_json_array(json, "RepoDigests"))
    {
        const char *text = acc_json_text_of(item);

        if (text) {
            look_at(&look, text, image, remote);
        }
    }
    if (known) {
        look_at(&look, known, image, remote);
    }
    look_at_tags(&look, json, image);
    cJSON_Delete(json);
    (void)snprintf(look.remote, sizeof(look.remote), "%s", remote);
    *ret_look = look;
    return 0;
}

/* --- the answer ----------------------------------------------------------------------------- */

static void text(struct acc_json_put *put, cJSON *parent, const char *key, const char *value)
{
    acc_put_bytes(put, parent, key, value, strlen(value));
}

int acc_outdated_put(const struct acc_outdated *book, struct acc_buf *out)
{
    struct acc_varlink_reply reply;
    cJSON *list;

    acc_varlink_reply_begin(&reply);
    list = acc_put_array(&reply.put, reply.parameters, "images");
    for (size_t i = 0; i < book->n; i++) {
        const struct acc_outdated_row *row = &book->row[i];
        cJSON *item = acc_put_item(&reply.put, list);
        char stamp[ACC_RFC3339_MAX];

        text(&reply.put, item, "service", row->service);
        text(&reply.put, item, "image", row->image);
        text(&reply.put, item, "state", acc_image_state_name(row->look.state));
        text(&reply.put, item, "running", row->look.running);
        text(&reply.put, item, "remote", row->look.remote);
        text(&reply.put, item, "reason", row->look.reason);
        if (row->taken_s > 0) {
            acc_format_rfc3339(row->taken_s * 1000, stamp, sizeof(stamp));
        }
        text(&reply.put, item, "taken", row->taken_s > 0 ? stamp : "");
        acc_put_bool(&reply.put, item, "taken_back", row->is_taken_back);
    }
    return acc_varlink_reply_finish(&reply, NULL, false, out);
}
