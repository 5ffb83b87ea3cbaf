/*
 * The record of a run as it grows: journal and summary, and of a resumed run what it had. Lines go
 * to the journal first: what is summed up is on its way to the disk.
 */
#ifndef SW_CLI_RUN_RECORD_H
#define SW_CLI_RUN_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "record/journal.h"
#include "record/resume.h"
#include "record/summary.h"

/* Zero-initialised it is not open. */
struct sw_run_record {
    const char *path; /* borrowed */
    struct sw_journal *journal;
    struct sw_resume earlier; /* what --resume found */
    bool *is_done; /* (n_samples) of the block under way, by an earlier run; NULL: none */
    struct sw_summary *summary;
    json_t *line; /* the `run` line */
    json_t *ids;  /* array: each answer's, null where there is none */
    size_t n_samples;
    bool has_blocks; /* samples are counted by block and index */
    bool resume;     /* asked for, and there is a journal */
    char run_id[17];
};

/* Before anything is loaded: a journal that cannot be written is told at once. With resume, reads
 * what is there. path is borrowed. */
enum sw_code sw_run_record_open(struct sw_run_record *record, const char *path, bool resume,
                                struct sw_error *err);

/* Writes the `run` line (stolen, not NULL) of n_samples questions. Of a run that goes on, whose
 * plan must be the same, the summary begins with the samples it has. */
enum sw_code sw_run_record_begin(struct sw_run_record *record, json_t *line, size_t n_samples,
                                 struct sw_error *err);

/* Marks in is_done what an earlier run did of a block; returns how many of its samples. */
size_t sw_run_record_begin_block(struct sw_run_record *record, size_t block);

/* What the journal holds to disk, if that is a second ago; outside of what is measured. */
enum sw_code sw_run_record_sync(struct sw_run_record *record, struct sw_error *err);

enum sw_code sw_run_record_sample(struct sw_run_record *record, const json_t *line,
                                  struct sw_error *err);
enum sw_code sw_run_record_window(struct sw_run_record *record, const json_t *line,
                                  struct sw_error *err);
enum sw_code sw_run_record_quality(struct sw_run_record *record, const json_t *line,
                                   struct sw_error *err);

/* The `end` line, and everything to disk. */
enum sw_code sw_run_record_end(struct sw_run_record *record, const json_t *line,
                               struct sw_error *err);
void sw_run_record_close(struct sw_run_record *record);

#endif
