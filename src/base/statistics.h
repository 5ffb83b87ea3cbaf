/* Order statistics of small samples. */
#ifndef SW_BASE_STATISTICS_H
#define SW_BASE_STATISTICS_H

#include <stddef.h>

/* Sorts values (n) and returns the quantile q in [0, 1], linear between neighbours (type 7 of
 * Hyndman and Fan 1996, "Sample quantiles in statistical packages"). n from 1. */
double sw_quantile(double *values, size_t n, double q);

static inline double sw_median(double *values, size_t n)
{
    return sw_quantile(values, n, 0.5);
}

#endif
