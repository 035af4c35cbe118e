#pragma once

/*
 * Logging: the structured journal under systemd, otherwise readable lines on stderr.
 *
 * The daemon logs once, where an error stops being forwarded; lib never logs. No secret and no
 * environment value is ever given to it.
 */

enum accd_log_level {
    ACCD_LOG_ERROR = 3,   /* syslog's numbers: a service or the daemon is hurt */
    ACCD_LOG_WARNING = 4, /* the user should look */
    ACCD_LOG_NOTICE = 5,  /* a service changed its state */
    ACCD_LOG_INFO = 6,
    ACCD_LOG_DEBUG = 7,
};

/* Once, at start. `to_journal`: stderr is the journal ($JOURNAL_STREAM). */
void accd_log_init(enum accd_log_level level, int to_journal);
/* "error", "warning", "notice", "info", "debug"; -1 when it is none of them. */
int accd_log_level_parse(const char *text);

void accd_log(enum accd_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* With the journal field ACC_SERVICE=, and ACC_INCIDENT= when `incident` is not 0. */
void accd_log_service(enum accd_log_level level, const char *service, unsigned long long incident,
                      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
