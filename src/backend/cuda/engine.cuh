/* The plug-in's one struct, and how its files take memory and report failures. Part of engine.cu.
 */
#ifndef SW_BACKEND_CUDA_ENGINE_CUH
#define SW_BACKEND_CUDA_ENGINE_CUH

#include "backend/cuda/plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/cuda/attention.cuh"
#include "backend/cuda/choice.cuh"
#include "backend/cuda/gemm.cuh"
#include "backend/cuda/limits.cuh"
#include "backend/cuda/persistent.h"
#include "backend/cuda/step.cuh"

namespace
{

enum : uint32_t {
    LEAST_SM = 75,
    SM_WITH_BF16 = 80, /* tensor cores that take it */
    SM_WITH_OVERLAP = 90,
    /* Launches of a step beyond what the host has read: enough for the device never to wait (a
     * step takes 100 us and more, a launch some 10), few enough that what runs behind an answer's
     * end is soon over. */
    RUN_AHEAD = 4,
    LOGITS_STAGED = 1 << 20, /* floats of pinned memory at most */
    ALIGN = 256,             /* of each array on the device */
    MANY_PARTS = 8,          /* blocks that look for the greatest of a row of logits */
    BATCH_STEP = 8,          /* sizes of batches that have a graph are multiples of it */
    BATCH_GRAPHS = 32,       /* at most; with more sequences, of a larger multiple */
    BATCH_MOST_STEP = 32,    /* the smallest tile of gemm.cu */
};

} // namespace

struct sw_gpu {
    sw_gpu_plan plan;
    sw_gpu_device device;
    sw_gpu_model model;
    sw_gpu_layer *layers; /* (n_layers) the host's copy, device pointers in it */
    sw_step step;
    uint32_t few_tokens; /* that step.cuh takes at once; 0: none */
    cudaStream_t stream;
    bool has_stream, is_ready;

    void **memory; /* of the device, to be freed */
    size_t n_memory, memory_room;
    uint64_t weight_bytes, cache_bytes, scratch_bytes;
    uint64_t table_bytes; /* of weight_bytes, the embedding's, where it is not the head as well */

    /* Pinned; what the device reads is copied, what it writes it writes through its mapping. */
    sw_gpu_token *tokens;   /* (max_batch) */
    uint32_t *wanted;       /* (max_logits) */
    sw_answer_state *state; /* as the next answer begins */
    float *logits;          /* (n_staged) */
    size_t n_staged;
    sw_choice *choices;       /* (max_logits) */
    uint32_t *n_ready;        /* of the answer */
    sw_answer_entry *entries; /* (max_positions) */
    uint64_t *clock_ns;       /* the device's */
    void *pinned[8];
    size_t n_pinned;

    /* The device's side of those, and what only it sees. */
    sw_choice *choices_device;
    sw_answer_record record;
    uint64_t *clock_device;
    sw_candidate *candidates; /* (max(max_logits, 1), most parts) */
    sw_answer_state *state_device;

    /* Passes of tokens that all want logits: few[n] of n, many[i] of (i + 1) * many_step, or of
     * n_many, the most that sequences can want at once. NULL: none. */
    cudaGraphExec_t few[SW_FEW_TOKENS + 1];
    cudaGraphExec_t many[BATCH_GRAPHS];
    uint32_t many_step, n_many;
    cudaGraphExec_t answer_step;

    sw_gpu_limits limits;
    sw_gpu_persistent *persistent;
    char mode_reason[128];
};

namespace
{

enum sw_code fail(struct sw_error *err, enum sw_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum sw_code fail(struct sw_error *err, enum sw_code code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        err->code = code;
    }
    return code;
}

/* One line that names the call; only what stands before its '('. */
enum sw_code cuda_failed(cudaError_t error, const char *call, struct sw_error *err)
{
    enum sw_code code = error == cudaErrorMemoryAllocation ? SW_ENOMEM
                        : error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver
                            ? SW_EABSENT
                            : SW_ESYSTEM;
    return fail(err, code, "%.*s: %s (%s)", (int)strcspn(call, "("), call,
                cudaGetErrorString(error), cudaGetErrorName(error));
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        cudaError_t try_error = (call);                                                            \
        if (try_error != cudaSuccess)                                                              \
            return cuda_failed(try_error, #call, err);                                             \
    } while (0)

uint64_t host_ns()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Device memory, freed by close. */
enum sw_code take_memory(sw_gpu *gpu, void **out, size_t bytes, const char *what,
                         struct sw_error *err)
{
    *out = NULL;
    if (gpu->n_memory == gpu->memory_room)
        return fail(err, SW_EFORMAT, "%s: more arrays than a model has", what);
    cudaError_t error = cudaMalloc(out, bytes > 0 ? bytes : 1);
    if (error != cudaSuccess)
        return fail(err, error == cudaErrorMemoryAllocation ? SW_ENOMEM : SW_ESYSTEM,
                    "cudaMalloc: %.1f MiB for %s: %s (%s)", (double)bytes / (1 << 20), what,
                    cudaGetErrorString(error), cudaGetErrorName(error));
    gpu->memory[gpu->n_memory++] = *out;
    return SW_OK;
}

template <class T>
enum sw_code take_scratch(sw_gpu *gpu, T **out, size_t n, const char *what, struct sw_error *err)
{
    void *memory;
    enum sw_code code = take_memory(gpu, &memory, n * sizeof(T), what, err);
    *out = static_cast<T *>(memory);
    if (code != SW_OK)
        return code;
    gpu->scratch_bytes += n * sizeof(T);
    TRY(cudaMemsetAsync(memory, 0, n * sizeof(T), gpu->stream));
    return SW_OK;
}

/* Pinned memory; device (or NULL) gets the address that kernels use. */
template <class T>
enum sw_code take_pinned(sw_gpu *gpu, T **out, T **device, size_t n, struct sw_error *err)
{
    void *memory = NULL;
    TRY(cudaHostAlloc(&memory, n * sizeof(T) > 0 ? n * sizeof(T) : 1, cudaHostAllocMapped));
    gpu->pinned[gpu->n_pinned++] = memory;
    memset(memory, 0, n * sizeof(T));
    *out = static_cast<T *>(memory);
    if (device != NULL) {
        void *mapped = NULL;
        TRY(cudaHostGetDevicePointer(&mapped, memory, 0));
        *device = static_cast<T *>(mapped);
    }
    return SW_OK;
}

} // namespace

#endif
