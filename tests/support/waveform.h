/*
 * Counters of a fake tree that follow a known power, kept up every millisecond by a process of its
 * own. It notes when each update happened, so that a test knows the exact energy, and can tell an
 * update that came late on a busy machine from an error of what is tested.
 */
#ifndef SW_TESTS_SUPPORT_WAVEFORM_H
#define SW_TESTS_SUPPORT_WAVEFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/fake_tree.h"

enum waveform {
    WAVEFORM_CONSTANT, /* 25 W */
    WAVEFORM_SQUARE,   /* 10 Hz, 5 W and 45 W */
    WAVEFORM_RAMP,     /* from 5 to 55 W within each second */
    WAVEFORM_BURSTS,   /* 200 ms of 60 W in each 700 ms, over 3 W */
    N_WAVEFORMS
};
const char *waveform_name(enum waveform waveform);

/* Joules from time 0 to t. */
double waveform_joules(enum waveform waveform, double t);

/* Watts at t. */
double waveform_watts(enum waveform waveform, double t);

/* How a counter is written down. */
enum waveform_form {
    WAVEFORM_ZONE,     /* of powercap */
    WAVEFORM_FILE,     /* microjoules in a file, as in hwmon */
    WAVEFORM_REGISTER, /* eight bytes at a place in a file that is there, in units of 2^-14 J */
    WAVEFORM_FEED,     /* a line "time_ns,watts" more */
};

enum { WAVEFORM_ZONES = 16 };
struct waveform_zone {
    const struct fake_tree *tree;
    const char *zone; /* "intel-rapl:0"; of the other forms the path in the tree */
    const char *name; /* "package-0"; of a zone */
    enum waveform_form form;
    unsigned offset;  /* of a register */
    unsigned tick_ms; /* 0: 1 */
    enum waveform waveform;
    double scale;      /* of its power */
    uint64_t start_uj; /* where the counter begins */
    uint64_t range_uj;
    unsigned phase_us; /* of its update within the millisecond */
};

struct waveform_writer {
    struct waveform_zone zones[WAVEFORM_ZONES];
    size_t n;
    uint64_t epoch_ns; /* time 0 */
    struct waveform_log *log;
    pid_t pid;
};

/* A tree in memory, where a write does not wait for a disk. */
void waveform_tree_create(struct fake_tree *tree);

/* Makes the zones' files and starts to write. */
void waveform_start(struct waveform_writer *writer);
void waveform_stop(struct waveform_writer *writer);

/* Exact energy of a zone between two moments, microjoules. */
double waveform_uj(const struct waveform_writer *writer, size_t zone, uint64_t from_ns,
                   uint64_t to_ns);

/* Whether every zone was updated on time around a moment: no gap of more than 1.25 ticks from two
 * ticks before to two after. Ask when these are over. */
bool waveform_was_on_time(const struct waveform_writer *writer, uint64_t at_ns);

/* More threads want to run than there are processors for, twice over (mean of the last minute):
 * ticks are then seen late, and what they are taken to be at start is wrong at times. */
bool waveform_machine_is_overloaded(void);

#endif
