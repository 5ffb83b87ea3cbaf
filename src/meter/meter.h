/*
 * Energy counters. A meter returns an integer counter and a time, with status and reason; a value
 * that is missing is never 0. It names scope, unit, tick and wrap range, and reads below a root
 * path, so that a recorded tree can be replayed. Grid factors are no business of this folder.
 *
 *     struct sw_meter_set *set;
 *     sw_meter_set_open(&set, &(struct sw_meter_options){.sysfs_root = root}, &err);
 *     sw_meter_set_read(set, &before);   ... work ...   sw_meter_set_read(set, &after);
 *     sw_meter_set_energy(set, SW_CPU, &before, &after, &energy);
 *
 * sw_meter_set_read_at_tick in the place of sw_meter_set_read makes short windows exact, and a
 * sampler (meter/sampler.h) beside it sees wraps and faults in long ones.
 */
#ifndef SW_METER_METER_H
#define SW_METER_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum sw_component { SW_CPU, SW_GPU, SW_RAM, SW_MACHINE, SW_N_COMPONENTS };

/* From strong to weak. */
enum sw_source { SW_MEASURED, SW_SAMPLED, SW_MODELLED, SW_ABSENT };

const char *sw_component_name(enum sw_component component); /* "cpu", "gpu", "ram", "machine" */
const char *sw_source_name(enum sw_source source); /* "measured", "sampled", "modelled", "absent" */

enum { SW_MAX_METERS = 32 };

/* What one counter is. Strings are owned by the set. */
struct sw_meter_info {
    const char *name;  /* "powercap:package-0", "nvml:0", "model:tdp_load", "model:ram_v2", ... */
    const char *scope; /* "package 0", "dram of package 0", "board", "machine's share", ... */
    const char *path;  /* file or library it reads; "" for a model */
    enum sw_component component;
    enum sw_source source;
    /* Part of its component's sum; others are listed only (twins, 2nd GPU). A read may change it
     * for a die that turns out to mirror another. */
    bool counted;
    uint64_t range_uj; /* counter restarts at 0 after this; 0: never wraps */
    uint64_t tick_ns;  /* time between two updates as seen at start; 0: unknown or continuous */
    double
        uncertainty_percent; /* of the energy, stated by its maker or our calibration; 0: unknown */
    const char *formula;     /* models: the formula with its parameters and source; else "" */
    uint64_t read_ns;        /* cost of one reading, measured with the tick; 0: not measured */
};

/* What can go wrong with a counter between two readings. The first four and the last two leave no
 * trust in the joules of that time; the others do, and are said. */
enum sw_meter_fault {
    SW_FAULT_NONE,
    SW_FAULT_WENT_BACK,     /* and no wrap explains it */
    SW_FAULT_FROZEN,        /* stood still for many of its ticks */
    SW_FAULT_UNSEEN_WRAP,   /* not read for so long that it may have wrapped more than once */
    SW_FAULT_SUSPENDED,     /* the machine slept: counters stop or start anew */
    SW_FAULT_UNREADABLE,    /* for a while */
    SW_FAULT_LATE,          /* the sampler was stopped or starved */
    SW_FAULT_CLOCK_STEPPED, /* the wall clock; durations do not come from it */
    SW_FAULT_STALLED, /* an edge waited for several ticks in vain: no joules up to that edge or from
                         it; those across it are less certain */
    SW_FAULT_UNSAMPLED, /* a sensor of power was not read for so long that its joules are unknown */
    SW_FAULT_DISAGREES, /* with what its own device says of power */
    SW_N_FAULTS
};
const char *sw_meter_fault_name(enum sw_meter_fault fault); /* "none", "went_back", ... */

/* One counter at one moment. */
struct sw_reading {
    uint64_t uj;    /* raw counter, microjoules; meaningless unless ok */
    uint64_t at_ns; /* an edge at a tick: when it ticked */
    bool ok;        /* false: could not be read this time */
    enum sw_meter_fault fault;
    /* Counted up by every reading since the set was opened, sampler's too, wraps folded: */
    uint64_t total_uj; /* at at_ns */
    /* the same at the snapshot's begin_ns, which ends a phase, and at its end_ns, which begins one.
     * Both are total_uj where no tick was waited for. */
    uint64_t begin_uj, end_uj;
    uint64_t error_uj;   /* of begin_uj and end_uj each, as far as the tick was seen; 0: no tick */
    bool at_tick;        /* the tick was seen */
    uint64_t stalled_ns; /* so far: at most so long did it not count where edges waited in vain */
    /* Faults of each kind so far: two readings see what came between them. */
    uint16_t n_faults[SW_N_FAULTS];
};

struct sw_snapshot {
    uint64_t begin_ns, end_ns; /* reading took from begin to end */
    struct sw_reading readings[SW_MAX_METERS];
    bool aligned;       /* each counted counter with a known tick was seen to tick */
    uint64_t waited_ns; /* for ticks; between begin and end, so it belongs to no phase */
    /* CLOCK_BOOTTIME and the wall clock less CLOCK_MONOTONIC: a sleep or a step changes them. */
    uint64_t boot_offset_ns;
    int64_t wall_offset_ns;
};

/* Energy of a component between two snapshots. */
struct sw_energy {
    bool has_value;
    uint64_t uj;                /* valid if has_value */
    enum sw_source source;      /* weakest of the counters summed; SW_ABSENT without value */
    double uncertainty_percent; /* 0: unknown */
    char meter[192];     /* names of the counters summed, "powercap:package-0+powercap:package-1" */
    char reason[512];    /* why there is no value, why it is only modelled, or what happened in
                            between; "" if measured */
    uint32_t faults;     /* bits 1 << enum sw_meter_fault, of what happened in between */
    double edge_percent; /* part of the uncertainty that is due to ticks at the two ends; NaN where
                            no tick fell between them, so that uj is 0 and says nothing */
};

enum sw_cpu_model {
    SW_CPU_MODEL_TDP_LOAD,      /* default: our own, concave in utilisation */
    SW_CPU_MODEL_CODECARBON_V2, /* half of TDP, whatever the load */
    SW_CPU_MODEL_NONE,
    SW_CPU_MODEL_CODECARBON_V3, /* cubic of the load on the TDP of all sockets */
};

enum sw_ram_model {
    SW_RAM_MODEL_CODECARBON_V2, /* default: 3/8 W per GiB of the machine */
    SW_RAM_MODEL_CODECARBON_V3, /* per estimated DIMM */
    SW_RAM_MODEL_NONE,
    SW_RAM_MODEL_PER_GIB, /* 3/8 W per GiB of what the control group may use, else the machine */
};

struct sw_meter_options {
    /* Folder in front of every /sys, /proc and /dev path; NULL or "": none. With one, no GPU of the
     * real machine is read either, unless SMOLWATT_NVML names the library. */
    const char *sysfs_root;
    unsigned gpu; /* index of the GPU whose joules are counted */
    bool use_gpu; /* the work runs on the GPU; else its joules are listed, not counted */
    double tdp_w; /* power of all sockets, of the user's own knowledge; 0: the table */
    enum sw_cpu_model cpu_model; /* used where no counter can be read, or if forced */
    enum sw_ram_model ram_model;
    bool models_only; /* leave counters alone: the study's numbers on any machine */
    /* Hardware threads that the TDP stands for, of a virtual machine's host; 0: not known. */
    unsigned host_threads;
    /* Clocks that see the machine sleep or its date change; NULL: the machine's. For tests. */
    uint64_t (*boot_clock_ns)(void);
    uint64_t (*wall_clock_ns)(void);
    /* File or pipe of an external meter, lines "time_ns,watts"; NULL or "": none. */
    const char *power_feed;
};

struct sw_meter_set;

/* Never fails for want of a counter: what is missing is absent, with a reason. */
enum sw_code sw_meter_set_open(struct sw_meter_set **out, const struct sw_meter_options *options,
                               struct sw_error *err);
void sw_meter_set_close(struct sw_meter_set *set);

size_t sw_meter_set_count(const struct sw_meter_set *set);
const struct sw_meter_info *sw_meter_set_info(const struct sw_meter_set *set, size_t i);

/* Why nothing better than what is counted was found for the component: one line, "" if the best
 * kind is in use. */
const char *sw_meter_set_reason(const struct sw_meter_set *set, enum sw_component component);

/* One meter that was considered, found or not: what `doctor` lists. Strings are owned by the set,
 * each one line, "" where there is nothing to say. */
struct sw_meter_probe {
    enum sw_component component;
    const char *name;   /* "powercap:package-0"; "powercap" where no zone was found */
    const char *path;   /* file, folder or library looked at; "" for a model */
    bool found;         /* it can be read, or computed */
    bool counted;       /* part of the component's sum now */
    const char *reason; /* not found: why; found but not counted: why; a model: what it rests on */
    const char *enable; /* shell command that makes it readable, with the least right that does */
};

/* In the order of preference within a component. */
size_t sw_meter_set_probe_count(const struct sw_meter_set *set);
const struct sw_meter_probe *sw_meter_set_probe(const struct sw_meter_set *set, size_t i);

/* The GPU whose joules are counted, as its driver tells; -1 where it does not. */
struct sw_gpu_state {
    int64_t clock_hz, memory_clock_hz; /* now */
    int64_t power_limit_mw;            /* that is in force */
    int64_t temperature_mc;            /* thousandths of a degree; of these alone -1 is a value:
                                          INT64_MIN where it is not told */
    int64_t power_capped_ns;           /* counters: clocks were lowered for the power limit, */
    int64_t throttled_ns;              /* for heat */
};

/* False where no GPU's joules are counted, or its driver's library is another than NVML. Some
 * hundred microseconds; any thread. */
bool sw_meter_set_gpu_state(struct sw_meter_set *set, struct sw_gpu_state *out);

/* Reads every counter once; allocates nothing, prints nothing. Any thread, also beside a sampler:
 * the set has a lock. */
void sw_meter_set_read(struct sw_meter_set *set, struct sw_snapshot *out);

/* Enough for a GPU's counter, 20 to 100 ms, to tick five times. */
#define SW_TICK_WATCH_NS UINT64_C(600000000)

/* Watches every measured counter until each has ticked often enough or max_wait_ns is over, and
 * sets tick_ns and read_ns of their infos. Once, at start, before another thread reads. A counter
 * that did not tick keeps the tick that its kind gave, or 0; one that does not move at all is
 * given up sooner, in 25 ms, a GPU's in 150 ms. */
void sw_meter_set_measure_ticks(struct sw_meter_set *set, uint64_t max_wait_ns);

/* Enough for five ticks of RAPL. Slower counters (a GPU's, 20 to 100 ms) are then not waited for.
 */
#define SW_EDGE_WAIT_NS UINT64_C(5000000)

/* Reads, and waits (spinning for at most max_wait_ns; time in which the thread was put aside does
 * not count, up to four times that) until each counted measured counter whose tick is known and
 * shorter than max_wait_ns has ticked. What a counter stood at when the call began and when it
 * ended is interpolated within the tick, so the wait belongs to no phase. */
void sw_meter_set_read_at_tick(struct sw_meter_set *set, uint64_t max_wait_ns,
                               struct sw_snapshot *out);

/* Sum of the component's counted meters from the end of a to the beginning of b, wraps folded. */
void sw_meter_set_energy(const struct sw_meter_set *set, enum sw_component component,
                         const struct sw_snapshot *a, const struct sw_snapshot *b,
                         struct sw_energy *out);

/* From a to b on a counter that restarts at 0 after range_uj (0: never); false where it went back
 * without being able to wrap, or a or b exceeds the range. More than one wrap cannot be seen. */
bool sw_counter_delta(uint64_t *delta_uj, uint64_t a, uint64_t b, uint64_t range_uj);

#endif
