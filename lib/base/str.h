#pragma once

/*
 * Text helpers that the standard library lacks or gets wrong: numbers that must be whole numbers,
 * durations and sizes in Compose's notation, the nearest name for "did you mean".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, all of `text`. False when it is not a number or does not fit. */
bool acc_parse_u64(const char *text, uint64_t *ret_value);

/* A duration in Go's notation with Compose's d and w ("1m30s", "1.5h", "500ms", "2d", "0"); result
 * in nanoseconds. False when it is none, or beyond int64 (compose-go: types/duration.go). */
bool acc_parse_duration_ns(const char *text, int64_t *ret_ns);
/* As Go prints it: "1m30s", "500ms", "24h0m0s". Cut to `out_size`. */
void acc_format_duration_ns(int64_t ns, char *out, size_t out_size);
/* For people: "0 s", "850 ms", "12 s", "3 min 20 s", "2 h 5 min", "4 d 3 h". */
void acc_format_span_ms(uint64_t ms, char *out, size_t out_size);
/* The same of what is left: above a minute in whole ones, rounded up, as people count. */
void acc_format_left_ms(uint64_t ms, char *out, size_t out_size);
/* What is behind a word that is counted: "%zu service%s". */
const char *acc_plural(uint64_t n);

/* What stands at the end of a text that has lost its own, and its bytes. */
#define ACC_CUT     "\xe2\x80\xa6"
#define ACC_CUT_LEN (sizeof(ACC_CUT) - 1)
/* `text` has lost what followed its `len` bytes: ACC_CUT is put behind it, in place of its last
 * bytes where it would be longer than `max` then, and of a UTF-8 sequence that lost its end. `text`
 * has room for `max` bytes (ACC_CUT_LEN at least) and a NUL. Once is enough, and twice the same.
 * Returns the new length. */
size_t acc_mark_cut(char *text, size_t len, size_t max);

/* docker/go-units RAMInBytes: "512m", "1.5 GiB", "1024"; always 1024-based. */
bool acc_parse_bytes(const char *text, int64_t *ret_bytes);
/* "512 MiB", "1.5 GiB". */
void acc_format_bytes(uint64_t bytes, char *out, size_t out_size);

/* Edit distance with transpositions, capped: anything above `max` returns max + 1. */
size_t acc_edit_distance(const char *a, const char *b, size_t max);
/* The candidate nearest to `word` if it is near enough to be a typo, else NULL. */
const char *acc_nearest(const char *word, const char *const *candidates, size_t n_candidates);

/* RFC 3339 UTC time with up to nanoseconds ("2026-11-23T13:00:00.123456789Z") to Unix nanoseconds.
 * "0001-01-01T00:00:00Z", Go's zero time, gives 0. False when malformed. */
bool acc_parse_rfc3339_ns(const char *text, int64_t *ret_ns);
/* Unix milliseconds as "2026-11-23T13:00:00Z"; `out` needs 21 bytes. */
#define ACC_RFC3339_MAX 32
void acc_format_rfc3339(int64_t unix_ms, char *out, size_t out_size);
