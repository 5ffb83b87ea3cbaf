#include "meter/sampler.h"

#include <errno.h>
#include <math.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "meter/set.h"

static const uint64_t default_period_ns = 100000000;
enum { DEFAULT_TRACE = 4096 };

struct sw_meter_sampler {
    struct sw_meter_set *set;
    pthread_t thread;
    sem_t stop;      /* posted once; a system call less than a condition at each wake-up */
    size_t capacity; /* of the trace; 0: none is kept */
    size_t join;     /* samples to a point now */
    size_t n_open;   /* samples since the last point */
    struct sw_snapshot first, buffers[3];
    struct sw_snapshot *last, *point_begin; /* of the buffers */
    struct sw_meter_sampler_report report;
};

/* Cheaper than sw_meter_set_energy, which has words for everything. */
static void to_point(const struct sw_meter_set *set, const struct sw_snapshot *a,
                     const struct sw_snapshot *b, struct sw_power_point *out)
{
    double uj[SW_N_COMPONENTS] = {0};
    bool counted[SW_N_COMPONENTS] = {false};
    pthread_mutex_lock(set->lock);
    for (size_t i = 0; i < set->count; i++) {
        const struct sw_meter_info *info = &set->meters[i].info;
        const struct sw_reading *begin = &a->readings[i], *end = &b->readings[i];
        if (!info->counted)
            continue;
        counted[info->component] = true;
        if (sw_reading_is_spoilt(begin, end))
            uj[info->component] = NAN;
        uj[info->component] += (double)(end->begin_uj - begin->end_uj);
    }
    pthread_mutex_unlock(set->lock);
    out->begin_ns = a->end_ns;
    out->end_ns = b->begin_ns;
    double ns = (double)(b->begin_ns - a->end_ns);
    for (int c = 0; c < SW_N_COMPONENTS; c++)
        out->watts[c] = counted[c] && ns > 0 ? (float)(uj[c] * 1e3 / ns) : (float)NAN;
}

/* Halves a full trace: two neighbours become one, and so will what follows. */
static void join_points(struct sw_meter_sampler *sampler)
{
    struct sw_meter_sampler_report *report = &sampler->report;
    size_t n = report->n_trace / 2;
    for (size_t i = 0; i < n; i++) {
        struct sw_power_point a = report->trace[2 * i], b = report->trace[2 * i + 1];
        double a_ns = (double)(a.end_ns - a.begin_ns), b_ns = (double)(b.end_ns - b.begin_ns);
        for (int c = 0; c < SW_N_COMPONENTS; c++)
            a.watts[c] = (float)((a.watts[c] * a_ns + b.watts[c] * b_ns) / (a_ns + b_ns));
        a.end_ns = b.end_ns;
        report->trace[i] = a;
    }
    report->n_trace = n;
    sampler->join *= 2;
}

static void keep_point(struct sw_meter_sampler *sampler)
{
    if (sampler->capacity == 0 || ++sampler->n_open < sampler->join)
        return;
    struct sw_meter_sampler_report *report = &sampler->report;
    to_point(sampler->set, sampler->point_begin, sampler->last, &report->trace[report->n_trace++]);
    sampler->point_begin = sampler->last;
    sampler->n_open = 0;
    if (report->n_trace == sampler->capacity)
        join_points(sampler);
}

static void take_sample(struct sw_meter_sampler *sampler, uint64_t deadline_ns)
{
    struct sw_meter_sampler_report *report = &sampler->report;
    struct sw_snapshot *now = sampler->buffers;
    while (now == sampler->last || now == sampler->point_begin)
        now++;
    sw_meter_set_read(sampler->set, now);
    const struct sw_snapshot *last = sampler->last;
    uint64_t gap_ns = now->begin_ns - last->begin_ns;
    report->n_samples++;
    report->n_late += now->begin_ns > deadline_ns + report->period_ns / 2;
    if (gap_ns > report->longest_gap_ns)
        report->longest_gap_ns = gap_ns;
    if (now->boot_offset_ns > last->boot_offset_ns + 20000000)
        report->suspended_ns += now->boot_offset_ns - last->boot_offset_ns;
    int64_t step_ns = now->wall_offset_ns - last->wall_offset_ns;
    if (llabs(step_ns) > 100000000) {
        report->n_clock_steps++;
        if (llabs(step_ns) > llabs(report->largest_step_ns))
            report->largest_step_ns = step_ns;
    }
    sampler->last = now;
    keep_point(sampler);
}

static bool wait_until(struct sw_meter_sampler *sampler, uint64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                .tv_nsec = (long)(deadline_ns % 1000000000u)};
    int result;
    do
        result = sem_clockwait(&sampler->stop, CLOCK_MONOTONIC, &deadline);
    while (result != 0 && errno == EINTR);
    return result != 0;
}

static void *sample(void *argument)
{
    struct sw_meter_sampler *sampler = argument;
    uint64_t period_ns = sampler->report.period_ns;
    uint64_t deadline_ns = sampler->report.begin_ns + period_ns;
    while (wait_until(sampler, deadline_ns)) {
        take_sample(sampler, deadline_ns);
        uint64_t now_ns = sw_clock_ns();
        /* Deadlines that passed meanwhile are left out; the grid stays. */
        deadline_ns += period_ns;
        if (deadline_ns <= now_ns)
            deadline_ns += (now_ns - deadline_ns) / period_ns * period_ns + period_ns;
    }
    sampler->report.cpu_ns = sw_clock_thread_cpu_ns();
    return NULL;
}

enum sw_code sw_meter_sampler_start(struct sw_meter_sampler **out, struct sw_meter_set *set,
                                    const struct sw_meter_sampler_options *options,
                                    struct sw_error *err)
{
    enum sw_code code = SW_OK;
    *out = NULL;
    struct sw_meter_sampler *sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL)
        return sw_fail(err, SW_ENOMEM, "sampler: out of memory");
    sampler->set = set;
    sampler->join = 1;
    sampler->report.period_ns = options->period_ns > 0 ? options->period_ns : default_period_ns;
    if (options->keep_trace) {
        sampler->capacity = options->trace_capacity > 1 ? options->trace_capacity : DEFAULT_TRACE;
        sampler->report.trace = calloc(sampler->capacity, sizeof *sampler->report.trace);
        if (sampler->report.trace == NULL) {
            code = sw_fail(err, SW_ENOMEM, "sampler: out of memory");
            goto done;
        }
    }
    pthread_mutex_lock(set->lock);
    set->sample_period_ns = sampler->report.period_ns;
    sw_set_read_all(set, &sampler->first);
    pthread_mutex_unlock(set->lock);
    sampler->buffers[0] = sampler->first;
    sampler->last = sampler->point_begin = &sampler->buffers[0];
    sampler->report.begin_ns = sampler->first.begin_ns;
    sem_init(&sampler->stop, 0, 0);
    /* Signals are for the program's own threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&sampler->thread, NULL, sample, sampler);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        set->sample_period_ns = 0;
        sem_destroy(&sampler->stop);
        code = sw_fail(err, SW_ENOMEM, "sampler: no thread: %s", strerror(error));
    }
done:
    if (code != SW_OK) {
        sw_meter_sampler_report_free(&sampler->report);
        free(sampler);
        return code;
    }
    *out = sampler;
    return SW_OK;
}

static void sum_faults(struct sw_meter_sampler *sampler)
{
    const struct sw_meter_set *set = sampler->set;
    for (size_t i = 0; i < set->count; i++)
        for (int f = 0; f < SW_N_FAULTS && set->meters[i].info.counted; f++)
            sampler->report.n_faults[f] += (uint64_t)(sampler->last->readings[i].n_faults[f] -
                                                      sampler->first.readings[i].n_faults[f]);
}

static void estimate_own_energy(struct sw_meter_sampler *sampler)
{
    struct sw_meter_sampler_report *report = &sampler->report;
    struct sw_energy energy;
    sw_meter_set_energy(sampler->set, SW_CPU, &sampler->first, sampler->last, &energy);
    double ns = (double)(sampler->last->begin_ns - sampler->first.end_ns);
    report->has_own_uj = energy.has_value && ns > 0;
    if (report->has_own_uj)
        report->own_uj_at_most = (uint64_t)((double)energy.uj * (double)report->cpu_ns / ns + 0.5);
}

void sw_meter_sampler_stop(struct sw_meter_sampler *sampler, struct sw_meter_sampler_report *report)
{
    if (report != NULL)
        *report = (struct sw_meter_sampler_report){0};
    if (sampler == NULL)
        return;
    sem_post(&sampler->stop);
    pthread_join(sampler->thread, NULL);
    struct sw_meter_set *set = sampler->set;
    pthread_mutex_lock(set->lock);
    set->sample_period_ns = 0;
    sw_set_read_all(set, sampler->last);
    sum_faults(sampler);
    pthread_mutex_unlock(set->lock);
    sampler->report.end_ns = sampler->last->end_ns;
    estimate_own_energy(sampler);
    sem_destroy(&sampler->stop);
    if (report != NULL) {
        *report = sampler->report;
        sampler->report.trace = NULL;
    }
    sw_meter_sampler_report_free(&sampler->report);
    free(sampler);
}

void sw_meter_sampler_report_free(struct sw_meter_sampler_report *report)
{
    free(report->trace);
    report->trace = NULL;
    report->n_trace = 0;
}
