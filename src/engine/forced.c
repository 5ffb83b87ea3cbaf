#include "engine/forced.h"

#include <math.h>

#include "engine/sequence.h"

static enum sw_code run(struct sw_forced *f, const int32_t *ids, size_t n, bool want_last,
                        struct sw_error *err)
{
    struct sw_engine *engine = f->engine;
    for (size_t i = 0; i < n; i++)
        engine->tokens[i] = (struct sw_batch_token){
            .id = ids[i],
            .position = (uint32_t)(f->n + i),
            .want_logits = want_last && i + 1 == n,
        };
    f->n += n;
    return engine->api->forward(engine->backend, engine->tokens, n, engine->logits, err);
}

enum sw_code sw_forced_begin(struct sw_forced *out, struct sw_engine *engine,
                             const int32_t *context_ids, size_t n_context,
                             const float **logits_view, struct sw_error *err)
{
    *out = (struct sw_forced){.engine = engine};
    enum sw_code code = sw_sequence_check(
        engine, &(struct sw_generate_request){.prompt_ids = context_ids, .n_prompt = n_context},
        err);
    if (code == SW_OK)
        engine->api->reset(engine->backend, 0);
    for (size_t at = 0; at < n_context && code == SW_OK;) {
        size_t left = n_context - at;
        size_t n = left < engine->prefill_block ? left : engine->prefill_block;
        code = run(out, context_ids + at, n, n == left, err);
        at += n;
    }
    *logits_view = engine->logits;
    return code;
}

enum sw_code sw_forced_next(struct sw_forced *f, int32_t id, const float **logits_view,
                            struct sw_error *err)
{
    if (f->n >= f->engine->max_positions)
        return sw_fail(err, SW_EUNSUPPORTED, "the engine was opened for %zu positions",
                       f->engine->max_positions);
    *logits_view = f->engine->logits;
    return run(f, &id, 1, true, err);
}

/* Logarithm of the sum of the exponentials, the largest taken out. */
static double log_sum(const float *logits, size_t n)
{
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, (double)logits[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - largest);
    return largest + log(sum);
}

double sw_divergence(const float *p, const float *q, size_t n)
{
    double p_sum = log_sum(p, n), q_sum = log_sum(q, n), divergence = 0;
    for (size_t i = 0; i < n; i++) {
        double log_p = (double)p[i] - p_sum;
        if (!(log_p <= -700)) /* below, exp is 0, and 0 times a difference of infinities none */
            divergence += exp(log_p) * (log_p - ((double)q[i] - q_sum));
    }
    return divergence;
}
