/*
 * The inner loops of the CPU engine: one table per kernel level, filled by kernels_<isa>.c. The
 * scalar table is the definition; every other one gives the same bits, because all of them do the
 * same roundings in the same order: products of floats are chains of fused multiply-adds, products
 * of integers are exact, sums over a vector are kept in 16 lanes (element i in lane i % 16) and
 * folded by a fixed tree. The one exception is gemm_bf16, where the machine's own instruction
 * decides.
 *
 * A matrix is packed in tiles of 16 output rows, so that a product needs no horizontal sum: one
 * load brings 16 rows of one or more columns, to be multiplied with the activations of those
 * columns. Rows behind the last one are zero. Four forms of a tile:
 *
 *     f32  float (k, 16)
 *     w16  bf16 (k / 2, 16, 2): neighbouring columns as one 32-bit word; k is rounded up to even
 *     s8   bytes (k / step, 16, step), step 2 or 4 and the sign as the level likes it; k is rounded
 *          up to a multiple of 8; a scale per row beside it
 *     s4   for each group of 32 columns (k is rounded up): bytes (4, 16, 4), the low half of byte
 *          (s, r, j) column 8 s + j, the high half column 8 s + 4 + j, both plus 8; then the scales
 *          of the 16 rows, f16
 *
 * Where many rows are multiplied with a tile in s4, the first of them may leave it widened, so that
 * the others need not take its bytes apart: for each group bytes (8, 16, 4), byte (s, r, j) column
 * 4 s + j plus 8; then the scales, float.
 *
 * Adding a kernel: one line in the lists below, its scalar definition, its vector form in
 * kernels_vector.inc or kernels_integer.inc, and a check in tests/kernels, which does not compile
 * without one.
 */
#ifndef SW_BACKEND_CPU_KERNELS_H
#define SW_BACKEND_CPU_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

enum {
    SW_TILE = 16,           /* output rows of a tile, lanes of a sum */
    SW_BLOCK_S8 = 64,       /* most activations that share a scale */
    SW_GROUP_S4 = 32,       /* columns that share a scale in 4 bits */
    SW_GROUP_BYTES = 288,   /* of a tile: 256 of values, 32 of scales */
    SW_WIDENED_BYTES = 576, /* of a widened one: 512 and 64 */
    SW_LINE = 64,           /* bytes of a line of the caches */
};

/* Rows of activations in 8 bits: a value times the scale of its block. */
struct sw_rows_s8 {
    int8_t *values; /* (n, stride), zero from the last column up to a whole block */
    float *scales;  /* (n, block_stride) */
    /* (n, block_stride) What a block's products have too much, negated, since 128 is added to
     * weights in bytes (blocks of 64) and 8 to those in 4 bits (blocks of 32): so many times the
     * sum of its values. Weights that have a sign need none. */
    int32_t *biases;
    size_t stride, block_stride;
    size_t block; /* columns of a block: 32 or 64 */
};

/* Memory that will be read next, whole lines of it: a product asks for it to be brought to the
 * second cache, a few lines with each of its steps. */
struct sw_ahead {
    const void *memory;
    size_t size; /* a multiple of SW_LINE */
};

/* What rows [begin, end) of n ask for of it: equal shares. */
static inline struct sw_ahead sw_ahead_share(struct sw_ahead all, size_t begin, size_t end,
                                             size_t n)
{
    size_t n_lines = all.size / SW_LINE, first = n_lines * begin / n;
    return (struct sw_ahead){(const char *)all.memory + first * SW_LINE,
                             (n_lines * end / n - first) * SW_LINE};
}

/* What is kept of a row of logits. */
struct sw_choice {
    float greatest;
    int32_t index; /* of the first number that equals it; -1 where none is a number */
    float sum;     /* of exp(x - greatest) over the row */
};

/*
 * In all products, ahead may be NULL; it changes no number.
 *
 * gemm_f32: (m, k) times a packed matrix of n_tiles tiles, tile_stride floats apart.
 *     for i < m, t < n_tiles, r < 16:
 *         sum = 0; for c < k: sum = fma(x[i * x_stride + c], tiles[t * tile_stride + c * 16 + r],
 *                                       sum)
 *         y[i * y_stride + t * 16 + r] = sum
 * gemm_w16: the same with tiles in w16, tile_stride in their elements.
 * gemm_bf16: x and tiles in bf16, k even. For each pair of columns c, c + 1:
 *         sum = fma(x[c + 1], w[c + 1], sum), then sum = fma(x[c], w[c], sum)
 *     subnormals taken as zero (VDPBF16PS in the Intel SDM).
 * gemm_s8: rows x.values[row ...] of m, in blocks of 64, tiles tile_bytes apart. sum = 0; for each
 *     block b:
 *         sum = fma((float)(sum of value * weight, an exact int32), x.scales[b], sum)
 *     and y = sum * scales[t * 16 + r].
 * gemm_s4: x in blocks of 32. sum = 0; for each group g:
 *         sum = fma((float)(exact sum), scale of tile, g, r * x.scales[g], sum)
 *     and y = sum. widened: where the tiles are left widened, one behind the other, or NULL. m is
 *     1 at least.
 * gemm_s4_widened: the same bits from tiles that gemm_s4 has left widened.
 *
 * rms_norm_f32: y[i] = x[i] * s * weight[i] for i < n, s = 1 / sqrt(mean of squares + eps).
 * softmax_f32: z = x[i] * scale for i < n; y[i] = exp(z - max z), y[n ...] = 0 up to a multiple of
 *     16 (the size of both); returns 1 / sum of y. n from 1; y may be x.
 * silu_mul_f32: g = x[i * x_stride + r], u = x[i * x_stride + 16 + r];
 *     y[i * y_stride + r] = g / (1 + exp(-g)) * u for i < m, r < 16.
 * add_f32: y[i * y_stride + r] += x[i * x_stride + r] for i < m, r < n; n a multiple of 16.
 * scale_f32: y[i] = x[i] * scale for i < n.
 * rotate_f32: turns 16 pairs (x[r], x[16 + r]) by angles that have these cosines and sines:
 *     first[r] = x[r] * cosines[r] - x[16 + r] * sines[r];
 *     second[r] = x[16 + r] * cosines[r] + x[r] * sines[r], each product rounded; not in place.
 * choose_f32: choices[i * choice_stride] = the choice among the first n (1 to 32) of the 32 numbers
 *     from x[i * x_stride] on, for i < m. Where none is above -infinity, greatest is that, and the
 *     sum is of exp(x), so that a NaN in the row alone makes it NaN. Not wants_sum: it is 0.
 *
 * quantise_s8: one row of n into blocks of 32 or 64; the last is filled up with zero. In each:
 *     a = largest |x|, scale = a / 127, value = x * (127 / a) to the nearest integer, ties to even.
 *     A block without a number above 2^-100 is zero; one with a NaN or infinity gets the scale NaN.
 * round_bf16: y[i] = x[i] rounded to bf16, as float. to_bf16: the same as bf16, and a zero behind
 *     an odd n.
 *
 * pack_<form>: one tile from n_rows (1 to 16) rows of k floats, 0 for rows from n_rows on. s8: a
 *     row's scale is its largest |w| / 127. s4: of each group, the scale with the least squared
 *     error, weighted by sqrt(|w|), among those that put the number of largest absolute value
 *     to -8, shrunk or stretched by steps of SW_S4_STEP.
 * widen_w16: a w16 tile as an f32 tile of k columns.
 *
 * read_f32, fma_f32, dot_bf16, dot_s8: the machine's limits (backend/limits.h). Reads n (a multiple
 * of 256) floats once, in order; does n rounds of independent multiply-adds in registers (of
 * floats, bf16, bytes) and returns their number of operations. All return or store a value that
 * depends on the work.
 */
#define SW_KERNELS_FLOAT(X)                                                                        \
    X(void, gemm_f32,                                                                              \
      (float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, const float *tiles,   \
       size_t tile_stride, size_t n_tiles, size_t k, const struct sw_ahead *ahead))                \
    X(void, gemm_w16,                                                                              \
      (float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,                       \
       const uint16_t *tiles, size_t tile_stride, size_t n_tiles, size_t k,                        \
       const struct sw_ahead *ahead))                                                              \
    X(void, rms_norm_f32, (float *y, const float *x, const float *weight, size_t n, float eps))    \
    X(float, softmax_f32, (float *y, const float *x, size_t n, float scale))                       \
    X(void, silu_mul_f32, (float *y, size_t y_stride, const float *x, size_t x_stride, size_t m))  \
    X(void, add_f32,                                                                               \
      (float *y, size_t y_stride, const float *x, size_t x_stride, size_t m, size_t n))            \
    X(void, scale_f32, (float *y, const float *x, size_t n, float scale))                          \
    X(void, rotate_f32,                                                                            \
      (float *first, float *second, const float *x, const float *cosines, const float *sines))     \
    X(void, choose_f32,                                                                            \
      (struct sw_choice * choices, size_t choice_stride, const float *x, size_t x_stride,          \
       size_t m, size_t n, bool wants_sum))                                                        \
    X(void, quantise_s8,                                                                           \
      (int8_t * values, float *scales, int32_t *biases, const float *x, size_t n, size_t block))   \
    X(void, round_bf16, (float *y, const float *x, size_t n))                                      \
    X(void, pack_f32,                                                                              \
      (float *tile, const float *rows, size_t row_stride, size_t n_rows, size_t k))                \
    X(void, pack_w16,                                                                              \
      (uint16_t * tile, const float *rows, size_t row_stride, size_t n_rows, size_t k))            \
    X(void, pack_s4,                                                                               \
      (uint8_t * tile, const float *rows, size_t row_stride, size_t n_rows, size_t k))             \
    X(void, widen_w16, (float *tile, const uint16_t *tile_w16, size_t k))                          \
    X(float, read_f32, (const float *x, size_t n))                                                 \
    X(double, fma_f32, (float *sink, size_t n))

#define SW_KERNELS_INTEGER(X)                                                                      \
    X(void, gemm_s8,                                                                               \
      (float *y, size_t y_stride, const struct sw_rows_s8 *x, size_t row, size_t m,                \
       const uint8_t *tiles, size_t tile_bytes, const float *scales, size_t n_tiles, size_t k,     \
       const struct sw_ahead *ahead))                                                              \
    X(void, gemm_s4,                                                                               \
      (float *y, size_t y_stride, const struct sw_rows_s8 *x, size_t row, size_t m,                \
       const uint8_t *tiles, size_t tile_bytes, size_t n_tiles, size_t k, uint8_t *widened,        \
       const struct sw_ahead *ahead))                                                              \
    X(void, gemm_s4_widened,                                                                       \
      (float *y, size_t y_stride, const struct sw_rows_s8 *x, size_t row, size_t m,                \
       const uint8_t *widened, size_t n_tiles, size_t k, const struct sw_ahead *ahead))            \
    X(void, pack_s8,                                                                               \
      (uint8_t * tile, float *scales, const float *rows, size_t row_stride, size_t n_rows,         \
       size_t k))                                                                                  \
    X(double, dot_s8, (float *sink, size_t n))

#define SW_KERNELS_BF16(X)                                                                         \
    X(void, to_bf16, (uint16_t * y, const float *x, size_t n))                                     \
    X(void, gemm_bf16,                                                                             \
      (float *y, size_t y_stride, const uint16_t *x, size_t x_stride, size_t m,                    \
       const uint16_t *tiles, size_t tile_stride, size_t n_tiles, size_t k,                        \
       const struct sw_ahead *ahead))                                                              \
    X(double, dot_bf16, (float *sink, size_t n))

#define SW_KERNELS(X)                                                                              \
    SW_KERNELS_FLOAT(X)                                                                            \
    SW_KERNELS_INTEGER(X)                                                                          \
    SW_KERNELS_BF16(X)

/* Bytes of a widened tile of k columns. */
static inline size_t sw_widened_bytes(size_t k)
{
    return (k + SW_GROUP_S4 - 1) / SW_GROUP_S4 * SW_WIDENED_BYTES;
}

struct sw_kernels {
    enum sw_cpu_level level;
    bool has_bf16; /* gemm_bf16 is an instruction of this level, not the definition */
    /* How a tile in s8 is stored: byte (c / s8_step, r, c % s8_step) is the weight + s8_bias. */
    int s8_step, s8_bias;
#define X(type, name, arguments) type(*name) arguments;
    SW_KERNELS(X)
#undef X
};

/* The table of a level, or NULL where this program has none. The caller makes sure that the machine
 * has the level. */
const struct sw_kernels *sw_kernels_of(enum sw_cpu_level level);

/* Each file puts its own kernels over those of the level below. */
void sw_kernels_fill_scalar(struct sw_kernels *kernels);
void sw_kernels_fill_avx2(struct sw_kernels *kernels);
void sw_kernels_fill_avxvnni(struct sw_kernels *kernels);
void sw_kernels_fill_avx512(struct sw_kernels *kernels);
void sw_kernels_fill_avx512vnni(struct sw_kernels *kernels);
void sw_kernels_fill_avx512bf16(struct sw_kernels *kernels);
void sw_kernels_fill_neon(struct sw_kernels *kernels);
void sw_kernels_fill_neondot(struct sw_kernels *kernels);

#endif
