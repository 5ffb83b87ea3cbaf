/*
 * A plug-in of base_gpu that computes nothing: after id x at position p of sequence s, the greatest
 * logit is that of (7 x + p + s + 1) mod vocab_size. What it was asked is in fake_cuda(), and so is
 * how it misbehaves; where only the environment can tell it, FAKE_CUDA holds the same words.
 */
#ifndef SW_TESTS_FAKE_CUDA_H
#define SW_TESTS_FAKE_CUDA_H

#include "backend/cuda/plugin.h"

struct fake_cuda {
    /* Words: "abi", "sizes", "incomplete", "nothing" of the table itself; "probe", "absent",
     * "open", "load", "ready", "forward", "greedy", "decode", "limits": the call that fails;
     * "mute": it fails without a text; "wild": ids that no vocabulary has; "none", "many": numbers
     * of ids; "no_number": id -1. NULL: those of FAKE_CUDA, if that is set. */
    const char *words;
    size_t fail_load; /* "load" fails at this one */
    void (*on_load)(void *ctx, enum sw_gpu_slot slot, uint32_t layer,
                    const struct sw_gpu_matrix *matrix);
    void *ctx;

    int sm; /* 90 unless set */
    int is_emulated;
    int gpu; /* of the last probe */
    struct sw_gpu_plan plan;
    size_t n_open, n_close, n_loads, n_ready, n_forward, n_greedy, n_decode, n_limits;
    struct sw_batch_token tokens[64]; /* of the last call */
    size_t n_tokens;
};

/* The library's second symbol. */
__attribute__((visibility("default"))) struct fake_cuda *fake_cuda(void);

#endif
