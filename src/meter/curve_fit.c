/*
 * For a given knee k the curve is A + B r(u), r(u) = ln(1 + u/k) / ln(1 + 1/k): two parameters, by
 * weighted linear least squares, weight 1/P^2. The knee is searched on a logarithmic grid and then
 * by golden section between the neighbours of the best.
 */
#include "meter/curve_fit.h"

#include <math.h>

static const double least_knee = 1e-4, most_knee = 1e2; /* a step; a straight line */
/* Loads closer than this are one: /proc/stat of a busy second tells no more. */
static const double same_load = 0.02;

static double rise(double u, double knee)
{
    return log1p(u / knee) / log1p(1 / knee);
}

/* Sum of squares of relative errors of the best A and B for this knee. */
static double fit_line(struct sw_cpu_curve *out, const struct sw_curve_point *points, size_t n,
                       size_t left_out, double knee)
{
    double s0 = 0, s1 = 0, s2 = 0, t0 = 0, t1 = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == left_out)
            continue;
        double w = 1 / points[i].watts, r = rise(points[i].utilisation, knee);
        s0 += w * w;
        s1 += w * w * r;
        s2 += w * w * r * r;
        t0 += w;
        t1 += w * r;
    }
    double determinant = s0 * s2 - s1 * s1;
    double b = determinant > 1e-12 * s0 * s2 ? (s0 * t1 - s1 * t0) / determinant : 0;
    double a = (t0 - b * s1) / s0;
    if (a < 0) { /* no power below nothing at rest */
        a = 0;
        b = s2 > 0 ? t1 / s2 : 0;
    }
    *out = (struct sw_cpu_curve){a + b, a + b > 0 ? a / (a + b) : 0, knee};
    for (size_t i = 0; i < n; i++) {
        double error = (a + b * rise(points[i].utilisation, knee)) / points[i].watts - 1;
        sum += i == left_out ? 0 : error * error;
    }
    return sum;
}

static void fit_without(struct sw_cpu_curve *out, const struct sw_curve_point *points, size_t n,
                        size_t left_out, double fixed_knee)
{
    enum { STEPS = 60 };
    double low = log(least_knee), step = (log(most_knee) - low) / STEPS, best = HUGE_VAL;
    int at = 0;
    if (fixed_knee > 0) {
        fit_line(out, points, n, left_out, fixed_knee);
        return;
    }
    for (int i = 0; i <= STEPS; i++) {
        double sum = fit_line(out, points, n, left_out, exp(low + i * step));
        if (sum < best) {
            best = sum;
            at = i;
        }
    }
    double a = low + (at > 0 ? at - 1 : 0) * step, b = low + (at < STEPS ? at + 1 : STEPS) * step;
    const double golden = 0.61803398874989485;
    for (int i = 0; i < 60; i++) {
        struct sw_cpu_curve curve;
        double c = b - golden * (b - a), d = a + golden * (b - a);
        if (fit_line(&curve, points, n, left_out, exp(c)) <
            fit_line(&curve, points, n, left_out, exp(d)))
            b = d;
        else
            a = c;
    }
    fit_line(out, points, n, left_out, exp((a + b) / 2));
}

static size_t count_loads(const struct sw_curve_point *points, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = fabs(points[k].utilisation - points[i].utilisation) < same_load;
        count += !seen;
    }
    return count;
}

/* Whether point i alone holds the curve at its lower or upper end: without it the rest would be
 * asked for what lies outside of them. */
static bool is_lone_end(const struct sw_curve_point *points, size_t n, size_t i)
{
    bool lower = false, upper = false;
    for (size_t k = 0; k < n; k++) {
        lower = lower || (k != i && points[k].utilisation < points[i].utilisation + same_load);
        upper = upper || (k != i && points[k].utilisation > points[i].utilisation - same_load);
    }
    return !lower || !upper;
}

enum sw_code sw_curve_fit(struct sw_curve_fit *out, const struct sw_curve_point *points, size_t n,
                          double fallback_knee, struct sw_error *err)
{
    *out = (struct sw_curve_fit){0};
    for (size_t i = 0; i < n; i++)
        if (!(points[i].watts > 0) || !(points[i].watts < 1e9) || !(points[i].utilisation >= 0) ||
            !(points[i].utilisation <= 1))
            return sw_fail(err, SW_EFORMAT, "point %zu: %g W at load %g cannot be", i + 1,
                           points[i].watts, points[i].utilisation);
    size_t n_loads = count_loads(points, n);
    if (n_loads < 2)
        return sw_fail(err, SW_EFORMAT,
                       "%zu points at %zu different loads: nothing to fit a curve to", n, n_loads);
    out->knee_is_given = n_loads < 3;
    double knee = out->knee_is_given ? fallback_knee : 0;
    fit_without(&out->curve, points, n, n, knee);
    if (!(out->curve.idle_share <= 1) || !(out->curve.full_w > 0))
        return sw_fail(err, SW_EFORMAT,
                       "power does not rise with load: something else than these CPUs is measured, "
                       "or something else is at work");
    double sum = 0, left_out = 0;
    size_t n_left_out = 0;
    for (size_t i = 0; i < n; i++) {
        struct sw_cpu_curve without;
        double error = sw_cpu_curve_w(&out->curve, points[i].utilisation) / points[i].watts - 1;
        sum += error * error;
        if (is_lone_end(points, n, i))
            continue;
        n_left_out++;
        fit_without(&without, points, n, i, knee);
        error = sw_cpu_curve_w(&without, points[i].utilisation) / points[i].watts - 1;
        left_out += error * error;
        out->worst_percent = fmax(out->worst_percent, 100 * fabs(error));
    }
    out->residual_percent = 100 * sqrt(sum / (double)n);
    /* Two points leave none over: nothing is known of the error but that it is large. */
    out->left_out_percent = n_left_out > 0 ? 100 * sqrt(left_out / (double)n_left_out) : 100;
    if (n_left_out == 0)
        out->worst_percent = 100;
    return SW_OK;
}
