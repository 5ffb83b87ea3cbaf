/* AVX-512: 32 registers, 24 of them sums of 12 rows by two tiles. */
#include "backend/cpu/x86_vectors.h"

#define VEC(name) name##_avx512
typedef __m512 vec;
enum { VEC_FLOATS = 16, MAX_ROWS = 12, MAX_TILES = 2 };

#define vec_load         _mm512_loadu_ps
#define vec_store        _mm512_storeu_ps
#define vec_set          _mm512_set1_ps
#define vec_add          _mm512_add_ps
#define vec_sub          _mm512_sub_ps
#define vec_mul          _mm512_mul_ps
#define vec_div          _mm512_div_ps
#define vec_min          _mm512_min_ps
#define vec_max          _mm512_max_ps
#define vec_fma(a, b, c) _mm512_fmadd_ps(a, b, c)

static inline vec vec_power(vec t)
{
    __m512i bits = _mm512_add_epi32(_mm512_castps_si512(t), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 23));
}

#include "backend/cpu/kernels_vector.inc"

const struct sw_kernels sw_kernels_avx512 = {.level = SW_CPU_AVX512, KERNEL_TABLE};
