/* One reading of a counter, and what it means after the one before: wraps folded, faults seen. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/set.h"

/* No counter of a CPU package, its memory or a board moves faster in the mean than 1 kW, which is
 * one microjoule in a nanosecond. A way back that would take more power is no wrap. */
static const double plausible_uj_per_ns = 1;

/* 32 bits of the smallest unit, 15.3 uJ, hold 65 kJ: what is far below is no range of hardware, and
 * how soon it goes round is not known. */
static const uint64_t least_range_uj = 1000000000;

/* A counter is frozen after this many of its ticks, and this long, without a move. */
enum { FROZEN_TICKS = 50 };
static const uint64_t frozen_ns = 500000000;

/* A sampler is late after this many of its periods. */
enum { LATE_PERIODS = 5 };

const char *sw_meter_fault_name(enum sw_meter_fault fault)
{
    static const char *const names[SW_N_FAULTS] = {
        "none", "went_back",     "frozen",  "unseen_wrap", "suspended", "unreadable",
        "late", "clock_stepped", "stalled", "unsampled",   "disagrees"};
    return (unsigned)fault < SW_N_FAULTS ? names[fault] : "unknown";
}

bool sw_counter_delta(uint64_t *delta_uj, uint64_t a, uint64_t b, uint64_t range_uj)
{
    if (range_uj > 0 && (a > range_uj || b > range_uj))
        return false;
    if (b < a && range_uj == 0)
        return false;
    *delta_uj = b >= a ? b - a : range_uj - a + b;
    return true;
}

static void note(struct sw_meter_track *track, struct sw_reading *reading,
                 enum sw_meter_fault fault)
{
    reading->fault = fault;
    if (track->n_faults[fault] < UINT16_MAX)
        track->n_faults[fault]++;
}

void sw_set_note_stall(struct sw_meter_set *set, size_t i)
{
    set->tracks[i].stalled = true;
}

bool sw_reading_is_spoilt(const struct sw_reading *a, const struct sw_reading *b)
{
    bool spoilt = !a->ok || !b->ok || a->fault == SW_FAULT_FROZEN;
    for (int fault = SW_FAULT_WENT_BACK; fault <= SW_FAULT_UNSEEN_WRAP; fault++)
        spoilt = spoilt || a->n_faults[fault] != b->n_faults[fault];
    for (int fault = SW_FAULT_UNSAMPLED; fault <= SW_FAULT_DISAGREES; fault++)
        spoilt = spoilt || a->n_faults[fault] != b->n_faults[fault];
    return spoilt || b->fault == SW_FAULT_DISAGREES;
}

static bool is_way_back(const struct sw_meter_track *track, uint64_t uj, uint64_t delta_uj,
                        uint64_t gap_ns, uint64_t range_uj)
{
    if (uj >= track->uj)
        return false;
    return track->lost ||
           (delta_uj > range_uj / 2 && (double)delta_uj > plausible_uj_per_ns * (double)gap_ns);
}

static void note_motion(const struct sw_meter_info *info, struct sw_meter_track *track,
                        struct sw_reading *reading)
{
    if (reading->uj != track->uj) {
        /* What it did not count while it stood is lost, or not; nobody can tell. */
        if (track->frozen)
            note(track, reading, SW_FAULT_FROZEN);
        track->frozen = false;
        track->ever_moved = true;
        if (track->stalled)
            track->stalled_ns += reading->at_ns - track->moved_ns;
        track->stalled = false;
        track->moved_ns = reading->at_ns;
        return;
    }
    uint64_t still_ns = reading->at_ns - track->moved_ns;
    if (track->frozen) {
        reading->fault = SW_FAULT_FROZEN;
    } else if (info->tick_ns > 0 && info->source == SW_MEASURED && still_ns > frozen_ns &&
               still_ns / FROZEN_TICKS > info->tick_ns) {
        track->frozen = true;
        note(track, reading, SW_FAULT_FROZEN);
    } else if (track->stalled) {
        note(track, reading, SW_FAULT_STALLED);
    }
}

/* Counts a good reading on. */
static void count_on(const struct sw_meter_set *set, const struct sw_meter_info *info,
                     struct sw_meter_track *track, struct sw_reading *reading)
{
    uint64_t delta_uj, gap_ns = reading->at_ns - track->at_ns;
    if (set->sample_period_ns > 0 && gap_ns / LATE_PERIODS > set->sample_period_ns)
        note(track, reading, SW_FAULT_LATE);
    if (!sw_counter_delta(&delta_uj, track->uj, reading->uj, info->range_uj) ||
        is_way_back(track, reading->uj, delta_uj, gap_ns, info->range_uj)) {
        track->bad_from_uj = track->uj;
        track->bad_to_uj = reading->uj;
        note(track, reading, SW_FAULT_WENT_BACK);
        delta_uj = 0;
    } else if (info->range_uj >= least_range_uj &&
               plausible_uj_per_ns * (double)gap_ns >= (double)info->range_uj) {
        note(track, reading, SW_FAULT_UNSEEN_WRAP);
    }
    if (__builtin_add_overflow(track->total_uj, delta_uj, &track->total_uj))
        note(track, reading, SW_FAULT_WENT_BACK);
    note_motion(info, track, reading);
}

void sw_set_read_meter(struct sw_meter_set *set, size_t i, struct sw_reading *out)
{
    struct sw_meter *meter = &set->meters[i];
    struct sw_meter_track *track = &set->tracks[i];
    *out = (struct sw_reading){0};
    out->ok = meter->read(meter, &out->uj, &out->at_ns);
    if (!out->ok) {
        note(track, out, SW_FAULT_UNREADABLE);
        track->lost = true;
    } else {
        if (track->seen)
            count_on(set, &meter->info, track, out);
        else
            track->moved_ns = out->at_ns;
        if (meter->noted != SW_FAULT_NONE && track->seen)
            note(track, out, meter->noted);
        meter->noted = SW_FAULT_NONE;
        track->seen = true;
        track->lost = false;
        track->uj = out->uj;
        track->at_ns = out->at_ns;
    }
    out->total_uj = out->begin_uj = out->end_uj = track->total_uj;
    out->stalled_ns = track->stalled_ns;
    memcpy(out->n_faults, track->n_faults, sizeof out->n_faults);
}

/* Two clocks are read one after the other; a thread that is put aside in between reads again. */
static void read_clocks(const struct sw_meter_set *set, struct sw_snapshot *out)
{
    uint64_t shortest_ns = UINT64_MAX;
    for (int i = 0; i < 4 && shortest_ns > 20000; i++) {
        uint64_t before_ns = sw_clock_ns();
        uint64_t boot_ns = set->boot_clock_ns(), wall_ns = set->wall_clock_ns();
        uint64_t after_ns = sw_clock_ns();
        if (after_ns - before_ns >= shortest_ns)
            continue;
        shortest_ns = after_ns - before_ns;
        uint64_t middle_ns = before_ns + shortest_ns / 2;
        out->boot_offset_ns = boot_ns > middle_ns ? boot_ns - middle_ns : 0;
        out->wall_offset_ns = (int64_t)wall_ns - (int64_t)middle_ns;
    }
}

void sw_set_read_all(struct sw_meter_set *set, struct sw_snapshot *out)
{
    memset(out, 0, offsetof(struct sw_snapshot, readings) + set->count * sizeof out->readings[0]);
    out->aligned = false;
    out->waited_ns = 0;
    out->begin_ns = sw_clock_ns();
    for (size_t i = 0; i < set->count; i++)
        sw_set_read_meter(set, i, &out->readings[i]);
    sw_mirror_update(set, out);
    read_clocks(set, out);
    out->end_ns = sw_clock_ns();
}

void sw_meter_set_read(struct sw_meter_set *set, struct sw_snapshot *out)
{
    pthread_mutex_lock(set->lock);
    sw_set_read_all(set, out);
    pthread_mutex_unlock(set->lock);
}
