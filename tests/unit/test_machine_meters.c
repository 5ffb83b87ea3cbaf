/* Meters of the whole machine: batteries while they feed it, and an external meter's feed. */
#include "support/close.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/meter.h"
#include "support/fake_tree.h"
#include "support/meters.h"

#define SUPPLY "/sys/class/power_supply/"
#define MS     UINT64_C(1000000)

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct sw_snapshot a, b;
static struct sw_energy energy;
static char feed_path[128];

static int setup(void **state)
{
    (void)state;
    set = NULL;
    fake_tree_create(&tree);
    snprintf(feed_path, sizeof feed_path, "%s/feed", tree.root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sw_meter_set_close(set);
    fake_tree_destroy(&tree);
    return 0;
}

static void open_with(const char *feed)
{
    struct sw_error err;
    struct sw_meter_options options = {.sysfs_root = tree.root, .power_feed = feed};
    sw_meter_set_close(set);
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    sw_meter_set_read(set, &a);
}

static void measure(uint64_t wait_ns)
{
    sw_clock_sleep_until(a.end_ns + wait_ns);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_MACHINE, &a, &b, &energy);
}

static void is_power(double watts, double share)
{
    double joules = watts * (double)(b.begin_ns - a.end_ns) * 1e-9;
    if (!energy.has_value)
        fail_msg("no value: %s", energy.reason);
    assert_close((double)energy.uj * 1e-6, joules, share * joules);
}

/* Joules of the lines from begin_ns to end_ns; up to the edges, which are late on a busy machine,
 * the watts of the line before each edge are held. */
static void is_energy(double joules, uint64_t begin_ns, double begin_watts, uint64_t end_ns,
                      double end_watts)
{
    assert_true(a.end_ns >= begin_ns && b.begin_ns >= end_ns);
    double read_s = (double)(a.end_ns - a.begin_ns + b.end_ns - b.begin_ns) * 1e-9;
    joules -= begin_watts * (double)(a.end_ns - begin_ns) * 1e-9;
    joules += end_watts * (double)(b.begin_ns - end_ns) * 1e-9;
    assert_true(energy.has_value);
    assert_close((double)energy.uj * 1e-6, joules,
                 0.01 * joules + fmax(begin_watts, end_watts) * read_s);
}

static void absent_because(const char *text)
{
    assert_false(energy.has_value);
    holds(energy.reason, text);
}

static const char *reason_of_machine(void)
{
    return sw_meter_set_reason(set, SW_MACHINE);
}

/* Batteries. */

static void supply(const char *name, const char *file, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, SUPPLY "%s/%s", name, file);
    fake_tree_write(&tree, path, text);
}

static void make_laptop(void)
{
    supply("AC", "type", "Mains\n");
    supply("AC", "online", "0\n");
    supply("BAT0", "type", "Battery\n");
    supply("BAT0", "status", "Discharging\n");
    supply("BAT0", "power_now", "12000000\n");
    supply("mouse", "type", "Battery\n");
    supply("mouse", "scope", "Device\n");
    supply("mouse", "status", "Discharging\n");
    supply("mouse", "power_now", "99000000\n");
}

static void a_battery_feeds_the_machine(void **state)
{
    (void)state;
    make_laptop();
    fake_tree_link(&tree, SUPPLY "BAT0-again", "BAT0");
    open_with(NULL);
    measure(50 * MS);
    is_power(12, 0.02);
    assert_int_equal(energy.source, SW_SAMPLED);
    assert_string_equal(energy.meter, "battery:BAT0");
    assert_close(energy.edge_percent, 100, 0); /* shorter than its update */
    /* A second one, of current and voltage; negative while discharging, as some drivers have it. */
    supply("BAT1", "type", "Battery\n");
    supply("BAT1", "status", "Discharging\n");
    supply("BAT1", "current_now", "-500000\n");
    supply("BAT1", "voltage_now", "16000000\n");
    open_with(NULL);
    measure(50 * MS);
    is_power(20, 0.02);
    assert_string_equal(energy.meter, "battery:BAT0+BAT1");
    supply("BAT1", "status", "Full\n");
    open_with(NULL);
    measure(50 * MS);
    is_power(12, 0.02);
}

static void a_battery_that_does_not_feed_it_alone(void **state)
{
    (void)state;
    static const struct {
        const char *supply, *file, *text, *reason;
    } cases[] = {
        {"AC", "online", "1\n", "the mains feed the machine"},
        {"BAT0", "status", "Charging\n", "BAT0 is Charging; a battery is a meter only while it"},
        {"BAT0", "status", "Full\n", "no battery discharges"},
        {"BAT0", "status", "\x1b[31mUnknown\n", "BAT0 is ?[31mUnknown;"},
        {"BAT0", "power_now", "0\n", "0 W is no power of a machine"},
        {"BAT0", "power_now", "9999999999999\n", "W is no power of a machine"},
        {"BAT0", "power_now", "12.5\n", "BAT0 gives no power, nor current and voltage"},
        {"BAT0", "power_now", "", "BAT0 gives no power, nor current and voltage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_laptop();
        supply(cases[i].supply, cases[i].file, cases[i].text);
        open_with(NULL);
        holds(reason_of_machine(), cases[i].reason);
        assert_int_equal(sw_meter_set_count(set), 0);
        /* The same while it is measured. */
        make_laptop();
        open_with(NULL);
        supply(cases[i].supply, cases[i].file, cases[i].text);
        measure(300 * MS);
        absent_because("battery:BAT0 could not be read at the end: ");
        absent_because(cases[i].reason);
    }
}

static void without_power_what_is_left_is_counted(void **state)
{
    (void)state;
    supply("BAT0", "type", "Battery\n");
    supply("BAT0", "status", "Discharging\n");
    supply("BAT0", "energy_now", "30000000\n");
    supply("BAT1", "type", "Battery\n");
    supply("BAT1", "status", "Discharging\n");
    supply("BAT1", "charge_now", "2000000\n");
    supply("BAT1", "voltage_now", "12000000\n");
    open_with(NULL);
    supply("BAT0", "energy_now", "29990000\n"); /* 36 J */
    supply("BAT1", "charge_now", "1999000\n");  /* 12 V of 3.6 C: 43.2 J */
    measure(0);
    assert_true(energy.has_value);
    assert_int_equal(energy.source, SW_MEASURED);
    assert_in_range(energy.uj, 79200000 - 2, 79200000 + 2);
    assert_int_equal(sw_meter_set_info(set, 0)->tick_ns, 30000 * MS);
    supply("BAT1", "voltage_now", "13000000\n");
    measure(0);
    assert_in_range(energy.uj, 79200000 - 2, 79200000 + 2); /* it never goes back */
    fake_tree_remove(&tree, SUPPLY "BAT1/voltage_now");
    fake_tree_write(&tree, SUPPLY "BAT0/energy_now", "half\n");
    measure(0);
    absent_because("BAT0 gives no energy, nor charge and voltage");
}

/* The feed. */

static void append(const char *format, ...) SW_PRINTF(1, 2);

static void append(const char *format, ...)
{
    FILE *file = fopen(feed_path, "a");
    assert_non_null(file);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fclose(file);
}

static void point(uint64_t at_ns, double watts)
{
    append("%llu,%g\n", (unsigned long long)at_ns, watts);
}

static void trapezoids_between_lines(void **state)
{
    (void)state;
    uint64_t now_ns = sw_clock_ns();
    append("time_ns,watts\r\n# of my meter\n\n");
    point(now_ns - 200 * MS, 100);
    point(now_ns - 100 * MS, 100);
    append("%llu, 100.0\r\n", (unsigned long long)now_ns);
    open_with(feed_path);
    sw_clock_sleep_until(now_ns + 100 * MS);
    point(now_ns + 100 * MS, 200);
    measure(0);
    is_energy(15, now_ns, 100, now_ns + 100 * MS, 200);
    assert_string_equal(energy.meter, "feed");
    assert_int_equal(energy.source, SW_SAMPLED);
    assert_int_equal(sw_meter_set_info(set, 0)->tick_ns, 100 * MS);
    /* Held between lines, put right by the next one. */
    a = b;
    sw_clock_sleep_until(now_ns + 180 * MS);
    measure(0);
    is_power(200, 0.03);
    sw_clock_sleep_until(now_ns + 200 * MS);
    point(now_ns + 200 * MS, 0); /* 6 J less than what was held: the counter stands */
    sw_clock_sleep_until(now_ns + 300 * MS);
    point(now_ns + 300 * MS, 300);
    measure(0);
    is_energy(10 + 15, now_ns + 100 * MS, 200, now_ns + 300 * MS, 300);
}

static void time_since_1970_as_well(void **state)
{
    (void)state;
    uint64_t now_ns = sw_clock_wall_ns();
    point(1000000000000000000, 7); /* in 2001 this machine was not up */
    point(now_ns - 200 * MS, 50);
    point(now_ns - 10 * MS, 50);
    open_with(feed_path);
    measure(100 * MS);
    is_power(50, 0.03);
}

static void a_window_that_is_not_covered(void **state)
{
    (void)state;
    uint64_t now_ns = sw_clock_ns();
    append("%s", "");
    open_with(feed_path);
    point(now_ns, 100);
    point(now_ns + MS, 100);
    measure(20 * MS);
    absent_because("feed could not be read at the beginning: "); /* no line had come */
    point(now_ns + 21 * MS, 100);
    sw_meter_set_read(set, &a);
    measure(400 * MS);
    absent_because("/feed: not covered, its last line was 0.");
    /* Lines that come late make the time after them good again, and what was held unknown. */
    point(sw_clock_ns(), 100);
    measure(0);
    is_power(100, 0.1);
    holds(energy.reason, "could not be read for a while in between");
}

static void a_hole_between_lines(void **state)
{
    (void)state;
    uint64_t now_ns = sw_clock_ns();
    for (int i = 10; i > 0; i--)
        point(now_ns - 20000 * MS - (uint64_t)i * 100 * MS, 100);
    point(now_ns - 8000 * MS, 100);
    open_with(feed_path);
    assert_false(a.readings[0].ok);
    /* All of that lies before the first reading that is good. */
    point(sw_clock_ns(), 100);
    sw_meter_set_read(set, &a);
    assert_true(a.readings[0].ok);
    measure(10 * MS);
    is_power(100, 0.1);
}

static void lines_that_make_no_sense(void **state)
{
    (void)state;
    static char long_line[200];
    memset(long_line, '1', sizeof long_line - 1);
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"hello\n", "/feed:2: \"hello\" is not time_ns,watts"},
        {"5\n", "/feed:2: \"5\" is not time_ns,watts"},
        {",5\n", "/feed:2: \",5\" is not time_ns,watts"},
        {"5,\n", "/feed:2: \"5,\" is not time_ns,watts"},
        {"1e9,5\n", "/feed:2: \"1e9,5\" is not time_ns,watts"},
        {"-5,5\n", "is not time_ns,watts"},
        {"5,-5\n", "is not time_ns,watts"},
        {"5,nan\n", "is not time_ns,watts"},
        {"5,1e7\n", "is not time_ns,watts"},
        {"5,5,5\n", "is not time_ns,watts"},
        {"\x1b[31m\xff\n", "/feed:2: \"?[31m?\" is not time_ns,watts"},
        {"5,5\n", "/feed:2: time goes back"},
        {"999999999999999999,5\n", " s in the future: time is that of CLOCK_MONOTONIC, or since"},
        {"18446744073709551616,5\n", "is not time_ns,watts"},
        {"time_ns,watts\n", "/feed:2: \"time_ns,watts\" is not time_ns,watts"},
        {long_line, "/feed:2: a line of more than 95 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t now_ns = sw_clock_ns();
        remove(feed_path);
        point(now_ns, 100);
        open_with(feed_path);
        assert_true(a.readings[0].ok);
        append("%s", cases[i].text);
        measure(0);
        absent_because(cases[i].reason);
        /* For good: what follows may be as wrong. */
        append("\n%llu,5\n", (unsigned long long)now_ns + 1000);
        measure(0);
        absent_because(cases[i].reason);
    }
    remove(feed_path);
    point(sw_clock_ns(), 100);
    open_with(feed_path);
    int fd = open(feed_path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "1\0,2\n", 5), 5);
    close(fd);
    measure(0);
    absent_because("/feed:2: a NUL byte");
    open_with(feed_path);
    remove(feed_path);
    point(sw_clock_ns(), 100);
    open_with(feed_path);
    assert_int_equal(truncate(feed_path, 2), 0);
    measure(0);
    absent_because("/feed:1: the file was cut");
}

static void a_pipe_is_never_waited_for(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(feed_path, 0600), 0);
    open_with(feed_path); /* without a writer */
    assert_false(a.readings[0].ok);
    int fd = open(feed_path, O_WRONLY);
    assert_true(fd >= 0);
    char line[64];
    uint64_t now_ns = sw_clock_ns();
    snprintf(line, sizeof line, "%llu,80\n%llu", (unsigned long long)now_ns - MS,
             (unsigned long long)now_ns);
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    sw_meter_set_read(set, &a);
    assert_int_equal(write(fd, ",80\n", 4), 4); /* the rest of a line */
    measure(30 * MS);
    is_power(80, 0.05);
    close(fd);
    measure(40 * MS);
    is_power(80, 0.05);
}

static void of_a_long_log_only_the_end_is_read(void **state)
{
    (void)state;
    uint64_t now_ns = sw_clock_ns();
    FILE *file = fopen(feed_path, "w");
    assert_non_null(file);
    for (int i = 0; i < 20000; i++) /* a line that is wrong far up does not matter */
        fprintf(file, i == 7 ? "wrong\n" : "# %d\n", i);
    for (uint64_t i = 0; i < 1000; i++)
        fprintf(file, "%llu,60\n", (unsigned long long)(now_ns - (1000 - i) * 10 * MS));
    fclose(file);
    open_with(feed_path);
    assert_true(a.readings[0].ok);
    measure(50 * MS);
    is_power(60, 0.02);
}

static void the_feed_comes_before_other_meters(void **state)
{
    (void)state;
    make_laptop();
    fake_tree_write(&tree, "/sys/class/hwmon/hwmon0/name", "power_meter\n");
    fake_tree_write(&tree, "/sys/class/hwmon/hwmon0/power1_average", "120000000\n");
    point(sw_clock_ns(), 33);
    open_with(feed_path);
    measure(50 * MS);
    is_power(33, 0.02);
    assert_string_equal(energy.meter, "feed");
    open_with(NULL);
    measure(50 * MS);
    assert_string_equal(energy.meter, "battery:BAT0");
    open_with("/nowhere/feed");
    measure(50 * MS);
    assert_string_equal(energy.meter, "battery:BAT0");
    open_with("/tmp");
    bool told = false;
    for (size_t i = 0; i < sw_meter_set_probe_count(set); i++)
        told = told || strcmp(sw_meter_set_probe(set, i)->reason, "/tmp: Is a directory") == 0;
    assert_true(told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_battery_feeds_the_machine),
        TEST(a_battery_that_does_not_feed_it_alone),
        TEST(without_power_what_is_left_is_counted),
        TEST(trapezoids_between_lines),
        TEST(time_since_1970_as_well),
        TEST(a_window_that_is_not_covered),
        TEST(a_hole_between_lines),
        TEST(lines_that_make_no_sense),
        TEST(a_pipe_is_never_waited_for),
        TEST(of_a_long_log_only_the_end_is_read),
        TEST(the_feed_comes_before_other_meters),
    };
    return cmocka_run_group_tests_name("machine meters", tests, NULL, NULL);
}
