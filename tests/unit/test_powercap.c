/* RAPL zones on trees made here: which are counted, and the exact joules between two reads. */
#include "support/skip.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "meter/counter_file.h"
#include "meter/meter.h"
#include "support/alloc.h"
#include "support/fake_tree.h"
#include "support/meters.h"

#define RANGE  UINT64_C(262143328850) /* of a real part: 2^32 units of 2^-14 J */
#define HOUR_W UINT64_C(3600000000)   /* 3600 J = 1 Wh */

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_snapshot a, b;
static struct sw_energy energy;

static int setup(void **state)
{
    (void)state;
    set = NULL;
    unsetenv("SMOLWATT_NVML");
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

static void open_set(void)
{
    struct sw_error err;
    struct sw_meter_options options = {.sysfs_root = tree.root};
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
}

static void begin(void)
{
    open_set();
    sw_meter_set_read(set, &a);
}

static void end(void)
{
    sw_meter_set_read(set, &b);
}

static void energy_is(enum sw_component component, uint64_t uj, const char *meters)
{
    sw_meter_set_energy(set, component, &a, &b, &energy);
    assert_string_equal(energy.reason, "");
    assert_true(energy.has_value);
    assert_int_equal(energy.source, SW_MEASURED);
    assert_int_equal(energy.uj, uj);
    assert_string_equal(energy.meter, meters);
}

static void energy_is_absent(enum sw_component component, const char *reason)
{
    sw_meter_set_energy(set, component, &a, &b, &energy);
    assert_false(energy.has_value);
    assert_int_equal(energy.source, SW_ABSENT);
    if (strstr(energy.reason, reason) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", energy.reason, reason);
}

static const struct sw_meter_probe *probe(const char *name)
{
    for (size_t i = 0; i < sw_meter_set_probe_count(set); i++)
        if (strcmp(sw_meter_set_probe(set, i)->name, name) == 0)
            return sw_meter_set_probe(set, i);
    fail_msg("no probe %s", name);
    return NULL;
}

static void the_component_reason_holds(enum sw_component component, const char *text)
{
    holds(sw_meter_set_reason(set, component), text);
}

static void delta_folds_one_wrap(void **state)
{
    (void)state;
    uint64_t delta = 7;
    assert_true(sw_counter_delta(&delta, 100, 10, 105));
    assert_int_equal(delta, 15);
    assert_true(sw_counter_delta(&delta, 10, 10, 0));
    assert_int_equal(delta, 0);
    assert_true(sw_counter_delta(&delta, 0, UINT64_MAX, 0));
    assert_true(delta == UINT64_MAX);
    delta = 7;
    assert_false(sw_counter_delta(&delta, 100, 10, 0));
    assert_false(sw_counter_delta(&delta, 106, 110, 105));
    assert_false(sw_counter_delta(&delta, 1, 106, 105));
    assert_int_equal(delta, 7);
}

static void a_value_is_the_first_line(void **state)
{
    (void)state;
    uint64_t value = 0;
    assert_true(sw_counter_parse(&value, "12\n000\n", 7));
    assert_int_equal(value, 12);
    assert_true(sw_counter_parse(&value, "9223372036854775807 \r\n", 22));
    assert_true(value == INT64_MAX);
    static const char *const bad[] = {
        "",
        "\n",
        " 1\n",
        "-1\n",
        "+1\n",
        "0x10\n",
        "1 2\n",
        "1e3\n",
        "9223372036854775808\n",
        "999999999999999999999999999999999999999999999999999999999999999999999999\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sw_counter_parse(&value, bad[i], strlen(bad[i])));
    assert_false(sw_counter_parse(&value, "1\0002\n", 4));
}

static void two_sockets_with_parts_inside(void **state)
{
    (void)state;
    static const char *const zones[][2] = {
        {"intel-rapl:0", "package-0"},           {"intel-rapl:0/intel-rapl:0:0", "core"},
        {"intel-rapl:0/intel-rapl:0:1", "dram"}, {"intel-rapl:0/intel-rapl:0:2", "uncore"},
        {"intel-rapl:1", "package-1"},           {"intel-rapl:1/intel-rapl:1:0", "core"},
        {"intel-rapl:1/intel-rapl:1:1", "dram"},
    };
    enum { N = sizeof zones / sizeof zones[0] };
    for (size_t i = 0; i < N; i++)
        fake_tree_zone(&tree, zones[i][0], zones[i][1], 1000, RANGE);
    begin();
    for (size_t i = 0; i < N; i++)
        fake_tree_count(&tree, zones[i][0], 1000 + HOUR_W);
    end();
    /* Alike as they stand, two packages are two packages. */
    energy_is(SW_CPU, 2 * HOUR_W, "powercap:package-0+powercap:package-1");
    energy_is(SW_RAM, 2 * HOUR_W, "powercap:dram-0+powercap:dram-1");
    assert_int_equal(sw_meter_set_count(set), 4);
    assert_string_equal(sw_meter_set_reason(set, SW_CPU), "");
    assert_string_equal(sw_meter_set_reason(set, SW_RAM), "");
    const struct sw_meter_info *info = sw_meter_set_info(set, 0);
    assert_int_equal(info->range_uj, RANGE);
    assert_string_equal(info->path + strlen(tree.root),
                        "/sys/class/powercap/intel-rapl:0/energy_uj");
    assert_string_equal(sw_meter_set_info(set, 2)->scope, "dram of package-0");
}

static void each_socket_wraps_on_its_own(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", RANGE - 5, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-1", 65532610987 - 1, 65532610987);
    begin();
    fake_tree_count(&tree, "intel-rapl:0", 10);
    fake_tree_count(&tree, "intel-rapl:1", 0);
    end();
    energy_is(SW_CPU, 15 + 1, "powercap:package-0+powercap:package-1");
}

static void psys_is_the_machine_and_the_mmio_twin_left_out(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 500, RANGE);
    fake_tree_zone(&tree, "intel-rapl:0/intel-rapl:0:0", "core", 1, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "psys", 900, RANGE);
    fake_tree_zone(&tree, "intel-rapl-mmio:0", "package-0", 480, RANGE);
    begin();
    fake_tree_count(&tree, "intel-rapl:0", 500 + HOUR_W);
    fake_tree_count(&tree, "intel-rapl:1", 900 + 2 * HOUR_W);
    fake_tree_count(&tree, "intel-rapl-mmio:0", 480 + HOUR_W);
    end();
    energy_is(SW_CPU, HOUR_W, "powercap:package-0");
    energy_is(SW_MACHINE, 2 * HOUR_W, "powercap:psys");
    assert_int_equal(sw_meter_set_count(set), 2);
    const struct sw_meter_info *psys = sw_meter_set_info(set, 1);
    assert_string_equal(psys->name, "powercap:psys");
    assert_true(psys->counted);
    assert_string_equal(psys->scope, "platform as its maker wired it, packages included");
    assert_int_equal(b.readings[1].uj - a.readings[1].uj, 2 * HOUR_W);
    const struct sw_meter_probe *twin = probe("powercap:package-0@intel-rapl-mmio:0");
    assert_true(twin->found);
    assert_false(twin->counted);
    assert_string_equal(twin->reason, "the same counter is read through another interface");
}

/* Boards that do not wire it: at a stand, or at a number that is not the platform's. */
static void a_psys_below_its_packages_says_nothing(void **state)
{
    (void)state;
    static const struct {
        uint64_t psys_uj;
        bool holds;
    } cases[] = {{0, false}, {8900000, false}, {9100000, true}, {10000000, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_tree_zone(&tree, "intel-rapl:0", "package-0", 500, RANGE);
        fake_tree_zone(&tree, "intel-rapl:1", "psys", RANGE - 100, RANGE);
        sw_meter_set_close(set);
        begin();
        usleep(400000); /* a tick of a millisecond at each end is 0.5 % */
        fake_tree_count(&tree, "intel-rapl:0", 500 + 10000000);
        fake_tree_count(&tree, "intel-rapl:1",
                        cases[i].psys_uj > 0 ? cases[i].psys_uj - 100 : RANGE - 100);
        end();
        energy_is(SW_CPU, 10000000, "powercap:package-0");
        if (cases[i].holds)
            energy_is(SW_MACHINE, cases[i].psys_uj, "powercap:psys");
        else
            energy_is_absent(SW_MACHINE, cases[i].psys_uj == 0
                                             ? "powercap:psys counted 0.000 J while the packages, "
                                               "which it should hold, counted 10.000 J"
                                             : "powercap:psys counted 8.900 J while");
    }
}

static void a_named_meter_comes_before_psys(void **state)
{
    (void)state;
    char path[128];
    struct sw_error err;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 500, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "psys", 900, RANGE);
    fake_tree_write(&tree, "/feed", "");
    snprintf(path, sizeof path, "%s/feed", tree.root);
    sw_meter_set_close(set);
    assert_int_equal(
        sw_meter_set_open(
            &set, &(struct sw_meter_options){.sysfs_root = tree.root, .power_feed = path}, &err),
        SW_OK);
    assert_false(probe("powercap:psys")->counted);
    assert_true(probe("powercap:psys")->found);
    assert_string_equal(probe("powercap:psys")->reason, "listed, not counted: feed is preferred");
    assert_true(probe("feed")->counted);
}

static void psys_of_several_packages_is_listed(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 500, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-1", 700, RANGE);
    fake_tree_zone(&tree, "intel-rapl:2", "psys", 900, RANGE);
    fake_tree_zone(&tree, "intel-rapl:3", "psys-1", 900, RANGE);
    begin();
    end();
    energy_is_absent(SW_MACHINE, "of several packages' psys nobody says");
}

static void a_twin_serves_where_the_first_way_is_closed(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 500, RANGE);
    fake_tree_zone(&tree, "intel-rapl-mmio:0", "package-0", 480, RANGE);
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", "garbage\n");
    begin();
    fake_tree_count(&tree, "intel-rapl-mmio:0", 481);
    end();
    energy_is(SW_CPU, 1, "powercap:package-0");
}

/* As the kernel lays it out: the class folder holds links into the devices, which link back. */
static void one_tree_through_many_links_counts_once(void **state)
{
    (void)state;
    const char *devices = "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0";
    char path[256];
    static const char *const files[][2] = {{"name", "package-0\n"},
                                           {"energy_uj", "77\n"},
                                           {"max_energy_range_uj", "1000\n"},
                                           {"intel-rapl:0:0/name", "dram\n"},
                                           {"intel-rapl:0:0/energy_uj", "5\n"},
                                           {"intel-rapl:0:0/max_energy_range_uj", "1000\n"}};
    for (size_t i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%s", devices, files[i][0]);
        fake_tree_write(&tree, path, files[i][1]);
    }
    fake_tree_link(&tree, FAKE_POWERCAP "intel-rapl", "../../devices/virtual/powercap/intel-rapl");
    fake_tree_link(&tree, FAKE_POWERCAP "intel-rapl:0",
                   "../../devices/virtual/powercap/intel-rapl/intel-rapl:0");
    fake_tree_link(&tree, FAKE_POWERCAP "intel-rapl:0:0",
                   "../../devices/virtual/powercap/intel-rapl/intel-rapl:0/intel-rapl:0:0");
    fake_tree_link(&tree, "/sys/devices/virtual/powercap/intel-rapl/subsystem",
                   "../../../../class/powercap");
    fake_tree_link(&tree, "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/intel-rapl-loop",
                   "..");
    begin();
    snprintf(path, sizeof path, "%s/energy_uj", devices);
    fake_tree_write(&tree, path, "80\n");
    snprintf(path, sizeof path, "%s/intel-rapl:0:0/energy_uj", devices);
    fake_tree_write(&tree, path, "9\n");
    end();
    assert_int_equal(sw_meter_set_count(set), 2);
    energy_is(SW_CPU, 3, "powercap:package-0");
    energy_is(SW_RAM, 4, "powercap:dram-0");
}

/* The same tree copied by a tool that follows links: other inodes, the same names. */
static void a_copied_tree_counts_once(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 10, RANGE);
    fake_tree_zone(&tree, "intel-rapl/intel-rapl:0", "package-0", 10, RANGE);
    begin();
    fake_tree_count(&tree, "intel-rapl:0", 30);
    end();
    energy_is(SW_CPU, 20, "powercap:package-0");
}

static void mirrored_dies_count_once_when_they_have_moved_alike(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0-die-0", 5000000000, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-0-die-1", 5000000100, RANGE);
    begin();
    assert_true(sw_meter_set_info(set, 1)->counted); /* a suspect, not yet convicted */
    fake_tree_count(&tree, "intel-rapl:0", 5000000000 + 28 * HOUR_W);
    fake_tree_count(&tree, "intel-rapl:1", 5000000100 + 28 * HOUR_W);
    end();
    energy_is(SW_CPU, 28 * HOUR_W, "powercap:package-0-die-0");
    const struct sw_meter_probe *mirror = probe("powercap:package-0-die-1");
    assert_true(mirror->found);
    assert_false(mirror->counted);
    assert_non_null(strstr(mirror->reason, "mirrors the first die"));
    /* It moves on its own after all: counted again. */
    a = b;
    fake_tree_count(&tree, "intel-rapl:0", 5000000000 + 29 * HOUR_W);
    fake_tree_count(&tree, "intel-rapl:1", 5000000100 + 32 * HOUR_W);
    end();
    energy_is(SW_CPU, 5 * HOUR_W, "powercap:package-0-die-0+powercap:package-0-die-1");
}

static void dies_that_stand_alike_and_move_apart_both_count(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0-die-0", 0, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-0-die-1", 0, RANGE);
    begin();
    end();
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_string_equal(energy.meter, "powercap:package-0-die-0+powercap:package-0-die-1");
    assert_true(energy.has_value && energy.uj == 0 && isnan(energy.edge_percent));
    assert_non_null(strstr(energy.reason, "no tick of the counter fell into this window"));
    fake_tree_count(&tree, "intel-rapl:0", 100000);
    fake_tree_count(&tree, "intel-rapl:1", 101000);
    end();
    energy_is(SW_CPU, 201000, "powercap:package-0-die-0+powercap:package-0-die-1");
}

/* Neither while it was watched nor afterwards: no zero joules, but none, with the reason. */
static void a_counter_that_never_moves_gives_no_joules(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 0, RANGE);
    open_set();
    sw_meter_set_measure_ticks(set, SW_TICK_WATCH_NS);
    sw_meter_set_read(set, &a);
    end();
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_false(energy.has_value);
    assert_int_equal(energy.faults, 1u << SW_FAULT_FROZEN);
    assert_non_null(strstr(energy.reason, "powercap:package-0 has not moved once in the "));
    /* It was asleep: what it counts from now on is good. */
    fake_tree_count(&tree, "intel-rapl:0", 70000);
    end();
    energy_is(SW_CPU, 70000, "powercap:package-0");
}

static void dies_that_stand_apart_are_no_suspects(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0-die-0", 5000000000, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-0-die-1", 5000010000, RANGE);
    begin();
    fake_tree_count(&tree, "intel-rapl:0", 5000000000 + HOUR_W);
    fake_tree_count(&tree, "intel-rapl:1", 5000010000 + HOUR_W);
    end();
    energy_is(SW_CPU, 2 * HOUR_W, "powercap:package-0-die-0+powercap:package-0-die-1");
}

static void a_denied_file_is_named_with_the_command(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 1, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-1", 1, RANGE);
    fake_tree_write(&tree, "/proc/cpuinfo", "processor\t: 0\nmodel name\t: Nobody's CPU\n");
    fake_tree_write(&tree, "/proc/stat", "cpu  1 0 0 1 0 0 0 0 0 0\n");
    fake_tree_mode(&tree, FAKE_POWERCAP "intel-rapl:1/energy_uj", 0400);
    bool root = geteuid() == 0;
    if (root)
        assert_int_equal(seteuid(65534), 0);
    else
        fake_tree_mode(&tree, FAKE_POWERCAP "intel-rapl:1/energy_uj", 0000);
    begin();
    end();
    if (root)
        assert_int_equal(seteuid(0), 0);
    the_component_reason_holds(SW_CPU, "/sys/class/powercap/intel-rapl:1/energy_uj: Permission "
                                       "denied (mode 0");
    the_component_reason_holds(SW_CPU, "; enable it with: sudo chgrp \"$(id -gn)\" ");
    the_component_reason_holds(SW_CPU, "/sys/class/powercap/*/energy_uj && sudo chmod g+r ");
    the_component_reason_holds(SW_CPU, "; modelled: ");
    /* One socket alone would be half a truth: the model stands in, and says so. */
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_int_equal(energy.source, SW_MODELLED);
    assert_string_equal(energy.meter, "model:tdp_load");
    assert_non_null(strstr(energy.reason, "Permission denied"));
    assert_false(probe("powercap:package-1")->found);
    assert_non_null(strstr(probe("powercap:package-1")->enable, "chmod g+r"));
    assert_true(probe("powercap:package-0")->found);
    assert_false(probe("powercap:package-0")->counted);
    assert_string_equal(probe("powercap:package-0")->reason,
                        "not counted, as another zone of its kind cannot be read");
}

static void what_is_no_count_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"lots\n", "energy_uj: holds \"lots\", not a count"},
        {"-5\n", "energy_uj: holds \"-5\", not a count"},
        {"", "energy_uj: holds \"\", not a count"},
        {"99999999999999999999\n", "energy_uj: holds \"99999999999999999999\", not a count"},
        {"262143328851\n", "energy_uj: 262143328851 is more than its range of 262143328850 uJ"},
    };
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 1, RANGE);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", cases[i].text);
        begin();
        end();
        energy_is_absent(SW_CPU, cases[i].reason);
        sw_meter_set_close(set);
        set = NULL;
    }
}

static void a_link_to_nowhere_and_a_folder_are_unreadable(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 1, RANGE);
    fake_tree_remove(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj");
    fake_tree_link(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", "nowhere");
    begin();
    end();
    energy_is_absent(SW_CPU, "intel-rapl:0/energy_uj: No such file or directory");
    sw_meter_set_close(set);
    fake_tree_remove(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj");
    fake_tree_folder(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj");
    begin();
    end();
    energy_is_absent(SW_CPU, "intel-rapl:0/energy_uj: Is a directory");
}

static void a_counter_that_fails_midway_gives_no_joules(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 50, RANGE);
    begin();
    fake_tree_remove(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj");
    end();
    assert_false(b.readings[0].ok);
    energy_is_absent(SW_CPU, "powercap:package-0 could not be read at the end: ");
    /* Back again, as another file: read again. */
    fake_tree_count(&tree, "intel-rapl:0", 90);
    end();
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_int_equal(energy.uj, 40);
    assert_string_equal(energy.reason,
                        "powercap:package-0 could not be read for a while in between");
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", "oops\n");
    end();
    assert_false(b.readings[0].ok);
    /* A value past the range is a broken counter, not a very long way. */
    fake_tree_count(&tree, "intel-rapl:0", RANGE + 1);
    end();
    energy_is_absent(SW_CPU, "powercap:package-0 went from 50 to 262143328851 uJ");
}

static void without_a_range_going_back_is_an_error(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 50, RANGE);
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/max_energy_range_uj", "much\n");
    begin();
    fake_tree_count(&tree, "intel-rapl:0", 60);
    end();
    energy_is(SW_CPU, 10, "powercap:package-0");
    fake_tree_count(&tree, "intel-rapl:0", 49);
    end();
    energy_is_absent(SW_CPU, "went from 50 to 49 uJ, which its range of 0 uJ does not explain");
}

static void a_second_line_and_a_stale_tail_are_ignored(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 50, RANGE);
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/name", "package-0\ndram\n");
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/max_energy_range_uj", "100\n7\n");
    begin();
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", "9\n50\n");
    end();
    energy_is(SW_CPU, 59, "powercap:package-0");
}

static void an_empty_root_says_what_is_missing(void **state)
{
    (void)state;
    begin();
    end();
    energy_is_absent(SW_CPU, "/sys/class/powercap: No such file or directory");
    energy_is_absent(SW_RAM, "/proc/meminfo holds no MemTotal");
    energy_is_absent(SW_GPU, "a GPU of the real machine is not read below another root");
    energy_is_absent(SW_MACHINE, "/sys/class/powercap: No such file or directory");
    assert_int_equal(sw_meter_set_count(set), 0);
    assert_string_equal(probe("powercap:package")->enable, "sudo modprobe intel_rapl_msr");
    sw_meter_set_close(set);
    fake_tree_write(&tree, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor lm\n");
    begin();
    end();
    energy_is_absent(SW_CPU, "a virtual machine: only its host can read RAPL");
    assert_string_equal(probe("powercap:package")->enable, "");
}

static void more_zones_than_fit_give_no_partial_sum(void **state)
{
    (void)state;
    for (int i = 0; i < SW_MAX_METERS + 2; i++) {
        char zone[32], name[32];
        snprintf(zone, sizeof zone, "intel-rapl:%x", (unsigned)i);
        snprintf(name, sizeof name, "package-%d", i);
        fake_tree_zone(&tree, zone, name, 5, RANGE);
    }
    begin();
    end();
    energy_is_absent(SW_CPU, "2 counters more than the 32 that fit");
}

static void models_only_leaves_counters_alone(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 50, RANGE);
    struct sw_meter_options options = {.sysfs_root = tree.root, .models_only = true};
    struct sw_error err;
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    assert_int_equal(sw_meter_set_count(set), 0);
    the_component_reason_holds(SW_CPU, "counters are left alone");
}

static void names_from_the_tree_are_shown_as_one_clean_line(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "odd\nroot\xff/sys/class/powercap/intel-rapl:0", "package-0", 5, RANGE);
    char root[256];
    snprintf(root, sizeof root, "%s" FAKE_POWERCAP "odd\nroot\xff//", tree.root);
    struct sw_meter_options options = {.sysfs_root = root};
    struct sw_error err;
    fake_tree_write(&tree, FAKE_POWERCAP "odd\nroot\xff" FAKE_POWERCAP "intel-rapl:0/name",
                    "package-\x1b[31m0\n");
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    assert_int_equal(sw_meter_set_count(set), 1); /* opened by its true name */
    sw_meter_set_read(set, &a);
    assert_true(a.readings[0].ok);
    assert_string_equal(sw_meter_set_info(set, 0)->name, "powercap:package-??31m0");
    assert_non_null(strstr(sw_meter_set_info(set, 0)->path, "/odd?root?/sys/class/powercap/"));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0-die-0", 50, RANGE);
    fake_tree_zone(&tree, "intel-rapl:1", "package-0-die-1", 50, RANGE);
    fake_tree_zone(&tree, "intel-rapl:0/intel-rapl:0:0", "dram", 50, RANGE);
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/intel-rapl:0:0/energy_uj", "?");
    fake_tree_write(&tree, "/proc/meminfo", "MemTotal: 5000 kB\n");
    struct sw_meter_options options = {.sysfs_root = tree.root};
    struct sw_error err;
    long n = 0;
    for (;; n++) {
        sw_test_alloc_fail_from(n);
        enum sw_code code = sw_meter_set_open(&set, &options, &err);
        if (!sw_test_alloc_normal()) {
            assert_int_equal(code, SW_OK);
            break;
        }
        assert_int_equal(code, SW_ENOMEM);
        assert_string_equal(err.text, "meters: out of memory");
        assert_null(set);
    }
    assert_true(n > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(delta_folds_one_wrap),
        TEST(a_value_is_the_first_line),
        TEST(two_sockets_with_parts_inside),
        TEST(each_socket_wraps_on_its_own),
        TEST(psys_is_the_machine_and_the_mmio_twin_left_out),
        TEST(a_psys_below_its_packages_says_nothing),
        TEST(a_named_meter_comes_before_psys),
        TEST(psys_of_several_packages_is_listed),
        TEST(a_twin_serves_where_the_first_way_is_closed),
        TEST(one_tree_through_many_links_counts_once),
        TEST(a_copied_tree_counts_once),
        TEST(mirrored_dies_count_once_when_they_have_moved_alike),
        TEST(dies_that_stand_alike_and_move_apart_both_count),
        TEST(a_counter_that_never_moves_gives_no_joules),
        TEST(dies_that_stand_apart_are_no_suspects),
        TEST(a_denied_file_is_named_with_the_command),
        TEST(what_is_no_count_is_refused_by_name),
        TEST(a_link_to_nowhere_and_a_folder_are_unreadable),
        TEST(a_counter_that_fails_midway_gives_no_joules),
        TEST(without_a_range_going_back_is_an_error),
        TEST(a_second_line_and_a_stale_tail_are_ignored),
        TEST(an_empty_root_says_what_is_missing),
        TEST(more_zones_than_fit_give_no_partial_sum),
        TEST(models_only_leaves_counters_alone),
        TEST(names_from_the_tree_are_shown_as_one_clean_line),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("powercap", tests, NULL, NULL);
}
