/* AVX2 and FMA: 16 registers, twelve of them sums of 6 rows by one tile. */
#include "backend/cpu/x86_vectors.h"

#define VEC(name) name##_avx2
typedef __m256 vec;
enum { VEC_FLOATS = 8, MAX_ROWS = 6, MAX_TILES = 1 };

#define vec_load         _mm256_loadu_ps
#define vec_store        _mm256_storeu_ps
#define vec_set          _mm256_set1_ps
#define vec_add          _mm256_add_ps
#define vec_sub          _mm256_sub_ps
#define vec_mul          _mm256_mul_ps
#define vec_div          _mm256_div_ps
#define vec_min          _mm256_min_ps
#define vec_max          _mm256_max_ps
#define vec_fma(a, b, c) _mm256_fmadd_ps(a, b, c)

static inline vec vec_power(vec t)
{
    __m256i bits = _mm256_add_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}

#include "backend/cpu/kernels_vector.inc"

const struct sw_kernels sw_kernels_avx2 = {.level = SW_CPU_AVX2, KERNEL_TABLE};
