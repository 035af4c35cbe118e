/*
 * Volumes, secrets and configs: Binds, Mounts, and the files that are copied in (compose create.go
 * buildContainerVolumes, secrets.go).
 *
 * The old Binds are used wherever they can say it, because only they create a missing host path;
 * everything else is a Mount.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/codec/docker_create_job.h"
#include "lib/model/api_socket.h"

/* The engine's name of a volume of the file; NULL when the file has none of that key. */
static const char *volume_name(const struct acc_stack *stack, const char *key)
{
    for (size_t i = 0; i < stack->n_resources; i++) {
        if (stack->resources[i].kind == ACC_RES_VOLUME &&
            strcmp(stack->resources[i].key, key) == 0) {
            return stack->resources[i].name;
        }
    }
    return acc_node_get_text(acc_node_path(stack->project, "volumes", key, NULL), "name");
}

static bool has_text(const struct acc_node *map, const char *key)
{
    const char *text = acc_node_get_text(map, key);

    return text && *text;
}

static bool bind_needs_mount(const struct acc_node *bind)
{
    return bind && (!acc_node_true(acc_node_get(bind, "create_host_path")) ||
                    has_text(bind, "propagation") || has_text(bind, "recursive"));
}

static bool volume_needs_mount(const struct acc_node *volume)
{
    const struct acc_node *labels = acc_node_get(volume, "labels");

    return volume && ((labels && labels->first) || has_text(volume, "subpath") ||
                      acc_node_true(acc_node_get(volume, "nocopy")));
}

static void put_bind(struct acc_create_job *job, cJSON *binds, const char *source,
                     const struct acc_node *item)
{
    const struct acc_node *bind = acc_node_get(item, "bind");
    const char *target = acc_node_get_text(item, "target");
    const char *selinux = acc_node_get_text(bind, "selinux");
    const char *propagation = acc_node_get_text(bind, "propagation");
    struct acc_buf word;

    acc_buf_init(&word, ACC_DOCKER_CREATE_MAX);
    (void)acc_buf_printf(&word, "%s:%s:%s", source, target ? target : "",
                         acc_node_true(acc_node_get(item, "read_only")) ? "ro" : "rw");
    if (selinux && *selinux) {
        (void)acc_buf_printf(&word, ",%s", selinux);
    }
    if (propagation && *propagation) {
        (void)acc_buf_printf(&word, ",%s", propagation);
    }
    job->put.failed = job->put.failed || word.failed;
    acc_put_word(&job->put, binds, word.failed ? NULL : word.data);
    acc_buf_fini(&word);
}

static void put_bind_options(struct acc_create_job *job, cJSON *mount, const struct acc_node *bind)
{
    const char *recursive = acc_node_get_text(bind, "recursive");

    if (!bind) {
        return;
    }
    cJSON *options = acc_put_object(&job->put, mount, "BindOptions");

    recursive = recursive ? recursive : "";
    acc_put_text_some(&job->put, options, "Propagation", acc_node_get_text(bind, "propagation"));
    acc_put_true(&job->put, options, "CreateMountpoint",
                 acc_node_true(acc_node_get(bind, "create_host_path")));
    acc_put_true(&job->put, options, "NonRecursive", strcmp(recursive, "disabled") == 0);
    if (strcmp(recursive, "readonly") == 0 && job->ctx->api_minor < ACC_API_MANY_ENDPOINTS) {
        acc_job_fail(job, -EINVAL, bind->pos,
                     "volumes: bind.recursive: readonly needs Docker Engine 25");
        return;
    }
    if (job->ctx->api_minor >= ACC_API_MANY_ENDPOINTS) { /* older ones do nothing else anyway */
        acc_put_true(&job->put, options, "ReadOnlyNonRecursive",
                     strcmp(recursive, "writable") == 0);
        acc_put_true(&job->put, options, "ReadOnlyForceRecursive",
                     strcmp(recursive, "readonly") == 0);
    }
}

static void put_volume_options(struct acc_create_job *job, cJSON *mount,
                               const struct acc_node *volume)
{
    const char *subpath = acc_node_get_text(volume, "subpath");

    if (!volume) {
        return;
    }
    cJSON *options = acc_put_object(&job->put, mount, "VolumeOptions");

    acc_put_true(&job->put, options, "NoCopy", acc_node_true(acc_node_get(volume, "nocopy")));
    acc_job_map(job, options, "Labels", acc_node_get(volume, "labels"));
    acc_put_text_some(&job->put, options, "Subpath", subpath);
    if (subpath && *subpath && job->ctx->api_minor < ACC_API_SUBPATH) {
        /* an older engine ignores it and would mount the whole volume */
        acc_job_fail(job, -EINVAL, volume->pos, "volumes: volume.subpath needs Docker Engine 26");
    }
}

static void put_tmpfs_options(struct acc_create_job *job, cJSON *mount,
                              const struct acc_node *tmpfs)
{
    if (!tmpfs) {
        return;
    }
    cJSON *options = acc_put_object(&job->put, mount, "TmpfsOptions");

    acc_put_int_some(&job->put, options, "SizeBytes", acc_node_whole(acc_node_get(tmpfs, "size")));
    acc_put_int_some(&job->put, options, "Mode", acc_node_whole(acc_node_get(tmpfs, "mode")));
}

static cJSON *put_mount(struct acc_create_job *job, cJSON *mounts, const char *type,
                        const char *source, const char *target, bool read_only)
{
    cJSON *mount = acc_put_item(&job->put, mounts);

    acc_put_text_some(&job->put, mount, "Type", type);
    acc_put_text_some(&job->put, mount, "Source", source);
    acc_put_text_some(&job->put, mount, "Target", target);
    acc_put_true(&job->put, mount, "ReadOnly", read_only);
    return mount;
}

static void put_volume_mount(struct acc_create_job *job, cJSON *mounts, const struct acc_node *item,
                             const char *type, const char *source)
{
    cJSON *mount = put_mount(job, mounts, type, source, acc_node_get_text(item, "target"),
                             acc_node_true(acc_node_get(item, "read_only")));
    const struct acc_node *image = acc_node_get(item, "image");

    acc_put_text_some(&job->put, mount, "Consistency", acc_node_get_text(item, "consistency"));
    if (strcmp(type, "bind") == 0) {
        put_bind_options(job, mount, acc_node_get(item, "bind"));
    } else if (strcmp(type, "volume") == 0) {
        put_volume_options(job, mount, acc_node_get(item, "volume"));
    } else if (strcmp(type, "tmpfs") == 0) {
        put_tmpfs_options(job, mount, acc_node_get(item, "tmpfs"));
    } else if (strcmp(type, "image") == 0) {
        if (job->ctx->api_minor < ACC_API_IMAGE_MOUNT) {
            acc_job_fail(job, -EINVAL, item->pos, "volumes: type: image needs Docker Engine 28");
        }
        if (image) {
            cJSON *options = acc_put_object(&job->put, mount, "ImageOptions");

            acc_put_text_some(&job->put, options, "Subpath", acc_node_get_text(image, "subpath"));
        }
    }
}

static void put_volume(struct acc_create_job *job, cJSON *binds, cJSON *mounts,
                       const struct acc_node *item)
{
    const char *type = acc_node_get_text(item, "type");
    const char *source = acc_node_get_text(item, "source");
    const char *name = NULL;

    type = type ? type : "";
    if (strcmp(type, "bind") == 0 && !bind_needs_mount(acc_node_get(item, "bind"))) {
        put_bind(job, binds, source ? source : "", item);
        return;
    }
    if (strcmp(type, "volume") == 0 && source && *source) {
        name = volume_name(job->stack, source);
        if (name && !volume_needs_mount(acc_node_get(item, "volume"))) {
            put_bind(job, binds, name, item);
            return;
        }
    }
    put_volume_mount(job, mounts, item, type, name ? name : source);
}

/* --- what it goes on with --- */

/* The same folder, however it is spelled at its end. */
static bool is_target(const struct acc_node *item, const char *target, size_t len)
{
    const char *text = acc_node_get_text(item, "target");
    size_t n = text ? strlen(text) : 0;

    while (n > 1 && text[n - 1] == '/') {
        n--;
    }
    return text && n == len && memcmp(text, target, len) == 0;
}

static bool is_unnamed(const struct acc_node *item)
{
    const char *type = acc_node_get_text(item, "type");

    return type && strcmp(type, "volume") == 0 && !has_text(item, "source");
}

static const struct acc_node *volume_at(const struct acc_create_job *job, const char *target,
                                        size_t len)
{
    const struct acc_node *found = NULL;

    acc_node_for_each(item, acc_node_get(job->node, "volumes"))
    {
        found = is_target(item, target, len) ? item : found;
    }
    return found;
}

static bool image_has_one(const struct acc_create_job *job, const char *target, size_t len)
{
    const char *line = job->ctx->image_volumes;

    while (line && *line) {
        size_t n = strcspn(line, "\n");
        size_t trimmed = n > 1 && line[n - 1] == '/' ? n - 1 : n;

        if (trimmed == len && memcmp(line, target, len) == 0) {
            return true;
        }
        line += n + (line[n] == '\n');
    }
    return false;
}

/* The line of what it goes on with at `target`, or NULL. */
static const char *heir_at(const struct acc_create_job *job, const struct acc_node *item)
{
    for (const char *line = job->ctx->heirs; line && *line;) {
        size_t target_len = strcspn(line, "\t");

        if (is_target(item, line, target_len)) {
            return line;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return NULL;
}

static void put_heir(struct acc_create_job *job, cJSON *mounts, const char *line)
{
    const char *name = line + strcspn(line, "\t\n");
    bool is_whole = *name == '\t'; /* else a state that somebody has edited */

    if (!is_whole) {
        return;
    }
    name++;

    bool read_only = name[strcspn(name, "\t\n")] == '\t';
    char *target = strndup(line, strcspn(line, "\t"));
    char *source = strndup(name, strcspn(name, "\t\n"));

    job->put.failed = job->put.failed || !target || !source;
    if (target && source) {
        (void)put_mount(job, mounts, "volume", source, target, read_only);
    }
    free(target);
    free(source);
}

/* Those of the image; the file's own are put in their places among the others. */
static void put_heirs(struct acc_create_job *job, cJSON *mounts)
{
    for (const char *line = job->ctx->heirs; line && *line;) {
        size_t len = strcspn(line, "\t");

        if (!volume_at(job, line, len) && image_has_one(job, line, len)) {
            put_heir(job, mounts, line);
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

/* --- secrets and configs --- */

struct reference {
    const char *what; /* "secret" */
    const char *list; /* "secrets": of the service, and of the file */
    const char *dir;  /* where a relative target lies */
};
static const struct reference secrets = {"secret", "secrets", "/run/secrets/"};
static const struct reference configs = {"config", "configs", "/"};

static char *target_of(const struct reference *ref, const struct acc_node *item)
{
    const char *target = acc_node_get_text(item, "target");
    const char *source = acc_node_get_text(item, "source");
    const char *name = target && *target ? target : source ? source : "";
    const char *dir = target && *target == '/' ? "" : ref->dir;
    char *path = malloc(strlen(dir) + strlen(name) + 1);

    if (path) {
        memcpy(path, dir, strlen(dir));
        memcpy(path + strlen(dir), name, strlen(name) + 1);
    }
    return path;
}

static const struct acc_node *definition_of(const struct acc_create_job *job,
                                            const struct reference *ref,
                                            const struct acc_node *item)
{
    const char *source = acc_node_get_text(item, "source");

    if (source && job->api_config && strcmp(source, ACC_API_SOCKET_CONFIG) == 0) {
        return job->api_config;
    }
    return source ? acc_node_path(job->stack->project, ref->list, source, NULL) : NULL;
}

static bool is_copied(const struct acc_node *definition)
{
    return has_text(definition, "environment") || has_text(definition, "content");
}

static bool is_possible(struct acc_create_job *job, const struct reference *ref,
                        const struct acc_node *item, const struct acc_node *definition)
{
    const char *source = acc_node_get_text(item, "source");

    if (acc_node_true(acc_node_get(definition, "external"))) {
        acc_job_fail(job, -EINVAL, item->pos, "external %s '%s' is not supported by Docker Compose",
                     ref->what, source ? source : "");
        return false;
    }
    if (has_text(definition, "driver") || has_text(definition, "template_driver")) {
        acc_job_fail(job, -EINVAL, item->pos,
                     "%s '%s': drivers are not supported by Docker Compose", ref->what,
                     source ? source : "");
        return false;
    }
    return true;
}

static bool target_is_taken(const cJSON *mounts, const struct acc_node *volumes, const char *target)
{
    const cJSON *mount;

    acc_node_for_each(item, volumes)
    {
        const char *other = acc_node_get_text(item, "target");

        if (other && strcmp(other, target) == 0) {
            return true;
        }
    }
    cJSON_ArrayForEach(mount, mounts)
    {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(mount, "Target");

        if (cJSON_IsString(other) && strcmp(other->valuestring, target) == 0) {
            return true;
        }
    }
    return false;
}

static void put_references(struct acc_create_job *job, cJSON *mounts, const struct reference *ref)
{
    acc_node_for_each(item, acc_node_get(job->node, ref->list))
    {
        const struct acc_node *definition = definition_of(job, ref, item);

        if (!is_possible(job, ref, item, definition) || is_copied(definition)) {
            continue;
        }
        char *target = target_of(ref, item);

        job->put.failed = job->put.failed || !target;
        if (target && !target_is_taken(mounts, acc_node_get(job->node, "volumes"), target)) {
            cJSON *mount = put_mount(job, mounts, "bind", acc_node_get_text(definition, "file"),
                                     target, true);

            if (ref == &secrets) { /* without create: a missing secret is an error of the engine */
                (void)acc_put_object(&job->put, mount, "BindOptions");
            }
        }
        free(target);
        if (acc_node_get(item, "uid") || acc_node_get(item, "gid") || acc_node_get(item, "mode")) {
            acc_diags_warn(job->diags, item->pos,
                           "%s: uid, gid and mode of a %s from a file are ignored",
                           job->service->id, ref->what);
        }
    }
}

void acc_job_mounts(struct acc_create_job *job, cJSON *host)
{
    cJSON *binds = acc_put_array(&job->put, host, "Binds");
    cJSON *mounts = acc_put_array(&job->put, host, "Mounts");

    acc_node_for_each(item, acc_node_get(job->node, "volumes"))
    {
        const char *heir = is_unnamed(item) ? heir_at(job, item) : NULL;

        if (heir) {
            put_heir(job, mounts, heir);
        } else {
            put_volume(job, binds, mounts, item);
        }
    }
    put_heirs(job, mounts);
    put_references(job, mounts, &secrets);
    put_references(job, mounts, &configs);
    if (binds && cJSON_GetArraySize(binds) == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(host, "Binds");
    }
    if (mounts && cJSON_GetArraySize(mounts) == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(host, "Mounts");
    }
}

/* --- what is copied into the container --- */

static const char *content_of(struct acc_create_job *job, const struct reference *ref,
                              const struct acc_node *item, const struct acc_node *definition)
{
    const char *content = acc_node_get_text(definition, "content");
    const char *variable = acc_node_get_text(definition, "environment");
    const char *value = acc_node_get_text(definition, ACC_SPEC_VALUE_KEY);

    if (value || (content && *content) || !variable) {
        return value ? value : content;
    }
    content = job->ctx->variable ? job->ctx->variable(job->ctx->resolver, variable) : NULL;
    if (!content) {
        acc_job_fail(job, -EINVAL, item->pos, "environment variable '%s' of %s '%s' is not set",
                     variable, ref->what, acc_node_get_text(item, "source"));
    }
    return content;
}

static uint32_t mode_of(const struct acc_node *mode)
{
    if (!mode) {
        return 0444;
    }
    return mode->type == ACC_NODE_STRING ? (uint32_t)strtoul(mode->text, NULL, 8) & 07777u
                                         : (uint32_t)acc_node_whole(mode) & 07777u;
}

static int add_file(struct acc_create_job *job, const struct reference *ref,
                    const struct acc_node *item, struct acc_docker_create *create)
{
    const struct acc_node *definition = definition_of(job, ref, item);
    const char *content = is_copied(definition) ? content_of(job, ref, item, definition) : NULL;

    if (!content || !*content) {
        return 0;
    }
    if (acc_node_true(acc_node_get(job->node, "read_only"))) {
        acc_job_fail(job, -EINVAL, item->pos,
                     "%s '%s' can't be put into a read_only service; give it as a file", ref->what,
                     acc_node_get_text(item, "source"));
        return 0;
    }
    struct acc_docker_file *files = realloc(create->files,
                                            (create->n_files + 1) * sizeof(*create->files));

    if (!files) {
        return -ENOMEM;
    }
    create->files = files;
    files[create->n_files] = (struct acc_docker_file){
        .path = target_of(ref, item),
        .content = strdup(content),
        .content_len = strlen(content),
        .mode = mode_of(acc_node_get(item, "mode")),
        .uid = acc_node_whole(acc_node_get(item, "uid")),
        .gid = acc_node_whole(acc_node_get(item, "gid")),
    };
    create->n_files++;
    return files[create->n_files - 1].path && files[create->n_files - 1].content ? 0 : -ENOMEM;
}

int acc_job_files(struct acc_create_job *job, struct acc_docker_create *create)
{
    int r = 0;

    acc_node_for_each(item, acc_node_get(job->node, secrets.list))
    {
        r = r == 0 ? add_file(job, &secrets, item, create) : r;
    }
    acc_node_for_each(item, acc_node_get(job->node, configs.list))
    {
        r = r == 0 ? add_file(job, &configs, item, create) : r;
    }
    return r;
}
