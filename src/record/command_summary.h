/*
 * What the runs of a command come to: computed from the runs alone, so that anyone can do it again.
 * A result is {"command", "shell", "runs": [...]}; its runs are described in docs/measuring.md.
 */
#ifndef SW_RECORD_COMMAND_SUMMARY_H
#define SW_RECORD_COMMAND_SUMMARY_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* Adds to a result, in front of its runs: the figures of a single run, or means over several with
 * start_ns the first run's and end_ns the last one's (peak memory is the largest, exit_code the
 * first that is not 0); "energy_j" by component; "co2e_g" with g_per_kwh (borrowed, has "value");
 * "statistics" of seconds and joules. A figure that no run has is null. */
enum sw_code sw_command_summarise(json_t *result, json_t *g_per_kwh, struct sw_error *err);

/* With two results or more: adds to each "relative": {"wall": {"times", "plus_minus", "of"},
 * "energy": ...}, how many times the figure of the least it has, and the index of that. The spread
 * is that of a quotient of two independent means' samples, as hyperfine gives it: null where a run
 * was alone. */
void sw_command_summary_compare(json_t *results);

#endif
