/* AVX-512 VNNI: vpdpbusd multiplies four bytes without a sign by four with one and adds them to a
 * word. Weights carry no sign (128 is added), which the sum of the activations takes away again. */
#include "backend/cpu/x86_avx512.h"

#define VEC(name) name##_avx512vnni
enum {
    STEP_COLUMNS = 4,
    WEIGHT_BIAS = 128,
    S8_ROWS = 8,
    S8_TILES = 2,
    S4_ROWS = 8,
    S4_TILES = 2,
    S4_IS_WIDE = 1
};

#define s8_weights        words_load
#define s8_dot(sum, w, x) _mm512_dpbusd_epi32(sum, w, x)
#define s4_dot(sum, w, x) _mm512_dpbusd_epi32(sum, w, x)
#define s4_fold(sum)      (sum)

#define LIMIT_DOT(sum, w) _mm512_dpbusd_epi32(sum, w, w)
enum { LIMIT_OPERATIONS = 64 * 2 };

#include "backend/cpu/kernels_integer.inc"

void sw_kernels_fill_avx512vnni(struct sw_kernels *kernels)
{
    fill_integers(kernels);
}
