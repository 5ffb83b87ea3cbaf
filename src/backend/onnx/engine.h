/*
 * What onnx_cpu.c opens and forward.c runs: a session over one graph, and the memory that its
 * inputs and outputs are bound to. For src/backend/onnx/ alone.
 */
#ifndef SW_BACKEND_ONNX_ENGINE_H
#define SW_BACKEND_ONNX_ENGINE_H

#include "backend/backend.h"
#include "backend/onnx/cache.h"
#include "backend/onnx/runtime.h"
#include "backend/onnx/session.h"
#include "base/arena.h"

/* A binding and the shapes that it was last bound for: what stays the same is not bound anew. */
struct sw_onnx_run {
    struct sw_ort_binding *binding;
    size_t first, n_sequences; /* contiguous; n_sequences 0: nothing is bound */
    size_t n_new;              /* tokens of each sequence */
    size_t n_rows;             /* of logits; 0: not bound */
    float *logits;
};

struct sw_backend {
    const char *name;
    struct sw_config config;
    struct sw_backend_options options;
    struct sw_onnx_variant variant;
    struct sw_onnx_outcome conversion;
    struct sw_ort *ort;
    struct sw_ort_session *session;
    struct sw_onnx_run decode, prefill; /* one token of each sequence; several of one */

    /* A fused graph appends to the cache in place. Any other reads one and writes another that is
     * longer by the new tokens: each sequence then has two sides, taken in turns. */
    bool is_fused;
    bool has_positions, has_mask; /* inputs that the graph has */
    size_t n_sides;
    unsigned char *side; /* (n_sequences) that holds what was seen */

    struct sw_arena cache_arena, scratch;
    bool cache_is_on_gpu;
    enum sw_ort_type cache_type;
    size_t cache_bytes_each; /* of one layer's keys, or values, of one sequence on one side */
    unsigned char *cache;    /* (n_layers, 2, n_sequences, n_sides, n_kv_heads, max_positions,
                                head_dim); what a side holds of it is contiguous */

    int64_t *ids;       /* (n_sequences, n_new) */
    int64_t *positions; /* the same */
    int64_t *mask;      /* (max_positions) ones */
    int64_t *rows;      /* (n_rows) of (n_sequences * n_new) */
    int32_t *lengths;   /* (n_sequences) tokens seen with the new ones, less 1 */
    int32_t *total;     /* the longest one's tokens */
    float *unwanted;    /* (vocab_size) logits that nobody asked for */

    uint32_t *n_seen, *n_seen_next; /* (n_sequences) */
    uint64_t n_runs;                /* of the session */
    struct sw_backend_info info;
};

/* The tokens were checked, and n_seen counts them. */
enum sw_code sw_onnx_forward(struct sw_backend *b, const struct sw_batch_token *tokens,
                             size_t n_tokens, float *logits, struct sw_error *err);

#endif
