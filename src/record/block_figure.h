/* One figure of every block: its mean and interval, and what is odd about the blocks. */
#ifndef SW_RECORD_BLOCK_FIGURE_H
#define SW_RECORD_BLOCK_FIGURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "statistics/interval.h"

/* What the intervals claim. Where a run stops once its interval is narrow, it is looked at after
 * every block, and holds less often than it says, by some per cent; such intervals are made at the
 * second level, and hold as the first says (docs/profiles.md). */
#define SW_BLOCK_LEVEL           0.95
#define SW_BLOCK_LOOKED_AT_LEVEL 0.97

/* Interval of the mean of n values at that level; "level" says SW_BLOCK_LEVEL in either case. */
void sw_block_interval(const double *values, size_t n, bool is_looked_at, struct sw_interval *out);

struct sw_block_figure {
    double *values; /* (n) in the order of time; owned */
    size_t *blocks; /* (n) their numbers; owned */
    size_t n;
    bool is_looked_at; /* after every block, until it is narrow */
    size_t n_without;  /* complete blocks that have no value */
};

void sw_block_figure_free(struct sw_block_figure *figure);

/* {"mean", "low", "high", "level", "n_blocks", "n_effective", "marked", "reason", "drift_p",
 * "n_warm_up", "outliers", "blocks"}; null where no block has a value. NULL if memory is out. */
json_t *sw_block_figure_to_json(const struct sw_block_figure *figure);

/* How many of the first values are a warm-up that was not over: as MSER cuts them off, where they
 * differ from the rest by more than chance and 1 % allow; 0: none. */
size_t sw_block_figure_warm_up(const double *values, size_t n);

/* Median -+ 3.5 robust standard deviations: 1.4826 times the median distance from the median
 * (Iglewicz and Hoaglin, How to detect and handle outliers, 1993). False where there are fewer than
 * five values, or more than half of them are equal. Sorts values. */
struct sw_outlier_range {
    double low, high;
};
bool sw_outlier_range_find(struct sw_outlier_range *out, double *values, size_t n);

#endif
