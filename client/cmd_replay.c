#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"
#include "lib/drill/script.h"

#define FILE_MAX (16u << 20) /* a saved decision of the largest host is a tenth of it */

static int read_file(const char *path, struct acc_buf *text)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char chunk[4096];
    size_t n;
    int r = 0;

    if (!file) {
        return -errno;
    }
    while (r == 0 && (n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        r = acc_buf_append(text, chunk, n);
    }
    r = r == 0 && ferror(file) ? -EIO : r;
    if (file != stdin) {
        (void)fclose(file);
    }
    return r;
}

static int replay(struct accctl *ctl, const char *path)
{
    struct acc_buf text;
    struct acc_buf out;
    int r;

    acc_buf_init(&text, FILE_MAX);
    acc_buf_init(&out, SIZE_MAX / 2);
    r = read_file(path, &text);
    if (r < 0) {
        (void)fprintf(ctl->err, "accctl: %s: %s\n", path, strerror(-r));
    } else {
        r = acc_script_run(text.data ? text.data : "", !ctl->options->quiet, &out);
        (void)fprintf(ctl->out, "%s", out.data ? out.data : "");
        (void)fprintf(ctl->out, "%s: %s\n", path,
                      r == ACC_SCRIPT_OK        ? "as it must be"
                      : r == ACC_SCRIPT_DIFFERS ? "differs"
                                                : "can't be read");
    }
    acc_buf_fini(&text);
    acc_buf_fini(&out);
    return r;
}

enum accctl_exit accctl_cmd_replay(struct accctl *ctl)
{
    enum accctl_exit code = ACCCTL_DONE;

    for (size_t i = 0; i < ctl->options->n_args; i++) {
        int r = replay(ctl, ctl->options->args[i]);

        if (r != ACC_SCRIPT_OK) {
            code = r == ACC_SCRIPT_WRONG && code == ACCCTL_DONE ? ACCCTL_INVALID : ACCCTL_FAILED;
        }
    }
    return code;
}
