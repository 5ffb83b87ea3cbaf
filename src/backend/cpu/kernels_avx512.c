/* AVX-512: 32 registers, 24 of them sums of 12 rows by two tiles. */
#include "backend/cpu/x86_avx512.h"

#define VEC(name) name##_avx512
enum { MAX_ROWS = 12, MAX_TILES = 2, CACHED_ROWS = 6, CACHED_TILES = 4 };

#include "backend/cpu/kernels_vector.inc"

/* As in kernels_avx2.c: pairs, because four bytes at once would saturate. */
enum {
    STEP_COLUMNS = 2,
    WEIGHT_BIAS = 0,
    S8_ROWS = 12,
    S8_TILES = 2,
    S4_ROWS = 6,
    S4_TILES = 2,
    S4_IS_WIDE = 0
};
#define S8_PAIRS

#define s8_weights(p)     _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define s8_dot(sum, w, x) _mm512_add_epi32(sum, _mm512_madd_epi16(w, x))

static inline void s8_widen(int16_t *to, const int8_t *from)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, _mm_cvtepi8_epi16(bytes));
}

#define s4_dot(sum, w, x) _mm512_add_epi16(sum, _mm512_maddubs_epi16(w, x))
#define s4_fold(sum)      _mm512_madd_epi16(sum, _mm512_set1_epi16(1))

/* The sum is an operand, too, or all products would be one to the compiler. */
#define LIMIT_DOT(sum, w)                                                                          \
    _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(w, sum), _mm512_set1_epi16(1)))
enum { LIMIT_OPERATIONS = 64 * 2 };

#include "backend/cpu/kernels_integer.inc"

void sw_kernels_fill_avx512(struct sw_kernels *kernels)
{
    fill_floats(kernels);
    fill_integers(kernels);
}
