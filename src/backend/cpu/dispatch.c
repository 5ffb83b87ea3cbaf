#include <pthread.h>

#include "backend/cpu/kernels.h"

static struct sw_kernels tables[SW_CPU_LEVELS];
static bool has_table[SW_CPU_LEVELS];
static pthread_once_t filled = PTHREAD_ONCE_INIT;

static void fill(enum sw_cpu_level level, enum sw_cpu_level below,
                 void (*own)(struct sw_kernels *kernels))
{
    tables[level] = tables[below];
    tables[level].level = level;
    own(&tables[level]);
    has_table[level] = true;
}

static void fill_all(void)
{
    fill(SW_CPU_SCALAR, SW_CPU_SCALAR, sw_kernels_fill_scalar);
#if defined(__x86_64__) || defined(SW_EMULATED)
    fill(SW_CPU_AVX2, SW_CPU_SCALAR, sw_kernels_fill_avx2);
    fill(SW_CPU_AVX_VNNI, SW_CPU_AVX2, sw_kernels_fill_avxvnni);
    fill(SW_CPU_AVX512, SW_CPU_AVX2, sw_kernels_fill_avx512);
    fill(SW_CPU_AVX512_VNNI, SW_CPU_AVX512, sw_kernels_fill_avx512vnni);
    fill(SW_CPU_AVX512_BF16, SW_CPU_AVX512_VNNI, sw_kernels_fill_avx512bf16);
#elif defined(__aarch64__)
    fill(SW_CPU_NEON, SW_CPU_SCALAR, sw_kernels_fill_neon);
    fill(SW_CPU_NEON_DOT, SW_CPU_NEON, sw_kernels_fill_neondot);
#endif
}

const struct sw_kernels *sw_kernels_of(enum sw_cpu_level level)
{
    pthread_once(&filled, fill_all);
    return has_table[level] ? &tables[level] : NULL;
}
