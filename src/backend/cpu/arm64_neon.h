/* The registers of Advanced SIMD (arm64), for the files of its levels. */
#ifndef SW_BACKEND_CPU_ARM64_NEON_H
#define SW_BACKEND_CPU_ARM64_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "backend/cpu/registers.h"

typedef float32x4_t vec;
typedef int32x4_t words;
enum { VEC_FLOATS = 4 };

#define vec_load          vld1q_f32
#define vec_store         vst1q_f32
#define vec_set           vdupq_n_f32
#define vec_add           vaddq_f32
#define vec_sub           vsubq_f32
#define vec_mul           vmulq_f32
#define vec_div           vdivq_f32
#define vec_sqrt          vsqrtq_f32
#define vec_fma(a, b, c)  vfmaq_f32(c, a, b)
#define vec_largest       vmaxvq_f32
#define words_load(p)     vreinterpretq_s32_s8(vld1q_s8((const int8_t *)(p)))
#define words_store(p, w) vst1q_s8((int8_t *)(p), vreinterpretq_s8_s32(w))
#define words_set         vdupq_n_s32
#define words_add         vaddq_s32
#define vec_of_words      vcvtq_f32_s32
#define vec_of_low(w)     vreinterpretq_f32_s32(vshlq_n_s32(w, 16))
#define vec_of_high(w)    vreinterpretq_f32_s32(vandq_s32(w, vdupq_n_s32(-65536)))
#define vec_load_f16(p)   vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)))

/* Not vminq_f32 and vmaxq_f32, of which a NaN comes out wherever it went in. */
static inline vec vec_min(vec a, vec b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

static inline vec vec_max(vec a, vec b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

/* Not vaddvq_f32: gcc 12 takes a constant that was added to all elements out of that sum and adds
 * it behind, which rounds otherwise. */
static inline float vec_sum(vec x)
{
    vec pairs = vpaddq_f32(x, x);
    return vgetq_lane_f32(vpaddq_f32(pairs, pairs), 0);
}

static inline float vec_fold(vec x)
{
    float32x2_t halves = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(vpadd_f32(halves, halves), 0);
}

static inline vec vec_first(int n, vec a, vec b)
{
    static const int32_t index[4] = {0, 1, 2, 3};
    return vbslq_f32(vcltq_s32(vld1q_s32(index), vdupq_n_s32(n)), a, b);
}

static inline uint32_t vec_equal(vec a, vec b)
{
    static const uint32_t bits[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vceqq_f32(a, b), vld1q_u32(bits)));
}

static inline vec vec_power(vec t)
{
    uint32x4_t bits = vaddq_u32(vreinterpretq_u32_f32(t), vdupq_n_u32(127));
    return vreinterpretq_f32_u32(vshlq_n_u32(bits, 23));
}

static inline vec vec_round_bf16(vec x)
{
    uint32x4_t bits = vreinterpretq_u32_f32(x), upper = vdupq_n_u32(0xffff0000);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t up = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    uint32x4_t nan = vorrq_u32(bits, vdupq_n_u32(0x400000));
    return vreinterpretq_f32_u32(vandq_u32(vbslq_u32(vceqq_f32(x, x), up, nan), upper));
}

#define vec_zip_low  vzip1q_f32
#define vec_zip_high vzip2q_f32

static inline vec vec_zip_low_pairs(vec a, vec b)
{
    return vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

static inline vec vec_zip_high_pairs(vec a, vec b)
{
    return vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

INLINE void vecs_join(vec x[4], const vec fours[4])
{
    UNROLL
    for (int j = 0; j < 4; j++)
        x[j] = fours[j];
}

static inline void vec_store_s8(int8_t *p, vec x)
{
    int16x4_t half = vqmovn_s32(vcvtnq_s32_f32(x));
    int8x8_t quarter = vqmovn_s16(vcombine_s16(half, half));
    /* vst1_lane_s32 would write an int32_t, which to the compiler is no bytes. */
    int32_t four_bytes = vget_lane_s32(vreinterpret_s32_s8(quarter), 0);
    memcpy(p, &four_bytes, sizeof four_bytes);
}

static inline words s4_low(words w)
{
    return vandq_s32(w, vdupq_n_s32(0x0f0f0f0f));
}

static inline words s4_high(words w)
{
    return vreinterpretq_s32_u8(vshrq_n_u8(vreinterpretq_u8_s32(w), 4));
}

#endif
