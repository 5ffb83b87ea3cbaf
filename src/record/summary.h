/*
 * The summary of a run from its journal lines alone: the `run` line and its `sample` lines, and in
 * a batch its `window` lines, give the `end` line, which is the record that `-o json` prints. Every
 * figure in it can be recomputed from the lines.
 *
 * In a batch the answers under way share each joule and each second, so energy, prefill_ns,
 * decode_ns and wall_ns are summed over windows, and what is told per token is divided by the
 * tokens of the windows: all that were generated, those of answers that an interruption dropped
 * included.
 */
#ifndef SW_RECORD_SUMMARY_H
#define SW_RECORD_SUMMARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "record/blocks.h"

struct sw_summary;

/* run is the `run` line; the summary keeps a reference to it. */
enum sw_code sw_summary_create(struct sw_summary **out, json_t *run, struct sw_error *err);

/* Adds one `sample` line (borrowed); a malformed one fails and leaves the sums as they were. */
enum sw_code sw_summary_add(struct sw_summary *summary, const json_t *sample, struct sw_error *err);

/* Adds one `window` line (borrowed), in their order; the same about malformed ones. */
enum sw_code sw_summary_add_window(struct sw_summary *summary, const json_t *window,
                                   struct sw_error *err);

/* Adds one `quality` line (borrowed), of a sample that was added; the same about malformed ones. */
enum sw_code sw_summary_add_quality(struct sw_summary *summary, const json_t *line,
                                    struct sw_error *err);

/* The next sample or window comes from another process than the last one (resume): the time between
 * the two belongs to neither. */
void sw_summary_begin_stretch(struct sw_summary *summary);

size_t sw_summary_n_samples(const struct sw_summary *summary);

/* Seconds from the first sample to the last, as "wall_ns" of the record. */
double sw_summary_seconds(const struct sw_summary *summary);

/* How sure the blocks so far are. */
enum sw_code sw_summary_precision(const struct sw_summary *summary, struct sw_precision *out,
                                  struct sw_error *err);

/* What only the end of a run knows. */
struct sw_summary_end {
    bool interrupted;
    const char *ended_at;   /* UTC text */
    json_t *idle_after;     /* energy of the phase, stolen; NULL: not measured */
    json_t *idle_edges;     /* {"begin", "end"} of that phase, stolen; NULL: null */
    uint64_t idle_ns;       /* between those edges; 0: not measured */
    const char *stopped_by; /* why no further block followed; NULL: the run has no blocks */
    json_t *memory;         /* {"peak_rss_bytes", ...}, stolen; NULL: null */
    json_t *sampling;       /* what the sampler saw, stolen; NULL: null, there was none */
};

/* The `end` line, the caller's to json_decref. Fails only if memory is out or no sample finished.
 */
enum sw_code sw_summary_finish(struct sw_summary *summary, const struct sw_summary_end *end,
                               json_t **out, struct sw_error *err);
void sw_summary_destroy(struct sw_summary *summary);

#endif
