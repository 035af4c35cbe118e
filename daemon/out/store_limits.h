#pragma once

/* Limits of the store, and who gets what it has, for it and for the file behind it. */

struct acc_service_record;
struct acc_revision_record;

typedef void (*accd_on_service_fn)(void *ctx, const struct acc_service_record *record);
typedef void (*accd_on_revision_fn)(void *ctx, const struct acc_revision_record *record);

/* A path and what is wrong with it. */
#define ACCD_STORE_ERROR_MAX 4608

/* History that is kept: a quiet year of a home, or a bad week. Older rows go first. */
#define ACCD_STORE_HISTORY_MAX 50000
/* Rows one reader may ask for. */
#define ACCD_STORE_HISTORY_READ_MAX 1000u
/* Revisions of one service that stay readable. */
#define ACCD_STORE_REVISIONS_MAX 50
/* ... and upgrades that failed before anything was made. `auto` may try twice an hour. */
#define ACCD_STORE_ATTEMPTS_MAX 10
/* Ended operations that stay readable in the journal. */
#define ACCD_STORE_JOURNAL_MAX 10000
