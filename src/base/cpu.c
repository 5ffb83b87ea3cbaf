#include "base/cpu.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* XCR0: the register state that the operating system saves (Intel SDM vol. 1, 13.3). */
static uint64_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool has_bits(uint64_t value, uint64_t bits)
{
    return (value & bits) == bits;
}

/* AVX2 is there already. */
static bool has_avx_vnni(void)
{
    const unsigned bit = 1u << 4; /* CPUID.7.1.EAX, Intel SDM vol. 2A, CPUID */
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && has_bits(eax, bit);
}

bool sw_cpu_level_is_here(enum sw_cpu_level level)
{
    enum sw_cpu_level machine = sw_cpu_level_machine();
    return level <= machine && (level != SW_CPU_AVX_VNNI || has_avx_vnni());
}

enum sw_cpu_level sw_cpu_level_machine(void)
{
    const uint32_t leaf1_ecx = bit_FMA | bit_OSXSAVE | bit_AVX | bit_F16C;
    const uint32_t avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    const uint64_t ymm_state = 0x6;  /* SSE and AVX */
    const uint64_t zmm_state = 0xe6; /* and opmask, ZMM_Hi256, Hi16_ZMM */
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !has_bits(ecx, leaf1_ecx))
        return SW_CPU_SCALAR;
    uint64_t saved = saved_state();
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !has_bits(ebx, bit_AVX2) ||
        !has_bits(saved, ymm_state))
        return SW_CPU_SCALAR;
    if (!has_bits(ebx, avx512) || !has_bits(saved, zmm_state))
        return has_avx_vnni() ? SW_CPU_AVX_VNNI : SW_CPU_AVX2;
    if (!has_bits(ecx, bit_AVX512VNNI))
        return SW_CPU_AVX512;
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && has_bits(eax, bit_AVX512BF16)
               ? SW_CPU_AVX512_BF16
               : SW_CPU_AVX512_VNNI;
}

#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

bool sw_cpu_level_is_here(enum sw_cpu_level level)
{
    return level == SW_CPU_SCALAR || (level >= SW_CPU_NEON && level <= sw_cpu_level_machine());
}

enum sw_cpu_level sw_cpu_level_machine(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? SW_CPU_NEON_DOT : SW_CPU_NEON;
}

#else

bool sw_cpu_level_is_here(enum sw_cpu_level level)
{
    return level == SW_CPU_SCALAR;
}

enum sw_cpu_level sw_cpu_level_machine(void)
{
    return SW_CPU_SCALAR;
}

#endif

static const char *const names[] = {
    [SW_CPU_SCALAR] = "scalar",
    [SW_CPU_AVX2] = "avx2",
    [SW_CPU_AVX_VNNI] = "avxvnni",
    [SW_CPU_AVX512] = "avx512",
    [SW_CPU_AVX512_VNNI] = "avx512vnni",
    [SW_CPU_AVX512_BF16] = "avx512bf16",
    [SW_CPU_NEON] = "neon",
    [SW_CPU_NEON_DOT] = "neondot",
};

const char *sw_cpu_level_name(enum sw_cpu_level level)
{
    return names[level];
}

/* Whether this architecture can have the level at all. */
static bool is_of_this_architecture(enum sw_cpu_level level)
{
#if defined(__x86_64__)
    return level < SW_CPU_NEON;
#elif defined(__aarch64__)
    return level == SW_CPU_SCALAR || level >= SW_CPU_NEON;
#else
    return level == SW_CPU_SCALAR;
#endif
}

enum sw_code sw_cpu_level_detect(enum sw_cpu_level *out, struct sw_error *err)
{
    enum sw_cpu_level machine = sw_cpu_level_machine();
    const char *cap = getenv("SMOLWATT_ISA");
    *out = machine;
    if (cap == NULL || cap[0] == 0)
        return SW_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(cap, names[i]) != 0)
            continue;
        enum sw_cpu_level level = (enum sw_cpu_level)i;
        if (!is_of_this_architecture(level))
            return sw_fail(err, SW_EUNSUPPORTED,
                           "SMOLWATT_ISA: %s is not a level of this architecture", cap);
        *out = level < machine ? level : machine;
        while (!sw_cpu_level_is_here(*out))
            *out = (enum sw_cpu_level)(*out - 1);
        return SW_OK;
    }
    return sw_fail(err, SW_EUSAGE,
                   "SMOLWATT_ISA: unknown level '%s' (scalar, avx2, avxvnni, avx512, avx512vnni, "
                   "avx512bf16, neon, neondot)",
                   cap);
}
