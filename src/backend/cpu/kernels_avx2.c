/* AVX2 and FMA: 16 registers, twelve of them sums of 6 rows by one tile. */
#include "backend/cpu/x86_avx2.h"

#define VEC(name) name##_avx2
enum { MAX_ROWS = 6, MAX_TILES = 1, CACHED_ROWS = 2, CACHED_TILES = 2 };

#include "backend/cpu/kernels_vector.inc"

/* Bytes are widened and multiplied in pairs: vpmaddubsw, which takes bytes as they are, saturates
 * its sums of two products. Six rows by one tile are twelve sums. */
enum {
    STEP_COLUMNS = 2,
    WEIGHT_BIAS = 0,
    S8_ROWS = 6,
    S8_TILES = 1,
    S4_ROWS = 3,
    S4_TILES = 1,
    S4_IS_WIDE = 0
};
#define S8_PAIRS

#define s8_weights(p)     _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define s8_dot(sum, w, x) _mm256_add_epi32(sum, _mm256_madd_epi16(w, x))

static inline void s8_widen(int16_t *to, const int8_t *from)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, _mm_cvtepi8_epi16(bytes));
}

/* Products of 0 to 15 with a byte: eight sums of two of them stay below 2^15. */
#define s4_dot(sum, w, x) _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x))
#define s4_fold(sum)      _mm256_madd_epi16(sum, _mm256_set1_epi16(1))

/* The sum is an operand, too, or all products would be one to the compiler. */
#define LIMIT_DOT(sum, w)                                                                          \
    _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(w, sum), _mm256_set1_epi16(1)))
enum { LIMIT_OPERATIONS = 32 * 2 };

#include "backend/cpu/kernels_integer.inc"

void sw_kernels_fill_avx2(struct sw_kernels *kernels)
{
    fill_floats(kernels);
    fill_integers(kernels);
}
