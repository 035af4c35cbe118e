#include "lib/model/place.h"

#include <stdio.h>
#include <string.h>

/* Words of a text, without the blank behind them. */
enum word { WORD_POINT, WORD_TYPE, WORD_SOURCE, WORD_ROOT };
struct part {
    const char *text;
    int len;
};

/* A word has no blank in it: escaped as the kernel does. */
static size_t put_word(const char *text, char *out, size_t len)
{
    for (; *text && len < ACC_PLACE_MAX; text++) {
        if (*text != ' ' && *text != '\t' && *text != '\n' && *text != '\\') {
            out[len++] = *text;
        } else if (len + 4 <= ACC_PLACE_MAX) {
            len += (size_t)snprintf(out + len, 5, "\\%03o", (unsigned)*text);
        } else {
            break;
        }
    }
    out[len] = '\0';
    return len;
}

static bool is_device(const char *source)
{
    return strncmp(source, "/dev/", 5) == 0;
}

/* The version that a server agrees to is not the place. */
static const char *plain_type(const char *type)
{
    return strcmp(type, "nfs4") == 0 ? "nfs" : strcmp(type, "smb3") == 0 ? "cifs" : type;
}

void acc_place_put(const char *point, const char *type, const char *source, const char *root,
                   char *out)
{
    const char *const words[] = {plain_type(type), is_device(source) ? "-" : source, root};
    size_t len = put_word(point, out, 0);

    for (size_t k = 0; k < 3 && strcmp(point, "/") != 0 && len < ACC_PLACE_MAX; k++) {
        out[len++] = ' ';
        len = put_word(words[k], out, len);
    }
}

static struct part part_of(const char *place, enum word which)
{
    size_t len = strcspn(place, " ");

    for (int k = 0; k < (int)which; k++) {
        place += len + (place[len] == ' ');
        len = strcspn(place, " ");
    }
    return (struct part){place, (int)len};
}

static bool part_is(struct part part, const char *text)
{
    return (size_t)part.len == strlen(text) && strncmp(part.text, text, (size_t)part.len) == 0;
}

static bool is_automount(const char *place)
{
    return part_is(part_of(place, WORD_TYPE), "autofs");
}

static bool same_point(const char *was, const char *is)
{
    struct part a = part_of(was, WORD_POINT);
    struct part b = part_of(is, WORD_POINT);

    return a.len == b.len && strncmp(a.text, b.text, (size_t)a.len) == 0;
}

bool acc_place_is_same(const char *was, const char *is)
{
    return strcmp(was, is) == 0 || (same_point(was, is) && (is_automount(was) || is_automount(is)));
}

/* Is that point a folder above this one? */
static bool is_above(struct part point, struct part of)
{
    return point.len < of.len && strncmp(point.text, of.text, (size_t)point.len) == 0 &&
           (point.len == 1 || of.text[point.len] == '/');
}

bool acc_place_is_unmounted(const char *was, const char *is)
{
    return is_above(part_of(is, WORD_POINT), part_of(was, WORD_POINT));
}

const char *acc_place_lost_point(const char *was, const char *is, size_t *ret_len)
{
    struct part point = part_of(was, WORD_POINT);
    struct part now = part_of(is, WORD_POINT);

    if (!same_point(was, is) && !is_above(now, point)) {
        point = is_above(point, now) ? now : (struct part){NULL, 0};
    }
    *ret_len = (size_t)point.len;
    return point.text;
}

void acc_place_lacks(const char *path, const char *was, const char *is, char *out, size_t out_size)
{
    const char *used = path ? path : "it";
    struct part point = part_of(was, WORD_POINT);
    struct part source = part_of(was, WORD_SOURCE);
    struct part now = part_of(is, WORD_POINT);

    /* Long ones are cut; the condition itself tells the path whole. */
    if (same_point(was, is)) {
        (void)snprintf(out, out_size,
                       "something else is mounted on %.*s than when %.90s was last used", point.len,
                       point.text, used);
    } else if (!is_above(now, point) && path) {
        (void)snprintf(
            out, out_size,
            "%.90s lies on the mount at %.*s, not on that at %.*s as when it was last used", path,
            now.len, now.text, point.len, point.text);
    } else if (!is_above(now, point)) {
        (void)snprintf(out, out_size,
                       "something is mounted on %.*s, and was not when it was last used", now.len,
                       now.text);
    } else if (source.len > 0 && !part_is(source, "-") && !is_automount(was)) {
        (void)snprintf(out, out_size, "%.*s is not mounted on %.*s, as when %.90s was last used",
                       source.len, source.text, point.len, point.text, used);
    } else {
        (void)snprintf(out, out_size, "nothing is mounted on %.*s, as when %.90s was last used",
                       point.len, point.text, used);
    }
}
