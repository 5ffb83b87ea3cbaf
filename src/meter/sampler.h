/*
 * A thread that reads a set of meters at a fixed period: it folds wraps that two edges far apart
 * could not see, notices counters that fail in between, and keeps a trace of power. Its own cost is
 * measured. Edges are read beside it as without it.
 */
#ifndef SW_METER_SAMPLER_H
#define SW_METER_SAMPLER_H

#include "meter/meter.h"

struct sw_meter_sampler;

struct sw_meter_sampler_options {
    uint64_t period_ns;    /* 0: 100 ms */
    bool keep_trace;       /* of power */
    size_t trace_capacity; /* points; 0: 4096. When it is full, neighbours are joined */
};

/* Mean power between two readings. */
struct sw_power_point {
    uint64_t begin_ns, end_ns;
    float watts[SW_N_COMPONENTS]; /* NAN: no value */
};

struct sw_meter_sampler_report {
    uint64_t period_ns;
    uint64_t begin_ns, end_ns;
    uint64_t n_samples;
    uint64_t n_late;         /* more than half a period behind their deadline */
    uint64_t longest_gap_ns; /* between two of its samples */
    uint64_t cpu_ns;         /* processor time of its thread */
    /* The joules of the sampler itself are at most what the CPU drew while its thread ran: cpu_ns
     * at the CPU's mean power. */
    bool has_own_uj;
    uint64_t own_uj_at_most;
    uint64_t suspended_ns;          /* the machine slept */
    uint64_t n_clock_steps;         /* of the wall clock */
    int64_t largest_step_ns;        /* by size, with its sign */
    uint64_t n_faults[SW_N_FAULTS]; /* of counted meters, while it ran */
    struct sw_power_point *trace;   /* (n_trace), owned by the report; NULL: not kept */
    size_t n_trace;
};

/* *out is NULL on failure. One sampler to a set. */
enum sw_code sw_meter_sampler_start(struct sw_meter_sampler **out, struct sw_meter_set *set,
                                    const struct sw_meter_sampler_options *options,
                                    struct sw_error *err);

/* Ends the thread at once and frees it. report may be NULL; else sw_meter_sampler_report_free. A
 * NULL sampler gives an empty report. */
void sw_meter_sampler_stop(struct sw_meter_sampler *sampler,
                           struct sw_meter_sampler_report *report);
void sw_meter_sampler_report_free(struct sw_meter_sampler_report *report);

#endif
