/*
 * A candidate is what is known of some of the logits: the greatest so far, its id, and the sum of
 * exp(logit - greatest) over all of them, in double: an exp is right to some 1e-7 of itself, so the
 * log-probability to a little more than that. Candidates of lanes, warps and blocks are merged in a
 * fixed order; which logits a block has depends on the grid, so the last bits of the
 * log-probability may differ between GPUs. Ids do not.
 */
#ifndef SW_BACKEND_CUDA_CANDIDATE_CUH
#define SW_BACKEND_CUDA_CANDIDATE_CUH

#include <math.h>
#include <string.h>

#include "backend/cuda/device.h"

struct alignas(16) sw_candidate {
    float largest;
    int32_t id; /* -1: none was a number */
    double sum;
};

SW_DEVICE sw_candidate sw_candidate_none()
{
    return {-INFINITY, -1, 0.0};
}

/* Ids come in rising order. */
SW_DEVICE void sw_candidate_add(sw_candidate &c, float logit, int32_t id)
{
    if (logit != logit) {
        c.sum = NAN;
    } else if (c.id < 0 || logit > c.largest) {
        c.sum = c.sum * (double)(c.id < 0 ? 1.0f : expf(c.largest - logit)) + 1.0;
        c.largest = logit;
        c.id = id;
    } else if (logit != -INFINITY) {
        c.sum += (double)expf(logit - c.largest);
    }
}

SW_DEVICE sw_candidate sw_candidate_merge(const sw_candidate &a, const sw_candidate &b)
{
    if (a.id < 0 || b.id < 0) {
        /* That one's sum is 0, or not a number. */
        return {a.id < 0 ? b.largest : a.largest, a.id < 0 ? b.id : a.id, a.sum + b.sum};
    }
    bool takes_b = b.largest > a.largest || (b.largest == a.largest && b.id < a.id);
    float most = takes_b ? b.largest : a.largest, less = takes_b ? a.largest : b.largest;
    double sum_of_most = takes_b ? b.sum : a.sum, sum_of_less = takes_b ? a.sum : b.sum;
    double factor = less == most ? 1.0 : (double)expf(less - most);
    return {most, takes_b ? b.id : a.id, sum_of_most + sum_of_less * factor};
}

SW_DEVICE sw_candidate sw_candidate_of_lane(const sw_candidate &c, int mask)
{
    uint32_t words[4];
    memcpy(words, &c, sizeof words);
    for (int i = 0; i < 4; i++)
        words[i] = sw_shuffle_xor(words[i], mask);
    sw_candidate other;
    memcpy(&other, words, sizeof other);
    return other;
}

/* Of lanes that differ in the bits from `first` up to below `last`; each of them gets it. In a pair
 * the lower lane's comes first, so that both compute the same. */
SW_DEVICE sw_candidate sw_candidate_of_lanes(sw_candidate c, uint32_t first, uint32_t last)
{
    /* Once a row, or a token: not worth its code five times. */
    SW_NO_UNROLL
    for (uint32_t mask = first; mask < last; mask *= 2) {
        sw_candidate other = sw_candidate_of_lane(c, (int)mask);
        bool is_upper = (threadIdx.x & mask) != 0;
        sw_candidate lower = is_upper ? other : c, upper = is_upper ? c : other;
        c = sw_candidate_merge(lower, upper);
    }
    return c;
}

SW_DEVICE float sw_candidate_logprob(const sw_candidate &c)
{
    return c.id < 0 || fabsf(c.largest) == INFINITY ? NAN : -logf((float)c.sum);
}

#endif
