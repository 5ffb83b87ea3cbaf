/* What kernels are handed: a model on the device, and the batch under way. Plain data, copied into
 * a kernel's parameters; every pointer is the device's and lives until close. */
#ifndef SW_BACKEND_CUDA_MODEL_CUH
#define SW_BACKEND_CUDA_MODEL_CUH

#include "backend/cuda/formats.h"

struct sw_gpu_layer {
    const float *attention_norm, *mlp_norm; /* (dim) */
    sw_gpu_matrix qkv;                      /* ((n_heads + 2 n_kv_heads) * head_dim, dim) */
    sw_gpu_matrix o;                        /* (dim, n_heads * head_dim) */
    sw_gpu_matrix gate_up;                  /* (2 * hidden_dim, dim) rows in turn */
    sw_gpu_matrix down;                     /* (dim, hidden_dim) */
};

/* One token of the batch. */
struct sw_gpu_token {
    int32_t id;
    uint32_t position, sequence;
    uint32_t logits_row; /* row of the logits it wants; SW_GPU_NO_LOGITS: none */
};

enum : uint32_t { SW_GPU_NO_LOGITS = 0xffffffffu };

struct sw_gpu_model {
    uint32_t n_layers, dim, hidden_dim, n_heads, n_kv_heads, head_dim, vocab_size;
    uint32_t max_positions, n_sequences, max_batch, max_logits;
    float rms_eps, score_scale; /* score_scale: 1 / sqrt(head_dim) */
    sw_gpu_form layer_form, head_form, cache_form, embedding_form;
    sw_gpu_input layer_input, head_input;
    bool rounds_to_f16;
    bool use_tf32; /* F32 products of many tokens on tensor cores, sw_gpu_plan */
    bool overlaps; /* kernels may begin before the one in front has ended: sm_90 */
    uint32_t n_sms;

    const sw_gpu_layer *layers; /* (n_layers) on the device; the host has its own copy */
    sw_gpu_matrix embedding, head;
    const float *final_norm;      /* (dim) */
    const float *cosines, *sines; /* (max_positions, head_dim / 2) */

    /* (n_layers, n_sequences, n_kv_heads, max_positions, head_dim) each, in cache_form */
    void *keys, *values;

    /* Of the batch under way. Attention leaves for each token and query head n_splits parts, one
     * for each stretch of the context: the largest score so far, the sum of exp(score - largest),
     * and the values mixed with those weights, not divided yet. Who reads them merges them. */
    sw_gpu_token *tokens; /* (max_batch) */
    float *x;             /* (max_batch, dim) residual */
    float *q;             /* (max_batch, n_heads, head_dim) rotated */
    float *parts;         /* (max_batch, n_heads, n_splits, head_dim + 2): largest, sum, values */
    float *attended;      /* (max_batch, n_heads * head_dim) where many tokens are merged at once */
    float *hidden;        /* (max_batch, hidden_dim) silu(gate) * up */
    float *logits;        /* (max_logits, vocab_size) */
    uint32_t *wanted;     /* (max_logits) token of the batch whose logits are that row; a head's
                             product takes so many rows, not all of the batch's */
    uint32_t n_splits;
    void *many_scratch; /* many.cuh: sw_gpu_many_bytes */
};

#endif
