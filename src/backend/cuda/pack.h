/*
 * From a checkpoint's tensors to the formats of formats.h, on the host.
 *
 *     struct sw_gpu_packer packer;
 *     sw_gpu_packer_open(&packer, model, &arithmetic, max_positions, pool, &err);
 *     buffer of sw_gpu_packer_most_bytes(&packer), aligned to SW_GPU_PACK_ALIGN
 *     for every slot that sw_gpu_packer_has, and every layer where sw_gpu_slot_is_of_layer:
 *         struct sw_gpu_matrix matrix;
 *         sw_gpu_pack(&packer, slot, layer, buffer, &matrix);    views into buffer
 *
 * Nothing is allocated, and the packer needs no closing. The threads of the pool share the rows;
 * what is packed does not depend on how many there are, nor on their kernel level.
 */
#ifndef SW_BACKEND_CUDA_PACK_H
#define SW_BACKEND_CUDA_PACK_H

#include "backend/cuda/plugin.h"

enum { SW_GPU_PACK_ALIGN = 128 };

struct sw_gpu_packer {
    const struct sw_model *model; /* borrowed, as all pointers */
    struct sw_gpu_arithmetic arithmetic;
    uint32_t max_positions;
    struct sw_pool *pool;
    const struct sw_kernels *kernels; /* base_cpu's search of 4-bit scales */
};

/* max_positions is from 1 to the model's. Refuses a model with a size beyond 32 bits. */
enum sw_code sw_gpu_packer_open(struct sw_gpu_packer *out, const struct sw_model *model,
                                const struct sw_gpu_arithmetic *arithmetic, size_t max_positions,
                                struct sw_pool *pool, struct sw_error *err);

bool sw_gpu_slot_is_of_layer(enum sw_gpu_slot slot);

/* False for the head that is the embedding's very copy. */
bool sw_gpu_packer_has(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot);

/* Bytes of a buffer for this slot, with what the threads need meanwhile; for all slots. layer is 0
 * for slots without one. */
size_t sw_gpu_packer_bytes(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot, size_t layer);
size_t sw_gpu_packer_most_bytes(const struct sw_gpu_packer *packer);

/* Bytes of weights that one decoded token reads: every matrix with its scales and biases, the
 * norms, one row of the embedding. */
uint64_t sw_gpu_packer_bytes_per_token(const struct sw_gpu_packer *packer);

/* Not from inside a function that the pool runs. */
void sw_gpu_pack(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot, size_t layer,
                 void *buffer, struct sw_gpu_matrix *out);

#endif
