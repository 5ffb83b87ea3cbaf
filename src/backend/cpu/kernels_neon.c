/* Advanced SIMD of arm64: 32 registers of four floats, 24 of them sums of 6 rows by one tile. */
#include "backend/cpu/arm64_neon.h"

#define VEC(name) name##_neon
enum { MAX_ROWS = 6, MAX_TILES = 1, CACHED_ROWS = 2, CACHED_TILES = 2 };

#include "backend/cpu/kernels_vector.inc"

/* Bytes are multiplied to 16 bits and added in pairs, which 2 * 127 * 128 allows (weights are never
 * -128), then to words. */
enum {
    STEP_COLUMNS = 4,
    WEIGHT_BIAS = 0,
    S8_ROWS = 5,
    S8_TILES = 1,
    S4_ROWS = 4,
    S4_TILES = 1,
    S4_IS_WIDE = 0
};

/* Sums of two neighbouring products, 16 bits each. */
static inline int16x8_t pairs_of_products(words w, words x)
{
    int8x16_t a = vreinterpretq_s8_s32(w), b = vreinterpretq_s8_s32(x);
    return vpaddq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)), vmull_high_s8(a, b));
}

#define s8_weights        words_load
#define s8_dot(sum, w, x) vpadalq_s16(sum, pairs_of_products(w, x))

/* Products of 0 to 15 with a byte: eight sums of two of them stay below 2^15. */
#define s4_dot(sum, w, x)                                                                          \
    vreinterpretq_s32_s16(vaddq_s16(vreinterpretq_s16_s32(sum), pairs_of_products(w, x)))
#define s4_fold(sum) vpaddlq_s16(vreinterpretq_s16_s32(sum))

/* Both halves to one sum of two products: the order of columns that no tile has. */
static inline words limit_dot(words sum, words w)
{
    int8x16_t a = vreinterpretq_s8_s32(w), b = vreinterpretq_s8_s32(sum);
    int16x8_t products = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    return vpadalq_s16(sum, vmlal_high_s8(products, a, b));
}

#define LIMIT_DOT limit_dot
enum { LIMIT_OPERATIONS = 16 * 2 };

#include "backend/cpu/kernels_integer.inc"

void sw_kernels_fill_neon(struct sw_kernels *kernels)
{
    fill_floats(kernels);
    fill_integers(kernels);
}
