/* The registers of AVX2, for the files of its levels. */
#ifndef SW_BACKEND_CPU_X86_AVX2_H
#define SW_BACKEND_CPU_X86_AVX2_H

#include <stdint.h>

#include "backend/cpu/x86_vectors.h"

typedef __m256 vec;
typedef __m256i words;
enum { VEC_FLOATS = 8 };

#define vec_load          _mm256_loadu_ps
#define vec_store         _mm256_storeu_ps
#define vec_set           _mm256_set1_ps
#define vec_add           _mm256_add_ps
#define vec_sub           _mm256_sub_ps
#define vec_mul           _mm256_mul_ps
#define vec_div           _mm256_div_ps
#define vec_sqrt          _mm256_sqrt_ps
#define vec_min           _mm256_min_ps
#define vec_max           _mm256_max_ps
#define vec_fma(a, b, c)  _mm256_fmadd_ps(a, b, c)
#define vec_largest       sw_largest_256
#define vec_sum           sw_sum_256
#define words_load(p)     _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define words_store(p, w) _mm256_storeu_si256((__m256i *)(void *)(p), w)
#define words_set         _mm256_set1_epi32
#define words_add         _mm256_add_epi32
#define vec_of_words      _mm256_cvtepi32_ps
#define vec_of_low(w)     _mm256_castsi256_ps(_mm256_slli_epi32(w, 16))
#define vec_of_high(w)    _mm256_castsi256_ps(_mm256_and_si256(w, _mm256_set1_epi32(-65536)))

#define vec_fold sw_sum_256

static inline vec vec_first(int n, vec a, vec b)
{
    __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i is_first = _mm256_cmpgt_epi32(_mm256_set1_epi32(n), index);
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(is_first));
}

static inline uint32_t vec_equal(vec a, vec b)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ));
}

static inline vec vec_power(vec t)
{
    __m256i bits = _mm256_add_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}

static inline vec vec_round_bf16(vec x)
{
    __m256i bits = _mm256_castps_si256(x);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i nan = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    vec rounded = _mm256_blendv_ps(_mm256_castsi256_ps(up), _mm256_castsi256_ps(nan),
                                   _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return vec_of_high(_mm256_castps_si256(rounded));
}

#define vec_zip_low  _mm256_unpacklo_ps
#define vec_zip_high _mm256_unpackhi_ps

static inline vec vec_zip_low_pairs(vec a, vec b)
{
    return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

static inline vec vec_zip_high_pairs(vec a, vec b)
{
    return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

INLINE void vecs_join(vec x[8], const vec fours[8])
{
    UNROLL
    for (int j = 0; j < 4; j++) {
        x[j] = _mm256_permute2f128_ps(fours[j], fours[4 + j], 0x20);
        x[4 + j] = _mm256_permute2f128_ps(fours[j], fours[4 + j], 0x31);
    }
}

static inline void vec_store_s8(int8_t *p, vec x)
{
    __m256i whole = _mm256_cvtps_epi32(x);
    __m128i half =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(half, half));
}

#define s4_low(w)       _mm256_and_si256(w, _mm256_set1_epi8(15))
#define s4_high(w)      _mm256_and_si256(_mm256_srli_epi16(w, 4), _mm256_set1_epi8(15))
#define vec_load_f16(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p)))

#endif
