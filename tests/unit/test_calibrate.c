/* The CPU model's curve: fitted to points of known parameters, to steps of load on a fake machine
 * whose counter follows a known curve, written, read back and used; and what is refused. */
#include "support/close.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "bench/calibrate.h"
#include "meter/calibration.h"
#include "support/fake_tree.h"
#include "support/waveform.h"

static struct sw_error err;

/* The fit. */

static void known_curves_come_back(void **state)
{
    (void)state;
    static const struct sw_cpu_curve curves[] = {
        {100, 0.2, 0.05}, {42, 0.5, 0.4}, {280, 0.1, 0.01}, {15, 0, 1}, {65, 0.3, 5},
    };
    for (size_t c = 0; c < sizeof curves / sizeof curves[0]; c++) {
        struct sw_curve_point points[9];
        struct sw_curve_fit fit;
        for (size_t i = 0; i < 9; i++) {
            points[i].utilisation = 0.01 + (double)i / 8 * 0.99;
            points[i].watts = sw_cpu_curve_w(&curves[c], points[i].utilisation);
        }
        assert_int_equal(sw_curve_fit(&fit, points, 9, 0.05, &err), SW_OK);
        assert_close(fit.curve.full_w / curves[c].full_w, 1, 1e-6);
        assert_close(fit.curve.idle_share, curves[c].idle_share, 1e-3);
        assert_close(log(fit.curve.knee / curves[c].knee), 0, 1e-2);
        assert_true(fit.residual_percent < 1e-3);
        assert_true(fit.left_out_percent < 0.1);
        assert_false(fit.knee_is_given);
    }
}

static void noise_shows_in_the_error(void **state)
{
    (void)state;
    const struct sw_cpu_curve truth = {120, 0.25, 0.1};
    struct sw_random random = {.seed = 20261124};
    double full_error = 0, stated = 0;
    enum { TRIALS = 200, N = 11 };
    for (int t = 0; t < TRIALS; t++) {
        struct sw_curve_point points[N];
        struct sw_curve_fit fit;
        for (size_t i = 0; i < N; i++) {
            double noise = 0;
            for (int k = 0; k < 12; k++)
                noise += sw_random_unit(&random) - 0.5; /* standard deviation 1 */
            points[i].utilisation = (double)i / (N - 1);
            points[i].watts = sw_cpu_curve_w(&truth, points[i].utilisation) * (1 + 0.03 * noise);
        }
        assert_int_equal(sw_curve_fit(&fit, points, N, 0.05, &err), SW_OK);
        full_error += fabs(fit.curve.full_w / truth.full_w - 1) / TRIALS;
        stated += fit.left_out_percent / TRIALS;
    }
    assert_true(full_error < 0.03);
    print_message("full load off by %.2f %%, stated %.2f %%\n", 100 * full_error, stated);
    assert_true(stated > 2.5 && stated < 5);
}

static void what_cannot_be_fitted_is_told(void **state)
{
    (void)state;
    struct sw_curve_fit fit;
    const struct sw_curve_point two[] = {{0, 10}, {1, 30}, {0.99, 30}};
    assert_int_equal(sw_curve_fit(&fit, two, 3, 0.07, &err), SW_OK);
    assert_true(fit.knee_is_given);
    assert_close(fit.curve.knee, 0.07, 0);
    assert_close(fit.curve.full_w, 30, 0.1);
    static const struct {
        struct sw_curve_point points[3];
        size_t n;
        const char *error;
    } cases[] = {
        {{{0, 10}}, 1, "1 points at 1 different loads: nothing to fit"},
        {{{0.5, 10}, {0.51, 10}}, 2, "at 1 different loads"},
        {{{0, 30}, {0.5, 20}, {1, 10}}, 3, "power does not rise with load"},
        {{{0, 10}, {1, 0}}, 2, "point 2: 0 W at load 1 cannot be"},
        {{{0, 10}, {1, (double)NAN}}, 2, "point 2: nan W"},
        {{{0, 10}, {1.5, 20}}, 2, "point 2: 20 W at load 1.5 cannot be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sw_curve_fit(&fit, cases[i].points, cases[i].n, 0.05, &err), SW_EFORMAT);
        if (strstr(err.text, cases[i].error) == NULL)
            fail_msg("%s", err.text);
    }
}

/* A machine of eight CPUs whose counter and /proc/stat follow its load, kept up by a thread. */

enum { CPUS = 8 };
static const struct sw_cpu_curve machine_curve = {90, 0.22, 0.08};

struct machine {
    struct fake_tree tree;
    pthread_t thread;
    atomic_uint n_busy;
    atomic_bool done;
};

static void rewrite(int fd, const char *text)
{
    assert_int_equal(pwrite(fd, text, strlen(text), 0), (long long)strlen(text));
}

static void *keep_up(void *argument)
{
    struct machine *m = argument;
    char path[256], text[128];
    /* First where that is allowed, so that a busy machine does not keep the counter waiting. */
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO,
                                &(struct sched_param){.sched_priority = 1});
    snprintf(path, sizeof path, "%s" FAKE_POWERCAP "intel-rapl:0/energy_uj", m->tree.root);
    int energy_fd = open(path, O_WRONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/proc/stat", m->tree.root);
    int stat_fd = open(path, O_WRONLY | O_CLOEXEC);
    double uj = 0, busy = 0, idle = 0;
    uint64_t last_ns = sw_clock_ns();
    while (!atomic_load(&m->done)) {
        sw_clock_sleep_until(last_ns + 1000000);
        uint64_t now_ns = sw_clock_ns();
        double us = (double)(now_ns - last_ns) * 1e-3, u = (double)atomic_load(&m->n_busy) / CPUS;
        uj += us * sw_cpu_curve_w(&machine_curve, u);
        busy += us * u;
        idle += us * (1 - u);
        last_ns = now_ns;
        /* Fixed width, so that a reader never sees a part of a longer text. */
        snprintf(text, sizeof text, "%015" PRIu64 "\n", (uint64_t)uj);
        rewrite(energy_fd, text);
        snprintf(text, sizeof text, "cpu  %015" PRIu64 " 0 0 %015" PRIu64 " 0 0 0 0 0 0\n",
                 (uint64_t)busy, (uint64_t)idle);
        rewrite(stat_fd, text);
    }
    close(energy_fd);
    close(stat_fd);
    return NULL;
}

static void write_cpuinfo(const struct fake_tree *tree, const char *name, int n)
{
    char text[4096] = "";
    for (int i = 0; i < n; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "processor\t: %d\nmodel name\t: %s\nphysical id\t: 0\nflags\t\t: fpu\n\n", i,
                 name);
    }
    fake_tree_write(tree, "/proc/cpuinfo", text);
}

static void start(struct machine *m)
{
    atomic_init(&m->n_busy, 0);
    atomic_init(&m->done, false);
    waveform_tree_create(&m->tree);
    write_cpuinfo(&m->tree, "Nobody's CPU 8", CPUS);
    fake_tree_write(&m->tree, "/proc/stat",
                    "cpu  000000000000000 0 0 000000000000000 0 0 0 0 0 0\n");
    fake_tree_zone(&m->tree, "intel-rapl:0", "package-0", 0, UINT64_C(262143328850));
    fake_tree_write(&m->tree, FAKE_POWERCAP "intel-rapl:0/energy_uj", "000000000000000\n");
    assert_int_equal(pthread_create(&m->thread, NULL, keep_up, m), 0);
}

static void stop(struct machine *m)
{
    atomic_store(&m->done, true);
    pthread_join(m->thread, NULL);
}

static enum sw_code pretend_load(void *ctx, const struct sw_calibrate_step *step, uint64_t until_ns,
                                 struct sw_error *error)
{
    (void)error;
    struct machine *m = ctx;
    atomic_store(&m->n_busy, step->n_threads);
    sw_clock_sleep_until(until_ns);
    return SW_OK;
}

static struct sw_meter_set *open_meters(const struct machine *m, enum sw_cpu_model model)
{
    struct sw_meter_set *set;
    struct sw_meter_options options = {
        .sysfs_root = m->tree.root, .cpu_model = model, .ram_model = SW_RAM_MODEL_NONE};
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    return set;
}

static struct sw_calibrate_result result;

static void steps_of_load_give_the_machines_curve(void **state)
{
    (void)state;
    struct machine m;
    char stat_path[128];
    start(&m);
    snprintf(stat_path, sizeof stat_path, "%s/proc/stat", m.tree.root);
    struct sw_calibrate_plan plan = {
        .meters = open_meters(&m, SW_CPU_MODEL_NONE),
        .component = SW_CPU,
        .stat_path = stat_path,
        .n_logical = CPUS,
        .settle_ns = 20000000,
        .step_ns = 150000000,
        .load = pretend_load,
        .ctx = &m,
    };
    sw_meter_set_measure_ticks(plan.meters, 50000000);
    if (sw_calibrate_run(&result, &plan, &err) != SW_OK)
        fail_msg("%s", err.text);
    stop(&m);
    struct sw_curve_point points[SW_CURVE_MAX_POINTS];
    struct sw_curve_fit fit;
    assert_int_equal(result.n_steps, 2 + 2 * CPUS);
    for (size_t i = 0; i < result.n_steps; i++) {
        assert_int_equal(result.steps[i].n_threads, i + 1 == result.n_steps ? 0 : (i + 1) / 2);
        assert_close(result.steps[i].utilisation, result.steps[i].n_threads / 8.0, 0.02);
        points[i] = (struct sw_curve_point){result.steps[i].utilisation, result.steps[i].watts};
    }
    assert_string_equal(result.energy.meter, "powercap:package-0");
    assert_int_equal(sw_curve_fit(&fit, points, result.n_steps, 0.05, &err), SW_OK);
    print_message("full %.3f W, idle share %.4f, knee %.4f, left out %.2f %%\n", fit.curve.full_w,
                  fit.curve.idle_share, fit.curve.knee, fit.left_out_percent);
    assert_close(fit.curve.full_w / machine_curve.full_w, 1, 0.02);
    assert_close(fit.curve.idle_share, machine_curve.idle_share, 0.02);
    for (double u = 0; u <= 1; u += 0.125)
        assert_close(sw_cpu_curve_w(&fit.curve, u) / sw_cpu_curve_w(&machine_curve, u), 1, 0.03);
    sw_meter_set_close(plan.meters);
    fake_tree_destroy(&m.tree);
}

static void a_machine_without_counts_is_told(void **state)
{
    (void)state;
    struct machine m;
    start(&m);
    stop(&m); /* nothing moves any more */
    struct sw_calibrate_plan plan = {
        .meters = open_meters(&m, SW_CPU_MODEL_NONE),
        .component = SW_CPU,
        .stat_path = "/nowhere/stat",
        .n_logical = CPUS,
        .step_ns = 1000000,
        .load = pretend_load,
        .ctx = &m,
    };
    assert_int_equal(sw_calibrate_run(&result, &plan, &err), SW_EABSENT);
    assert_non_null(strstr(err.text, "/nowhere/stat"));
    char stat_path[128];
    snprintf(stat_path, sizeof stat_path, "%s/proc/stat", m.tree.root);
    plan.stat_path = stat_path;
    assert_int_equal(sw_calibrate_run(&result, &plan, &err), SW_EFORMAT);
    assert_non_null(strstr(err.text, "did not count in"));
    plan.component = SW_GPU;
    assert_int_equal(sw_calibrate_run(&result, &plan, &err), SW_EABSENT);
    sw_meter_set_close(plan.meters);
    fake_tree_destroy(&m.tree);
}

/* The file. */

#define CALIBRATION                                                                                \
    "{\"schema_version\":1,\"type\":\"calibration\",\"cpu\":\"Nobody's CPU 8\","                   \
    "\"n_logical_cpus\":8,\"n_sockets\":1,\"component\":\"cpu\",\"meter\":\"powercap:package-0\"," \
    "\"made_at\":\"2026-01-02T03:04:05Z\",\"full_w\":90,\"idle_share\":0.22,\"knee\":0.08,"        \
    "\"uncertainty_percent\":6.5,\"left_out_percent\":2.5}"

static void write_calibration(const struct fake_tree *tree, const char *text, char path[128])
{
    fake_tree_write(tree, "/calibration.json", text);
    snprintf(path, 128, "%s/calibration.json", tree->root);
    setenv("SMOLWATT_CALIBRATION", path, 1);
}

static const struct sw_meter_info *meter_named(const struct sw_meter_set *set, const char *name)
{
    for (size_t i = 0; i < sw_meter_set_count(set); i++)
        if (strcmp(sw_meter_set_info(set, i)->name, name) == 0)
            return sw_meter_set_info(set, i);
    return NULL;
}

static void a_later_run_without_counter_uses_it(void **state)
{
    (void)state;
    struct machine m;
    char path[128];
    waveform_tree_create(&m.tree);
    write_cpuinfo(&m.tree, "Nobody's CPU 8", CPUS);
    fake_tree_write(&m.tree, "/proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\n");
    write_calibration(&m.tree, CALIBRATION, path);
    struct sw_meter_set *set = open_meters(&m, SW_CPU_MODEL_TDP_LOAD);
    const struct sw_meter_info *info = meter_named(set, "model:calibrated");
    assert_non_null(info);
    assert_int_equal(info->source, SW_MODELLED);
    assert_close(info->uncertainty_percent, 6.5, 0);
    assert_non_null(strstr(info->formula, "F = 90 W, s = 1, i = 0.22, k = 0.08, fitted on "
                                          "powercap:package-0, 2026-01-02T03:04:05Z"));
    assert_non_null(strstr(sw_meter_set_reason(set, SW_CPU), path));
    struct sw_snapshot a, b;
    struct sw_energy energy;
    fake_tree_write(&m.tree, "/proc/stat", "cpu  500 0 0 500 0 0 0 0 0 0\n");
    sw_meter_set_read(set, &a);
    fake_tree_write(&m.tree, "/proc/stat", "cpu  1000 0 0 1000 0 0 0 0 0 0\n");
    usleep(20000);
    sw_meter_set_read(set, &b);
    sw_meter_set_energy(set, SW_CPU, &a, &b, &energy);
    double seconds = (double)(b.readings[0].at_ns - a.readings[0].at_ns) * 1e-9;
    assert_close((double)energy.uj * 1e-6 / seconds, sw_cpu_curve_w(&machine_curve, 0.5), 0.01);
    sw_meter_set_close(set);
    /* A quota is charged its part of that machine, too. */
    fake_tree_write(&m.tree, "/sys/fs/cgroup/cpu.max", "200000 100000\n");
    set = open_meters(&m, SW_CPU_MODEL_TDP_LOAD);
    assert_non_null(strstr(meter_named(set, "model:calibrated")->formula, "s = 0.25,"));
    sw_meter_set_close(set);
    /* CodeCarbon's formulas know of none. */
    set = open_meters(&m, SW_CPU_MODEL_CODECARBON_V3);
    assert_null(meter_named(set, "model:calibrated"));
    sw_meter_set_close(set);
    /* Without the variable a replayed tree has none, whatever the home folder holds. */
    unsetenv("SMOLWATT_CALIBRATION");
    assert_null(sw_calibration_path_dup(m.tree.root));
    set = open_meters(&m, SW_CPU_MODEL_TDP_LOAD);
    assert_null(meter_named(set, "model:calibrated"));
    sw_meter_set_close(set);
    fake_tree_destroy(&m.tree);
}

static void a_meter_at_the_supply_stands_beside(void **state)
{
    (void)state;
    struct machine m;
    char path[128], text[1024], *at;
    waveform_tree_create(&m.tree);
    write_cpuinfo(&m.tree, "Nobody's CPU 8", CPUS);
    fake_tree_write(&m.tree, "/proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\n");
    snprintf(text, sizeof text, "%s", CALIBRATION);
    at = strstr(text, "\"component\":\"cpu\"");
    memmove(at + 22, at + 18, strlen(at + 18) + 1);
    memcpy(at, "\"component\":\"machine\",", 22);
    write_calibration(&m.tree, text, path);
    struct sw_meter_set *set = open_meters(&m, SW_CPU_MODEL_TDP_LOAD);
    assert_int_equal(meter_named(set, "model:calibrated")->component, SW_MACHINE);
    assert_non_null(meter_named(set, "model:tdp_load"));
    sw_meter_set_close(set);
    unsetenv("SMOLWATT_CALIBRATION");
    fake_tree_destroy(&m.tree);
}

static void a_file_that_does_not_fit_is_left_alone_aloud(void **state)
{
    (void)state;
    struct machine m;
    char path[128];
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"Nobody's CPU 8", "Nobody's CPU 9",
         "is left alone: of another machine (\"Nobody's CPU 9\""},
        {"_cpus\":8", "_cpus\":4", "4 CPUs)"},
        {"\"calibration\"", "\"end\"", "not a calibration"},
        {"\"full_w\":90", "\"full_w\":-1", "\"full_w\" is -1"},
        {"\"full_w\":90", "\"full_w\":\"x\"", "\"full_w\" is missing, or no number"},
        {"\"knee\":0.08", "\"knee\":0", "\"knee\" is 0"},
        {"\"idle_share\":0.22", "\"idle_share\":1.5", "\"idle_share\" is 1.5"},
        {"\"component\":\"cpu\"", "\"component\":\"gpu\"", "neither cpu nor machine"},
        {"\"schema_version\":1", "\"schema_version\":9", "\"schema_version\" is 9"},
        {"\"meter\":\"powercap:package-0\",", "", "\"meter\" is missing"},
        {CALIBRATION, "[]", "not a JSON object"},
        {CALIBRATION, "", "calibration.json"},
    };
    waveform_tree_create(&m.tree);
    write_cpuinfo(&m.tree, "Nobody's CPU 8", CPUS);
    fake_tree_write(&m.tree, "/proc/stat", "cpu  0 0 0 0 0 0 0 0 0 0\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        const char *at = strstr(CALIBRATION, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - CALIBRATION), CALIBRATION, cases[i].to,
                 at + strlen(cases[i].from));
        write_calibration(&m.tree, text, path);
        struct sw_meter_set *set = open_meters(&m, SW_CPU_MODEL_TDP_LOAD);
        assert_null(meter_named(set, "model:calibrated"));
        assert_non_null(meter_named(set, "model:tdp_load"));
        if (strstr(sw_meter_set_reason(set, SW_CPU), cases[i].reason) == NULL)
            fail_msg("%s: %s", cases[i].to, sw_meter_set_reason(set, SW_CPU));
        sw_meter_set_close(set);
    }
    setenv("SMOLWATT_CALIBRATION", "/nowhere/calibration.json", 1);
    struct sw_meter_set *set = open_meters(&m, SW_CPU_MODEL_TDP_LOAD);
    assert_non_null(strstr(sw_meter_set_reason(set, SW_CPU),
                           "left alone: /nowhere/calibration.json: no such file"));
    sw_meter_set_close(set);
    setenv("SMOLWATT_CALIBRATION", "none", 1);
    assert_null(sw_calibration_path_dup(""));
    unsetenv("SMOLWATT_CALIBRATION");
    fake_tree_destroy(&m.tree);
}

static void the_place_goes_by_the_environment(void **state)
{
    (void)state;
    setenv("XDG_CONFIG_HOME", "/x", 1);
    char *path = sw_calibration_path_dup("");
    assert_string_equal(path, "/x/smolwatt/calibration.json");
    free(path);
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "/h", 1);
    path = sw_calibration_path_dup("");
    assert_string_equal(path, "/h/.config/smolwatt/calibration.json");
    free(path);
    unsetenv("HOME");
    assert_null(sw_calibration_path_dup(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_curves_come_back),
        cmocka_unit_test(noise_shows_in_the_error),
        cmocka_unit_test(what_cannot_be_fitted_is_told),
        cmocka_unit_test(steps_of_load_give_the_machines_curve),
        cmocka_unit_test(a_machine_without_counts_is_told),
        cmocka_unit_test(a_later_run_without_counter_uses_it),
        cmocka_unit_test(a_meter_at_the_supply_stands_beside),
        cmocka_unit_test(a_file_that_does_not_fit_is_left_alone_aloud),
        cmocka_unit_test(the_place_goes_by_the_environment),
    };
    return cmocka_run_group_tests_name("calibrate", tests, NULL, NULL);
}
