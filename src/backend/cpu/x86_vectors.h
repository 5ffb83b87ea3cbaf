/* x86 vector instructions: the machine's own, or, with SW_EMULATED, SIMDe's portable C, so that a
 * machine without a level can test it. */
#ifndef SW_BACKEND_CPU_X86_VECTORS_H
#define SW_BACKEND_CPU_X86_VECTORS_H

#ifndef SW_EMULATED
#include <immintrin.h>
#else
#include <math.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512/add.h>
#include <simde/x86/avx512/cast.h>
#include <simde/x86/avx512/div.h>
#include <simde/x86/avx512/loadu.h>
#include <simde/x86/avx512/max.h>
#include <simde/x86/avx512/min.h>
#include <simde/x86/avx512/mul.h>
#include <simde/x86/avx512/set1.h>
#include <simde/x86/avx512/slli.h>
#include <simde/x86/avx512/storeu.h>
#include <simde/x86/avx512/sub.h>
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

#undef _mm256_fmadd_ps
#define _mm256_fmadd_ps sw_emulated_fmadd_256
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps sw_emulated_fmadd_512
#endif

/* Over eight floats, in any order. */
static inline float sw_largest_256(__m256 x)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

static inline float sw_sum_256(__m256 x)
{
    __m128 m = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_add_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_add_ss(m, _mm_movehdup_ps(m)));
}

#endif
