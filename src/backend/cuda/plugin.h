/*
 * Between the program, which knows models and strategies, and the plug-in, which knows CUDA. Plain
 * C both ways; the plug-in, libsmolwatt_cuda.so, exports one function and takes nothing from the
 * program but what comes through here. The same plug-in built for the host (a small emulation of
 * CUDA, for tests) says so in its device's name.
 *
 *     plugin = sw_cuda_plugin();                      abi and sizes are compared first
 *     plugin->probe(&device, gpu, &error);
 *     plugin->open(&gpu, &plan, &error);
 *     plugin->load(gpu, slot, layer, &matrix, &error) for every matrix and vector
 *     plugin->ready(gpu, &error);                     graphs are captured, nothing allocated later
 *     plugin->forward(...), decode(...), ...
 *     plugin->close(gpu);
 */
#ifndef SW_BACKEND_CUDA_PLUGIN_H
#define SW_BACKEND_CUDA_PLUGIN_H

#include "backend/backend.h"
#include "backend/cuda/formats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Raised with every change of this header or of a struct that crosses it. */
enum { SW_CUDA_ABI = 2 };

struct sw_gpu; /* opaque; one open model on one GPU */

struct sw_gpu_device {
    char name[256]; /* "NVIDIA H100 80GB HBM3"; "emulated" */
    int index;
    int sm;                /* 90 for compute capability 9.0 */
    int n_sms;             /* streaming multiprocessors */
    int driver, runtime;   /* CUDA versions, 13000 for 13.0 */
    uint64_t memory_bytes; /* of the board */
    uint64_t l2_bytes;
    int is_emulated;
};

/* How one token after another is decoded. */
enum sw_gpu_mode {
    SW_GPU_AUTO,       /* the faster one, where it can run */
    SW_GPU_GRAPH,      /* a captured graph of kernels a token */
    SW_GPU_PERSISTENT, /* one kernel for the whole answer; sequences one at a time */
};

struct sw_gpu_plan {
    struct sw_gpu_arithmetic arithmetic;
    uint32_t n_layers, dim, hidden_dim, n_heads, n_kv_heads, head_dim, vocab_size;
    uint32_t max_positions, n_sequences, max_batch, max_logits; /* struct sw_backend_options */
    float rms_eps;
    int gpu; /* CUDA's index */
    int use_tf32; /* fp32 products of many tokens on tensor cores; only where asked for */
    enum sw_gpu_mode mode;
};

/* Which limit of the GPU bounds the layers' products; measure_limits takes that one. */
static inline enum sw_compute_limit sw_gpu_compute_limit(enum sw_gpu_input layer_input,
                                                         int use_tf32)
{
    switch (layer_input) {
    case SW_GPU_IN_BF16:
        return SW_COMPUTE_DOT_BF16;
    case SW_GPU_IN_F16:
        return SW_COMPUTE_DOT_F16;
    case SW_GPU_IN_S8B64:
    case SW_GPU_IN_LLM8:
        return SW_COMPUTE_DOT_S8;
    case SW_GPU_IN_F32:
        break;
    }
    return use_tf32 ? SW_COMPUTE_DOT_TF32 : SW_COMPUTE_FMA_F32;
}

/* Where a loaded matrix belongs. */
enum sw_gpu_slot {
    SW_GPU_EMBEDDING,      /* (vocab_size, dim), form of arithmetic.embedding */
    SW_GPU_HEAD,           /* (vocab_size, dim); not loaded where it is the embedding's very copy:
                              same form, tied */
    SW_GPU_FINAL_NORM,     /* (1, dim), F32, as every norm */
    SW_GPU_ATTENTION_NORM, /* a layer's, as all below */
    SW_GPU_QKV,            /* query heads, key heads, value heads: ((n_heads + 2 n_kv_heads) *
                              head_dim, dim) */
    SW_GPU_O,              /* (dim, n_heads * head_dim) */
    SW_GPU_MLP_NORM,
    SW_GPU_GATE_UP,        /* (2 * hidden_dim, dim), rows in turn */
    SW_GPU_DOWN,           /* (dim, hidden_dim) */
    SW_GPU_COSINES,        /* (max_positions, head_dim / 2) without gaps, as one row of F32; not a
                              layer's */
    SW_GPU_SINES,
    SW_GPU_N_SLOTS
};

struct sw_gpu_info {
    struct sw_gpu_device device;
    const char *mode;        /* "graph", "persistent" */
    const char *mode_reason; /* why not the one asked for, or why auto chose; "" */
    uint64_t weight_bytes, cache_bytes, scratch_bytes; /* on the device */
};

struct sw_cuda_plugin {
    uint32_t abi; /* SW_CUDA_ABI */
    uint32_t sizes[4]; /* of sw_gpu_plan, sw_gpu_info, sw_batch_token, sw_backend_answer */

    /* SW_EABSENT: no driver or no such GPU. */
    enum sw_code (*probe)(struct sw_gpu_device *out, int gpu, struct sw_error *err);
    enum sw_code (*open)(struct sw_gpu **out, const struct sw_gpu_plan *plan, struct sw_error *err);

    /* Copies to the device; matrix may be gone afterwards. layer is 0 for slots without one. */
    enum sw_code (*load)(struct sw_gpu *gpu, enum sw_gpu_slot slot, uint32_t layer,
                         const struct sw_gpu_matrix *matrix, struct sw_error *err);
    enum sw_code (*ready)(struct sw_gpu *gpu, struct sw_error *err);

    /* As the members of sw_backend_api; tokens are checked already. */
    enum sw_code (*forward)(struct sw_gpu *gpu, const struct sw_batch_token *tokens,
                            size_t n_tokens, float *logits, struct sw_error *err);
    enum sw_code (*greedy)(struct sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                           int32_t *ids, double *logprobs, struct sw_error *err);
    enum sw_code (*decode)(struct sw_gpu *gpu, struct sw_backend_answer *answer,
                           struct sw_error *err);

    enum sw_code (*measure_limits)(struct sw_gpu *gpu, struct sw_device_rates *out,
                                   struct sw_error *err);

    void (*describe)(const struct sw_gpu *gpu, struct sw_gpu_info *out);
    void (*close)(struct sw_gpu *gpu); /* NULL is fine */
};

/* The one exported symbol. In C++ g++ takes the equal name of its struct for a slip. */
#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
__attribute__((visibility("default"))) const struct sw_cuda_plugin *sw_cuda_plugin(void);
#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif
#endif
