/*
 * One kernel for the whole greedy answer of one sequence: what the engine calls. persistent.cu
 * defines these functions; persistent_kernel.cuh says how the kernel works.
 *
 *     reason = sw_gpu_persistent_can(&model, sm, n_sms, shared_bytes, &options);     before ready
 *     failed = sw_gpu_persistent_create(&p, &model, sm, n_sms, shared_bytes, &options, &error);
 *     failed = sw_gpu_persistent_decode(p, stream, offset_ns, &answer, &error);
 *     sw_gpu_persistent_destroy(p);
 *
 * Functions return NULL where all went well, else what did not, a text that lives for ever; *error
 * is CUDA's own code then, cudaSuccess where it was not CUDA that failed.
 */
#ifndef SW_BACKEND_CUDA_PERSISTENT_H
#define SW_BACKEND_CUDA_PERSISTENT_H

#include "backend/backend.h"
#include "backend/cuda/launch.h"
#include "backend/cuda/model.cuh"

struct sw_gpu_persistent; /* opaque */

enum sw_gpu_persistent_variant {
    SW_GPU_PERSISTENT_BEST, /* the one that the measurements (docs/speed-log.md) favour */
    SW_GPU_PERSISTENT_FIVE, /* five exchanges a layer: qkv, attention's parts, x, hidden, x */
    SW_GPU_PERSISTENT_FOUR, /* four: the blocks that own a KV head's part of O attend for
                               themselves, and x comes as one sum for each KV head */
};

/* All 0: the defaults. */
struct sw_gpu_persistent_options {
    enum sw_gpu_persistent_variant variant;
    uint32_t n_blocks;    /* 0: one for each SM; never more than each of them has rows for */
    uint32_t n_threads;   /* of a block, a multiple of 32 to 256; 0: 256 */
    uint32_t ring_bytes;  /* of weights on their way, in shared memory; 0: all that is left */
    uint32_t stretch;     /* positions that one block attends to at a time; 0: by the context */
    uint32_t head_layers; /* the last ones, in which the head's rows are brought to L2; 0: none */
    uint32_t n_copies;    /* of the words that blocks exchange, to 4, so that fewer of them read the
                             same line at once; 0: 1 */
    uint64_t patience_ns; /* that a block waits for another one; 0: two seconds */
};

/* Options as text, for who times variants, each of them or none:
 *     variant=four,blocks=132,threads=256,ring=65536,stretch=64,head=4,copies=2,patience_ms=2000
 * NULL: the defaults. Returns NULL, or what is wrong. */
const char *sw_gpu_persistent_options_read(struct sw_gpu_persistent_options *out, const char *text);

/* Why this model cannot be decoded so; NULL: it can. shared_bytes: what a block may have
 * (cudaDevAttrMaxSharedMemoryPerBlockOptin). */
const char *sw_gpu_persistent_can(const struct sw_gpu_model *model, int sm, int n_sms,
                                  size_t shared_bytes,
                                  const struct sw_gpu_persistent_options *options);

/* Allocates the numbers that are exchanged and the host's words; nothing is allocated later. model
 * is copied; what it points to must outlive p. On failure nothing is left behind. */
const char *sw_gpu_persistent_create(struct sw_gpu_persistent **out,
                                     const struct sw_gpu_model *model, int sm, int n_sms,
                                     size_t shared_bytes,
                                     const struct sw_gpu_persistent_options *options,
                                     cudaError_t *error);
size_t sw_gpu_persistent_bytes(const struct sw_gpu_persistent *p); /* on the device */

/* The member decode of the plug-in's table, behind everything that stream was given before. stamps:
 * nanoseconds of the GPU's clock plus offset_ns. */
const char *sw_gpu_persistent_decode(struct sw_gpu_persistent *p, cudaStream_t stream,
                                     int64_t offset_ns, struct sw_backend_answer *answer,
                                     cudaError_t *error);
void sw_gpu_persistent_destroy(struct sw_gpu_persistent *p); /* NULL is fine */

#endif
