/*
 * What the machine did while something was measured: whose processor time it was, what was stolen
 * or held back, how fast the clock ran, what got hot. Read at the edges of phases, outside of them;
 * files stay open and a reading allocates nothing.
 *
 *     struct sw_conditions_reader *reader;
 *     sw_conditions_open(&reader, root, &err);
 *     sw_conditions_read(reader, &a);   ... work ...   sw_conditions_read(reader, &b);
 *     sw_conditions_between(&a, &b, &change);
 */
#ifndef SW_METER_CONDITIONS_H
#define SW_METER_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum sw_condition {
    /* Counters: what two readings differ by is what happened in between. */
    SW_CONDITION_OWN_CPU_NS,          /* processor time of this process, all threads */
    SW_CONDITION_BUSY_CPU_NS,         /* of everybody, interrupts included, in ticks of 10 ms: over
                                         seconds, what is above our own is others' */
    SW_CONDITION_STOLEN_CPU_NS,       /* a virtual machine's processors ran for somebody else */
    SW_CONDITION_ALL_CPU_NS,          /* time of all processors, idle included */
    SW_CONDITION_WAITING_NS,          /* some thread of the machine waited for a processor (PSI) */
    SW_CONDITION_CORE_THROTTLES,      /* times that a core slowed down for heat */
    SW_CONDITION_PACKAGE_THROTTLES,   /* that a package did */
    SW_CONDITION_N_LIMITED,           /* times that a control group's CPU quota was used up */
    SW_CONDITION_LIMITED_NS,          /* how long its threads were then held back */
    SW_CONDITION_GPU_POWER_CAPPED_NS, /* the GPU that works lowered its clock for its power limit */
    SW_CONDITION_GPU_THROTTLED_NS,    /* for heat */
    /* States: those of the later reading. */
    SW_CONDITION_CLOCK_HZ,       /* of the fastest processor */
    SW_CONDITION_CLOCK_BASE_HZ,  /* that the maker promises without turbo */
    SW_CONDITION_CLOCK_MOST_HZ,  /* that the hardware can reach */
    SW_CONDITION_TEMPERATURE_MC, /* thousandths of a degree, hottest zone of the processors */
    SW_CONDITION_ON_BATTERY,     /* 1: the machine runs on its battery */
    SW_CONDITION_GPU_CLOCK_HZ,   /* of its multiprocessors */
    SW_CONDITION_GPU_MEMORY_CLOCK_HZ,
    SW_CONDITION_GPU_POWER_LIMIT_MW,
    SW_CONDITION_GPU_TEMPERATURE_MC,
    SW_N_CONDITIONS
};
enum { SW_FIRST_STATE_CONDITION = SW_CONDITION_CLOCK_HZ };

struct sw_conditions {
    uint64_t at_ns;
    int64_t value[SW_N_CONDITIONS];
    /* Why there is no value: one line that lives as long as the reader; NULL where there is. */
    const char *reason[SW_N_CONDITIONS];
};

/* The reason of every condition of a GPU where none works. */
extern const char sw_conditions_no_gpu[];

struct sw_conditions_reader;
struct sw_meter_set;

/* root stands in front of every /proc and /sys path ("" or NULL: the real machine). What is missing
 * there is missing; fails only if memory is out. */
enum sw_code sw_conditions_open(struct sw_conditions_reader **out, const char *root,
                                struct sw_error *err);
void sw_conditions_close(struct sw_conditions_reader *reader);

/* The GPU whose joules the set counts, if there is one, is looked at, too. The set is borrowed. */
void sw_conditions_watch_gpu(struct sw_conditions_reader *reader, struct sw_meter_set *meters);

/* One thread at a time. The file of a state that takes long to read (firmware may be behind it) is
 * read at most every ten seconds; its last value stands until then. */
void sw_conditions_read(struct sw_conditions_reader *reader, struct sw_conditions *out);

/* Counters less those of a, states of b. at_ns is the time between the two. A counter that went
 * back has no value. */
void sw_conditions_between(const struct sw_conditions *a, const struct sw_conditions *b,
                           struct sw_conditions *out);

/* Texts of the kernel, for tests. False where the text is another, or its numbers are none. */
bool sw_conditions_parse_self(uint64_t *ticks, const char *text);            /* /proc/PID/stat */
bool sw_conditions_parse_pressure(uint64_t *waiting_us, const char *text);   /* /proc/pressure */
bool sw_conditions_parse_limit(uint64_t *n, uint64_t *ns, const char *text); /* cpu.stat */

#endif
