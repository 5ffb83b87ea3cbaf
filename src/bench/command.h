/*
 * Commands under the meters: every run is a window from the moment its command may begin to the
 * moment it has ended, with the counters read at both edges, moved to ticks. Outside of the window
 * lie the start of the process up to its gate, the wait for a tick, `prepare`, warm-up runs and
 * everything that is written.
 *
 * Several commands are measured in rounds, each round holding every command once in random order,
 * so that a drift of the machine falls on all of them alike.
 */
#ifndef SW_BENCH_COMMAND_H
#define SW_BENCH_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/child.h"
#include "meter/meter.h"

struct sw_command_spec {
    char *const *argv;   /* NULL behind the last word */
    const char *prepare; /* command line for the shell before every run; NULL: none */
};

struct sw_command_plan {
    const struct sw_command_spec *commands;
    size_t n_commands;
    const char *shell; /* for prepare: "/bin/sh" */
    struct sw_meter_set *meters;
    const struct sw_child_signals *signals;
    uint64_t n_warmup, n_repeat, seed;
    bool ignore_failure; /* a run that fails does not end the measurement */
    const char *input;   /* file that each run reads as standard input; NULL: ours, "": nothing */
    /* Descriptors for the commands' output; -1: ours. */
    int stdout_fd, stderr_fd;
    uint64_t sample_period_ns; /* 0: 100 ms */
    bool keep_trace;
    /* Called after each run, outside of windows; may be NULL. */
    void (*on_run)(void *ctx, size_t n_done, size_t n_planned);
    void *ctx;
};

/* runs: an array per command, to which every run is appended as an object (docs/measuring.md,
 * "A run of a command"). Ends early after a run that failed, and after a signal that asks to end;
 * exit_code is the first failed run's, 128 + signal, or 0. Fails only where a run could not be
 * made at all. */
enum sw_code sw_command_run_all(const struct sw_command_plan *plan, json_t *const *runs,
                                int *exit_code, struct sw_error *err);

#endif
