#include "lib/codec/registry_fault.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/assert.h"
#include "lib/codec/registry_auth.h"

/* The first row that fits wins. */
static const struct {
    int status;        /* 0: any */
    const char *words; /* in any case of letters; NULL: whatever it says */
    enum acc_registry_fault fault;
} rows[] = {
    {0, "invalid reference", ACC_REGISTRY_REFERENCE},
    {0, "must be lowercase", ACC_REGISTRY_REFERENCE},

    {429, NULL, ACC_REGISTRY_LIMITED},
    {0, "toomanyrequests", ACC_REGISTRY_LIMITED}, /* the code of the distribution spec */
    {0, "too many requests", ACC_REGISTRY_LIMITED},
    {0, "rate limit", ACC_REGISTRY_LIMITED},

    {0, "no basic auth credentials", ACC_REGISTRY_DENIED},
    {0, "unauthorized", ACC_REGISTRY_DENIED},
    {0, "authentication required", ACC_REGISTRY_DENIED},
    {0, "incorrect username or password", ACC_REGISTRY_DENIED},
    {0, "denied", ACC_REGISTRY_DENIED}, /* Docker Hub: also of what doesn't exist */
    {401, NULL, ACC_REGISTRY_DENIED},
    {403, NULL, ACC_REGISTRY_DENIED},

    {0, "manifest unknown", ACC_REGISTRY_LACKS},
    {0, "name unknown", ACC_REGISTRY_LACKS},
    {0, "no matching manifest", ACC_REGISTRY_LACKS},
    {0, "repository name not known", ACC_REGISTRY_LACKS},

    {0, "Client.Timeout", ACC_REGISTRY_SILENT},
    {0, "i/o timeout", ACC_REGISTRY_SILENT},
    {0, "handshake timeout", ACC_REGISTRY_SILENT},
    {0, "deadline exceeded", ACC_REGISTRY_SILENT},
    {0, "nothing came for", ACC_REGISTRY_SILENT}, /* our own limit of a pull */

    {0, "no such host", ACC_REGISTRY_UNREACHED},
    {0, "server misbehaving", ACC_REGISTRY_UNREACHED}, /* DNS */
    {0, "connection refused", ACC_REGISTRY_UNREACHED},
    {0, "connection reset", ACC_REGISTRY_UNREACHED},
    {0, "no route to host", ACC_REGISTRY_UNREACHED},
    {0, "network is unreachable", ACC_REGISTRY_UNREACHED},
    {0, "dial tcp", ACC_REGISTRY_UNREACHED},
    {0, "x509", ACC_REGISTRY_UNREACHED},
    {0, "tls:", ACC_REGISTRY_UNREACHED},
    {0, "EOF", ACC_REGISTRY_UNREACHED},

    {404, NULL, ACC_REGISTRY_LACKS},
    {400, NULL, ACC_REGISTRY_REFERENCE},
};

enum acc_registry_fault acc_registry_fault_of(int http_status, const char *message)
{
    for (size_t i = 0; i < ACC_ARRAY_LEN(rows); i++) {
        if ((rows[i].status == 0 || rows[i].status == http_status) &&
            (!rows[i].words || strcasestr(message, rows[i].words))) {
            return rows[i].fault;
        }
    }
    return ACC_REGISTRY_BROKEN;
}

bool acc_registry_fault_passes(enum acc_registry_fault fault)
{
    return fault == ACC_REGISTRY_LIMITED || fault == ACC_REGISTRY_BROKEN ||
           fault == ACC_REGISTRY_UNREACHED || fault == ACC_REGISTRY_SILENT;
}

bool acc_registry_fault_is_general(enum acc_registry_fault fault)
{
    return fault == ACC_REGISTRY_LIMITED || fault == ACC_REGISTRY_UNREACHED ||
           fault == ACC_REGISTRY_SILENT;
}

/* Go's errors say where, then what: `Head "http://r/v2/...": dial tcp 1.2.3.4: connection refused`.
 */
static const char *last_clause(const char *message)
{
    for (const char *at = message; (at = strstr(at, ": ")); at += 2) {
        message = at[2] ? at + 2 : message;
    }
    return message;
}

void acc_registry_fault_text(enum acc_registry_fault fault, const char *image, bool had_login,
                             const char *no_login, const char *message, char *out, size_t size)
{
    char server[ACC_REGISTRY_SERVER_MAX];
    bool is_hub;
    const char *name;
    size_t len;

    acc_registry_server(image, server, sizeof(server));
    is_hub = strncmp(server, "https://", 8) == 0;
    name = is_hub ? "Docker Hub" : server;
    switch (fault) {
    case ACC_REGISTRY_WELL:
        out[0] = '\0';
        return;
    case ACC_REGISTRY_DENIED:
        if (!had_login && no_login[0]) { /* another login would be lost like this one */
            (void)snprintf(out, size, "%s wants a login, and %s", name, no_login);
            break;
        }
        (void)snprintf(out, size, "%s %s: docker login%s%s", name,
                       had_login ? "refuses the credentials that it got; log in again"
                                 : "wants a login",
                       is_hub ? "" : " ", is_hub ? "" : server);
        break;
    case ACC_REGISTRY_LIMITED:
        (void)snprintf(out, size, "%s limits how often it may be asked; ask again later%s", name,
                       had_login ? "" : ", or log in for a higher limit");
        break;
    case ACC_REGISTRY_LACKS:
        (void)snprintf(out, size, "%s has no %s", name, image);
        break;
    case ACC_REGISTRY_BROKEN:
        (void)snprintf(out, size, "%s is broken", name);
        break;
    case ACC_REGISTRY_UNREACHED:
        (void)snprintf(out, size, "%s can't be reached", name);
        break;
    case ACC_REGISTRY_SILENT:
        (void)snprintf(out, size, "%s doesn't answer", name);
        break;
    case ACC_REGISTRY_REFERENCE:
        (void)snprintf(out, size, "%s is no name of an image", image);
        break;
    }
    len = strlen(out);
    if (message[0] && len < size) {
        (void)snprintf(out + len, size - len, " (%s)", last_clause(message));
    }
}
