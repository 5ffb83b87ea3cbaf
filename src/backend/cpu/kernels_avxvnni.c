/* AVX-VNNI: vpdpbusd of AVX-512 VNNI in the registers of AVX2, on processors without AVX-512. Six
 * rows by one tile are twelve sums; with four bits four rows, since both halves of a byte take
 * registers. */
#include "backend/cpu/x86_avx2.h"

#define VEC(name) name##_avxvnni
enum {
    STEP_COLUMNS = 4,
    WEIGHT_BIAS = 128,
    S8_ROWS = 6,
    S8_TILES = 1,
    S4_ROWS = 4,
    S4_TILES = 1,
    S4_IS_WIDE = 1
};

#define s8_weights        words_load
#define s8_dot(sum, w, x) _mm256_dpbusd_avx_epi32(sum, w, x)
#define s4_dot(sum, w, x) _mm256_dpbusd_avx_epi32(sum, w, x)
#define s4_fold(sum)      (sum)

#define LIMIT_DOT(sum, w) _mm256_dpbusd_avx_epi32(sum, w, w)
enum { LIMIT_OPERATIONS = 32 * 2 };

#include "backend/cpu/kernels_integer.inc"

void sw_kernels_fill_avxvnni(struct sw_kernels *kernels)
{
    fill_integers(kernels);
}
