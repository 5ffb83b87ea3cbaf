/* Energy between two snapshots. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "meter/package.h"

/* Clocks read one after the other differ by less. */
static const uint64_t asleep_ns = 20000000;
/* A date that is slewed goes at most 0.05 % wrong; more than that, and 100 ms, is a step. */
static const double slew = 1e-3;
static const int64_t step_ns = 100000000;
/* A counter that has not moved once, neither while it was watched for ticks nor for so long since
 * it was opened, counts nothing: hypervisors show registers that stand at one number. */
static const uint64_t dead_ns = 1000000000;

/* A counter that stood still for this many of its ticks has not counted. */
enum { STILL_TICKS = 20 };
/* A board draws watts and counts millijoules: it has moved after fewer. */
enum { STILL_GPU_TICKS = 2 };

/* A text longer than the field is cut, never inside a character. */
static void set_reason(struct sw_energy *out, const char *format, ...) SW_PRINTF(2, 3);

static void set_reason(struct sw_energy *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
    size_t length = strlen(out->reason);
    out->reason[length - sw_utf8_incomplete_tail(out->reason, length)] = 0;
}

static void add_reason(struct sw_energy *out, const char *text)
{
    char before[sizeof out->reason];
    if (strstr(out->reason, text) != NULL)
        return;
    snprintf(before, sizeof before, "%s", out->reason);
    set_reason(out, "%s%s%s", before, before[0] != 0 ? "; " : "", text);
}

static bool fault_between(const struct sw_reading *a, const struct sw_reading *b,
                          enum sw_meter_fault fault)
{
    return a->n_faults[fault] != b->n_faults[fault];
}

static double seconds(uint64_t ns)
{
    return (double)ns * 1e-9;
}

/* Why a meter's joules from a to b cannot be trusted, in out; false if they can. */
static bool is_spoilt(const struct sw_meter_set *set, size_t i, const struct sw_snapshot *from,
                      const struct sw_snapshot *to, struct sw_energy *out)
{
    const struct sw_meter_info *info = &set->meters[i].info;
    const struct sw_meter_track *track = &set->tracks[i];
    const struct sw_reading *a = &from->readings[i], *b = &to->readings[i];
    uint64_t delta_uj;
    if (!a->ok || !b->ok) {
        const char *problem = set->meters[i].problem;
        if (problem == NULL || problem[0] == 0)
            problem = info->path;
        out->faults |= 1u << SW_FAULT_UNREADABLE;
        set_reason(out, "%s could not be read at the %s%s%s", info->name,
                   a->ok ? "end" : "beginning", problem[0] != 0 ? ": " : "", problem);
        return true;
    }
    if (fault_between(a, b, SW_FAULT_UNSAMPLED)) {
        out->faults |= 1u << SW_FAULT_UNSAMPLED;
        set_reason(out, "%s gives power, and was not read for so long that its joules are unknown",
                   info->name);
        return true;
    }
    if (fault_between(a, b, SW_FAULT_DISAGREES) || b->fault == SW_FAULT_DISAGREES) {
        const char *problem = set->meters[i].problem;
        out->faults |= 1u << SW_FAULT_DISAGREES;
        set_reason(out, "%s does not go with the power that the device tells: %s", info->name,
                   problem != NULL && problem[0] != 0 ? problem : "it did not for a while");
        return true;
    }
    if (fault_between(a, b, SW_FAULT_WENT_BACK)) {
        out->faults |= 1u << SW_FAULT_WENT_BACK;
        bool at_ends = !sw_counter_delta(&delta_uj, a->uj, b->uj, info->range_uj);
        set_reason(out, "%s went from %llu to %llu uJ, which its range of %llu uJ does not explain",
                   info->name, (unsigned long long)(at_ends ? a->uj : track->bad_from_uj),
                   (unsigned long long)(at_ends ? b->uj : track->bad_to_uj),
                   (unsigned long long)info->range_uj);
        return true;
    }
    if (fault_between(a, b, SW_FAULT_UNSEEN_WRAP)) {
        out->faults |= 1u << SW_FAULT_UNSEEN_WRAP;
        set_reason(out,
                   "%s was not read for so long that its range of %llu uJ may have gone round "
                   "unseen",
                   info->name, (unsigned long long)info->range_uj);
        return true;
    }
    if (a->fault == SW_FAULT_STALLED || b->fault == SW_FAULT_STALLED) {
        out->faults |= 1u << SW_FAULT_STALLED;
        set_reason(out, "%s did not tick at the %s, though it ticked every %.3g ms at start",
                   info->name, b->fault == SW_FAULT_STALLED ? "end" : "beginning",
                   (double)info->tick_ns * 1e-6);
        return true;
    }
    if (info->source == SW_MEASURED && info->tick_ns == 0 && !track->ever_moved &&
        (set->watched || b->at_ns - track->moved_ns > dead_ns)) {
        out->faults |= 1u << SW_FAULT_FROZEN;
        set_reason(out, "%s has not moved once in the %.3g s since it was opened", info->name,
                   seconds(b->at_ns - track->moved_ns));
        return true;
    }
    uint64_t window_ns = b->at_ns - a->at_ns;
    uint64_t still_ns = window_ns;
    /* It may have stood before the window began. */
    if (info->component == SW_GPU && track->moved_ns < a->at_ns)
        still_ns = b->at_ns - track->moved_ns;
    unsigned still_ticks = info->component == SW_GPU ? STILL_GPU_TICKS : STILL_TICKS;
    bool still = info->source == SW_MEASURED && info->tick_ns > 0 && a->total_uj == b->total_uj &&
                 still_ns / still_ticks > info->tick_ns;
    if (still || fault_between(a, b, SW_FAULT_FROZEN) || a->fault == SW_FAULT_FROZEN) {
        out->faults |= 1u << SW_FAULT_FROZEN;
        set_reason(out, "%s stood still%s, though it ticked every %.3g ms", info->name,
                   still ? "" : " for a while", (double)info->tick_ns * 1e-6);
        return true;
    }
    return false;
}

/* What happened between, and does not spoil joules. */
static void note_marks(const struct sw_meter_info *info, const struct sw_reading *a,
                       const struct sw_reading *b, struct sw_energy *out)
{
    char text[160];
    if (fault_between(a, b, SW_FAULT_UNREADABLE)) {
        out->faults |= 1u << SW_FAULT_UNREADABLE;
        snprintf(text, sizeof text, "%.80s could not be read for a while in between", info->name);
        add_reason(out, text);
    }
    if (a->stalled_ns != b->stalled_ns) {
        out->faults |= 1u << SW_FAULT_STALLED;
        snprintf(text, sizeof text, "%.80s did not tick for a while in between, of at most %.3g ms",
                 info->name, (double)(b->stalled_ns - a->stalled_ns) * 1e-6);
        add_reason(out, text);
    }
    if (fault_between(a, b, SW_FAULT_LATE)) {
        out->faults |= 1u << SW_FAULT_LATE;
        add_reason(out, "the sampler was held up: nobody looked at the counters for a while");
    }
}

/* The machine's sleep spoils every counter; a step of the date is only told. */
static bool clocks_allow(const struct sw_snapshot *a, const struct sw_snapshot *b,
                         struct sw_energy *out)
{
    uint64_t slept_ns =
        b->boot_offset_ns > a->boot_offset_ns ? b->boot_offset_ns - a->boot_offset_ns : 0;
    int64_t stepped_ns = b->wall_offset_ns - a->wall_offset_ns;
    if (slept_ns > asleep_ns) {
        out->faults |= 1u << SW_FAULT_SUSPENDED;
        set_reason(out, "the machine was suspended for %.3f s in between", seconds(slept_ns));
        return false;
    }
    int64_t size_ns = stepped_ns < 0 ? -stepped_ns : stepped_ns;
    if (size_ns > step_ns && (double)size_ns > slew * (double)(b->begin_ns - a->end_ns)) {
        out->faults |= 1u << SW_FAULT_CLOCK_STEPPED;
        set_reason(out, "the wall clock stepped by %+.3f s in between (no duration comes from it)",
                   (double)stepped_ns * 1e-9);
    }
    return true;
}

static void append_name(char *names, size_t size, const char *name)
{
    size_t length = strlen(names), needed = strlen(name) + (length > 0);
    if (length + needed + sizeof "+..." > size) {
        if (length >= 4 && strcmp(names + length - 4, "+...") == 0)
            return;
        snprintf(names + length, size - length, "%s", "+...");
        return;
    }
    snprintf(names + length, size - length, "%s%s", length > 0 ? "+" : "", name);
}

/* Error of delta_uj for want of a tick at its two ends. A counter read between ticks is up to one
 * old at each end, which cancels in part: at most one tick in all. */
static double edge_error_uj(const struct sw_meter_info *info, const struct sw_reading *a,
                            const struct sw_reading *b, uint64_t delta_uj)
{
    if (info->source > SW_SAMPLED || info->tick_ns == 0)
        return 0;
    double window_ns = (double)(b->at_ns - a->at_ns);
    double one_tick_uj = (double)delta_uj;
    if (window_ns > (double)info->tick_ns)
        one_tick_uj *= (double)info->tick_ns / window_ns;
    double error_uj = 0;
    /* What it may have left out while it stalled. */
    if (window_ns > 0)
        error_uj += (double)delta_uj * fmin((double)(b->stalled_ns - a->stalled_ns) / window_ns, 1);
    error_uj += a->at_tick ? (double)a->error_uj : one_tick_uj / 2;
    error_uj += b->at_tick ? (double)b->error_uj : one_tick_uj / 2;
    return error_uj;
}

/* What two RAPL counters of one piece of silicon may differ by, beside a tick at each end: twice
 * the few per cent that either is wrong by. */
static const double psys_tolerance = 0.10;
static const double rapl_tick_ns = 1e6;

/* psys holds the packages. Where it counts less than they do, the board does not feed it with the
 * platform's power (it may stand at any number then), and it says nothing of the machine. */
static void check_psys(const struct sw_meter_set *set, const struct sw_snapshot *a,
                       const struct sw_snapshot *b, struct sw_energy *out)
{
    const struct sw_meter_info *psys = NULL;
    double packages_uj = 0, tick_ns = rapl_tick_ns;
    for (size_t i = 0; i < set->count; i++) {
        const struct sw_meter_info *info = &set->meters[i].info;
        const struct sw_reading *begin = &a->readings[i], *end = &b->readings[i];
        if (info->counted && sw_meter_is_psys(info))
            psys = info;
        else if (!info->counted || info->component != SW_CPU || info->source != SW_MEASURED ||
                 sw_reading_is_spoilt(begin, end))
            continue;
        else
            packages_uj += (double)(end->begin_uj - begin->end_uj);
        tick_ns = fmax(tick_ns, (double)info->tick_ns);
    }
    double window_ns = (double)(b->begin_ns - a->end_ns);
    if (psys == NULL || !(window_ns > 0))
        return;
    double open = psys_tolerance + 2 * tick_ns / window_ns;
    if ((double)out->uj >= packages_uj * (1 - open))
        return;
    out->has_value = false;
    out->source = SW_ABSENT;
    out->uncertainty_percent = out->edge_percent = 0;
    set_reason(out,
               "%s counted %.3f J while the packages, which it should hold, counted %.3f J: this "
               "board does not feed it with the platform's power",
               psys->name, (double)out->uj * 1e-6, packages_uj * 1e-6);
    out->uj = 0;
}

static void sum_up(const struct sw_meter_set *set, enum sw_component component,
                   const struct sw_snapshot *a, const struct sw_snapshot *b, struct sw_energy *out)
{
    enum sw_source weakest = SW_MEASURED;
    double maker_uj = 0, edge_uj = 0;
    bool all_stated = true, may_tick = false;
    size_t n_summed = 0;
    uint64_t sum_uj = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct sw_meter_info *info = &set->meters[i].info;
        if (info->component != component || !info->counted)
            continue;
        if (is_spoilt(set, i, a, b, out))
            return;
        const struct sw_reading *begin = &a->readings[i], *end = &b->readings[i];
        uint64_t delta_uj = end->begin_uj > begin->end_uj ? end->begin_uj - begin->end_uj : 0;
        if (__builtin_add_overflow(sum_uj, delta_uj, &sum_uj)) {
            set_reason(out, "%s: the sum overflows", info->name);
            return;
        }
        if (info->source > weakest)
            weakest = info->source;
        all_stated = all_stated && info->uncertainty_percent > 0;
        maker_uj += info->uncertainty_percent * (double)delta_uj / 100;
        edge_uj += edge_error_uj(info, begin, end, delta_uj);
        may_tick = may_tick || info->source <= SW_SAMPLED;
        append_name(out->meter, sizeof out->meter, info->name);
        note_marks(info, begin, end, out);
        n_summed++;
    }
    if (n_summed == 0) {
        set_reason(out, "%s", set->reason[component]);
        return;
    }
    out->has_value = true;
    out->uj = sum_uj;
    out->source = weakest;
    /* Errors of one kind of meter go the same way, so they are not taken to cancel. */
    if (sum_uj > 0) {
        out->edge_percent = 100 * edge_uj / (double)sum_uj;
    } else if (may_tick) {
        /* The joules stand in the window that holds the tick: a sum over both is right. */
        out->edge_percent = NAN;
        add_reason(out, "no tick of the counter fell into this window: what it cost is not known");
    }
    if (all_stated && sum_uj > 0)
        out->uncertainty_percent = 100 * maker_uj / (double)sum_uj + out->edge_percent;
    if (weakest != SW_MEASURED)
        add_reason(out, set->reason[component]);
    if (component == SW_MACHINE)
        check_psys(set, a, b, out);
}

void sw_meter_set_energy(const struct sw_meter_set *set, enum sw_component component,
                         const struct sw_snapshot *a, const struct sw_snapshot *b,
                         struct sw_energy *out)
{
    *out = (struct sw_energy){.source = SW_ABSENT};
    if (set->n_overflow[component] > 0) {
        set_reason(out, "%zu counters more than the %d that fit", set->n_overflow[component],
                   SW_MAX_METERS);
        return;
    }
    pthread_mutex_lock(set->lock);
    bool any = sw_set_has_counted(set, component);
    if (!any)
        set_reason(out, "%s", set->reason[component]);
    else if (clocks_allow(a, b, out))
        sum_up(set, component, a, b, out);
    pthread_mutex_unlock(set->lock);
}
