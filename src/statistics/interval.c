#include "statistics/interval.h"

#include <math.h>
#include <stdint.h>

#include "statistics/student.h"
#include "statistics/trend.h"

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
    double lag; /* correlation of neighbours, its bias taken out */
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

/* Inverse of Hall's cubic transformation, which takes the skew out of t (Hall, On the removal of
 * skewness by transformation, JRSS B 54, 1992). */
static double take_in_skew(double t, double skewness, double n)
{
    double k = skewness / sqrt(n);
    if (fabs(k) < 1e-6)
        return t;
    return 3 / k * (cbrt(1 + k * (t - k / 6)) - 1);
}

static void mark(struct sw_interval *out, const char *reason)
{
    if (out->marked)
        return;
    out->marked = true;
    out->reason = reason;
}

static void find_interval(const struct series *s, double level, struct sw_interval *out)
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
    double lag = fmin(fmax(m.lag, 0), 0.9);
    double widened = (1 + lag) / (1 - lag); /* of an AR(1) series' mean */
    out->n_effective = fmax(n / widened, 2);
    double error = sqrt(m.variance / out->n_effective);
    double t = sw_student_quantile(0.5 + level / 2, out->n_effective - 1);
    out->low = m.mean - error * take_in_skew(t, m.skewness, n);
    out->high = m.mean - error * take_in_skew(-t, m.skewness, n);
    if (s->n < SW_INTERVAL_MIN_BLOCKS)
        mark(out, "fewer than five blocks");
    if (m.variance > 0 && s->n > 5 && m.lag > 1.645 / sqrt(n))
        mark(out, "neighbouring blocks resemble each other");
    if (m.variance > 0 && sw_trend_p(value_at, s, s->n) < 0.01)
        mark(out, "the blocks drift");
}

void sw_interval_mean(const double *values, size_t n, double level, struct sw_interval *out)
{
    find_interval(&(struct series){.a = values, .n = n}, level, out);
}

void sw_interval_paired(const double *a, const double *b, size_t n, double level,
                        struct sw_interval *out)
{
    struct series s = {.a = a, .b = b, .n = n, .mean_a = NAN, .ratio = NAN};
    if (n > 0) {
        s.mean_a = mean_of(a, n);
        s.ratio = mean_of(b, n) / s.mean_a;
    }
    find_interval(&s, level, out);
}

bool sw_interval_is_within(const struct sw_interval *interval, double relative)
{
    return (interval->high - interval->low) / 2 <= relative * fabs(interval->mean);
}

static double half_width_of(double n_effective, double error_of_one, double level)
{
    return error_of_one * sw_student_quantile(0.5 + level / 2, n_effective - 1) / sqrt(n_effective);
}

size_t sw_blocks_needed(const struct sw_interval *interval, double half_width)
{
    double now = (interval->high - interval->low) / 2;
    if (!(half_width > 0) || !isfinite(now))
        return SIZE_MAX;
    if (now <= half_width)
        return 0;
    double share = interval->n_effective / (double)interval->n; /* independent blocks of one */
    double error = now / half_width_of(interval->n_effective, 1, interval->level);
    size_t low = interval->n;
    size_t high = low;
    do {
        low = high;
        high *= 2;
        if (high > SIZE_MAX / 4)
            return SIZE_MAX;
    } while (half_width_of((double)high * share, error, interval->level) > half_width);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        bool enough = half_width_of((double)middle * share, error, interval->level) <= half_width;
        *(enough ? &high : &low) = middle;
    }
    return high - interval->n;
}
