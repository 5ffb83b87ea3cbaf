/* Sensors under /sys/class/hwmon: which of them see a component once, and what their joules are. */
#include "support/close.h"

#include <string.h>

#include "base/clock.h"
#include "meter/meter.h"
#include "support/fake_tree.h"
#include "support/meters.h"

#define RANGE UINT64_C(262143328850)

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_snapshot a, b;
static struct sw_energy energy;
static bool use_gpu;

static int setup(void **state)
{
    (void)state;
    set = NULL;
    use_gpu = false;
    unsetenv("SMOLWATT_NVML");
    unsetenv("SMOLWATT_AMD_SMI");
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

static void put(unsigned folder, const char *file, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/class/hwmon/hwmon%u/%s", folder, file);
    fake_tree_write(&tree, path, text);
}

static void sensor(unsigned folder, const char *driver, const char *channel, const char *label,
                   const char *value)
{
    char file[64];
    put(folder, "name", driver);
    snprintf(file, sizeof file, "%s_label", channel);
    if (label != NULL)
        put(folder, file, label);
    snprintf(file, sizeof file, "%s_input", channel);
    put(folder, file, value);
}

static void open_set(void)
{
    struct sw_error err;
    struct sw_meter_options options = {.sysfs_root = tree.root, .use_gpu = use_gpu};
    sw_meter_set_close(set);
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    sw_meter_set_read(set, &a);
}

/* Reads again after 50 ms. */
static void measure(enum sw_component component)
{
    sw_clock_sleep_until(a.end_ns + 50000000);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, component, &a, &b, &energy);
}

/* Power that was even, from a to b. */
static void is_power(double watts)
{
    double joules = watts * (double)(b.begin_ns - a.end_ns) * 1e-9;
    assert_true(energy.has_value);
    assert_int_equal(energy.source, SW_SAMPLED);
    assert_close((double)energy.uj * 1e-6, joules, 0.02 * joules);
}

static void sockets_of_amd_energy_are_summed_cores_are_inside(void **state)
{
    (void)state;
    sensor(0, "coretemp\n", "temp1", "Tctl\n", "40000\n");
    sensor(1, "amd_energy\n", "energy1", "Ecore000\n", "100\n");
    sensor(1, "amd_energy\n", "energy2", "Ecore001\n", "200\n");
    sensor(1, "amd_energy\n", "energy129", "Esocket0\n", "1000000\n");
    sensor(1, "amd_energy\n", "energy130", "Esocket1\n", "2000000\n");
    open_set();
    put(1, "energy1_input", "99999\n");
    put(1, "energy129_input", "4000000\n");
    put(1, "energy130_input", "7000000\n");
    measure(SW_CPU);
    assert_int_equal(energy.uj, 8000000);
    assert_int_equal(energy.source, SW_MEASURED);
    assert_string_equal(energy.meter, "amd_energy:package-0+amd_energy:package-1");
    /* One folder under two names counts once. */
    fake_tree_link(&tree, "/sys/class/hwmon/hwmon7", "hwmon1");
    open_set();
    assert_int_equal(sw_meter_set_count(set), 2);
    assert_int_equal(sw_meter_set_count(set), 2);
    /* With powercap beside it the sockets are twins. */
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 5000000, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-1", 5000000, RANGE);
    open_set();
    assert_string_equal(probe_of(set, "amd_energy:package-1")->reason,
                        "twin of powercap:package-1, which is preferred");
    assert_true(probe_of(set, "powercap:package-1")->counted);
    /* A socket that cannot be read leaves neither. */
    fake_tree_remove(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj");
    fake_tree_link(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", "/nowhere/masked");
    put(1, "energy130_input", "\n");
    open_set();
    assert_false(probe_of(set, "amd_energy:package-0")->counted);
    assert_string_equal(probe_of(set, "amd_energy:package-0")->reason,
                        "not counted, as another sensor of its kind cannot be read");
    holds(probe_of(set, "amd_energy:package-1")->reason,
          "energy130_input: holds \"\", not a count");
}

static void zenpower_is_integrated(void **state)
{
    (void)state;
    sensor(2, "zenpower\n", "power1", "SVI2_P_Core\n", "30000000\n");
    sensor(2, "zenpower\n", "power2", "SVI2_P_SoC\n", "10000000\n");
    open_set();
    measure(SW_CPU);
    is_power(40);
    assert_string_equal(energy.meter, "zenpower:SVI2_P_Core+zenpower:SVI2_P_SoC");
    /* A package holds both. */
    sensor(2, "zenpower\n", "power3", "RAPL_P_Package\n", "45000000\n");
    open_set();
    measure(SW_CPU);
    is_power(45);
    assert_string_equal(energy.meter, "zenpower:RAPL_P_Package");
}

static void arm_sensors_go_by_their_labels(void **state)
{
    (void)state;
    sensor(0, "scmi_sensors\n", "energy1", "big cluster\n", "1000000\n");
    sensor(0, "scmi_sensors\n", "energy2", "LITTLE\n", "2000000\n");
    sensor(0, "scmi_sensors\n", "energy3", "GPU\n", "3000000\n");
    sensor(0, "scmi_sensors\n", "energy4", "DDR\n", "4000000\n");
    sensor(0, "scmi_sensors\n", "energy5", "x_rail_7\n", "5000000\n");
    sensor(0, "scmi_sensors\n", "power1", "big cluster\n", "2500000\n");
    sensor(0, "scmi_sensors\n", "power2", "SYS_POWER\n", "9000000\n");
    open_set();
    put(0, "energy1_input", "1500000\n");
    put(0, "energy2_input", "2250000\n");
    put(0, "energy4_input", "4125000\n");
    measure(SW_CPU);
    assert_int_equal(energy.uj, 750000);
    assert_string_equal(energy.meter, "scmi:big-cluster+scmi:LITTLE");
    measure(SW_RAM);
    assert_int_equal(energy.uj, 125000);
    measure(SW_MACHINE);
    is_power(9);
    assert_false(probe_of(set, "scmi:GPU")->counted);
    holds(probe_of(set, "scmi:x_rail_7")->reason,
          "its label \"x_rail_7\" does not say what it sees");
    holds(probe_of(set, "scmi:big-cluster@hwmon0")->reason, "another sensor sees the same");
}

static void rails_of_a_board_are_volts_times_amperes(void **state)
{
    (void)state;
    static const char *const labels[] = {"VDD_IN\n", "VDD_CPU_CV\n", "VDD_GPU_SOC\n",
                                         "VIN_SYS_5V0\n"};
    for (unsigned i = 0; i < 4; i++) {
        char channel[16], file[32];
        snprintf(channel, sizeof channel, "in%u", i + 1);
        sensor(5, "ina3221\n", channel, labels[i], "5000\n");
        snprintf(file, sizeof file, "curr%u_input", i + 1);
        put(5, file, i == 0 ? "2400\n" : "600\n");
    }
    sensor(5, "ina3221\n", "in7", "sum of shunt voltages\n", "5\n");
    open_set();
    measure(SW_MACHINE);
    is_power(12);
    assert_string_equal(energy.meter, "ina3221:VDD_IN");
    measure(SW_CPU);
    is_power(3);
    assert_string_equal(energy.meter, "ina3221:VDD_CPU_CV");
    assert_false(probe_of(set, "ina3221:VDD_GPU_SOC")->counted);
    holds(probe_of(set, "ina3221:VIN_SYS_5V0")->reason, "does not say what it sees");
    put(5, "curr2_input", "oops\n");
    measure(SW_CPU);
    assert_false(energy.has_value);
}

static void more_sensors_than_are_looked_at(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 70; i++) {
        char channel[16], label[16];
        snprintf(channel, sizeof channel, "energy%u", i);
        snprintf(label, sizeof label, "cluster %u\n", i);
        sensor(0, "scmi_sensors\n", channel, label, "5\n");
    }
    open_set();
    assert_string_equal(probe_of(set, "scmi:cluster-1")->reason,
                        "not counted, as there are more sensors than are looked at");
    measure(SW_CPU);
    assert_int_not_equal(energy.source, SW_MEASURED);
}

static void an_acpi_power_meter_is_the_machine(void **state)
{
    (void)state;
    put(3, "name", "power_meter\n");
    put(3, "power1_average", "120000000\n");
    put(3, "power1_average_interval", "300\n");
    sensor(4, "ibmpowernv\n", "power1", "System\n", "500000000\n");
    sensor(4, "ibmpowernv\n", "power2", "Fan\n", "5000000\n");
    open_set();
    measure(SW_MACHINE);
    is_power(120);
    assert_string_equal(energy.meter, "acpi_power_meter:hwmon3");
    assert_int_equal(sw_meter_set_info(set, 0)->tick_ns, 300000000);
    /* Shorter than its interval: nothing is certain, and said so. */
    assert_close(energy.edge_percent, 100, 0);
    assert_false(probe_of(set, "ibmpowernv:System")->counted);
    /* Not even a kilowatt more than the truth: 1 MW is no machine. */
    put(3, "power1_average", "2000000000000\n");
    open_set();
    assert_false(probe_of(set, "acpi_power_meter:hwmon3")->found);
    holds(probe_of(set, "acpi_power_meter:hwmon3")->reason, "power1_average: gives no power now");
}

static void boards_without_a_library(void **state)
{
    (void)state;
    sensor(1, "amdgpu\n", "power1", "slowPPT\n", "9000000\n");
    sensor(2, "amdgpu\n", "power1", "PPT\n", "80000000\n");
    sensor(3, "i915\n", "energy1", NULL, "100\n");
    sensor(3, "i915\n", "power1", NULL, "100\n");
    sensor(4, "xe\n", "energy1", "card\n", "100\n");
    sensor(4, "xe\n", "energy2", "pkg\n", "100\n");
    use_gpu = true;
    open_set();
    measure(SW_GPU);
    is_power(80);
    assert_string_equal(energy.meter, "amdgpu:PPT");
    holds(probe_of(set, "amdgpu:slowPPT")->reason, "does not say what it sees");
    assert_false(probe_of(set, "i915:hwmon3")->counted);
    holds(probe_of(set, "xe:pkg")->reason, "another sensor sees the same");
    use_gpu = false;
    open_set();
    measure(SW_GPU);
    assert_false(energy.has_value);
    assert_string_equal(probe_of(set, "amdgpu:PPT")->reason,
                        "listed, not counted: the work does not run on it");
}

static void a_sensor_that_fails_and_comes_back(void **state)
{
    (void)state;
    sensor(0, "zenpower\n", "power1", "RAPL_P_Package\n", "45000000\n");
    open_set();
    put(0, "power1_input", "oops\n");
    measure(SW_CPU);
    assert_false(energy.has_value);
    holds(energy.reason, "zenpower:RAPL_P_Package could not be read at the end: ");
    put(0, "power1_input", "45000000\n");
    measure(SW_CPU);
    is_power(45);
    holds(energy.reason, "could not be read for a while in between");
}

static void hostile_folders(void **state)
{
    (void)state;
    /* Ten thousand channels, a folder for a file, a name that is none, a link to itself. */
    sensor(0, "scmi_sensors\n", "energy1025", "cpu\n", "1\n");
    sensor(1, "amd_energy", "energy1", "Esocket99999999999999999999999999999999999999\n", "1\n");
    fake_tree_folder(&tree, "/sys/class/hwmon/hwmon2");
    fake_tree_folder(&tree, "/sys/class/hwmon/hwmon2/name");
    fake_tree_link(&tree, "/sys/class/hwmon/hwmon3", "hwmon3");
    fake_tree_write(&tree, "/sys/class/hwmon/hwmon4", "amd_energy\n");
    sensor(5, "amd_energy\n", "energy1", "\x1b[31mEsocket\xff\n", "18446744073709551616\n");
    open_set();
    size_t n = 0;
    for (size_t i = 0; i < sw_meter_set_probe_count(set); i++) {
        n += strstr(sw_meter_set_probe(set, i)->path, "/hwmon/hwmon") != NULL;
        assert_null(strchr(sw_meter_set_probe(set, i)->name, '\x1b'));
    }
    assert_int_equal(n, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sockets_of_amd_energy_are_summed_cores_are_inside),
        TEST(zenpower_is_integrated),
        TEST(arm_sensors_go_by_their_labels),
        TEST(rails_of_a_board_are_volts_times_amperes),
        TEST(more_sensors_than_are_looked_at),
        TEST(an_acpi_power_meter_is_the_machine),
        TEST(boards_without_a_library),
        TEST(a_sensor_that_fails_and_comes_back),
        TEST(hostile_folders),
    };
    return cmocka_run_group_tests_name("hwmon", tests, NULL, NULL);
}
