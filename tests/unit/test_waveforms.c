/*
 * Energy of known waveforms through every kind of meter that can be fed from files or a stand-in
 * library: 19 of 20 windows within a bound that fits how the meter is updated. test_edges.c has
 * RAPL's sockets, twins and wraps.
 *
 *   a counter that ticks each millisecond, waited for     2 %, 0.5 %, 0.1 % of 50 ms, 200 ms, 1 s
 *   a counter that ticks each 20 ms, not waited for       one tick at the highest power
 *   power each 10 ms, integrated by trapezoids            see power_bound_j
 */
#include "support/close.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "meter/meter.h"
#include "support/meters.h"
#include "support/waveform.h"

enum { MAX_EDGES = 160, N_WINDOWS = 20, ROUNDS = 6, N_LENGTHS = 3 };
static const uint64_t lengths_ns[N_LENGTHS] = {50000000, 200000000, 1000000000};
static const double aligned_bound[N_LENGTHS] = {0.02, 0.005, 0.001};
enum { GPU_TICK_MS = 20, FEED_TICK_MS = 10 };

static struct fake_tree tree;
static struct sw_meter_set *set;
static struct waveform_writer writer;
static struct sw_snapshot edges[MAX_EDGES];
static size_t n_edges;

static void add_counter(enum waveform_form form, const char *path, double scale,
                        enum waveform waveform)
{
    size_t i = writer.n++;
    writer.zones[i] = (struct waveform_zone){.tree = &tree,
                                             .zone = path,
                                             .form = form,
                                             .waveform = waveform,
                                             .scale = scale,
                                             .start_uj = 1000003 * (i + 1),
                                             .phase_us = (unsigned)(430 * i)};
}

/* Two sockets, which count for ever. */
static void make_hwmon(enum waveform waveform)
{
    fake_tree_write(&tree, "/sys/class/hwmon/hwmon0/name", "amd_energy\n");
    fake_tree_write(&tree, "/sys/class/hwmon/hwmon0/energy1_label", "Esocket0\n");
    fake_tree_write(&tree, "/sys/class/hwmon/hwmon0/energy2_label", "Esocket1\n");
    add_counter(WAVEFORM_FILE, "/sys/class/hwmon/hwmon0/energy1_input", 1, waveform);
    add_counter(WAVEFORM_FILE, "/sys/class/hwmon/hwmon0/energy2_input", 0.6, waveform);
}

/* A package whose 32 bits go round while it is measured. */
static void make_registers(enum waveform waveform)
{
    char path[128];
    const uint64_t units = 0xA0E03; /* 2^-14 J */
    fake_tree_write(&tree, "/proc/cpuinfo",
                    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\n"
                    "model name\t: Some CPU\nphysical id\t: 0\n\n");
    fake_tree_write(&tree, "/dev/cpu/0/msr", "");
    snprintf(path, sizeof path, "%s/dev/cpu/0/msr", tree.root);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &units, sizeof units, 0x606), sizeof units);
    assert_int_equal(pwrite(fd, &units, sizeof units, 0x611), sizeof units);
    close(fd);
    add_counter(WAVEFORM_REGISTER, "/dev/cpu/0/msr", 1, waveform);
    writer.zones[0].offset = 0x611;
    writer.zones[0].start_uj = (UINT64_C(1) << 18) * 1000000 - 30000000;
}

static void make_feed(enum waveform waveform)
{
    add_counter(WAVEFORM_FEED, "/feed", 1, waveform);
    writer.zones[0].tick_ms = FEED_TICK_MS;
}

/* Power in steps, as the stand-in library reads them: half a minute of the square wave. */
static void make_gpu(enum waveform waveform)
{
    static char steps[32768];
    char number[16];
    size_t n = 0;
    assert_int_equal(waveform, WAVEFORM_SQUARE);
    writer.epoch_ns = sw_clock_ns();
    for (unsigned i = 0; i < 600; i++)
        n += (size_t)snprintf(steps + n, sizeof steps - n, "%s%llu:%d", i > 0 ? "," : "",
                              (unsigned long long)(writer.epoch_ns + i * UINT64_C(50000000)),
                              i % 2 == 0 ? 5000 : 45000);
    setenv("FAKE_NVML_STEPS", steps, 1);
    snprintf(number, sizeof number, "%d", GPU_TICK_MS);
    setenv("FAKE_NVML_TICK_MS", number, 1);
    use_library("SMOLWATT_NVML", "fake_nvml");
}

/* Trapezoids between readings d apart are off by at most h d / 2 for a step of h that falls between
 * two of them, evenly spread: n steps by 2 sqrt(n) h d / sqrt(12) in 19 of 20 cases. Two steps more
 * for each end, where power is held until the next line. A ramp's slope comes to nothing. */
static double power_bound_j(enum waveform waveform, double seconds)
{
    static const double height_w[N_WAVEFORMS] = {0, 40, 50, 57},
                        per_s[N_WAVEFORMS] = {0, 20, 1, 2.86};
    double d = FEED_TICK_MS * 1e-3;
    return 0.58 * height_w[waveform] * d * sqrt(per_s[waveform] * seconds + 4);
}

struct kind {
    const char *name;
    void (*make)(enum waveform waveform);
    enum sw_component component;
    unsigned tick_ms; /* 0: the counters' own, waited for */
};
static const struct kind hwmon = {"hwmon", make_hwmon, SW_CPU, 0};
static const struct kind registers = {"registers", make_registers, SW_CPU, 0};
static const struct kind feed = {"feed", make_feed, SW_MACHINE, FEED_TICK_MS};
static const struct kind gpu = {"NVML", make_gpu, SW_GPU, GPU_TICK_MS};

static double bound_of(const struct kind *kind, enum waveform waveform, size_t length,
                       double exact_j, double seconds)
{
    if (kind->tick_ms == 0)
        return aligned_bound[length];
    if (kind->component == SW_MACHINE)
        return aligned_bound[length] + power_bound_j(waveform, seconds) / exact_j;
    return 45 * kind->tick_ms * 1e-3 / exact_j;
}

static double exact_uj(enum waveform waveform, const struct sw_snapshot *a,
                       const struct sw_snapshot *b)
{
    double uj = 0;
    for (size_t i = 0; i < writer.n; i++)
        uj += waveform_uj(&writer, i, a->end_ns, b->begin_ns);
    if (writer.n == 0)
        uj = 1e6 * (waveform_joules(waveform, (double)(b->begin_ns - writer.epoch_ns) * 1e-9) -
                    waveform_joules(waveform, (double)(a->end_ns - writer.epoch_ns) * 1e-9));
    return uj;
}

static bool is_clean(const struct sw_snapshot *edge)
{
    return edge->waited_ns <= 3000000 && edge->end_ns - edge->begin_ns <= 4000000 &&
           (writer.n == 0 || (waveform_was_on_time(&writer, edge->begin_ns) &&
                              waveform_was_on_time(&writer, edge->end_ns)));
}

struct outcome {
    size_t n, n_wrong, n_busy, n_absent;
    double worst, least_bound, largest_bound;
};

static void judge(const struct kind *kind, enum waveform waveform, size_t length,
                  const struct sw_snapshot *a, const struct sw_snapshot *b, struct outcome *o)
{
    struct sw_energy energy;
    if (!is_clean(a) || !is_clean(b)) {
        o->n_busy++;
        return;
    }
    sw_meter_set_energy(set, kind->component, a, b, &energy);
    if (!energy.has_value) {
        print_message("# no value: %s\n", energy.reason);
        o->n_absent++;
        return;
    }
    double exact = exact_uj(waveform, a, b);
    double bound =
        bound_of(kind, waveform, length, exact * 1e-6, (double)(b->begin_ns - a->end_ns) * 1e-9);
    double off = fabs((double)energy.uj - exact) / exact;
    o->least_bound = o->n == 0 ? bound : fmin(o->least_bound, bound);
    o->largest_bound = fmax(o->largest_bound, bound);
    o->n++;
    o->n_wrong += off > bound;
    o->worst = fmax(o->worst, off);
}

static void judge_all(const struct kind *kind, enum waveform waveform, size_t length,
                      struct outcome *o)
{
    for (size_t i = 0; i < n_edges; i++)
        for (size_t k = i + 1; k < n_edges; k++) {
            uint64_t ns = edges[k].begin_ns - edges[i].end_ns;
            if (ns < lengths_ns[length])
                continue;
            if (ns < lengths_ns[length] + lengths_ns[length] / 2)
                judge(kind, waveform, length, &edges[i], &edges[k], o);
            break;
        }
}

static void take_edges(uint64_t duration_ns, struct sw_random *random)
{
    uint64_t begin_ns = sw_clock_ns();
    n_edges = 0;
    while (sw_clock_ns() - begin_ns < duration_ns && n_edges < MAX_EDGES) {
        sw_meter_set_read_at_tick(set, SW_EDGE_WAIT_NS, &edges[n_edges++]);
        sw_clock_sleep_until(sw_clock_ns() + 1000000 + sw_random_next(random) % 14000000);
    }
    sw_clock_sleep_until(sw_clock_ns() + 25000000);
}

static int stop(void **state);

enum finding { GOOD, WRONG, BUSY };

static enum finding follow_once(const struct kind *kind, enum waveform waveform)
{
    struct outcome outcomes[N_LENGTHS] = {0};
    struct sw_random random = {.seed = 40 + (uint64_t)waveform};
    struct sw_error err;
    char path[128];
    bool enough = false;
    waveform_tree_create(&tree);
    kind->make(waveform);
    if (writer.n > 0)
        waveform_start(&writer);
    snprintf(path, sizeof path, "%s/feed", tree.root);
    struct sw_meter_options options = {.sysfs_root = tree.root,
                                       .use_gpu = kind->component == SW_GPU,
                                       .power_feed = kind->component == SW_MACHINE ? path : NULL};
    assert_int_equal(sw_meter_set_open(&set, &options, &err), SW_OK);
    sw_meter_set_measure_ticks(set, kind->component == SW_GPU ? SW_TICK_WATCH_NS : 60000000);
    for (int round = 0; round < ROUNDS && !enough; round++) {
        take_edges(1900000000, &random);
        enough = true;
        for (size_t l = 0; l < N_LENGTHS; l++) {
            judge_all(kind, waveform, l, &outcomes[l]);
            enough = enough && outcomes[l].n >= N_WINDOWS;
        }
    }
    for (size_t l = 0; l < N_LENGTHS; l++) {
        const struct outcome *o = &outcomes[l];
        print_message("# %s, %s, %4.0f ms: %zu windows, %zu beyond %.2f to %.2f %%, worst %.4f %%; "
                      "%zu left out (machine busy), %zu without value\n",
                      kind->name, waveform_name(waveform), (double)lengths_ns[l] * 1e-6, o->n,
                      o->n_wrong, o->least_bound * 100, o->largest_bound * 100, o->worst * 100,
                      o->n_busy, o->n_absent);
    }
    for (size_t l = 0; l < N_LENGTHS && enough; l++)
        if (outcomes[l].n_wrong * N_WINDOWS > outcomes[l].n || outcomes[l].n_absent > 0)
            return WRONG;
    return enough ? GOOD : BUSY;
}

/* On a busy machine a tick may be measured wrongly at start, and then everything is: up to three
 * tries, each with ticks measured anew. What is wrong in the program is so in each of them. */
static void follow(const struct kind *kind, enum waveform waveform)
{
    enum finding finding = follow_once(kind, waveform);
    for (int i = 0; i < 2 && finding != GOOD; i++) {
        stop(NULL);
        finding = follow_once(kind, waveform);
    }
    if (finding == BUSY || (finding == WRONG && waveform_machine_is_overloaded())) {
        print_message("# SKIP %s, %s: the machine is too busy\n", kind->name,
                      waveform_name(waveform));
        skip();
    }
    assert_int_equal(finding, GOOD);
}

static int stop(void **state)
{
    (void)state;
    waveform_stop(&writer);
    sw_meter_set_close(set);
    set = NULL;
    if (tree.root[0] != 0)
        fake_tree_destroy(&tree);
    tree.root[0] = 0;
    writer = (struct waveform_writer){0};
    static const char *const names[] = {"FAKE_NVML_STEPS", "FAKE_NVML_TICK_MS", "SMOLWATT_NVML"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    return 0;
}

#define CASE(kind, waveform, number)                                                               \
    static void kind##_##waveform(void **state)                                                    \
    {                                                                                              \
        (void)state;                                                                               \
        follow(&kind, number);                                                                     \
    }
CASE(hwmon, square, WAVEFORM_SQUARE)
CASE(hwmon, bursts, WAVEFORM_BURSTS)
CASE(registers, square, WAVEFORM_SQUARE)
CASE(registers, ramp, WAVEFORM_RAMP)
CASE(feed, constant, WAVEFORM_CONSTANT)
CASE(feed, square, WAVEFORM_SQUARE)
CASE(feed, ramp, WAVEFORM_RAMP)
CASE(feed, bursts, WAVEFORM_BURSTS)
CASE(gpu, square, WAVEFORM_SQUARE)

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hwmon_square),   TEST(hwmon_bursts),  TEST(registers_square),
        TEST(registers_ramp), TEST(feed_constant), TEST(feed_square),
        TEST(feed_ramp),      TEST(feed_bursts),   TEST(gpu_square),
    };
    return cmocka_run_group_tests_name("waveforms", tests, NULL, NULL);
}
