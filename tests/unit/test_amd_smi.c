/* AMD's boards through a stand-in for AMD's library. */
#include "support/close.h"

#include <string.h>

#include "base/clock.h"
#include "meter/meter.h"
#include "support/fake_tree.h"
#include "support/meters.h"

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_snapshot a, b;
static struct sw_energy energy;

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {"FAKE_AMD_INIT",   "FAKE_AMD_GPUS",  "FAKE_AMD_COUNT",
                                        "FAKE_AMD_UNIT",   "FAKE_AMD_STEPS", "FAKE_AMD_ENERGY",
                                        "FAKE_AMD_CALLS",  "SMOLWATT_NVML",  "FAKE_NVML_COUNT",
                                        "FAKE_NVML_ENERGY"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    use_library("SMOLWATT_AMD_SMI", "fake_amd_smi");
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
    sw_meter_set_close(set);
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
}

static void absent_because(const char *text)
{
    sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
    assert_false(energy.has_value);
    holds(energy.reason, text);
}

static void count_times_unit_is_microjoules(void **state)
{
    (void)state;
    setenv("FAKE_AMD_GPUS", "3", 1);
    setenv("FAKE_AMD_COUNT", "4000000000000", 1);
    open_set(true, 1);
    assert_int_equal(sw_meter_set_count(set), 3);
    for (size_t i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "amd_smi:%zu", i);
        assert_string_equal(sw_meter_set_info(set, i)->name, name);
        assert_int_equal(sw_meter_set_info(set, i)->counted, i == 1);
    }
    sw_meter_set_read(set, &a);
    setenv("FAKE_AMD_COUNT", "4000000100000", 1);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_GPU, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_in_range(energy.uj, 1530000 - 1, 1530000 + 1);
    assert_int_equal(energy.source, SW_MEASURED);
    assert_string_equal(energy.meter, "amd_smi:1");
    assert_string_equal(energy.reason, "");
}

static void back_frozen_or_without_a_unit_there_are_no_joules(void **state)
{
    (void)state;
    setenv("FAKE_AMD_COUNT", "5000000", 1);
    open_set(true, 0);
    sw_meter_set_read(set, &a);
    setenv("FAKE_AMD_COUNT", "4000000", 1);
    sw_meter_set_read(set, &b);
    absent_because("amd_smi:0 went from 76500000 to ");
    open_set(true, 0);
    sw_meter_set_read(set, &a);
    sw_clock_sleep_until(sw_clock_ns() + 220000000);
    sw_meter_set_read(set, &b);
    absent_because("amd_smi:0 stood still, though it ticked every 100 ms");
    static const char *const units[] = {"0", "-1", "nan", "inf"};
    for (size_t i = 0; i < 4; i++) {
        setenv("FAKE_AMD_UNIT", units[i], 1);
        open_set(true, 0);
        assert_int_equal(sw_meter_set_count(set), 0);
        absent_because("AMD GPU 0 has no energy counter: its value has no unit or overflows (0)");
    }
    unsetenv("FAKE_AMD_UNIT");
    setenv("FAKE_AMD_ENERGY", "2", 1);
    open_set(true, 0);
    absent_because("AMD GPU 0 has no energy counter: not supported by this GPU (2)");
}

static void what_is_missing_is_told(void **state)
{
    (void)state;
    setenv("FAKE_AMD_GPUS", "2", 1);
    open_set(true, 2);
    absent_because("GPU 2 is not there: ");
    open_set(false, 0);
    absent_because("no work runs on a GPU; its joules are listed, not counted");
    setenv("FAKE_AMD_GPUS", "0", 1);
    open_set(true, 0);
    static const struct {
        const char *init, *library, *text;
    } cases[] = {
        {"0", NULL, "libfake_amd_smi.so: no GPU"},
        {"34", NULL, "libfake_amd_smi.so: amdsmi_init: the driver is not loaded (34)"},
        {"10", NULL, "amdsmi_init: no permission"},
        {"0", "/nowhere/libamd_smi.so", "/nowhere/libamd_smi.so"},
        {"0", "libm.so.6", "libm.so.6: has no amdsmi_init"},
        {"0", "", "a GPU of the real machine is not read below another root"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("FAKE_AMD_INIT", cases[i].init, 1);
        if (cases[i].library != NULL)
            setenv("SMOLWATT_AMD_SMI", cases[i].library, 1);
        open_set(true, 0);
        const struct sw_meter_probe *probe = probe_of(set, "amd_smi");
        assert_false(probe->found);
        holds(probe->reason, cases[i].text);
        assert_int_equal(strstr(probe->enable, "usermod -aG render") != NULL,
                         strcmp(cases[i].init, "10") == 0);
    }
}

static void beside_nvidia_boards_it_is_listed(void **state)
{
    (void)state;
    use_library("SMOLWATT_NVML", "fake_nvml");
    open_set(true, 0);
    assert_int_equal(sw_meter_set_count(set), 2);
    assert_string_equal(sw_meter_set_info(set, 0)->name, "nvml:0");
    assert_true(sw_meter_set_info(set, 0)->counted);
    assert_string_equal(sw_meter_set_info(set, 1)->name, "amd_smi:0");
    assert_false(sw_meter_set_info(set, 1)->counted);
    assert_string_equal(sw_meter_set_reason(set, SW_GPU), "");
}

static void the_library_is_left_as_it_was_found(void **state)
{
    (void)state;
    char path[1024], line[16] = "";
    snprintf(path, sizeof path, "%s/calls", tree.root);
    setenv("FAKE_AMD_CALLS", path, 1);
    open_set(true, 0);
    setenv("FAKE_AMD_INIT", "34", 1);
    open_set(true, 0);
    sw_meter_set_close(set);
    set = NULL;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_string_equal(line, "isi");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(count_times_unit_is_microjoules),
        TEST(back_frozen_or_without_a_unit_there_are_no_joules),
        TEST(what_is_missing_is_told),
        TEST(beside_nvidia_boards_it_is_listed),
        TEST(the_library_is_left_as_it_was_found),
    };
    return cmocka_run_group_tests_name("amd_smi", tests, NULL, NULL);
}
