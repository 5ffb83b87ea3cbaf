/* Advanced SIMD of arm64: 32 registers of four floats, 24 of them sums of 6 rows by one tile. */
#include <arm_neon.h>

#define VEC(name) name##_neon
typedef float32x4_t vec;
enum { VEC_FLOATS = 4, MAX_ROWS = 6, MAX_TILES = 1 };

#define vec_load         vld1q_f32
#define vec_store        vst1q_f32
#define vec_set          vdupq_n_f32
#define vec_add          vaddq_f32
#define vec_sub          vsubq_f32
#define vec_mul          vmulq_f32
#define vec_div          vdivq_f32
#define vec_min          vminq_f32
#define vec_max          vmaxq_f32
#define vec_fma(a, b, c) vfmaq_f32(c, a, b)

static inline vec vec_power(vec t)
{
    uint32x4_t bits = vaddq_u32(vreinterpretq_u32_f32(t), vdupq_n_u32(127));
    return vreinterpretq_f32_u32(vshlq_n_u32(bits, 23));
}

#include "backend/cpu/kernels_vector.inc"

const struct sw_kernels sw_kernels_neon = {.level = SW_CPU_NEON, KERNEL_TABLE};
