/* Power made into joules: the integral alone, on exact stamps. */
#include "support/close.h"

#include <math.h>

#include "meter/power.h"

enum { MS = 1000000 };
static const uint64_t start_ns = UINT64_C(5000000000);
static struct sw_power_integral integral;

/* Power in steps: 20 W, 200 W from 500 ms on, 60 W from 1700 ms on. Joules up to t. */
static double true_uj(double ms)
{
    double uj = 20 * ms;
    if (ms > 500)
        uj += 180 * (ms - 500);
    if (ms > 1700)
        uj -= 140 * (ms - 1700);
    return uj * 1e3;
}

static double mean_watts(double ms, double window_ms)
{
    return (true_uj(ms) - true_uj(ms - window_ms)) / window_ms * 1e-3;
}

static void trapezoids(void **state)
{
    (void)state;
    sw_power_integral_begin(&integral, 0, start_ns, 10);
    sw_power_integral_add(&integral, start_ns + 100 * MS, 30);
    assert_close(integral.energy_uj, 2e6, 1e-3);
    /* Stamps that do not move on change nothing. */
    sw_power_integral_add(&integral, start_ns + 100 * MS, 999);
    sw_power_integral_add(&integral, start_ns, 999);
    assert_close(integral.energy_uj, 2e6, 1e-3);
    sw_power_integral_add(&integral, start_ns + 300 * MS, 0);
    assert_close(integral.energy_uj, 5e6, 1e-3);
    /* Held until the next reading. */
    sw_power_integral_add(&integral, start_ns + 400 * MS, 50);
    assert_close(sw_power_integral_uj(&integral, start_ns + 500 * MS), 12.5e6, 1e-3);
    assert_close(integral.energy_uj, 7.5e6, 1e-3);
}

/* At uneven stamps up to half a window apart. */
static void a_mean_over_a_second_is_undone(void **state)
{
    (void)state;
    static const double windows_ms[] = {100, 1000};
    for (size_t w = 0; w < 2; w++) {
        double window_ms = windows_ms[w], ms = 0, worst_uj = 0, plain_uj = 0, last = 20;
        uint64_t seed = 7;
        sw_power_integral_begin(&integral, (uint64_t)window_ms * MS, start_ns, 20);
        while (ms < 6000) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            double step_ms = 1 + (double)(seed >> 40) / 0x1p24 * window_ms / 20;
            ms = floor((ms + step_ms) * 1e6) * 1e-6;
            double watts = mean_watts(ms, window_ms);
            sw_power_integral_add(&integral, start_ns + (uint64_t)(ms * MS), watts);
            plain_uj += (last + watts) / 2 * step_ms * 1e3;
            last = watts;
            double error_uj = fabs(integral.energy_uj - true_uj(ms));
            worst_uj = fmax(worst_uj, error_uj);
        }
        /* The whole is 326 J, of which adding up the means would lose half a window at 40 W. */
        assert_true(worst_uj < 0.005 * 326e6);
        assert_close(plain_uj, true_uj(ms) - 40 * window_ms / 2 * 1e3, 0.01 * 40 * window_ms * 1e3);
    }
}

/* The mean is known at 10 ms steps and at stamps right behind each other, as edges make them. */
static void edges_close_together_do_not_push_the_past_out(void **state)
{
    (void)state;
    sw_power_integral_begin(&integral, 1000 * MS, start_ns, 20);
    for (double ms = 0.01; ms < 3000; ms += ms < 600 ? 0.01 : 5)
        sw_power_integral_add(&integral, start_ns + (uint64_t)(ms * MS), mean_watts(ms, 1000));
    double last_ms = (double)(integral.last_ns - start_ns) / MS;
    assert_close(integral.energy_uj, true_uj(last_ms), 0.01 * true_uj(last_ms));
}

static double noise(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*seed >> 33) / 0x1p31 * 2 - 1; /* -1 to 1, deviation 0.58 */
}

/* For two hours of 300 W read every 100 ms, each reading up to 5 W wrong: no half second is worse
 * at the end than at the beginning. */
static void errors_of_readings_do_not_add_up(void **state)
{
    (void)state;
    uint64_t seed = 12345;
    double worst_uj = 0, half_second_uj = 0;
    sw_power_integral_begin(&integral, 1000 * MS, start_ns, 300);
    for (uint64_t i = 1; i <= 72000; i++) {
        sw_power_integral_add(&integral, start_ns + i * 100 * MS, 300 + 5 * noise(&seed));
        if (i % 5 != 0 || i < 600)
            continue;
        worst_uj = fmax(worst_uj, fabs(integral.energy_uj - half_second_uj - 150e6) * (i > 600));
        half_second_uj = integral.energy_uj;
    }
    /* 5 W * 0.58 * 3.2 over a second for one end: 9.3 J, 13 J for two, and 4.5 deviations. */
    print_message("# worst half second: %.1f J of 150\n", worst_uj * 1e-6);
    assert_true(worst_uj < 60e6);
    assert_close(integral.energy_uj, 300e6 * 7200, 100e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trapezoids),
        cmocka_unit_test(a_mean_over_a_second_is_undone),
        cmocka_unit_test(errors_of_readings_do_not_add_up),
        cmocka_unit_test(edges_close_together_do_not_push_the_past_out),
    };
    return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
