#pragma once

/*
 * Upgrades by themselves, for people: when the next comes, and what waits for it.
 */

#include <cjson/cJSON.h>

#include "client/render.h"

#define ACCCTL_AUTO_MAX 400u

/* A moment of these days as "Sun 03:00", one farther away as "2026-12-01 03:00", by the reader's
 * clock; "now" when it is over, "" for none. */
void accctl_soon(const struct accctl_style *style, const char *time, char *out, size_t out_size);
/* When its window opens, "next Sun 03:00" or "open now"; "" when accd doesn't know the time yet. */
void accctl_format_next(const char *next, const struct accctl_style *style, char *out,
                        size_t out_size);
/* `auto` of a service in one clause; NULL: "". */
void accctl_format_auto(const cJSON *autos, const struct accctl_style *style, char *out,
                        size_t out_size);
/* A line for all of them; nothing when no service upgrades by itself. */
void accctl_put_autos(const cJSON *status, const struct accctl_style *style, struct acc_buf *out);
