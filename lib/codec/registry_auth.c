#include "lib/codec/registry_auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#define HUB "https://index.docker.io/v1/"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url with padding, as docker/cli writes the header. */
static void encode(struct acc_buf *out, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        unsigned n = len - i < 3 ? (unsigned)(len - i) : 3;
        unsigned v = 0;
        char quad[4];

        for (unsigned k = 0; k < 3; k++) {
            v = v << 8 | (k < n ? (unsigned char)data[i + k] : 0);
        }
        for (unsigned k = 0; k < 4; k++) {
            quad[k] = k <= n ? alphabet[v >> (18 - 6 * k) & 63] : '=';
        }
        (void)acc_buf_append(out, quad, sizeof(quad));
    }
}

static int sextet(char c)
{
    if (c == '+') {
        c = '-';
    } else if (c == '/') {
        c = '_';
    }
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

/* Either alphabet; padding ends it. False for other characters. */
static bool decode(struct acc_buf *out, const char *text)
{
    unsigned v = 0;
    unsigned bits = 0;

    for (; *text && *text != '='; text++) {
        int six = sextet(*text);

        if (six < 0) {
            return false;
        }
        v = (v << 6 | (unsigned)six) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            char byte = (char)(v >> bits & 0xff);

            (void)acc_buf_append(out, &byte, 1);
        }
    }
    return true;
}

void acc_registry_server(const char *image_ref, char *out, size_t out_size)
{
    size_t len = strcspn(image_ref, "/");
    bool is_host = image_ref[len] == '/' &&
                   (memchr(image_ref, '.', len) || memchr(image_ref, ':', len) ||
                    (len == 9 && memcmp(image_ref, "localhost", 9) == 0));

    if (!is_host || (len == 9 && memcmp(image_ref, "docker.io", 9) == 0)) {
        (void)snprintf(out, out_size, "%s", HUB);
    } else {
        (void)snprintf(out, out_size, "%.*s", (int)len, image_ref);
    }
}

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(item) && item->valuestring && *item->valuestring ? item->valuestring
                                                                           : NULL;
}

/* `secret` is a password, or an identity token when `user` is NULL. */
static enum acc_registry_auth_result make_header(struct acc_registry_auth *auth, const char *user,
                                                 const char *secret)
{
    cJSON *json = cJSON_CreateObject();
    char *text = NULL;

    if (json &&
        (user ? cJSON_AddStringToObject(json, "username", user) &&
                    cJSON_AddStringToObject(json, "password", secret)
              : cJSON_AddStringToObject(json, "identitytoken", secret) != NULL) &&
        cJSON_AddStringToObject(json, "serveraddress", auth->server)) {
        text = cJSON_PrintUnformatted(json);
    }
    cJSON_Delete(json);
    if (!text) {
        return ACC_REGISTRY_INVALID;
    }
    encode(&auth->header, text, strlen(text));
    memset(text, 0, strlen(text));
    cJSON_free(text);
    return auth->header.failed ? ACC_REGISTRY_INVALID : ACC_REGISTRY_HEADER;
}

/* "user:password" in base64, or an identity token beside it. */
static enum acc_registry_auth_result from_entry(struct acc_registry_auth *auth, const cJSON *entry)
{
    const char *token = text_of(entry, "identitytoken");
    const char *packed = text_of(entry, "auth");
    enum acc_registry_auth_result result = ACC_REGISTRY_INVALID;
    struct acc_buf plain;

    if (token) {
        return make_header(auth, NULL, token);
    }
    if (!packed) {
        return ACC_REGISTRY_ANONYMOUS; /* "docker login" with a credsStore leaves an empty entry */
    }
    acc_buf_init(&plain, ACC_REGISTRY_AUTH_MAX);
    if (decode(&plain, packed) && plain.data && strlen(plain.data) == plain.len) {
        char *colon = strchr(plain.data, ':');

        if (colon) {
            *colon = '\0';
            result = make_header(auth, plain.data, colon + 1);
        }
    }
    if (plain.data) {
        memset(plain.data, 0, plain.len);
    }
    acc_buf_fini(&plain);
    return result;
}

/* Old files have "https://host/v1/" as the key of a host (docker/cli ConvertToHostname). */
static const cJSON *entry_of(const cJSON *auths, const char *server)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, auths)
    {
        const char *key = entry->string ? entry->string : "";
        size_t len = strlen(server);

        if (strcmp(key, server) == 0) {
            return entry;
        }
        if (strncmp(key, "https://", 8) == 0) {
            key += 8;
        } else if (strncmp(key, "http://", 7) == 0) {
            key += 7;
        }
        if (strncmp(key, server, len) == 0 && (key[len] == '/' || key[len] == '\0')) {
            return entry;
        }
    }
    return NULL;
}

/* A helper's name becomes part of a program's name: letters, digits, - _ and dot only. */
static bool take_helper(struct acc_registry_auth *auth, const char *name)
{
    size_t len = strlen(name);

    if (len >= sizeof(auth->helper) ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                     "WXYZ0123456789-_.") != len) {
        return false;
    }
    memcpy(auth->helper, name, len + 1);
    return true;
}

enum acc_registry_auth_result acc_registry_auth_find(const char *config_json, size_t config_len,
                                                     const char *image_ref,
                                                     struct acc_registry_auth *ret_auth)
{
    enum acc_registry_auth_result result = ACC_REGISTRY_ANONYMOUS;
    cJSON *root = cJSON_ParseWithLength(config_json, config_len);

    *ret_auth = (struct acc_registry_auth){0};
    acc_buf_init(&ret_auth->header, ACC_REGISTRY_AUTH_MAX);
    acc_registry_server(image_ref, ret_auth->server, sizeof(ret_auth->server));
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return ACC_REGISTRY_INVALID;
    }
    /* Precedence of docker/cli: the registry's own helper, the store, the file. */
    const char *helper = text_of(cJSON_GetObjectItemCaseSensitive(root, "credHelpers"),
                                 ret_auth->server);
    const cJSON *entry = entry_of(cJSON_GetObjectItemCaseSensitive(root, "auths"),
                                  ret_auth->server);

    if (!helper) {
        helper = text_of(root, "credsStore");
    }
    if (helper) {
        result = take_helper(ret_auth, helper) ? ACC_REGISTRY_HELPER : ACC_REGISTRY_INVALID;
    } else if (entry) {
        result = from_entry(ret_auth, entry);
    }
    cJSON_Delete(root);
    return result;
}

enum acc_registry_auth_result acc_registry_auth_from_helper(const char *json, size_t json_len,
                                                            struct acc_registry_auth *auth)
{
    enum acc_registry_auth_result result = ACC_REGISTRY_INVALID;
    cJSON *root = cJSON_ParseWithLength(json, json_len);
    const char *user = text_of(root, "Username");
    const char *secret = text_of(root, "Secret");

    if (user && secret) {
        result = make_header(auth, strcmp(user, "<token>") == 0 ? NULL : user, secret);
    }
    cJSON_Delete(root);
    return result;
}

static void copy_entry(cJSON *auths, const cJSON *entry)
{
    static const char *const keys[] = {"auth", "identitytoken", "registrytoken"};
    cJSON *copy = cJSON_AddObjectToObject(auths, entry->string ? entry->string : "");

    for (size_t i = 0; copy && i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *text = text_of(entry, keys[i]);

        if (text) {
            (void)cJSON_AddStringToObject(copy, keys[i], text);
        }
    }
}

int acc_registry_auth_all(const char *config_json, size_t config_len, struct acc_buf *out,
                          char ret_helper[ACC_REGISTRY_HELPER_MAX])
{
    cJSON *root = cJSON_ParseWithLength(config_json, config_len);
    const cJSON *helpers = cJSON_GetObjectItemCaseSensitive(root, "credHelpers");
    const char *helper = text_of(root, "credsStore");
    cJSON *copy = cJSON_CreateObject();
    cJSON *auths = cJSON_AddObjectToObject(copy, "auths");
    const cJSON *entry;
    char *text = NULL;

    helper = !helper && helpers && cJSON_IsString(helpers->child) ? helpers->child->valuestring
                                                                  : helper;
    (void)snprintf(ret_helper, ACC_REGISTRY_HELPER_MAX, "%s", helper ? helper : "");
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(root, "auths"))
    {
        copy_entry(auths, entry);
    }
    if (cJSON_IsObject(root) && auths) {
        text = cJSON_Print(copy);
    }
    if (text) {
        (void)acc_buf_puts(out, text);
        memset(text, 0, strlen(text));
        cJSON_free(text);
    }
    int r = !cJSON_IsObject(root) ? -EINVAL : !text || out->failed ? -ENOMEM : 0;

    cJSON_Delete(copy);
    cJSON_Delete(root);
    return r;
}

void acc_registry_auth_fini(struct acc_registry_auth *auth)
{
    if (auth->header.data) {
        memset(auth->header.data, 0, auth->header.len);
    }
    acc_buf_fini(&auth->header);
}
