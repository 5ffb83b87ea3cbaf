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
    size_t n_more; /* pairs that would decide; 0: decided, SIZE_MAX: cannot be told */
};

/* Within where all of the interval is; better or worse where it leaves out 0, by a margin that
 * shrinks with n; undecided else, and where the interval is marked.
 * a and b (n), pairs in the order of time; within: the relative difference that counts as none.
 * distrust: why the figures may not be compared at all, static text; NULL where they may. */
void sw_difference_judge(struct sw_difference *out, const double *a, const double *b, size_t n,
                         double level, double within, const char *distrust);

/* All of the interval, and the margin, is above relative; false where it is not to be trusted. */
bool sw_difference_is_above(const struct sw_difference *difference, double relative);

#endif
