/* Profiles: the table, orders of blocks, when a run stops, and how often its intervals then hold.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "bench/profile.h"
#include "record/block_figure.h"

static void profiles_are_what_the_documents_say(void **state)
{
    (void)state;
    const struct sw_profile *study = sw_profile_find("study");
    const struct sw_profile *standard = sw_profile_find("standard");
    static const char *const names[] = {"study", "quick", "standard", "strict"};
    assert_null(sw_profile_find("Study"));
    assert_null(sw_profile_find(""));
    assert_non_null(study);
    assert_int_equal(study->max_blocks, 0);
    assert_int_equal(study->warm_up, 0);
    assert_true(study->idle_s == 0);
    assert_int_equal(study->samples, 50);
    assert_non_null(standard);
    assert_true(standard->min_blocks >= 5);
    assert_true(standard->target == 0.02);
    assert_true(standard->idle_s > 0 && standard->time_limit_s > 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct sw_profile *p = sw_profile_find(names[i]);
        assert_non_null(p);
        assert_non_null(strstr(sw_profile_names(), names[i]));
        assert_true(p->min_blocks <= p->max_blocks && p->max_blocks <= SW_MAX_BLOCKS);
        /* An interval of fewer is marked. */
        if (p->max_blocks > 0)
            assert_true(p->min_blocks >= SW_INTERVAL_MIN_BLOCKS);
        if (p->warm_up > 0)
            assert_true(p->warm_up >= SW_WARM_UP_AGREE);
    }
}

static void an_order_is_a_permutation_that_seed_and_block_give(void **state)
{
    (void)state;
    enum { N = 10, BLOCKS = 10000 };
    size_t order[N], again[N], n_at[N][N] = {{0}}, n_equal = 0;
    for (size_t block = 0; block < BLOCKS; block++) {
        bool seen[N] = {false};
        sw_profile_order(order, N, 7, block);
        sw_profile_order(again, N, 7, block);
        assert_memory_equal(order, again, sizeof order);
        sw_profile_order(again, N, 8, block);
        n_equal += memcmp(order, again, sizeof order) == 0;
        for (size_t i = 0; i < N; i++) {
            assert_true(order[i] < N && !seen[order[i]]);
            seen[order[i]] = true;
            n_at[i][order[i]]++;
        }
    }
    assert_true(n_equal <= 2); /* 10! orders */
    /* Every question at every place: 1000 times, -+ 5 standard deviations of 30. */
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++)
            assert_in_range(n_at[i][k], 850, 1150);
    size_t one = 9;
    sw_profile_order(&one, 1, 7, 3);
    assert_int_equal(one, 0);
}

static void a_warm_up_is_over_when_five_agree(void **state)
{
    (void)state;
    const double cooling[] = {9, 5, 1.00, 1.01, 1.02, 1.04, 1.05};
    assert_true(isinf(sw_warm_up_spread(cooling, 0)));
    assert_true(isinf(sw_warm_up_spread(cooling, 4)));
    assert_true(sw_warm_up_spread(cooling, 5) > 1);
    assert_true(fabs(sw_warm_up_spread(cooling, 7) - 0.05 / 1.02) < 1e-12);
    assert_true(sw_warm_up_spread(cooling, 7) <= SW_WARM_UP_SPREAD);
    assert_true(sw_warm_up_spread(cooling, 6) > SW_WARM_UP_SPREAD);
    const double nothing[5] = {0};
    assert_true(isinf(sw_warm_up_spread(nothing, 5)));
}

static void each_reason_to_stop(void **state)
{
    (void)state;
    const struct sw_profile p = {
        .min_blocks = 10, .max_blocks = 20, .target = 0.02, .time_limit_s = 100};
    struct sw_interval narrow = {.mean = 100, .low = 98.1, .high = 101.9};
    struct sw_interval wide = {.mean = 100, .low = 97.9, .high = 102.1};
    struct sw_interval marked = {.mean = 100, .low = 99, .high = 101, .marked = true};
    struct sw_interval none = {.mean = 100, .low = NAN, .high = NAN, .marked = true};
    assert_int_equal(sw_profile_stop(&p, 9, &narrow, 1), SW_GO_ON_BLOCKS);
    assert_int_equal(sw_profile_stop(&p, 10, &narrow, 1), SW_STOP_PRECISION);
    assert_int_equal(sw_profile_stop(&p, 10, &wide, 1), SW_GO_ON_BLOCKS);
    assert_int_equal(sw_profile_stop(&p, 10, &marked, 1), SW_GO_ON_BLOCKS);
    assert_int_equal(sw_profile_stop(&p, 1, &none, 1), SW_GO_ON_BLOCKS);
    assert_int_equal(sw_profile_stop(&p, 20, &wide, 1), SW_STOP_BLOCKS);
    assert_int_equal(sw_profile_stop(&p, 20, &narrow, 1), SW_STOP_PRECISION);
    /* The ninth block of 10 s ends at 90 s, and the tenth at the limit. */
    assert_int_equal(sw_profile_stop(&p, 9, &wide, 90), SW_GO_ON_BLOCKS);
    assert_int_equal(sw_profile_stop(&p, 9, &wide, 90.1), SW_STOP_TIME_LIMIT);
    assert_int_equal(sw_profile_stop(&p, 1, &none, 1e9), SW_STOP_TIME_LIMIT);
    const struct sw_profile fixed = {.min_blocks = 5, .max_blocks = 5};
    assert_int_equal(sw_profile_stop(&fixed, 4, &narrow, 1e9), SW_GO_ON_BLOCKS);
    assert_int_equal(sw_profile_stop(&fixed, 5, &narrow, 1), SW_STOP_BLOCKS);
    assert_string_equal(sw_stop_name(SW_STOP_PRECISION), "precision");
    assert_string_equal(sw_stop_name(SW_STOP_TIME_LIMIT), "time_limit");
    assert_string_equal(sw_stop_name(SW_STOP_BLOCKS), "blocks");
}

static double normal(struct sw_random *random)
{
    double u = sw_random_unit(random), v = sw_random_unit(random);
    return sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);
}

enum kind { NORMAL, SKEWED, ALIKE, DRIFTING, N_KINDS };
static const char *const kind_names[] = {"normal", "skewed", "alike", "drifting"};

/* A block of mean 0 and standard deviation 1 (drifting: on top of a trend), number i. */
static double block_of(enum kind kind, struct sw_random *random, double *before, size_t i)
{
    double z = normal(random);
    switch (kind) {
    case SKEWED: /* log-normal of shape 0.5: skewness 1.75 */
        return (exp(0.5 * z) - exp(0.125)) / (exp(0.125) * sqrt(exp(0.25) - 1));
    case ALIKE: /* each takes 0.3 from the one before */
        *before = i == 0 ? z : 0.3 * *before + sqrt(1 - 0.09) * z;
        return *before;
    case DRIFTING:
        return z + 0.1 * (double)i;
    default:
        return z;
    }
}

struct outcome {
    double covered, wrong; /* of the unmarked; of all: not marked and not true */
    double marked, precise, mean_blocks;
};

/* Runs that stop by the profile's rule, blocks of mean 100 and deviation cv. */
static void simulate(struct outcome *out, const struct sw_profile *p, enum kind kind, double cv,
                     size_t n_runs, uint64_t seed)
{
    double values[200];
    struct sw_random random = {.seed = seed};
    size_t n_marked = 0, n_covered = 0, n_precise = 0, n_blocks = 0;
    for (size_t run = 0; run < n_runs; run++) {
        struct sw_interval interval = {.mean = NAN, .low = NAN, .high = NAN, .marked = true};
        enum sw_stop stop = SW_GO_ON_BLOCKS;
        double before = 0;
        size_t n = 0;
        while (stop == SW_GO_ON_BLOCKS) {
            values[n] = 100 * (1 + cv * block_of(kind, &random, &before, n));
            n++;
            if (n >= p->min_blocks)
                sw_block_interval(values, n, true, &interval);
            stop = sw_profile_stop(p, n, &interval, 0);
        }
        n_blocks += n;
        n_precise += stop == SW_STOP_PRECISION;
        n_marked += interval.marked;
        n_covered += !interval.marked && interval.low <= 100 && interval.high >= 100;
    }
    double all = (double)n_runs, trusted = all - (double)n_marked;
    *out = (struct outcome){.covered = trusted > 0 ? (double)n_covered / trusted : NAN,
                            .wrong = (trusted - (double)n_covered) / all,
                            .marked = (double)n_marked / all,
                            .precise = (double)n_precise / all,
                            .mean_blocks = (double)n_blocks / all};
}

/* The rule looks after every block. Whatever the blocks scatter by, the interval that it stops at
 * holds, also where blocks are alike. */
static void intervals_hold_though_they_are_looked_at(void **state)
{
    (void)state;
    static const double scatter[] = {0.01, 0.03, 0.05};
    struct sw_profile p = *sw_profile_find("standard");
    p.max_blocks = 60; /* spares time: wider scatter ends there */
    enum { RUNS = 2000, SEED = 20240101 };
    for (enum kind kind = NORMAL; kind < N_KINDS; kind++) {
        for (size_t s = 0; s < 3; s++) {
            struct outcome o;
            simulate(&o, &p, kind, scatter[s], RUNS, SEED + s);
            print_message("# seed %d, %s, scatter %g %%: %.1f blocks, %.1f %% precise, %.1f %% "
                          "marked, of the others %.1f %% hold, %.1f %% of all are wrong\n",
                          SEED + (int)s, kind_names[kind], 100 * scatter[s], o.mean_blocks,
                          100 * o.precise, 100 * o.marked, 100 * o.covered, 100 * o.wrong);
            if (kind != DRIFTING) {
                assert_true(o.covered >= 0.93);
                assert_true(o.marked <= 0.05);
            } else if (o.mean_blocks > 50) { /* a mean of what drifts is no truth to hold */
                assert_true(o.marked >= 0.8);
            }
        }
    }
}

/* With as many looks, beginning with five blocks and not widened, it would not. */
static void five_blocks_and_no_widening_would_not_do(void **state)
{
    (void)state;
    double values[200];
    struct sw_random random = {.seed = 3};
    size_t n_covered = 0;
    enum { RUNS = 2000 };
    for (size_t run = 0; run < RUNS; run++) {
        struct sw_interval interval;
        double before = 0;
        size_t n = 0;
        do {
            values[n] = 100 * (1 + 0.03 * block_of(SKEWED, &random, &before, n));
            n++;
            sw_interval_mean(values, n, 0.95, &interval);
        } while (n < 5 || (n < 100 && !sw_interval_is_within(&interval, 0.02)));
        n_covered += interval.low <= 100 && interval.high >= 100;
    }
    print_message("# seed 3: %.1f %% hold\n", 100.0 * (double)n_covered / RUNS);
    assert_true((double)n_covered / RUNS < 0.92);
}

static void a_warm_up_that_is_not_over_is_found_and_noise_is_none(void **state)
{
    (void)state;
    struct sw_random random = {.seed = 11};
    static const size_t lengths[] = {8, 10, 30};
    for (size_t k = 0; k < 3; k++) {
        size_t n = lengths[k], n_false = 0, n_found = 0;
        for (size_t run = 0; run < 2000; run++) {
            double values[30];
            for (size_t i = 0; i < n; i++)
                values[i] = 100 + 2 * normal(&random);
            n_false += sw_block_figure_warm_up(values, n) > 0;
            values[0] += 30;
            values[1] += 15;
            n_found += sw_block_figure_warm_up(values, n) > 0;
        }
        print_message("# seed 11, %zu blocks: %zu of 2000 falsely, %zu rightly\n", n, n_false,
                      n_found);
        assert_true(n_false <= 60);
        if (n >= 10)
            assert_true(n_found >= 1500);
    }
    const double still[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    assert_int_equal(sw_block_figure_warm_up(still, 8), 0);
    const double few[7] = {9, 1, 1, 1, 1, 1, 1};
    assert_int_equal(sw_block_figure_warm_up(few, 7), 0);
}

static void outliers_are_robust(void **state)
{
    (void)state;
    struct sw_outlier_range range;
    double values[] = {10, 11, 9, 10.5, 9.5, 50, 60};
    assert_true(sw_outlier_range_find(&range, values, 7));
    assert_true(range.low < 9 && range.high > 11 && range.high < 50);
    double few[] = {1, 2, 3, 400};
    assert_false(sw_outlier_range_find(&range, few, 4));
    double equal[] = {1, 1, 1, 1, 7};
    assert_false(sw_outlier_range_find(&range, equal, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_what_the_documents_say),
        cmocka_unit_test(an_order_is_a_permutation_that_seed_and_block_give),
        cmocka_unit_test(a_warm_up_is_over_when_five_agree),
        cmocka_unit_test(each_reason_to_stop),
        cmocka_unit_test(intervals_hold_though_they_are_looked_at),
        cmocka_unit_test(five_blocks_and_no_widening_would_not_do),
        cmocka_unit_test(a_warm_up_that_is_not_over_is_found_and_noise_is_none),
        cmocka_unit_test(outliers_are_robust),
    };
    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
