/* What tests of generations need of any model: ids that end an answer, and times in their order. */
#ifndef SW_TESTS_SUPPORT_GENERATION_H
#define SW_TESTS_SUPPORT_GENERATION_H

#include "support/skip.h"

#include "engine/engine.h"

/* Tests choose which ids end an answer: synthetic shapes have none, and a checkpoint's seldom come.
 */
static inline void sw_test_set_eos(const struct sw_model *model, size_t n, int32_t first,
                                   int32_t second)
{
    struct sw_config *config = (struct sw_config *)(uintptr_t)sw_model_config(model);
    config->n_eos = n;
    config->eos_ids[0] = first;
    config->eos_ids[1] = second;
}

/* The first id ends the prefill, the last one of several the answer. */
static inline void sw_test_check_times(const struct sw_generation *g)
{
    uint64_t last_ns = g->start_ns;
    for (size_t i = 0; i < g->n_ids; i++) {
        assert_true(g->stamps_ns[i] >= last_ns);
        last_ns = g->stamps_ns[i];
    }
    if (g->n_ids > 0)
        assert_true(g->prefill_end_ns == g->stamps_ns[0]);
    assert_true(g->start_ns <= g->prefill_end_ns);
    assert_true(g->prefill_end_ns <= g->decode_start_ns && g->decode_start_ns <= g->end_ns);
    if (g->n_ids > 1) {
        assert_true(g->stamps_ns[1] >= g->decode_start_ns);
        assert_true(g->end_ns == last_ns);
    }
}

#endif
