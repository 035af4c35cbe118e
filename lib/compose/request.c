/* Beginning and ending a load: the request is copied, files come in by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compose/hash_table.h"
#include "lib/compose/load.h"

/* The request and the names of files: bounded by the command line and by FILES_MAX. */
#define REQUEST_BYTES_MAX (16u * 1024u * 1024u)

struct acc_supplied {
    const char *path;
    char *text; /* owned */
    size_t len;
    int error;
    bool is_here;
    bool is_lost; /* uthash had no memory for it */
    UT_hash_handle hh;
};

static const char *const *copy_list(struct acc_arena *arena, const char *const *list, size_t n)
{
    const char **copy = acc_arena_alloc(arena, (n + 1) * sizeof(*copy));

    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = acc_arena_strdup(arena, list[i]);
    }
    return copy;
}

static const char *copy_text(struct acc_arena *arena, const char *text)
{
    return text ? acc_arena_strdup(arena, text) : NULL;
}

static int copy_request(struct acc_compose_loader *loader,
                        const struct acc_compose_request *request)
{
    struct acc_arena *arena = loader->arena;
    struct acc_compose_request *own = &loader->request;
    struct acc_timing *timing = NULL;

    *own = *request;
    own->files = copy_list(arena, request->files, request->n_files);
    own->project_dir = copy_text(arena, request->project_dir);
    own->project_name = copy_text(arena, request->project_name);
    own->env_files = copy_list(arena, request->env_files, request->n_env_files);
    own->environment = copy_list(arena, request->environment, request->n_environment);
    own->profiles = copy_list(arena, request->profiles, request->n_profiles);
    own->phase = copy_text(arena, request->phase);
    if (request->x_acc_defaults) {
        own->x_acc_defaults = acc_load_compact(arena, request->x_acc_defaults);
    }
    if (request->timing) {
        timing = acc_arena_alloc(arena, sizeof(*timing));
        if (timing) {
            *timing = *request->timing;
        }
        own->timing = timing;
    }
    loader->needs = acc_arena_alloc(arena, ACC_COMPOSE_FILES_MAX * sizeof(*loader->needs));
    return acc_arena_failed(arena) ? -ENOMEM : 0;
}

int acc_compose_begin(const struct acc_compose_request *request,
                      struct acc_compose_loader **ret_loader)
{
    struct acc_compose_loader *loader = calloc(1, sizeof(*loader));

    if (!loader) {
        return -ENOMEM;
    }
    if (acc_arena_create(REQUEST_BYTES_MAX, &loader->arena) < 0 ||
        copy_request(loader, request) < 0) {
        (void)acc_compose_end(loader);
        return -ENOMEM;
    }
    *ret_loader = loader;
    return 0;
}

struct acc_compose_loader *acc_compose_end(struct acc_compose_loader *loader)
{
    if (!loader) {
        return NULL;
    }
    for (struct acc_supplied *file = loader->files; file; file = file->hh.next) {
        free(file->text); /* the entry itself is the arena's */
    }
    HASH_CLEAR(hh, loader->files);
    acc_load_drop(loader);
    (void)acc_arena_destroy(loader->arena);
    free(loader);
    return NULL;
}

static struct acc_supplied *find(const struct acc_compose_loader *loader, const char *path)
{
    struct acc_supplied *file = NULL;

    HASH_FIND_STR(loader->files, path, file);
    return file;
}

static struct acc_supplied *find_or_add(struct acc_compose_loader *loader, const char *path)
{
    struct acc_supplied *file = find(loader, path);

    if (file) {
        return file;
    }
    file = acc_arena_alloc(loader->arena, sizeof(*file));
    if (!file) {
        return NULL;
    }
    file->path = acc_arena_strdup(loader->arena, path);
    if (!file->path) {
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, loader->files, file->path, strlen(file->path), file);
    return file->is_lost ? NULL : file;
}

const char *acc_compose_project_name(const struct acc_compose_loader *loader)
{
    return loader->name ? loader->name : "";
}

size_t acc_compose_n_needs(const struct acc_compose_loader *loader)
{
    return loader->n_needs;
}

const char *acc_compose_need(const struct acc_compose_loader *loader, size_t i)
{
    return i < loader->n_needs ? loader->needs[i] : NULL;
}

int acc_compose_supply(struct acc_compose_loader *loader, const char *path, const char *text,
                       size_t text_len, int error)
{
    struct acc_supplied *file = find_or_add(loader, path);
    bool is_too_large = text && text_len > ACC_COMPOSE_FILE_MAX;

    if (!file) {
        return -ENOMEM;
    }
    free(file->text);
    file->text = NULL;
    file->is_here = true;
    file->error = is_too_large ? EFBIG : (error ? error : EIO);
    if (!text || is_too_large) {
        return 0;
    }
    file->text = malloc(text_len + 1);
    if (!file->text) {
        file->is_here = false;
        return -ENOMEM;
    }
    memcpy(file->text, text, text_len);
    file->text[text_len] = '\0';
    file->len = text_len;
    file->error = 0;
    return 0;
}

void acc_load_forget_texts(struct acc_compose_loader *loader)
{
    for (struct acc_supplied *file = loader->files; file; file = file->hh.next) {
        if (file->text) {
            free(file->text);
            file->text = NULL;
            file->is_here = false;
        }
    }
}

bool acc_load_want(struct acc_compose_loader *loader, const char *path, struct acc_text *ret_text)
{
    struct acc_supplied *file = find_or_add(loader, path);

    if (file && file->is_here) {
        *ret_text = (struct acc_text){file->text, file->len, file->error};
        return true;
    }
    if (!file) { /* the arena of the request is full: as good as unreadable */
        *ret_text = (struct acc_text){NULL, 0, ENOMEM};
        return true;
    }
    if (HASH_COUNT(loader->files) > ACC_COMPOSE_FILES_MAX) {
        *ret_text = (struct acc_text){NULL, 0, EMFILE};
        return true;
    }
    for (size_t i = 0; i < loader->n_needs; i++) {
        if (loader->needs[i] == file->path) {
            return false;
        }
    }
    loader->needs[loader->n_needs++] = file->path;
    return false;
}

const char *acc_load_error_name(int error)
{
    const char *name = strerrordesc_np(error);

    if (error == EFBIG) {
        return "larger than 16 MiB";
    }
    if (error == ETIMEDOUT) {
        return "nothing came out of it within 10 s; it is no file";
    }
    if (error == EISDIR) {
        return "it is a folder; name the file in it";
    }
    if (error == EMFILE) {
        return "the project pulls in more than 1000 files";
    }
    return name ? name : "it cannot be read";
}
