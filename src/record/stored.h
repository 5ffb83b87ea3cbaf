/*
 * Records as they were stored: the runs of a journal, each by its last `end` line (by its lines
 * where it never came to one), and what `measure` and `run` printed as JSON. Their joules are
 * summed anew from the microjoules of phases and runs, and have to agree with the sums stored
 * beside them.
 */
#ifndef SW_RECORD_STORED_H
#define SW_RECORD_STORED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "record/energy.h"

struct sw_stored {
    const json_t *record; /* `end` or `command`, borrowed */
    size_t line;          /* in its file; 0: the file is one JSON text */
    bool is_command;      /* joules and seconds are means over its runs */
    bool unfinished;      /* the run has no `end` line; the record is made of its other lines */
    double n_tokens;      /* that the joules are divided by; 0: a command */
    double seconds;       /* on the wall clock, prefill to the last token; a command's run */
    double work_seconds;  /* that the joules belong to: prefill and decode, or the command's run */
    bool seconds_are_known; /* a command that did not start has none */
    double divisor;         /* the sums are over this many runs; 1 for `end` */
    struct sw_energy_sum component[SW_RECORD_COMPONENTS], total;
};

struct sw_stored_remarks {
    size_t n_records;
    size_t n_skipped;      /* lines and records */
    struct sw_error first; /* why the first of them was */
};

/* Calls on_record for each record in order. What is malformed is skipped and counted; a file
 * without any record fails. */
enum sw_code sw_stored_read(const char *path,
                            void (*on_record)(void *ctx, const struct sw_stored *stored), void *ctx,
                            struct sw_stored_remarks *remarks, struct sw_error *err);

/* The same, with the lines that a run's record was made of. */
struct sw_stored_calls {
    void (*on_record)(void *ctx, const struct sw_stored *stored);
    /* Each `sample` and `window` line of run, in order, before the run's record; all borrowed. A
     * line that it fails for counts as skipped. */
    enum sw_code (*on_line)(void *ctx, const json_t *run, const json_t *line, struct sw_error *err);
    void *ctx;
};

enum sw_code sw_stored_read_lines(const char *path, const struct sw_stored_calls *calls,
                                  struct sw_stored_remarks *remarks, struct sw_error *err);

#endif
