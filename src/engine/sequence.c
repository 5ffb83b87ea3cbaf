/*
 * Steps of sequences: whole prompts in blocks, and one id more for each in one pass. Nothing is
 * allocated here but a generation's arrays.
 */
#include "engine/sequence.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

enum sw_code sw_sequence_check(const struct sw_engine *engine,
                               const struct sw_generate_request *request, struct sw_error *err)
{
    if (request->n_prompt == 0)
        return sw_fail(err, SW_EUSAGE, "the prompt has no tokens");
    if (request->n_prompt > engine->config->max_positions)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "the prompt has %zu tokens, the model has positions for %zu",
                       request->n_prompt, engine->config->max_positions);
    if (request->n_prompt > engine->max_prompt_tokens)
        return sw_fail(err, SW_EUSAGE, "the prompt has %zu tokens, the engine was opened for %zu",
                       request->n_prompt, engine->max_prompt_tokens);
    if (request->max_new_tokens > engine->max_new_tokens)
        return sw_fail(err, SW_EUSAGE,
                       "%zu new tokens were asked for, the engine was opened for %zu",
                       request->max_new_tokens, engine->max_new_tokens);
    for (size_t i = 0; i < request->n_prompt; i++) {
        int32_t id = request->prompt_ids[i];
        if (id < 0 || (size_t)id >= engine->config->vocab_size)
            return sw_fail(err, SW_EUSAGE, "prompt id %d at place %zu is outside 0 to %zu", (int)id,
                           i, engine->config->vocab_size - 1);
    }
    return SW_OK;
}

enum sw_code sw_generation_allocate(struct sw_generation *out, size_t max_new_tokens,
                                    bool want_logprobs, struct sw_error *err)
{
    size_t n = max_new_tokens > 0 ? max_new_tokens : 1;
    out->ids = calloc(n, sizeof *out->ids);
    out->stamps_ns = calloc(n, sizeof *out->stamps_ns);
    if (want_logprobs)
        out->logprobs = calloc(n, sizeof *out->logprobs);
    if (out->ids == NULL || out->stamps_ns == NULL || (want_logprobs && out->logprobs == NULL))
        return sw_fail(err, SW_ENOMEM, "out of memory for %zu new tokens", n);
    return SW_OK;
}

/* Appends the id that logits lead to, with its stamp. */
static enum sw_code choose(const struct sw_engine *engine, struct sw_sequence *sequence,
                           const float *logits, struct sw_error *err)
{
    struct sw_generation *out = sequence->generation;
    struct sw_sampler *sampler = sequence->request.sampler;
    size_t vocab_size = engine->config->vocab_size;
    int32_t id = sampler != NULL ? sw_sampler_next(sampler, logits) : sw_argmax(logits, vocab_size);
    if (id < 0)
        return sw_fail(err, SW_EFORMAT,
                       "the model gives no number for new token %zu (weights that are NaN or too "
                       "large)",
                       out->n_ids + 1);
    if (out->logprobs != NULL)
        out->logprobs[out->n_ids] = sw_logprob(logits, vocab_size, id);
    out->ids[out->n_ids] = id;
    out->stamps_ns[out->n_ids++] = sw_clock_ns();
    return SW_OK;
}

/* The prompt's last token was run: its logits lead to the first id. */
static enum sw_code end_prompt(const struct sw_engine *engine, struct sw_sequence *sequence,
                               const float *logits, struct sw_error *err)
{
    struct sw_generation *out = sequence->generation;
    size_t n = sequence->request.n_prompt;
    enum sw_code code = SW_OK;
    out->prompt_nll = engine->score_prompt && n > 1 ? sequence->nll_sum / (double)(n - 1) : NAN;
    if (sequence->request.max_new_tokens > 0)
        code = choose(engine, sequence, logits, err);
    out->prefill_end_ns = out->n_ids > 0 ? out->stamps_ns[0] : sw_clock_ns();
    return code;
}

/* Runs the first n_tokens of engine->tokens; the first one is of *sequences, and the next prompt
 * begins behind the last token of one. Each scored row predicts the prompt id behind it. */
static enum sw_code run_block(struct sw_engine *engine, struct sw_sequence *const *sequences,
                              size_t n_tokens, struct sw_error *err)
{
    size_t vocab_size = engine->config->vocab_size;
    const float *row = engine->logits;
    enum sw_code code =
        engine->api->forward(engine->backend, engine->tokens, n_tokens, engine->logits, err);
    for (size_t i = 0; i < n_tokens && code == SW_OK; i++) {
        if (!engine->tokens[i].want_logits)
            continue;
        size_t next = engine->tokens[i].position + (size_t)1;
        if (next == (*sequences)->request.n_prompt)
            code = end_prompt(engine, *sequences++, row, err);
        else
            (*sequences)->nll_sum -=
                sw_logprob(row, vocab_size, (*sequences)->request.prompt_ids[next]);
        row += vocab_size;
    }
    return code;
}

enum sw_code sw_sequences_prefill(struct sw_engine *engine, struct sw_sequence *const *sequences,
                                  size_t n, struct sw_error *err)
{
    struct sw_sequence *const *first = sequences; /* of the block's first token */
    size_t n_tokens = 0;
    enum sw_code code = SW_OK;
    for (size_t s = 0; s < n; s++) {
        const struct sw_generate_request *request = &sequences[s]->request;
        sequences[s]->nll_sum = 0.0;
        for (size_t i = 0; i < request->n_prompt && code == SW_OK; i++) {
            bool is_last = i + 1 == request->n_prompt;
            if (n_tokens == 0)
                first = sequences + s;
            engine->tokens[n_tokens++] = (struct sw_batch_token){
                .id = request->prompt_ids[i],
                .position = (uint32_t)i,
                .sequence = sequences[s]->place,
                .want_logits = engine->score_prompt || is_last,
            };
            if (n_tokens == engine->prefill_block || (is_last && s + 1 == n)) {
                code = run_block(engine, first, n_tokens, err);
                n_tokens = 0;
            }
        }
    }
    return code;
}

enum sw_code sw_sequences_decode(struct sw_engine *engine, struct sw_sequence *const *sequences,
                                 size_t n, struct sw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct sw_generation *out = sequences[i]->generation;
        engine->tokens[i] = (struct sw_batch_token){
            .id = out->ids[out->n_ids - 1],
            .position = (uint32_t)(sequences[i]->request.n_prompt + out->n_ids - 1),
            .sequence = sequences[i]->place,
            .want_logits = true,
        };
    }
    enum sw_code code =
        engine->api->forward(engine->backend, engine->tokens, n, engine->logits, err);
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        struct sw_generation *out = sequences[i]->generation;
        code = choose(engine, sequences[i], engine->logits + i * engine->config->vocab_size, err);
        if (code == SW_OK)
            out->end_ns = out->stamps_ns[out->n_ids - 1];
    }
    return code;
}

static bool is_eos(const struct sw_config *config, int32_t id)
{
    for (size_t i = 0; i < config->n_eos; i++) {
        if (config->eos_ids[i] == id)
            return true;
    }
    return false;
}

bool sw_sequence_is_over(const struct sw_engine *engine, struct sw_sequence *sequence)
{
    const struct sw_generate_request *request = &sequence->request;
    struct sw_generation *out = sequence->generation;
    if (out->n_ids == 0)
        return true;
    int32_t id = out->ids[out->n_ids - 1];
    enum sw_verdict_on_token verdict =
        request->on_token != NULL ? request->on_token(request->ctx, id) : SW_GO_ON;
    if (verdict == SW_STOP_HERE_INTERRUPTED) {
        out->stop_reason = SW_STOP_INTERRUPTED;
        return true;
    }
    if (!request->ignore_eos && is_eos(engine->config, id)) {
        out->stop_reason = SW_STOP_EOS;
        return true;
    }
    if (verdict == SW_STOP_HERE_TEXT) {
        out->stop_reason = SW_STOP_TEXT;
        return true;
    }
    out->stop_reason = SW_STOP_LENGTH;
    /* The newest id would be run at position n_prompt + n_ids - 1. */
    return out->n_ids == request->max_new_tokens ||
           request->n_prompt + out->n_ids > engine->max_positions;
}
