/*
 * A text that is given, not generated: what the model thinks of each of its tokens in turn, for
 * perplexity and for comparing two models. Tokens behind the context come one at a time, as in
 * decoding, so that the numbers are those of the arithmetic that was measured.
 *
 *     sw_forced_begin(&forced, engine, ids, n_context, &logits, &err);
 *     sw_forced_next(&forced, ids[n_context], &logits, &err); ...
 *
 * logits (vocab_size) are of the token that comes next; a view that lives until the next call.
 */
#ifndef SW_ENGINE_FORCED_H
#define SW_ENGINE_FORCED_H

#include "engine/engine.h"

struct sw_forced {
    struct sw_engine *engine;
    size_t n; /* tokens run so far */
};

/* Runs a context of n_context ids, from 1, as a prompt of its own: what the engine did before is
 * forgotten. Not while it generates. */
enum sw_code sw_forced_begin(struct sw_forced *out, struct sw_engine *engine,
                             const int32_t *context_ids, size_t n_context,
                             const float **logits_view, struct sw_error *err);

/* One id more. SW_EUNSUPPORTED once the engine's positions are used up. */
enum sw_code sw_forced_next(struct sw_forced *forced, int32_t id, const float **logits_view,
                            struct sw_error *err);

/* Kullback-Leibler divergence of the softmax of q from that of p, both logits (n), in nats: what is
 * lost where p is the truth and q is believed. Not negative but for rounding; NaN where either
 * holds no number. */
double sw_divergence(const float *p, const float *q, size_t n);

#endif
