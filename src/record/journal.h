/*
 * The journal: one JSON object a line, schema_version and type first, written as they come. A crash
 * or a full disk loses at most the sample under way; a torn last line is reported and skipped.
 */
#ifndef SW_RECORD_JOURNAL_H
#define SW_RECORD_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SW_SCHEMA_VERSION = 1 };

struct sw_journal;

/* Opens for appending, under a lock that another writer of the same file is refused by name. A torn
 * last line of an earlier crash is ended with a newline, so that it spoils nothing after it;
 * *torn (may be NULL) says that there was one. */
enum sw_code sw_journal_open(struct sw_journal **out, const char *path, bool *torn,
                             struct sw_error *err);

/* Writes one object as one line in one write; syncs to disk at most once a second. On failure
 * (full disk) the file is cut back to its last whole line. The object keeps its owner. */
enum sw_code sw_journal_append(struct sw_journal *journal, const json_t *object,
                               struct sw_error *err);
enum sw_code sw_journal_sync(struct sw_journal *journal, struct sw_error *err);
void sw_journal_close(struct sw_journal *journal);

/* Calls on_line for every whole, valid line in order; object is borrowed, line counts from 1. Lines
 * that are torn or no JSON object are counted in *n_skipped, the first one described in
 * first_skipped (both may be NULL). on_line returns false to stop early. */
enum sw_code sw_journal_read(const char *path,
                             bool (*on_line)(void *ctx, const json_t *object, size_t line),
                             void *ctx, size_t *n_skipped, struct sw_error *first_skipped,
                             struct sw_error *err);

#endif
