#include "load/load.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/graph/graph.h"
#include "load/lacking.h"

extern char **environ;

#define READ_CHUNK 65536u
/* For a pipe or device that stands in a file's place; files never wait. */
#define READ_WAIT_MS 10000

/* Something to read, or the end. 0, or a positive errno. */
static int wait_for(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int n = poll(&poller, 1, READ_WAIT_MS);

    if (n == 0) {
        return ETIMEDOUT;
    }
    return n < 0 && errno != EINTR ? errno : 0;
}

/* 0, also at the end with `*ret_n` 0; or a positive errno. */
static int read_chunk(int fd, char *chunk, size_t *ret_n)
{
    for (;;) {
        ssize_t n = read(fd, chunk, READ_CHUNK);

        if (n >= 0) {
            *ret_n = (size_t)n;
            return 0;
        }
        int error = errno == EAGAIN ? wait_for(fd) : errno;

        if (error && error != EINTR) {
            return error; /* EISDIR shows here */
        }
    }
}

/* The whole file; `buf` is initialised by the caller with the cap. 0, or a positive errno. */
static int read_file(const char *path, struct acc_buf *buf)
{
    /* Without blocking: a pipe that nobody writes to would keep accd from its work for ever. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char *chunk = fd >= 0 ? malloc(READ_CHUNK) : NULL;
    int error = fd < 0 ? errno : chunk ? 0 : ENOMEM;
    size_t n = 1;

    while (error == 0 && n > 0) {
        error = read_chunk(fd, chunk, &n);
        if (error == 0 && n > 0 && acc_buf_append(buf, chunk, n) < 0) {
            error = EFBIG;
        }
    }
    free(chunk);
    if (fd >= 0) {
        (void)close(fd);
    }
    return error;
}

static int supply(struct acc_compose_loader *loader, const char *path)
{
    struct acc_buf buf;

    acc_buf_init(&buf, ACC_COMPOSE_FILE_MAX);
    int error = read_file(path, &buf);
    int r = acc_compose_supply(loader, path, error ? NULL : (buf.data ? buf.data : ""), buf.len,
                               error);

    acc_buf_fini(&buf);
    return r;
}

/* `*ret_name` is the caller's to free; NULL: no memory. */
static int load_request(const struct acc_compose_request *request, struct acc_stack **ret_stack,
                        char **ret_name, struct acc_diags *diags)
{
    struct acc_compose_loader *loader = NULL;
    int r = acc_compose_begin(request, &loader);

    while (r == 0) {
        r = acc_compose_load(loader, ret_stack, diags);
        if (r != ACC_COMPOSE_NEED) {
            break;
        }
        r = 0;
        for (size_t i = 0; i < acc_compose_n_needs(loader) && r == 0; i++) {
            r = supply(loader, acc_compose_need(loader, i));
        }
    }
    *ret_name = loader ? strdup(acc_compose_project_name(loader)) : NULL;
    acc_compose_end(loader);
    return r;
}

static size_t count_environment(void)
{
    size_t n = 0;

    while (environ && environ[n]) {
        n++;
    }
    return n;
}

/* Absolute paths of one stack's files. */
struct paths {
    char **item;
    size_t n;
};

static void paths_fini(struct paths *paths)
{
    for (size_t i = 0; i < paths->n; i++) {
        free(paths->item[i]);
    }
    free(paths->item);
    *paths = (struct paths){0};
}

/* `path` as it is when absolute, else below `base`. */
static int paths_add(struct paths *paths, const char *base, const char *path)
{
    char **item = realloc(paths->item, (paths->n + 1) * sizeof(*item));
    size_t size = strlen(base) + strlen(path) + 2;

    if (!item) {
        return -ENOMEM;
    }
    paths->item = item;
    char *absolute = malloc(size);

    if (!absolute) {
        return -ENOMEM;
    }
    if (path[0] == '/') {
        memcpy(absolute, path, strlen(path) + 1);
    } else {
        if (strncmp(path, "./", 2) == 0) {
            path += 2;
        }
        (void)snprintf(absolute, size, "%s/%s", strcmp(base, "/") == 0 ? "" : base, path);
    }
    paths->item[paths->n++] = absolute;
    return 0;
}

static int paths_add_all(struct paths *paths, const char *base, const char *const *list, size_t n)
{
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        r = paths_add(paths, base, list[i]);
    }
    return r;
}

/* Where a file lies: everything before the last slash of an absolute path. */
static void folder_of(const char *path, char *out, size_t out_size)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash && slash > path ? (size_t)(slash - path) : 1;

    (void)snprintf(out, out_size, "%.*s", (int)len, path);
}

/* Stacks under construction. */
struct stacks {
    struct acc_stack **item;
    size_t n;
    bool find_all;
    bool is_inspection;
    bool must_match, may_miss;
    bool is_partial; /* one could not even be made to be looked at, or is alone on purpose */
    struct acc_lacking *lacking; /* what is left out goes here; NULL: nothing may be */
};

static int stacks_add(struct stacks *stacks, const struct acc_compose_request *request,
                      struct acc_diags *diags)
{
    struct acc_stack **item = realloc(stacks->item, (stacks->n + 1) * sizeof(struct acc_stack *));
    struct acc_diags *own = calloc(1, sizeof(*own));
    char *name = NULL;
    int r = -ENOMEM;

    if (item) {
        stacks->item = item;
    }
    if (item && own) {
        item[stacks->n] = NULL;
        r = load_request(request, &item[stacks->n], &name, own);
        if (r == -EINVAL && stacks->lacking) {
            item[stacks->n] = acc_stack_destroy(item[stacks->n]);
            r = name ? acc_lacking_add(stacks->lacking, name, request->files[0], own) : -ENOMEM;
        } else {
            acc_load_add_diags(diags, own);
        }
        stacks->is_partial |= !item[stacks->n];
        stacks->n += item[stacks->n] != NULL;
    }
    free(name);
    free(own);
    return r;
}

static int load_entry(struct stacks *stacks, const struct acc_config *config,
                      const struct acc_config_stack *entry, const struct paths *files,
                      const struct paths *env_files, struct acc_diags *diags)
{
    struct acc_compose_request request = {
        .files = (const char *const *)files->item,
        .n_files = files->n,
        .project_name = entry->name,
        .env_files = (const char *const *)env_files->item,
        .n_env_files = env_files->n,
        .environment = (const char *const *)environ,
        .n_environment = count_environment(),
        .x_acc_defaults = config->defaults,
        .timing = &config->timing,
        .phase = entry->phase,
        .is_inspection = stacks->is_inspection,
        .find_all = stacks->find_all,
    };

    return stacks_add(stacks, &request, diags);
}

/* A folder that isn't there holds no match; one that can't be read might. */
static int on_glob_error(const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

/* Each match of the pattern is a stack of its own. */
static int load_glob(struct stacks *stacks, const struct acc_config *config,
                     const struct acc_config_stack *entry, const char *pattern,
                     const struct paths *env_files, struct acc_diags *diags)
{
    glob_t found;
    int r = glob(pattern, 0, on_glob_error, &found);
    int result = 0;

    if (r == GLOB_NOMATCH) {
        globfree(&found);
        if (!stacks->must_match) {
            acc_diags_warn(diags, entry->pos, "stacks: no file matches %s", pattern);
            stacks->is_partial |= stacks->may_miss;
            return 0;
        }
        acc_diags_add(diags, entry->pos,
                      "stacks: no file matches %s: is the path wrong, or its disk not mounted?",
                      pattern);
        stacks->is_partial = true;
        return -EINVAL;
    }
    if (r == GLOB_ABORTED && stacks->may_miss) {
        acc_diags_warn(diags, entry->pos,
                       "stacks: can't search %s, a folder of it can't be read: its stacks are left "
                       "as they are",
                       pattern);
        globfree(&found);
        stacks->is_partial = true;
        return 0;
    }
    if (r != 0) {
        acc_diags_add(diags, entry->pos, "stacks: can't search %s: %s", pattern,
                      r == GLOB_NOSPACE ? "out of memory" : "no right to read a folder of it");
        globfree(&found);
        stacks->is_partial = true;
        return r == GLOB_NOSPACE ? -ENOMEM : -EINVAL;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct paths one = {.item = &found.gl_pathv[i], .n = 1};
        int each = load_entry(stacks, config, entry, &one, env_files, diags);

        result = each < 0 && result != -ENOMEM ? each : result;
    }
    globfree(&found);
    return result;
}

/* At a start the rest of the house is worth more than this stack. */
static bool is_left_out(struct stacks *stacks, const struct acc_config_stack *entry,
                        const char *path, struct acc_diags *diags)
{
    if (!stacks->may_miss || access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
        return false;
    }
    acc_diags_warn(diags, entry->pos, "stacks: there is no %s: its stack is left as it is", path);
    stacks->is_partial = true;
    return true;
}

static int load_config_stack(struct stacks *stacks, const struct acc_config *config,
                             const struct acc_config_stack *entry, const char *base,
                             struct acc_diags *diags)
{
    struct paths files = {0};
    struct paths env_files = {0};
    int r = paths_add_all(&files, base, (const char *const *)entry->files, entry->n_files);

    if (r == 0) {
        r = paths_add_all(&env_files, base, (const char *const *)entry->env_files,
                          entry->n_env_files);
    }
    if (r == 0 && (entry->is_glob || !is_left_out(stacks, entry, files.item[0], diags))) {
        r = entry->is_glob ? load_glob(stacks, config, entry, files.item[0], &env_files, diags)
                           : load_entry(stacks, config, entry, &files, &env_files, diags);
    }
    paths_fini(&files);
    paths_fini(&env_files);
    return r;
}

static int load_config_file(const char *path, const char *hint, struct acc_config **ret_config,
                            struct acc_diags *diags)
{
    struct acc_buf buf;
    int r;

    acc_buf_init(&buf, ACC_COMPOSE_FILE_MAX);
    int error = read_file(path, &buf);

    if (error) {
        acc_diags_add(diags, (struct acc_srcpos){.file = path}, "%s%s%s", strerror(error),
                      error == ENOENT && hint ? "; " : "", error == ENOENT && hint ? hint : "");
        r = -EINVAL;
    } else {
        r = acc_config_parse(path, buf.data ? buf.data : "", buf.len, ret_config, diags);
    }
    acc_buf_fini(&buf);
    return r;
}

/* All stacks of acc.yaml, or as many as can be loaded: all problems are told at once. */
static int load_all(const char *path, const char *hint, struct stacks *stacks,
                    struct acc_config **ret_config, struct acc_diags *diags)
{
    char base[PATH_MAX];
    int r = load_config_file(path, hint, ret_config, diags);

    if (r < 0 && (!*ret_config || !stacks->find_all)) {
        return r;
    }
    stacks->is_partial |= r < 0; /* an entry that is wrong names a stack that may be needed */
    folder_of(path, base, sizeof(base));
    for (size_t i = 0; i < (*ret_config)->n_stacks; i++) {
        int each = load_config_stack(stacks, *ret_config, &(*ret_config)->stacks[i], base, diags);

        r = each < 0 && r != -ENOMEM ? each : r;
    }
    return r;
}

/* The request of a stack of `files`, which may be relative; `load` gets it. */
static int with_request(const struct acc_load_options *options, const char *const *files,
                        size_t n_files,
                        int (*load)(void *ctx, const struct acc_compose_request *request,
                                    struct acc_diags *diags),
                        void *ctx, struct acc_diags *diags)
{
    char cwd[PATH_MAX];
    struct paths paths = {0};
    struct paths env_files = {0};
    struct paths dir = {0};
    int r;

    if (!getcwd(cwd, sizeof(cwd))) {
        (void)snprintf(cwd, sizeof(cwd), "/");
    }
    r = paths_add_all(&paths, cwd, files, n_files);
    r = r < 0 ? r : paths_add_all(&env_files, cwd, options->env_files, options->n_env_files);
    r = r < 0 || !options->project_dir ? r : paths_add(&dir, cwd, options->project_dir);
    if (r == 0) {
        struct acc_compose_request request = {
            .files = (const char *const *)paths.item,
            .n_files = paths.n,
            .project_dir = dir.n > 0 ? dir.item[0] : NULL,
            .project_name = options->project,
            .env_files = (const char *const *)env_files.item,
            .n_env_files = env_files.n,
            .profiles = options->profiles,
            .n_profiles = options->n_profiles,
            .is_inspection = options->is_inspection,
            .find_all = options->find_all,
            .environment = (const char *const *)environ,
            .n_environment = count_environment(),
        };

        r = load(ctx, &request, diags);
    }
    paths_fini(&paths);
    paths_fini(&env_files);
    paths_fini(&dir);
    return r;
}

static int add_one(void *ctx, const struct acc_compose_request *request, struct acc_diags *diags)
{
    struct stacks *stacks = ctx;

    return stacks_add(stacks, request, diags);
}

static int load_files(const struct acc_load_options *options, struct stacks *stacks,
                      struct acc_diags *diags)
{
    size_t n = options->is_apart ? 1 : options->n_files;
    int r = 0;

    for (size_t i = 0; i < options->n_files; i += n) {
        int each = with_request(options, options->files + i, n, add_one, stacks, diags);

        r = each < 0 && r != -ENOMEM ? each : r;
    }
    return r;
}

/* The stacks go into the model, or are only looked at together. */
static int join(struct stacks *stacks, int r, struct acc_model **ret_model, struct acc_diags *diags)
{
    /* What a stack needs of those that aren't there can't be checked. */
    for (size_t i = 0; stacks->is_partial && i < stacks->n && r != -ENOMEM; i++) {
        int each = acc_stack_detach(stacks->item[i], stacks->item, stacks->n, stacks->may_miss);

        r = each < 0 ? each : r;
    }
    if (r == 0 || (r == -EINVAL && stacks->find_all && stacks->n > 0)) {
        acc_diags_settle(diags);
        int joined = acc_model_join(stacks->item, stacks->n, ret_model, diags);

        if (joined == 0 && r < 0) {
            *ret_model = acc_model_destroy(*ret_model);
        }
        r = joined < 0 ? joined : r;
    } else {
        for (size_t i = 0; i < stacks->n; i++) {
            acc_stack_destroy(stacks->item[i]);
        }
    }
    free(stacks->item);
    return r;
}

/* The absolute path of acc.yaml, as the only one of `ret_path`. */
static int add_config_path(const struct acc_load_options *options, struct paths *ret_path)
{
    char cwd[PATH_MAX];

    if (!getcwd(cwd, sizeof(cwd))) {
        (void)snprintf(cwd, sizeof(cwd), "/");
    }
    return paths_add(ret_path, cwd, options->config);
}

/* `*ret_between`: where in `diags` begins what is wrong between stacks that are fine each; what
 * `diags` has when they are not. */
static int load_once(const struct acc_load_options *options, struct acc_lacking *lacking,
                     struct acc_loaded *ret_loaded, size_t *ret_between, struct acc_diags *diags)
{
    struct stacks stacks = {.find_all = options->find_all,
                            .is_inspection = options->is_inspection,
                            .must_match = options->must_match,
                            .may_miss = options->may_miss,
                            .lacking = lacking};
    struct acc_config *config = NULL;
    struct acc_model *model = NULL;
    struct paths path = {0};
    int r;

    if (options->n_files > 0) {
        r = load_files(options, &stacks, diags);
    } else {
        r = add_config_path(options, &path);
        if (r == 0) {
            r = load_all(path.item[0], options->hint, &stacks, &config, diags);
        }
    }
    stacks.is_partial |= r < 0 && options->n_files == 0 && !config;
    stacks.is_partial |= options->is_inspection;
    if (r == 0 && lacking) {
        size_t n = stacks.n;

        r = acc_lacking_sort_out(lacking, stacks.item, &stacks.n);
        stacks.is_partial |= stacks.n < n;
    }
    *ret_between = r == 0 ? diags->n : ACC_DIAGS_MAX;
    r = join(&stacks, r, &model, diags);
    if (r == 0 && config) {
        model->timing = config->timing;
        model->has_timing = true;
        r = acc_model_set_phases(model, config->phases, config->n_phases, diags);
    }
    paths_fini(&path);
    if (r < 0) {
        acc_model_destroy(model);
        acc_config_destroy(config);
        return r;
    }
    *ret_loaded = (struct acc_loaded){.config = config, .model = model};
    return 0;
}

/* As often as others have to be left out. */
static int load_what_loads(const struct acc_load_options *options, struct acc_lacking *lacking,
                           struct acc_loaded *ret_loaded, struct acc_diags *diags)
{
    bool goes_on = true;
    size_t n_before = 0, between;
    int r = 0;

    for (bool is_first = true; goes_on; is_first = false) {
        n_before = lacking->n;
        *diags = (struct acc_diags){0};
        r = load_once(options, lacking, ret_loaded, &between, diags);
        goes_on = r == -EINVAL && (is_first || lacking->n > n_before) &&
                  acc_lacking_blame(lacking, diags, between);
    }
    if (r == 0) {
        ret_loaded->unloaded = lacking->item;
        ret_loaded->n_unloaded = lacking->n;
        lacking->item = NULL;
        lacking->n = 0;
    }
    acc_load_add_diags(diags, &lacking->diags);
    return r;
}

int acc_load(const struct acc_load_options *options, struct acc_loaded *ret_loaded,
             struct acc_diags *diags)
{
    bool may_fail = options->may_fail && options->n_files == 0;
    struct acc_lacking *lacking = may_fail ? acc_lacking_create() : NULL;
    size_t between;
    int r = -ENOMEM;

    if (lacking) {
        r = load_what_loads(options, lacking, ret_loaded, diags);
    } else if (!may_fail) {
        r = load_once(options, NULL, ret_loaded, &between, diags);
    }
    acc_lacking_destroy(lacking);
    if (options->find_all) {
        acc_diags_sort(diags);
    }
    return r;
}

void acc_loaded_fini(struct acc_loaded *loaded)
{
    acc_model_destroy(loaded->model);
    acc_config_destroy(loaded->config);
    acc_unloaded_free(loaded->unloaded, loaded->n_unloaded);
    *loaded = (struct acc_loaded){0};
}

/* `entry`: a pattern, or the first file. */
static bool is_file_of_entry(const char *file, const char *entry)
{
    return strcmp(entry, file) == 0 || fnmatch(entry, file, FNM_PATHNAME | FNM_PERIOD) == 0;
}

static bool is_of_entry(const struct acc_stack *stack, const char *entry)
{
    return stack->n_files > 0 && is_file_of_entry(stack->files[0], entry);
}

/* How many stacks have a file that the pattern matches; the name of one. */
static size_t count_matching(const struct acc_model *model, const char *pattern,
                             const char **ret_name)
{
    size_t n = 0;

    for (size_t i = 0; i < model->n_stacks; i++) {
        const struct acc_stack *stack = model->stacks[i];

        if (is_of_entry(stack, pattern)) {
            *ret_name = stack->name;
            n++;
        }
    }
    return n;
}

static bool has_unloaded(const struct acc_loaded *loaded, const char *entry)
{
    for (size_t i = 0; i < loaded->n_unloaded; i++) {
        if (is_file_of_entry(loaded->unloaded[i].file, entry)) {
            return true;
        }
    }
    return false;
}

size_t acc_load_unmatched(const struct acc_load_options *options, const struct acc_loaded *loaded,
                          char ***ret_patterns)
{
    const struct acc_config *config = loaded->config;
    struct paths path = {0}, patterns = {0};
    char base[PATH_MAX];
    const char *name;

    if (config && add_config_path(options, &path) == 0) {
        folder_of(path.item[0], base, sizeof(base));
        for (size_t i = 0; i < config->n_stacks; i++) {
            if (paths_add(&patterns, base, config->stacks[i].files[0]) == 0 &&
                (count_matching(loaded->model, patterns.item[patterns.n - 1], &name) > 0 ||
                 has_unloaded(loaded, patterns.item[patterns.n - 1]))) {
                free(patterns.item[--patterns.n]);
            }
        }
    }
    paths_fini(&path);
    *ret_patterns = patterns.item;
    return patterns.n;
}

/* Of `pattern`, which matches nothing, any more or at all. `was`: the entry that named `n` stacks,
 * one of them `name`, and that it stands in the place of. */
static void tell_accident(const struct acc_config_stack *entry, const char *pattern, size_t n,
                          const char *name, const char *was, struct acc_diags *diags)
{
    bool is_same = strcmp(pattern, was) == 0;
    char more[32] = "";

    if (n > 1) {
        (void)snprintf(more, sizeof(more), " and %zu more", n - 1);
    }
    acc_diags_add(diags, entry->pos,
                  "stacks: no file matches %s%s, and stack %s%s of %s%s run%s: is %sits disk not "
                  "mounted? To stop %s, take this entry out",
                  pattern, is_same ? " any more" : "", name, more, is_same ? "it" : was,
                  is_same ? "" : ", which isn't there any more,", n == 1 ? "s" : "",
                  is_same ? "" : "this path wrong, or ", n == 1 ? "it" : "them");
}

/* Absolute patterns, or first files, of the entries of an acc.yaml. */
static int entries_of(const struct acc_config *config, const char *base, struct paths *ret_paths)
{
    int r = 0;

    for (size_t i = 0; config && i < config->n_stacks && r == 0; i++) {
        r = paths_add(ret_paths, base, config->stacks[i].files[0]);
    }
    return r;
}

static bool has_path(const struct paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->n; i++) {
        if (strcmp(paths->item[i], path) == 0) {
            return true;
        }
    }
    return false;
}

/* Stacks of the entry that run, and that no file is there of any more; the name of one. */
static size_t count_gone(const struct acc_model *running, const struct acc_model *model,
                         const char *entry, const char **ret_name)
{
    size_t n = 0;

    for (size_t i = 0; i < running->n_stacks; i++) {
        const struct acc_stack *stack = running->stacks[i];

        if (is_of_entry(stack, entry) && acc_model_find_stack(model, stack->name) == ACC_NONE) {
            *ret_name = stack->name;
            n++;
        }
    }
    return n;
}

/* A pattern that matches nothing: did it before, or does it stand in the place of an entry that
 * did? 1: so it is. */
static size_t add_accident(const struct acc_config_stack *entry, const char *pattern,
                           const struct paths *before, const struct paths *now,
                           const struct acc_model *running, const struct acc_model *model,
                           struct acc_diags *diags)
{
    const char *name = NULL;
    size_t n = count_matching(running, pattern, &name);

    if (n > 0) {
        tell_accident(entry, pattern, n, name, pattern, diags);
        return 1;
    }
    for (size_t i = 0; i < before->n && !has_path(before, pattern); i++) {
        n = has_path(now, before->item[i]) ? 0 : count_gone(running, model, before->item[i], &name);
        if (n > 0) {
            tell_accident(entry, pattern, n, name, before->item[i], diags);
            return 1;
        }
    }
    return 0;
}

static size_t add_accidents(const char *base, const struct acc_loaded *running,
                            const struct acc_loaded *loaded, struct acc_diags *diags)
{
    const struct acc_config *config = loaded->config;
    struct paths before = {0}, now = {0};
    const char *name;
    size_t n = 0;

    if (entries_of(running->config, base, &before) == 0 && entries_of(config, base, &now) == 0) {
        for (size_t i = 0; i < config->n_stacks; i++) {
            if (config->stacks[i].is_glob &&
                count_matching(loaded->model, now.item[i], &name) == 0) {
                n += add_accident(&config->stacks[i], now.item[i], &before, &now, running->model,
                                  loaded->model, diags);
            }
        }
    }
    paths_fini(&before);
    paths_fini(&now);
    return n;
}

size_t acc_load_accidents(const struct acc_load_options *options, const struct acc_loaded *running,
                          const struct acc_loaded *loaded, struct acc_diags *diags)
{
    size_t n_stacks = running->model->n_stacks;
    struct paths path = {0};
    char base[PATH_MAX];
    size_t n = 0;

    if (!loaded->config || n_stacks == 0 || add_config_path(options, &path) < 0) {
        paths_fini(&path);
        return 0;
    }
    folder_of(path.item[0], base, sizeof(base));
    if (!acc_node_get(loaded->config->root, "stacks")) {
        acc_diags_add(diags, (struct acc_srcpos){path.item[0], 0, 0},
                      "names no stacks, and %zu run%s; to stop all of them, write \"stacks: []\"",
                      n_stacks, n_stacks == 1 ? "s" : "");
        n++;
    }
    n += add_accidents(base, running, loaded, diags);
    paths_fini(&path);
    return n;
}
