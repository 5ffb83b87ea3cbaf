/* The two 16-bit floating-point formats, to and from float. */
#ifndef SW_BASE_HALF_H
#define SW_BASE_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float sw_float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t sw_bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* bf16 is the upper half of a float. */
static inline float sw_bf16_to_float(uint16_t half)
{
    return sw_float_of_bits((uint32_t)half << 16);
}

/* To nearest, ties to even; a NaN stays one. */
static inline uint16_t sw_float_to_bf16(float x)
{
    uint32_t bits = sw_bits_of_float(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* IEEE 754 binary16, exactly. A subnormal is its 10 bits times 2^-24. */
static inline float sw_f16_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 0x1f, mantissa = half & 0x3ff;
    if (exponent == 0) {
        float x = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -x : x;
    }
    if (exponent == 31)
        return sw_float_of_bits(sign | 0x7f800000 | mantissa << 13);
    return sw_float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* To nearest, ties to even; too large becomes infinity, a NaN stays one. */
static inline uint16_t sw_float_to_f16(float x)
{
    uint32_t bits = sw_bits_of_float(x);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x477ff000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (bits < 0x38800000) /* below 2^-14: subnormal, a whole number of 2^-24 */
        return (uint16_t)(sign | (uint16_t)rintf(sw_float_of_bits(bits) * 0x1p24f));
    bits += 0xfff + (bits >> 13 & 1);
    return (uint16_t)(sign | (uint16_t)((bits - 0x38000000) >> 13));
}

/* As to f16 and back, but without a branch, for loops over many. Adding 1/2 to a subnormal leaves
 * whole numbers of 2^-24. */
static inline float sw_f16_rounded(float x)
{
    uint32_t bits = sw_bits_of_float(x), sign = bits & 0x80000000;
    uint32_t magnitude = bits ^ sign;
    uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1)) & ~(uint32_t)0x1fff;
    uint32_t small = sw_bits_of_float(sw_float_of_bits(magnitude) + 0.5f - 0.5f);
    uint32_t rounded = magnitude < 0x38800000 ? small : normal;
    rounded = magnitude >= 0x477ff000 ? 0x7f800000 : rounded;
    rounded = magnitude > 0x7f800000 ? magnitude : rounded;
    return sw_float_of_bits(rounded | sign);
}

#endif
