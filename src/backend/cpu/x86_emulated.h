/* x86 vector instructions in SIMDe's portable C, and those that SIMDe lacks or rounds otherwise. */
#ifndef SW_BACKEND_CPU_X86_EMULATED_H
#define SW_BACKEND_CPU_X86_EMULATED_H

#include <math.h>

#include "base/half.h"

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/and.h>
#include <simde/x86/avx512/blend.h>
#include <simde/x86/avx512/cast.h>
#include <simde/x86/avx512/cmp.h>
#include <simde/x86/avx512/cvt.h>
#include <simde/x86/avx512/cvts.h>
#include <simde/x86/avx512/div.h>
#include <simde/x86/avx512/dpbusd.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/madd.h>
#include <simde/x86/avx512/maddubs.h>
#include <simde/x86/avx512/max.h>
#include <simde/x86/avx512/min.h>
#include <simde/x86/avx512/mov.h>
#include <simde/x86/avx512/mul.h>
#include <simde/x86/avx512/or.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/shuffle.h>
#include <simde/x86/avx512/slli.h>
#include <simde/x86/avx512/sqrt.h>
#include <simde/x86/avx512/srli.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/sub.h>
#include <simde/x86/avx512/unpackhi.h>
#include <simde/x86/avx512/unpacklo.h>
#include <simde/x86/fma.h>

/* SIMDe multiplies and adds with two roundings; ours have one. */
static inline simde__m256 sw_emulated_fmadd_256(simde__m256 a, simde__m256 b, simde__m256 c)
{
    simde__m256_private a_ = simde__m256_to_private(a), b_ = simde__m256_to_private(b),
                        c_ = simde__m256_to_private(c);
    for (int i = 0; i < 8; i++)
        c_.f32[i] = fmaf(a_.f32[i], b_.f32[i], c_.f32[i]);
    return simde__m256_from_private(c_);
}

static inline simde__m512 sw_emulated_fmadd_512(simde__m512 a, simde__m512 b, simde__m512 c)
{
    simde__m512_private a_ = simde__m512_to_private(a), b_ = simde__m512_to_private(b),
                        c_ = simde__m512_to_private(c);
    for (int i = 0; i < 16; i++)
        c_.f32[i] = fmaf(a_.f32[i], b_.f32[i], c_.f32[i]);
    return simde__m512_from_private(c_);
}

/* Nor has it the rounding and the zeros of vdpbf16ps. */
static inline float sw_emulated_flush(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static inline simde__m512 sw_emulated_dpbf16(simde__m512 sum, simde__m512i a, simde__m512i b)
{
    simde__m512_private sum_ = simde__m512_to_private(sum);
    simde__m512i_private a_ = simde__m512i_to_private(a), b_ = simde__m512i_to_private(b);
    for (int i = 0; i < 16; i++) {
        for (int j = 1; j >= 0; j--)
            sum_.f32[i] = sw_emulated_flush(
                fmaf(sw_emulated_flush(sw_bf16_to_float(a_.u16[2 * i + j])),
                     sw_emulated_flush(sw_bf16_to_float(b_.u16[2 * i + j])), sum_.f32[i]));
    }
    return simde__m512_from_private(sum_);
}

static inline simde__m256 sw_emulated_cvtph_256(simde__m128i a)
{
    simde__m128i_private a_ = simde__m128i_to_private(a);
    simde__m256_private r_;
    for (int i = 0; i < 8; i++)
        r_.f32[i] = sw_f16_to_float(a_.u16[i]);
    return simde__m256_from_private(r_);
}

static inline simde__m512 sw_emulated_cvtph_512(simde__m256i a)
{
    simde__m256i_private a_ = simde__m256i_to_private(a);
    simde__m512_private r_;
    for (int i = 0; i < 16; i++)
        r_.f32[i] = sw_f16_to_float(a_.u16[i]);
    return simde__m512_from_private(r_);
}

static inline simde__m512 sw_emulated_cvtepi32_ps(simde__m512i a)
{
    simde__m512i_private a_ = simde__m512i_to_private(a);
    simde__m512_private r_;
    for (int i = 0; i < 16; i++)
        r_.f32[i] = (float)a_.i32[i];
    return simde__m512_from_private(r_);
}

/* What is no number, or too large, becomes the least number. */
static inline simde__m512i sw_emulated_cvtps_epi32(simde__m512 a)
{
    simde__m512_private a_ = simde__m512_to_private(a);
    simde__m512i_private r_;
    for (int i = 0; i < 16; i++)
        r_.i32[i] = fabsf(a_.f32[i]) < 0x1p31f ? (int32_t)rintf(a_.f32[i]) : INT32_MIN;
    return simde__m512i_from_private(r_);
}

static inline simde__m256i sw_emulated_cvtepi32_epi16(simde__m512i a)
{
    simde__m512i_private a_ = simde__m512i_to_private(a);
    simde__m256i_private r_;
    for (int i = 0; i < 16; i++)
        r_.i16[i] = (int16_t)a_.i32[i];
    return simde__m256i_from_private(r_);
}

static inline simde__m256 sw_emulated_extract(simde__m512 a, int upper)
{
    simde__m512_private a_ = simde__m512_to_private(a);
    return a_.m256[upper];
}

#undef _mm256_fmadd_ps
#define _mm256_fmadd_ps sw_emulated_fmadd_256
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps sw_emulated_fmadd_512
#undef _mm512_dpbf16_ps
#define _mm512_dpbf16_ps sw_emulated_dpbf16
#undef _mm256_dpbusd_avx_epi32
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32
#undef _mm256_cvtph_ps
#define _mm256_cvtph_ps sw_emulated_cvtph_256
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps sw_emulated_cvtph_512
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps sw_emulated_cvtepi32_ps
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32 sw_emulated_cvtps_epi32
#undef _mm512_cvtepi32_epi16
#define _mm512_cvtepi32_epi16 sw_emulated_cvtepi32_epi16
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps sw_emulated_extract
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4(a, b, parts)                                                          \
    simde_mm512_castsi512_ps(simde_mm512_shuffle_i32x4(simde_mm512_castps_si512(a),                \
                                                       simde_mm512_castps_si512(b), parts))
/* SIMDe's own names for these take the arguments of another instruction. */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#undef _mm512_maddubs_epi16
#define _mm512_maddubs_epi16 simde_mm512_maddubs_epi16
/* Pairs of bf16 are words to these functions. */
#undef __m512bh
#define __m512bh simde__m512i

#endif
