#include "backend/batch_check.h"

#include <inttypes.h>
#include <string.h>

enum sw_code sw_batch_check_options(const char *name, const struct sw_config *config,
                                    const struct sw_backend_options *options, struct sw_error *err)
{
    if (options->max_positions < 1 || options->max_positions > config->max_positions)
        return sw_fail(err, SW_EUSAGE, "%s: %zu positions: the model has 1 to %zu", name,
                       options->max_positions, config->max_positions);
    if (options->n_sequences < 1 || options->n_sequences > UINT32_MAX || options->max_batch < 1 ||
        options->max_logits < 1)
        return sw_fail(err, SW_EUSAGE,
                       "%s: sequences, tokens of a batch and logits must be 1 or more", name);
    return SW_OK;
}

static enum sw_code check_token(const struct sw_batch_token *token, size_t index,
                                const uint32_t *n_seen, const struct sw_backend_options *options,
                                size_t vocab_size, struct sw_error *err)
{
    if (token->id < 0 || (size_t)token->id >= vocab_size)
        return sw_fail(err, SW_EUSAGE, "token %zu: id %" PRId32 " is not in 0 to %zu", index,
                       token->id, vocab_size - 1);
    if (token->sequence >= options->n_sequences)
        return sw_fail(err, SW_EUSAGE, "token %zu: sequence %" PRIu32 " is not in 0 to %zu", index,
                       token->sequence, options->n_sequences - 1);
    if (token->position >= options->max_positions)
        return sw_fail(err, SW_EUSAGE, "token %zu: position %" PRIu32 " is not in 0 to %zu", index,
                       token->position, options->max_positions - 1);
    if (token->position != n_seen[token->sequence])
        return sw_fail(err, SW_EUSAGE,
                       "token %zu: position %" PRIu32 " of sequence %" PRIu32 ": %" PRIu32
                       " comes next",
                       index, token->position, token->sequence, n_seen[token->sequence]);
    return SW_OK;
}

enum sw_code sw_batch_check(size_t *n_wanted, uint32_t *n_seen, uint32_t *n_seen_next,
                            const struct sw_batch_token *tokens, size_t n_tokens, bool has_logits,
                            const struct sw_backend_options *options, size_t vocab_size,
                            struct sw_error *err)
{
    *n_wanted = 0;
    if (n_tokens < 1 || n_tokens > options->max_batch)
        return sw_fail(err, SW_EUSAGE, "a batch of %zu tokens: from 1 to %zu", n_tokens,
                       options->max_batch);
    memcpy(n_seen_next, n_seen, options->n_sequences * sizeof *n_seen);
    for (size_t i = 0; i < n_tokens; i++) {
        enum sw_code code = check_token(&tokens[i], i, n_seen_next, options, vocab_size, err);
        if (code != SW_OK)
            return code;
        n_seen_next[tokens[i].sequence]++;
        *n_wanted += tokens[i].want_logits;
    }
    if (*n_wanted > options->max_logits || (*n_wanted > 0 && !has_logits))
        return sw_fail(err, SW_EUSAGE, "logits of %zu tokens: room for %zu", *n_wanted,
                       has_logits ? options->max_logits : 0);
    memcpy(n_seen, n_seen_next, options->n_sequences * sizeof *n_seen);
    return SW_OK;
}
