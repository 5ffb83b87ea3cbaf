/*
 * Scalar pieces that every kernel level must reproduce bit for bit: the exponential, and the order
 * in which a vector's elements are summed.
 */
#ifndef SW_BACKEND_CPU_LANES_H
#define SW_BACKEND_CPU_LANES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "backend/cpu/kernels.h"
#include "backend/quantum.h"

/* Scales of 4 bits that are tried: the number of largest absolute value becomes
 * -(8 + SW_S4_FIRST + i * SW_S4_STEP), clipped to -8, for i < SW_S4_TRIES. */
#define SW_S4_FIRST -1.0f
#define SW_S4_STEP  0.125f
enum { SW_S4_TRIES = 17 };

/*
 * exp(x) = 2^n (1 + r + r^2 q(r)), n the integer nearest to x / ln 2, |r| <= ln 2 / 2. Inputs are
 * held to SW_EXP_MIN ... SW_EXP_MAX, where 2^n is a normal number. q: minimax fit of
 * (exp(r) - 1 - r) / r^2, weighted for relative error (3.1e-9); with the roundings of the chain the
 * result is within 0.9 units in the last place (0.894, over all floats in range).
 */
#define SW_EXP_MIN    -87.0f
#define SW_EXP_MAX    88.0f
#define SW_EXP_LOG2E  0x1.715476p+0f
#define SW_EXP_ROUND  SW_ROUND
#define SW_EXP_LN2_HI 0x1.62e43p-1f
#define SW_EXP_LN2_LO -0x1.05c61p-29f
#define SW_EXP_Q0     0x1.fffffcp-2f
#define SW_EXP_Q1     0x1.555492p-3f
#define SW_EXP_Q2     0x1.5558f2p-5f
#define SW_EXP_Q3     0x1.1239e2p-7f
#define SW_EXP_Q4     0x1.6a2434p-10f

static inline float sw_expf(float x)
{
    /* Written so that NaN passes through, as the vector instructions do it. */
    x = SW_EXP_MAX < x ? SW_EXP_MAX : x;
    x = SW_EXP_MIN > x ? SW_EXP_MIN : x;
    float t = fmaf(x, SW_EXP_LOG2E, SW_EXP_ROUND);
    float n = t - SW_EXP_ROUND;
    float r = fmaf(-n, SW_EXP_LN2_HI, x);
    r = fmaf(-n, SW_EXP_LN2_LO, r);
    float q = fmaf(SW_EXP_Q4, r, SW_EXP_Q3);
    q = fmaf(q, r, SW_EXP_Q2);
    q = fmaf(q, r, SW_EXP_Q1);
    q = fmaf(q, r, SW_EXP_Q0);
    float e = fmaf(fmaf(q, r, 1.0f), r, 1.0f);
    /* The low bits of t are n; 127 makes them an exponent. */
    uint32_t bits;
    memcpy(&bits, &t, sizeof bits);
    bits = (bits + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return e * power;
}

/* The bias of a block of values with this sum, which is NaN where one of them was no number. */
static inline int32_t sw_s8_bias(float sum, size_t block)
{
    int32_t added = block == SW_GROUP_S4 ? 8 : 128;
    return isnan(sum) ? 0 : -added * (int32_t)sum;
}

/* Folds 16 lanes: halves onto halves. */
static inline float sw_lanes_sum(float lanes[16])
{
    for (int step = 8; step > 0; step /= 2) {
        for (int i = 0; i < step; i++)
            lanes[i] += lanes[i + step];
    }
    return lanes[0];
}

#endif
