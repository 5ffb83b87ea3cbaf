/* A backend's greedy against the logits that its forward gives for the same tokens. */
#ifndef SW_TESTS_SUPPORT_GREEDY_H
#define SW_TESTS_SUPPORT_GREEDY_H

#include "support/skip.h"

#include <math.h>

#include "backend/backend.h"
#include "engine/sampler.h"

enum { SW_TEST_MAX_WANTED = 256 };

/* logits (n_wanted, vocab_size). logprobs (n_wanted) out, or NULL: they are not asked for. */
static inline void sw_test_check_greedy(const struct sw_backend_api *api,
                                        struct sw_backend *backend,
                                        const struct sw_batch_token *tokens, size_t n_tokens,
                                        const float *logits, size_t vocab_size, double *logprobs)
{
    int32_t ids[SW_TEST_MAX_WANTED];
    struct sw_error err = {0};
    size_t n_wanted = 0;
    for (size_t i = 0; i < n_tokens; i++)
        n_wanted += tokens[i].want_logits;
    assert_true(n_wanted <= SW_TEST_MAX_WANTED);
    if (api->greedy(backend, tokens, n_tokens, ids, logprobs, &err) != SW_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0, row = 0; i < n_tokens; i++) {
        if (!tokens[i].want_logits)
            continue;
        const float *x = logits + row * vocab_size;
        int32_t id = sw_argmax(x, vocab_size);
        if (ids[row] != id)
            fail_msg("position %u of sequence %u: id %d, the greatest logit is %d's",
                     (unsigned)tokens[i].position, (unsigned)tokens[i].sequence, (int)ids[row],
                     (int)id);
        if (logprobs != NULL) {
            double expected = sw_logprob(x, vocab_size, id), got = logprobs[row];
            /* Exponentials of floats: each within 1e-7 of itself and of its difference. */
            if (isnan(got) != isnan(expected) || fabs(got - expected) > 1e-6)
                fail_msg("position %u of sequence %u: log probability %.9g, not %.9g",
                         (unsigned)tokens[i].position, (unsigned)tokens[i].sequence, got, expected);
        }
        row++;
    }
}

#endif
