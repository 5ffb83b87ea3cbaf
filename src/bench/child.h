/*
 * A command as a child process that waits at a gate: forking, redirections and everything else that
 * costs is done before the gate opens, so that a window from the opening to the child's end holds
 * the command alone.
 *
 *     sw_child_signals_begin(&signals, ignored);
 *     sw_child_start(&child, &plan, &err);      forked, at the gate
 *     ... read the meters ...
 *     sw_child_release(&child);                 the command begins
 *     sw_child_wait(&child);                    signals are passed on; returns when it has ended
 *     ... read the meters ...
 *     sw_child_reap(&child, &result);
 *
 * The child stays in our process group, so the terminal sends its Ctrl-C, Ctrl-\ and Ctrl-Z to
 * both; a signal that another process sent to us alone is passed on. Descendants that lose their
 * parent become our children and are reaped, so that no zombie stays and their processor time
 * counts.
 */
#ifndef SW_BENCH_CHILD_H
#define SW_BENCH_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* State of the whole process while commands run: one at a time. */
struct sw_child_signals {
    sigset_t mask_before;
    sigset_t ignored; /* signals that a child ignores, as our own caller asked for */
    struct sigaction chld_before;
    int subreaper_before;
};

/* Holds back the signals that are passed on, from this thread and those that it starts. ignored:
 * signals that were ignored when the program started; NULL: none. */
void sw_child_signals_begin(struct sw_child_signals *signals, const sigset_t *ignored);
void sw_child_signals_end(const struct sw_child_signals *signals);

/* A signal that asked us to end (INT, TERM, HUP, QUIT) while no child ran; 0: none. */
int sw_child_signals_take(const struct sw_child_signals *signals);

struct sw_child_plan {
    char *const *argv; /* argv[0] is looked for in PATH; NULL behind the last */
    /* become 0, 1 and 2 of the child; -1: ours. They may be 0, 1, 2 or marked close-on-exec */
    int stdin_fd, stdout_fd, stderr_fd;
};

struct sw_child {
    const struct sw_child_signals *signals;
    pid_t pid;              /* 0: none */
    int gate_fd, status_fd; /* -1: closed */
    /* Of the forked copy of us, before the gate: peak_bytes is not less; its time is not counted.
     */
    uint64_t floor_bytes;
    uint64_t before_user_ns, before_system_ns;
    /* of descendants that we reaped */
    uint64_t orphans_user_ns, orphans_system_ns, orphans_peak_bytes;
    unsigned n_stops;
    int last_signal; /* of those that ask to end, as seen while it ran; 0: none */
};

struct sw_child_result {
    int start_errno; /* why the command could not start; 0: it did */
    int exit_code;   /* the shells' way: 126 or 127 if it could not start, 128 + signal */
    int signal;      /* that ended it; 0: none */
    bool core_dumped;
    uint64_t user_ns, system_ns; /* of the command and all its ended descendants */
    uint64_t children_ns;        /* the descendants' part, in steps of 10 ms */
    uint64_t peak_bytes;         /* resident memory of the largest process */
    bool peak_is_bound;          /* peak_bytes is only known not to be exceeded */
    unsigned n_stops;            /* how often it was stopped, as by Ctrl-Z */
    bool left_behind;            /* descendants go on */
    int last_signal;             /* that asked us to end meanwhile; 0: none */
};

enum sw_code sw_child_start(struct sw_child *child, const struct sw_child_signals *signals,
                            const struct sw_child_plan *plan, struct sw_error *err);
void sw_child_release(struct sw_child *child);
void sw_child_wait(struct sw_child *child);
void sw_child_reap(struct sw_child *child, struct sw_child_result *result);

/* Ends a child that was never released. */
void sw_child_cancel(struct sw_child *child);

#endif
