#include "lib/model/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/model/node.h"

struct list {
    char *out;
    size_t size, len;
};

static void add(struct list *list, const char *what, const char *key, const char *how)
{
    int n = snprintf(list->out + list->len, list->size - list->len, "%s%s%s %s",
                     list->len > 0 ? "; " : "", what, key, how);

    if (n > 0 && (size_t)n < list->size - list->len) {
        list->len += (size_t)n;
    } else {
        list->out[list->len] = '\0'; /* whole words only */
    }
}

static void compare(struct list *list, const char *what, const char *key,
                    const struct acc_node *old, const struct acc_node *now)
{
    if (old && now ? !acc_node_equal(old, now) : old || now) {
        add(list, what, key, old && now ? "changed" : now ? "added" : "removed");
    }
}

static void compare_xacc(struct list *list, const struct acc_node *old, const struct acc_node *now)
{
    acc_node_for_each(child, now)
    {
        compare(list, "x-acc ", child->key, acc_node_get(old, child->key), child);
    }
    acc_node_for_each(child, old)
    {
        if (!acc_node_get(now, child->key)) {
            compare(list, "x-acc ", child->key, child, NULL);
        }
    }
}

/* A namespace of another one puts that into depends_on, too: then the container is another one. */
static void compare_node(struct list *list, const struct acc_service_spec *old,
                         const struct acc_service_spec *now)
{
    static const char *const keys[] = {"depends_on", "build", "pull_policy"};
    bool is_same = strcmp(old->spec_hash, now->spec_hash) == 0;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (i > 0 || is_same) {
            compare(list, "", keys[i], acc_node_get(old->node, keys[i]),
                    acc_node_get(now->node, keys[i]));
        }
    }
}

void acc_settings_changed(const struct acc_service_spec *old, const struct acc_service_spec *now,
                          char *out, size_t out_size)
{
    struct list list = {out, out_size, 0};

    out[0] = '\0';
    compare_xacc(&list, old->x_acc, now->x_acc);
    compare_node(&list, old, now);
    if (list.len == 0 && strcmp(old->phase, now->phase) != 0) {
        add(&list, "phase", "", "changed"); /* its stack's, in acc.yaml */
    }
}
