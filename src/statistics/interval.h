/*
 * Confidence intervals of means of blocks that follow one another. The scatter of the mean is taken
 * from the slowest waves in the series, which hold what neighbours have in common, and the skew of
 * the values is taken out of Student's t. Where an interval cannot be trusted, it is marked and
 * says why. docs/statistics.md has the method, its sources, and how often the intervals hold in
 * simulations.
 */
#ifndef SW_STATISTICS_INTERVAL_H
#define SW_STATISTICS_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>

struct sw_interval {
    double mean, low, high, level; /* NaN where n does not allow one */
    size_t n;
    double n_effective; /* blocks that are as good as independent, at most n */
    bool marked;        /* not to be trusted as it stands: reason says why */
    const char *reason; /* static text; NULL unless marked */
};

/* Fewer blocks are marked. */
enum { SW_INTERVAL_MIN_BLOCKS = 8 };

/* values (n) in the order of time; level in (0, 1), e.g. 0.95. Any n. */
void sw_interval_mean(const double *values, size_t n, double level, struct sw_interval *out);

/* The same where somebody looks after every block and stops once the interval is narrow: the waves
 * are few, and small at times by chance, which such a rule would wait for. No narrower than
 * Student's t makes it of blocks that are independent. */
void sw_interval_looked_at(const double *values, size_t n, double level, struct sw_interval *out);

/* a and b (n), pair by pair: mean(b) / mean(a) - 1, the relative difference. */
void sw_interval_paired(const double *a, const double *b, size_t n, double level,
                        struct sw_interval *out);

/* Half of the width is at most relative times the mean. False where there is no interval. */
bool sw_interval_is_within(const struct sw_interval *interval, double relative);

/* How many more blocks of the same kind until half of the width is half_width: 0 where it is,
 * SIZE_MAX where that cannot be told. */
size_t sw_blocks_needed(const struct sw_interval *interval, double half_width);

#endif
