/* golden DIR|FILE...: play every golden case and say where the engine does otherwise. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/drill/script.h"

static int read_file(const char *path, struct acc_buf *text)
{
    FILE *file = fopen(path, "re");
    char chunk[4096];
    size_t n;

    if (!file) {
        return -errno;
    }
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        (void)acc_buf_append(text, chunk, n);
    }
    (void)fclose(file);
    return text->failed ? -ENOBUFS : 0;
}

static bool play(const char *path)
{
    struct acc_buf text;
    struct acc_buf out;
    int r;

    acc_buf_init(&text, 1u << 24);
    acc_buf_init(&out, 1u << 24);
    r = read_file(path, &text);
    if (r == 0) {
        r = acc_script_run(text.data ? text.data : "", false, &out);
    }
    if (r != ACC_SCRIPT_OK) {
        (void)printf("%s: %s\n%s", path, r < 0 ? strerror(-r) : "", out.data ? out.data : "");
    }
    acc_buf_fini(&text);
    acc_buf_fini(&out);
    return r == ACC_SCRIPT_OK;
}

static int is_case(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot && strcmp(dot, ".txt") == 0;
}

static void play_all(const char *path, unsigned *n, unsigned *n_bad)
{
    struct dirent **entries = NULL;
    int found = scandir(path, &entries, is_case, alphasort);

    if (found < 0) { /* one file */
        (*n)++;
        *n_bad += !play(path);
        return;
    }
    for (int i = 0; i < found; i++) {
        char file[4096];

        (void)snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        (*n)++;
        *n_bad += !play(file);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    unsigned n_bad = 0;

    for (int i = 1; i < argc; i++) {
        play_all(argv[i], &n, &n_bad);
    }
    (void)printf("%u golden cases, %u differ\n", n, n_bad);
    return n_bad > 0 || n == 0;
}
