/*
 * Small deterministic random numbers: SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable
 * pseudorandom number generators"). Its state is a counter, so element i of a stream can be made
 * without the ones before it: synthetic weights are filled in parallel with equal results.
 */
#ifndef SW_BASE_RANDOM_H
#define SW_BASE_RANDOM_H

#include <stdint.h>

static inline uint64_t sw_random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Number index of the stream that seed names. */
static inline uint64_t sw_random_at(uint64_t seed, uint64_t index)
{
    return sw_random_mix(seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

struct sw_random {
    uint64_t seed;
    uint64_t index; /* numbers drawn so far */
};

static inline uint64_t sw_random_next(struct sw_random *random)
{
    return sw_random_at(random->seed, random->index++);
}

/* Uniform in [0, 1), 53 bits. */
static inline double sw_random_unit(struct sw_random *random)
{
    return (double)(sw_random_next(random) >> 11) * 0x1p-53;
}

/* Uniform in [0, bound), bound from 1; unbiased by rejection. */
static inline uint64_t sw_random_below(struct sw_random *random, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t x;
    do
        x = sw_random_next(random);
    while (x >= limit);
    return x % bound;
}

#endif
