/*
 * What generating for one prompt (engine.c) and for many at once (batch.c) share: the open engine,
 * and the two steps of sequences: their prompts, and one more id each. For src/engine/ alone.
 */
#ifndef SW_ENGINE_SEQUENCE_H
#define SW_ENGINE_SEQUENCE_H

#include "engine/engine.h"

struct sw_engine {
    const struct sw_backend_api *api;
    struct sw_backend *backend;
    const struct sw_config *config; /* the model's */
    size_t n_sequences, max_prompt_tokens, max_new_tokens, prefill_block;
    size_t max_positions;
    bool score_prompt;
    float *logits;                 /* (max_logits, vocab_size) */
    struct sw_batch_token *tokens; /* (the larger of prefill_block and n_sequences) */
    int32_t *ids;                  /* (n_sequences) that the backend chose; NULL: it does not */
    double *logprobs;              /* (n_sequences) of ids */
    size_t buffer_bytes;           /* of these */
};

/* A prompt under way. */
struct sw_sequence {
    uint32_t place; /* among the backend's sequences */
    struct sw_generate_request request;
    struct sw_generation *generation; /* arrays with room for request.max_new_tokens */
    double nll_sum;                   /* over the prompt ids scored so far */
    bool is_running;                  /* batch.c: between next and on_finished */
    bool is_over;                     /* batch.c: ended in the window that was just closed */
};

/* Refuses what the model or the engine has no room for. */
enum sw_code sw_sequence_check(const struct sw_engine *engine,
                               const struct sw_generate_request *request, struct sw_error *err);

/* Arrays for max_new_tokens ids; what was allocated before a failure stays for
 * sw_generation_free. */
enum sw_code sw_generation_allocate(struct sw_generation *out, size_t max_new_tokens,
                                    bool want_logprobs, struct sw_error *err);

/* Runs whole prompts, one behind the other, in blocks that go across prompts, and chooses each
 * sequence's first id (none where max_new_tokens is 0). Sets prefill_end_ns and prompt_nll. */
enum sw_code sw_sequences_prefill(struct sw_engine *engine, struct sw_sequence *const *sequences,
                                  size_t n, struct sw_error *err);

/* Runs the newest id of each of n sequences (at most n_sequences) in one pass and chooses the next
 * ones. Sets end_ns. */
enum sw_code sw_sequences_decode(struct sw_engine *engine, struct sw_sequence *const *sequences,
                                 size_t n, struct sw_error *err);

/* As many ids of one greedy sequence, which is not over, as the backend makes in one call of its
 * decode; *is_over as sw_sequence_is_over says of the last one. Sets end_ns. Only where
 * sw_sequence_is_decodable. */
enum sw_code sw_sequence_decode(struct sw_engine *engine, struct sw_sequence *sequence,
                                bool *is_over, struct sw_error *err);
bool sw_sequence_is_decodable(const struct sw_engine *engine, const struct sw_sequence *sequence);

/* Whether the sequence ends with its newest id; asks on_token and sets stop_reason. */
bool sw_sequence_is_over(const struct sw_engine *engine, struct sw_sequence *sequence);

#endif
