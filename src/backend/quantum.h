/*
 * Numbers in 8 bits, as every backend quantises them. With a sign: a scale for a row or a block,
 * value = x * (127 / largest |x|) to the nearest integer, ties to even. Without a sign, with one
 * scale and one zero point for a whole tensor, as DynamicQuantizeLinear of ONNX defines them: range
 * [min, max], widened to contain 0; scale = (max
 * - min) / 255, zero = -min / scale to the nearest integer, value = x / scale to the nearest
 * integer, plus zero, held to 0 ... 255; ties to even.
 */
#ifndef SW_BACKEND_QUANTUM_H
#define SW_BACKEND_QUANTUM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Added and taken away, rounds a float below 2^22 to an integer, ties to even. */
#define SW_ROUND 0x1.8p+23f

/* A block in 8 bits, whose largest number is a: below this it is zero, since 127 / a would be no
 * number. */
#define SW_S8_LEAST 0x1p-100f

/* What numbers are to be multiplied with to have the largest |x| at 127; too small a one becomes 0.
 */
static inline float sw_s8_inverse(float *largest)
{
    if (!(*largest > SW_S8_LEAST))
        *largest = 0;
    return *largest > 0 ? 127.0f / *largest : 0;
}

/* Largest |x|, and its inverse. A NaN need not be seen here: it turns up in the sum of what is
 * rounded. */
static inline float sw_s8_largest(const float *x, size_t n, float *inverse)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = largest > fabsf(x[i]) ? largest : fabsf(x[i]);
    *inverse = sw_s8_inverse(&largest);
    return largest;
}

static inline float sw_s8_rounded(float x, float inverse)
{
    return x * inverse + SW_ROUND - SW_ROUND;
}

/* Held to bytes so that a NaN, whose scale will tell of it, is one, too. */
static inline int8_t sw_s8_byte(float rounded)
{
    return (int8_t)(rounded > -128 ? rounded < 127 ? rounded : 127 : -128);
}

/* Of a tensor, containing 0. min and max are NaN if a number in it is NaN or infinite. */
struct sw_range {
    float min, max;
};

struct sw_quantum {
    float scale;
    float zero; /* an integer, 0 to 255 */
};

static inline void sw_range_widen(struct sw_range *range, struct sw_range other)
{
    if (isnan(other.min)) {
        *range = other;
        return;
    }
    range->min = other.min < range->min ? other.min : range->min;
    range->max = other.max > range->max ? other.max : range->max;
}

/* Of n numbers, step apart, and 0. */
struct sw_range sw_range_of(const float *x, size_t n, size_t step);

/* A tensor too small for a scale (zero, mostly) is zero; one that holds no numbers gets the scale
 * NaN, which no product hides. */
struct sw_quantum sw_quantum_of(struct sw_range range);

/* 0 to 255. The clamp is written so that NaN becomes 0. */
static inline float sw_quantum_value(float x, struct sw_quantum q)
{
    float value = x / q.scale + SW_ROUND - SW_ROUND + q.zero;
    value = value > 0 ? value : 0;
    return value < 255 ? value : 255;
}

#endif
