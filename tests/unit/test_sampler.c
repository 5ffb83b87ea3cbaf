/* Greedy choice, temperature, top-k, top-p: which ids can come, and how often. */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "engine/sampler.h"
#include "support/alloc.h"

enum { N = 6 };
/* Probabilities in proportion 1 : 8 : 4 : 2 : 1 : 0. */
static float logits[N];

static int set_up(void **state)
{
    (void)state;
    static const float weights[N] = {1, 8, 4, 2, 1, 0};
    for (int i = 0; i < N; i++)
        logits[i] = logf(weights[i]);
    return 0;
}

static struct sw_sampler *create(struct sw_sampler_options options)
{
    struct sw_sampler *sampler;
    struct sw_error err = {0};
    if (sw_sampler_create(&sampler, &options, N, &err) != SW_OK)
        fail_msg("%s", err.text);
    return sampler;
}

static void argmax_takes_the_lowest_of_equals_and_no_nan(void **state)
{
    (void)state;
    assert_int_equal(sw_argmax((float[]){1, 3, 3, 2}, 4), 1);
    assert_int_equal(sw_argmax((float[]){NAN, -2, NAN, -1, NAN}, 5), 3);
    assert_int_equal(sw_argmax((float[]){-INFINITY, -INFINITY}, 2), 0);
    assert_int_equal(sw_argmax((float[]){NAN, -INFINITY}, 2), 1);
    assert_int_equal(sw_argmax((float[]){0, INFINITY, NAN}, 3), 1);
    assert_int_equal(sw_argmax((float[]){NAN, NAN}, 2), -1);
    assert_int_equal(sw_argmax((float[]){-0.0f, 0.0f}, 2), 0);
}

static void temperature_0_is_greedy(void **state)
{
    (void)state;
    struct sw_sampler *sampler = create((struct sw_sampler_options){.seed = 7, .top_k = 3});
    for (int i = 0; i < 20; i++)
        assert_int_equal(sw_sampler_next(sampler, logits), 1);
    sw_sampler_destroy(sampler);
}

/* Draws often and compares each share with what is expected, within 5 standard deviations. */
static void shares_are(struct sw_sampler_options options, const double expected[N])
{
    enum { DRAWS = 40000 };
    int counts[N] = {0};
    struct sw_sampler *sampler = create(options);
    for (int i = 0; i < DRAWS; i++) {
        int32_t id = sw_sampler_next(sampler, logits);
        assert_in_range(id, 0, N - 1);
        counts[id]++;
    }
    sw_sampler_destroy(sampler);
    for (int i = 0; i < N; i++) {
        double p = expected[i], bound = 5.0 * sqrt(DRAWS * p * (1.0 - p)) + 0.5;
        if (fabs(counts[i] - DRAWS * p) > bound)
            fail_msg("seed %llu: id %d came %d times, expected %g within %g",
                     (unsigned long long)options.seed, i, counts[i], DRAWS * p, bound);
    }
}

static void shares_follow_the_options(void **state)
{
    (void)state;
    shares_are((struct sw_sampler_options){.temperature = 1, .seed = 1},
               (double[N]){1 / 16., 8 / 16., 4 / 16., 2 / 16., 1 / 16., 0});
    shares_are((struct sw_sampler_options){.temperature = 0.5f, .seed = 2}, /* squared */
               (double[N]){1 / 86., 64 / 86., 16 / 86., 4 / 86., 1 / 86., 0});
    shares_are((struct sw_sampler_options){.temperature = 1, .top_k = 2, .seed = 3},
               (double[N]){0, 8 / 12., 4 / 12., 0, 0, 0});
    /* Equals: the lower id comes first. */
    shares_are((struct sw_sampler_options){.temperature = 1, .top_k = 4, .seed = 4},
               (double[N]){1 / 15., 8 / 15., 4 / 15., 2 / 15., 0, 0});
    shares_are((struct sw_sampler_options){.temperature = 1, .top_k = 100, .seed = 5},
               (double[N]){1 / 16., 8 / 16., 4 / 16., 2 / 16., 1 / 16., 0});
    /* 8 + 4 of 16 are exactly 0.75; 0.76 needs the next. */
    shares_are((struct sw_sampler_options){.temperature = 1, .top_p = 0.74f, .seed = 6},
               (double[N]){0, 8 / 12., 4 / 12., 0, 0, 0});
    shares_are((struct sw_sampler_options){.temperature = 1, .top_p = 0.76f, .seed = 7},
               (double[N]){0, 8 / 14., 4 / 14., 2 / 14., 0, 0});
    shares_are((struct sw_sampler_options){.temperature = 1, .top_p = 1e-6f, .seed = 8},
               (double[N]){0, 1, 0, 0, 0, 0});
    /* Top-p counts what top-k left: 8 of 14 are above 0.55, but 0.6 needs 12 of 14. */
    shares_are((struct sw_sampler_options){.temperature = 1, .top_k = 3, .top_p = 0.55f, .seed = 9},
               (double[N]){0, 1, 0, 0, 0, 0});
    shares_are((struct sw_sampler_options){.temperature = 1, .top_k = 3, .top_p = 0.6f, .seed = 9},
               (double[N]){0, 8 / 12., 4 / 12., 0, 0, 0});
}

static void seed_decides_and_nothing_is_allocated(void **state)
{
    (void)state;
    struct sw_sampler_options options = {.temperature = 2, .top_k = 5, .top_p = 0.99f, .seed = 11};
    struct sw_sampler *a = create(options), *b = create(options);
    options.seed = 12;
    struct sw_sampler *c = create(options);
    bool differs = false;
    sw_test_alloc_fail_from(0);
    for (int i = 0; i < 200; i++) {
        int32_t id = sw_sampler_next(a, logits);
        assert_int_equal(sw_sampler_next(b, logits), id);
        differs |= sw_sampler_next(c, logits) != id;
    }
    assert_false(sw_test_alloc_normal());
    assert_true(differs);
    sw_sampler_destroy(a);
    sw_sampler_destroy(b);
    sw_sampler_destroy(c);
}

static void strange_logits_are_survived(void **state)
{
    (void)state;
    struct sw_sampler *sampler = create((struct sw_sampler_options){.temperature = 1, .top_k = 2});
    for (int i = 0; i < 50; i++) {
        int32_t id = sw_sampler_next(sampler, (float[N]){NAN, 1, NAN, 1, -INFINITY, NAN});
        assert_true(id == 1 || id == 3);
        assert_int_equal(sw_sampler_next(sampler, (float[N]){0, 1, INFINITY, 1, 0, NAN}), 2);
    }
    float nan[N] = {NAN, NAN, NAN, NAN, NAN, NAN};
    assert_int_equal(sw_sampler_next(sampler, nan), -1);
    sw_sampler_destroy(sampler);
}

static void logprob_is_the_log_of_the_softmax(void **state)
{
    (void)state;
    assert_true(fabs(sw_logprob(logits, N, 1) - log(0.5)) < 1e-6);
    assert_true(fabs(sw_logprob(logits, N, 0) - log(1 / 16.)) < 1e-6);
    assert_true(sw_logprob(logits, N, 5) == (double)-INFINITY);
    /* Large logits do not overflow. */
    assert_true(fabs(sw_logprob((float[]){1000, 1000}, 2, 1) - log(0.5)) < 1e-12);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct sw_sampler *sampler;
    struct sw_error err;
    assert_int_equal(
        sw_sampler_create(&sampler, &(struct sw_sampler_options){.temperature = -1}, N, &err),
        SW_EUSAGE);
    assert_string_equal(err.text, "the temperature -1 is not a number from 0");
    assert_int_equal(
        sw_sampler_create(&sampler, &(struct sw_sampler_options){.temperature = NAN}, N, &err),
        SW_EUSAGE);
    assert_int_equal(sw_sampler_create(&sampler,
                                       &(struct sw_sampler_options){.temperature = 1, .top_p = 2},
                                       N, &err),
                     SW_EUSAGE);
    assert_string_equal(err.text, "top-p 2 is outside 0 to 1");
    for (long n = 0; n < 4; n++) {
        sw_test_alloc_fail_from(n);
        enum sw_code code =
            sw_sampler_create(&sampler, &(struct sw_sampler_options){.temperature = 1}, N, &err);
        sw_test_alloc_normal();
        assert_int_equal(code, SW_ENOMEM);
        assert_null(sampler);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(argmax_takes_the_lowest_of_equals_and_no_nan),
        cmocka_unit_test(temperature_0_is_greedy),
        cmocka_unit_test(shares_follow_the_options),
        cmocka_unit_test(seed_decides_and_nothing_is_allocated),
        cmocka_unit_test(strange_logits_are_survived),
        cmocka_unit_test(logprob_is_the_log_of_the_softmax),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests_name("sampler", tests, (CMFixtureFunction)set_up, NULL);
}
