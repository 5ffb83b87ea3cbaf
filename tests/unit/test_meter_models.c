/* Power models: published vectors to the last digit, and energy that the meters integrate from a
 * tree whose load is rewritten between reads. Times are real, so expectations come from the stamps
 * of the readings themselves. */
#include "support/close.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "meter/machine.h"
#include "meter/meter.h"
#include "meter/power_model.h"
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

static void open_with(struct sw_meter_options options)
{
    struct sw_error err;
    sw_meter_set_close(set);
    options.sysfs_root = tree.root;
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
}

static void write_cpuinfo(const char *name, int logical, int sockets, const char *flags)
{
    char text[16384] = "";
    for (int i = 0; i < logical; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n,
                 "processor\t: %d\nmodel name\t: %s\nphysical id\t: %d\nflags\t\t: fpu %s lm\n\n",
                 i, name, i % sockets, flags);
    }
    fake_tree_write(&tree, "/proc/cpuinfo", text);
}

static void write_stat(unsigned busy, unsigned idle)
{
    char text[128];
    snprintf(text, sizeof text, "cpu  %u 0 0 %u 0 0 0 0 0 0\ncpu0 1 2 3 4\n", busy, idle);
    fake_tree_write(&tree, "/proc/stat", text);
}

static void pause_ms(long ms)
{
    struct timespec time = {0, ms * 1000000};
    nanosleep(&time, NULL);
}

static size_t meter_named(const char *name)
{
    for (size_t i = 0; i < sw_meter_set_count(set); i++)
        if (strcmp(sw_meter_set_info(set, i)->name, name) == 0)
            return i;
    fail_msg("no meter %s", name);
    return 0;
}

/* Mean watts of a component from a to b. */
static double watts(enum sw_component component)
{
    sw_meter_set_energy(set, component, &a, &b, &energy);
    if (!energy.has_value)
        fail_msg("%s", energy.reason);
    assert_int_equal(energy.source, SW_MODELLED);
    size_t i = meter_named(energy.meter);
    return (double)energy.uj * 1e3 / (double)(b.readings[i].at_ns - a.readings[i].at_ns);
}

/* Within the rounding of the counter to whole microjoules at both ends. */
static void watts_are(enum sw_component component, double expected)
{
    double got = watts(component);
    size_t i = meter_named(energy.meter);
    double rounding = 1.01e3 / (double)(b.readings[i].at_ns - a.readings[i].at_ns);
    if (!(fabs(got - expected) <= rounding))
        fail_msg("%s: %.9f W, not %.9f W", energy.meter, got, expected);
}

static void reason_holds(enum sw_component component, const char *text)
{
    holds(sw_meter_set_reason(set, component), text);
}

static void ram_vectors(void **state)
{
    (void)state;
    static const struct {
        double gib, x86, arm;
    } cases[] = {
        {0.1, 10, 3},      {1, 10, 3},        {4, 10, 3},       {8, 10, 3},      {15.5, 10, 3},
        {16, 10, 3},       {31.2, 20, 6},     {32, 20, 6},      {62.7, 20, 6},   {64, 20, 6},
        {125.7, 38, 11.4}, {128, 38, 11.4},   {251.5, 70, 21},  {256, 38, 11.4}, {1007, 70, 21},
        {1024, 38, 11.4},  {4096, 126, 37.8}, {1e6, 126, 37.8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_close(sw_power_ram_v3_w(cases[i].gib, false), cases[i].x86, 1e-12);
        assert_close(sw_power_ram_v3_w(cases[i].gib, true), cases[i].arm, 1e-12);
    }
    assert_close(sw_power_ram_v2_w(8), 3, 0);
    assert_close(sw_power_ram_v2_w(1007), 377.625, 0);
    assert_close(sw_power_ram_v2_w(4096), 1536, 0);
}

static void cpu_vectors(void **state)
{
    (void)state;
    assert_close(sw_power_codecarbon_v2_cpu_w(1000), 500, 0);
    static const struct {
        double load, share;
    } cubic[] = {{0, 0.1},          {0.10, 0.1009}, {0.25, 0.1140625}, {0.50, 0.2125},
                 {0.75, 0.4796875}, {0.80, 0.5608}, {0.90, 0.7561},    {1, 1}};
    for (size_t i = 0; i < sizeof cubic / sizeof cubic[0]; i++)
        assert_close(sw_power_codecarbon_v3_cpu_w(1000, cubic[i].load), 1000 * cubic[i].share,
                     1e-10);
    const struct sw_cpu_family *any = sw_cpu_family_find("");
    assert_string_equal(any->name, "any");
    struct sw_cpu_curve curve = sw_cpu_curve_of_tdp(100, any);
    assert_close(sw_cpu_curve_w(&curve, 0), 14, 1e-12);
    assert_close(sw_cpu_curve_w(&curve, 1), 70, 1e-12);
    assert_close(sw_cpu_curve_w(&curve, 0.5), 14 + 56 * log(11) / log(21), 1e-12);
    assert_close(sw_cpu_curve_w(&curve, 7), 70, 1e-12);
    assert_close(sw_cpu_curve_w(&curve, -1), 14, 1e-12);
    /* Concave: the power of a mean load is above the mean of the powers. */
    for (double u = 0; u < 1; u += 0.125)
        assert_true(sw_cpu_curve_w(&curve, u + 0.0625) >
                    (sw_cpu_curve_w(&curve, u) + sw_cpu_curve_w(&curve, u + 0.125)) / 2);
}

static void families_by_name_have_the_published_shape(void **state)
{
    (void)state;
    /* Boavizta's a, b, c, d: P(x) = a ln(b (x + c)) + d, x in per cent. */
    static const struct {
        const char *cpu, *family;
        double a, b, c, d;
    } cases[] = {
        {"Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "Xeon Platinum", 171.1813, 0.0354,
         36.8953, -10.1336},
        {"Intel(R) Xeon(R) Gold 6134 CPU @ 3.20GHz", "Xeon Gold", 35.5688, 0.2438, 9.6694, -0.6087},
        {"Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz", "Xeon Silver", 20.7794, 0.3043, 8.4241,
         0.8613},
        {"Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", "Xeon E5", 48.9167, 0.1349, 15.7262, -4.654},
        {"Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz", "Xeon E3", 342.3624, 0.0347, 36.8952,
         -16.4022},
        {"Intel(R) Xeon(R) E-2288G CPU @ 3.70GHz", "Xeon E", 55.6501, 0.0467, 20.4146, 4.2436},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sw_cpu_family *family = sw_cpu_family_find(cases[i].cpu);
        assert_string_equal(family->name, cases[i].family);
        struct sw_cpu_curve curve = {1, family->idle_share, family->knee};
        double full = cases[i].a * log(cases[i].b * (100 + cases[i].c)) + cases[i].d;
        for (double x = 0; x <= 100; x += 12.5) {
            double published = cases[i].a * log(cases[i].b * (x + cases[i].c)) + cases[i].d;
            assert_close(sw_cpu_curve_w(&curve, x / 100), published / full, 2e-4);
        }
    }
    static const char *const others[] = {"AMD EPYC 7B12", "Intel(R) Xeon(R) CPU @ 2.20GHz",
                                         "Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz", "(R)(R) CPU  ",
                                         "Xeon"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_string_equal(sw_cpu_family_find(others[i])->name, "any");
}

static void stat_lines(void **state)
{
    (void)state;
    uint64_t busy, all;
    /* Guest time (here 100) is inside user's; idle, waiting and stolen time are not busy. */
    assert_true(sw_power_parse_stat(&busy, &all, "cpu  200 10 20 400 30 5 6 7 100 0"));
    assert_int_equal(busy, 241);
    assert_int_equal(all, 678);
    assert_true(sw_power_parse_stat(&busy, &all, "cpu 1 2 3 4"));
    assert_int_equal(busy, 6);
    assert_int_equal(all, 10);
    static const char *const bad[] = {"",
                                      "cpu",
                                      "cpu0 1 2 3 4",
                                      "cpu  1 2 3",
                                      "cpu a b c d",
                                      "cpu  -1 2 3 4",
                                      "intr 1 2 3 4",
                                      "cpu  18446744073709551615 1 1 1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sw_power_parse_stat(&busy, &all, bad[i]));
}

static void machine_texts(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_true(sw_machine_parse_meminfo(&bytes, "MemFree: 3 kB\nMemTotal:       16252928 kB\n"));
    assert_close((double)bytes / 0x1p30, 15.5, 0);
    static const char *const bad[] = {"",
                                      "MemTotal: 5\n",
                                      "MemTotal: -5 kB\n",
                                      "MemTotal: 99999999999999999999 kB\n",
                                      "MemTotal: 0 kB\n",
                                      "MemTotal\n",
                                      "XMemTotal: 5 kB\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sw_machine_parse_meminfo(&bytes, bad[i]));
    struct sw_machine machine = {0};
    sw_machine_parse_cpuinfo(&machine, "processor\t: 0\nBogoMIPS\t: 50.00\n"
                                       "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\n"
                                       "processor\t: 1\nCPU implementer\t: 0x41");
    assert_int_equal(machine.logical, 2);
    assert_int_equal(machine.sockets, 1);
    assert_true(machine.arm);
    assert_false(machine.virtual_machine);
    assert_string_equal(machine.cpu_name, "");
    machine = (struct sw_machine){0};
    sw_machine_parse_cpuinfo(&machine, "model name\t: X\x1b[2J \nflags : nohypervisor\n"
                                       "physical id : 5\nphysical id : 5\nphysical id : 2000000\n");
    assert_string_equal(machine.cpu_name, "X?[2J");
    assert_false(machine.virtual_machine);
    assert_int_equal(machine.sockets, 1);
}

static void codecarbon_v2_reproduces_its_constants(void **state)
{
    (void)state;
    fake_tree_write(&tree, "/proc/meminfo", "MemTotal:       13290460 kB\n");
    write_cpuinfo("AMD EPYC 7B12", 2, 1, "hypervisor");
    struct sw_meter_options options = {.cpu_model = SW_CPU_MODEL_CODECARBON_V2,
                                       .models_only = true};
    open_with(options);
    sw_meter_set_read(set, &a);
    pause_ms(20);
    sw_meter_set_read(set, &b);
    watts_are(SW_CPU, 120); /* the whole socket, as it does */
    reason_holds(SW_CPU, "a share of a host nobody can see");
    watts_are(SW_RAM, 0.375 * 13290460 / 1048576.0);
    /* Two sockets or one: no factor. */
    write_cpuinfo("Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", 24, 2, "");
    open_with(options);
    sw_meter_set_read(set, &a);
    pause_ms(20);
    sw_meter_set_read(set, &b);
    watts_are(SW_CPU, 42.5);
    write_cpuinfo("Intel(R) Xeon(R) CPU @ 2.20GHz", 2, 1, "hypervisor");
    open_with(options);
    sw_meter_set_read(set, &a);
    pause_ms(20);
    sw_meter_set_read(set, &b);
    watts_are(SW_CPU, 42.5); /* half of 85 W */
    reason_holds(SW_CPU, "\"Intel(R) Xeon(R) CPU @ 2.20GHz\" is not in the TDP table");
    options.tdp_w = 100;
    open_with(options);
    sw_meter_set_read(set, &a);
    pause_ms(20);
    sw_meter_set_read(set, &b);
    watts_are(SW_CPU, 50);
}

static void ram_v3_from_a_tree(void **state)
{
    (void)state;
    fake_tree_write(&tree, "/proc/meminfo", "MemTotal:       263716864 kB\n"); /* 251.5 GiB */
    open_with((struct sw_meter_options){.ram_model = SW_RAM_MODEL_CODECARBON_V3});
    sw_meter_set_read(set, &a);
    pause_ms(10);
    sw_meter_set_read(set, &b);
    watts_are(SW_RAM, 70);
    assert_string_equal(energy.meter, "model:ram_v3");
    fake_tree_write(&tree, "/proc/cpuinfo", "processor : 0\nCPU implementer : 0x41\n");
    open_with((struct sw_meter_options){.ram_model = SW_RAM_MODEL_CODECARBON_V3});
    sw_meter_set_read(set, &a);
    pause_ms(10);
    sw_meter_set_read(set, &b);
    watts_are(SW_RAM, 21);
}

static void tdp_is_scaled_by_what_the_machine_is(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int logical, sockets;
        const char *flags;
        double given, tdp, uncertainty;
        const char *reason;
    } cases[] = {
        {"Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz", 12, 1, "", 0, 45, 40, "45 W TDP, 1 socket"},
        {"Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", 24, 2, "", 0, 170, 40, "85 W TDP, 2 sockets"},
        {"Nobody's CPU 9000", 6, 2, "", 0, 24, 100,
         "\"Nobody's CPU 9000\" is not in the TDP table, so 4 W for each of 6 logical CPUs"},
        {"AMD EPYC 7B12", 2, 2, "hypervisor", 0, 8, 100,
         "\"AMD EPYC 7B12\" has 240 W a socket, of which this guest is charged 4 W for each of 2"},
        {"AMD EPYC 7B12", 96, 1, "hypervisor", 0, 240, 100, "at most the socket"},
        {"AMD EPYC", 2, 1, "hypervisor", 0, 8, 100,
         "a virtual machine: this is a model of a share of a host nobody can see"},
        {"AMD EPYC", 2, 1, "hypervisor", 65, 65, 40, "65 W as given"},
        {"Intel Celeron 1200", 1, 1, "", 0, 4, 100, "is not in the TDP table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_cpuinfo(cases[i].name, cases[i].logical, cases[i].sockets, cases[i].flags);
        write_stat(0, 0);
        open_with((struct sw_meter_options){.tdp_w = cases[i].given});
        sw_meter_set_read(set, &a);
        write_stat(1000, 0);
        pause_ms(10);
        sw_meter_set_read(set, &b);
        /* The counter belongs to the time since the set was opened, all of it at full load. */
        size_t k = meter_named("model:tdp_load");
        assert_close(sw_meter_set_info(set, k)->uncertainty_percent, cases[i].uncertainty, 0);
        char power[32];
        snprintf(power, sizeof power, "T = %g W,", cases[i].tdp);
        assert_non_null(strstr(sw_meter_set_info(set, k)->formula, power));
        reason_holds(SW_CPU, cases[i].reason);
        assert_true(watts(SW_CPU) > 0);
    }
}

static void a_guest_is_charged_its_threads_of_the_host(void **state)
{
    (void)state;
    static const struct {
        const char *name, *flags;
        unsigned threads;
        double given, tdp, share, uncertainty;
        const char *reason;
    } cases[] = {
        {"AMD EPYC 7B12", "hypervisor", 128, 0, 240, 4 / 128.0, 60,
         "\"AMD EPYC 7B12\" has 240 W a socket, of which 4 of 128 threads are charged"},
        {"AMD EPYC", "hypervisor", 64, 200, 200, 4 / 64.0, 60,
         "200 W as given, of which 4 of 64 threads are charged"},
        {"AMD EPYC", "hypervisor", 64, 0, 16, 1, 100, "is not in the TDP table, so 4 W for each"},
        {"AMD EPYC 7B12", "hypervisor", 2, 0, 240, 1, 40, "4 of 2 threads"},
        {"AMD EPYC 7B12", "", 128, 0, 240, 1, 40, "has 240 W TDP, 1 socket"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_cpuinfo(cases[i].name, 4, 1, cases[i].flags);
        write_stat(0, 0);
        open_with(
            (struct sw_meter_options){.tdp_w = cases[i].given, .host_threads = cases[i].threads});
        const struct sw_meter_info *info = sw_meter_set_info(set, meter_named("model:tdp_load"));
        reason_holds(SW_CPU, cases[i].reason);
        assert_close(info->uncertainty_percent, cases[i].uncertainty, 0);
        char parameters[64];
        snprintf(parameters, sizeof parameters, "T = %g W, s = %.4g,", cases[i].tdp,
                 cases[i].share);
        assert_non_null(strstr(info->formula, parameters));
        sw_meter_set_read(set, &a);
        write_stat(1000, 0);
        pause_ms(5);
        sw_meter_set_read(set, &b);
        a = b;
        write_stat(2000, 0);
        pause_ms(5);
        sw_meter_set_read(set, &b);
        watts_are(SW_CPU, 0.7 * cases[i].tdp * cases[i].share);
    }
}

static void codecarbon_v3_follows_its_cubic(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int logical, sockets;
        double given, tdp;
        const char *reason;
    } cases[] = {
        {"Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", 24, 2, 0, 170, "85 W TDP, 2 sockets"},
        {"Nobody's CPU", 8, 2, 0, 64,
         "CodeCarbon's 4 W for each of 8 logical CPUs, times 2 sockets"},
        {"Nobody's CPU", 8, 2, 100, 100, "100 W as given"},
        {"", 8, 1, 0, 85, "this CPU (which the kernel does not name), so CodeCarbon's 85 W"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_cpuinfo(cases[i].name, cases[i].logical, cases[i].sockets, "");
        write_stat(0, 0);
        open_with((struct sw_meter_options){.cpu_model = SW_CPU_MODEL_CODECARBON_V3,
                                            .tdp_w = cases[i].given});
        reason_holds(SW_CPU, cases[i].reason);
        /* The load is a mean over a second and more; until then over what there is. */
        sw_meter_set_read(set, &a);
        write_stat(500, 500);
        pause_ms(20);
        sw_meter_set_read(set, &b);
        size_t k = meter_named("model:codecarbon_v3");
        double expected = 0.2125 * cases[i].tdp;
        double seconds = (double)(b.readings[k].at_ns - a.readings[k].at_ns) * 1e-9;
        sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
        /* a few microseconds before the first read were charged with another load */
        assert_close((double)energy.uj * 1e-6 / seconds / expected, 1, 0.05);
    }
    /* Time that the host stole is busy to it. */
    fake_tree_write(&tree, "/proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\n");
    write_cpuinfo("Nobody's CPU", 8, 1, "");
    open_with((struct sw_meter_options){.cpu_model = SW_CPU_MODEL_CODECARBON_V3, .tdp_w = 100});
    sw_meter_set_read(set, &a);
    fake_tree_write(&tree, "/proc/stat", "cpu  0 0 0 0 0 0 0 1000 0 0\n");
    pause_ms(1000);
    sw_meter_set_read(set, &b);
    assert_true(watts(SW_CPU) > 99);
}

/*
 * What the study printed: tokens, seconds, and watt-hours a token of CPU and RAM (its own log; a
 * virtual machine of 12.67 GiB whose processor its tracker did not know).
 *
 * CodeCarbon 2.8.2 (_do_measurements of emissions_tracker.py) takes one time per component, when
 * its turn comes: memory first, then the processor, then the GPU, and the row's duration last. So
 * in each of the 50 samples memory is charged for less than the processor, and both for less than
 * the seconds: by what reading the rest took. Only where a GPU was read is that milliseconds.
 */
static void the_study_is_recomputed(void **state)
{
    (void)state;
    static const struct {
        double tokens, seconds, cpu_wh, ram_wh;
        bool reads_gpu;
    } rows[] = {
        {2500, 253.09974167700102, 0.0011951444824550063, 0.0001336395655389882, false},
        {2500, 144.35228206200003, 0.0006808806735344435, 7.61310989069119e-05, true},
        {2065, 72.99968414700027, 0.0004163742874697345, 4.653794590946566e-05, true},
        {2500, 81.44930677199955, 0.00038403479175222265, 4.293419961677384e-05, true},
        {2500, 119.6750711790005, 0.0005645254679097256, 6.312007733078046e-05, true},
        {2500, 252.8325312540003, 0.0011933211162599982, 0.00013344138723630862, true},
    };
    const double n_samples = 50;
    /* MemTotal of that kind of machine; of the sizes that round to 12.67 GiB, those below 12.6734
     * would have memory charged for longer than the processor. */
    const double gib = 13290480.0 / 0x1p20;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double cpu_w = sw_power_codecarbon_v2_cpu_w(85), ram_w = sw_power_ram_v2_w(gib);
        double cpu_s = rows[i].cpu_wh * rows[i].tokens * 3600 / cpu_w;
        double ram_s = rows[i].ram_wh * rows[i].tokens * 3600 / ram_w;
        double after_cpu_ms = 1e3 * (rows[i].seconds - cpu_s) / n_samples;
        double between_ms = 1e3 * (cpu_s - ram_s) / n_samples;
        print_message("# row %zu: the processor's time ends %.3f ms before the row, memory's %.3f "
                      "ms before that\n",
                      i, after_cpu_ms, between_ms);
        if (rows[i].reads_gpu)
            assert_true(after_cpu_ms > 2.4 && after_cpu_ms < 3.4);
        else
            assert_true(after_cpu_ms > 0.1 && after_cpu_ms < 0.3);
        assert_true(between_ms > 0.5 && between_ms < 0.9);
        /* So the recomputed rows are above by at most these shares of a sample's time. */
        double sample_ms = 1e3 * rows[i].seconds / n_samples;
        assert_true(rows[i].seconds / cpu_s - 1 < 3.4 / (sample_ms - 3.4));
        assert_true(rows[i].seconds / ram_s - 1 < 4.3 / (sample_ms - 4.3));
    }
}

static void load_is_integrated_read_by_read(void **state)
{
    (void)state;
    write_cpuinfo("Nobody's CPU", 4, 1, "");
    write_stat(0, 0);
    open_with((struct sw_meter_options){.tdp_w = 100});
    unsigned busy = 0, idle = 0;
    struct sw_cpu_curve curve = sw_cpu_curve_of_tdp(100, sw_cpu_family_find("Nobody's CPU"));
    static const struct {
        unsigned busy, idle;
    } steps[] = {{100, 0}, {0, 100}, {25, 75}, {50, 50}, {8, 0}};
    sw_meter_set_read(set, &a);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        busy += steps[i].busy;
        idle += steps[i].idle;
        write_stat(busy, idle);
        pause_ms(5);
        sw_meter_set_read(set, &b);
        double u = (double)steps[i].busy / (steps[i].busy + steps[i].idle);
        /* The first interval began at open, a little before the first read. */
        if (i > 0)
            watts_are(SW_CPU, sw_cpu_curve_w(&curve, u));
        a = b;
    }
}

static void a_short_interval_is_charged_with_the_last_load_and_corrected(void **state)
{
    (void)state;
    write_cpuinfo("Nobody's CPU", 4, 1, "");
    write_stat(0, 0);
    open_with((struct sw_meter_options){.tdp_w = 100});
    write_stat(0, 100);
    sw_meter_set_read(set, &a);
    write_stat(2, 100); /* fewer than two ticks per CPU: not a load yet, the last was 0 */
    pause_ms(5);
    sw_meter_set_read(set, &b);
    watts_are(SW_CPU, 14);
    write_stat(16, 100);
    pause_ms(5);
    sw_meter_set_read(set, &b); /* sixteen busy ticks since a, no idle ones */
    watts_are(SW_CPU, 70);
    /* Down again: what was charged too much meanwhile is not taken back. */
    a = b;
    write_stat(17, 100);
    pause_ms(5);
    sw_meter_set_read(set, &b);
    watts_are(SW_CPU, 70);
    write_stat(17, 1000);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_true(energy.has_value);
}

static void a_load_that_vanishes_or_goes_back(void **state)
{
    (void)state;
    write_cpuinfo("Nobody's CPU", 1, 1, "");
    write_stat(100, 100);
    open_with((struct sw_meter_options){.tdp_w = 100});
    sw_meter_set_read(set, &a);
    write_stat(50, 10);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_true(energy.has_value);
    fake_tree_write(&tree, "/proc/stat", "nothing\n");
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_false(energy.has_value);
    assert_string_equal(energy.reason, "model:tdp_load could not be read at the end");
}

static void what_cannot_be_modelled_is_absent_with_its_reason(void **state)
{
    (void)state;
    write_cpuinfo("Nobody's CPU", 1, 1, "");
    open_with((struct sw_meter_options){0});
    reason_holds(SW_CPU, "/proc/stat holds no line of CPU times, so no load is known");
    open_with(
        (struct sw_meter_options){.cpu_model = SW_CPU_MODEL_NONE, .ram_model = SW_RAM_MODEL_NONE});
    reason_holds(SW_CPU, "; no CPU model is wanted");
    reason_holds(SW_RAM, "; no RAM model is wanted");
    assert_int_equal(sw_meter_set_count(set), 0);
}

static void control_groups_are_mentioned(void **state)
{
    (void)state;
    write_cpuinfo("Nobody's CPU", 4, 1, "");
    write_stat(1, 1);
    fake_tree_write(&tree, "/proc/meminfo", "MemTotal:       16777216 kB\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/memory.max", "max\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu.max", "150000 100000\n");
    fake_tree_write(&tree, "/proc/self/cgroup", "0::/box\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/box/memory.max", "2147483648\n");
    open_with((struct sw_meter_options){0});
    reason_holds(SW_CPU, "of which the control group's 1.50 of 4 CPUs are charged");
    assert_non_null(strstr(sw_meter_set_info(set, meter_named("model:tdp_load"))->formula,
                           "T = 16 W, s = 0.375,"));
    assert_string_equal(sw_meter_set_info(set, meter_named("model:tdp_load"))->scope,
                        "control group's share");
    reason_holds(SW_RAM, "modelled: 6.00 W for 16.00 GiB by CodeCarbon 2.8.2's 3/8 W per GiB; "
                         "the control group may use 2.0 GiB of it");
    open_with((struct sw_meter_options){.ram_model = SW_RAM_MODEL_PER_GIB});
    reason_holds(SW_RAM,
                 "modelled: 0.75 W for 2.00 GiB by 3/8 W per GiB, the control group's share "
                 "of 16.0 GiB");
    assert_non_null(strstr(sw_meter_set_info(set, meter_named("model:ram_per_gib"))->formula,
                           "s = 0.125 of it"));
    fake_tree_write(&tree, "/sys/fs/cgroup/cpu.max", "max 100000\n");
    fake_tree_write(&tree, "/sys/fs/cgroup/box/memory.max", "9223372036854771712\n");
    open_with((struct sw_meter_options){0});
    assert_null(strstr(sw_meter_set_reason(set, SW_CPU), "control group"));
    assert_null(strstr(sw_meter_set_reason(set, SW_RAM), "control group"));
    open_with((struct sw_meter_options){.ram_model = SW_RAM_MODEL_PER_GIB});
    reason_holds(SW_RAM, "modelled: 6.00 W for 16.00 GiB by 3/8 W per GiB");
    assert_null(strstr(sw_meter_set_reason(set, SW_RAM), "control group"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ram_vectors),
        TEST(cpu_vectors),
        TEST(families_by_name_have_the_published_shape),
        TEST(stat_lines),
        TEST(machine_texts),
        TEST(codecarbon_v2_reproduces_its_constants),
        TEST(ram_v3_from_a_tree),
        TEST(tdp_is_scaled_by_what_the_machine_is),
        TEST(a_guest_is_charged_its_threads_of_the_host),
        TEST(codecarbon_v3_follows_its_cubic),
        TEST(the_study_is_recomputed),
        TEST(load_is_integrated_read_by_read),
        TEST(a_short_interval_is_charged_with_the_last_load_and_corrected),
        TEST(a_load_that_vanishes_or_goes_back),
        TEST(what_cannot_be_modelled_is_absent_with_its_reason),
        TEST(control_groups_are_mentioned),
    };
    return cmocka_run_group_tests_name("meter models", tests, NULL, NULL);
}
