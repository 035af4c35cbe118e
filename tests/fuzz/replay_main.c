/* Without libFuzzer: run the target once per file, so the corpus is a plain test. Folders are
 * taken with the files in them. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    static uint8_t buf[1 << 20];
    FILE *file = fopen(path, "rbe");

    if (!file) {
        perror(path);
        return -1;
    }
    size_t n = fread(buf, 1, sizeof(buf), file);

    fclose(file);
    uint8_t *copy = malloc(n + 1); /* of its own size, so that a sanitizer sees the end */

    if (!copy) {
        return -1;
    }
    memcpy(copy, buf, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    return 0;
}

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry = NULL;
    int r = folder ? 0 : -1;

    while (r == 0 && (entry = readdir(folder)) != NULL) {
        char file[4096];

        if (entry->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
            r = replay_file(file);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return r;
}

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        struct stat info;

        if (stat(argv[i], &info) < 0 ||
            (S_ISDIR(info.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i])) < 0) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
