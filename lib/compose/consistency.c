/* CONSISTENCY: compose-go's loader/validate.go, but for cycles, which lib/graph tells of all stacks
 * at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/compose/schema.h"
#include "lib/compose/tree.h"

struct checker {
    struct acc_compose_ctx *ctx;
    struct acc_node_index services, disabled, networks, volumes, secrets, configs, models;
};

#define SUGGESTIONS_MAX 512u /* names compared for "did you mean" */

static const char *nearest_name(const struct acc_node_index *index, const char *word)
{
    const char *names[SUGGESTIONS_MAX];
    size_t n = index->n < SUGGESTIONS_MAX ? index->n : SUGGESTIONS_MAX;

    for (size_t i = 0; i < n; i++) {
        names[i] = index->items[i]->key;
    }
    return acc_nearest(word, names, n);
}

static void complain_undefined(struct checker *c, struct acc_srcpos pos, const char *service,
                               const char *verb, const char *what, const char *name,
                               const struct acc_node_index *index)
{
    const char *near = c->ctx->diags->n < ACC_DIAGS_MAX ? nearest_name(index, name) : NULL;

    if (c->ctx->is_incomplete || strstr(name, "${") || acc_diags_has(c->ctx->diags, pos)) {
        return; /* it may be defined in what could not be included; the name isn't known; or told */
    }

    acc_diags_add(c->ctx->diags, pos, "service '%s' %s undefined %s '%s'%s%s%s", service, verb,
                  what, name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void check_image(struct checker *c, const struct acc_node *service)
{
    const struct acc_node *build = acc_node_get(service, "build");
    const struct acc_node *platforms = acc_node_get(build, "platforms");
    const struct acc_node *platform = acc_node_get(service, "platform");

    /* what it extends has gone, unless that failed and was told: its image may be there */
    if (!build && !acc_node_get(service, "image") && !acc_node_get(service, "provider") &&
        !acc_node_get(service, "extends")) {
        acc_diags_add(c->ctx->diags, acc_node_key_pos(service),
                      "service '%s' has neither an image nor a build context", service->key);
    }
    if (acc_node_get(build, "dockerfile") && acc_node_get(build, "dockerfile_inline")) {
        acc_diags_add(c->ctx->diags, acc_node_key_pos(build),
                      "service '%s': dockerfile and dockerfile_inline exclude each other",
                      service->key);
    }
    acc_node_for_each(context, acc_node_get(build, "additional_contexts"))
    {
        if (strncmp(context->text, "service:", 8) != 0) {
            continue;
        }
        const struct acc_node *target = acc_node_index_get(&c->services, context->text + 8);

        if (!target) {
            complain_undefined(c, context->pos, service->key, "takes as a build context the",
                               "service", context->text + 8, &c->services);
        } else if (!acc_node_get(target, "build") && !acc_diags_has(c->ctx->diags, target->pos)) {
            acc_diags_add(c->ctx->diags, context->pos,
                          "service '%s' takes service '%s' as a build context, but that is not "
                          "built",
                          service->key, target->key);
        }
    }
    if (!platform || !platforms || acc_diags_has(c->ctx->diags, platform->pos)) {
        return;
    }
    acc_node_for_each(item, platforms)
    {
        if (strcmp(item->text, platform->text) == 0) {
            return;
        }
    }
    acc_diags_add(c->ctx->diags, platforms->pos,
                  "service '%s': build.platforms must include the service's platform '%s'",
                  service->key, platform->text);
}

static void check_networks(struct checker *c, const struct acc_node *service)
{
    const struct acc_node *mode = acc_node_get(service, "network_mode");
    const struct acc_node *networks = acc_node_get(service, "networks");

    if (mode && networks) {
        acc_diags_add(c->ctx->diags, acc_node_key_pos(mode),
                      "service '%s': network_mode and networks exclude each other; keep one",
                      service->key);
    }
    acc_node_for_each(network, networks)
    {
        if (!acc_node_index_get(&c->networks, network->key)) {
            complain_undefined(c, acc_node_key_pos(network), service->key, "refers to", "network",
                               network->key, &c->networks);
        }
    }
    if (mode && strncmp(mode->text, "service:", 8) == 0 &&
        !acc_node_index_get(&c->services, mode->text + 8)) {
        complain_undefined(c, mode->pos, service->key, "uses the network of", "service",
                           mode->text + 8, &c->services);
    }
}

static void check_depends_on(struct checker *c, const struct acc_node *service)
{
    acc_node_for_each(dependency, acc_node_get(service, "depends_on"))
    {
        const struct acc_node *required = acc_node_get(dependency, "required");
        bool is_disabled = acc_node_index_get(&c->disabled, dependency->key) != NULL;

        if (acc_node_index_get(&c->services, dependency->key) ||
            (is_disabled && required && !required->boolean)) {
            continue;
        }
        if (is_disabled) {
            acc_diags_add(c->ctx->diags, acc_node_key_pos(dependency),
                          "service '%s' depends on undefined service '%s'; it is there, but none "
                          "of its profiles is enabled",
                          service->key, dependency->key);
        } else {
            complain_undefined(c, acc_node_key_pos(dependency), service->key, "depends on",
                               "service", dependency->key, &c->services);
        }
    }
}

static void check_references(struct checker *c, const struct acc_node *service)
{
    const struct {
        const struct acc_node *list;
        const struct acc_node_index *index;
        const char *what;
    } refs[] = {
        {acc_node_get(service, "configs"), &c->configs, "config"},
        {acc_node_get(service, "secrets"), &c->secrets, "secret"},
        {acc_node_path(service, "build", "secrets", NULL), &c->secrets, "build secret"},
    };

    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        acc_node_for_each(ref, refs[i].list)
        {
            const char *source = acc_node_get_text(ref, "source");

            source = source ? source : "";
            if (!acc_node_index_get(refs[i].index, source)) {
                complain_undefined(c, ref->pos, service->key, "refers to", refs[i].what, source,
                                   refs[i].index);
            }
        }
    }
    acc_node_for_each(model, acc_node_get(service, "models"))
    {
        if (!acc_node_index_get(&c->models, model->key)) {
            complain_undefined(c, acc_node_key_pos(model), service->key, "refers to", "model",
                               model->key, &c->models);
        }
    }
    acc_node_for_each(volume, acc_node_get(service, "volumes"))
    {
        const char *type = acc_node_get_text(volume, "type");
        const char *source = acc_node_get_text(volume, "source");

        if (type && source && strcmp(type, "volume") == 0 &&
            !acc_node_index_get(&c->volumes, source)) {
            complain_undefined(c, volume->pos, service->key, "refers to", "volume", source,
                               &c->volumes);
        }
    }
}

static void check_health(struct checker *c, const struct acc_node *service)
{
    const struct acc_node *test = acc_node_path(service, "healthcheck", "test", NULL);
    const struct acc_node *first = test ? test->first : NULL;

    if (first && strcmp(first->text, "CMD") != 0 && strcmp(first->text, "CMD-SHELL") != 0 &&
        strcmp(first->text, "NONE") != 0) {
        acc_diags_add(c->ctx->diags, first->pos,
                      "service '%s': healthcheck.test must start with CMD, CMD-SHELL or NONE, not "
                      "'%s'",
                      service->key, first->text);
    }
}

/* A limit that is given in both places must be the same in both (facts 3.11); an absent
 * deploy.resources.* does not count, an absent key in a present one does. */
static void check_limit(struct checker *c, const struct acc_node *service, const char *key,
                        const char *side, const char *deploy_key)
{
    const struct acc_node *value = acc_node_get(service, key);
    const struct acc_node *block = acc_node_path(service, "deploy", "resources", side, NULL);
    const struct acc_node *other = acc_node_get(block, deploy_key);

    if (other && acc_diags_has(c->ctx->diags, other->pos)) {
        return; /* nobody knows what it was to be */
    }
    if (value && block && (!other || strcmp(value->text, other->text) != 0)) {
        acc_diags_add(c->ctx->diags, value->pos,
                      "services.%s: '%s' and 'deploy.resources.%s.%s' must be the same, or one of "
                      "them left out",
                      service->key, key, side, deploy_key);
    }
}

/* deploy.replicas takes the value of scale, at its place in the struct. */
static void set_replicas(struct checker *c, struct acc_node *deploy, const struct acc_node *scale)
{
    struct acc_node *next = NULL;
    struct acc_node *replicas = acc_node_int(c->ctx->arena, scale->pos, scale->integer);
    struct acc_node *child = acc_tree_take_children(deploy);

    if (child && strcmp(child->key, "mode") != 0) {
        acc_tree_put(c->ctx, deploy, "replicas", replicas);
    }
    for (; child; child = next) {
        bool is_mode = strcmp(child->key, "mode") == 0;

        next = child->next;
        child->next = NULL;
        acc_node_put(deploy, child->key, acc_node_key_pos(child), child);
        if (is_mode) {
            acc_tree_put(c->ctx, deploy, "replicas", replicas);
        }
    }
}

static void check_scale(struct checker *c, const struct acc_node *service)
{
    const struct acc_node *scale = acc_node_get(service, "scale");
    struct acc_node *deploy = acc_node_get(service, "deploy");
    const struct acc_node *replicas = acc_node_get(deploy, "replicas");
    const struct acc_node *both = scale ? scale : replicas;
    const char *key = scale ? "scale" : "deploy.replicas";

    if (scale && replicas && scale->integer != replicas->integer) {
        acc_diags_add(c->ctx->diags, scale->pos,
                      "services.%s: 'scale' and 'deploy.replicas' differ; keep one", service->key);
    }
    if (scale && deploy && !replicas) {
        set_replicas(c, deploy, scale);
    }
    if (both && both->integer < 0) {
        acc_diags_add(c->ctx->diags, both->pos, "services.%s.%s: can't be negative", service->key,
                      key);
    }
    if (both && both->integer > (int64_t)ACC_REPLICAS_MAX) {
        acc_diags_add(c->ctx->diags, both->pos, "services.%s.%s: at most %u", service->key, key,
                      ACC_REPLICAS_MAX);
    }
    if (both && both->integer > 1 && acc_node_get(service, "container_name")) {
        acc_diags_add(c->ctx->diags, both->pos,
                      "services.%s: with a container_name there can be only one container; drop it "
                      "or %s",
                      service->key, key);
    }
}

static void check_watch(struct checker *c, const struct acc_node *service)
{
    acc_node_for_each(watch, acc_node_path(service, "develop", "watch", NULL))
    {
        const char *action = acc_node_get_text(watch, "action");

        if (!acc_node_get(watch, "target") && action && strcmp(action, "rebuild") != 0 &&
            strcmp(action, "restart") != 0) {
            acc_diags_add(c->ctx->diags, watch->pos,
                          "services.%s.develop.watch: action %s needs a target", service->key,
                          action);
        }
    }
}

struct mount {
    const char *target;
    size_t len;
    const char *section;
    uint32_t index;
    uint32_t order;
    struct acc_srcpos pos;
};

static int compare_mounts(const void *a, const void *b)
{
    const struct mount *x = a;
    const struct mount *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->target, y->target, len);

    if (order == 0 && x->len != y->len) {
        order = x->len < y->len ? -1 : 1;
    }
    return order ? order : x->order < y->order ? -1 : x->order > y->order;
}

static size_t collect_mounts(const struct acc_node *service, struct mount *mounts)
{
    size_t n = 0;
    uint32_t i = 0;

    acc_node_for_each(tmpfs, acc_node_get(service, "tmpfs"))
    {
        mounts[n] = (struct mount){
            tmpfs->text, strcspn(tmpfs->text, ":"), "tmpfs", i++, (uint32_t)n, tmpfs->pos};
        n++;
    }
    i = 0;
    acc_node_for_each(volume, acc_node_get(service, "volumes"))
    {
        const char *target = acc_node_get_text(volume, "target");

        target = target ? target : "";
        mounts[n] = (struct mount){target, strlen(target), "volumes",
                                   i++,    (uint32_t)n,    volume->pos};
        n++;
    }
    return n;
}

static int check_mounts(struct checker *c, const struct acc_node *service)
{
    const struct acc_node *tmpfs = acc_node_get(service, "tmpfs");
    const struct acc_node *volumes = acc_node_get(service, "volumes");
    struct mount *mounts = calloc((tmpfs ? tmpfs->n : 0u) + (volumes ? volumes->n : 0u) + 1u,
                                  sizeof(*mounts));
    size_t n;

    if (!mounts) {
        return -ENOMEM;
    }
    n = collect_mounts(service, mounts);
    qsort(mounts, n, sizeof(*mounts), compare_mounts);
    for (size_t i = 1; i < n; i++) {
        const struct mount *a = &mounts[i - 1];
        const struct mount *b = &mounts[i];

        if (a->len == b->len && memcmp(a->target, b->target, a->len) == 0) {
            acc_diags_add(c->ctx->diags, b->pos,
                          "services.%s.%s[%u]: target %.*s already mounted as services.%s.%s[%u]",
                          service->key, b->section, b->index, (int)b->len, b->target, service->key,
                          a->section, a->index);
        }
    }
    free(mounts);
    return 0;
}

static int check_service(struct checker *c, const struct acc_node *service)
{
    struct acc_path top = {NULL, "services", 0};
    struct acc_path path = {&top, service->key, 0};

    acc_schema_refuse_later(&acc_schema_service, service, &path, c->ctx->request->is_inspection,
                            c->ctx->diags);
    check_image(c, service);
    check_networks(c, service);
    check_health(c, service);
    check_depends_on(c, service);
    check_references(c, service);
    check_scale(c, service);
    check_limit(c, service, "cpus", "limits", "cpus");
    check_limit(c, service, "mem_limit", "limits", "memory");
    check_limit(c, service, "mem_reservation", "reservations", "memory");
    check_limit(c, service, "pids_limit", "limits", "pids");
    check_watch(c, service);
    return check_mounts(c, service);
}

static int compare_container_names(const void *a, const void *b)
{
    const struct acc_node *x = *(struct acc_node *const *)a;
    const struct acc_node *y = *(struct acc_node *const *)b;
    int order = strcmp(acc_node_get_text(x, "container_name"),
                       acc_node_get_text(y, "container_name"));

    return order ? order : strcmp(x->key, y->key);
}

static int check_container_names(struct checker *c)
{
    struct acc_node **named = calloc(c->services.n + 1, sizeof(struct acc_node *));
    size_t n = 0;

    if (!named) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < c->services.n; i++) {
        if (acc_node_get_text(c->services.items[i], "container_name")) {
            named[n++] = c->services.items[i];
        }
    }
    qsort(named, n, sizeof(struct acc_node *), compare_container_names);
    for (size_t i = 1; i < n; i++) {
        const struct acc_node *name = acc_node_get(named[i], "container_name");

        if (strcmp(name->text, acc_node_get_text(named[i - 1], "container_name")) == 0) {
            acc_diags_add(c->ctx->diags, name->pos,
                          "services.%s: container_name '%s' is already in use by services.%s",
                          named[i]->key, name->text, named[i - 1]->key);
        }
    }
    free(named);
    return 0;
}

static void check_secrets(struct checker *c)
{
    for (size_t i = 0; i < c->secrets.n; i++) {
        const struct acc_node *secret = c->secrets.items[i];

        if (!acc_node_get(secret, "external") && !acc_node_get(secret, "file") &&
            !acc_node_get(secret, "environment")) {
            acc_diags_add(c->ctx->diags, secret->pos,
                          "secret '%s' must have either file or environment", secret->key);
        }
    }
}

int acc_compose_consistency(struct acc_compose_ctx *ctx, struct acc_node *project)
{
    struct checker c = {.ctx = ctx};
    size_t n_errors = ctx->diags->n_errors;
    int r = 0;

    if (acc_node_index_init(&c.services, ctx->arena, acc_node_get(project, "services")) < 0 ||
        acc_node_index_init(&c.disabled, ctx->arena, ctx->disabled) < 0 ||
        acc_node_index_init(&c.networks, ctx->arena, acc_node_get(project, "networks")) < 0 ||
        acc_node_index_init(&c.volumes, ctx->arena, acc_node_get(project, "volumes")) < 0 ||
        acc_node_index_init(&c.secrets, ctx->arena, acc_node_get(project, "secrets")) < 0 ||
        acc_node_index_init(&c.models, ctx->arena, acc_node_get(project, "models")) < 0 ||
        acc_node_index_init(&c.configs, ctx->arena, acc_node_get(project, "configs")) < 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < c.services.n && r == 0; i++) {
        r = check_service(&c, c.services.items[i]);
    }
    check_secrets(&c);
    r = r < 0 ? r : check_container_names(&c);
    if (r < 0) {
        return r;
    }
    return ctx->diags->n_errors > n_errors ? -EINVAL : 0;
}
