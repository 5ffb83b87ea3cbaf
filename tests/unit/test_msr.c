/* RAPL from registers: files in the place of /dev/cpu/N/msr, eight bytes at a register's number. */
#include "support/close.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

static void make_register(unsigned cpu, off_t number, uint64_t value, size_t n_bytes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/dev/cpu/%u/msr", tree.root, cpu);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &value, n_bytes, number), n_bytes);
    close(fd);
}

/* n processors, the upper half of them in a second package where there are two. */
static void make_cpus(const char *vendor, unsigned model, unsigned n, unsigned n_packages)
{
    char text[4096] = "", path[128], number[16];
    for (unsigned cpu = 0; cpu < n; cpu++) {
        unsigned package = cpu * n_packages / n;
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %u\n"
                 "model name\t: Some CPU\nphysical id\t: %u\nflags\t\t: fpu\n\n",
                 cpu, vendor, vendor[0] == 'G' ? 6 : 23, model, package);
        snprintf(path, sizeof path, "/dev/cpu/%u/msr", cpu);
        fake_tree_write(&tree, path, "");
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/physical_package_id",
                 cpu);
        snprintf(number, sizeof number, "%u\n", package);
        fake_tree_write(&tree, path, number);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/topology/die_id", cpu);
        fake_tree_write(&tree, path, "0\n");
    }
    fake_tree_write(&tree, "/proc/cpuinfo", text);
}

static void open_set(void)
{
    struct sw_error err;
    struct sw_meter_options options = {.sysfs_root = tree.root};
    sw_meter_set_close(set);
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    sw_meter_set_read(set, &a);
}

static uint64_t joules_of(enum sw_component component)
{
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, component, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_int_equal(energy.source, SW_MEASURED);
    return energy.uj;
}

/* A Haswell server: package in 2^-14 J, dram in 2^-16 J. */
static void two_packages_and_a_wrap(void **state)
{
    (void)state;
    make_cpus("GenuineIntel", 0x3F, 4, 2);
    for (unsigned cpu = 0; cpu < 4; cpu += 2) {
        make_register(cpu, 0x606, 0xA0E03, 8);
        make_register(cpu, 0x611, UINT32_MAX - 8191, 8);
        make_register(cpu, 0x619, 65536, 8);
    }
    open_set();
    assert_int_equal(sw_meter_set_info(set, 0)->range_uj, (UINT64_C(1) << 18) * 1000000);
    assert_string_equal(sw_meter_set_info(set, 1)->name, "msr:package-1");
    assert_string_equal(sw_meter_set_info(set, 1)->scope, "package 1, idle power included");
    make_register(0, 0x611, 8192, 8); /* 16384 counts, 1 J, across the wrap */
    make_register(2, 0x611, UINT32_MAX - 8191 + 4096, 8);
    make_register(0, 0x619, 65536 + 16384, 8);
    usleep(1000);
    assert_in_range(joules_of(SW_CPU), 1250000 - 2, 1250000 + 2);
    assert_string_equal(energy.meter, "msr:package-0+msr:package-1");
    assert_int_equal(joules_of(SW_RAM), 250000);
    holds(probe_of(set, "msr:psys")->reason, "register 0x64D");
}

/* Sapphire Rapids: psys in joules, dram in the common unit. */
static void units_that_the_register_does_not_tell(void **state)
{
    (void)state;
    make_cpus("GenuineIntel", 0x8F, 1, 1);
    make_register(0, 0x606, 0xA0E03, 8);
    make_register(0, 0x611, 16384, 8);
    make_register(0, 0x619, 16384, 8);
    make_register(0, 0x64D, 300, 8);
    open_set();
    assert_int_equal(a.readings[0].uj, 1000000);
    assert_int_equal(a.readings[1].uj, 1000000);
    assert_string_equal(sw_meter_set_info(set, 2)->name, "msr:psys");
    assert_int_equal(a.readings[2].uj, 300000000);
    assert_true(sw_meter_set_info(set, 2)->counted);
    make_register(0, 0x611, 16384 + 4096, 8);
    make_register(0, 0x64D, 302, 8);
    assert_int_equal(joules_of(SW_MACHINE), 2000000);
    assert_string_equal(energy.meter, "msr:psys");
}

static void amd_has_packages_only(void **state)
{
    (void)state;
    make_cpus("AuthenticAMD", 0x31, 2, 1);
    make_register(0, 0xC0010299, 0x1003, 2); /* registers of eight bytes overlap in a file */
    make_register(0, 0xC001029B, 1000000, 8);
    open_set();
    make_register(0, 0xC001029B, 1000000 + 65536 * 3, 8);
    usleep(1000);
    assert_in_range(joules_of(SW_CPU), 3000000 - 1, 3000000 + 1);
    assert_int_equal(sw_meter_set_count(set), 1);
}

static void what_powercap_shows_is_not_counted_again(void **state)
{
    (void)state;
    make_cpus("GenuineIntel", 0x3F, 1, 1);
    make_register(0, 0x606, 0xA0E03, 8);
    make_register(0, 0x611, 5000, 8);
    make_register(0, 0x619, 5000, 8);
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 5000000, UINT64_C(262143328850));
    open_set();
    assert_string_equal(probe_of(set, "msr:package-0")->reason,
                        "twin of powercap:package-0, which is preferred");
    assert_true(probe_of(set, "msr:dram-0")->counted);
    assert_int_equal(sw_meter_set_count(set), 2);
}

static void why_registers_are_not_read(void **state)
{
    (void)state;
    make_cpus("GenuineIntel", 0x9E, 2, 2);
    make_register(0, 0x606, 0xA0E03, 8);
    make_register(0, 0x611, 5000, 8);
    open_set();
    holds(probe_of(set, "msr:package")->reason,
          "/dev/cpu/1/msr: no unit of energy in register 0x606");
    make_register(1, 0x606, 0xA1003, 8);
    open_set();
    holds(probe_of(set, "msr:package")->reason, "another unit of energy than the first package's");
    make_register(1, 0x606, 0xA0E03, 8);
    open_set();
    holds(probe_of(set, "msr:package")->reason, "register 0x611: ");
    make_register(1, 0x611, 0, 8);
    open_set();
    assert_true(probe_of(set, "msr:package-1")->counted);
    make_register(0, 0x611, 0, 8);
    open_set();
    holds(probe_of(set, "msr:package")->reason,
          "register 0x611 is 0: this CPU does not count there");
    fake_tree_remove(&tree, "/dev/cpu/1/msr");
    open_set();
    holds(probe_of(set, "msr:package")->reason, "/dev/cpu/1/msr: No such file or directory");
    assert_string_equal(probe_of(set, "msr:package")->enable, "sudo modprobe msr");
    fake_tree_remove(&tree, "/dev/cpu/1");
    open_set();
    holds(probe_of(set, "msr:package")->reason, "/dev/cpu: processors of 1 of 2 packages");
    if (geteuid() != 0) {
        fake_tree_mode(&tree, "/dev/cpu/0/msr", 0);
        make_cpus("GenuineIntel", 0x9E, 1, 1);
        open_set();
        holds(probe_of(set, "msr:package")->reason, "the right to all registers of the processor");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_packages_and_a_wrap),    TEST(units_that_the_register_does_not_tell),
        TEST(amd_has_packages_only),      TEST(what_powercap_shows_is_not_counted_again),
        TEST(why_registers_are_not_read),
    };
    return cmocka_run_group_tests_name("msr", tests, NULL, NULL);
}
