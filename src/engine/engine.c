/*
 * The engine's buffers, and the loop for one prompt: the prompt in blocks, then a token at a time.
 * Every buffer is made before the first token; a generation's own arrays are made before its clock
 * starts.
 */
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "engine/sequence.h"

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

/* Tokens of one prefill call: not more than all prompts at once can have. */
static size_t prefill_block_of(const struct sw_engine *engine, size_t asked)
{
    size_t most;
    if (!sw_size_mul(&most, smaller(engine->max_prompt_tokens, engine->max_positions),
                     engine->n_sequences))
        most = SIZE_MAX;
    return smaller(asked > 0 ? asked : SW_PREFILL_BLOCK, most);
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
    engine->n_sequences = options->n_sequences > 0 ? options->n_sequences : 1;
    bool is_whole = sw_strategy_needs_whole_prompts(options->strategy);
    engine->prefill_block = prefill_block_of(engine, is_whole ? SIZE_MAX : options->prefill_block);

    size_t n_sequences = engine->n_sequences;
    size_t max_batch = engine->prefill_block > n_sequences ? engine->prefill_block : n_sequences;
    size_t max_logits = engine->score_prompt ? max_batch : n_sequences;
    size_t n_floats;
    enum sw_code code;
    if (sw_size_mul(&n_floats, max_logits, engine->config->vocab_size))
        engine->logits = calloc(n_floats, sizeof *engine->logits);
    engine->tokens = calloc(max_batch, sizeof *engine->tokens);
    engine->buffer_bytes = n_floats * sizeof *engine->logits + max_batch * sizeof *engine->tokens;
    bool chooses = engine->api->greedy != NULL;
    if (chooses) {
        engine->ids = calloc(n_sequences, sizeof *engine->ids);
        engine->logprobs = calloc(n_sequences, sizeof *engine->logprobs);
        engine->buffer_bytes += n_sequences * (sizeof *engine->ids + sizeof *engine->logprobs);
    }
    if (engine->logits == NULL || engine->tokens == NULL ||
        (chooses && (engine->ids == NULL || engine->logprobs == NULL))) {
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
                                 .onnx_graph = options->onnx_graph,
                                 .gpu = options->gpu,
                                 .on_stage = options->on_stage,
                                 .stage_ctx = options->stage_ctx,
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
    free(engine->ids);
    free(engine->logprobs);
    free(engine);
}

void sw_engine_describe(const struct sw_engine *engine, struct sw_backend_info *out)
{
    engine->api->describe(engine->backend, out);
    out->scratch_bytes += engine->buffer_bytes;
}

static void tell_edge(const struct sw_generate_request *request, enum sw_edge edge)
{
    if (request->on_edge != NULL)
        request->on_edge(request->ctx, edge);
}

static enum sw_code run(struct sw_engine *engine, struct sw_sequence *sequence,
                        struct sw_error *err)
{
    const struct sw_generate_request *request = &sequence->request;
    struct sw_generation *out = sequence->generation;
    engine->api->reset(engine->backend, 0);
    tell_edge(request, SW_EDGE_BEGIN);
    out->start_ns = sw_clock_ns();
    enum sw_code code = sw_sequences_prefill(engine, &sequence, 1, err);
    if (code != SW_OK)
        return code;
    tell_edge(request, SW_EDGE_PREFILL_END);
    out->decode_start_ns = out->end_ns = sw_clock_ns();
    bool is_over = sw_sequence_is_over(engine, sequence);
    while (!is_over && code == SW_OK) {
        if (sw_sequence_is_decodable(engine, sequence)) {
            code = sw_sequence_decode(engine, sequence, &is_over, err);
        } else {
            code = sw_sequences_decode(engine, &sequence, 1, err);
            is_over = code == SW_OK && sw_sequence_is_over(engine, sequence);
        }
    }
    if (code == SW_OK)
        tell_edge(request, SW_EDGE_DECODE_END);
    return code;
}

enum sw_code sw_engine_generate(struct sw_engine *engine, const struct sw_generate_request *request,
                                struct sw_generation *out, struct sw_error *err)
{
    struct sw_sequence sequence = {.request = *request, .generation = out};
    *out = (struct sw_generation){.stop_reason = SW_STOP_LENGTH, .prompt_nll = NAN};
    enum sw_code code = sw_sequence_check(engine, request, err);
    if (code == SW_OK)
        code = sw_generation_allocate(out, request->max_new_tokens, request->want_logprobs, err);
    if (code == SW_OK)
        code = run(engine, &sequence, err);
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
