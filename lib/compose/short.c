#include "lib/compose/short.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/compose/tree.h"

#define PORT_MAX 65535u

static bool is_ipv4(const char *text, size_t len)
{
    unsigned octets = 0;
    size_t at = 0;

    while (at < len) {
        unsigned value = 0;
        size_t digits = 0;

        for (; at < len && text[at] >= '0' && text[at] <= '9' && digits < 4; at++, digits++) {
            value = value * 10 + (unsigned)(text[at] - '0');
        }
        if (digits == 0 || digits > 3 || value > 255 ||
            (digits > 1 && text[at - digits] == '0')) { /* Go refuses leading zeros */
            return false;
        }
        octets++;
        if (at < len && (text[at] != '.' || ++at == len)) {
            return false;
        }
    }
    return octets == 4;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_ipv6(const char *text, size_t len)
{
    unsigned groups = 0;
    bool has_gap = false;
    size_t at = 0;

    if (len >= 2 && text[0] == ':' && text[1] == ':') {
        has_gap = true;
        at = 2;
    }
    while (at < len) {
        size_t digits = 0;
        size_t start = at;

        for (; at < len && is_hex(text[at]) && digits < 5; at++) {
            digits++;
        }
        if (at < len && text[at] == '.') { /* the last four bytes as IPv4 */
            return is_ipv4(text + start, len - start) &&
                   (has_gap ? groups + 2 < 8 : groups + 2 == 8);
        }
        if (digits == 0 || digits > 4 || ++groups > 8) {
            return false;
        }
        if (at == len) {
            break;
        }
        if (text[at] != ':' || ++at == len) {
            return false;
        }
        if (text[at] == ':') {
            if (has_gap) {
                return false;
            }
            has_gap = true;
            at++;
        }
    }
    return has_gap ? groups < 8 : groups == 8;
}

bool acc_short_is_ip(const char *text)
{
    size_t len = strlen(text);

    return strchr(text, ':') ? is_ipv6(text, len) : is_ipv4(text, len);
}

/* "80" or "80-90" */
static bool port_range(const char *text, unsigned *ret_first, unsigned *ret_last)
{
    char digits[8];
    size_t dash = strcspn(text, "-");
    uint64_t first;
    uint64_t last;

    if (dash >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, text, dash);
    digits[dash] = '\0';
    if (!acc_parse_u64(digits, &first) || first > PORT_MAX) {
        return false;
    }
    last = first;
    if (text[dash] == '-' &&
        (!acc_parse_u64(text + dash + 1, &last) || last > PORT_MAX || last < first)) {
        return false;
    }
    *ret_first = (unsigned)first;
    *ret_last = (unsigned)last;
    return true;
}

struct port_spec {
    const char *ip, *host, *container, *protocol; /* "" when missing */
    unsigned first, last, host_first, host_last;
    bool is_bracketed; /* the ip; needed when it has colons */
};

/* Cut `text`, a copy, at its last two colons and its slash. */
static void split_port(char *text, struct port_spec *spec)
{
    char *colon = strrchr(text, ':');

    *spec = (struct port_spec){.ip = "", .host = "", .container = text, .protocol = "tcp"};
    if (colon) {
        *colon = '\0';
        spec->container = colon + 1;
        spec->host = text;
        colon = strrchr(text, ':');
        if (colon) {
            *colon = '\0';
            spec->host = colon + 1;
            spec->ip = text;
        }
    }
    char *slash = strchr(spec->container, '/');

    if (slash) {
        *slash = '\0';
        spec->protocol = slash[1] ? slash + 1 : "tcp";
    }
    size_t ip_len = strlen(spec->ip);

    spec->is_bracketed = ip_len > 1 && spec->ip[0] == '[' && spec->ip[ip_len - 1] == ']';
    if (spec->is_bracketed) {
        text[ip_len - 1] = '\0';
        spec->ip = text + 1;
    }
}

static const char *port_problem(struct port_spec *spec, const char **ret_what)
{
    *ret_what = spec->ip;
    if (spec->ip[0] &&
        (!acc_short_is_ip(spec->ip) || (strchr(spec->ip, ':') && !spec->is_bracketed))) {
        return "invalid ip address";
    }
    *ret_what = spec->container;
    if (!port_range(spec->container, &spec->first, &spec->last)) {
        return spec->container[0] ? "invalid container port" : "no port specified";
    }
    *ret_what = spec->host;
    if (spec->host[0] && !port_range(spec->host, &spec->host_first, &spec->host_last)) {
        return "invalid host port";
    }
    if (spec->host[0] && spec->first != spec->last &&
        spec->last - spec->first != spec->host_last - spec->host_first) {
        return "the ranges of host and container ports differ in length:";
    }
    *ret_what = spec->protocol;
    if (strcasecmp(spec->protocol, "tcp") != 0 && strcasecmp(spec->protocol, "udp") != 0 &&
        strcasecmp(spec->protocol, "sctp") != 0) {
        return "invalid protocol";
    }
    return NULL;
}

static void put_port(struct acc_compose_ctx *ctx, struct acc_node *seq, struct acc_srcpos pos,
                     const struct port_spec *spec, unsigned port)
{
    struct acc_node *map = acc_tree_map(ctx, pos);
    char protocol[8];
    char published[16] = "";
    size_t i = 0;

    for (; spec->protocol[i] && i + 1 < sizeof(protocol); i++) {
        char c = spec->protocol[i];

        protocol[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    protocol[i] = '\0';
    if (spec->host[0] && spec->first == spec->last && spec->host_first != spec->host_last) {
        /* the engine picks one of them */
        (void)snprintf(published, sizeof(published), "%u-%u", spec->host_first, spec->host_last);
    } else if (spec->host[0]) {
        (void)snprintf(published, sizeof(published), "%u", spec->host_first + port - spec->first);
    }
    acc_tree_put_text(ctx, map, "mode", pos, "ingress");
    if (spec->ip[0]) {
        acc_tree_put_text(ctx, map, "host_ip", pos, spec->ip);
    }
    acc_tree_put(ctx, map, "target", acc_node_int(ctx->arena, pos, port));
    if (published[0]) {
        acc_tree_put_text(ctx, map, "published", pos, published);
    }
    acc_tree_put_text(ctx, map, "protocol", pos, protocol);
    acc_tree_append(seq, map);
}

/* compose-go sorts the ports of one entry as text: 10 before 9. */
static int compare_as_text(const void *a, const void *b)
{
    char x[16];
    char y[16];

    (void)snprintf(x, sizeof(x), "%u/", *(const unsigned *)a);
    (void)snprintf(y, sizeof(y), "%u/", *(const unsigned *)b);
    return strcmp(x, y);
}

int acc_short_port(struct acc_compose_ctx *ctx, struct acc_node *seq, struct acc_srcpos pos,
                   const struct acc_path *path, const char *text)
{
    char *copy = acc_arena_strdup(ctx->arena, text);
    struct port_spec spec;
    const char *what;

    if (!copy) {
        return -ENOMEM;
    }
    split_port(copy, &spec);
    const char *problem = port_problem(&spec, &what);

    if (problem) {
        acc_complain(ctx->diags, pos, path, "'%s': %s '%s'", text, problem, what);
        return -EINVAL;
    }
    size_t n = spec.last - spec.first + 1u;
    unsigned *ports = calloc(n, sizeof(*ports));

    if (!ports) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        ports[i] = spec.first + (unsigned)i;
    }
    qsort(ports, n, sizeof(*ports), compare_as_text);
    for (size_t i = 0; i < n && !acc_arena_failed(ctx->arena); i++) {
        put_port(ctx, seq, pos, &spec, ports[i]);
    }
    free(ports);
    return acc_arena_failed(ctx->arena) ? -ENOMEM : 0;
}

/* One character, maybe of several bytes: what compose-go takes for the letter of a Windows drive.
 */
static bool is_one_letter(const char *text, size_t len)
{
    size_t characters = 0;

    for (size_t i = 0; i < len; i++) {
        characters += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    unsigned char c = len ? (unsigned char)text[0] : 0;

    return characters == 1 && (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

struct volume_spec {
    const char *source, *target;
    size_t source_len, target_len;
    bool is_read_only, has_nocopy;
    const char *selinux, *propagation;
};

static const char *const propagations[] = {"rprivate", "private", "rshared",
                                           "shared",   "rslave",  "slave"};

static void volume_option(struct volume_spec *spec, const char *option, size_t len)
{
    if (len == 2 && memcmp(option, "ro", 2) == 0) {
        spec->is_read_only = true;
    } else if (len == 2 && memcmp(option, "rw", 2) == 0) {
        spec->is_read_only = false;
    } else if (len == 6 && memcmp(option, "nocopy", 6) == 0) {
        spec->has_nocopy = true;
    } else if (len == 1 && (option[0] == 'z' || option[0] == 'Z')) {
        spec->selinux = option[0] == 'z' ? "z" : "Z";
    }
    for (size_t i = 0; i < sizeof(propagations) / sizeof(propagations[0]); i++) {
        if (strlen(propagations[i]) == len && memcmp(propagations[i], option, len) == 0) {
            spec->propagation = propagations[i];
        }
    }
    /* others are ignored, as Compose does (cached, delegated, U) */
}

/* One section between colons; NULL or what is wrong with it. */
static const char *volume_section(struct volume_spec *spec, const char *text, size_t len,
                                  bool is_last)
{
    if (len == 0) {
        return "empty section between colons";
    }
    if (!spec->source && is_last) {
        spec->target = text;
        spec->target_len = len;
    } else if (!spec->source) {
        spec->source = text;
        spec->source_len = len;
    } else if (!spec->target) {
        spec->target = text;
        spec->target_len = len;
    } else if (!is_last) {
        return "too many colons";
    } else {
        while (len > 0) {
            size_t part = 0;

            while (part < len && text[part] != ',') {
                part++;
            }
            volume_option(spec, text, part);
            part += part < len;
            text += part;
            len -= part;
        }
    }
    return NULL;
}

static const char *volume_parse(struct volume_spec *spec, const char *text)
{
    const char *start = text;
    int depth = 0; /* of ${...}, which may hold colons */
    const char *at = text;

    for (;; at++) {
        if (at[0] == '$' && at[1] == '{') {
            depth++;
        } else if (at[0] == '}' && depth > 0) {
            depth--;
        } else if (at[0] == ':' && is_one_letter(start, (size_t)(at - start))) {
            continue;
        } else if ((at[0] == ':' || at[0] == '\0') && depth == 0) {
            const char *problem = volume_section(spec, start, (size_t)(at - start), at[0] == '\0');

            if (problem) {
                return problem;
            }
            start = at + 1;
        }
        if (at[0] == '\0') {
            return NULL;
        }
    }
}

static bool is_file_path(const char *source, size_t len)
{
    size_t first = 1; /* bytes of the first character */

    if (len == 0) {
        return false;
    }
    if (source[0] == '.' || source[0] == '/' || source[0] == '~' ||
        (len > 1 && source[0] == '\\' && source[1] == '\\')) {
        return true;
    }
    while (first < len && ((unsigned char)source[first] & 0xc0) == 0x80) {
        first++;
    }
    return first < len && source[first] == ':' && is_one_letter(source, first);
}

static void put_volume(struct acc_compose_ctx *ctx, struct acc_node *map, struct acc_srcpos pos,
                       const struct volume_spec *spec)
{
    bool is_bind = is_file_path(spec->source, spec->source_len);

    acc_tree_put_text(ctx, map, "type", pos, is_bind ? "bind" : "volume");
    if (spec->source) {
        acc_tree_put_text(ctx, map, "source", pos,
                          acc_arena_share(ctx->arena, spec->source, spec->source_len));
    }
    if (spec->target) {
        const char *target = acc_arena_share(ctx->arena, spec->target, spec->target_len);

        acc_tree_put_text(ctx, map, "target", pos,
                          target ? acc_tree_clean_path(ctx, target) : NULL);
    }
    if (spec->is_read_only) {
        acc_tree_put_bool(ctx, map, "read_only", pos, true);
    }
    if (is_bind || spec->selinux || spec->propagation) {
        struct acc_node *bind = acc_tree_put(ctx, map, "bind", acc_tree_map(ctx, pos));

        if (spec->selinux) {
            acc_tree_put_text(ctx, bind, "selinux", pos, spec->selinux);
        }
        if (spec->propagation) {
            acc_tree_put_text(ctx, bind, "propagation", pos, spec->propagation);
        }
        if (is_bind) {
            acc_tree_put_bool(ctx, bind, "create_host_path", pos, true);
        }
    }
    if (!is_bind || spec->has_nocopy) {
        struct acc_node *volume = acc_tree_put(ctx, map, "volume", acc_tree_map(ctx, pos));

        if (spec->has_nocopy) {
            acc_tree_put_bool(ctx, volume, "nocopy", pos, true);
        }
    }
}

int acc_short_volume(struct acc_compose_ctx *ctx, struct acc_node *node,
                     const struct acc_path *path)
{
    struct acc_node map = {.type = ACC_NODE_MAP};
    struct volume_spec spec = {0};
    size_t len = strlen(node->text);

    if (len == 0) {
        acc_complain(ctx->diags, node->pos, path, "empty volume");
        return -EINVAL;
    }
    if (len <= 2) { /* compose-go does not look into so short ones */
        acc_tree_put_text(ctx, &map, "type", node->pos, "volume");
        acc_tree_put_text(ctx, &map, "target", node->pos, node->text);
        acc_tree_become(node, &map);
        return 0;
    }
    const char *problem = volume_parse(&spec, node->text);

    if (problem) {
        acc_complain(ctx->diags, node->pos, path, "invalid volume '%s': %s%s", node->text, problem,
                     strcmp(problem, "too many colons") == 0
                         ? ""
                         : "; is a variable unset that stands there?");
        return -EINVAL;
    }
    if (!spec.source && spec.target && spec.target[1] == ':') {
        acc_diags_warn(ctx->diags, node->pos,
                       "'%s' is no volume of that name to Docker Compose: one letter is a drive of "
                       "Windows; give the volume a longer name",
                       node->text);
    }
    put_volume(ctx, &map, node->pos, &spec);
    acc_tree_become(node, &map);
    return 0;
}

int acc_short_device(struct acc_compose_ctx *ctx, struct acc_node *node,
                     const struct acc_path *path)
{
    struct acc_node *map = acc_tree_map(ctx, node->pos);
    char *source = acc_arena_strdup(ctx->arena, node->text);

    if (!source || !map) {
        return -ENOMEM;
    }
    char *target = strchr(source, ':');
    char *permissions = NULL;

    if (target) {
        *target++ = '\0';
        permissions = strchr(target, ':');
    }
    if (permissions) {
        *permissions++ = '\0';
    }
    if (permissions && strchr(permissions, ':')) {
        acc_complain(ctx->diags, node->pos, path,
                     "confusing device mapping '%s'; write it as source, target and permissions",
                     node->text);
        return -EINVAL;
    }
    acc_tree_put_text(ctx, map, "source", node->pos, source);
    acc_tree_put_text(ctx, map, "target", node->pos, target && target[0] ? target : source);
    acc_tree_put_text(ctx, map, "permissions", node->pos, permissions ? permissions : "rwm");
    acc_tree_become(node, map);
    return 0;
}

struct words {
    struct acc_compose_ctx *ctx;
    struct acc_node *seq;
    struct acc_srcpos pos;
    char *word; /* as long as the line: no word is longer */
    size_t len;
    bool has_word;
    bool in_single, in_double, in_back, in_dollar; /* '', "", ``, $() */
};

static bool is_quoted(const struct words *w)
{
    return w->in_single || w->in_double || w->in_back || w->in_dollar;
}

static void end_word(struct words *w)
{
    if (w->has_word) {
        acc_tree_append_text(w->ctx, w->seq, w->pos, w->word, w->len);
    }
    w->len = 0;
    w->has_word = false;
}

/* Quotes and brackets; true when the character is not part of the word. */
static bool words_quote(struct words *w, char c, bool *ret_is_bad)
{
    if (c == '"' && !w->in_single && !w->in_dollar) {
        w->has_word |= w->in_double;
        w->in_double = !w->in_double;
        return true;
    }
    if (c == '\'' && !w->in_double && !w->in_dollar) {
        w->has_word |= w->in_single;
        w->in_single = !w->in_single;
        return true;
    }
    if (c == '`' && !w->in_single && !w->in_double && !w->in_dollar) {
        w->in_back = !w->in_back;
    } else if (c == ')' && !w->in_single && !w->in_double && !w->in_back) {
        w->in_dollar = !w->in_dollar;
    } else if (c == '(' && !w->in_single && !w->in_double && !w->in_back) {
        *ret_is_bad = w->in_dollar || w->len == 0 || w->word[w->len - 1] != '$';
        w->in_dollar = true;
    }
    return false;
}

/* False for a line that is no command. */
static bool split_words(struct words *w, const char *line)
{
    bool is_escaped = false;
    bool is_bad = false;

    for (; *line && !is_bad; line++) {
        char c = *line;

        if (is_escaped) {
            w->word[w->len++] = c;
            w->has_word = true;
            is_escaped = false;
        } else if (c == '\\' && !w->in_single) {
            is_escaped = true;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            if (is_quoted(w)) {
                w->word[w->len++] = c;
            } else {
                end_word(w);
            }
        } else if (strchr(";&|<>", c) && !is_quoted(w)) {
            if (c == '>' && w->len > 0 && w->word[0] >= '0' && w->word[0] <= '9') {
                w->has_word = false; /* the number of a descriptor */
            }
            break;
        } else if (!words_quote(w, c, &is_bad)) {
            w->word[w->len++] = c;
            w->has_word = true;
        }
    }
    end_word(w);
    return !is_bad && !is_escaped && !is_quoted(w);
}

int acc_short_words(struct acc_compose_ctx *ctx, struct acc_node *node, const struct acc_path *path)
{
    struct words w = {.ctx = ctx,
                      .seq = acc_tree_seq(ctx, node->pos),
                      .pos = node->pos,
                      .word = acc_arena_alloc(ctx->arena, strlen(node->text) + 1)};

    if (!w.seq || !w.word) {
        return -ENOMEM;
    }
    if (!split_words(&w, node->text)) {
        acc_complain(ctx->diags, node->pos, path,
                     "invalid command line; a quote, bracket or backslash is not closed");
        return -EINVAL;
    }
    acc_tree_become(node, w.seq);
    return acc_arena_failed(ctx->arena) ? -ENOMEM : 0;
}
