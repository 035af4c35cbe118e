/*
 * Mounts by meaning: a named volume in Binds (Compose 2.40) and in Mounts (2.26) is the same one.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/docker_diff_job.h"
#include "lib/codec/json_get.h"

#define MOUNTS_MAX 256u /* of one container; the rest is not compared */
#define OPTION_MAX 63u

struct mount {
    const char *target, *source; /* borrowed from the JSON, not ended by NUL in a bind */
    size_t target_len, source_len;
    char type[16];
    bool read_only;
    char propagation[OPTION_MAX + 1];
    char selinux; /* 'z', 'Z' or 0 */
    const char *subpath;
};

struct mounts {
    struct mount item[MOUNTS_MAX];
    size_t n;
};

/* "source:target[:options]"; options are ro, rw, z, Z, nocopy and a propagation. */
static bool read_bind(const char *text, struct mount *mount)
{
    const char *colon = strchr(text, ':');

    if (!colon) {
        return false;
    }
    mount->source = text;
    mount->source_len = (size_t)(colon - text);
    mount->target = colon + 1;
    mount->target_len = strcspn(colon + 1, ":");
    (void)snprintf(mount->type, sizeof(mount->type), "%s", *text == '/' ? "bind" : "volume");
    for (const char *at = mount->target + mount->target_len; *at;) {
        size_t len = strcspn(++at, ",");

        if (len == 2 && strncmp(at, "ro", 2) == 0) {
            mount->read_only = true;
        } else if (len == 1 && (*at == 'z' || *at == 'Z')) {
            mount->selinux = *at;
        } else if (len >= 5 && len <= OPTION_MAX && memchr("rs", *at, 2) &&
                   strncmp(at, "rw", 2) != 0) {
            memcpy(mount->propagation, at, len); /* rslave, shared, rprivate, ... */
            mount->propagation[len] = '\0';
        }
        at += len;
    }
    return true;
}

static bool read_mount(const cJSON *json, struct mount *mount)
{
    const char *target = acc_json_text(json, "Target");
    const char *source = acc_json_text(json, "Source");

    if (!target) {
        return false;
    }
    mount->target = target;
    mount->target_len = strlen(target);
    mount->source = source ? source : "";
    mount->source_len = strlen(mount->source);
    acc_json_copy(json, "Type", mount->type, sizeof(mount->type));
    mount->read_only = acc_json_bool(json, "ReadOnly");
    acc_json_copy(acc_json_object(json, "BindOptions"), "Propagation", mount->propagation,
                  sizeof(mount->propagation));
    mount->subpath = acc_json_text(acc_json_object(json, "VolumeOptions"), "Subpath");
    return true;
}

static void read_all(const cJSON *host, struct mounts *mounts)
{
    const cJSON *binds = acc_json_array(host, "Binds");
    const cJSON *list = acc_json_array(host, "Mounts");

    for (const cJSON *item = binds ? binds->child : NULL; item && mounts->n < MOUNTS_MAX;
         item = item->next) {
        const char *text = acc_json_text_of(item);

        mounts->n += text && read_bind(text, &mounts->item[mounts->n]);
    }
    for (const cJSON *item = list ? list->child : NULL; item && mounts->n < MOUNTS_MAX;
         item = item->next) {
        mounts->n += read_mount(item, &mounts->item[mounts->n]);
    }
}

/* A trailing slash says nothing. */
static size_t trimmed(const char *text, size_t len)
{
    while (len > 1 && text[len - 1] == '/') {
        len--;
    }
    return len;
}

static bool same_path(const char *a, size_t a_len, const char *b, size_t b_len)
{
    a_len = trimmed(a, a_len);
    b_len = trimmed(b, b_len);
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static const struct mount *find(const struct mounts *mounts, const struct mount *wanted)
{
    for (size_t i = 0; i < mounts->n; i++) {
        const struct mount *mount = &mounts->item[i];

        if (same_path(mount->target, mount->target_len, wanted->target, wanted->target_len)) {
            return mount;
        }
    }
    return NULL;
}

/* 64 hex digits: nobody named it. */
static bool is_anonymous(const struct mount *mount)
{
    char id[65];

    if (strcmp(mount->type, "volume") != 0) {
        return false;
    }
    if (mount->source_len != sizeof(id) - 1) {
        return mount->source_len == 0;
    }
    memcpy(id, mount->source, sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    return acc_is_cid(id);
}

/* Among the mounts that are really there, whoever asked for them (an image's VOLUME, too). */
static bool is_mounted(const cJSON *have, const struct mount *wanted)
{
    const cJSON *list = acc_json_array(have, "Mounts");

    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        const char *target = acc_json_text(item, "Destination");

        if (target && same_path(target, strlen(target), wanted->target, wanted->target_len)) {
            return true;
        }
    }
    return false;
}

static const char *propagation(const struct mount *mount)
{
    return mount->propagation[0] ? mount->propagation : "rprivate"; /* the engine's default */
}

static void diff_one(struct acc_diff_job *job, const struct mount *want, const struct mount *have)
{
    int len = want->target_len > 160 ? 160 : (int)want->target_len;

    if (is_anonymous(want) && (have || is_mounted(job->have, want))) {
        return;
    }
    if (!have) {
        acc_diff_add(job, false, "mount %.*s added", len, want->target);
        return;
    }
    if (strcmp(want->type, have->type) != 0) {
        acc_diff_add(job, false, "mount %.*s type %s -> %s", len, want->target, have->type,
                     want->type);
        return;
    }
    if (!same_path(want->source, want->source_len, have->source, have->source_len)) {
        acc_diff_add(job, false, "mount %.*s source changed", len, want->target);
    }
    if (want->read_only != have->read_only) {
        acc_diff_add(job, false, "mount %.*s is %s", len, want->target,
                     want->read_only ? "read-only in the file" : "writable in the file");
    }
    if (strcmp(propagation(want), propagation(have)) != 0 || want->selinux != have->selinux ||
        strcmp(want->subpath ? want->subpath : "", have->subpath ? have->subpath : "") != 0) {
        acc_diff_add(job, false, "mount %.*s options changed", len, want->target);
    }
}

static void diff_tmpfs(struct acc_diff_job *job)
{
    const cJSON *want = acc_json_object(job->want_host, "Tmpfs");
    const cJSON *have = acc_json_object(job->have_host, "Tmpfs");
    const cJSON *item;

    for (item = want ? want->child : NULL; item; item = item->next) {
        const cJSON *there = acc_json_get(have, item->string);

        if (!there || !cJSON_Compare(item, there, true)) {
            acc_diff_add(job, false, "tmpfs %s %s", item->string, there ? "changed" : "added");
        }
    }
    for (item = have ? have->child : NULL; item; item = item->next) {
        if (!acc_json_get(want, item->string)) {
            acc_diff_add(job, false, "tmpfs %s removed", item->string);
        }
    }
}

void acc_diff_mounts(struct acc_diff_job *job)
{
    struct mounts *both = calloc(2, sizeof(*both));
    struct mounts *want = both, *have = both ? both + 1 : NULL;

    if (!both) {
        acc_diff_add(job, false, "mounts could not be compared: out of memory");
        return;
    }
    read_all(job->want_host, want);
    read_all(job->have_host, have);
    for (size_t i = 0; i < want->n; i++) {
        diff_one(job, &want->item[i], find(have, &want->item[i]));
    }
    for (size_t i = 0; i < have->n; i++) {
        /* anonymous ones are kept from an earlier container for an image's VOLUME */
        if (!find(want, &have->item[i]) && !is_anonymous(&have->item[i])) {
            acc_diff_add(job, false, "mount %.*s removed",
                         have->item[i].target_len > 160 ? 160 : (int)have->item[i].target_len,
                         have->item[i].target);
        }
    }
    diff_tmpfs(job);
    free(both);
}
