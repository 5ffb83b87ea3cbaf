#include "statistics/interval.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "statistics/student.h"
#include "statistics/trend.h"

/* A correlation of neighbours beyond this is marked: the waves cannot show what lies below them,
 * and that is more than half the guard (share_shown) allows for. */
#define MOST_ALIKE 0.7

/* No more blocks than this are ever told to be needed. */
enum { MOST_NEEDED = 100000000 };

/* Values of one series, or the linearised ratio of two. */
struct series {
    const double *a, *b; /* (n); b NULL: a alone */
    size_t n;
    double mean_a, ratio; /* mean(b) / mean(a) */
};

/* Taylor's linearisation of a ratio of means: its mean is ratio - 1, its scatter that of the
 * ratio's error (Cochran, Sampling Techniques, 1977, 6.3). */
static double at(const struct series *s, size_t i)
{
    return s->b == NULL ? s->a[i] : (s->b[i] - s->ratio * s->a[i]) / s->mean_a + s->ratio - 1;
}

static double value_at(const void *series, size_t i)
{
    return at(series, i);
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

struct moments {
    double mean, variance, skewness;
    double lag; /* correlation of neighbours, its bias taken out; 0 for five blocks and fewer */
};

static void find_moments(const struct series *s, struct moments *out)
{
    double n = (double)s->n;
    double sum = 0;
    double squares = 0;
    double cubes = 0;
    double products = 0;
    double last = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += at(s, i);
    out->mean = sum / n;
    for (size_t i = 0; i < s->n; i++) {
        double d = at(s, i) - out->mean;
        squares += d * d;
        cubes += d * d * d;
        products += i > 0 ? d * last : 0;
        last = d;
    }
    out->variance = squares / (n - 1);
    out->skewness = squares > 0 ? cubes / n / pow(squares / n, 1.5) : 0;
    /* About a mean of the same values the estimate is low by (1 + 3 rho) / n (Marriott and Pope,
     * Bias in the estimation of autocorrelations, Biometrika 41, 1954). */
    double r = squares > 0 ? products / squares : 0;
    out->lag = s->n > 5 ? (n * r + 1) / (n - 3) : 0;
}

/* Waves of n blocks whose amplitudes tell the scatter of their mean: 0.4 n^(2/3), as Lazarus,
 * Lewis, Stock and Watson recommend, two at least. */
static size_t waves_of(size_t n)
{
    size_t waves = (size_t)floor(0.4 * cbrt((double)n * (double)n) + 0.5);
    if (waves < 2)
        waves = 2;
    return waves < n ? waves : n - 1;
}

/* The share of the mean's variance that the waves show on average where each block takes GUARD of
 * the one before: their spectrum falls off from the mean's, at 0, to that of the last wave. */
static double share_shown(size_t n, size_t waves)
{
    const double guard = 0.5, pi = acos(-1);
    double count = (double)n;
    double sum = 0;
    for (size_t k = 1; k <= waves; k++)
        sum += (1 - guard) * (1 - guard) /
               (1 - 2 * guard * cos(pi * (double)k / count) + guard * guard);
    double of_mean =
        1 - 2 * guard * (1 - pow(guard, count)) / (count * (1 - guard * guard)); /* n finite */
    return fmin(sum / (double)waves / of_mean, 1);
}

/* n times the variance of the mean, neighbours being alike or not: the mean square amplitude of
 * the slowest waves in the series (equal-weighted cosines: Mueller, Journal of Econometrics 141,
 * 2007; Lazarus, Lewis, Stock and Watson, Journal of Business & Economic Statistics 36, 2018). Each
 * is a sum of all blocks, so of independent normal blocks the amplitudes are independent and
 * normal, and t has as many degrees of freedom as there are waves. */
static double variance_of_waves(const struct series *s, double mean, size_t waves)
{
    const double pi = acos(-1);
    double n = (double)s->n;
    double sum = 0;
    for (size_t k = 1; k <= waves; k++) {
        double amplitude = 0;
        for (size_t i = 0; i < s->n; i++)
            amplitude += (at(s, i) - mean) * cos(pi * (double)k * ((double)i + 0.5) / n);
        sum += 2 / n * amplitude * amplitude;
    }
    return sum / (double)waves;
}

/* Inverse of Hall's cubic transformation, which takes the skew out of t (Hall, On the removal of
 * skewness by transformation, JRSS B 54, 1992). */
static double take_in_skew(double t, double skewness, double n)
{
    double k = skewness / sqrt(n);
    if (fabs(k) < 1e-6)
        return t;
    return 3 / k * (cbrt(1 + k * (t - k / 6)) - 1);
}

/* Whether the blocks differ by more than sums of them round to: what rounding leaves of equal ones
 * has neighbours that are alike, and a drift. Differences of pairs are of about 1. */
static bool is_scattered(const struct series *s, const struct moments *m)
{
    const double rounding = 64 * DBL_EPSILON;
    return sqrt(m->variance) > rounding * (s->b != NULL ? 1 + fabs(m->mean) : fabs(m->mean));
}

static void mark(struct sw_interval *out, const char *reason)
{
    if (out->marked)
        return;
    out->marked = true;
    out->reason = reason;
}

static void find_interval(const struct series *s, double level, bool no_narrower,
                          struct sw_interval *out)
{
    *out = (struct sw_interval){.mean = NAN,
                                .low = NAN,
                                .high = NAN,
                                .level = level,
                                .n = s->n,
                                .n_effective = (double)s->n};
    if (s->n == 0) {
        mark(out, "no block");
        return;
    }
    out->mean = at(s, 0);
    if (s->n == 1) {
        mark(out, "one block alone has no interval");
        return;
    }
    struct moments m;
    find_moments(s, &m);
    out->mean = m.mean;
    if (!isfinite(m.mean) || !isfinite(m.variance)) {
        mark(out, "a block has no finite value");
        return;
    }
    double n = (double)s->n;
    size_t waves = waves_of(s->n);
    double slow = variance_of_waves(s, m.mean, waves) / share_shown(s->n, waves);
    double p = 0.5 + level / 2;
    double t = sw_student_quantile(p, (double)waves);
    double error = sqrt(slow / n);
    if (no_narrower)
        error = fmax(error, sqrt(m.variance / n) * sw_student_quantile(p, n - 1) / t);
    if (slow > m.variance)
        out->n_effective = fmax(n * m.variance / slow, 1);
    out->low = m.mean - error * take_in_skew(t, m.skewness, n);
    out->high = m.mean - error * take_in_skew(-t, m.skewness, n);
    if (s->n < SW_INTERVAL_MIN_BLOCKS)
        mark(out, "fewer than eight blocks");
    bool scattered = is_scattered(s, &m);
    if (scattered && m.lag > MOST_ALIKE)
        mark(out, "neighbouring blocks resemble each other");
    if (scattered && sw_trend_p(value_at, s, s->n) < 0.01)
        mark(out, "the blocks drift");
}

void sw_interval_mean(const double *values, size_t n, double level, struct sw_interval *out)
{
    find_interval(&(struct series){.a = values, .n = n}, level, false, out);
}

void sw_interval_looked_at(const double *values, size_t n, double level, struct sw_interval *out)
{
    find_interval(&(struct series){.a = values, .n = n}, level, true, out);
}

void sw_interval_paired(const double *a, const double *b, size_t n, double level,
                        struct sw_interval *out)
{
    struct series s = {.a = a, .b = b, .n = n, .mean_a = NAN, .ratio = NAN};
    if (n > 0) {
        s.mean_a = mean_of(a, n);
        s.ratio = mean_of(b, n) / s.mean_a;
    }
    find_interval(&s, level, false, out);
}

bool sw_interval_is_within(const struct sw_interval *interval, double relative)
{
    return (interval->high - interval->low) / 2 <= relative * fabs(interval->mean);
}

/* Half of the width that n blocks would have on average, over the deviation of the slow waves. */
static double half_width_of(size_t n, double level)
{
    size_t waves = waves_of(n);
    return sw_student_quantile(0.5 + level / 2, (double)waves) /
           sqrt((double)n * share_shown(n, waves));
}

size_t sw_blocks_needed(const struct sw_interval *interval, double half_width)
{
    double now = (interval->high - interval->low) / 2;
    if (!(half_width > 0) || !isfinite(now))
        return SIZE_MAX;
    if (now <= half_width)
        return 0;
    double deviation = now / half_width_of(interval->n, interval->level);
    size_t low = interval->n;
    size_t high = low;
    do {
        low = high;
        high *= 2;
        if (high > MOST_NEEDED)
            return SIZE_MAX;
    } while (deviation * half_width_of(high, interval->level) > half_width);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        bool enough = deviation * half_width_of(middle, interval->level) <= half_width;
        *(enough ? &high : &low) = middle;
    }
    return high - interval->n;
}
