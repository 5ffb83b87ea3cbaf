/*
 * A counter that is updated every tick stands still in between: two plain readings miss up to a
 * tick of energy at each end of a window. So an edge waits for the next tick T1 and looks back:
 *
 *   counter        c0 |------- c1 |--- ...        the call begins at B and ends at E
 *                     T0    B     T1 E
 *
 * The power of that tick is (c1 - c0) / (T1 - T0), with T1 - T0 the tick as measured at start; the
 * counter's value at B is c1 less that power over B..T1, at E it is c1 and that power over T1..E.
 * Several counters tick apart, and are all brought to the same B and E this way.
 */
#include "meter/edge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Ticks: how often a counter moves. */

enum { MAX_CHANGES = 16, MIN_CHANGES = 3 };
/* A counter that is not quick to move is not watched at full speed. */
static const uint64_t quick_ns = 40000000, nap_ns = 500000;
enum { QUICK_NAPS = 6 };
/* What a round of readings, a nap included, takes at most: beyond it is time in which the thread
 * was put aside, which does not count, up to so many times the time that is to be watched. */
static const uint64_t most_watched_ns = 1000000;
enum { MOST_ASIDE = 4 };
/* A counter that has not moved until then is taken to stand. */
static const uint64_t patience_ns = 25000000, gpu_patience_ns = 150000000;

/* A step counts if the readings within it came closer than half of it: a tick that went by unseen
 * is a gap of a whole one, which is half of what then looks like a step. */
enum { CLOSE = 2 };

struct tick_watch {
    uint64_t steps_ns[MAX_CHANGES], all_ns[MAX_CHANGES]; /* that count; the latest of any kind */
    size_t n_steps, n_changes, n_reads;
    uint64_t uj, changed_ns; /* 0: not yet */
    uint64_t read_at_ns;     /* the latest reading */
    uint64_t widest_ns;      /* between two readings since the change before */
    uint64_t reading_ns;     /* time spent in readings */
    bool done;
};

static void watch_reading(struct tick_watch *watch, bool ok, uint64_t uj, uint64_t began_ns,
                          uint64_t ended_ns)
{
    if (!ok) {
        watch->n_changes = watch->n_steps = 0;
        watch->done = true;
        return;
    }
    watch->reading_ns += ended_ns - began_ns;
    uint64_t gap_ns = watch->n_reads > 0 ? ended_ns - watch->read_at_ns : 0;
    watch->read_at_ns = ended_ns;
    if (gap_ns > watch->widest_ns)
        watch->widest_ns = gap_ns;
    if (watch->n_reads++ == 0 || uj == watch->uj) {
        watch->uj = uj;
        return;
    }
    /* The first change only says when a tick begins. */
    uint64_t step_ns = ended_ns - watch->changed_ns;
    if (watch->changed_ns != 0) {
        watch->all_ns[watch->n_changes++ % MAX_CHANGES] = step_ns;
        if (watch->widest_ns < step_ns / CLOSE)
            watch->steps_ns[watch->n_steps++] = step_ns;
    }
    watch->changed_ns = ended_ns;
    watch->widest_ns = gap_ns;
    watch->uj = uj;
    watch->done = watch->n_steps == MAX_CHANGES;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static struct sw_tick watched_tick(struct tick_watch *watch)
{
    struct sw_tick tick = {.n_changes = watch->n_changes};
    if (watch->n_reads > 0)
        tick.read_ns = watch->reading_ns / watch->n_reads;
    if (watch->n_changes < MIN_CHANGES)
        return tick;
    /* A few that count among many that do not are those behind a late tick, too short. */
    bool are_told = watch->n_steps >= MIN_CHANGES && watch->n_steps >= watch->n_changes / 4;
    uint64_t *steps_ns = are_told ? watch->steps_ns : watch->all_ns;
    size_t n = are_told                         ? watch->n_steps
               : watch->n_changes < MAX_CHANGES ? watch->n_changes
                                                : MAX_CHANGES;
    qsort(steps_ns, n, sizeof steps_ns[0], by_size);
    uint64_t median_ns = steps_ns[n / 2];
    tick.tick_ns = median_ns > 4 * tick.read_ns ? median_ns : 0;
    return tick;
}

struct sw_tick sw_meter_measure_tick(struct sw_meter *meter, uint64_t max_wait_ns)
{
    struct tick_watch watch = {0};
    uint64_t begin_ns = sw_clock_ns(), now_ns = begin_ns;
    while (!watch.done && now_ns - begin_ns < max_wait_ns) {
        uint64_t uj = 0, at_ns, began_ns = sw_clock_ns();
        if (began_ns - begin_ns > quick_ns && watch.n_changes < MIN_CHANGES)
            sw_clock_sleep_until(began_ns + nap_ns);
        began_ns = sw_clock_ns();
        bool ok = meter->read(meter, &uj, &at_ns);
        now_ns = sw_clock_ns();
        watch_reading(&watch, ok, uj, began_ns, now_ns);
    }
    return watched_tick(&watch);
}

void sw_meter_set_measure_ticks(struct sw_meter_set *set, uint64_t max_wait_ns)
{
    struct tick_watch watches[SW_MAX_METERS];
    memset(watches, 0, sizeof watches);
    size_t n_open = 0;
    for (size_t i = 0; i < set->count; i++) {
        watches[i].done = set->meters[i].info.source != SW_MEASURED;
        n_open += !watches[i].done;
    }
    uint64_t begin_ns = sw_clock_ns(), now_ns = begin_ns, watched_ns = 0;
    bool quick = true;
    pthread_mutex_lock(set->lock);
    while (n_open > 0 && watched_ns < max_wait_ns && now_ns - begin_ns < MOST_ASIDE * max_wait_ns) {
        uint64_t before_ns = now_ns;
        if (!quick)
            sw_clock_sleep_until(now_ns + nap_ns);
        n_open = 0;
        quick = watched_ns < quick_ns;
        for (size_t i = 0; i < set->count; i++) {
            if (watches[i].done)
                continue;
            struct sw_reading reading;
            uint64_t began_ns = sw_clock_ns();
            sw_set_read_meter(set, i, &reading);
            now_ns = sw_clock_ns();
            watch_reading(&watches[i], reading.ok, reading.uj, began_ns, now_ns);
            bool is_gpu = set->meters[i].info.component == SW_GPU;
            if (watches[i].changed_ns == 0 && watched_ns > (is_gpu ? gpu_patience_ns : patience_ns))
                watches[i].done = true;
            n_open += !watches[i].done;
            /* One that moved a moment ago is quick, and is looked at until it is known. */
            quick = quick || (!watches[i].done && watches[i].changed_ns != 0 &&
                              now_ns - watches[i].changed_ns < nap_ns * QUICK_NAPS);
        }
        now_ns = sw_clock_ns();
        watched_ns += now_ns - before_ns < most_watched_ns ? now_ns - before_ns : most_watched_ns;
    }
    for (size_t i = 0; i < set->count; i++) {
        struct sw_tick tick = watched_tick(&watches[i]);
        struct sw_meter_info *info = &set->meters[i].info;
        if (tick.read_ns > 0)
            info->read_ns = tick.read_ns;
        if (tick.tick_ns > 0)
            info->tick_ns = tick.tick_ns;
    }
    set->watched = true;
    pthread_mutex_unlock(set->lock);
}

/* Edges at ticks. */

/* The moment of a tick is known to an eighth of it, or the next one is waited for. */
enum { FINE = 8 };
/* A round of readings takes microseconds. What is beyond this is time in which the thread was put
 * aside, which does not count as waiting, up to so many times the longest wait. */
static const uint64_t round_ns = 100000;
/* Without a move in so many ticks a counter does not count. */
enum { STILL_TICKS = 4 };

struct edge_watch {
    bool watched, waiting;
    uint64_t tick_ns;
    uint64_t first_uj, first_ns; /* total at the edge's first reading */
    uint64_t last_uj;            /* total now */
    uint64_t polled_ns;          /* previous reading */
    uint64_t ticked_ns;          /* latest tick; 0: none yet */
    uint64_t gap_ns;             /* within which it came */
    uint64_t step_uj;            /* what it added */
    double n_ticks, step_ticks;  /* since the first reading; in step_uj */
    bool missed; /* the thread was put aside for so long that it may not have seen one */
};

static bool begin_watch(const struct sw_meter_set *set, size_t i, uint64_t max_wait_ns,
                        const struct sw_reading *first, struct edge_watch *watch)
{
    const struct sw_meter_info *info = &set->meters[i].info;
    *watch = (struct edge_watch){.tick_ns = info->tick_ns,
                                 .first_uj = first->total_uj,
                                 .first_ns = first->at_ns,
                                 .last_uj = first->total_uj,
                                 .polled_ns = first->at_ns};
    watch->watched = info->counted && info->source == SW_MEASURED && info->tick_ns > 0 &&
                     info->tick_ns < max_wait_ns && first->ok && first->fault != SW_FAULT_FROZEN;
    watch->waiting = watch->watched;
    return watch->watched;
}

static void note_tick(struct edge_watch *watch, uint64_t begin_ns, const struct sw_reading *now)
{
    uint64_t gap_ns = now->at_ns - watch->polled_ns;
    uint64_t ticked_ns = now->at_ns - gap_ns / 2;
    uint64_t since_ns = ticked_ns - (watch->ticked_ns != 0 ? watch->ticked_ns : begin_ns);
    double ticks = 1;
    /* A thread that was put aside may have missed some. */
    if (gap_ns > watch->tick_ns / 2 && since_ns > watch->tick_ns) {
        ticks = (double)since_ns / (double)watch->tick_ns;
        watch->missed = true;
    }
    watch->step_uj = now->total_uj - watch->last_uj;
    watch->step_ticks = ticks;
    watch->n_ticks += ticks;
    watch->gap_ns = gap_ns;
    watch->ticked_ns = ticked_ns;
    watch->last_uj = now->total_uj;
    watch->waiting = gap_ns > watch->tick_ns / FINE;
}

/* One more reading of a counter that is waited for. */
static void poll_meter(struct sw_meter_set *set, size_t i, uint64_t begin_ns,
                       struct edge_watch *watch, struct sw_reading *reading)
{
    sw_set_read_meter(set, i, reading);
    if (!reading->ok)
        watch->watched = watch->waiting = false;
    else if (reading->total_uj != watch->last_uj)
        note_tick(watch, begin_ns, reading);
    watch->polled_ns = reading->at_ns;
}

static uint64_t clamped(double value, uint64_t low, uint64_t high)
{
    if (!(value > (double)low))
        return low;
    return value < (double)high ? (uint64_t)(value + 0.5) : high;
}

/* From the first reading to the latest tick, that one included. Where some may have gone by unseen:
 * ticks are even, and the latest was seen well. */
static double ticks_of(const struct edge_watch *watch)
{
    if (!watch->missed || watch->gap_ns > watch->tick_ns / FINE)
        return watch->n_ticks;
    return 1 + floor((double)(watch->ticked_ns - watch->first_ns) / (double)watch->tick_ns);
}

/* Brings a counter to the begin and the end of the edge. */
static void interpolate(const struct edge_watch *watch, const struct sw_snapshot *edge,
                        struct sw_reading *reading)
{
    double tick_ns = (double)watch->tick_ns;
    double back_ns = (double)(watch->ticked_ns - edge->begin_ns);
    double span_ns = ticks_of(watch) * tick_ns;
    /* A tick that came late was a long one. */
    if (span_ns < back_ns)
        span_ns = back_ns;
    double risen_uj = (double)(watch->last_uj - watch->first_uj);
    double before_uj = risen_uj * back_ns / span_ns; /* from begin to the tick */
    double step_ns = watch->step_ticks * tick_ns;
    double power = (double)watch->step_uj / step_ns; /* uJ per ns */
    double after_uj = power * (double)(edge->end_ns - watch->ticked_ns);
    /* The first reading came after the beginning, if only just. */
    double late_uj = risen_uj / span_ns * (double)(watch->first_ns - edge->begin_ns);
    reading->at_tick = true;
    reading->at_ns = watch->ticked_ns;
    reading->begin_uj =
        clamped((double)watch->last_uj - before_uj,
                clamped((double)watch->first_uj - late_uj, 0, watch->first_uj), watch->last_uj);
    reading->end_uj = clamped((double)watch->last_uj + after_uj, watch->last_uj, UINT64_MAX / 2);
    /* Its time is known to half the gap; that power was even within the tick is a guess. */
    reading->error_uj = (uint64_t)(power * (double)watch->gap_ns / 2 +
                                   (double)watch->step_uj / watch->step_ticks / 4 + 0.5);
}

/* What an edge has seen of time. */
struct edge_time {
    uint64_t begin_ns, now_ns;
    uint64_t spun_ns; /* of them not put aside */
    uint64_t max_wait_ns;
};

static bool may_wait(const struct edge_time *time)
{
    return time->spun_ns < time->max_wait_ns &&
           time->now_ns - time->begin_ns < MOST_ASIDE * time->max_wait_ns;
}

static void pass_time(struct edge_time *time)
{
    uint64_t now_ns = sw_clock_ns(), step_ns = now_ns - time->now_ns;
    time->spun_ns += step_ns < round_ns ? step_ns : round_ns;
    time->now_ns = now_ns;
}

/* While another was waited for, or the thread put aside, a counter ticked again: one tick is looked
 * ahead, no more. How many are waited for. */
static size_t wait_again(const struct sw_meter_set *set, struct edge_watch *watches,
                         uint64_t now_ns)
{
    size_t n_waiting = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct edge_watch *watch = &watches[i];
        if (watch->watched && !watch->waiting && now_ns - watch->ticked_ns > watch->tick_ns)
            watch->waiting = true;
        n_waiting += watch->waiting;
    }
    return n_waiting;
}

static void wait_for_ticks(struct sw_meter_set *set, struct edge_watch *watches,
                           struct edge_time *time, struct sw_snapshot *out)
{
    size_t n_waiting = wait_again(set, watches, time->now_ns);
    while (n_waiting > 0 && may_wait(time)) {
        pthread_mutex_lock(set->lock);
        for (size_t i = 0; i < set->count; i++)
            if (watches[i].waiting)
                poll_meter(set, i, time->begin_ns, &watches[i], &out->readings[i]);
        pthread_mutex_unlock(set->lock);
        pass_time(time);
        n_waiting = wait_again(set, watches, time->now_ns);
    }
}

/* Reads again what was not waited for, or in vain. */
static void read_others(struct sw_meter_set *set, const struct edge_watch *watches,
                        struct edge_time *time, struct sw_snapshot *out)
{
    pthread_mutex_lock(set->lock);
    for (size_t i = 0; i < set->count; i++) {
        struct sw_reading *reading = &out->readings[i];
        if (watches[i].watched && watches[i].ticked_ns != 0)
            continue;
        if (watches[i].watched) {
            out->aligned = false;
            if (time->now_ns - watches[i].first_ns > STILL_TICKS * watches[i].tick_ns)
                sw_set_note_stall(set, i);
        }
        uint64_t begin_uj = reading->begin_uj;
        sw_set_read_meter(set, i, reading);
        reading->begin_uj = begin_uj;
    }
    out->end_ns = sw_clock_ns();
    pthread_mutex_unlock(set->lock);
}

void sw_meter_set_read_at_tick(struct sw_meter_set *set, uint64_t max_wait_ns,
                               struct sw_snapshot *out)
{
    struct edge_watch watches[SW_MAX_METERS];
    size_t n_watched = 0;
    pthread_mutex_lock(set->lock);
    sw_set_read_all(set, out);
    for (size_t i = 0; i < set->count; i++)
        n_watched += begin_watch(set, i, max_wait_ns, &out->readings[i], &watches[i]);
    pthread_mutex_unlock(set->lock);
    if (n_watched == 0)
        return;
    struct edge_time time = {
        .begin_ns = out->begin_ns, .now_ns = out->begin_ns, .max_wait_ns = max_wait_ns};
    pass_time(&time);
    uint64_t wait_from_ns = time.now_ns;
    out->aligned = true;
    wait_for_ticks(set, watches, &time, out);
    read_others(set, watches, &time, out);
    /* Put aside behind the last look: what a tick then tells is old. */
    while (out->end_ns - time.now_ns > round_ns && may_wait(&time)) {
        pass_time(&time);
        wait_for_ticks(set, watches, &time, out);
        read_others(set, watches, &time, out);
    }
    out->waited_ns = time.now_ns - wait_from_ns;
    for (size_t i = 0; i < set->count; i++)
        if (watches[i].watched && watches[i].ticked_ns != 0)
            interpolate(&watches[i], out, &out->readings[i]);
}
