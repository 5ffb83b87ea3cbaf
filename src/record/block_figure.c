#include "record/block_figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "statistics/trend.h"

void sw_block_figure_free(struct sw_block_figure *f)
{
    free(f->values);
    free(f->blocks);
    *f = (struct sw_block_figure){0};
}

void sw_block_interval(const double *values, size_t n, bool is_looked_at, struct sw_interval *out)
{
    if (is_looked_at)
        sw_interval_looked_at(values, n, SW_BLOCK_LOOKED_AT_LEVEL, out);
    else
        sw_interval_mean(values, n, SW_BLOCK_LEVEL, out);
    out->level = SW_BLOCK_LEVEL;
}

bool sw_outlier_range_find(struct sw_outlier_range *out, double *values, size_t n)
{
    if (n < 5)
        return false;
    double median = sw_median(values, n);
    for (size_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - median);
    double distance = 3.5 * 1.4826 * sw_median(values, n);
    *out = (struct sw_outlier_range){median - distance, median + distance};
    return distance > 0;
}

/* MSER looks for the cut that makes noise look least, so it cuts noise, too: a cut is believed
 * where the first values' mean is as far from the rest's as this many of the standard errors of
 * their difference. tests/unit/test_profile.c counts how often that errs. */
static const double believed = 4.5, least_share = 0.01;
enum { LEAST_BLOCKS = 8 };

size_t sw_block_figure_warm_up(const double *values, size_t n)
{
    if (n < LEAST_BLOCKS)
        return 0;
    size_t cut = sw_warm_up_end(values, n);
    if (cut == n)
        cut = n / 2;
    if (cut == 0)
        return 0;
    double first = 0, rest = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        *(i < cut ? &first : &rest) += values[i];
    first /= (double)cut;
    rest /= (double)(n - cut);
    for (size_t i = cut; i < n; i++)
        squares += (values[i] - rest) * (values[i] - rest);
    double variance = squares / (double)(n - cut - 1);
    double error = sqrt(variance * (1 / (double)cut + 1 / (double)(n - cut)));
    double moved = fabs(first - rest);
    return moved > believed * error && moved > least_share * fabs(rest) ? cut : 0;
}

static double value_at(const void *ctx, size_t i)
{
    return ((const double *)ctx)[i];
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Numbers of the blocks that stand out; NULL if memory is out. */
static json_t *outliers(const struct sw_block_figure *f)
{
    struct sw_outlier_range range;
    json_t *list = json_array();
    double *copy = malloc((f->n + 1) * sizeof *copy);
    if (copy == NULL) {
        json_decref(list);
        return NULL;
    }
    memcpy(copy, f->values, f->n * sizeof *copy);
    if (sw_outlier_range_find(&range, copy, f->n))
        for (size_t i = 0; i < f->n; i++)
            if (f->values[i] < range.low || f->values[i] > range.high)
                json_array_append_new(list, json_integer((json_int_t)f->blocks[i]));
    free(copy);
    return list;
}

json_t *sw_block_figure_to_json(const struct sw_block_figure *f)
{
    struct sw_interval interval;
    if (f->n == 0)
        return json_null();
    sw_block_interval(f->values, f->n, f->is_looked_at, &interval);
    size_t n_warm_up = sw_block_figure_warm_up(f->values, f->n);
    const char *reason = interval.marked ? interval.reason : NULL;
    if (f->n_without > 0)
        reason = "some blocks have no value";
    else if (n_warm_up > 0)
        reason = "the first blocks were still warming up";
    json_t *values = json_array();
    for (size_t i = 0; i < f->n; i++)
        json_array_append_new(values, real_or_null(f->values[i]));
    return json_pack("{s:o, s:o, s:o, s:f, s:I, s:o, s:b, s:s?, s:o, s:I, s:o, s:o}", "mean",
                     real_or_null(interval.mean), "low", real_or_null(interval.low), "high",
                     real_or_null(interval.high), "level", interval.level, "n_blocks",
                     (json_int_t)f->n, "n_effective", real_or_null(interval.n_effective), "marked",
                     (int)(reason != NULL), "reason", reason, "drift_p",
                     real_or_null(sw_trend_p(value_at, f->values, f->n)), "n_warm_up",
                     (json_int_t)n_warm_up, "outliers", outliers(f), "blocks", values);
}
