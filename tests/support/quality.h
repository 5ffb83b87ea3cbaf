/*
 * What a strategy costs in quality: a text and greedy continuations of its beginnings are read by
 * fp32 and by the strategy, token by token the same ids (teacher forcing), and their logits are
 * compared.
 */
#ifndef SW_TESTS_SUPPORT_QUALITY_H
#define SW_TESTS_SUPPORT_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "backend/backend.h"

enum {
    SW_QUALITY_PROMPT = 8, /* first ids of a window, which fp32 continues */
    SW_QUALITY_NEW = 100,  /* greedy ids of a continuation, from SW_QUALITY_PROMPT on */
    SW_QUALITY_WINDOWS = 64,
    SW_QUALITY_POSITIONS = 512,
};

struct sw_quality_window {
    int32_t *ids; /* (n) */
    size_t n,
        n_text;    /* n_text 0: a continuation, whose first SW_QUALITY_PROMPT ids are not counted */
    float *logits; /* (n, vocab_size) of fp32 */
};

struct sw_quality_text {
    struct sw_quality_window windows[2 * SW_QUALITY_WINDOWS];
    size_t n, vocab_size;
};

struct sw_quality {
    double nll;              /* mean over the text, natural log */
    double agreement;        /* of the continuations: same greatest logit as fp32, 0 to 1 */
    double worst_error;      /* largest difference of a logit from fp32's, everywhere */
    double greatest_logit;   /* of fp32, absolute */
    size_t n_text, n_greedy; /* ids that these were taken over */
};

/* Windows of ids, one a line, ids parted by commas. */
enum sw_code sw_quality_read(struct sw_quality_text *text, FILE *file, struct sw_error *err);
void sw_quality_free(struct sw_quality_text *text);

/* fp32's logits of every window, and its continuations as windows of their own. */
enum sw_code sw_quality_prepare(struct sw_quality_text *text, const struct sw_model *model,
                                struct sw_pool *pool, struct sw_error *err);

/* api: of the engine that runs the strategy. */
enum sw_code sw_quality_measure(struct sw_quality *out, const struct sw_quality_text *text,
                                const struct sw_model *model, const struct sw_backend_api *api,
                                enum sw_strategy strategy, struct sw_pool *pool,
                                struct sw_error *err);

#endif
