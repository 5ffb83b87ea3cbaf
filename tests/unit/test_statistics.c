/* Intervals that hold: Student's t against published tables, and seeded simulations of blocks. */
#include "support/close.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "statistics/interval.h"
#include "statistics/student.h"
#include "statistics/trend.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { N_TRIALS = 500 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { N_TRIALS = 500 };
#else
enum { N_TRIALS = 5000 };
#endif
#else
enum { N_TRIALS = 5000 };
#endif
enum { MAX_BLOCKS = 200 };

static uint64_t seed;

static double uniform(void)
{
    seed++;
    return ((double)(sw_random_mix(seed) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * acos(-1) * uniform());
}

enum kind { NORMAL, SKEWED, ALIKE_3, ALIKE_6, DRIFTING, N_KINDS, ALIKE_9 = N_KINDS };
static const char *const kind_names[N_KINDS + 1] = {"normal",    "lognormal 0.5", "AR(1) 0.3",
                                                    "AR(1) 0.6", "drifting",      "AR(1) 0.9"};

/* Blocks of true mean 100 with 5 % of scatter, in the order of time. */
static void make_blocks(double *out, size_t n, enum kind kind)
{
    double phi = kind == ALIKE_3 ? 0.3 : kind == ALIKE_6 ? 0.6 : kind == ALIKE_9 ? 0.9 : 0;
    double state = normal();
    for (size_t i = 0; i < n; i++) {
        double x = normal();
        if (i > 0)
            state = phi * state + sqrt(1 - phi * phi) * x;
        if (kind == SKEWED) /* of mean 0 and scatter 1 */
            x = (exp(0.5 * x) - exp(0.125)) / sqrt((exp(0.25) - 1) * exp(0.25));
        else
            x = state;
        if (kind == DRIFTING) /* by four times the scatter from first to last */
            x += 4 * ((double)i / (double)(n - 1) - 0.5);
        out[i] = 100 + 5 * x;
    }
}

struct outcome {
    double covered, marked; /* shares in percent */
    double held;            /* covered or marked */
    double of_unmarked;     /* covered, of those that are not marked; NaN where there are few */
};

static struct outcome simulate(enum kind kind, size_t n, bool paired)
{
    double a[MAX_BLOCKS];
    double b[MAX_BLOCKS];
    size_t n_covered = 0;
    size_t n_marked = 0;
    size_t n_held = 0;
    seed = UINT64_C(1000003) * (uint64_t)kind + n * 7919 + paired;
    for (size_t trial = 0; trial < N_TRIALS; trial++) {
        struct sw_interval interval;
        double truth = 100;
        make_blocks(a, n, kind);
        if (paired) {
            /* What disturbs a block disturbs both; each has noise of its own beside it. */
            for (size_t i = 0; i < n; i++) {
                b[i] = 1.03 * a[i] * (1 + 0.01 * normal());
                a[i] *= 1 + 0.01 * normal();
            }
            truth = 0.03;
            sw_interval_paired(a, b, n, 0.95, &interval);
        } else {
            sw_interval_mean(a, n, 0.95, &interval);
        }
        bool covered = interval.low <= truth && truth <= interval.high;
        n_covered += covered;
        n_marked += interval.marked;
        n_held += covered || interval.marked;
    }
    struct outcome o = {.covered = 100.0 * (double)n_covered / N_TRIALS,
                        .marked = 100.0 * (double)n_marked / N_TRIALS,
                        .held = 100.0 * (double)n_held / N_TRIALS,
                        .of_unmarked = NAN};
    size_t n_unmarked = N_TRIALS - n_marked;
    if (n_unmarked >= N_TRIALS / 4)
        o.of_unmarked = 100.0 * (double)(n_held - n_marked) / (double)n_unmarked;
    print_message("%-14s %s %3zu blocks: %.1f %% cover, %.1f %% marked, %.1f %% one or the other, "
                  "%.1f %% of the unmarked cover\n",
                  kind_names[kind], paired ? "paired" : "single", n, o.covered, o.marked, o.held,
                  o.of_unmarked);
    return o;
}

static const size_t counts[] = {5, 8, 10, 12, 15, 20, 30, 50, 100, 200};
enum { N_COUNTS = sizeof counts / sizeof counts[0] };
/* Of a share near 95 % in that many trials, four standard deviations. */
static double slack(void)
{
    return 400 * sqrt(0.95 * 0.05 / N_TRIALS) - 400 * sqrt(0.95 * 0.05 / 5000);
}

static void intervals_hold(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < N_KINDS; kind++)
        for (size_t i = 0; i < N_COUNTS; i++) {
            struct outcome o = simulate(kind, counts[i], false);
            /* Whatever the blocks are, seven in a hundred at most are wrong without saying so. */
            assert_true(o.held >= 93 - slack());
            if (counts[i] < SW_INTERVAL_MIN_BLOCKS) {
                assert_true(o.marked == 100);
                continue;
            }
            if (kind == NORMAL || kind == SKEWED || kind == ALIKE_3)
                assert_true(o.of_unmarked >= 93 - slack() && o.of_unmarked <= 97 + slack());
            if (kind == NORMAL || kind == SKEWED)
                assert_true(o.marked <= 7 + slack());
            if (kind == ALIKE_6) /* those that look least alike are the unmarked */
                assert_true(!(o.of_unmarked < 88 - 2 * slack()));
            if (kind == DRIFTING && counts[i] >= 15)
                assert_true(o.marked >= 78 - slack());
        }
}

/* What no few blocks can show: this is stated, and must not become worse unseen. */
static void the_most_alike_are_marked_once_they_are_many(void **state)
{
    (void)state;
    for (size_t i = 1; i < N_COUNTS; i++) {
        struct outcome o = simulate(ALIKE_9, counts[i], false);
        assert_true(o.held >= (counts[i] >= 50 ? 93 : counts[i] >= 20 ? 85 : 80) - slack());
    }
}

static void differences_hold(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < N_KINDS; kind++)
        for (size_t i = 1; i < N_COUNTS; i++) {
            struct outcome o = simulate(kind, counts[i], true);
            assert_true(o.of_unmarked >= 93 - slack() && o.of_unmarked <= 97 + slack());
        }
}

/* Published values (NIST/SEMATECH e-Handbook, 1.3.6.7.2). */
static void quantiles_are_those_of_the_tables(void **state)
{
    (void)state;
    static const struct {
        double p, df, t;
    } rows[] = {{0.975, 1, 12.706}, {0.975, 2, 4.303},   {0.975, 4, 2.776}, {0.975, 9, 2.262},
                {0.975, 30, 2.042}, {0.975, 100, 1.984}, {0.95, 5, 2.015},  {0.99, 10, 2.764},
                {0.999, 3, 10.215}, {0.9, 20, 1.325}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double t = sw_student_quantile(rows[i].p, rows[i].df);
        assert_true(fabs(t - rows[i].t) < 0.0006);
        assert_true(fabs(sw_student_quantile(1 - rows[i].p, rows[i].df) + t) < 1e-9);
        assert_true(fabs(sw_student_cdf(t, rows[i].df) - rows[i].p) < 1e-10);
    }
}

static void few_blocks_are_marked(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 2, 1, 3, 1, 2};
    const double zeros[8] = {0};
    struct sw_interval interval;
    sw_interval_mean(values, 0, 0.95, &interval);
    assert_true(isnan(interval.mean) && isnan(interval.low) && interval.marked);
    assert_string_equal(interval.reason, "no block");
    assert_int_equal(sw_blocks_needed(&interval, 1), SIZE_MAX);
    sw_interval_mean(values, 1, 0.95, &interval);
    assert_true(interval.mean == 1 && isnan(interval.high));
    assert_string_equal(interval.reason, "one block alone has no interval");
    assert_false(sw_interval_is_within(&interval, 1));
    for (size_t n = 2; n < 8; n++) {
        sw_interval_mean(values, n, 0.95, &interval);
        assert_true(interval.low < interval.mean && interval.high > interval.mean);
        assert_string_equal(interval.reason, "fewer than eight blocks");
    }
    sw_interval_mean(values, 8, 0.95, &interval);
    assert_false(interval.marked);
    sw_interval_paired(zeros, values, 8, 0.95, &interval);
    assert_string_equal(interval.reason, "a block has no finite value");
    sw_interval_mean(zeros, 8, 0.95, &interval);
    assert_true(interval.low == 0 && interval.high == 0 && !interval.marked);
}

/* Two runs of the same thing must not differ, and how many pairs show 1, 2 and 5 %. */
/* Equal but for what sums round to, and that in a row: no likeness, and no drift. */
static void rounding_is_no_scatter(void **state)
{
    (void)state;
    double a[8], b[8];
    struct sw_interval interval;
    for (size_t i = 0; i < 8; i++) {
        a[i] = 0.3 * (1 + (double)i * 1e-15);
        b[i] = 0.24;
    }
    sw_interval_paired(a, b, 8, 0.95, &interval);
    assert_false(interval.marked);
    assert_close(interval.mean, -0.2, 1e-9);
    sw_interval_mean(a, 8, 0.95, &interval);
    assert_false(interval.marked);
    for (size_t i = 0; i < 8; i++)
        a[i] = 0.3 * (1 + (double)i * 1e-12);
    sw_interval_mean(a, 8, 0.95, &interval);
    assert_true(interval.marked);
}

static void power_of_pairs(void **state)
{
    (void)state;
    const double effects[] = {0, 0.01, 0.02, 0.05};
    for (size_t e = 0; e < 4; e++)
        for (size_t i = 1; i < 8; i++) {
            double a[MAX_BLOCKS];
            double b[MAX_BLOCKS];
            size_t n_seen = 0;
            seed = 77 + e * 1000003 + counts[i];
            for (size_t trial = 0; trial < N_TRIALS; trial++) {
                struct sw_interval interval;
                make_blocks(a, counts[i], NORMAL);
                for (size_t k = 0; k < counts[i]; k++) {
                    b[k] = (1 + effects[e]) * a[k] * (1 + 0.02 * normal());
                    a[k] *= 1 + 0.02 * normal();
                }
                sw_interval_paired(a, b, counts[i], 0.95, &interval);
                n_seen += !interval.marked && (interval.low > 0 || interval.high < 0);
            }
            double seen = 100.0 * (double)n_seen / N_TRIALS;
            print_message("a difference of %.0f %%, noise of 2 %% each: seen in %.1f %% with %zu "
                          "pairs\n",
                          effects[e] * 100, seen, counts[i]);
            if (e == 0)
                assert_true(seen <= 6 + slack());
            if (e == 3 && counts[i] >= 20)
                assert_true(seen >= 95 - slack());
        }
}

static void blocks_needed_are_enough(void **state)
{
    (void)state;
    double a[MAX_BLOCKS];
    struct sw_interval interval;
    seed = 5;
    make_blocks(a, 20, NORMAL);
    sw_interval_mean(a, 20, 0.95, &interval);
    double half = (interval.high - interval.low) / 2;
    assert_int_equal(sw_blocks_needed(&interval, half * 1.01), 0);
    size_t more = sw_blocks_needed(&interval, half / 2);
    /* Four times as many blocks, less what t gains by more waves. */
    print_message("20 blocks, half as wide: %zu more\n", more);
    assert_in_range(more, 15, 60);
    assert_int_equal(sw_blocks_needed(&interval, 0), SIZE_MAX);
    assert_true(sw_interval_is_within(&interval, half * 1.01 / interval.mean));
    assert_false(sw_interval_is_within(&interval, half * 0.99 / interval.mean));
}

static void warm_up_is_cut_off(void **state)
{
    (void)state;
    double values[40];
    size_t n_close = 0;
    seed = 9;
    for (int trial = 0; trial < 200; trial++) {
        for (size_t i = 0; i < 40; i++)
            values[i] = 100 + normal() + (i < 6 ? 30 : 0);
        size_t end = sw_warm_up_end(values, 40);
        assert_in_range(end, 6, 40);
        n_close += end <= 12;
    }
    print_message("a warm-up of 6 of 40: cut off within 6 more in %zu of 200\n", n_close);
    assert_in_range(n_close, 140, 200);
    for (size_t i = 0; i < 40; i++)
        values[i] = (double)i;
    assert_int_equal(sw_warm_up_end(values, 40), 40);
    for (size_t i = 0; i < 40; i++)
        values[i] = 3;
    assert_int_equal(sw_warm_up_end(values, 40), 0);
    assert_int_equal(sw_warm_up_end(values, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_the_tables),
        cmocka_unit_test(few_blocks_are_marked),
        cmocka_unit_test(blocks_needed_are_enough),
        cmocka_unit_test(warm_up_is_cut_off),
        cmocka_unit_test(intervals_hold),
        cmocka_unit_test(the_most_alike_are_marked_once_they_are_many),
        cmocka_unit_test(differences_hold),
        cmocka_unit_test(rounding_is_no_scatter),
        cmocka_unit_test(power_of_pairs),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
