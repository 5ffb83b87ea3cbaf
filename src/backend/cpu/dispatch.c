#include "backend/cpu/kernels.h"

const struct sw_kernels *sw_kernels_of(enum sw_cpu_level level)
{
    switch (level) {
    case SW_CPU_SCALAR:
        return &sw_kernels_scalar;
#if defined(__x86_64__) || defined(SW_EMULATED)
    case SW_CPU_AVX2:
        return &sw_kernels_avx2;
    case SW_CPU_AVX512:
        return &sw_kernels_avx512;
#elif defined(__aarch64__)
    case SW_CPU_NEON:
        return &sw_kernels_neon;
#endif
    default:
        return NULL;
    }
}
