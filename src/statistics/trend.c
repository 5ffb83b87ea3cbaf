#include "statistics/trend.h"

#include <math.h>

double sw_trend_p(double (*at)(const void *ctx, size_t i), const void *ctx, size_t n)
{
    if (n < 4)
        return 1;
    double score = 0;
    double n_ties = 0;
    for (size_t i = 1; i < n; i++) {
        double value = at(ctx, i);
        for (size_t k = 0; k < i; k++) {
            double earlier = at(ctx, k);
            score += (value > earlier) - (value < earlier);
            n_ties += value == earlier;
        }
    }
    double count = (double)n;
    double variance = count * (count - 1) * (2 * count + 5) / 18;
    /* Each tie takes a pair's share away; exact for pairs, close enough for more. */
    variance *= 1 - n_ties / (count * (count - 1) / 2);
    if (!(variance > 0))
        return 1;
    double z = fmax(fabs(score) - 1, 0) / sqrt(variance);
    return erfc(z / sqrt(2));
}

size_t sw_warm_up_end(const double *values, size_t n)
{
    if (n < 4)
        return 0;
    double sum = 0;
    double squares = 0;
    double least = INFINITY;
    size_t cut = 0;
    for (size_t i = n; i-- > 0;) {
        double d = values[i] - values[n - 1]; /* keeps the sums small */
        sum += d;
        squares += d * d;
        double kept = (double)(n - i);
        if (i > n / 2)
            continue;
        double error = fmax(squares - sum * sum / kept, 0) / (kept * kept);
        if (error <= least) {
            least = error;
            cut = i;
        }
    }
    return cut == n / 2 && least > 0 ? n : cut;
}
