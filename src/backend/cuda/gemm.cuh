/* Products of many tokens: blocks of a prompt, and batches of more sequences than step.cuh takes
 * (gemm.cu says how). */
#ifndef SW_BACKEND_CUDA_GEMM_CUH
#define SW_BACKEND_CUDA_GEMM_CUH

#include "backend/cuda/launch.h"
#include "backend/cuda/many.cuh"
#include "backend/cuda/model.cuh"

/* What becomes of a product. */
enum sw_many_end {
    SW_MANY_QKV,      /* rotated, to m.q and the cache */
    SW_MANY_RESIDUAL, /* added to m.x */
    SW_MANY_GATE_UP,  /* silu(gate) * up to what down takes, or to m.hidden */
    SW_MANY_LOGITS,   /* to m.logits */
};

struct sw_many_job {
    sw_gpu_matrix matrix;
    sw_many_rows in;
    sw_many_left left; /* GATE_UP: instead of m.hidden */
    uint32_t n_tokens, layer;
    sw_many_end end;
    uint32_t n_row_warps; /* side by side in a tile; the block's others share the columns */
    bool use_tf32;
};

static inline sw_input_source sw_many_source(const sw_gpu_model &m, const float *x,
                                             const float *norm)
{
    sw_input_source source = {};
    source.x = x;
    source.weight = norm;
    source.eps = m.rms_eps;
    source.rounds_to_f16 = m.rounds_to_f16;
    return source;
}

/* The rows of an input in its form. */
cudaError_t sw_many_prepare_any(const sw_input_source &source, sw_gpu_input input,
                                const sw_many_job &job, cudaStream_t stream, sw_launch_kind kind);

/*
 * The products of a layer for n_tokens of the batch, from 1 to max_batch: norm of m.x to m.q and
 * the cache; what sw_gpu_attend_many left to m.x; norm of m.x to what down takes; that to m.x.
 * layer is the host's copy, with the device's pointers in it.
 */
cudaError_t sw_gpu_many_qkv(const sw_gpu_model &m, const sw_gpu_layer &layer, uint32_t layer_index,
                            uint32_t n_tokens, cudaStream_t stream);
cudaError_t sw_gpu_many_o(const sw_gpu_model &m, const sw_gpu_layer &layer, uint32_t layer_index,
                          uint32_t n_tokens, cudaStream_t stream);
cudaError_t sw_gpu_many_gate_up(const sw_gpu_model &m, const sw_gpu_layer &layer,
                                uint32_t layer_index, uint32_t n_tokens, cudaStream_t stream);
cudaError_t sw_gpu_many_down(const sw_gpu_model &m, const sw_gpu_layer &layer, uint32_t layer_index,
                             uint32_t n_tokens, cudaStream_t stream);

/* Logits of the tokens that want them: n_logits rows, token m.wanted[i] of the batch to row i. */
cudaError_t sw_gpu_many_head(const sw_gpu_model &m, uint32_t n_logits, cudaStream_t stream);

#endif
