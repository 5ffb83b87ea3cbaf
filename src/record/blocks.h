/*
 * Blocks of a run from its journal lines: what each cost per token, and from them the means with
 * their intervals, which is "statistics" of the record. A block counts once it is complete. Nothing
 * is left out of a mean: what is odd about it is told beside it.
 */
#ifndef SW_RECORD_BLOCKS_H
#define SW_RECORD_BLOCKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "record/energy.h"
#include "statistics/interval.h"

struct sw_block {
    size_t n_samples;
    uint64_t n_tokens, ns; /* of its samples, in a batch of its windows; prefill and decode */
    uint64_t uj[SW_RECORD_COMPONENTS];
    bool is_missing[SW_RECORD_COMPONENTS];
    bool is_measured[SW_RECORD_COMPONENTS]; /* some of it by a counter or by a sensor of power */
    double ttft_ns, tpot_ns;                /* sums over samples */
    size_t n_tpot;
};

/* Time per token of one sample, for those that stand out. */
struct sw_block_sample {
    size_t block, index;
    double tpot_ns;
};

/* Zero-initialised it has none. */
struct sw_blocks {
    size_t n_questions; /* samples of a complete block; 0: not known, so none is complete */
    bool is_looked_at;  /* after every block: the run stops once its interval is narrow */
    bool is_batch;      /* seconds and joules are those of windows */
    struct sw_block *items;
    size_t n, capacity;
    struct sw_block_sample *samples;
    size_t n_samples, samples_capacity;
};

/* Adds a `sample` or a `window` line that the summary has checked. One without "block" is of a run
 * without blocks and changes nothing; a "block" that is no such number fails. */
enum sw_code sw_blocks_add_sample(struct sw_blocks *blocks, const json_t *sample,
                                  struct sw_error *err);
enum sw_code sw_blocks_add_window(struct sw_blocks *blocks, const json_t *window,
                                  struct sw_error *err);
void sw_blocks_free(struct sw_blocks *blocks);

/* How sure a run is so far. */
struct sw_precision {
    size_t n_blocks;    /* complete */
    const char *figure; /* that is looked at: joules per token where some of them are measured, else
                           seconds per token; a path of the record */
    struct sw_interval interval;
};

enum sw_code sw_blocks_precision(const struct sw_blocks *blocks, struct sw_precision *out,
                                 struct sw_error *err);

/* "statistics": by figure {"mean", "low", "high", "level", "n_blocks", "n_effective", "marked",
 * "reason", "drift_p", "n_warm_up", "outliers", "blocks"} or null, and "sample_outliers". NULL if
 * memory is out. */
json_t *sw_blocks_to_json(const struct sw_blocks *blocks);

#endif
