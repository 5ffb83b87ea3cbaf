/*
 * Runs as a journal holds them, each with what was measured of its answers: for comparing them pair
 * by pair. Read by the reader of stored records, so that both take the same files.
 */
#ifndef SW_RECORD_MEASURED_RUN_H
#define SW_RECORD_MEASURED_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "record/stored.h"

/* One answer, or one window of a batch. */
struct sw_measured_part {
    uint64_t block, index;
    char *question_id; /* owned; NULL: a window */
    uint64_t n_generated;
    uint64_t ids_hash; /* of the generated ids */
    uint64_t start_ns, end_ns;
    double prefill_s, decode_s;          /* a window is one of the two */
    double joules[SW_RECORD_COMPONENTS]; /* of both; NaN: no value */
};

struct sw_measured_run {
    const char *path; /* borrowed */
    const char *id;   /* view into record; "" where it has none */
    json_t *record;   /* its `end` line, or what its lines come to; a reference of our own */
    bool is_complete; /* it has its end line and was not interrupted */
    struct sw_energy_sum component[SW_RECORD_COMPONENTS], total;
    struct sw_measured_part *parts; /* (n_parts) in the order of the file */
    size_t n_parts, n_windows;      /* parts: windows included */
};

struct sw_measured_runs {
    struct sw_measured_run *items;
    size_t n;
    size_t n_commands; /* records of measured commands that were passed over */
    struct sw_stored_remarks remarks;
};

/* path has to outlive the runs. A file without any record fails; one without runs has n 0. */
enum sw_code sw_measured_runs_read(struct sw_measured_runs *out, const char *path,
                                   struct sw_error *err);
void sw_measured_runs_free(struct sw_measured_runs *runs);

/* The last run whose id begins with prefix; with prefix "" the last complete one, else the last.
 * before: only runs in front of this one of the same list; NULL: all. Fails by name where there is
 * none, or where a prefix fits several. */
enum sw_code sw_measured_runs_pick(const struct sw_measured_run **out,
                                   const struct sw_measured_runs *runs, const char *path,
                                   const char *prefix, const struct sw_measured_run *before,
                                   struct sw_error *err);

#endif
