/* The limits: finite, and a repetition of each takes the time it should. */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "backend/limits.h"

static void rates_are_finite(struct sw_pool *pool, size_t size_bytes, enum sw_compute_limit compute)
{
    struct sw_limits *limits;
    struct sw_error err;
    assert_int_equal(sw_limits_open(&limits, pool, size_bytes, compute, &err), SW_OK);
    for (int i = 0; i < 3; i++) {
        double read = sw_limits_read_bytes_per_second(limits);
        double rate = sw_limits_operations_per_second(limits);
        /* Wider than any machine: 1 kB/s to 100 TB/s, 1 Mflop/s to 1 Pflop/s. */
        assert_true(read > 1e3 && read < 1e14);
        assert_true(rate > 1e6 && rate < 1e15);
    }
    sw_limits_close(limits);
}

static void limits_of_every_size_and_level(void **state)
{
    (void)state;
    struct sw_pool_options options = {.n_threads = 3};
    struct sw_pool *pool;
    assert_int_equal(sw_pool_create(&pool, &options, NULL), SW_OK);
#if defined(__x86_64__)
    const char *const levels[] = {"scalar",     "avx2",       "avxvnni", "avx512",
                                  "avx512vnni", "avx512bf16", ""};
#else
    const char *const levels[] = {"scalar", ""};
#endif
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        setenv("SMOLWATT_ISA", levels[i], 1);
        rates_are_finite(NULL, 1 << 20, SW_COMPUTE_FMA_F32);
        rates_are_finite(pool, 12345, SW_COMPUTE_DOT_S8);
        rates_are_finite(pool, 0, SW_COMPUTE_DOT_BF16);
    }
    unsetenv("SMOLWATT_ISA");
    sw_pool_destroy(pool);
}

static void too_large_a_buffer_is_refused(void **state)
{
    (void)state;
    struct sw_limits *limits;
    struct sw_error err;
    assert_int_equal(sw_limits_open(&limits, NULL, SIZE_MAX / 2, SW_COMPUTE_FMA_F32, &err),
                     SW_ENOMEM);
    assert_null(limits);
    assert_non_null(strstr(err.text, "buffer to measure the read limit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_every_size_and_level),
        cmocka_unit_test(too_large_a_buffer_is_refused),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
