/* Does a series drift, and from where on is it stable? */
#ifndef SW_STATISTICS_TREND_H
#define SW_STATISTICS_TREND_H

#include <stddef.h>

/* Two-sided p of the Mann-Kendall test (Mann, Econometrica 13, 1945; Kendall's variance, ties
 * counted as half) that a series of n values, asked for by index, has no monotone trend; 1 where n
 * is below 4. Takes n^2 / 2 comparisons. */
double sw_trend_p(double (*at)(const void *ctx, size_t i), const void *ctx, size_t n);

/* How many of the first values (n) are still warm-up: the cut, within the first half, that makes
 * the standard error of the rest's mean least (White, MSER, Simulation 69, 1997). n where the least
 * lies at the half, which says that nothing is stable yet; 0 where n is below 4. */
size_t sw_warm_up_end(const double *values, size_t n);

#endif
