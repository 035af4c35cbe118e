#include "lib/codec/docker_request.h"

#include <errno.h>
#include <string.h>

#include "lib/codec/json_put.h"

/* One variable of a hook; its file was no larger. */
#define HOOK_WORD_MAX (16u * 1024u * 1024u)

int acc_docker_exec_body(const char *const *argv, struct acc_buf *out)
{
    struct acc_json_put put = {0};
    cJSON *root = acc_put_root(&put);

    acc_put_bool(&put, root, "AttachStdout", true);
    acc_put_bool(&put, root, "AttachStderr", true);
    cJSON *cmd = acc_put_array(&put, root, "Cmd");

    for (size_t i = 0; argv[i]; i++) {
        acc_put_word(&put, cmd, argv[i]);
    }
    return acc_put_finish(&put, root, out);
}

static void put_hook_environment(struct acc_json_put *put, cJSON *root,
                                 const struct acc_node *environment)
{
    cJSON *env = environment && environment->first ? acc_put_array(put, root, "Env") : NULL;
    struct acc_buf word;

    acc_buf_init(&word, HOOK_WORD_MAX);
    acc_node_for_each(item, env ? environment : NULL)
    {
        acc_buf_reset(&word);
        (void)(item->text ? acc_buf_printf(&word, "%s=%s", item->key, item->text)
                          : acc_buf_puts(&word, item->key)); /* removes the container's */
        put->failed = put->failed || word.failed;
        acc_put_word(put, env, word.failed ? NULL : word.data);
    }
    acc_buf_fini(&word);
}

int acc_docker_hook_body(const struct acc_node *hook, struct acc_buf *out)
{
    const struct acc_node *privileged = acc_node_get(hook, "privileged");
    struct acc_json_put put = {0};
    cJSON *root = acc_put_root(&put);

    acc_put_text_some(&put, root, "User", acc_node_get_text(hook, "user"));
    acc_put_true(&put, root, "Privileged", privileged && privileged->boolean);
    acc_put_bool(&put, root, "AttachStdout", true);
    acc_put_bool(&put, root, "AttachStderr", true);
    put_hook_environment(&put, root, acc_node_get(hook, "environment"));
    acc_put_text_some(&put, root, "WorkingDir", acc_node_get_text(hook, "working_dir"));
    cJSON *cmd = acc_put_array(&put, root, "Cmd");

    acc_node_for_each(word, acc_node_get(hook, "command"))
    {
        acc_put_word(&put, cmd, word->text);
    }
    return acc_put_finish(&put, root, out);
}

const char *acc_docker_exec_start_body(void)
{
    return "{\"Detach\":false,\"Tty\":false}";
}

int acc_docker_policy_body(enum acc_restart_policy policy, uint32_t max, struct acc_buf *out)
{
    struct acc_json_put put = {0};
    cJSON *root = acc_put_root(&put);
    cJSON *restart = acc_put_object(&put, root, "RestartPolicy");
    const char *name = acc_restart_policy_name(policy);

    acc_put_text(&put, restart, "Name", *name ? name : "no");
    if (policy == ACC_RESTART_ON_FAILURE) {
        acc_put_int_some(&put, restart, "MaximumRetryCount", max);
    }
    return acc_put_finish(&put, root, out);
}

int acc_docker_disconnect_body(const char *cid, struct acc_buf *out)
{
    struct acc_json_put put = {0};
    cJSON *root = acc_put_root(&put);

    acc_put_text(&put, root, "Container", cid);
    acc_put_bool(&put, root, "Force", true);
    return acc_put_finish(&put, root, out);
}

int acc_docker_escape(const char *text, struct acc_buf *out)
{
    int r = 0;

    for (; *text && r == 0; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c);

        r = plain ? acc_buf_append(out, text, 1) : acc_buf_printf(out, "%%%02X", c);
    }
    return r;
}
