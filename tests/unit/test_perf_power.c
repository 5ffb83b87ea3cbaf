/* RAPL through perf, on trees in the place of /sys: which events are opened, what they count, and
 * why they are not. */
#include "support/close.h"

#include <string.h>
#include <unistd.h>

#include "meter/meter.h"
#include "meter/package.h"
#include "meter/perf_event.h"
#include "support/fake_tree.h"
#include "support/meters.h"
#include "support/skip.h"

#define PMU   "/sys/bus/event_source/devices/power/"
#define RANGE UINT64_C(262143328850)

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_snapshot a, b;
static struct sw_energy energy;

static int setup(void **state)
{
    (void)state;
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

static void write_number(uint64_t value, const char *format, ...) SW_PRINTF(2, 3);

static void write_number(uint64_t value, const char *format, ...)
{
    char path[256], text[32];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    snprintf(text, sizeof text, "%llu\n", (unsigned long long)value);
    fake_tree_write(&tree, path, text);
}

static void make_event(const char *event, const char *code)
{
    char path[256];
    snprintf(path, sizeof path, PMU "events/%s", event);
    fake_tree_write(&tree, path, code);
    snprintf(path, sizeof path, PMU "events/%s.scale", event);
    fake_tree_write(&tree, path, "2.3283064365386962890625e-10\n");
    snprintf(path, sizeof path, PMU "events/%s.unit", event);
    fake_tree_write(&tree, path, "Joules\n");
}

/* Two packages on processors 0 and 12, with package, dram, cores and psys. */
static void make_pmu(void)
{
    fake_tree_write(&tree, PMU "type", "21\n");
    fake_tree_write(&tree, PMU "cpumask", "0,12\n");
    make_event("energy-pkg", "event=0x02\n");
    make_event("energy-ram", "event=0x03\n");
    make_event("energy-cores", "event=0x01\n");
    make_event("energy-psys", "event=0x05\n");
    for (unsigned i = 0; i < 2; i++) {
        write_number(i, "/sys/devices/system/cpu/cpu%u/topology/physical_package_id", 12 * i);
        write_number(0, "/sys/devices/system/cpu/cpu%u/topology/die_id", 12 * i);
    }
}

/* What the events stand at, in 2^-32 J. */
static void set_counts(double package_j, double dram_j, double psys_j)
{
    for (unsigned i = 0; i < 2; i++) {
        write_number((uint64_t)(package_j * (i + 1) * 0x1p32), PMU "events/energy-pkg.cpu%u",
                     12 * i);
        write_number((uint64_t)(dram_j * 0x1p32), PMU "events/energy-ram.cpu%u", 12 * i);
    }
    write_number((uint64_t)(psys_j * 0x1p32), PMU "events/energy-psys.cpu0");
}

static void open_set(void)
{
    struct sw_error err;
    struct sw_meter_options options = {.sysfs_root = tree.root};
    sw_meter_set_close(set);
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    sw_meter_set_read(set, &a);
}

static void packages_and_dram_are_summed(void **state)
{
    (void)state;
    make_pmu();
    set_counts(100, 10, 300);
    open_set();
    set_counts(107.5, 10.25, 400);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_int_equal(energy.source, SW_MEASURED);
    assert_in_range(energy.uj, 22500000 - 1, 22500000 + 1);
    assert_string_equal(energy.meter, "perf:package-0+perf:package-1");
    sw_meter_set_energy(set, SW_RAM, &a, &b, &energy);
    assert_in_range(energy.uj, 500000 - 1, 500000 + 1);
    assert_string_equal(energy.meter, "perf:dram-0+perf:dram-1");
    sw_meter_set_energy(set, SW_MACHINE, &a, &b, &energy);
    assert_false(energy.has_value);
    holds(energy.reason, "listed, not counted: of several packages' psys nobody says whether");
    assert_int_equal(sw_meter_set_count(set), 5);
    assert_string_equal(sw_meter_set_reason(set, SW_CPU), "");
    assert_string_equal(sw_meter_set_info(set, 0)->scope, "package 0, idle power included");
}

static void psys_is_the_machine(void **state)
{
    (void)state;
    make_pmu();
    fake_tree_write(&tree, PMU "cpumask", "0\n");
    set_counts(100, 10, 300);
    open_set();
    set_counts(107.5, 10.25, 320);
    usleep(100000);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_MACHINE, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_in_range(energy.uj, 20000000 - 1, 20000000 + 1);
    assert_string_equal(energy.meter, "perf:psys");
    assert_true(energy.uncertainty_percent == 0); /* its maker states none */
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_in_range(energy.uj, 7500000 - 1, 7500000 + 1);
}

/* The same domains through perf and powercap. */
static void powercap_is_then_a_twin(void **state)
{
    (void)state;
    make_pmu();
    set_counts(100, 10, 300);
    for (unsigned i = 0; i < 2; i++) {
        char zone[64], name[32];
        snprintf(zone, sizeof zone, "intel-rapl:%u", i);
        snprintf(name, sizeof name, "package-%u", i);
        fake_tree_zone(&tree, zone, name, 5000000, RANGE);
        snprintf(zone, sizeof zone, "intel-rapl:%u/intel-rapl:%u:0", i, i);
        fake_tree_zone(&tree, zone, "dram", 100000, RANGE);
    }
    fake_tree_zone(&tree, "intel-rapl:2", "psys", 900, RANGE);
    open_set();
    assert_int_equal(sw_meter_set_count(set), 5);
    assert_string_equal(probe_of(set, "powercap:package-1")->reason,
                        "twin of perf:package-1, which is preferred");
    assert_string_equal(probe_of(set, "powercap:dram-0")->reason,
                        "twin of perf:dram-0, which is preferred");
    assert_string_equal(probe_of(set, "powercap:psys")->reason,
                        "twin of perf:psys, which is preferred");
    assert_true(probe_of(set, "powercap:package-1")->found);
    assert_false(probe_of(set, "powercap:package-1")->counted);
    /* Where perf has no dram, powercap's is counted. */
    fake_tree_remove(&tree, PMU "events/energy-ram");
    open_set();
    assert_true(probe_of(set, "powercap:dram-0")->counted);
    assert_true(probe_of(set, "perf:package-0")->counted);
    holds(probe_of(set, "perf:dram")->reason, "energy-ram: this CPU has no such event");
}

static void a_right_that_is_missing(void **state)
{
    (void)state;
    make_pmu();
    fake_tree_write(&tree, "/proc/sys/kernel/perf_event_paranoid", "2\n");
    open_set();
    const struct sw_meter_probe *probe = probe_of(set, "perf:package");
    assert_false(probe->found);
    holds(probe->reason, "/events/energy-pkg: Permission denied: perf_event_paranoid is 2, and "
                         "whoever has not the capability CAP_PERFMON needs 0 or less");
    holds(probe->enable, "sudo setcap cap_perfmon=ep '/");
    holds(sw_meter_set_reason(set, SW_CPU), "enable it with: sudo setcap cap_perfmon=ep");
    /* Powercap, readable, is counted then. */
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 900, RANGE);
    open_set();
    assert_true(probe_of(set, "powercap:package-0")->counted);
    /* One package of two is none. */
    set_counts(100, 10, 300);
    fake_tree_remove(&tree, PMU "events/energy-pkg.cpu12");
    open_set();
    assert_false(probe_of(set, "perf:package")->found);
    assert_true(probe_of(set, "perf:dram-1")->counted);
    assert_true(probe_of(set, "powercap:package-0")->counted);
}

static void malformed_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *domain, *reason;
    } cases[] = {
        {PMU "type", "", "perf:package", "/power/type: \"\" is no number of a PMU"},
        {PMU "type", "-1\n", "perf:package", "\"-1\" is no number of a PMU"},
        {PMU "type", "99999999999\n", "perf:package", "\"99999999999\" is no number of a PMU"},
        {PMU "cpumask", "\n", "perf:package", "/cpumask: \"\" is no list of at most 16 processors"},
        {PMU "cpumask", "0-4000000000\n", "perf:package", "is no list of at most 16 processors"},
        {PMU "cpumask", "3-1\n", "perf:package", "\"3-1\" is no list"},
        {PMU "cpumask", "0,,1\n", "perf:package", "\"0,,1\" is no list"},
        {PMU "events/energy-pkg", "config=7\n", "perf:package",
         "/energy-pkg: \"config=7\" is no event=0x..."},
        {PMU "events/energy-pkg", "event=0x02,umask=1\n", "perf:package", "is no event=0x..."},
        {PMU "events/energy-pkg.unit", "Watts\n", "perf:package", ".unit: \"Watts\" is not Joules"},
        {PMU "events/energy-pkg.scale", "0\n", "perf:package", ".scale: \"0\" is no scale"},
        {PMU "events/energy-pkg.scale", "nan\n", "perf:package", ".scale: \"nan\" is no scale"},
        {PMU "events/energy-pkg.scale", "-1e-10\n", "perf:package", "is no scale"},
        {PMU "events/energy-pkg.cpu12", "many\n", "perf:package",
         "/energy-pkg: perf_event_open: Invalid argument"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_pmu();
        set_counts(100, 10, 300);
        fake_tree_write(&tree, cases[i].file, cases[i].text);
        open_set();
        assert_false(probe_of(set, cases[i].domain)->found);
        holds(probe_of(set, cases[i].domain)->reason, cases[i].reason);
        sw_meter_set_energy(set, SW_CPU, &a, &a, &energy);
        assert_int_not_equal(energy.source, SW_MEASURED);
    }
}

static void dies_of_one_package_that_mirror_each_other(void **state)
{
    (void)state;
    make_pmu();
    write_number(0, "/sys/devices/system/cpu/cpu12/topology/physical_package_id");
    write_number(1, "/sys/devices/system/cpu/cpu12/topology/die_id");
    fake_tree_remove(&tree, PMU "events/energy-ram");
    write_number(UINT64_C(100) << 32, PMU "events/energy-pkg.cpu0");
    write_number(UINT64_C(100) << 32, PMU "events/energy-pkg.cpu12");
    open_set();
    assert_true(probe_of(set, "perf:package-0-die-1")->counted);
    write_number(UINT64_C(110) << 32, PMU "events/energy-pkg.cpu0");
    write_number(UINT64_C(110) << 32, PMU "events/energy-pkg.cpu12");
    sw_meter_set_read(set, &b);
    assert_false(probe_of(set, "perf:package-0-die-1")->counted);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_int_equal(energy.uj, 10000000);
}

static void lists_of_processors(void **state)
{
    (void)state;
    unsigned cpus[8];
    assert_int_equal(sw_cpu_list_parse(cpus, 8, "0-2,5,7-8"), 6);
    static const unsigned wanted[] = {0, 1, 2, 5, 7, 8};
    assert_memory_equal(cpus, wanted, sizeof wanted);
    assert_int_equal(sw_cpu_list_parse(cpus, 8, "0-7"), 8);
    assert_int_equal(sw_cpu_list_parse(cpus, 8, "0-8"), 0);
    static const char *const bad[] = {"", ",", "1,", "-1", "1-", "a", "65536", "1 2", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sw_cpu_list_parse(cpus, 8, bad[i]), 0);
}

/* The system call itself, on a counter that any kernel has: processor 0's clock. */
static void a_real_event(void **state)
{
    (void)state;
    struct sw_perf_counter counter;
    struct sw_perf_event event = {.type = 1, .config = 0, .cpu = 0};
    uint64_t first, second;
    struct sw_error err;
    sw_meter_set_close(set);
    assert_int_equal(sw_meter_set_open(&set, &(struct sw_meter_options){.models_only = true}, &err),
                     SW_OK);
    /* The set's root is what decides. */
    const struct sw_meter_set *real = set;
    if (!sw_perf_counter_open(&counter, real, &event, "", ""))
        SW_SKIP("perf_event_open is not allowed here");
    assert_true(sw_perf_counter_read(&counter, &first));
    usleep(2000);
    assert_true(sw_perf_counter_read(&counter, &second));
    assert_true(second > first);
    sw_perf_counter_close(&counter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packages_and_dram_are_summed), TEST(psys_is_the_machine),
        TEST(powercap_is_then_a_twin),      TEST(a_right_that_is_missing),
        TEST(malformed_files_are_named),    TEST(dies_of_one_package_that_mirror_each_other),
        TEST(lists_of_processors),          TEST(a_real_event),
    };
    return cmocka_run_group_tests_name("perf power", tests, NULL, NULL);
}
