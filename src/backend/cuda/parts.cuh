/*
 * The parts that attention leaves of a context cut into stretches (model.cuh): how it is cut, and
 * how their readers merge them.
 *
 * A score that is no number makes the results it goes into no number; a score of -infinity weighs
 * nothing, unless all of a row do, which makes them no number, as softmax over all at once does.
 */
#ifndef SW_BACKEND_CUDA_PARTS_CUH
#define SW_BACKEND_CUDA_PARTS_CUH

#include <math.h>

#include "backend/cuda/device.h"

/* A stretch is not shorter: that many keys of 8 lanes each keep a block's threads busy at once, so
 * fewer would take as long, and every part costs its readers a load. */
enum : uint32_t { SW_PART_LEAST = 16 };

/* Keys of a stretch. */
SW_ANYWHERE uint32_t sw_attention_share(uint32_t n_context, uint32_t n_splits)
{
    uint32_t share = (n_context + n_splits - 1) / n_splits;
    return share > SW_PART_LEAST ? share : SW_PART_LEAST;
}

/* Positions of one stretch; none where end is not above begin. */
struct sw_part {
    uint32_t begin, end;
};

SW_ANYWHERE sw_part sw_attention_part(uint32_t n_context, uint32_t n_splits, uint32_t split)
{
    const uint32_t share = sw_attention_share(n_context, n_splits), begin = split * share;
    return {begin, n_context < begin + share ? n_context : begin + share};
}

/* The first stretches, which are not empty. */
SW_ANYWHERE uint32_t sw_attention_parts(uint32_t n_context, uint32_t n_splits)
{
    uint32_t share = sw_attention_share(n_context, n_splits);
    return (n_context + share - 1) / share;
}

/* Not a number in b comes out; in a, the running maximum, it may be lost, but then the sum beside it
 * is none. */
SW_ANYWHERE float sw_attention_larger(float a, float b)
{
    return a > b ? a : b;
}

/* What scores are taken from before exp: their maximum, or 0 where they are all -infinity, so that
 * they weigh 0. */
SW_ANYWHERE float sw_attention_base(float largest)
{
    return largest == -INFINITY ? 0 : largest;
}

/*
 * Numbers at.. at + N - 1 of one head from its parts (n_parts from 1, head_dim + 2 each): sum of
 * values * exp(largest - most), divided by the sum of sums * exp(largest - most). A part without
 * positions has largest -infinity and zeros, so that it changes nothing. One whose largest is
 * -infinity beside a sum that is none has seen a score that was no number in front of one of
 * -infinity: it is not left out. Loads of four parts are under way at once.
 */
template <int N>
SW_ANYWHERE void sw_parts_merge(float *v, const float *parts, uint32_t at, uint32_t n_parts,
                                uint32_t head_dim)
{
    enum { AT_ONCE = 4 };
    const uint32_t stride = head_dim + 2;
    float most = -INFINITY, sum = 0;
    for (int i = 0; i < N; i++)
        v[i] = 0;
    for (uint32_t first = 0; first < n_parts; first += AT_ONCE) {
        float largest[AT_ONCE], sums[AT_ONCE], values[AT_ONCE][N], before = most;
        for (uint32_t p = 0; p < AT_ONCE; p++) {
            const bool is_there = first + p < n_parts;
            const float *part = parts + (size_t)(is_there ? first + p : 0) * stride;
            largest[p] = is_there ? part[0] : -INFINITY;
            sums[p] = is_there ? part[1] : 0;
            for (int i = 0; i < N; i++)
                values[p][i] = is_there ? part[2 + at + i] : 0;
        }
        for (int p = 0; p < AT_ONCE; p++)
            most = sw_attention_larger(most, largest[p]);
        const float base = sw_attention_base(most);
        float factor = expf(before - base);
        sum *= factor;
        for (int i = 0; i < N; i++)
            v[i] *= factor;
        for (int p = 0; p < AT_ONCE; p++) {
            factor = expf(largest[p] - base);
            sum = fmaf(sums[p], factor, sum);
            for (int i = 0; i < N; i++)
                v[i] = fmaf(values[p][i], factor, v[i]);
        }
    }
    for (int i = 0; i < N; i++)
        v[i] /= sum;
}

#endif
