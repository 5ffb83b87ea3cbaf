/*
 * What the kernels of base_gpu must compute, in plain loops over the packed formats (formats.h):
 * the value, and how far a kernel may be from it. Sums are in double; a kernel sums in fp32, in any
 * order, with or without fma. What has only one right answer (integers and what is made of them in
 * a fixed order) has the bound 0.
 *
 * A kernel that makes its own input (a norm, then a product) may hand a slightly different one to
 * the product, which a rounding to f16 or to an integer can blow up to one step. Such an input
 * comes with its bounds, and the product's bound then covers every input within them.
 */
#ifndef SW_TESTS_GPU_DEFINITION_H
#define SW_TESTS_GPU_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/cuda/formats.h"
#include "base/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

struct definition_number {
    double value;
    double bound; /* of |kernel - value|; infinite where a tie decides too much */
};

/* Whether a kernel's number is right; NaN is right where the value is NaN. */
bool definition_agrees(float kernel, struct definition_number expected);

/* An element as a product takes it, without what the input's rounding does. S8: byte times scale;
 * S8 for LLM8: byte times scale / 127. */
double definition_weight(const struct sw_gpu_matrix *matrix, enum sw_gpu_input input, size_t row,
                         size_t column);

/* The integer behind it: S8's byte, S4's nibble - 8, FP4's code. */
int definition_code(const struct sw_gpu_matrix *matrix, size_t row, size_t column);

/* x (n) rounded to a form: F32, BF16, F16. */
float definition_rounded(float x, enum sw_gpu_form form);

/* x (n) as S8B64: values (n), scales (blocks of 64). */
void definition_s8b64(int8_t *values, float *scales, const float *x, size_t n);

/* x (n) as LLM8: values (n), 0 for outliers; halves (n): x in f16, 0 for all but outliers. Returns
 * the largest |x| in f16 that is no outlier. */
float definition_llm8(int8_t *values, float *outliers, const float *x, size_t n);

/* y (n_tokens, n_rows) = x (n_tokens, n_cols) times the matrix, bias included, rounded to f16 where
 * rounds says so. x_bounds (n_tokens, n_cols), or NULL: x is what the kernel has, to the bit. */
void definition_product(struct definition_number *y, const struct sw_gpu_matrix *matrix,
                        enum sw_gpu_input input, bool rounds, const float *x,
                        const double *x_bounds, size_t n_tokens);

/* The same without bounds, which takes less time; the rows are shared out over the pool (NULL: one
 * thread). */
void definition_product_values(float *y, const struct sw_gpu_matrix *matrix,
                               enum sw_gpu_input input, bool rounds, const float *x,
                               size_t n_tokens, struct sw_pool *pool);

/* y (n) = x / sqrt(mean of squares + eps) * weight. */
void definition_norm(struct definition_number *y, const float *x, const float *weight, size_t n,
                     float eps, bool rounds);

/* silu(gate) * up. */
struct definition_number definition_silu_mul(struct definition_number gate,
                                             struct definition_number up, bool rounds);

/* One head (n): halves rotated, position's cosines and sines (n / 2). y may be x. */
void definition_rotate(struct definition_number *y, const struct definition_number *x,
                       const float *cosines, const float *sines, size_t n);

/* One query head (head_dim) over n positions: keys, values (n, head_dim) as the cache holds them,
 * stride apart. The score is q k / sqrt(head_dim). */
void definition_attend(struct definition_number *y, const float *q, const float *keys,
                       const float *values, size_t stride, size_t n, size_t head_dim, bool rounds);

/* a + b, in fp32, rounded to f16 where rounds says so. */
struct definition_number definition_add(struct definition_number a, struct definition_number b,
                                        bool rounds);

/* Rounds to fp32, and then to f16 where rounds says so, with the bound that this leaves. */
struct definition_number definition_round(struct definition_number x, bool rounds);

/* The lowest id of the greatest logit, NaN never; -1 where all are NaN. Natural log of its
 * probability. */
int32_t definition_greedy(const float *logits, size_t n);
double definition_logprob(const float *logits, size_t n, int32_t id);

/*
 * Made-up numbers, the same for the same seed. A matrix of any shape and form (S8 with the scales
 * that the input wants): every code there is, now and then a weight or scale far larger than the
 * others; padding as packing leaves it. Its memory is one block, for definition_matrix_free.
 */
struct sw_gpu_matrix definition_random_matrix(enum sw_gpu_form form, enum sw_gpu_input input,
                                              uint32_t n_rows, uint32_t n_cols, bool has_bias,
                                              uint64_t seed);
void definition_matrix_free(struct sw_gpu_matrix *matrix);

/* x (n): about normally distributed, n_outliers of them (at most n) from 6 to 60. */
void definition_random_row(float *x, size_t n, size_t n_outliers, uint64_t seed);

#ifdef __cplusplus
}
#endif

#endif
