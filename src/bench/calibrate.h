/*
 * Steps of load on a machine with a counter, for the CPU model's curve: at rest, then more and more
 * threads, then at rest again. Each number of threads works once with multiply-adds in registers
 * and once reading memory, as inference does both. Each step settles first, then power and load are
 * taken over the same time.
 */
#ifndef SW_BENCH_CALIBRATE_H
#define SW_BENCH_CALIBRATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "meter/curve_fit.h"
#include "meter/meter.h"

enum sw_calibrate_work { SW_WORK_COMPUTE, SW_WORK_READ, SW_N_WORKS };
const char *sw_calibrate_work_name(enum sw_calibrate_work work); /* "compute", "read" */

struct sw_calibrate_step {
    unsigned n_threads; /* 0: at rest */
    enum sw_calibrate_work work;
    double utilisation, watts, seconds;
};

struct sw_calibrate_plan {
    struct sw_meter_set *meters; /* without models */
    enum sw_component component; /* whose joules */
    const char *stat_path;       /* /proc/stat of the same machine */
    unsigned n_logical;
    uint64_t settle_ns, step_ns;
    /* Keeps n_threads busy until the stamp, 0: sleeps. NULL: threads of this program. */
    enum sw_code (*load)(void *ctx, const struct sw_calibrate_step *step, uint64_t until_ns,
                         struct sw_error *err);
    void (*on_step)(void *ctx, size_t n_done, size_t n_steps); /* may be NULL */
    bool (*stop)(void *ctx); /* asked between steps; may be NULL */
    void *ctx;
};

struct sw_calibrate_result {
    struct sw_calibrate_step steps[SW_CURVE_MAX_POINTS];
    size_t n_steps;
    struct sw_energy energy; /* of the last step: names of counters, uncertainty, source */
};

enum sw_code sw_calibrate_run(struct sw_calibrate_result *out, const struct sw_calibrate_plan *plan,
                              struct sw_error *err);

#endif
