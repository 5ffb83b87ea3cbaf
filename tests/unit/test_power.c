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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trapezoids),
        cmocka_unit_test(a_mean_over_a_second_is_undone),
        cmocka_unit_test(edges_close_together_do_not_push_the_past_out),
    };
    return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
