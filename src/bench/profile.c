#include "bench/profile.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "base/statistics.h"

/* An interval that is looked at after every block is looked at until it happens to be narrow, and
 * then holds less often than it says, the less the fewer blocks it begins with. So standard begins
 * with ten, and its intervals are widened (record/block_figure.h); docs/profiles.md has
 * what simulations say, tests/unit/test_profile.c does them again. */
static const struct sw_profile profiles[] = {
    {.name = "study", .samples = 50},
    {.name = "quick",
     .samples = 2,
     .warm_up = 10,
     .idle_s = 1,
     .min_blocks = 8,
     .max_blocks = 8,
     .time_limit_s = 60},
    {.name = "standard",
     .samples = 10,
     .warm_up = 50,
     .idle_s = 10,
     .min_blocks = 10,
     .max_blocks = 100,
     .target = 0.02,
     .time_limit_s = 900},
    {.name = "strict",
     .samples = 50,
     .warm_up = 100,
     .idle_s = 30,
     .min_blocks = 20,
     .max_blocks = 1000,
     .target = 0.02,
     .time_limit_s = 7200},
};

const struct sw_profile *sw_profile_find(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (strcmp(name, profiles[i].name) == 0)
            return &profiles[i];
    return NULL;
}

const char *sw_profile_names(void)
{
    return "study, quick, standard or strict";
}

void sw_profile_order(size_t *order, size_t n, uint64_t seed, size_t block)
{
    struct sw_random random = {.seed = sw_random_at(seed, block)};
    for (size_t i = 0; i < n; i++) { /* Fisher and Yates, inside out */
        size_t k = (size_t)sw_random_below(&random, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
}

double sw_warm_up_spread(const double *seconds, size_t n)
{
    double last[SW_WARM_UP_AGREE];
    if (n < SW_WARM_UP_AGREE)
        return INFINITY;
    memcpy(last, seconds + n - SW_WARM_UP_AGREE, sizeof last);
    double median = sw_median(last, SW_WARM_UP_AGREE); /* sorts */
    return median > 0 ? (last[SW_WARM_UP_AGREE - 1] - last[0]) / median : INFINITY;
}

const char *sw_stop_name(enum sw_stop stop)
{
    static const char *const names[] = {"", "precision", "time_limit", "blocks"};
    return names[stop];
}

enum sw_stop sw_profile_stop(const struct sw_profile *p, size_t n_blocks,
                             const struct sw_interval *interval, double elapsed_s)
{
    if (p->target > 0 && n_blocks >= p->min_blocks && !interval->marked &&
        sw_interval_is_within(interval, p->target))
        return SW_STOP_PRECISION;
    if (n_blocks >= p->max_blocks)
        return SW_STOP_BLOCKS;
    if (p->time_limit_s > 0 && elapsed_s + elapsed_s / (double)n_blocks > p->time_limit_s)
        return SW_STOP_TIME_LIMIT;
    return SW_GO_ON_BLOCKS;
}
