/*
 * How long answers and tokens take to come, from the stamps of a run's samples: time to the first
 * token (TTFT), time per further token of an answer (TPOT), and the gaps between tokens. Tokens are
 * the ids of the sample; times are nanoseconds.
 */
#ifndef SW_RECORD_LATENCY_H
#define SW_RECORD_LATENCY_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

struct sw_series {
    double *values; /* (n), owned */
    size_t n, capacity;
};

/* Zero-initialised it holds nothing. */
struct sw_latency {
    struct sw_series ttft_ns, tpot_ns, gap_ns;
};

/* Adds a `sample` line. One whose stamps go back, or whose ids and stamps are not
 * n_generated_tokens, fails and leaves everything as it was; a line without the arrays has no gaps.
 */
enum sw_code sw_latency_add(struct sw_latency *latency, const json_t *sample, struct sw_error *err);

/* Sets "ttft_ns", "tpot_ns" and "inter_token_ns" of end, each {"n", "min", "p50", "p90", "p95",
 * "p99", "max", "median"} or null where there is none. Sorts what it holds. */
void sw_latency_put(struct sw_latency *latency, json_t *end);
void sw_latency_free(struct sw_latency *latency);

#endif
