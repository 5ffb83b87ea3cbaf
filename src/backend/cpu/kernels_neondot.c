/* Advanced SIMD with products of four bytes: sdot adds them to a word. */
#include "backend/cpu/arm64_neon.h"

#define VEC(name) name##_neondot
enum {
    STEP_COLUMNS = 4,
    WEIGHT_BIAS = 0,
    S8_ROWS = 6,
    S8_TILES = 1,
    S4_ROWS = 4,
    S4_TILES = 1,
    S4_IS_WIDE = 1
};

static inline words dot(words sum, words w, words x)
{
    return vdotq_s32(sum, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x));
}

#define s8_weights   words_load
#define s8_dot       dot
#define s4_dot       dot
#define s4_fold(sum) (sum)

#define LIMIT_DOT(sum, w) dot(sum, w, w)
enum { LIMIT_OPERATIONS = 16 * 2 };

#include "backend/cpu/kernels_integer.inc"

void sw_kernels_fill_neondot(struct sw_kernels *kernels)
{
    fill_integers(kernels);
}
