/*
 * Quality of a run's answers from its lines: the means of SQuAD's scores, perplexity of the
 * reference answers, agreement with fp32, and what a correct answer costs. What no line knows is
 * null, and "reasons" says why.
 */
#ifndef SW_RECORD_QUALITY_H
#define SW_RECORD_QUALITY_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

enum { SW_QUALITY_REASON_BYTES = 160 };

/* Zero-initialised it holds nothing. */
struct sw_quality {
    size_t n_samples, n_scored;
    double exact_match, f1, contains;       /* sums */
    char no_score[SW_QUALITY_REASON_BYTES]; /* of the first sample without */
    size_t n_references, n_reference_tokens;
    double reference_nll; /* sum over those tokens, nats */
    char no_reference[SW_QUALITY_REASON_BYTES];
    size_t n_compared, n_equal, n_compared_tokens, n_agreeing_tokens;
    double kl; /* sum over compared tokens, nats */
    char no_agreement[SW_QUALITY_REASON_BYTES];
};

/* Adds a `sample` line's "quality". */
enum sw_code sw_quality_add(struct sw_quality *quality, const json_t *sample, struct sw_error *err);

/* Adds a `quality` line, which a run writes for an answer when it has ended. */
enum sw_code sw_quality_add_line(struct sw_quality *quality, const json_t *line,
                                 struct sw_error *err);

/* {"n", "exact_match", "f1", "contains", "perplexity", "n_reference_tokens", "agreement",
 * "joules_per_correct", "reasons"}; total is energy_j's of the whole run. */
json_t *sw_quality_to_json(const struct sw_quality *quality, const json_t *total);

#endif
