/* Keys and values as the cache keeps them: where a row lies, and its numbers from and to floats. */
#ifndef SW_BACKEND_CUDA_CACHE_CUH
#define SW_BACKEND_CUDA_CACHE_CUH

#include "backend/cuda/device.h"
#include "backend/cuda/model.cuh"

/* Columns of the cache in 16 bytes. */
template <sw_gpu_form FORM> struct sw_cache {
    static constexpr uint32_t width = FORM == SW_GPU_F32 ? 4 : 8;
    static constexpr uint32_t bytes = FORM == SW_GPU_F32 ? 4 : 2;
};

template <sw_gpu_form FORM>
SW_DEVICE void sw_cache_widen(float (&out)[sw_cache<FORM>::width], const sw_chunk &chunk)
{
    for (uint32_t i = 0; i < 4; i++) {
        if constexpr (FORM == SW_GPU_F32) {
            out[i] = sw_as_float(chunk.w[i]);
        } else if constexpr (FORM == SW_GPU_BF16) {
            out[2 * i] = sw_as_float(chunk.w[i] << 16);
            out[2 * i + 1] = sw_as_float(chunk.w[i] & 0xffff0000u);
        } else {
            out[2 * i] = sw_from_f16((uint16_t)chunk.w[i]);
            out[2 * i + 1] = sw_from_f16((uint16_t)(chunk.w[i] >> 16));
        }
    }
}

template <sw_gpu_form FORM> SW_DEVICE float sw_cache_read(const void *row, uint32_t column)
{
    if constexpr (FORM == SW_GPU_F32)
        return static_cast<const float *>(row)[column];
    else if constexpr (FORM == SW_GPU_BF16)
        return sw_from_bf16(static_cast<const uint16_t *>(row)[column]);
    else
        return sw_from_f16(static_cast<const uint16_t *>(row)[column]);
}

/* Bytes in front of a head's keys (or values): (max_positions, head_dim) of them follow. */
template <sw_gpu_form FORM>
SW_DEVICE size_t sw_cache_offset(const sw_gpu_model &m, uint32_t layer, uint32_t sequence,
                                 uint32_t kv_head)
{
    size_t head = ((size_t)layer * m.n_sequences + sequence) * m.n_kv_heads + kv_head;
    return head * m.max_positions * m.head_dim * sw_cache<FORM>::bytes;
}

/* Two numbers in the cache's 16-bit form. */
template <sw_gpu_form FORM> SW_DEVICE uint32_t sw_cache_pack(float low, float high)
{
    if constexpr (FORM == SW_GPU_BF16)
        return (uint32_t)sw_to_bf16(low) | (uint32_t)sw_to_bf16(high) << 16;
    else
        return (uint32_t)sw_to_f16(low) | (uint32_t)sw_to_f16(high) << 16;
}

/* A number into the cache. */
SW_DEVICE void sw_cache_put(void *cache, size_t at, float x, sw_gpu_form form)
{
    if (form == SW_GPU_F32)
        static_cast<float *>(cache)[at] = x;
    else
        static_cast<uint16_t *>(cache)[at] = form == SW_GPU_BF16 ? sw_to_bf16(x) : sw_to_f16(x);
}

#endif
