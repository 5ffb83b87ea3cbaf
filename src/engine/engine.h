/*
 * Prompts in, generated ids out, a time stamp per token. One engine holds one open backend and
 * generates for one prompt at a time (batch 1) or for several at once.
 */
#ifndef SW_ENGINE_ENGINE_H
#define SW_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "engine/sampler.h"

struct sw_engine;

struct sw_engine_options {
    const struct sw_backend_api *api;
    enum sw_strategy strategy;
    struct sw_pool *pool;     /* borrowed; NULL: one thread */
    size_t n_sequences;       /* 0: 1 */
    size_t max_prompt_tokens; /* longest prompt that will come */
    size_t max_new_tokens;    /* most tokens generated per prompt */
    size_t prefill_block;     /* tokens of one prefill call; 0: SW_PREFILL_BLOCK. All of the prompts
                                 where the strategy needs whole ones (backend/backend.h) */
    bool score_prompt;        /* logits of every prompt position, for prompt_nll */
    const char *onnx_graph;   /* backend/backend.h, as the next three */
    struct sw_gpu_options gpu;
    void (*on_stage)(void *ctx, enum sw_open_stage stage, bool is_end);
    void *stage_ctx;
};

enum sw_code sw_engine_open(struct sw_engine **out, const struct sw_model *model,
                            const struct sw_engine_options *options, struct sw_error *err);
void sw_engine_close(struct sw_engine *engine);
void sw_engine_describe(const struct sw_engine *engine, struct sw_backend_info *out);

enum sw_stop_reason {
    SW_STOP_LENGTH, /* max_new_tokens, or the model's last position */
    SW_STOP_EOS,
    SW_STOP_TEXT,        /* on_token asked for the end: a stop text was seen */
    SW_STOP_INTERRUPTED, /* on_token saw Ctrl-C */
};

const char *sw_stop_reason_name(enum sw_stop_reason reason); /* "length", "eos", "stop", ... */

/* Edges of the phases of one generation, where meters are read. Nothing else runs between an edge
 * and its phase. */
enum sw_edge { SW_EDGE_BEGIN, SW_EDGE_PREFILL_END, SW_EDGE_DECODE_END };

/* What on_token answers. */
enum sw_verdict_on_token { SW_GO_ON, SW_STOP_HERE_TEXT, SW_STOP_HERE_INTERRUPTED };

struct sw_generate_request {
    const int32_t *prompt_ids; /* (n_prompt) */
    size_t n_prompt;           /* from 1 */
    size_t max_new_tokens;     /* not above the engine's; 0: the prompt is run, nothing generated */
    bool ignore_eos;
    struct sw_sampler *sampler;                                  /* NULL: greedy */
    void (*on_edge)(void *ctx, enum sw_edge edge);               /* may be NULL */
    enum sw_verdict_on_token (*on_token)(void *ctx, int32_t id); /* may be NULL; must be quick */
    void *ctx;
    bool want_logprobs;
};

/* Arrays are allocated before the first token, at their full size. */
struct sw_generation {
    int32_t *ids;        /* (n_ids), EOS included where it was generated; owned */
    uint64_t *stamps_ns; /* (n_ids) when each id was known; owned */
    double *logprobs;    /* (n_ids) natural log, or NULL if not asked for; owned */
    size_t n_ids;
    enum sw_stop_reason stop_reason;
    uint64_t start_ns;        /* before the first prompt token */
    uint64_t prefill_end_ns;  /* first id known: start_ns to here is TTFT */
    uint64_t decode_start_ns; /* on_edge(SW_EDGE_PREFILL_END) has returned: from here to end_ns is
                                 decoding without the reading of meters */
    uint64_t end_ns;          /* last id known; decode_start_ns where there is at most one */
    double prompt_nll;        /* mean over prompt ids 1..., natural log; NaN if not scored */
};

/* A prompt longer than the model's positions is refused. On failure *out holds nothing. */
enum sw_code sw_engine_generate(struct sw_engine *engine, const struct sw_generate_request *request,
                                struct sw_generation *out, struct sw_error *err);
void sw_generation_free(struct sw_generation *generation);

#endif
