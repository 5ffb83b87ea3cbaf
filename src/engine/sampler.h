/* Logits to the next token: one sampler for every backend. */
#ifndef SW_ENGINE_SAMPLER_H
#define SW_ENGINE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/random.h"

struct sw_sampler_options {
    float temperature; /* 0 (default): greedy, the lowest id among equals */
    size_t top_k;      /* 0 (default): all */
    float top_p;       /* 0 (default) or 1: all; in (0, 1): the smallest set reaching it */
    uint64_t seed;
};

struct sw_sampler; /* owns scratch of the vocabulary's size */

enum sw_code sw_sampler_create(struct sw_sampler **out, const struct sw_sampler_options *options,
                               size_t vocab_size, struct sw_error *err);
void sw_sampler_destroy(struct sw_sampler *sampler);

/* Index of the greatest logit (lowest index among equals, NaN never); -1 where all are NaN. */
int32_t sw_argmax(const float *logits, size_t n);

/* The next id from logits (vocab_size); -1 where all are NaN. Nothing is allocated. */
int32_t sw_sampler_next(struct sw_sampler *sampler, const float *logits);

/* Natural log of the softmax probability of id, in double over the raw logits. */
double sw_logprob(const float *logits, size_t n, int32_t id);

#endif
