/*
 * Is B better than A? From figures of both, pair by pair, lower being better: the relative
 * difference with its interval, and what may be said about it.
 */
#ifndef SW_RECORD_DIFFERENCE_H
#define SW_RECORD_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "statistics/interval.h"

enum sw_difference_verdict { SW_BETTER, SW_WORSE, SW_SAME, SW_UNDECIDED };

const char *sw_difference_verdict_name(enum sw_difference_verdict verdict);

struct sw_difference {
    struct sw_interval interval; /* of mean(b) / mean(a) - 1 */
    enum sw_difference_verdict verdict;
    bool in_every_pair; /* the interval is marked, and each pair makes the claim by itself */
    double least;       /* of that claim, signed: a difference that every pair has beyond doubt */
    size_t n_more;      /* pairs that would decide; 0: decided, SIZE_MAX: cannot be told */
};

struct sw_difference_rule {
    double level;           /* of the interval */
    double within;          /* the relative difference that counts as none */
    double claim_beyond;    /* better and worse are differences of more than this; 0 or within */
    bool every_pair_counts; /* of runs in turns; see below */
    const char *distrust;   /* why the figures may not be compared at all, static; NULL: they may */
};

/* a and b (n), pairs in the order of time. Same where all of the interval is inside of +-within;
 * better or worse where it leaves out all up to +-claim_beyond, by a tenth of its half width;
 * undecided else.
 *
 * Where the interval is marked (blocks drift, or resemble each other) it makes no claim. But pairs
 * of runs in turns that lie all on one side, beyond +-within, and farther from 0 than from each
 * other, differ by more than what made them drift: that is a claim. */
void sw_difference_judge(struct sw_difference *out, const double *a, const double *b, size_t n,
                         const struct sw_difference_rule *rule);

/* All of the interval, and the margin, is above relative; false where it is not to be trusted. */
bool sw_difference_is_above(const struct sw_difference *difference, double relative);

#endif
