/* x86 vector instructions: the machine's own, or, with SW_EMULATED, SIMDe's portable C, so that a
 * machine without a level can test it. */
#ifndef SW_BACKEND_CPU_X86_VECTORS_H
#define SW_BACKEND_CPU_X86_VECTORS_H

#ifndef SW_EMULATED
#include <immintrin.h>
#else
#include "backend/cpu/x86_emulated.h"
#endif

#include "backend/cpu/registers.h"

/* Over eight floats, in any order. */
static inline float sw_largest_256(__m256 x)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

/* Halves onto halves. */
static inline float sw_sum_256(__m256 x)
{
    __m128 m = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_add_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_add_ss(m, _mm_movehdup_ps(m)));
}

#endif
