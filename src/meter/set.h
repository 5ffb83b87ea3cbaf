/*
 * Inside of a meter set, for the files of this folder. A kind of meter is one file with one
 * function sw_<kind>_find: it looks below the root, adds the counters it can read, and leaves a
 * probe for every meter it considered, found or not.
 */
#ifndef SW_METER_SET_H
#define SW_METER_SET_H

#include <pthread.h>

#include "meter/machine.h"
#include "meter/meter.h"

struct sw_meter {
    struct sw_meter_info info;
    /* One reading; false if it cannot be had now. at_ns is the time that the counter belongs to. */
    bool (*read)(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns);
    void (*close)(struct sw_meter *meter); /* frees state; may be NULL */
    void *state;                           /* owned */
    /* Set by read: what the reading says of the time since the one before, and why there is none
     * (a text that lives as long as the set; NULL or "": nothing to say). */
    enum sw_meter_fault noted;
    const char *problem;
};

/* Dies of one package whose counters stood alike at start; see mirror.c. */
struct sw_mirror_pair {
    size_t first, suspect; /* meters */
    size_t suspect_probe;
};

/* What a set remembers of a counter from one reading to the next. */
struct sw_meter_track {
    bool seen;             /* read once at least */
    bool lost;             /* the reading before this one failed */
    bool frozen;           /* and not moved since */
    bool ever_moved;       /* since it was opened */
    bool stalled;          /* an edge waited in vain, and not moved since */
    uint64_t stalled_ns;   /* all stalls */
    uint64_t uj, total_uj; /* last good reading */
    uint64_t at_ns, moved_ns;
    uint64_t bad_from_uj, bad_to_uj; /* of the last that went back */
    uint16_t n_faults[SW_N_FAULTS];
};

struct sw_meter_set {
    struct sw_meter meters[SW_MAX_METERS];
    size_t count;
    size_t n_overflow[SW_N_COMPONENTS]; /* counted meters that found no room */

    struct sw_meter_probe *probes; /* owned array */
    size_t n_probes, probes_capacity;

    struct sw_mirror_pair mirrors[SW_MAX_METERS];
    size_t n_mirrors;

    pthread_mutex_t *lock; /* owned: of reading, and of everything that a reading changes */
    struct sw_meter_track tracks[SW_MAX_METERS];
    bool watched;              /* for ticks, at start */
    uint64_t sample_period_ns; /* a sampler reads this often; 0: none does */
    uint64_t (*boot_clock_ns)(void);
    uint64_t (*wall_clock_ns)(void);

    const char *reason[SW_N_COMPONENTS]; /* "" where the best kind is in use */

    char **texts; /* owned strings behind every const char * above */
    size_t n_texts, texts_capacity;
    bool out_of_memory;

    const char *root; /* "" for the real machine */
    void *nvml;       /* library and its state, nvml.c */
    void *amd_smi;    /* and amd_smi.c */
};

/* A string that lives as long as the set; "" if memory ran out, which open reports. */
const char *sw_set_text(struct sw_meter_set *set, const char *format, ...) SW_PRINTF(2, 3);

/* root in front of an absolute path. */
const char *sw_set_path(struct sw_meter_set *set, const char *path);

/* Takes the meter over, state included. Its index, or SIZE_MAX where there was no room. */
size_t sw_set_add(struct sw_meter_set *set, const struct sw_meter *meter);
/* close of a meter whose state is one allocation. */
void sw_meter_free_state(struct sw_meter *meter);

/* Index of the new probe. */
size_t sw_set_probe(struct sw_meter_set *set, const struct sw_meter_probe *probe);

bool sw_set_has_counted(const struct sw_meter_set *set, enum sw_component component);

/* The kinds. Each sets set->reason of its components to why it gave nothing better. */
typedef void sw_meter_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                           const struct sw_machine *machine);
sw_meter_find sw_perf_power_find, sw_powercap_find, sw_msr_find, sw_nvml_find, sw_amd_smi_find,
    sw_feed_find, sw_battery_find, sw_hwmon_find, sw_cpu_model_find, sw_ram_model_find;
void sw_nvml_close(struct sw_meter_set *set);
void sw_amd_smi_close(struct sw_meter_set *set);

/* Under the lock: reads meter i and counts it on. */
void sw_set_read_meter(struct sw_meter_set *set, size_t i, struct sw_reading *out);
/* Under the lock: meter i did not tick though it was waited for. */
void sw_set_note_stall(struct sw_meter_set *set, size_t i);
/* Whether something came between two readings that leaves no trust in their difference. */
bool sw_reading_is_spoilt(const struct sw_reading *a, const struct sw_reading *b);
/* Under the lock: all of them, with the clocks. */
void sw_set_read_all(struct sw_meter_set *set, struct sw_snapshot *out);

/* Marks suspects that move as their first die does as not counted, and back. After every read. */
void sw_mirror_update(struct sw_meter_set *set, struct sw_snapshot *snapshot);
/* Makes a pair of suspects of two dies of one package; false where they do not stand alike. */
bool sw_mirror_suspect(struct sw_meter_set *set, size_t first, uint64_t first_uj, size_t other,
                       uint64_t other_uj, size_t other_probe);

#endif
