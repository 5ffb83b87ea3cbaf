/*
 * Attention of the batch's tokens over the cached keys and values, their own already appended
 * (attention.cu says how).
 */
#ifndef SW_BACKEND_CUDA_ATTENTION_CUH
#define SW_BACKEND_CUDA_ATTENTION_CUH

#include "backend/cuda/launch.h"
#include "backend/cuda/model.cuh"

enum : uint32_t { SW_ATTEND_MOST = 64 };

/* Writes m.parts; n_tokens from 1 to m.max_batch. */
cudaError_t sw_gpu_attend_few(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                              cudaStream_t stream, bool overlapped);

/* Writes what O takes: many.cuh's rows, or m.attended where O's input takes a scale. Up to
 * SW_ATTEND_MOST tokens, as a batch of sequences has, each token goes by itself, its context split
 * while that leaves SMs without a block; more are blocks of prompts. */
cudaError_t sw_gpu_attend_many(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                               cudaStream_t stream);

/* Whether sw_gpu_attend_many takes the tensor cores, which round the query and the weights. */
static inline bool sw_attend_is_tensor(const sw_gpu_model &m, uint32_t n_tokens)
{
    return m.cache_form != SW_GPU_F32 && m.head_dim % 32 == 0 && m.head_dim <= 128 &&
           n_tokens > SW_ATTEND_MOST;
}

#endif
