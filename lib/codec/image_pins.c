#include "lib/codec/image_pins.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/json_get.h"
#include "lib/engine/index.h"

#define PREFIX "acc-pin/"

/* distribution/reference: lower case letters and digits, between them one '.', one or two '_', or
 * any number of '-'. */
static bool is_component(const char *name)
{
    static const char alnum[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    while (*name) {
        size_t len = strspn(name, alnum);

        if (len == 0) {
            return false;
        }
        name += len;
        if (*name == '\0') {
            return true;
        }
        len = strspn(name, "-");
        name += len > 0 ? len : strncmp(name, "__", 2) == 0 ? 2 : *name == '.' || *name == '_';
    }
    return false;
}

static void component(const char *name, char *out, size_t size)
{
    if (strlen(name) < size && is_component(name)) {
        (void)snprintf(out, size, "%s", name);
    } else {
        (void)snprintf(out, size, "x-%016llx", (unsigned long long)acc_hash_text(name));
    }
}

void acc_pin_repo(const char *stack, const char *service, char out[ACC_PIN_MAX + 1])
{
    char first[ACC_PIN_MAX / 2], second[ACC_PIN_MAX / 2 - sizeof(PREFIX)];

    component(stack, first, sizeof(first));
    component(service, second, sizeof(second));
    (void)snprintf(out, ACC_PIN_MAX + 1, PREFIX "%s/%s", first, second);
}

static void pin_name(const struct acc_pin *pin, char out[ACC_PIN_MAX + 16])
{
    (void)snprintf(out, ACC_PIN_MAX + 16, "%s:r%u", pin->repo, (unsigned)pin->revision);
}

struct job {
    const struct acc_pin *wanted;
    size_t n_wanted;
    bool *is_there; /* owned; of each wanted one */
    struct acc_pin_change *change;
    size_t n, cap;
};

static int add(struct job *job, const char *name, const char *image_id)
{
    if (job->n == job->cap) {
        size_t cap = job->cap ? 2 * job->cap : 16;
        struct acc_pin_change *more = reallocarray(job->change, cap, sizeof(*more));

        if (!more) {
            return -ENOMEM;
        }
        job->change = more;
        job->cap = cap;
    }
    (void)snprintf(job->change[job->n].name, sizeof(job->change->name), "%s", name);
    (void)snprintf(job->change[job->n].image_id, sizeof(job->change->image_id), "%s", image_id);
    job->n++;
    return 0;
}

/* One tag that is there. */
static int look_at(struct job *job, const char *tag, const char *image_id)
{
    const char *colon = strrchr(tag, ':');
    size_t len = colon ? (size_t)(colon - tag) : 0;
    bool is_known = false;

    if (strncmp(tag, PREFIX, strlen(PREFIX)) != 0 || !colon || strlen(tag) > ACC_PIN_MAX + 15) {
        return 0;
    }
    for (size_t i = 0; i < job->n_wanted; i++) {
        const struct acc_pin *pin = &job->wanted[i];
        char name[ACC_PIN_MAX + 16];

        is_known |= strlen(pin->repo) == len && strncmp(pin->repo, tag, len) == 0;
        pin_name(pin, name);
        if (pin->image_id[0] && strcmp(name, tag) == 0) {
            job->is_there[i] = strcmp(pin->image_id, image_id) == 0;
            return 0; /* on another image: it is moved */
        }
    }
    return is_known ? add(job, tag, "") : 0;
}

static int look_at_all(struct job *job, const cJSON *images)
{
    const cJSON *image, *tag;
    int r = 0;

    cJSON_ArrayForEach(image, images)
    {
        const char *id = acc_json_text(image, "Id");

        cJSON_ArrayForEach(tag, acc_json_array(image, "RepoTags"))
        {
            const char *text = acc_json_text_of(tag);

            r = r == 0 && id && text ? look_at(job, text, id) : r;
        }
    }
    for (size_t i = 0; i < job->n_wanted && r == 0; i++) {
        char name[ACC_PIN_MAX + 16];

        if (job->wanted[i].image_id[0] && !job->is_there[i]) {
            pin_name(&job->wanted[i], name);
            r = add(job, name, job->wanted[i].image_id);
        }
    }
    return r;
}

int acc_pins_compare(const char *images_json, size_t len, const struct acc_pin *wanted,
                     size_t n_wanted, struct acc_pin_change **ret_changes, size_t *ret_n)
{
    struct job job = {.wanted = wanted, .n_wanted = n_wanted};
    cJSON *json = NULL;
    int r = acc_json_parse(images_json, len, &json);

    job.is_there = calloc(n_wanted + 1, sizeof(*job.is_there));
    if (r == 0) {
        r = !job.is_there ? -ENOMEM : !cJSON_IsArray(json) ? -EINVAL : look_at_all(&job, json);
    }
    cJSON_Delete(json);
    free(job.is_there);
    if (r < 0) {
        free(job.change);
        return r;
    }
    *ret_changes = job.change;
    *ret_n = job.n;
    return 0;
}
