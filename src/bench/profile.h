/*
 * Profiles: how often a run asks its questions, what it does before, and when it has enough. A
 * block is one pass over all questions, in an order of its own; blocks are what intervals are made
 * of (record/blocks.h).
 */
#ifndef SW_BENCH_PROFILE_H
#define SW_BENCH_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "statistics/interval.h"

struct sw_profile {
    const char *name;
    size_t samples;      /* questions of a block where nobody says how many */
    size_t warm_up;      /* most answers beforehand that do not count; 0: none */
    double idle_s;       /* loaded and idle, before and after */
    size_t min_blocks;   /* before the interval is looked at */
    size_t max_blocks;   /* 0: one pass without blocks */
    double target;       /* half of the 95 % interval over the mean; 0: not looked for */
    double time_limit_s; /* of the blocks together; 0: none */
};

enum { SW_MAX_BLOCKS = 10000 };

/* A warm-up is over once so many answers in a row agree within this share of their median. */
enum { SW_WARM_UP_AGREE = 5 };
#define SW_WARM_UP_SPREAD 0.05

/* By name; NULL for any other word. */
const struct sw_profile *sw_profile_find(const char *name);

/* "study, quick, standard or strict" */
const char *sw_profile_names(void);

/* order (n) becomes the order in which a block asks its questions: the same for the same seed and
 * block, and no other. */
void sw_profile_order(size_t *order, size_t n, uint64_t seed, size_t block);

/* How far apart the last SW_WARM_UP_AGREE of n durations are, over their median; INFINITY where
 * there are fewer. */
double sw_warm_up_spread(const double *seconds, size_t n);

enum sw_stop { SW_GO_ON_BLOCKS, SW_STOP_PRECISION, SW_STOP_TIME_LIMIT, SW_STOP_BLOCKS };

/* "precision", "time_limit", "blocks" */
const char *sw_stop_name(enum sw_stop stop);

/* After n_blocks (from 1) that took elapsed_s: whether another one follows. It does not where it
 * would end behind the time limit. An interval that is marked is not precise, however narrow. */
enum sw_stop sw_profile_stop(const struct sw_profile *profile, size_t n_blocks,
                             const struct sw_interval *interval, double elapsed_s);

#endif
