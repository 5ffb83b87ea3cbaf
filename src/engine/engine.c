/*
 * The loop around a backend: the prompt in blocks, then a token at a time. Every buffer is made
 * before the first token; a generation's own arrays are made before its clock starts.
 */
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"

enum { DEFAULT_PREFILL_BLOCK = 128 };

struct sw_engine {
    const struct sw_backend_api *api;
    struct sw_backend *backend;
    const struct sw_config *config; /* the model's */
    size_t max_prompt_tokens, max_new_tokens, prefill_block;
    size_t max_positions;
    bool score_prompt;
    float *logits;                 /* (max_logits, vocab_size) */
    struct sw_batch_token *tokens; /* (prefill_block) */
    size_t buffer_bytes;           /* of both */
};

const char *sw_stop_reason_name(enum sw_stop_reason reason)
{
    static const char *const names[] = {
        [SW_STOP_LENGTH] = "length",
        [SW_STOP_EOS] = "eos",
        [SW_STOP_TEXT] = "stop",
        [SW_STOP_INTERRUPTED] = "interrupted",
    };
    return names[reason];
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Positions a generation can need: the last id generated is never run. */
static size_t needed_positions(const struct sw_engine *engine)
{
    size_t n;
    if (!sw_size_add(&n, engine->max_prompt_tokens,
                     engine->max_new_tokens > 0 ? engine->max_new_tokens - 1 : 0))
        n = SIZE_MAX;
    return smaller(n, engine->config->max_positions);
}

enum sw_code sw_engine_open(struct sw_engine **out, const struct sw_model *model,
                            const struct sw_engine_options *options, struct sw_error *err)
{
    *out = NULL;
    if (options->max_prompt_tokens == 0)
        return sw_fail(err, SW_EUSAGE, "engine: room for no prompt token was asked for");
    struct sw_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return sw_fail(err, SW_ENOMEM, "engine: out of memory");
    engine->api = options->api;
    engine->config = sw_model_config(model);
    engine->max_prompt_tokens = options->max_prompt_tokens;
    engine->max_new_tokens = options->max_new_tokens;
    engine->score_prompt = options->score_prompt;
    engine->max_positions = needed_positions(engine);
    size_t prefill_block = options->prefill_block;
    if (sw_strategy_needs_whole_prompts(options->strategy))
        prefill_block = SIZE_MAX;
    engine->prefill_block =
        smaller(prefill_block > 0 ? prefill_block : DEFAULT_PREFILL_BLOCK,
                smaller(engine->max_prompt_tokens, engine->max_positions));

    size_t n_sequences = options->n_sequences > 0 ? options->n_sequences : 1;
    size_t max_batch = engine->prefill_block > n_sequences ? engine->prefill_block : n_sequences;
    size_t max_logits = engine->score_prompt ? max_batch : n_sequences;
    size_t n_floats;
    enum sw_code code;
    if (sw_size_mul(&n_floats, max_logits, engine->config->vocab_size))
        engine->logits = calloc(n_floats, sizeof *engine->logits);
    engine->tokens = calloc(engine->prefill_block, sizeof *engine->tokens);
    engine->buffer_bytes =
        n_floats * sizeof *engine->logits + engine->prefill_block * sizeof *engine->tokens;
    if (engine->logits == NULL || engine->tokens == NULL) {
        code = sw_fail(err, SW_ENOMEM, "engine: out of memory for the logits of %zu tokens",
                       max_logits);
        goto done;
    }
    code = engine->api->open(&engine->backend, model,
                             &(struct sw_backend_options){
                                 .strategy = options->strategy,
                                 .pool = options->pool,
                                 .n_sequences = n_sequences,
                                 .max_positions = engine->max_positions,
                                 .max_batch = max_batch,
                                 .max_logits = max_logits,
                             },
                             err);
done:
    if (code != SW_OK) {
        sw_engine_close(engine);
        engine = NULL;
    }
    *out = engine;
    return code;
}

void sw_engine_close(struct sw_engine *engine)
{
    if (engine == NULL)
        return;
    if (engine->backend != NULL)
        engine->api->close(engine->backend);
    free(engine->logits);
    free(engine->tokens);
    free(engine);
}

void sw_engine_describe(const struct sw_engine *engine, struct sw_backend_info *out)
{
    engine->api->describe(engine->backend, out);
    out->scratch_bytes += engine->buffer_bytes;
}

static enum sw_code check_request(const struct sw_engine *engine,
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

static enum sw_code allocate(struct sw_generation *out, const struct sw_generate_request *request,
                             struct sw_error *err)
{
    size_t n = request->max_new_tokens > 0 ? request->max_new_tokens : 1;
    out->ids = calloc(n, sizeof *out->ids);
    out->stamps_ns = calloc(n, sizeof *out->stamps_ns);
    if (request->want_logprobs)
        out->logprobs = calloc(n, sizeof *out->logprobs);
    if (out->ids == NULL || out->stamps_ns == NULL ||
        (request->want_logprobs && out->logprobs == NULL))
        return sw_fail(err, SW_ENOMEM, "out of memory for %zu new tokens", n);
    return SW_OK;
}

/* Runs the prompt in blocks; the logits of its last token are then the first row of *last_logits.
 * Each scored row predicts the prompt id behind it. */
static enum sw_code prefill(struct sw_engine *engine, const struct sw_generate_request *request,
                            double *prompt_nll, const float **last_logits, struct sw_error *err)
{
    size_t n = request->n_prompt, vocab_size = engine->config->vocab_size, n_block;
    double sum = 0.0;
    for (size_t begin = 0; begin < n; begin += n_block) {
        n_block = smaller(engine->prefill_block, n - begin);
        for (size_t i = 0; i < n_block; i++)
            engine->tokens[i] = (struct sw_batch_token){
                .id = request->prompt_ids[begin + i],
                .position = (uint32_t)(begin + i),
                .want_logits = engine->score_prompt || begin + i + 1 == n,
            };
        enum sw_code code =
            engine->api->forward(engine->backend, engine->tokens, n_block, engine->logits, err);
        if (code != SW_OK)
            return code;
        for (size_t i = 0; engine->score_prompt && i < n_block && begin + i + 1 < n; i++)
            sum -= sw_logprob(engine->logits + i * vocab_size, vocab_size,
                              request->prompt_ids[begin + i + 1]);
        *last_logits = engine->logits + (engine->score_prompt ? n_block - 1 : 0) * vocab_size;
    }
    *prompt_nll = engine->score_prompt && n > 1 ? sum / (double)(n - 1) : NAN;
    return SW_OK;
}

/* Appends the id that logits lead to, with its stamp. */
static enum sw_code choose(const struct sw_engine *engine,
                           const struct sw_generate_request *request, struct sw_generation *out,
                           const float *logits, struct sw_error *err)
{
    size_t vocab_size = engine->config->vocab_size;
    int32_t id = request->sampler != NULL ? sw_sampler_next(request->sampler, logits)
                                          : sw_argmax(logits, vocab_size);
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

static bool is_eos(const struct sw_config *config, int32_t id)
{
    for (size_t i = 0; i < config->n_eos; i++) {
        if (config->eos_ids[i] == id)
            return true;
    }
    return false;
}

/* Whether the generation ends with its newest id, and why. */
static bool is_over(const struct sw_engine *engine, const struct sw_generate_request *request,
                    struct sw_generation *out)
{
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

static void tell_edge(const struct sw_generate_request *request, enum sw_edge edge)
{
    if (request->on_edge != NULL)
        request->on_edge(request->ctx, edge);
}

static enum sw_code run(struct sw_engine *engine, const struct sw_generate_request *request,
                        struct sw_generation *out, struct sw_error *err)
{
    const float *logits = NULL;
    engine->api->reset(engine->backend, 0);
    tell_edge(request, SW_EDGE_BEGIN);
    out->start_ns = sw_clock_ns();
    enum sw_code code = prefill(engine, request, &out->prompt_nll, &logits, err);
    if (code == SW_OK && request->max_new_tokens > 0)
        code = choose(engine, request, out, logits, err);
    if (code != SW_OK)
        return code;
    out->prefill_end_ns = out->n_ids > 0 ? out->stamps_ns[0] : sw_clock_ns();
    tell_edge(request, SW_EDGE_PREFILL_END);
    out->decode_start_ns = out->end_ns = sw_clock_ns();
    while (out->n_ids > 0 && !is_over(engine, request, out)) {
        struct sw_batch_token token = {
            .id = out->ids[out->n_ids - 1],
            .position = (uint32_t)(request->n_prompt + out->n_ids - 1),
            .want_logits = true,
        };
        code = engine->api->forward(engine->backend, &token, 1, engine->logits, err);
        if (code == SW_OK)
            code = choose(engine, request, out, engine->logits, err);
        if (code != SW_OK)
            return code;
        out->end_ns = out->stamps_ns[out->n_ids - 1];
    }
    tell_edge(request, SW_EDGE_DECODE_END);
    return SW_OK;
}

enum sw_code sw_engine_generate(struct sw_engine *engine, const struct sw_generate_request *request,
                                struct sw_generation *out, struct sw_error *err)
{
    *out = (struct sw_generation){.stop_reason = SW_STOP_LENGTH, .prompt_nll = NAN};
    enum sw_code code = check_request(engine, request, err);
    if (code == SW_OK)
        code = allocate(out, request, err);
    if (code == SW_OK)
        code = run(engine, request, out, err);
    if (code != SW_OK)
        sw_generation_free(out);
    return code;
}

void sw_generation_free(struct sw_generation *generation)
{
    free(generation->ids);
    free(generation->stamps_ns);
    free(generation->logprobs);
    *generation = (struct sw_generation){0};
}
