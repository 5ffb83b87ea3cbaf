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

/* Appends an id, with its stamp. */
static enum sw_code append(struct sw_generation *out, int32_t id, double logprob,
                           struct sw_error *err)
{
    if (id < 0)
        return sw_fail(err, SW_EFORMAT,
                       "the model gives no number for new token %zu (weights that are NaN or too "
                       "large)",
                       out->n_ids + 1);
    if (out->logprobs != NULL)
        out->logprobs[out->n_ids] = logprob;
    out->ids[out->n_ids] = id;
    out->stamps_ns[out->n_ids++] = sw_clock_ns();
    return SW_OK;
}

/* Who chooses the next ids, and whether their probabilities are asked for. */
struct choice {
    bool is_backends; /* its ids, not its logits, come back */
    bool has_logprobs;
};

/* The backend's where it can, and nobody wants to see logits. */
static struct choice choice_of(const struct sw_engine *engine, struct sw_sequence *const *sequences,
                               size_t n, bool is_scored)
{
    struct choice choice = {.is_backends = engine->api->greedy != NULL && !is_scored};
    for (size_t i = 0; i < n; i++) {
        choice.is_backends &= sequences[i]->request.sampler == NULL;
        choice.has_logprobs |= sequences[i]->generation->logprobs != NULL;
    }
    return choice;
}

static enum sw_code run_tokens(struct sw_engine *engine, size_t n_tokens, struct choice choice,
                               struct sw_error *err)
{
    if (choice.is_backends)
        return engine->api->greedy(engine->backend, engine->tokens, n_tokens, engine->ids,
                                   choice.has_logprobs ? engine->logprobs : NULL, err);
    return engine->api->forward(engine->backend, engine->tokens, n_tokens, engine->logits, err);
}

/* Appends the id that row leads to, of those that run_tokens wrote. */
static enum sw_code choose(const struct sw_engine *engine, struct sw_sequence *sequence, size_t row,
                           struct choice choice, struct sw_error *err)
{
    struct sw_generation *out = sequence->generation;
    struct sw_sampler *sampler = sequence->request.sampler;
    size_t vocab_size = engine->config->vocab_size;
    const float *logits = engine->logits + row * vocab_size;
    if (choice.is_backends)
        return append(out, engine->ids[row], engine->logprobs[row], err);
    int32_t id = sampler != NULL ? sw_sampler_next(sampler, logits) : sw_argmax(logits, vocab_size);
    bool is_scored = out->logprobs != NULL && id >= 0;
    return append(out, id, is_scored ? sw_logprob(logits, vocab_size, id) : NAN, err);
}

/* The prompt's last token was run: its row leads to the first id. */
static enum sw_code end_prompt(const struct sw_engine *engine, struct sw_sequence *sequence,
                               size_t row, struct choice choice, struct sw_error *err)
{
    struct sw_generation *out = sequence->generation;
    size_t n = sequence->request.n_prompt;
    enum sw_code code = SW_OK;
    out->prompt_nll = engine->score_prompt && n > 1 ? sequence->nll_sum / (double)(n - 1) : NAN;
    if (sequence->request.max_new_tokens > 0)
        code = choose(engine, sequence, row, choice, err);
    out->prefill_end_ns = out->n_ids > 0 ? out->stamps_ns[0] : sw_clock_ns();
    return code;
}

/* Runs the first n_tokens of engine->tokens; the first one is of *sequences, and the next prompt
 * begins behind the last token of one. Each scored row predicts the prompt id behind it. */
static enum sw_code run_block(struct sw_engine *engine, struct sw_sequence *const *sequences,
                              size_t n_tokens, struct choice choice, struct sw_error *err)
{
    size_t vocab_size = engine->config->vocab_size, row = 0;
    enum sw_code code = run_tokens(engine, n_tokens, choice, err);
    for (size_t i = 0; i < n_tokens && code == SW_OK; i++) {
        if (!engine->tokens[i].want_logits)
            continue;
        size_t next = engine->tokens[i].position + (size_t)1;
        if (next == (*sequences)->request.n_prompt)
            code = end_prompt(engine, *sequences++, row, choice, err);
        else
            (*sequences)->nll_sum -= sw_logprob(engine->logits + row * vocab_size, vocab_size,
                                                (*sequences)->request.prompt_ids[next]);
        row++;
    }
    return code;
}

enum sw_code sw_sequences_prefill(struct sw_engine *engine, struct sw_sequence *const *sequences,
                                  size_t n, struct sw_error *err)
{
    struct sw_sequence *const *first = sequences; /* of the block's first token */
    struct choice choice = choice_of(engine, sequences, n, engine->score_prompt);
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
                code = run_block(engine, first, n_tokens, choice, err);
                n_tokens = 0;
            }
        }
    }
    return code;
}

enum sw_code sw_sequences_decode(struct sw_engine *engine, struct sw_sequence *const *sequences,
                                 size_t n, struct sw_error *err)
{
    struct choice choice = choice_of(engine, sequences, n, false);
    for (size_t i = 0; i < n; i++) {
        const struct sw_generation *out = sequences[i]->generation;
        engine->tokens[i] = (struct sw_batch_token){
            .id = out->ids[out->n_ids - 1],
            .position = (uint32_t)(sequences[i]->request.n_prompt + out->n_ids - 1),
            .sequence = sequences[i]->place,
            .want_logits = true,
        };
    }
    enum sw_code code = run_tokens(engine, n, choice, err);
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        struct sw_generation *out = sequences[i]->generation;
        code = choose(engine, sequences[i], i, choice, err);
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

bool sw_sequence_is_decodable(const struct sw_engine *engine, const struct sw_sequence *sequence)
{
    return engine->api->decode != NULL && sequence->request.sampler == NULL;
}

/* An answer that the backend makes by itself, seen from here. */
struct taking {
    const struct sw_engine *engine;
    struct sw_sequence *sequence;
    bool is_over;
};

static bool take_id(void *ctx, int32_t id)
{
    struct taking *t = ctx;
    struct sw_generation *out = t->sequence->generation;
    if (t->is_over || id < 0)
        return false;
    out->ids[out->n_ids++] = id;
    t->is_over = sw_sequence_is_over(t->engine, t->sequence);
    return !t->is_over;
}

/* The device's clock is only known to some microseconds: stamps stay in order and in the past. */
static void set_stamps(struct sw_generation *out, size_t first)
{
    uint64_t now_ns = sw_clock_ns(), last_ns = out->decode_start_ns;
    if (first > 1)
        last_ns = out->stamps_ns[first - 1];
    for (size_t i = first; i < out->n_ids; i++) {
        if (out->stamps_ns[i] > now_ns)
            out->stamps_ns[i] = now_ns;
        if (out->stamps_ns[i] < last_ns)
            out->stamps_ns[i] = last_ns;
        last_ns = out->stamps_ns[i];
    }
    out->end_ns = last_ns;
}

enum sw_code sw_sequence_decode(struct sw_engine *engine, struct sw_sequence *sequence,
                                bool *is_over, struct sw_error *err)
{
    const struct sw_generate_request *request = &sequence->request;
    struct sw_generation *out = sequence->generation;
    struct taking taking = {.engine = engine, .sequence = sequence};
    size_t first = out->n_ids, position = request->n_prompt + first - 1;
    size_t most = request->max_new_tokens - first, places = engine->max_positions - position;
    struct sw_backend_answer answer = {
        .id = out->ids[first - 1],
        .position = (uint32_t)position,
        .sequence = sequence->place,
        .max_ids = most < places ? most : places,
        .stop_ids = engine->config->eos_ids,
        .n_stop_ids = request->ignore_eos ? 0 : engine->config->n_eos,
        .on_id = request->on_token != NULL ? take_id : NULL,
        .ctx = &taking,
        .ids = out->ids + first,
        .stamps_ns = out->stamps_ns + first,
        .logprobs = out->logprobs != NULL ? out->logprobs + first : NULL,
    };
    enum sw_code code = engine->api->decode(engine->backend, &answer, err);
    if (code != SW_OK)
        return code;
    size_t n_told = out->n_ids - first;
    if (answer.n_ids == 0 || answer.n_ids > answer.max_ids || answer.n_ids < n_told)
        return sw_fail(err, SW_ESYSTEM, "%s: %zu ids came back, %zu were told of, 1 to %zu fit",
                       engine->api->name, answer.n_ids, n_told, answer.max_ids);
    bool goes_on = !taking.is_over;
    for (size_t i = n_told; i < answer.n_ids && goes_on; i++)
        goes_on = take_id(&taking, answer.ids[i]);
    set_stamps(out, first);
    *is_over = taking.is_over;
    if (!taking.is_over && answer.ids[answer.n_ids - 1] < 0)
        return append(out, -1, NAN, err);
    return SW_OK;
}
