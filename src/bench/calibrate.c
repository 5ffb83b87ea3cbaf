#include "bench/calibrate.h"

#include <stdio.h>

#include "backend/limits.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "meter/power_model.h"

/* Larger than most caches; read front to back. */
#define READ_BYTES ((size_t)128 << 20)
enum { MOST_ATTEMPTS = 3 };

const char *sw_calibrate_work_name(enum sw_calibrate_work work)
{
    return work == SW_WORK_READ ? "read" : "compute";
}

static enum sw_code read_times(struct sw_cpu_times *out, const char *path, struct sw_error *err)
{
    char line[256];
    enum sw_code code = sw_file_first_line(line, sizeof line, path, err);
    if (code == SW_OK && !sw_power_parse_times(out, line))
        code = sw_fail(err, SW_EFORMAT, "%s holds no line of CPU times, so no load is known", path);
    return code;
}

struct worker {
    struct sw_pool *pool;
    struct sw_limits *limits;
};

static enum sw_code open_worker(struct worker *w, unsigned n_threads, struct sw_error *err)
{
    *w = (struct worker){0};
    if (n_threads == 0)
        return SW_OK;
    enum sw_code code = sw_pool_create(
        &w->pool, &(struct sw_pool_options){.n_threads = (int)n_threads, .wait = SW_WAIT_SLEEP},
        err);
    if (code == SW_OK)
        code = sw_limits_open(&w->limits, w->pool, READ_BYTES, SW_COMPUTE_FMA_F32, err);
    return code;
}

static void close_worker(struct worker *w)
{
    sw_limits_close(w->limits);
    sw_pool_destroy(w->pool);
}

static void work_until(const struct worker *w, const struct sw_calibrate_step *step,
                       uint64_t until_ns)
{
    if (step->n_threads == 0)
        sw_clock_sleep_until(until_ns);
    while (sw_clock_ns() < until_ns) {
        if (step->work == SW_WORK_READ)
            (void)sw_limits_read_bytes_per_second(w->limits);
        else
            (void)sw_limits_operations_per_second(w->limits);
    }
}

static enum sw_code load(const struct sw_calibrate_plan *plan, const struct worker *w,
                         const struct sw_calibrate_step *step, uint64_t ns, struct sw_error *err)
{
    uint64_t until_ns = sw_clock_ns() + ns;
    if (plan->load != NULL)
        return plan->load(plan->ctx, step, until_ns, err);
    work_until(w, step, until_ns);
    return SW_OK;
}

static enum sw_code run_step(struct sw_calibrate_result *out, struct sw_calibrate_step *step,
                             const struct sw_calibrate_plan *plan, struct sw_error *err)
{
    struct worker worker = {0};
    struct sw_cpu_times before, after;
    struct sw_snapshot a, b;
    enum sw_code code = plan->load != NULL ? SW_OK : open_worker(&worker, step->n_threads, err);
    if (code == SW_OK)
        code = load(plan, &worker, step, plan->settle_ns, err);
    if (code == SW_OK) {
        sw_meter_set_read_at_tick(plan->meters, SW_EDGE_WAIT_NS, &a);
        code = read_times(&before, plan->stat_path, err);
    }
    if (code == SW_OK)
        code = load(plan, &worker, step, plan->step_ns, err);
    if (code == SW_OK)
        code = read_times(&after, plan->stat_path, err);
    if (code != SW_OK)
        goto done;
    sw_meter_set_read_at_tick(plan->meters, SW_EDGE_WAIT_NS, &b);
    sw_meter_set_energy(plan->meters, plan->component, &a, &b, &out->energy);
    step->seconds = (double)(b.begin_ns - a.end_ns) * 1e-9;
    if (!out->energy.has_value) {
        code = sw_fail(err, SW_EABSENT, "%u threads: %s", step->n_threads, out->energy.reason);
    } else if (after.all <= before.all || after.busy < before.busy) {
        code =
            sw_fail(err, SW_EFORMAT, "%s did not count in %.2f s", plan->stat_path, step->seconds);
    } else {
        step->watts = (double)out->energy.uj * 1e-6 / step->seconds;
        step->utilisation = (double)(after.busy - before.busy) / (double)(after.all - before.all);
    }
done:
    close_worker(&worker);
    return code;
}

/* 0, 1, 2, then eighths of the CPUs up to all. */
static size_t choose_threads(unsigned *counts, unsigned n_logical)
{
    size_t n = 0;
    counts[n++] = 0;
    for (unsigned i = 1; i <= 2 && i <= n_logical; i++)
        counts[n++] = i;
    for (unsigned eighth = 1; eighth <= 8; eighth++) {
        unsigned count = (n_logical * eighth + 7) / 8;
        if (count > counts[n - 1])
            counts[n++] = count;
    }
    return n;
}

enum sw_code sw_calibrate_run(struct sw_calibrate_result *out, const struct sw_calibrate_plan *plan,
                              struct sw_error *err)
{
    unsigned counts[16];
    size_t n_counts = choose_threads(counts, plan->n_logical);
    size_t n_steps = 2 + (n_counts - 1) * SW_N_WORKS; /* at rest first and last */
    *out = (struct sw_calibrate_result){0};
    for (size_t i = 0; i < n_steps; i++) {
        struct sw_calibrate_step *step = &out->steps[i];
        bool at_rest = i == 0 || i + 1 == n_steps;
        step->n_threads = at_rest ? 0 : counts[1 + (i - 1) / SW_N_WORKS];
        step->work = at_rest ? SW_WORK_COMPUTE : (enum sw_calibrate_work)((i - 1) % SW_N_WORKS);
        if (plan->stop != NULL && plan->stop(plan->ctx))
            return sw_fail(err, SW_EINTERRUPTED, "interrupted after %zu of %zu steps", i, n_steps);
        /* A step that the counter spoilt (it stalled, was read late) is done again. */
        enum sw_code code = SW_EABSENT;
        for (int attempt = 0; attempt < MOST_ATTEMPTS && code == SW_EABSENT; attempt++)
            code = run_step(out, step, plan, err);
        if (code != SW_OK)
            return code;
        out->n_steps = i + 1;
        if (plan->on_step != NULL)
            plan->on_step(plan->ctx, i + 1, n_steps);
    }
    return SW_OK;
}
