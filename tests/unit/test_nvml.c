/* GPU boards through a stand-in for the driver's library. */
#include "support/close.h"

#include <string.h>

#include "meter/meter.h"
#include "support/fake_tree.h"

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_snapshot a, b;
static struct sw_energy energy;

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {"FAKE_NVML_INIT", "FAKE_NVML_COUNT", "FAKE_NVML_MJ",
                                        "FAKE_NVML_ENERGY", "FAKE_NVML_INITS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    const char *build = getenv("BUILD");
    char path[1024], *absolute;
    snprintf(path, sizeof path, "%s/tests/support/libfake_nvml.so",
             build != NULL ? build : "build");
    absolute = realpath(path, NULL);
    assert_non_null(absolute);
    setenv("SMOLWATT_NVML", absolute, 1);
    free(absolute);
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
    if (strstr(energy.reason, text) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", energy.reason, text);
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
    assert_close(energy.uncertainty_percent, 5, 0);
    assert_int_equal(a.readings[0].uj, 5000000);
    assert_string_equal(sw_meter_set_reason(set, SW_GPU), "");
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

static void no_energy_counter_is_absent(void **state)
{
    (void)state;
    setenv("FAKE_NVML_ENERGY", "3", 1);
    open_set(true, 0);
    sw_meter_set_read(set, &a);
    sw_meter_set_read(set, &b);
    assert_int_equal(sw_meter_set_count(set), 0);
    absent_because("GPU 0 has no energy counter: not supported by this GPU (3)");
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
        TEST(the_chosen_board_is_counted_the_others_listed),
        TEST(a_counter_that_goes_back_gives_no_joules),
        TEST(without_work_on_a_gpu_it_is_listed),
        TEST(no_energy_counter_is_absent),
        TEST(an_index_out_of_range),
        TEST(no_gpu_no_driver_no_library),
        TEST(the_library_is_left_as_it_was_found),
        TEST(models_only_loads_no_library),
    };
    return cmocka_run_group_tests_name("nvml", tests, NULL, NULL);
}
