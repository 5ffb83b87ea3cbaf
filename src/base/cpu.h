/* What instructions this CPU has, capped by the environment variable SMOLWATT_ISA. */
#ifndef SW_BASE_CPU_H
#define SW_BASE_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Kernel levels in rising order within an architecture. A level has all that is below it, but for
 * SW_CPU_AVX_VNNI, which many processors with AVX-512 lack. */
enum sw_cpu_level {
    SW_CPU_SCALAR,
    SW_CPU_AVX2,        /* AVX2, FMA, F16C */
    SW_CPU_AVX_VNNI,    /* vpdpbusd, as AVX-512 VNNI has it, in the registers of AVX2 */
    SW_CPU_AVX512,      /* AVX-512 F, BW, DQ, VL */
    SW_CPU_AVX512_VNNI, /* products of four bytes: vpdpbusd */
    SW_CPU_AVX512_BF16, /* products of two bf16: vdpbf16ps */
    SW_CPU_NEON,        /* Advanced SIMD with FMA, on every arm64 */
    SW_CPU_NEON_DOT,    /* products of four bytes: sdot, udot */
};

enum { SW_CPU_LEVELS = SW_CPU_NEON_DOT + 1 };

/* Highest level that this machine has (CPU and operating system), not above the cap in SMOLWATT_ISA
 * (a name of sw_cpu_level_name). An unknown or impossible cap fails. */
enum sw_code sw_cpu_level_detect(enum sw_cpu_level *out, struct sw_error *err);

/* The machine's level, environment ignored. */
enum sw_cpu_level sw_cpu_level_machine(void);

/* Whether the machine has the level, environment ignored. */
bool sw_cpu_level_is_here(enum sw_cpu_level level);

/* "scalar", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "neon", "neondot" */
const char *sw_cpu_level_name(enum sw_cpu_level level);

#endif
