/* The registers of AVX-512, for the files of its levels. */
#ifndef SW_BACKEND_CPU_X86_AVX512_H
#define SW_BACKEND_CPU_X86_AVX512_H

#include <stdint.h>

#include "backend/cpu/x86_vectors.h"

typedef __m512 vec;
typedef __m512i words;
enum { VEC_FLOATS = 16 };

#define vec_load          _mm512_loadu_ps
#define vec_store         _mm512_storeu_ps
#define vec_set           _mm512_set1_ps
#define vec_add           _mm512_add_ps
#define vec_sub           _mm512_sub_ps
#define vec_mul           _mm512_mul_ps
#define vec_div           _mm512_div_ps
#define vec_sqrt          _mm512_sqrt_ps
#define vec_min           _mm512_min_ps
#define vec_max           _mm512_max_ps
#define vec_fma(a, b, c)  _mm512_fmadd_ps(a, b, c)
#define words_load(p)     _mm512_loadu_si512((const void *)(p))
#define words_store(p, w) _mm512_storeu_si512((void *)(p), w)
#define words_set         _mm512_set1_epi32
#define words_add         _mm512_add_epi32
#define vec_of_words      _mm512_cvtepi32_ps
#define vec_of_low(w)     _mm512_castsi512_ps(_mm512_slli_epi32(w, 16))
#define vec_of_high(w)    _mm512_castsi512_ps(_mm512_and_si512(w, _mm512_set1_epi32(-65536)))

static inline float vec_largest(vec x)
{
    __m256 high = _mm512_extractf32x8_ps(x, 1);
    return sw_largest_256(_mm256_max_ps(_mm512_castps512_ps256(x), high));
}

static inline float vec_sum(vec x)
{
    __m256 high = _mm512_extractf32x8_ps(x, 1);
    return sw_sum_256(_mm256_add_ps(_mm512_castps512_ps256(x), high));
}

/* Over 16 floats, halves onto halves. */
#define vec_fold vec_sum

static inline vec vec_first(int n, vec a, vec b)
{
    unsigned lanes = n < 0 ? 0 : n > 16 ? 16 : (unsigned)n;
    return _mm512_mask_blend_ps((uint16_t)((1U << lanes) - 1), b, a);
}

static inline uint32_t vec_equal(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

static inline vec vec_power(vec t)
{
    __m512i bits = _mm512_add_epi32(_mm512_castps_si512(t), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 23));
}

static inline vec vec_round_bf16(vec x)
{
    __m512i bits = _mm512_castps_si512(x);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __m512i nan = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    return vec_of_high(_mm512_mask_mov_epi32(up, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), nan));
}

#define vec_zip_low  _mm512_unpacklo_ps
#define vec_zip_high _mm512_unpackhi_ps

static inline vec vec_zip_low_pairs(vec a, vec b)
{
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

static inline vec vec_zip_high_pairs(vec a, vec b)
{
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

INLINE void vecs_join(vec x[16], const vec fours[16])
{
    UNROLL
    for (int j = 0; j < 4; j++) {
        vec even_low = _mm512_shuffle_f32x4(fours[j], fours[4 + j], 0x88);
        vec even_high = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], 0x88);
        vec odd_low = _mm512_shuffle_f32x4(fours[j], fours[4 + j], 0xdd);
        vec odd_high = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], 0xdd);
        x[j] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
        x[4 + j] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
        x[8 + j] = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
        x[12 + j] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
    }
}

static inline void vec_store_s8(int8_t *p, vec x)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x)));
}

#define s4_low(w)       _mm512_and_si512(w, _mm512_set1_epi8(15))
#define s4_high(w)      _mm512_and_si512(_mm512_srli_epi16(w, 4), _mm512_set1_epi8(15))
#define vec_load_f16(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p)))

#endif
