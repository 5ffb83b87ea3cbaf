/* Kernels that bring floats into another form: equal bytes at every level, and an error that the
 * form allows. (Bytes of s8 tiles lie as each level likes them; check_products.c reads them.) */
#include "check.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/lanes.h"
#include "base/half.h"

/* to_bf16, round_bf16 */

static void check_bf16_of(const struct sw_kernels *kernels, const float *x, size_t n)
{
    size_t even = n + n % 2, kept = n_arrays;
    float *rounded = array(n), *expected_rounded = array(n);
    uint16_t *y = bytes(even * sizeof *y), *expected = bytes(even * sizeof *y);
    definition()->to_bf16(expected, x, n);
    kernels->to_bf16(y, x, n);
    definition()->round_bf16(expected_rounded, x, n);
    kernels->round_bf16(rounded, x, n);
    if (memcmp(y, expected, even * sizeof *y) != 0)
        failed("to_bf16 of %zu", n);
    if (memcmp(rounded, expected_rounded, n * sizeof *rounded) != 0)
        failed("round_bf16 of %zu", n);
    for (size_t i = 0; i < n; i++) {
        if (!same_bits(sw_bf16_to_float(y[i]), rounded[i]))
            failed("%a is %a as bf16, %a rounded", (double)x[i], (double)sw_bf16_to_float(y[i]),
                   (double)rounded[i]);
        /* Half a unit of 8 bits of significand; below the normal numbers, of the least of them. */
        double bound = fmax(fabs((double)x[i]) * 0x1p-8, 0x1p-134);
        if (isfinite(x[i]) ? isfinite(rounded[i])
                                 ? !(fabs((double)rounded[i] - (double)x[i]) <= bound)
                                 : fabsf(x[i]) < 0x1.ffp+127f
                           : !same_bits(x[i], rounded[i]))
            failed("%a is rounded to %a", (double)x[i], (double)rounded[i]);
    }
    n_cases++;
    free_arrays_from(kept);
}

/* Every exponent, with the bits behind the rounding that make ties, and their neighbours. */
void check_to_bf16(const struct sw_kernels *kernels)
{
    for (size_t n = 1; n <= 70; n++) {
        float *x = array(n);
        fill_row(x, n, n % 3 == 0 ? OPERANDS_INVALID : OPERANDS_NUMBERS);
        check_bf16_of(kernels, x, n);
        free_arrays();
    }
    const uint32_t below[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    enum { N_BELOW = sizeof below / sizeof *below };
    float *x = array(N_BELOW * 256);
    for (uint32_t upper = 0; upper < 0x10000; upper += 256) {
        for (size_t i = 0; i < N_BELOW * 256; i++)
            x[i] = sw_float_of_bits((upper + (uint32_t)i / N_BELOW) << 16 | below[i % N_BELOW]);
        check_bf16_of(kernels, x, N_BELOW * 256);
    }
    free_arrays();
}

void check_round_bf16(const struct sw_kernels *kernels)
{
    check_to_bf16(kernels);
}

/* quantise_s8 */

static void bound_block_s8(const float *x, size_t n, const int8_t *values, float scale, int32_t sum)
{
    float largest = 0;
    bool is_valid = true;
    int32_t total = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(x[i]));
        is_valid = is_valid && isfinite(x[i]);
        total += values[i];
    }
    if (!is_valid) {
        if (!isnan(scale))
            failed("a block with NaN or infinity has the scale %a", (double)scale);
        return;
    }
    if (total != sum || !(scale == (largest > 0x1p-100f ? largest / 127 : 0)))
        failed("a block of largest %a has the scale %a, the sum %d of %d", (double)largest,
               (double)scale, (int)sum, (int)total);
    for (size_t i = 0; i < n; i++) {
        /* Half a step, and the roundings of 127 / a, of its product with x (up to 127) and of a /
         * 127. A zero block is off by what it held. */
        double bound = scale > 0 ? (double)scale * (0.5 + 127 * 2 * (double)FLT_EPSILON) : 0x1p-100;
        if (!(fabs((double)values[i] * (double)scale - (double)x[i]) <= bound) || values[i] == -128)
            failed("%a is %d times %a", (double)x[i], values[i], (double)scale);
    }
}

static void check_quantise_of(const struct sw_kernels *kernels, size_t n, size_t block,
                              enum operands operands)
{
    size_t n_blocks = (n + block - 1) / block;
    float *x = array(n), *scales = array(n_blocks), *expected_scales = array(n_blocks);
    int8_t *values = bytes(n_blocks * block), *expected = bytes(n_blocks * block);
    int32_t *biases = bytes(n_blocks * sizeof *biases);
    int32_t *expected_biases = bytes(n_blocks * sizeof *biases);
    fill_row(x, n, operands);
    definition()->quantise_s8(expected, expected_scales, expected_biases, x, n, block);
    kernels->quantise_s8(values, scales, biases, x, n, block);
    for (size_t b = 0; b < n_blocks; b++) {
        size_t begin = b * block, width = n - begin < block ? n - begin : block;
        bound_block_s8(x + begin, width, values + begin, scales[b],
                       biases[b] / (block == 32 ? -8 : -128));
        if (!same_bits(scales[b], expected_scales[b]) || biases[b] != expected_biases[b])
            failed("n %zu block %zu: scale %a bias %d, not %a and %d", n, b, (double)scales[b],
                   (int)biases[b], (double)expected_scales[b], (int)expected_biases[b]);
        /* Bytes of a block whose scale is NaN are any. */
        if (!isnan(scales[b]) && memcmp(values + begin, expected + begin, block) != 0)
            failed("n %zu block %zu: other bytes", n, b);
        for (size_t i = begin + width; i < begin + block; i++) {
            if (values[i] != 0)
                failed("n %zu: values[%zu] is %d, not 0", n, i, values[i]);
        }
    }
    n_cases++;
    free_arrays();
}

void check_quantise_s8(const struct sw_kernels *kernels)
{
    for (size_t n = 1; n <= 200; n++) {
        for (int operands = 0; operands < N_OPERANDS; operands++) {
            check_quantise_of(kernels, n, 32, (enum operands)operands);
            check_quantise_of(kernels, n, 64, (enum operands)operands);
        }
    }
}

/* Tiles: the same bytes as the definition's, for every number of rows and all tails. */

struct tile_check {
    size_t bytes;
    void (*pack)(const struct sw_kernels *kernels, void *tile, const float *rows, size_t row_stride,
                 size_t n_rows, size_t k);
    /* Whether the definition's tile holds what it should. */
    void (*bound)(const void *tile, const float *rows, size_t row_stride, size_t n_rows, size_t k);
};

static void check_tile(const struct sw_kernels *kernels, const struct tile_check *check,
                       size_t n_rows, size_t k, enum operands operands)
{
    size_t row_stride = k + sw_random_below(&rng, 5);
    float *rows = array((n_rows - 1) * row_stride + k);
    for (size_t r = 0; r < n_rows; r++)
        fill_row(rows + r * row_stride, k, operands);
    void *tile = bytes(check->bytes), *expected = bytes(check->bytes);
    check->pack(definition(), expected, rows, row_stride, n_rows, k);
    check->pack(kernels, tile, rows, row_stride, n_rows, k);
    check->bound(expected, rows, row_stride, n_rows, k);
    const uint8_t *got = tile, *wanted = expected;
    for (size_t i = 0; i < check->bytes; i++) {
        if (got[i] != wanted[i])
            failed("%zu rows of %zu: byte %zu is %d, not %d", n_rows, k, i, got[i], wanted[i]);
    }
    n_cases++;
    free_arrays();
}

static void pack_f32(const struct sw_kernels *kernels, void *tile, const float *rows,
                     size_t row_stride, size_t n_rows, size_t k)
{
    kernels->pack_f32(tile, rows, row_stride, n_rows, k);
}

static void bound_f32(const void *tile, const float *rows, size_t row_stride, size_t n_rows,
                      size_t k)
{
    const float *at = tile;
    for (size_t i = 0; i < k * SW_TILE; i++) {
        size_t c = i / SW_TILE, r = i % SW_TILE;
        if (!same_bits(at[i], r < n_rows ? rows[r * row_stride + c] : 0))
            failed("%zu rows of %zu: column %zu row %zu is %a", n_rows, k, c, r, (double)at[i]);
    }
}

void check_pack_f32(const struct sw_kernels *kernels)
{
    for (size_t n_rows = 1; n_rows <= SW_TILE; n_rows++) {
        for (size_t k = 1 + n_rows % ROWS_STEP; k <= 70; k += ROWS_STEP)
            check_tile(kernels, &(struct tile_check){k * SW_TILE * 4, pack_f32, bound_f32}, n_rows,
                       k, OPERANDS_NUMBERS);
    }
}

static void pack_w16(const struct sw_kernels *kernels, void *tile, const float *rows,
                     size_t row_stride, size_t n_rows, size_t k)
{
    kernels->pack_w16(tile, rows, row_stride, n_rows, k);
}

static void bound_w16(const void *tile, const float *rows, size_t row_stride, size_t n_rows,
                      size_t k)
{
    const uint16_t *at = tile;
    for (size_t c = 0; c < k + k % 2; c++) {
        for (size_t r = 0; r < SW_TILE; r++) {
            float x = r < n_rows && c < k ? rows[r * row_stride + c] : 0;
            if (at[(c / 2 * SW_TILE + r) * 2 + c % 2] != sw_float_to_bf16(x))
                failed("%zu rows of %zu: column %zu row %zu is not %a", n_rows, k, c, r, (double)x);
        }
    }
}

void check_pack_w16(const struct sw_kernels *kernels)
{
    for (size_t n_rows = 1; n_rows <= SW_TILE; n_rows++) {
        for (size_t k = 1 + n_rows % ROWS_STEP; k <= 70; k += ROWS_STEP) {
            struct tile_check check = {(k + k % 2) * SW_TILE * 2, pack_w16, bound_w16};
            check_tile(kernels, &check, n_rows, k, (enum operands)(k % N_OPERANDS));
        }
    }
}

static void widen(const struct sw_kernels *kernels, void *tile, const float *rows,
                  size_t row_stride, size_t n_rows, size_t k)
{
    size_t kept = n_arrays;
    uint16_t *half = bytes((k + k % 2) * SW_TILE * sizeof *half);
    definition()->pack_w16(half, rows, row_stride, n_rows, k);
    kernels->widen_w16(tile, half, k);
    free_arrays_from(kept);
}

static void bound_widened(const void *tile, const float *rows, size_t row_stride, size_t n_rows,
                          size_t k)
{
    const float *at = tile;
    for (size_t i = 0; i < k * SW_TILE; i++) {
        float x = i % SW_TILE < n_rows ? rows[i % SW_TILE * row_stride + i / SW_TILE] : 0;
        if (!same_bits(at[i], sw_bf16_to_float(sw_float_to_bf16(x))))
            failed("%zu rows of %zu: column %zu is %a, not %a", n_rows, k, i / SW_TILE,
                   (double)at[i], (double)x);
    }
}

void check_widen_w16(const struct sw_kernels *kernels)
{
    for (size_t k = 1; k <= 130; k++)
        check_tile(kernels, &(struct tile_check){k * SW_TILE * 4, widen, bound_widened},
                   1 + k % SW_TILE, k, OPERANDS_NUMBERS);
}

/* pack_s8: scales of all levels are the same; the definition's bytes are within half a step. */

void check_pack_s8(const struct sw_kernels *kernels)
{
    for (size_t n_rows = 1; n_rows <= SW_TILE; n_rows++) {
        for (size_t k = 1 + n_rows % ROWS_STEP; k <= 200; k += DEPTH_STEP(k)) {
            size_t row_stride = k + sw_random_below(&rng, 5), size = (k + 7) / 8 * 8 * SW_TILE;
            float *rows = array((n_rows - 1) * row_stride + k);
            float *scales = array(SW_TILE), *expected_scales = array(SW_TILE);
            uint8_t *tile = bytes(size), *expected = bytes(size);
            for (size_t r = 0; r < n_rows; r++)
                fill_row(rows + r * row_stride, k, (enum operands)((k + r) % N_OPERANDS));
            definition()->pack_s8(expected, expected_scales, rows, row_stride, n_rows, k);
            kernels->pack_s8(tile, scales, rows, row_stride, n_rows, k);
            for (size_t r = 0; r < SW_TILE; r++) {
                int8_t values[208];
                int32_t sum = 0;
                for (size_t c = 0; c < (k + 7) / 8 * 8; c++) {
                    values[c] = (int8_t)expected[(c / 4 * SW_TILE + r) * 4 + c % 4];
                    sum += values[c];
                    if ((c >= k || r >= n_rows) && values[c] != 0)
                        failed("%zu rows of %zu: padding is %d", n_rows, k, values[c]);
                }
                bound_block_s8(rows + r * row_stride, r < n_rows ? k : 0, values,
                               expected_scales[r], r < n_rows ? sum : 0);
                if (!same_bits(scales[r], expected_scales[r]))
                    failed("%zu rows of %zu: scale %zu is %a, not %a", n_rows, k, r,
                           (double)scales[r], (double)expected_scales[r]);
            }
            n_cases++;
            free_arrays();
        }
    }
}

/* pack_s4 */

static void pack_s4(const struct sw_kernels *kernels, void *tile, const float *rows,
                    size_t row_stride, size_t n_rows, size_t k)
{
    kernels->pack_s4(tile, rows, row_stride, n_rows, k);
}

static int code_s4(const uint8_t *group, size_t c, size_t r)
{
    int byte = group[(c / 8 * SW_TILE + r) * 4 + c % 4];
    return (c % 8 < 4 ? byte & 15 : byte >> 4) - 8;
}

/* Squared error of the best scale for values that a step gives. */
static double error_of_step(const float x[SW_GROUP_S4], double step)
{
    double products = 0, squares = 0, sum = 0;
    for (size_t c = 0; c < SW_GROUP_S4; c++) {
        double value = fmin(fmax(rint((double)x[c] / step), -8), 7);
        double weight = sqrt(fabs((double)x[c]));
        products += weight * (double)x[c] * value;
        squares += weight * value * value;
        sum += weight * (double)x[c] * (double)x[c];
    }
    return sum - products * products / squares;
}

static void bound_group_s4(const uint8_t *group, size_t r, const float x[SW_GROUP_S4])
{
    double extreme = 0, error = 0, sum = 0;
    uint16_t half;
    memcpy(&half, group + 256 + r * sizeof half, sizeof half);
    double scale = (double)sw_f16_to_float(half);
    for (size_t c = 0; c < SW_GROUP_S4; c++) {
        if (!isfinite(x[c])) {
            if (!isnan(scale))
                failed("a group with %g has the scale %g", (double)x[c], scale);
            return;
        }
        extreme = fabs((double)x[c]) > fabs(extreme) ? (double)x[c] : extreme;
        double off = (double)x[c] - scale * code_s4(group, c, r);
        double weight = sqrt(fabs((double)x[c]));
        error += weight * off * off;
        sum += weight * (double)x[c] * (double)x[c];
    }
    if (fabs(extreme) > 65504 * 7) {
        if (isfinite(scale) && fabs(extreme) > 65520 * 9.5)
            failed("a group with %g has the scale %g", extreme, scale);
        return;
    }
    /* A scale below f16's normal numbers is off by half of the least of all, 2^-25, at most. */
    double best = fmax(sum, 0);
    if (fabs(extreme) > 0x1p-13 * 10) {
        for (int i = 0; i < SW_S4_TRIES; i++)
            best = fmin(best, error_of_step(x, extreme / -(8 + (double)SW_S4_FIRST +
                                                           i * (double)SW_S4_STEP)));
    } else {
        best += 32 * 64 * 0x1p-50 * sqrt(fabs(extreme));
    }
    /* The chosen scale's gain, a sum of 32 products rounded as floats; its own rounding to f16
     * stands at a minimum, where an error of 2^-11 counts squared. */
    double bound = best + sum * (100 * (double)FLT_EPSILON + 0x1p-22);
    if (!(error <= bound))
        failed("a group with largest %g: weighted squared error %g, best %g", extreme, error, best);
}

static void bound_s4(const void *tile, const float *rows, size_t row_stride, size_t n_rows,
                     size_t k)
{
    for (size_t begin = 0; begin < k; begin += SW_GROUP_S4) {
        const uint8_t *group = (const uint8_t *)tile + begin / SW_GROUP_S4 * SW_GROUP_BYTES;
        for (size_t r = 0; r < SW_TILE; r++) {
            float x[SW_GROUP_S4] = {0};
            for (size_t c = 0; r < n_rows && c < SW_GROUP_S4 && begin + c < k; c++)
                x[c] = rows[r * row_stride + begin + c];
            bound_group_s4(group, r, x);
        }
    }
}

void check_pack_s4(const struct sw_kernels *kernels)
{
    for (size_t n_rows = 1; n_rows <= SW_TILE; n_rows++) {
        for (size_t k = 1 + n_rows % ROWS_STEP; k <= 130; k += DEPTH_STEP(k)) {
            size_t size = (k + SW_GROUP_S4 - 1) / SW_GROUP_S4 * SW_GROUP_BYTES;
            check_tile(kernels, &(struct tile_check){size, pack_s4, bound_s4}, n_rows, k,
                       (enum operands)((k + n_rows) % N_OPERANDS));
        }
    }
}

/* The machine's limits: operations are counted for each round, and each round changes the sums. */
static void check_dot(double (*dot)(float *sink, size_t n))
{
    float sink, last = 0;
    double one = dot(&last, 1);
    if (one < 2 * SW_TILE)
        failed("%g operations in a round", one);
    for (size_t n = 2; n < 5; n++, last = sink) {
        double operations = dot(&sink, n);
        if (operations != one * (double)n)
            failed("%g operations in a round, %g in %zu", one, operations, n);
        if (!isfinite(sink) || same_bits(sink, last))
            failed("%zu rounds give %g, one more %g", n - 1, (double)last, (double)sink);
        n_cases++;
    }
}

void check_dot_s8(const struct sw_kernels *kernels)
{
    check_dot(kernels->dot_s8);
}

void check_dot_bf16(const struct sw_kernels *kernels)
{
    check_dot(kernels->dot_bf16);
}
