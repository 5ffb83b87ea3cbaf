/*
 * The inner loops of the CPU engine: one table per kernel level, filled in kernels_<isa>.c. The
 * scalar table is the definition; every other one gives the same bits, because all of them do the
 * same roundings in the same order: products are chains of fused multiply-adds, sums over a vector
 * are kept in 16 lanes (element i in lane i % 16) and folded by a fixed tree.
 *
 * A matrix is packed in tiles of 16 output rows, element (r, c) at tiles[r / 16][c][r % 16], rows
 * behind the last one zero. A product then needs no horizontal sum: one load brings 16 rows of one
 * column, to be multiplied with one activation.
 *
 * Adding a kernel: one line in SW_KERNELS, its scalar definition, its vector form in
 * kernels_vector.inc, and a check in tests/kernels, which does not compile without one.
 */
#ifndef SW_BACKEND_CPU_KERNELS_H
#define SW_BACKEND_CPU_KERNELS_H

#include <stddef.h>

#include "base/cpu.h"

enum { SW_TILE = 16 }; /* output rows of a tile, lanes of a sum */

/*
 * gemm_f32: (m, k) times a packed matrix of n_tiles tiles, tile_stride floats apart.
 *     for i < m, t < n_tiles, r < 16:
 *         sum = 0; for c < k: sum = fma(x[i * x_stride + c], tiles[t * tile_stride + c * 16 + r],
 *                                       sum)
 *         y[i * y_stride + t * 16 + r] = sum
 * rms_norm_f32: y[i] = x[i] * s * weight[i] for i < n, s = 1 / sqrt(mean of squares + eps).
 * softmax_f32: z = x[i] * scale for i < n; y[i] = exp(z - max z), y[n ...] = 0 up to a multiple of
 *     16 (the size of both); returns 1 / sum of y. n from 1; y may be x.
 * silu_mul_f32: g = x[i * x_stride + r], u = x[i * x_stride + 16 + r];
 *     y[i * y_stride + r] = g / (1 + exp(-g)) * u for i < m, r < 16.
 * add_f32: y[i * y_stride + r] += x[i * x_stride + r] for i < m, r < n; n a multiple of 16.
 * pack_f32: one tile from n_rows (1 to 16) rows of k: tile[c * 16 + r] = rows[r * row_stride + c],
 *     0 for r from n_rows on.
 * read_f32, fma_f32: the machine's limits (backend/limits.h). Reads n (a multiple of 256) floats
 *     once, in order; does n rounds of independent multiply-adds in registers and returns their
 *     number of floating-point operations. Both return or store a value that depends on the work.
 */
#define SW_KERNELS(X)                                                                              \
    X(void, gemm_f32,                                                                              \
      (float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, const float *tiles,   \
       size_t tile_stride, size_t n_tiles, size_t k))                                              \
    X(void, rms_norm_f32, (float *y, const float *x, const float *weight, size_t n, float eps))    \
    X(float, softmax_f32, (float *y, const float *x, size_t n, float scale))                       \
    X(void, silu_mul_f32, (float *y, size_t y_stride, const float *x, size_t x_stride, size_t m))  \
    X(void, add_f32,                                                                               \
      (float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, size_t n))            \
    X(void, pack_f32,                                                                              \
      (float *tile, const float *rows, size_t row_stride, size_t n_rows, size_t k))                \
    X(float, read_f32, (const float *x, size_t n))                                                 \
    X(double, fma_f32, (float *sink, size_t n))

struct sw_kernels {
    enum sw_cpu_level level;
#define X(type, name, arguments) type(*name) arguments;
    SW_KERNELS(X)
#undef X
};

/* The table of a level, or NULL where this program has none. The caller makes sure that the machine
 * has the level. */
const struct sw_kernels *sw_kernels_of(enum sw_cpu_level level);

extern const struct sw_kernels sw_kernels_scalar;
extern const struct sw_kernels sw_kernels_avx2;
extern const struct sw_kernels sw_kernels_avx512;
extern const struct sw_kernels sw_kernels_neon;

#endif
