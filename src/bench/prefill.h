/*
 * A prefill that is too short for its counter's ticks, again and again until it is not: the joules
 * of one prefill are then known, though not of the one that was answered with.
 */
#ifndef SW_BENCH_PREFILL_H
#define SW_BENCH_PREFILL_H

#include "bench/study.h"

/* Joules of which the ticks leave more open are worth a repetition. */
#define SW_PREFILL_OPEN_PERCENT 2.0

/* The largest share, in percent, of a counted component's joules between a and b that its ticks
 * leave open; 0 where nothing is measured, or nothing left open. */
double sw_prefill_open_percent(const struct sw_meter_set *meters, const struct sw_snapshot *a,
                               const struct sw_snapshot *b);

/* Runs the prompt of that index until its ticks leave less open, for two seconds at most: *out
 * becomes {"n", "ns", "open_percent", "edges": {"begin", "end"}, "energy"}. Ends early, with what
 * there is, where is_interrupted says so. */
enum sw_code sw_prefill_repeat(const struct sw_study *study, size_t index, json_t **out,
                               struct sw_error *err);

#endif
