/*
 * What a GPU can do at most, in the manner of backend/limits.h: one timed repetition of reading as
 * many bytes as the weights of a token have, and of multiply-adds in registers alone.
 *
 *     sw_gpu_limits limits = {};
 *     sw_gpu_limits_measure(&limits, SW_COMPUTE_DOT_BF16, n_bytes, n_sms, stream, &rates);
 *     sw_gpu_limits_close(&limits);
 */
#ifndef SW_BACKEND_CUDA_LIMITS_CUH
#define SW_BACKEND_CUDA_LIMITS_CUH

#include "backend/backend.h"
#include "backend/cuda/device.h"
#include "backend/cuda/launch.h"

enum {
    SW_LIMITS_THREADS = 256,
    SW_LIMITS_READS = 8,      /* loads of 16 bytes that a thread has under way */
    SW_LIMITS_CHAINS = 8,     /* sums that do not wait for each other */
    SW_LIMITS_BLOCKS = 4,     /* of a multiprocessor */
    SW_LIMITS_LEAST_US = 500, /* of a repetition: long against a launch */
};

/* Opened by the first measurement. */
struct sw_gpu_limits {
    sw_chunk *buffer; /* (n_chunks) */
    uint64_t n_chunks;
    uint32_t *sink;    /* keeps the compiler from dropping the work */
    uint32_t n_rounds; /* of the multiply-adds */
    cudaEvent_t begin, end;
    bool has_events;
};

/* Each block reads a range of its own, front to back, as it would its rows of a matrix. */
static SW_KERNEL(SW_LIMITS_THREADS) void sw_limits_read(const sw_chunk *buffer, uint64_t n_chunks,
                                                         uint32_t *sink)
{
    uint64_t first = n_chunks * blockIdx.x / gridDim.x;
    uint64_t last = n_chunks * (blockIdx.x + 1) / gridDim.x;
    uint32_t sum = 0;
    uint64_t at = first + threadIdx.x;
    for (; at + (SW_LIMITS_READS - 1) * SW_LIMITS_THREADS < last;
         at += SW_LIMITS_READS * SW_LIMITS_THREADS) {
        sw_chunk chunks[SW_LIMITS_READS];
        for (int i = 0; i < SW_LIMITS_READS; i++)
            chunks[i] = sw_load_weights(buffer + at + i * SW_LIMITS_THREADS);
        for (int i = 0; i < SW_LIMITS_READS; i++)
            sum += chunks[i].w[0] ^ chunks[i].w[1] ^ chunks[i].w[2] ^ chunks[i].w[3];
    }
    for (; at < last; at += SW_LIMITS_THREADS) {
        sw_chunk chunk = sw_load_weights(buffer + at);
        sum += chunk.w[0] ^ chunk.w[1] ^ chunk.w[2] ^ chunk.w[3];
    }
    if (sum == 0x9e3779b9u) /* hardly ever, but the compiler cannot know */
        *sink = sum;
}

/* Operations of a thread (FMA_F32) or of a warp in one round. */
template <sw_compute_limit KIND> struct sw_limits_round {
    static constexpr double operations = KIND == SW_COMPUTE_FMA_F32    ? SW_LIMITS_CHAINS * 2.0
                                         : KIND == SW_COMPUTE_DOT_S8   ? SW_LIMITS_CHAINS * 8192.0
                                         : KIND == SW_COMPUTE_DOT_TF32 ? SW_LIMITS_CHAINS * 2048.0
                                                                       : SW_LIMITS_CHAINS * 4096.0;
};

/* Tiles of 16 x 8 numbers, k numbers deep: 2 * 16 * 8 * k operations each. */
template <sw_compute_limit KIND>
static SW_KERNEL(SW_LIMITS_THREADS) void sw_limits_compute(uint32_t n_rounds, uint32_t *sink)
{
    uint32_t seed = threadIdx.x + blockIdx.x;
    uint32_t left = 0;
    if constexpr (KIND == SW_COMPUTE_FMA_F32) {
        float sums[SW_LIMITS_CHAINS], factor = 0.5f + (float)seed * 0x1p-20f;
        for (int i = 0; i < SW_LIMITS_CHAINS; i++)
            sums[i] = (float)i;
        for (uint32_t round = 0; round < n_rounds; round++) {
            for (int i = 0; i < SW_LIMITS_CHAINS; i++)
                sums[i] = fmaf(sums[i], factor, 1.0f);
        }
        for (int i = 0; i < SW_LIMITS_CHAINS; i++)
            left ^= sw_as_bits(sums[i]);
    } else if constexpr (KIND == SW_COMPUTE_DOT_S8) {
        sw_tile_s32 sums[SW_LIMITS_CHAINS] = {};
        uint32_t a[4] = {seed, seed * 3, seed * 5, seed * 7}, b[2] = {seed * 9, seed * 11};
        for (uint32_t round = 0; round < n_rounds; round++) {
            for (int i = 0; i < SW_LIMITS_CHAINS; i++)
                sw_mma_s8(sums[i], a, b);
        }
        for (int i = 0; i < SW_LIMITS_CHAINS; i++)
            left ^= (uint32_t)(sums[i].v[0] ^ sums[i].v[1] ^ sums[i].v[2] ^ sums[i].v[3]);
    } else {
        sw_tile_f32 sums[SW_LIMITS_CHAINS] = {};
        /* Small numbers of any of the three types. */
        uint32_t one = 0x01010101u * (seed & 7);
        uint32_t a[4] = {one, one + 1, one + 2, one + 3}, b[2] = {one + 4, one + 5};
        for (uint32_t round = 0; round < n_rounds; round++) {
            for (int i = 0; i < SW_LIMITS_CHAINS; i++) {
                if constexpr (KIND == SW_COMPUTE_DOT_BF16)
                    sw_mma_bf16(sums[i], a, b);
                else if constexpr (KIND == SW_COMPUTE_DOT_F16)
                    sw_mma_f16(sums[i], a, b);
                else
                    sw_mma_tf32(sums[i], a, b);
            }
        }
        for (int i = 0; i < SW_LIMITS_CHAINS; i++)
            left ^= sw_as_bits(sums[i].v[0] + sums[i].v[1] + sums[i].v[2] + sums[i].v[3]);
    }
    if (left == 0x9e3779b9u)
        *sink = left;
}

static void sw_gpu_limits_close(sw_gpu_limits *limits)
{
    cudaFree(limits->buffer);
    cudaFree(limits->sink);
    if (limits->has_events) {
        cudaEventDestroy(limits->begin);
        cudaEventDestroy(limits->end);
    }
    *limits = {};
}

static cudaError_t sw_gpu_limits_open(sw_gpu_limits *limits, size_t n_bytes, cudaStream_t stream)
{
    size_t n_chunks = n_bytes / sizeof(sw_chunk) > 0 ? n_bytes / sizeof(sw_chunk) : 1;
    cudaError_t error = cudaMalloc((void **)&limits->buffer, n_chunks * sizeof(sw_chunk));
    if (error == cudaSuccess)
        error = cudaMalloc((void **)&limits->sink, sizeof *limits->sink);
    if (error == cudaSuccess)
        error = cudaEventCreate(&limits->begin);
    if (error == cudaSuccess) {
        error = cudaEventCreate(&limits->end);
        if (error != cudaSuccess)
            cudaEventDestroy(limits->begin);
        else
            limits->has_events = true;
    }
    /* Not zeros: memory that holds only those may be read faster than real weights. */
    if (error == cudaSuccess)
        error = cudaMemsetAsync(limits->buffer, 0x5a, n_chunks * sizeof(sw_chunk), stream);
    limits->n_chunks = n_chunks;
    limits->n_rounds = 64;
    return error;
}

/* Between the two events. */
static cudaError_t sw_gpu_limits_stop(sw_gpu_limits *limits, cudaStream_t stream, double *seconds)
{
    float ms = 0;
    cudaError_t error = cudaEventRecord(limits->end, stream);
    if (error == cudaSuccess)
        error = cudaEventSynchronize(limits->end);
    if (error == cudaSuccess)
        error = cudaEventElapsedTime(&ms, limits->begin, limits->end);
    *seconds = (double)(ms > 1e-6f ? ms : 1e-6f) * 1e-3;
    return error;
}

/* The buffer several times in a row, so that the launches are hidden; where it fits into the second
 * cache, so do the weights. */
static cudaError_t sw_gpu_limits_time_read(sw_gpu_limits *limits, uint32_t n_sms,
                                           cudaStream_t stream, double *bytes_per_second)
{
    const int n_times = 8;
    double seconds = 1;
    cudaError_t error = cudaEventRecord(limits->begin, stream);
    for (int i = 0; i < n_times && error == cudaSuccess; i++)
        error = sw_launch(sw_limits_read, n_sms * SW_LIMITS_BLOCKS, SW_LIMITS_THREADS, 0, stream,
                          SW_LAUNCH_PLAIN, limits->buffer, limits->n_chunks, limits->sink);
    if (error == cudaSuccess)
        error = sw_gpu_limits_stop(limits, stream, &seconds);
    *bytes_per_second = (double)limits->n_chunks * sizeof(sw_chunk) * n_times / seconds;
    return error;
}

/* The first time, rounds are doubled until a repetition is long enough. */
template <sw_compute_limit KIND>
static cudaError_t sw_gpu_limits_time_compute(sw_gpu_limits *limits, uint32_t n_sms,
                                              cudaStream_t stream, double *operations_per_second)
{
    uint32_t n_blocks = n_sms * SW_LIMITS_BLOCKS;
    uint32_t per_block = KIND == SW_COMPUTE_FMA_F32 ? SW_LIMITS_THREADS
                                                    : SW_LIMITS_THREADS / SW_WARP;
    double seconds = 0;
    cudaError_t error = cudaSuccess;
    for (;;) {
        error = cudaEventRecord(limits->begin, stream);
        if (error == cudaSuccess)
            error = sw_launch(sw_limits_compute<KIND>, n_blocks, SW_LIMITS_THREADS, 0, stream,
                              SW_LAUNCH_PLAIN, limits->n_rounds, limits->sink);
        if (error == cudaSuccess)
            error = sw_gpu_limits_stop(limits, stream, &seconds);
        if (error != cudaSuccess || seconds * 1e6 >= SW_LIMITS_LEAST_US)
            break;
        limits->n_rounds *= 2;
    }
    *operations_per_second =
        sw_limits_round<KIND>::operations * limits->n_rounds * n_blocks * per_block / seconds;
    return error;
}

static cudaError_t sw_gpu_limits_measure(sw_gpu_limits *limits, sw_compute_limit kind,
                                         size_t n_bytes, uint32_t n_sms, cudaStream_t stream,
                                         sw_device_rates *out)
{
    double *operations = &out->operations_per_second;
    cudaError_t error = cudaSuccess;
    if (limits->buffer == nullptr)
        error = sw_gpu_limits_open(limits, n_bytes, stream);
    if (error == cudaSuccess)
        error = sw_gpu_limits_time_read(limits, n_sms, stream, &out->read_bytes_per_second);
    if (error != cudaSuccess)
        return error;
    switch (kind) {
    case SW_COMPUTE_FMA_F32:
        return sw_gpu_limits_time_compute<SW_COMPUTE_FMA_F32>(limits, n_sms, stream, operations);
    case SW_COMPUTE_DOT_BF16:
        return sw_gpu_limits_time_compute<SW_COMPUTE_DOT_BF16>(limits, n_sms, stream, operations);
    case SW_COMPUTE_DOT_F16:
        return sw_gpu_limits_time_compute<SW_COMPUTE_DOT_F16>(limits, n_sms, stream, operations);
    case SW_COMPUTE_DOT_TF32:
        return sw_gpu_limits_time_compute<SW_COMPUTE_DOT_TF32>(limits, n_sms, stream, operations);
    case SW_COMPUTE_DOT_S8:
        return sw_gpu_limits_time_compute<SW_COMPUTE_DOT_S8>(limits, n_sms, stream, operations);
    }
    return error;
}

#endif
