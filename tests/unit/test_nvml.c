/* GPU boards through a stand-in for the driver's library. */
#include "support/close.h"

#include <string.h>

#include "base/clock.h"
#include "bench/conditions.h"
#include "meter/conditions.h"
#include "meter/meter.h"
#include "meter/sampler.h"
#include "support/fake_tree.h"
#include "support/meters.h"

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_snapshot a, b;
static struct sw_energy energy;

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {
        "FAKE_NVML_INIT",      "FAKE_NVML_COUNT",      "FAKE_NVML_MJ",       "FAKE_NVML_ENERGY",
        "FAKE_NVML_INITS",     "FAKE_NVML_STEPS",      "FAKE_NVML_POWER",    "FAKE_NVML_AVERAGE",
        "FAKE_NVML_INSTANT",   "FAKE_NVML_TICK_MS",    "SMOLWATT_AMD_SMI",   "FAKE_NVML_SCALE",
        "FAKE_NVML_CLOCK_MHZ", "FAKE_NVML_MEMORY_MHZ", "FAKE_NVML_LIMIT_MW", "FAKE_NVML_DEGREES",
        "FAKE_NVML_CAPPED_NS", "FAKE_NVML_HOT_NS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    use_library("SMOLWATT_NVML", "fake_nvml");
    set = NULL;
    fake_tree_create(&tree);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sw_meter_set_close(set);
    fake_tree_destroy(&tree);
    return 0;
}

static void open_set(bool use_gpu, unsigned gpu)
{
    struct sw_error err;
    struct sw_meter_options options = {.sysfs_root = tree.root, .use_gpu = use_gpu, .gpu = gpu};
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
}

static void absent_because(const char *text)
{
    sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
    assert_false(energy.has_value);
    assert_int_equal(energy.source, SW_ABSENT);
    holds(energy.reason, text);
}

static void the_chosen_board_is_counted_the_others_listed(void **state)
{
    (void)state;
    setenv("FAKE_NVML_COUNT", "3", 1);
    setenv("FAKE_NVML_MJ", "5000", 1);
    open_set(true, 1);
    assert_int_equal(sw_meter_set_count(set), 3);
    for (size_t i = 0; i < 3; i++) {
        char name[16], scope[32];
        snprintf(name, sizeof name, "nvml:%zu", i);
        snprintf(scope, sizeof scope, "board (Fake GPU %zu?)", i);
        assert_string_equal(sw_meter_set_info(set, i)->name, name);
        assert_string_equal(sw_meter_set_info(set, i)->scope, scope);
        assert_int_equal(sw_meter_set_info(set, i)->counted, i == 1);
    }
    sw_meter_set_read(set, &a);
    setenv("FAKE_NVML_MJ", "12345", 1);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_int_equal(energy.uj, 7345000);
    assert_int_equal(energy.source, SW_MEASURED);
    assert_string_equal(energy.meter, "nvml:1");
    assert_string_equal(energy.reason, "");
    /* Within a tick of 100 ms nothing is certain. */
    assert_close(energy.uncertainty_percent, 105, 1e-9);
    assert_int_equal(a.readings[0].uj, 5000000);
    assert_string_equal(sw_meter_set_reason(set, SW_GPU), "");
}

static void clocks_and_limits_are_told(void **state)
{
    (void)state;
    struct sw_gpu_state gpu;
    struct sw_error err;
    struct sw_conditions_reader *reader;
    struct sw_conditions before, after;
    open_set(false, 0);
    assert_false(sw_meter_set_gpu_state(set, &gpu)); /* none works */
    sw_meter_set_close(set);
    open_set(true, 0);
    assert_true(sw_meter_set_gpu_state(set, &gpu));
    assert_int_equal(gpu.clock_hz, -1);
    assert_int_equal(gpu.power_limit_mw, -1);
    assert_int_equal(gpu.throttled_ns, -1);
    assert_true(gpu.temperature_mc == INT64_MIN);

    setenv("FAKE_NVML_CLOCK_MHZ", "1980", 1);
    setenv("FAKE_NVML_MEMORY_MHZ", "3201", 1);
    setenv("FAKE_NVML_LIMIT_MW", "700000", 1);
    setenv("FAKE_NVML_CAPPED_NS", "5000000", 1);
    assert_int_equal(sw_conditions_open(&reader, tree.root, &err), SW_OK);
    sw_conditions_watch_gpu(reader, set);
    sw_conditions_read(reader, &before);
    setenv("FAKE_NVML_CAPPED_NS", "7000000", 1);
    setenv("FAKE_NVML_CLOCK_MHZ", "1755", 1);
    setenv("FAKE_NVML_DEGREES", "63", 1);
    sw_conditions_read(reader, &after);
    json_t *line = sw_conditions_to_json(&before, &after);
    static const struct {
        const char *name;
        json_int_t value;
    } expected[] = {{"gpu_clock_hz", 1755000000},
                    {"gpu_memory_clock_hz", 3201000000},
                    {"gpu_power_limit_mw", 700000},
                    {"gpu_power_capped_ns", 2000000}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(json_integer_value(json_object_get(line, expected[i].name)),
                         expected[i].value);
    assert_close(json_real_value(json_object_get(line, "gpu_temperature_c")), 63, 0);
    assert_true(json_is_null(json_object_get(line, "gpu_throttled_ns")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(line, "missing"), "gpu_throttled_ns")),
        "the GPU's driver does not tell");
    json_decref(line);
    sw_conditions_close(reader);
}

static void a_counter_that_goes_back_gives_no_joules(void **state)
{
    (void)state;
    setenv("FAKE_NVML_MJ", "5000", 1);
    open_set(true, 0);
    sw_meter_set_read(set, &a);
    setenv("FAKE_NVML_MJ", "4999", 1); /* the driver was loaded anew */
    sw_meter_set_read(set, &b);
    absent_because("nvml:0 went from 5000000 to 4999000 uJ");
    setenv("FAKE_NVML_ENERGY", "15", 1); /* the GPU is lost */
    sw_meter_set_read(set, &b);
    absent_because("nvml:0 could not be read at the end");
    unsetenv("FAKE_NVML_ENERGY");
    setenv("FAKE_NVML_MJ", "18446744073709551615", 1);
    sw_meter_set_read(set, &b);
    assert_false(b.readings[0].ok);
}

static void without_work_on_a_gpu_it_is_listed(void **state)
{
    (void)state;
    open_set(false, 0);
    sw_meter_set_read(set, &a);
    sw_meter_set_read(set, &b);
    assert_int_equal(sw_meter_set_count(set), 1);
    assert_true(a.readings[0].ok);
    absent_because("no work runs on a GPU; its joules are listed, not counted");
}

static void neither_energy_nor_power_is_absent(void **state)
{
    (void)state;
    setenv("FAKE_NVML_ENERGY", "3", 1);
    open_set(true, 0);
    sw_meter_set_read(set, &a);
    sw_meter_set_read(set, &b);
    assert_int_equal(sw_meter_set_count(set), 0);
    absent_because("GPU 0 has no energy counter: not supported by this GPU (3)");
}

static void a_counter_that_stands_still_gives_no_joules(void **state)
{
    (void)state;
    setenv("FAKE_NVML_MJ", "123456", 1);
    open_set(true, 0);
    sw_meter_set_measure_ticks(set, SW_TICK_WATCH_NS);
    sw_meter_set_read(set, &a);
    sw_clock_sleep_until(sw_clock_ns() + 60000000);
    sw_meter_set_read(set, &b);
    absent_because("nvml:0 stood still, though it ticked every 100 ms");
    assert_int_equal(energy.faults, 1u << SW_FAULT_FROZEN);
}

/* A short window between two ticks is no sign of it: sums of windows are right. */
static void windows_shorter_than_a_tick(void **state)
{
    (void)state;
    uint64_t sum_uj = 0;
    int n_without = 0;
    setenv("FAKE_NVML_STEPS", "0:100000", 1);
    setenv("FAKE_NVML_TICK_MS", "100", 1);
    open_set(true, 0);
    sw_meter_set_measure_ticks(set, SW_TICK_WATCH_NS);
    assert_in_range(sw_meter_set_info(set, 0)->tick_ns, 90000000, 110000000);
    sw_meter_set_read(set, &a);
    struct sw_snapshot first = a;
    for (int i = 0; i < 50; i++) {
        sw_clock_sleep_until(a.end_ns + 10000000);
        sw_meter_set_read(set, &b);
        sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
        if (!energy.has_value)
            fail_msg("window %d: %s", i, energy.reason);
        if (energy.uj == 0) {
            assert_true(isnan(energy.edge_percent));
            holds(energy.reason, "no tick of the counter fell into this window");
            n_without++;
        }
        sum_uj += energy.uj;
        a = b;
    }
    sw_meter_set_energy(set, SW_GPU, &first, &b, &energy);
    assert_int_equal(sum_uj, energy.uj);
    assert_in_range(n_without, 1, 49); /* fewer where the machine is busy and windows are longer */
    double joules = 100e-9 * (double)(b.begin_ns - first.end_ns);
    assert_close((double)energy.uj * 1e-6, joules, 10.1); /* one tick */
    double ticks = 100 * 10 / joules;
    assert_true(energy.edge_percent > 0.75 * ticks && energy.edge_percent < 1.25 * ticks);
}

/* 20 W, 200 W from step_ms on; read every 20 ms. Joules over the last 700 of 1200 ms. */
static void measure_step(unsigned step_ms)
{
    char steps[128];
    struct sw_error err;
    struct sw_meter_sampler *sampler;
    uint64_t now_ns = sw_clock_ns();
    snprintf(steps, sizeof steps, "0:20000,%llu:200000",
             (unsigned long long)(now_ns + step_ms * UINT64_C(1000000)));
    setenv("FAKE_NVML_ENERGY", "3", 1);
    setenv("FAKE_NVML_STEPS", steps, 1);
    open_set(true, 0);
    struct sw_meter_sampler_options options = {.period_ns = 20000000};
    assert_int_equal(sw_meter_sampler_start(&sampler, set, &options, &err), SW_OK);
    sw_clock_sleep_until(now_ns + 500000000);
    sw_meter_set_read(set, &a);
    sw_clock_sleep_until(now_ns + 1200000000);
    sw_meter_set_read(set, &b);
    sw_meter_sampler_stop(sampler, NULL);
    sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
}

static double expected_uj(unsigned step_ms, uint64_t opened_ns)
{
    double step_ns = (double)opened_ns + step_ms * 1e6;
    double low_ns = step_ns - (double)a.end_ns, high_ns = (double)b.begin_ns - step_ns;
    return (20 * low_ns + 200 * high_ns) * 1e-3;
}

static void power_that_is_a_mean_over_a_second_gives_the_right_joules(void **state)
{
    (void)state;
    setenv("FAKE_NVML_AVERAGE", "0", 1);
    setenv("FAKE_NVML_INSTANT", "0", 1);
    setenv("FAKE_NVML_POWER", "0", 1);
    uint64_t opened_ns = sw_clock_ns();
    measure_step(800);
    assert_true(energy.has_value);
    assert_int_equal(energy.source, SW_SAMPLED);
    assert_string_equal(energy.meter, "nvml:0-power");
    /* 86 J; the sum of the readings would be 27 J. A reading every 20 ms places the step. */
    assert_close((double)energy.uj, expected_uj(800, opened_ns), 3e6);
    assert_non_null(strstr(energy.reason, "power integrated, its mean over 1 s undone"));
    assert_true(energy.edge_percent > 5 && energy.edge_percent < 20);
}

static void instantaneous_power_is_integrated(void **state)
{
    (void)state;
    setenv("FAKE_NVML_INSTANT", "0", 1);
    uint64_t opened_ns = sw_clock_ns();
    measure_step(800);
    assert_close((double)energy.uj, expected_uj(800, opened_ns), 3e6);
    assert_non_null(strstr(energy.reason, "power integrated, instantaneous readings"));
    unsetenv("FAKE_NVML_INSTANT");
    setenv("FAKE_NVML_POWER", "0", 1);
    sw_meter_set_close(set);
    opened_ns = sw_clock_ns();
    measure_step(800);
    assert_close((double)energy.uj, expected_uj(800, opened_ns), 3e6);
    assert_non_null(strstr(energy.reason, "does not say over how long a reading is a mean"));
    assert_close(energy.edge_percent, 100, 0);
}

/* Ampere and newer give a mean, but for GA100; what is known of the chip decides. */
static void what_power_usage_means_goes_by_the_chip(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value;
        bool averaged;
    } chips[] = {
        {"FAKE_NVML_CAPABILITY", "86", true},   {"FAKE_NVML_CAPABILITY", "90", true},
        {"FAKE_NVML_CAPABILITY", "80", false},  {"FAKE_NVML_CAPABILITY", "61", false},
        {"FAKE_NVML_ARCHITECTURE", "8", true},  {"FAKE_NVML_ARCHITECTURE", "7", true},
        {"FAKE_NVML_ARCHITECTURE", "4", false},
    };
    setenv("FAKE_NVML_ENERGY", "3", 1);
    setenv("FAKE_NVML_POWER", "0", 1);
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        setenv(chips[i].variable, chips[i].value, 1);
        open_set(true, 0);
        const char *reason = sw_meter_set_reason(set, SW_GPU);
        if ((strstr(reason, "its mean over 1 s undone") != NULL) != chips[i].averaged ||
            (strstr(reason, "instantaneous readings") != NULL) == chips[i].averaged)
            fail_msg("%s %s: %s", chips[i].variable, chips[i].value, reason);
        unsetenv(chips[i].variable);
        sw_meter_set_close(set);
        set = NULL;
    }
    setenv("FAKE_NVML_MEAN_MS", "1000", 1);
    setenv("FAKE_NVML_CAPABILITY", "86", 1);
    uint64_t opened_ns = sw_clock_ns();
    measure_step(800);
    assert_close((double)energy.uj, expected_uj(800, opened_ns), 3e6);
}

static void power_that_nobody_reads_gives_no_joules(void **state)
{
    (void)state;
    setenv("FAKE_NVML_ENERGY", "3", 1);
    setenv("FAKE_NVML_STEPS", "0:20000", 1);
    setenv("FAKE_NVML_POWER", "0", 1);
    open_set(true, 0);
    sw_meter_set_read(set, &a);
    sw_clock_sleep_until(sw_clock_ns() + 1050000000);
    sw_meter_set_read(set, &b);
    absent_because("nvml:0-power gives power, and was not read for so long");
    assert_int_equal(energy.faults, 1u << SW_FAULT_UNSAMPLED);
    a = b;
    setenv("FAKE_NVML_POWER", "15", 1);
    sw_meter_set_read(set, &b);
    absent_because("nvml:0-power could not be read at the end");
}

/* Reads every 50 ms, as a sampler does, from a to b. */
static void sample_for(unsigned ms)
{
    for (unsigned i = 0; i < ms / 50; i++) {
        usleep(50000);
        sw_meter_set_read(set, &b);
    }
}

/* 100 W, from a moment soon to come 250 W, then 60 W. */
static void set_load(void)
{
    static char steps[160];
    uint64_t now_ns = sw_clock_ns();
    snprintf(steps, sizeof steps, "%llu:100000,%llu:250000,%llu:60000",
             (unsigned long long)(now_ns - 5000000000), (unsigned long long)(now_ns + 700000000),
             (unsigned long long)(now_ns + 1900000000));
    setenv("FAKE_NVML_STEPS", steps, 1);
    setenv("FAKE_NVML_TICK_MS", "100", 1);
}

static void a_counter_that_goes_with_its_power(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value; /* how power is told */
    } sensors[] = {{"FAKE_NVML_INSTANT", "0"},
                   {"FAKE_NVML_AVERAGE", "0"}, /* a mean over a second, undone */
                   {"FAKE_NVML_POWER", "0"},   /* nobody says of what */
                   {"FAKE_NVML_POWER", "3"}};  /* none */
    for (size_t i = 0; i < sizeof sensors / sizeof sensors[0]; i++) {
        setenv(sensors[i].variable, sensors[i].value, 1);
        set_load();
        sw_meter_set_close(set);
        open_set(true, 0);
        sw_meter_set_read(set, &a);
        sample_for(i == 1 ? 3600 : 2600);
        sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
        if (!energy.has_value)
            fail_msg("%s: %s", sensors[i].variable, energy.reason);
        assert_int_equal(energy.faults, 0);
        unsetenv(sensors[i].variable);
    }
}

static void a_counter_that_does_not_go_with_its_power(void **state)
{
    (void)state;
    static const struct {
        const char *scale;
        bool leaps, is_told;
    } cases[] = {
        {"100000", false, true}, /* microjoules for millijoules */
        {"10", false, true},     {"300", false, true},
        {"30", false, true},     {"115", false, false}, /* within what either may be wrong by */
        {"100", true, true},
    };
    setenv("FAKE_NVML_INSTANT", "0", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("FAKE_NVML_SCALE", cases[i].scale, 1);
        setenv("FAKE_NVML_MJ", "0", 1);
        set_load();
        sw_meter_set_close(set);
        open_set(true, 0);
        sw_meter_set_read(set, &a);
        sample_for(1300);
        if (cases[i].leaps)
            setenv("FAKE_NVML_MJ", "2000000", 1);
        sample_for(1300);
        sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
        if (!cases[i].is_told) {
            if (!energy.has_value)
                fail_msg("%s %%: %s", cases[i].scale, energy.reason);
            continue;
        }
        absent_because("nvml:0 does not go with the power that the device tells: in ");
        holds(energy.reason, " s the counter rose by ");
        assert_int_equal(energy.faults, 1u << SW_FAULT_DISAGREES);
        if (i == 0) /* the others come near enough at times, or are forgotten after two seconds */
            assert_int_equal(b.readings[0].fault, SW_FAULT_DISAGREES);
    }
}

static void a_counter_whose_power_nobody_asked_is_taken_as_it_is(void **state)
{
    (void)state;
    setenv("FAKE_NVML_INSTANT", "0", 1);
    setenv("FAKE_NVML_SCALE", "300", 1);
    set_load();
    open_set(true, 0);
    sw_meter_set_read(set, &a);
    usleep(1300000); /* no sampler */
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
    assert_true(energy.has_value);
}

static void an_index_out_of_range(void **state)
{
    (void)state;
    setenv("FAKE_NVML_COUNT", "2", 1);
    open_set(true, 2);
    absent_because("GPU 2 is not there: ");
    absent_because("knows 2, counted from 0");
    assert_int_equal(sw_meter_set_count(set), 2);
    for (size_t i = 0; i < 2; i++)
        assert_false(sw_meter_set_info(set, i)->counted);
}

static void no_gpu_no_driver_no_library(void **state)
{
    (void)state;
    setenv("FAKE_NVML_COUNT", "0", 1);
    open_set(true, 0);
    absent_because("libfake_nvml.so: no GPU");
    sw_meter_set_close(set);
    setenv("FAKE_NVML_INIT", "9", 1);
    open_set(true, 0);
    absent_because("libfake_nvml.so: nvmlInit_v2: the driver is not loaded (9)");
    sw_meter_set_close(set);
    setenv("SMOLWATT_NVML", "/nowhere/libnvidia-ml.so.1", 1);
    open_set(true, 0);
    absent_because("/nowhere/libnvidia-ml.so.1");
    sw_meter_set_close(set);
    setenv("SMOLWATT_NVML", "libm.so.6", 1);
    open_set(true, 0);
    absent_because("libm.so.6: has no nvmlInit_v2");
    sw_meter_set_close(set);
    unsetenv("SMOLWATT_NVML");
    open_set(true, 0);
    absent_because("a GPU of the real machine is not read below another root");
}

static void the_library_is_left_as_it_was_found(void **state)
{
    (void)state;
    char path[1024], line[16] = "";
    snprintf(path, sizeof path, "%s/calls", tree.root);
    setenv("FAKE_NVML_INITS", path, 1);
    for (int i = 0; i < 2; i++) {
        open_set(true, 0);
        sw_meter_set_close(set);
    }
    set = NULL;
    setenv("FAKE_NVML_INIT", "999", 1);
    open_set(true, 0);
    sw_meter_set_close(set);
    set = NULL;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_string_equal(line, "isisi");
}

static void models_only_loads_no_library(void **state)
{
    (void)state;
    struct sw_error err;
    struct sw_meter_options options = {
        .sysfs_root = tree.root, .use_gpu = true, .models_only = true};
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    absent_because("counters are left alone, and a GPU is not modelled");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clocks_and_limits_are_told),
        TEST(the_chosen_board_is_counted_the_others_listed),
        TEST(a_counter_that_goes_back_gives_no_joules),
        TEST(without_work_on_a_gpu_it_is_listed),
        TEST(neither_energy_nor_power_is_absent),
        TEST(a_counter_that_stands_still_gives_no_joules),
        TEST(windows_shorter_than_a_tick),
        TEST(power_that_is_a_mean_over_a_second_gives_the_right_joules),
        TEST(instantaneous_power_is_integrated),
        TEST(what_power_usage_means_goes_by_the_chip),
        TEST(power_that_nobody_reads_gives_no_joules),
        TEST(a_counter_that_goes_with_its_power),
        TEST(a_counter_that_does_not_go_with_its_power),
        TEST(a_counter_whose_power_nobody_asked_is_taken_as_it_is),
        TEST(an_index_out_of_range),
        TEST(no_gpu_no_driver_no_library),
        TEST(the_library_is_left_as_it_was_found),
        TEST(models_only_loads_no_library),
    };
    return cmocka_run_group_tests_name("nvml", tests, NULL, NULL);
}
