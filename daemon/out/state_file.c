#include "daemon/out/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/out/store_limits.h"
#include "lib/base/assert.h"

#define PATH_BYTES 4096
/* Of 4 KiB, after which the log goes into the file: it takes a mebibyte then, not four. */
#define LOG_PAGES "256"

/* What comes and goes with a disk, unlike a wrong path or missing rights. */
static bool is_passing(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO ||
           error == EMFILE || error == ENFILE || error == ENOMEM;
}

static int take_lock(struct accd_state_file *file, const char *dir, char *reterr_text)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "%s/lock", dir);
    file->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->lock_fd < 0 && is_passing(errno)) {
        file->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* needs no room */
    }
    if (file->lock_fd < 0) {
        int error = errno;

        (void)snprintf(reterr_text, ACCD_STORE_ERROR_MAX, "%s: %s", path, strerror(error));
        return -error;
    }
    if (flock(file->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        (void)snprintf(reterr_text, ACCD_STORE_ERROR_MAX, "%s: another accd uses this state folder",
                       dir);
        (void)close(file->lock_fd);
        file->lock_fd = -1;
        return -EBUSY;
    }
    return 0;
}

/* SQLite gives its log and its index the rights of the file: it has to be there before. Files of
 * before get them, too. What fails here, opening it tells. */
static void make_private(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0) {
        (void)close(fd);
    }
    for (size_t i = 0; i < ACC_ARRAY_LEN(tails); i++) {
        char name[PATH_BYTES + 8];
        struct stat st;

        (void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        if (stat(name, &st) == 0 && S_ISREG(st.st_mode)) {
            (void)chmod(name, 0600);
        }
    }
}

/* `is_alone`: nobody else can read it meanwhile, and its index of the log is kept in memory, which
 * is how a full disk can still be read. */
static int open_db(struct accd_state_file *file, const char *path, bool is_alone)
{
    make_private(path);
    int r = sqlite3_open_v2(path, &file->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

    if (r == SQLITE_OK) {
        sqlite3_busy_timeout(file->db, 5000); /* somebody's sqlite3 shell reads beside us */
        (void)sqlite3_exec(file->db, is_alone ? "PRAGMA locking_mode=EXCLUSIVE" : "", NULL, NULL,
                           NULL);
        r = sqlite3_exec(file->db,
                         "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-256;"
                         "PRAGMA wal_autocheckpoint=" LOG_PAGES ";"
                         "PRAGMA quick_check(1);",
                         NULL, NULL, NULL);
    }
    if (r == SQLITE_OK) {
        r = sqlite3_exec(file->db, accd_rows_schema, NULL, NULL, NULL);
        for (const char *const *grown = accd_rows_grown; *grown; grown++) {
            (void)sqlite3_exec(file->db, *grown, NULL, NULL, NULL);
        }
    }
    for (int i = 0; i < ST_COUNT && r == SQLITE_OK; i++) {
        r = sqlite3_prepare_v3(file->db, accd_rows_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &file->statement[i], NULL);
    }
    return r;
}

static void close_db(struct accd_state_file *file)
{
    for (int i = 0; i < ST_COUNT; i++) {
        sqlite3_finalize(file->statement[i]);
        file->statement[i] = NULL;
    }
    sqlite3_close(file->db);
    file->db = NULL;
}

/* A damaged file is put aside: its loss is safe, a daemon that does not start isn't. */
static void put_aside(struct accd_state_file *file, const char *path)
{
    char aside[PATH_BYTES + 16];

    accd_log(ACCD_LOG_ERROR, "state: %s is damaged (%s): moved to %s.damaged, starting afresh",
             path, sqlite3_errmsg(file->db), path);
    close_db(file);
    (void)snprintf(aside, sizeof(aside), "%s.damaged", path);
    (void)rename(path, aside);
    (void)snprintf(aside, sizeof(aside), "%s-wal", path);
    (void)unlink(aside);
    (void)snprintf(aside, sizeof(aside), "%s-shm", path);
    (void)unlink(aside);
}

static void open_or_replace(struct accd_state_file *file, const char *path, char *reterr_text)
{
    int r = open_db(file, path, false);

    if (r == SQLITE_NOTADB || r == SQLITE_CORRUPT || r == SQLITE_ERROR) {
        put_aside(file, path);
        r = open_db(file, path, false);
    }
    if (r != SQLITE_OK) {
        (void)snprintf(reterr_text, ACCD_STORE_ERROR_MAX, "%s (%.4000s)",
                       r == SQLITE_FULL ? "disk full" : sqlite3_errmsg(file->db), path);
        close_db(file);
        r = open_db(file, path, true);
    }
    if (r != SQLITE_OK) {
        close_db(file);
    }
}

/* mkdir -p, the last one 0700: the state tells what runs here. */
static int make_dirs(const char *dir)
{
    char path[PATH_BYTES];
    size_t len = strnlen(dir, sizeof(path) - 1);

    memcpy(path, dir, len);
    path[len] = '\0';
    for (size_t i = 1; i <= len; i++) {
        if (path[i] == '/' || path[i] == '\0') {
            char saved = path[i];

            path[i] = '\0';
            if (mkdir(path, i == len ? 0700 : 0755) < 0 && errno != EEXIST) {
                return -errno;
            }
            path[i] = saved;
        }
    }
    return 0;
}

static int begin(struct accd_state_file *file, char *reterr_text)
{
    char path[PATH_BYTES];
    int r = make_dirs(file->dir);

    if (r < 0) {
        (void)snprintf(reterr_text, ACCD_STORE_ERROR_MAX, "%s: %s", file->dir, strerror(-r));
    } else if (file->lock_fd < 0) {
        r = take_lock(file, file->dir, reterr_text);
    }
    if (r == 0) {
        (void)snprintf(path, sizeof(path), "%s/state.db", file->dir);
        open_or_replace(file, path, reterr_text);
    }
    return is_passing(-r) ? 0 : r;
}

int accd_state_file_open(struct accd_state_file *file, const char *dir, char *reterr_text)
{
    if (strlen(dir) >= sizeof(file->dir)) {
        (void)snprintf(reterr_text, ACCD_STORE_ERROR_MAX, "%.100s...: the path is too long", dir);
        return -ENAMETOOLONG;
    }
    (void)snprintf(file->dir, sizeof(file->dir), "%s", dir);
    return begin(file, reterr_text);
}

int accd_state_file_retry(struct accd_state_file *file, char *reterr_text)
{
    return begin(file, reterr_text);
}

void accd_state_file_close(struct accd_state_file *file)
{
    close_db(file);
    if (file->lock_fd >= 0) {
        (void)close(file->lock_fd);
        file->lock_fd = -1;
    }
}
