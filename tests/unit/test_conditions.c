/* Conditions of a recorded tree: exact differences, every reason, texts that no kernel writes. */
#include "support/close.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "bench/conditions.h"
#include "meter/conditions.h"
#include "support/fake_tree.h"

#define CPU "/sys/devices/system/cpu/"

static struct fake_tree tree;
static struct sw_conditions_reader *reader;
static struct sw_conditions a, b, change;

static int setup(void **state)
{
    (void)state;
    reader = NULL;
    fake_tree_create(&tree);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sw_conditions_close(reader);
    fake_tree_destroy(&tree);
    return 0;
}

static void open_tree(void)
{
    struct sw_error err;
    sw_conditions_close(reader);
    assert_int_equal(sw_conditions_open(&reader, tree.root, &err), SW_OK);
}

static void read_between(void)
{
    sw_conditions_read(reader, &b);
    sw_conditions_between(&a, &b, &change);
}

static void expect(enum sw_condition condition, long long value)
{
    if (change.reason[condition] != NULL)
        fail_msg("condition %d has no value: %s", condition, change.reason[condition]);
    assert_int_equal(change.value[condition], value);
}

static void expect_reason(enum sw_condition condition, const char *reason)
{
    assert_non_null(change.reason[condition]);
    assert_string_equal(change.reason[condition], reason);
}

static void write_cpu_time(unsigned user, unsigned idle, unsigned steal, unsigned own)
{
    char text[256];
    snprintf(text, sizeof text, "cpu  %u 0 0 %u 0 0 0 %u 0 0\ncpu0 1 2 3 4\nintr 99\n", user, idle,
             steal);
    fake_tree_write(&tree, "/proc/stat", text);
    snprintf(text, sizeof text, "12 (a ) b (c) S 1 2 3 4 5 6 7 8 9 10 %u 5 6 7 20 0 2\n", own);
    fake_tree_write(&tree, "/proc/self/stat", text);
}

static void write_cpu(unsigned cpu, unsigned package, unsigned core, unsigned khz,
                      unsigned n_throttles, unsigned n_package)
{
    char path[128], text[32];
    const struct {
        const char *name;
        unsigned value;
    } files[] = {
        {"topology/physical_package_id", package},
        {"topology/core_id", core},
        {"cpufreq/scaling_cur_freq", khz},
        {"cpufreq/cpuinfo_max_freq", 4000000},
        {"cpufreq/base_frequency", 2500000},
        {"thermal_throttle/core_throttle_count", n_throttles},
        {"thermal_throttle/package_throttle_count", n_package},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, CPU "cpu%u/%s", cpu, files[i].name);
        snprintf(text, sizeof text, "%u\n", files[i].value);
        fake_tree_write(&tree, path, text);
    }
}

static void processor_time_is_own_busy_and_stolen(void **state)
{
    (void)state;
    write_cpu_time(1000, 9000, 10, 300);
    fake_tree_write(&tree, "/proc/pressure/cpu",
                    "some avg10=2.10 avg60=1.61 avg300=2.08 total=5351262153\n"
                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
    open_tree();
    sw_conditions_read(reader, &a);
    write_cpu_time(1250, 9140, 20, 500);
    fake_tree_write(&tree, "/proc/pressure/cpu", "some avg10=0.00 total=5351262353\n");
    read_between();
    /* In ticks of 10 ms. */
    expect(SW_CONDITION_OWN_CPU_NS, 2000000000);
    expect(SW_CONDITION_BUSY_CPU_NS, 2500000000);
    expect(SW_CONDITION_STOLEN_CPU_NS, 100000000);
    expect(SW_CONDITION_ALL_CPU_NS, 4000000000);
    expect(SW_CONDITION_WAITING_NS, 200000);
    assert_true(change.at_ns == b.at_ns - a.at_ns);
}

static void counters_that_go_back_have_no_value(void **state)
{
    (void)state;
    write_cpu_time(1000, 9000, 10, 300);
    write_cpu(0, 0, 0, 3000000, 9, 9);
    open_tree();
    sw_conditions_read(reader, &a);
    write_cpu_time(900, 8000, 5, 200);
    write_cpu(0, 0, 0, 3000000, 8, 10);
    read_between();
    expect_reason(SW_CONDITION_OWN_CPU_NS, "its counter went back");
    expect_reason(SW_CONDITION_STOLEN_CPU_NS, "its counter went back");
    expect_reason(SW_CONDITION_ALL_CPU_NS, "its counter went back");
    expect_reason(SW_CONDITION_CORE_THROTTLES, "its counter went back");
    expect(SW_CONDITION_PACKAGE_THROTTLES, 1);
}

static void a_stat_that_stands_still_counts_nobody(void **state)
{
    (void)state;
    write_cpu_time(1000, 9000, 10, 300);
    open_tree();
    sw_conditions_read(reader, &a);
    sw_clock_sleep_until(a.at_ns + 60000000);
    read_between();
    expect_reason(SW_CONDITION_BUSY_CPU_NS, "/proc/stat does not count here");
    expect_reason(SW_CONDITION_ALL_CPU_NS, "/proc/stat does not count here");
    expect(SW_CONDITION_OWN_CPU_NS, 0);
}

static void cores_and_packages_count_their_throttling_once(void **state)
{
    (void)state;
    /* Two packages of two cores, two threads each: siblings show the same counters. */
    for (unsigned cpu = 0; cpu < 8; cpu++)
        write_cpu(cpu, cpu / 4, cpu / 2, 2000000 + cpu * 1000, 5, 50);
    fake_tree_folder(&tree, CPU "cpufreq");
    fake_tree_folder(&tree, CPU "cpu99999999999999999999");
    open_tree();
    sw_conditions_read(reader, &a);
    for (unsigned cpu = 0; cpu < 8; cpu++)
        write_cpu(cpu, cpu / 4, cpu / 2, 1000000 + cpu * 1000, cpu < 2 ? 8 : 5, cpu < 4 ? 57 : 50);
    read_between();
    expect(SW_CONDITION_CORE_THROTTLES, 3);
    expect(SW_CONDITION_PACKAGE_THROTTLES, 7);
    expect(SW_CONDITION_CLOCK_HZ, 1007000000); /* a state: the later, the fastest */
    expect(SW_CONDITION_CLOCK_BASE_HZ, 2500000000);
    expect(SW_CONDITION_CLOCK_MOST_HZ, 4000000000);
}

static void the_processors_hottest_zone_is_told(void **state)
{
    (void)state;
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone0/type", "acpitz\n");
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone0/temp", "99000\n");
    open_tree();
    read_between();
    a = b;
    read_between();
    expect(SW_CONDITION_TEMPERATURE_MC, 99000); /* nothing better */
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone1/type", "x86_pkg_temp\n");
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone1/temp", "61000\n");
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone2/type", "cpu-1-thermal\n");
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone2/temp", "-5000\n");
    open_tree();
    read_between();
    expect(SW_CONDITION_TEMPERATURE_MC, 61000);
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone1/temp", "900000\n"); /* nonsense */
    read_between();
    expect(SW_CONDITION_TEMPERATURE_MC, -5000);
}

static void only_the_machines_own_battery_matters(void **state)
{
    (void)state;
    open_tree();
    read_between();
    expect_reason(SW_CONDITION_ON_BATTERY, "/sys/class/power_supply: No such file or directory");
#define SUPPLY "/sys/class/power_supply/"
    fake_tree_write(&tree, SUPPLY "mouse/type", "Battery\n");
    fake_tree_write(&tree, SUPPLY "mouse/scope", "Device\n");
    fake_tree_write(&tree, SUPPLY "mouse/status", "Discharging\n");
    open_tree();
    read_between();
    expect(SW_CONDITION_ON_BATTERY, 0);
    fake_tree_write(&tree, SUPPLY "BAT0/type", "Battery\n");
    fake_tree_write(&tree, SUPPLY "BAT0/status", "Discharging\n");
    open_tree();
    read_between();
    expect(SW_CONDITION_ON_BATTERY, 1);
    /* A cable in: the battery may still help at peaks. */
    fake_tree_write(&tree, SUPPLY "AC/type", "Mains\n");
    fake_tree_write(&tree, SUPPLY "AC/online", "1\n");
    open_tree();
    read_between();
    expect(SW_CONDITION_ON_BATTERY, 0);
    fake_tree_write(&tree, SUPPLY "AC/online", "0\n");
    read_between();
    expect(SW_CONDITION_ON_BATTERY, 1);
}

static void quotas_of_the_own_group_and_of_those_above_count(void **state)
{
    (void)state;
    fake_tree_write(&tree, "/proc/self/cgroup", "0::/pod/job\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu.stat", "usage_usec 1\nuser_usec 1\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/pod/cpu.stat",
                    "usage_usec 5\nnr_periods 4\nnr_throttled 2\nthrottled_usec 300\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/pod/job/cpu.stat",
                    "usage_usec 5\nnr_periods 4\nnr_throttled 10\nthrottled_usec 1000\n");
    open_tree();
    sw_conditions_read(reader, &a);
    fake_tree_write(&tree, "/sys/fs/cgroup/pod/cpu.stat", "nr_throttled 3\nthrottled_usec 350\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/pod/job/cpu.stat",
                    "nr_throttled 14\nthrottled_usec 1900\n");
    read_between();
    expect(SW_CONDITION_N_LIMITED, 5);
    expect(SW_CONDITION_LIMITED_NS, 950000);
    /* Version 1 counts in nanoseconds. */
    fake_tree_write(&tree, "/proc/self/cgroup", "1:cpu:/\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu.stat", "usage_usec 1\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 1\nthrottled_time 77\n");
    open_tree();
    sw_conditions_read(reader, &a);
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 2\nthrottled_time 99\n");
    read_between();
    expect(SW_CONDITION_N_LIMITED, 1);
    expect(SW_CONDITION_LIMITED_NS, 22);
}

static void an_empty_tree_has_reasons_and_nothing_of_the_real_machine(void **state)
{
    (void)state;
    open_tree();
    sw_conditions_read(reader, &a);
    read_between();
    for (int c = 0; c < SW_N_CONDITIONS; c++)
        assert_true(change.reason[c] != NULL && change.reason[c][0] != 0);
    expect_reason(SW_CONDITION_OWN_CPU_NS, "/proc/self/stat: No such file or directory");
    expect_reason(SW_CONDITION_STOLEN_CPU_NS, "/proc/stat: No such file or directory");
    expect_reason(SW_CONDITION_WAITING_NS, "/proc/pressure/cpu: No such file or directory");
    expect_reason(SW_CONDITION_N_LIMITED, "no control group above this process counts a CPU quota");
    expect_reason(SW_CONDITION_CLOCK_HZ, CPU "cpu*/cpufreq/scaling_cur_freq: none can be read");
}

static void hostile_trees_have_reasons(void **state)
{
    (void)state;
    char path[256], text[4096];
    memset(text, '9', sizeof text - 1);
    text[sizeof text - 1] = 0;
    fake_tree_write(&tree, "/proc/stat", text);
    fake_tree_write(&tree, "/proc/self/stat", text);
    fake_tree_write(&tree, "/proc/pressure/cpu", "some total=99999999999999999999999999\n");
    fake_tree_write(&tree, "/proc/self/cgroup", "0::/../../etc\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu.stat",
                    "nr_throttled 18446744073709551615\nthrottled_usec 9223372036854775807\n");
    fake_tree_write(&tree, CPU "cpu0/cpufreq/scaling_cur_freq", "-1\n");
    fake_tree_write(&tree, CPU "cpu0/thermal_throttle/core_throttle_count", "nine\n");
    fake_tree_write(&tree, CPU "cpu0/thermal_throttle/package_throttle_count", "\n");
    fake_tree_folder(&tree, CPU "cpu1/cpufreq/scaling_cur_freq");
    fake_tree_folder(&tree, "/sys/class/power_supply/BAT0/type");
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone0/temp", "1e3\n");
    snprintf(path, sizeof path, "%s/sys/class/thermal/thermal_zone1", tree.root);
    fake_tree_folder(&tree, "/sys/class/thermal/thermal_zone1");
    snprintf(path, sizeof path, "%s/sys/class/thermal/thermal_zone1/temp", tree.root);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it */
    open_tree();
    sw_conditions_read(reader, &a);
    read_between();
    for (int c = 0; c < SW_N_CONDITIONS; c++)
        if (c != SW_CONDITION_ON_BATTERY)
            assert_true(change.reason[c] != NULL && change.reason[c][0] != 0);
    expect_reason(SW_CONDITION_CLOCK_HZ, "could not be read this time");
    expect(SW_CONDITION_ON_BATTERY, 0);
}

static void texts_of_the_kernel_are_read_or_refused(void **state)
{
    (void)state;
    uint64_t n, ns;
    assert_true(sw_conditions_parse_self(&n, "1 (x) R 1 2 3 4 5 6 7 8 9 10 11 12 0"));
    assert_int_equal(n, 23);
    static const char *const bad[] = {"",
                                      "1 (x",
                                      "1 (x)",
                                      "1 (x) R 1 2 3",
                                      "1 (x) R 1 2 3 4 5 6 7 8 9 10 11",
                                      "1 (x) R 1 2 3 4 5 6 7 8 9 10 -11 12",
                                      "1 (x) R 1 2 3 4 5 6 7 8 9 10 18446744073709551615 1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sw_conditions_parse_self(&n, bad[i]));
    assert_true(sw_conditions_parse_pressure(&n, "some avg10=0.00 total=12\n"));
    assert_int_equal(n, 12);
    assert_false(sw_conditions_parse_pressure(&n, "full avg10=0.00 total=12\n"));
    assert_false(sw_conditions_parse_pressure(&n, "some avg10=0.00 total=\n"));
    assert_true(sw_conditions_parse_limit(&n, &ns, "nr_throttled 1\nthrottled_usec 2\n"));
    assert_int_equal(ns, 2000);
    assert_false(sw_conditions_parse_limit(&n, &ns, "nr_throttled 1\n"));
    assert_false(sw_conditions_parse_limit(&n, &ns,
                                           "nr_throttled 1\nthrottled_usec "
                                           "9223372036854775807\n"));
}

static void lines_carry_nulls_with_their_reasons(void **state)
{
    (void)state;
    write_cpu_time(1000, 9000, 10, 300);
    fake_tree_write(&tree, "/sys/class/thermal/thermal_zone0/temp", "45500\n");
    fake_tree_folder(&tree, "/sys/class/power_supply");
    open_tree();
    sw_conditions_read(reader, &a);
    write_cpu_time(1250, 9140, 20, 500);
    sw_conditions_read(reader, &b);
    json_t *line = sw_conditions_to_json(&a, &b);
    /* And nothing of a GPU, since none works. */
    assert_int_equal(json_object_size(line), SW_N_CONDITIONS + 2 - 6);
    assert_null(json_object_get(line, "gpu_clock_hz"));
    assert_int_equal(json_integer_value(json_object_get(line, "busy_cpu_ns")), 2500000000);
    assert_close(json_real_value(json_object_get(line, "temperature_c")), 45.5, 0);
    assert_true(json_is_false(json_object_get(line, "on_battery")));
    assert_true(json_is_null(json_object_get(line, "clock_hz")));
    json_t *missing = json_object_get(line, "missing");
    assert_string_equal(json_string_value(json_object_get(missing, "clock_hz")),
                        CPU "cpu*/cpufreq/scaling_cur_freq: none can be read");
    assert_null(json_object_get(missing, "busy_cpu_ns"));
    json_decref(line);
}

static void the_real_machine_is_read_cheaply(void **state)
{
    (void)state;
    struct sw_error err;
    enum { N = 200 };
    assert_int_equal(sw_conditions_open(&reader, NULL, &err), SW_OK);
    sw_conditions_read(reader, &a);
    uint64_t begin_ns = sw_clock_thread_cpu_ns();
    for (int i = 0; i < N; i++)
        sw_conditions_read(reader, &b);
    uint64_t each_ns = (sw_clock_thread_cpu_ns() - begin_ns) / N;
    printf("# a reading costs %.1f us of processor time\n", (double)each_ns * 1e-3);
    sw_conditions_between(&a, &b, &change);
    assert_null(change.reason[SW_CONDITION_OWN_CPU_NS]);
    assert_true(change.value[SW_CONDITION_OWN_CPU_NS] > 0);
    assert_true(each_ns < 5000000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(processor_time_is_own_busy_and_stolen),
        TEST(counters_that_go_back_have_no_value),
        TEST(a_stat_that_stands_still_counts_nobody),
        TEST(cores_and_packages_count_their_throttling_once),
        TEST(the_processors_hottest_zone_is_told),
        TEST(only_the_machines_own_battery_matters),
        TEST(quotas_of_the_own_group_and_of_those_above_count),
        TEST(an_empty_tree_has_reasons_and_nothing_of_the_real_machine),
        TEST(hostile_trees_have_reasons),
        TEST(texts_of_the_kernel_are_read_or_refused),
        TEST(lines_carry_nulls_with_their_reasons),
        TEST(the_real_machine_is_read_cheaply),
    };
    return cmocka_run_group_tests_name("conditions", tests, NULL, NULL);
}
