/* The sampling thread beside edges: wraps in long windows, its cost, its trace; and everything that
 * may go wrong between two edges: a marked value or none, never a wrong joule. */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "meter/meter.h"
#include "meter/sampler.h"
#include "support/close.h"
#include "support/waveform.h"

#define RANGE UINT64_C(262143328850)
static const uint64_t ms_ns = 1000000;

static struct fake_tree tree;
static struct waveform_writer writer;
static struct sw_meter_set *set;
static struct sw_meter_sampler *sampler;
static struct sw_meter_sampler_report report;
static struct sw_snapshot a, b;
static struct sw_energy energy;

/* Clocks that a test can move. */
static _Atomic uint64_t slept_ns, stepped_ns;

static uint64_t moved_boot_ns(void)
{
    return sw_clock_boot_ns() + slept_ns;
}

static uint64_t moved_wall_ns(void)
{
    return sw_clock_wall_ns() + stepped_ns;
}

static int setup(void **state)
{
    (void)state;
    slept_ns = stepped_ns = 0;
    set = NULL;
    sampler = NULL;
    report = (struct sw_meter_sampler_report){0};
    writer = (struct waveform_writer){0};
    waveform_tree_create(&tree);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sw_meter_sampler_stop(sampler, NULL);
    sw_meter_sampler_report_free(&report);
    sw_meter_set_close(set);
    waveform_stop(&writer);
    fake_tree_destroy(&tree);
    return 0;
}

static void sleep_ms(uint64_t ms)
{
    sw_clock_sleep_until(sw_clock_ns() + ms * ms_ns);
}

static void open_set(void)
{
    struct sw_error err;
    struct sw_meter_options options = {.sysfs_root = tree.root,
                                       .cpu_model = SW_CPU_MODEL_NONE,
                                       .ram_model = SW_RAM_MODEL_NONE,
                                       .boot_clock_ns = moved_boot_ns,
                                       .wall_clock_ns = moved_wall_ns};
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
}

static void start_sampler(struct sw_meter_sampler_options options)
{
    struct sw_error err;
    assert_int_equal(sw_meter_sampler_start(&sampler, set, &options, &err), SW_OK);
}

static void stop_sampler(void)
{
    sw_meter_sampler_stop(sampler, &report);
    sampler = NULL;
}

/* A counter that stands where the test puts it, read every 2 ms. */
static void open_still(void)
{
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 1000, RANGE);
    open_set();
    start_sampler((struct sw_meter_sampler_options){.period_ns = 2 * ms_ns});
}

/* A counter that moves every millisecond. */
static void open_moving(enum waveform waveform, uint64_t range_uj, uint64_t period_ns)
{
    writer.n = 1;
    writer.zones[0] = (struct waveform_zone){.tree = &tree,
                                             .zone = "intel-rapl:0",
                                             .name = "package-0",
                                             .waveform = waveform,
                                             .scale = 1,
                                             .start_uj = 5,
                                             .range_uj = range_uj};
    waveform_start(&writer);
    /* A writer that other programs hold up ticks late: what is tested needs one that does not. */
    for (int attempt = 0; attempt < 50; attempt++) {
        open_set();
        sw_meter_set_measure_ticks(set, 60 * ms_ns);
        uint64_t tick_ns = sw_meter_set_info(set, 0)->tick_ns;
        if ((tick_ns >= 900000 && tick_ns <= 1100000) || attempt == 49)
            break;
        sw_meter_set_close(set);
        set = NULL;
    }
    assert_in_range(sw_meter_set_info(set, 0)->tick_ns, 900000, 1100000);
    if (period_ns > 0)
        start_sampler((struct sw_meter_sampler_options){.period_ns = period_ns});
}

static void put(uint64_t uj)
{
    fake_tree_count(&tree, "intel-rapl:0", uj);
    sleep_ms(30); /* the sampler sees it */
}

static void begin(void)
{
    sw_meter_set_read(set, &a);
}

static void end(void)
{
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
}

static void is_absent(enum sw_meter_fault fault, const char *reason)
{
    if (energy.has_value)
        fail_msg("%" PRIu64 " uJ in the place of \"%s\"", energy.uj, reason);
    assert_int_equal(energy.source, SW_ABSENT);
    if (strstr(energy.reason, reason) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", energy.reason, reason);
    assert_true(energy.faults & 1u << fault);
}

static void is_marked(enum sw_meter_fault fault, const char *reason)
{
    if (!energy.has_value)
        fail_msg("no value: %s", energy.reason);
    if (strstr(energy.reason, reason) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", energy.reason, reason);
    assert_true(energy.faults & 1u << fault);
}

/* Wraps. */

static void several_wraps_in_a_window_are_folded(void **state)
{
    (void)state;
    open_moving(WAVEFORM_SQUARE, 7000000, 20 * ms_ns); /* round in 0.28 s */
    for (int tries = 0; tries < 5; tries++) {
        sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &a);
        sleep_ms(1700);
        sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &b);
        sleep_ms(4);
        sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
        if (!waveform_was_on_time(&writer, a.end_ns) || !waveform_was_on_time(&writer, b.begin_ns))
            continue;
        assert_true(energy.has_value);
        double exact = waveform_uj(&writer, 0, a.end_ns, b.begin_ns);
        assert_true(exact > 5 * 7e6);
        assert_close((double)energy.uj / exact, 1, 0.001);
        return;
    }
    print_message("# the counter was written late each time: the machine is too busy\n");
    skip();
}

static void a_long_time_unread_may_hide_a_wrap(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 1000, 1000000000);
    open_set();
    begin();
    sleep_ms(1010); /* at 1 kW a kilojoule, which is all its range */
    fake_tree_count(&tree, "intel-rapl:0", 2000);
    end();
    is_absent(SW_FAULT_UNSEEN_WRAP, "powercap:package-0 was not read for so long");
}

/* Faults of a counter. */

static void a_counter_that_goes_back_and_on_gives_nothing(void **state)
{
    (void)state;
    open_still();
    put(90000);
    begin();
    put(100000);
    put(99000);
    put(200000); /* the two edges alone see nothing of it */
    end();
    is_absent(SW_FAULT_WENT_BACK, "powercap:package-0 went from 100000 to 99000 uJ");
    begin();
    put(200500);
    end();
    assert_true(energy.has_value); /* what comes after is good */
    assert_int_equal(energy.uj, 500);
    if ((energy.faults & 1u << SW_FAULT_LATE) == 0) /* a busy machine may hold the sampler up */
        assert_string_equal(energy.reason, "");
    stop_sampler();
    assert_int_equal(report.n_faults[SW_FAULT_WENT_BACK], 1);
}

static void a_counter_that_is_gone_at_the_end_gives_nothing(void **state)
{
    (void)state;
    open_still();
    begin();
    put(5000);
    fake_tree_remove(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj");
    sleep_ms(20);
    end();
    is_absent(SW_FAULT_UNREADABLE, "powercap:package-0 could not be read at the end: ");
}

static void a_counter_that_was_gone_and_starts_anew_gives_nothing(void **state)
{
    (void)state;
    open_still();
    begin();
    put(5000);
    fake_tree_remove(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj");
    sleep_ms(20);
    put(70); /* its driver was loaded again: no wrap, though its range would allow for one */
    put(9000);
    end();
    is_absent(SW_FAULT_WENT_BACK, "powercap:package-0 went from 5000 to 70 uJ");
}

static void a_counter_that_cannot_be_read_for_a_while_is_marked(void **state)
{
    (void)state;
    open_still();
    begin();
    put(5000);
    fake_tree_write(&tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", "oops\n");
    sleep_ms(20);
    put(9000);
    end();
    is_marked(SW_FAULT_UNREADABLE, "powercap:package-0 could not be read for a while in between");
    assert_int_equal(energy.uj, 8000);
    stop_sampler();
    assert_true(report.n_faults[SW_FAULT_UNREADABLE] > 0);
}

static void a_counter_that_freezes_gives_nothing(void **state)
{
    (void)state;
    open_moving(WAVEFORM_CONSTANT, RANGE, 10 * ms_ns);
    begin();
    sleep_ms(50);
    kill(writer.pid, SIGSTOP);
    sleep_ms(650);
    end();
    is_absent(SW_FAULT_FROZEN,
              "powercap:package-0 stood still for a while, though it ticked every");
    kill(writer.pid, SIGCONT);
    sleep_ms(50);
    end(); /* across it: what it did not count while it stood is lost, or not */
    is_absent(SW_FAULT_FROZEN, "stood still");
    begin();
    sleep_ms(50);
    end();
    if (waveform_was_on_time(&writer, a.end_ns))
        assert_true(energy.has_value);
    stop_sampler();
    assert_true(report.n_faults[SW_FAULT_FROZEN] >= 2);
}

static void a_counter_that_stood_in_a_short_window_gives_nothing(void **state)
{
    (void)state;
    open_moving(WAVEFORM_CONSTANT, RANGE, 0);
    kill(writer.pid, SIGSTOP);
    sleep_ms(5);
    begin();
    sleep_ms(30);
    end();
    is_absent(SW_FAULT_FROZEN, "powercap:package-0 stood still, though it ticked every");
}

static void a_counter_that_stalls_at_an_edge_spoils_that_edge(void **state)
{
    (void)state;
    open_moving(WAVEFORM_CONSTANT, RANGE, 0);
    struct sw_snapshot stalled;
    sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &a);
    assert_true(a.aligned);
    assert_true(a.waited_ns > 0);
    sleep_ms(100);
    kill(writer.pid, SIGSTOP);
    sleep_ms(5);
    sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &stalled);
    assert_false(stalled.aligned);
    assert_in_range(stalled.waited_ns, SW_EDGE_WAIT_NS - ms_ns, UINT64_MAX);
    sw_meter_set_energy(set, SW_CPU, &a, &stalled, &energy);
    is_absent(SW_FAULT_STALLED, "powercap:package-0 did not tick at the end");
    kill(writer.pid, SIGCONT);
    sleep_ms(100);
    sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &b);
    sw_meter_set_energy(set, SW_CPU, &stalled, &b, &energy);
    is_absent(SW_FAULT_STALLED, "powercap:package-0 did not tick at the beginning");
    /* Across it the counter may have left something out, so the figure is less certain. */
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    is_marked(SW_FAULT_STALLED, "did not tick for a while in between");
    assert_true(energy.edge_percent > 5);
    double exact = waveform_uj(&writer, 0, a.end_ns, b.begin_ns);
    assert_true(fabs((double)energy.uj - exact) / exact * 100 < energy.edge_percent);
}

/* Clocks. */

static void a_sleep_of_the_machine_gives_nothing(void **state)
{
    (void)state;
    open_still();
    begin();
    put(5000);
    slept_ns = UINT64_C(3600123) * ms_ns;
    put(9000);
    end();
    is_absent(SW_FAULT_SUSPENDED, "the machine was suspended for 3600.123 s in between");
    begin();
    put(9100);
    end();
    assert_true(energy.has_value);
    assert_int_equal(energy.uj, 100);
    stop_sampler();
    assert_close((double)report.suspended_ns * 1e-9, 3600.123, 0.001);
}

static void a_step_of_the_date_is_marked_and_changes_nothing(void **state)
{
    (void)state;
    open_still();
    begin();
    put(5000);
    stepped_ns = (uint64_t)-7200 * 1000 * ms_ns; /* two hours back */
    put(9000);
    end();
    is_marked(SW_FAULT_CLOCK_STEPPED, "the wall clock stepped by -7200.000 s in between");
    assert_int_equal(energy.uj, 8000);
    stop_sampler();
    assert_int_equal(report.n_clock_steps, 1);
    assert_close((double)report.largest_step_ns * 1e-9, -7200, 0.01);
}

/* What a program that is stopped (SIGSTOP) and goes on sees of it. */
static void be_stopped(int out)
{
    start_sampler((struct sw_meter_sampler_options){.period_ns = 10 * ms_ns});
    begin();
    sleep_ms(30);
    raise(SIGSTOP);
    sleep_ms(30);
    end();
    stop_sampler();
    if (write(out, &energy, sizeof energy) != sizeof energy ||
        write(out, &report, sizeof report) != sizeof report)
        _exit(1);
    _exit(0);
}

static void a_program_that_was_stopped_marks_its_joules(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 1000, RANGE);
    open_set();
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_stopped(ends[1]);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    sleep_ms(300);
    fake_tree_count(&tree, "intel-rapl:0", 8000);
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(read(ends[0], &energy, sizeof energy), sizeof energy);
    assert_int_equal(read(ends[0], &report, sizeof report), sizeof report);
    close(ends[0]);
    close(ends[1]);
    report.trace = NULL;
    is_marked(SW_FAULT_LATE, "the sampler was held up: nobody looked at the counters for a while");
    assert_int_equal(energy.uj, 7000);
    assert_true(report.n_late >= 1);
    assert_true(report.longest_gap_ns > 290 * ms_ns);
}

/* The sampler itself. */

static void a_trace_is_bounded_and_covers_the_run(void **state)
{
    (void)state;
    open_moving(WAVEFORM_CONSTANT, RANGE, 0);
    start_sampler((struct sw_meter_sampler_options){
        .period_ns = 4 * ms_ns, .keep_trace = true, .trace_capacity = 8});
    sleep_ms(400);
    stop_sampler();
    assert_in_range(report.n_trace, 2, 7);
    assert_non_null(report.trace);
    for (size_t i = 0; i < report.n_trace; i++) {
        const struct sw_power_point *point = &report.trace[i];
        assert_true(point->end_ns > point->begin_ns);
        if (i > 0)
            assert_in_range(point->begin_ns - report.trace[i - 1].end_ns, 0, 20 * ms_ns);
        if (waveform_was_on_time(&writer, point->begin_ns) &&
            waveform_was_on_time(&writer, point->end_ns))
            assert_close(point->watts[SW_CPU], 25,
                         25 * 2e6 / (double)(point->end_ns - point->begin_ns));
        assert_true(isnan(point->watts[SW_GPU]));
    }
    assert_in_range(report.trace[0].begin_ns, report.begin_ns, report.begin_ns + 10 * ms_ns);
    assert_true(report.n_samples > 10);
}

static void no_sampler_and_no_meters_are_no_trouble(void **state)
{
    (void)state;
    sw_meter_sampler_stop(NULL, &report);
    assert_int_equal(report.n_samples, 0);
    open_set();
    assert_int_equal(sw_meter_set_count(set), 0);
    sw_meter_set_measure_ticks(set, ms_ns);
    start_sampler((struct sw_meter_sampler_options){.keep_trace = true});
    sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &a);
    assert_int_equal(a.waited_ns, 0);
    assert_false(a.aligned);
    stop_sampler();
    assert_int_equal(report.period_ns, 100 * ms_ns);
    assert_false(report.has_own_uj);
}

static void a_counter_that_stands_has_no_tick_and_is_not_waited_for(void **state)
{
    (void)state;
    fake_tree_zone(&tree, "intel-rapl:0", "package-0", 1000, RANGE);
    open_set();
    sw_meter_set_measure_ticks(set, 5 * ms_ns);
    assert_int_equal(sw_meter_set_info(set, 0)->tick_ns, 0);
    assert_true(sw_meter_set_info(set, 0)->read_ns > 0);
    sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &a);
    assert_int_equal(a.waited_ns, 0);
    fake_tree_count(&tree, "intel-rapl:0", 3000);
    sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &b);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    assert_true(energy.has_value);
    assert_int_equal(energy.uj, 2000);
    assert_close(energy.edge_percent, 0, 0);
}

static void open_eight(void)
{
    static const char *const zones[][2] = {
        {"intel-rapl:0", "package-0"}, {"intel-rapl:0/intel-rapl:0:0", "dram"},
        {"intel-rapl:1", "package-1"}, {"intel-rapl:1/intel-rapl:1:0", "dram"},
        {"intel-rapl:2", "package-2"}, {"intel-rapl:2/intel-rapl:2:0", "dram"},
        {"intel-rapl:3", "package-3"}, {"intel-rapl:3/intel-rapl:3:0", "dram"},
    };
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        fake_tree_zone(&tree, zones[i][0], zones[i][1], 1000 * (i + 1), RANGE);
    open_set();
    assert_int_equal(sw_meter_set_count(set), 8);
}

static void instrumented_is_skipped(void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    print_message("# costs are not those of an instrumented program\n");
    skip();
#endif
}

static uint64_t cpu_of_sleeping_ns; /* processor time of ten sleeps of 100 ms */

static void *only_sleep(void *unused)
{
    (void)unused;
    uint64_t begin_ns = sw_clock_ns();
    for (uint64_t i = 1; i <= 10; i++)
        sw_clock_sleep_until(begin_ns + i * 100 * ms_ns);
    cpu_of_sleeping_ns = sw_clock_thread_cpu_ns();
    return NULL;
}

/* To sleep and wake ten times a second is charged with 5 to 90 us a time, by the machine: a virtual
 * one without load is dearest. What the sampler does beyond that is its own. The least of several
 * tries, as a busy machine only adds. */
static void its_cost_is_small(void **state)
{
    (void)state;
    instrumented_is_skipped();
    open_eight();
    double least = INFINITY, sleeping = INFINITY;
    for (int i = 0; i < 4 && (i == 0 || least > 0.1); i++) {
        pthread_t thread;
        start_sampler((struct sw_meter_sampler_options){.keep_trace = true});
        assert_int_equal(pthread_create(&thread, NULL, only_sleep, NULL), 0);
        sleep_ms(1030);
        assert_int_equal(pthread_join(thread, NULL), 0);
        sw_meter_sampler_report_free(&report);
        stop_sampler();
        double ns = (double)(report.end_ns - report.begin_ns);
        least = fmin(least, 100 * (double)report.cpu_ns / ns);
        sleeping = fmin(sleeping, 100 * (double)cpu_of_sleeping_ns / ns);
        assert_true(report.n_samples >= 5);
        assert_true(report.cpu_ns > 0);
    }
    print_message("# eight counters at 100 ms: %.4f %% of a core, of which sleeping %.4f %%\n",
                  least, sleeping);
    assert_true(least - sleeping < 0.1);
}

static void start_and_stop_take_less_than_a_millisecond(void **state)
{
    (void)state;
    instrumented_is_skipped();
    open_eight();
    uint64_t least_ns = UINT64_MAX;
    for (int i = 0; i < 50; i++) {
        uint64_t t0 = sw_clock_ns();
        start_sampler((struct sw_meter_sampler_options){.keep_trace = true});
        sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &a);
        uint64_t t1 = sw_clock_ns();
        sleep_ms(2);
        uint64_t t2 = sw_clock_ns();
        sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &b);
        sw_meter_sampler_report_free(&report);
        stop_sampler();
        uint64_t t3 = sw_clock_ns();
        if (t3 - t2 + t1 - t0 < least_ns)
            least_ns = t3 - t2 + t1 - t0;
    }
    print_message("# start and stop of eight counters and a sampler: %.1f us\n",
                  (double)least_ns * 1e-3);
    assert_true(least_ns < ms_ns);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_wraps_in_a_window_are_folded),
        TEST(a_long_time_unread_may_hide_a_wrap),
        TEST(a_counter_that_goes_back_and_on_gives_nothing),
        TEST(a_counter_that_is_gone_at_the_end_gives_nothing),
        TEST(a_counter_that_was_gone_and_starts_anew_gives_nothing),
        TEST(a_counter_that_cannot_be_read_for_a_while_is_marked),
        TEST(a_counter_that_freezes_gives_nothing),
        TEST(a_counter_that_stood_in_a_short_window_gives_nothing),
        TEST(a_counter_that_stalls_at_an_edge_spoils_that_edge),
        TEST(a_sleep_of_the_machine_gives_nothing),
        TEST(a_step_of_the_date_is_marked_and_changes_nothing),
        TEST(a_program_that_was_stopped_marks_its_joules),
        TEST(a_trace_is_bounded_and_covers_the_run),
        TEST(no_sampler_and_no_meters_are_no_trouble),
        TEST(a_counter_that_stands_has_no_tick_and_is_not_waited_for),
        TEST(its_cost_is_small),
        TEST(start_and_stop_take_less_than_a_millisecond),
    };
    return cmocka_run_group_tests_name("meter_sampler", tests, NULL, NULL);
}
