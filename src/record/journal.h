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

/* Longest line, without its end; twice SW_JSON_MAX_VALUES, so that no line that was written has too
 * many values to be read. 300,000 tokens with their stamps fit in. */
#define SW_JOURNAL_MAX_LINE_BYTES ((size_t)8 << 20)

/* A journal open for appending. Not for use by two threads at once. */
struct sw_journal;

/* Opens for appending, creating the file, under a lock that another writer of the same file is
 * refused by name. Only regular files are taken (a pipe cannot be cut back to its last whole line),
 * and of those only empty ones and journals. An unfinished last line of an earlier crash is ended
 * with a newline, so that it spoils nothing after it; *torn (may be NULL) says that there was one.
 * A last line that lacks only its newline is whole, not torn. A full disk is told. */
enum sw_code sw_journal_open(struct sw_journal **out, const char *path, bool *torn,
                             struct sw_error *err);

/* Writes one object, which begins with schema_version and type, as one line in one write; syncs to
 * disk if the last sync is a second ago or more. On failure (full disk) the file is cut back to its
 * last whole line, and the error says which line is lost. The object keeps its owner. */
enum sw_code sw_journal_append(struct sw_journal *journal, const json_t *object,
                               struct sw_error *err);

/* Syncs what was not synced yet; _if_due only where the oldest of it was written a second ago or
 * more: for the caller's pauses between measurements. */
enum sw_code sw_journal_sync(struct sw_journal *journal, struct sw_error *err);
enum sw_code sw_journal_sync_if_due(struct sw_journal *journal, struct sw_error *err);

/* Syncs and closes; NULL is fine. A failure to sync goes unseen here: call sw_journal_sync first.
 */
void sw_journal_close(struct sw_journal *journal);

/* Calls on_line for every whole, valid line in order; object is borrowed, line counts from 1. Lines
 * that are torn, too long, or no JSON object are counted in *n_skipped, the first one described in
 * first_skipped (both may be NULL); empty lines are passed over. on_line returns false to stop
 * early. Reads regular files and pipes, one line at a time in memory. */
enum sw_code sw_journal_read(const char *path,
                             bool (*on_line)(void *ctx, const json_t *object, size_t line),
                             void *ctx, size_t *n_skipped, struct sw_error *first_skipped,
                             struct sw_error *err);

#endif
