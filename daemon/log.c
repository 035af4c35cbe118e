#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/assert.h"

#ifdef ACCD_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#define LINE_MAX_BYTES 2048

/* The process has one stderr and one journal, so this is one of the daemon's few globals. */
static struct {
    enum accd_log_level level;
    int to_journal;
} sink = {ACCD_LOG_INFO, 0};

static const char *const names[] = {"", "", "", "error", "warning", "notice", "info", "debug"};

void accd_log_init(enum accd_log_level level, int to_journal)
{
    sink.level = level;
    sink.to_journal = to_journal;
}

int accd_log_level_parse(const char *text)
{
    for (int i = ACCD_LOG_ERROR; i <= ACCD_LOG_DEBUG; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static void to_stderr(enum accd_log_level level, const char *service, const char *line)
{
    char stamp[32] = "";
    time_t now = time(NULL);
    struct tm tm;

    if (localtime_r(&now, &tm)) {
        (void)strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
    }
    (void)fprintf(stderr, "%s %-7s %s%s%s\n", stamp, names[level], service ? service : "",
                  service ? ": " : "", line);
}

static void put(enum accd_log_level level, const char *service, unsigned long long incident,
                const char *line)
{
#ifdef ACCD_SYSTEMD
    if (sink.to_journal) {
        /* An empty field is dropped by journald. */
        (void)sd_journal_send("PRIORITY=%d", (int)level, "SYSLOG_IDENTIFIER=accd", "MESSAGE=%s%s%s",
                              service ? service : "", service ? ": " : "", line, "ACC_SERVICE=%s",
                              service ? service : "", "ACC_INCIDENT=%llu", incident, NULL);
        return;
    }
#else
    (void)incident;
#endif
    to_stderr(level, service, line);
}

void accd_log(enum accd_log_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    if (level > sink.level) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args); /* a cut line is fine */
    va_end(args);
    put(level, NULL, 0, line);
}

void accd_log_service(enum accd_log_level level, const char *service, unsigned long long incident,
                      const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    if (level > sink.level) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    put(level, service, incident, line);
}
