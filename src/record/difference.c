#include "record/difference.h"

#include <math.h>
#include <stdint.h>

const char *sw_difference_verdict_name(enum sw_difference_verdict verdict)
{
    static const char *const names[] = {"better", "worse", "same", "undecided"};
    return names[verdict];
}

/* How far beyond the interval a limit has to lie for a claim, in its half widths. Few pairs cannot
 * show whether neighbours resemble each other, and an interval of few that do is too narrow: with
 * this, runs that are alike are told apart in less than 5 of 100 comparisons at a correlation of
 * neighbours of 0.3, too (tests/unit/test_difference.c). */
static double caution(size_t n)
{
    return 1.05 + 2 / (double)n;
}

static double careful_low(const struct sw_interval *interval)
{
    return interval->mean - caution(interval->n) * (interval->mean - interval->low);
}

static double careful_high(const struct sw_interval *interval)
{
    return interval->mean + caution(interval->n) * (interval->high - interval->mean);
}

/* More pairs until the interval is so narrow that, about the same mean, it leaves out what is no
 * claim or stays inside of +-within, whichever comes first. */
static size_t pairs_needed(const struct sw_interval *interval,
                           const struct sw_difference_rule *rule)
{
    double size = fabs(interval->mean);
    double claim = (size - rule->claim_beyond) / caution(interval->n);
    size_t n = sw_blocks_needed(interval, fmax(claim, rule->within - size));
    /* An interval that is not symmetric may be narrow enough, and lie across a limit all the same.
     */
    size_t least = interval->n < SW_INTERVAL_MIN_BLOCKS ? SW_INTERVAL_MIN_BLOCKS - interval->n : 1;
    return n < least ? least : n;
}

void sw_difference_judge(struct sw_difference *out, const double *a, const double *b, size_t n,
                         const struct sw_difference_rule *rule)
{
    *out = (struct sw_difference){.verdict = SW_UNDECIDED, .n_more = SIZE_MAX};
    struct sw_interval *interval = &out->interval;
    sw_interval_paired(a, b, n, rule->level, interval);
    if (rule->distrust != NULL) {
        interval->marked = true;
        interval->reason = rule->distrust;
        return;
    }
    if (interval->marked) {
        if (n >= SW_INTERVAL_MIN_BLOCKS)
            return;
        out->n_more = pairs_needed(interval, rule);
        if (out->n_more == SIZE_MAX)
            out->n_more = SW_INTERVAL_MIN_BLOCKS - n;
        return;
    }
    if (interval->low >= -rule->within && interval->high <= rule->within)
        out->verdict = SW_SAME;
    else if (careful_high(interval) < -rule->claim_beyond)
        out->verdict = SW_BETTER;
    else if (careful_low(interval) > rule->claim_beyond)
        out->verdict = SW_WORSE;
    out->n_more = out->verdict == SW_UNDECIDED ? pairs_needed(interval, rule) : 0;
}

bool sw_difference_is_above(const struct sw_difference *difference, double relative)
{
    return !difference->interval.marked && careful_low(&difference->interval) > relative;
}
