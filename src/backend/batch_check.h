/* What every backend refuses in the same words: options, and tokens of a call. */
#ifndef SW_BACKEND_BATCH_CHECK_H
#define SW_BACKEND_BATCH_CHECK_H

#include "backend/backend.h"

/* name is the backend's, for the message. */
enum sw_code sw_batch_check_options(const char *name, const struct sw_config *config,
                                    const struct sw_backend_options *options, struct sw_error *err);

/* Checks a call of forward and moves n_seen (n_sequences) on: tokens that each sequence has seen.
 * n_seen_next (n_sequences) is scratch; where a token is refused, n_seen stays as it was. n_wanted
 * is the number of tokens whose logits are wanted. */
enum sw_code sw_batch_check(size_t *n_wanted, uint32_t *n_seen, uint32_t *n_seen_next,
                            const struct sw_batch_token *tokens, size_t n_tokens, bool has_logits,
                            const struct sw_backend_options *options, size_t vocab_size,
                            struct sw_error *err);

#endif
