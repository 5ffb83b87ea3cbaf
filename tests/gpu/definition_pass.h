/*
 * The whole pass of a model in any arithmetic of base_gpu, of what definition.h defines. Every
 * result that crosses a kernel's edge is rounded to fp32 (to f16 where the arithmetic says so),
 * sums are in double: what a pass in fp32 comes near to, and equals where only integers decide.
 */
#ifndef SW_TESTS_GPU_DEFINITION_PASS_H
#define SW_TESTS_GPU_DEFINITION_PASS_H

#include "backend/cuda/pack.h"

#ifdef __cplusplus
extern "C" {
#endif

struct definition_model;

/* Packs the model as base_gpu does. Ends the process where memory is missing. */
struct definition_model *definition_open(const struct sw_model *model,
                                         const struct sw_gpu_arithmetic *arithmetic,
                                         size_t max_positions, size_t n_sequences,
                                         struct sw_pool *pool);
void definition_close(struct definition_model *model);

/* What is packed in a slot; rows is NULL where the head is the embedding itself. */
const struct sw_gpu_matrix *definition_matrix(const struct definition_model *model,
                                              enum sw_gpu_slot slot, size_t layer);

/* As forward of backend.h: logits (n wanted, vocab_size). Tokens are not checked; a sequence begins
 * anew at position 0. */
void definition_forward(struct definition_model *model, const struct sw_batch_token *tokens,
                        size_t n_tokens, float *logits);

/* The same as an engine, "base_gpu" on a GPU of this compute capability (below 80, or 80 and
 * above), with open, forward, reset and close; tokens are not checked here either. */
const struct sw_backend_api *definition_backend(int sm);

#ifdef __cplusplus
}
#endif

#endif
