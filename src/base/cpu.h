/* What instructions this CPU has, capped by the environment variable SMOLWATT_ISA. */
#ifndef SW_BASE_CPU_H
#define SW_BASE_CPU_H

#include <stdint.h>

#include "base/error.h"

/* Kernel levels in rising order within an architecture. A level names exactly what its code needs.
 */
enum sw_cpu_level {
    SW_CPU_SCALAR,
    SW_CPU_AVX2,   /* AVX2, FMA, F16C */
    SW_CPU_AVX512, /* AVX2 level and AVX-512 F, BW, DQ, VL */
    SW_CPU_NEON,   /* Advanced SIMD with FMA, on every arm64 */
};

/* Highest level of this machine (CPU and operating system), not above the cap in SMOLWATT_ISA
 * ("scalar", "avx2", "avx512", "neon"). An unknown or impossible cap fails. */
enum sw_code sw_cpu_level_detect(enum sw_cpu_level *out, struct sw_error *err);

/* The machine's level, environment ignored. */
enum sw_cpu_level sw_cpu_level_machine(void);

const char *sw_cpu_level_name(enum sw_cpu_level level);

#endif
