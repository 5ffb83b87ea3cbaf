/* The rules of verdicts: docs/verdicts.md tells them to readers. */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/statistics.h"
#include "base/utf8.h"
#include "record/verdict_rules.h"

/* Above the first share a figure is INFORMATIVE, above the second INVALID. */

/* Of busy processor time that was not ours. RAPL's own error is about 5 %: less cannot be told from
 * it. With a quarter the joules are another program's as much as ours. */
static const double foreign_share[] = {0.05, 0.25};

/* Of our time in which the host ran somebody else on our processors: the clock runs on, the work
 * does not, so seconds are wrong by the same share. */
static const double stolen_share[] = {0.02, 0.10};

/* Of time in which some thread waited for a processor (PSI). Our own threads may be among them. */
static const double waiting_share[] = {0.10, INFINITY};

/* Of time in which a control group's quota held threads back: durations are then the quota's. */
static const double limited_share[] = {0.0, 0.10};

/* Of the lines in which a thermal counter moved: in more than half, heat is the normal state, and
 * the figures are those of this machine's cooling. */
static const double throttled_share[] = {0.0, 0.5};

/* Of the time in which the GPU's driver lowered its clock for heat. Its power limit is another
 * matter: boards are made to run at it. */
static const double gpu_throttled_share[] = {0.01, 0.5};

/* Of the joules that the ticks at the edges leave open. 2 % is the interval that the standard
 * profile stops at; 10 % is twice what RAPL's maker leaves open. */
static const double edge_share[] = {0.02, 0.10};

/* Clock of the fastest processor, of what its maker promises without turbo; where that is not told,
 * of what it can reach (laptops promise about half of it). */
static const double least_of_base = 0.98, least_of_most = 0.5;

/* Seconds per token of the last third of the lines against the first: as much is no noise of a
 * machine that is left alone (A/A runs differ by 1 to 2 %). */
static const double drift_share = 0.05;
enum { DRIFT_LINES = 9 };

/* Of a component's power at rest, afterwards against before. Counters at rest differ by some per
 * cent from one ten seconds to the next. */
static const double idle_share = 0.10;

/* /proc/stat counts in ticks of 10 ms: below this the share of others is mostly rounding. */
static const double least_elapsed_ns = 200e6;

/* A sampler that did not look for as many of its periods was stopped. */
enum { STOPPED_PERIODS = 5 };

static const char *const mark_texts[SW_N_MARKS] = {
    "meter fault: its counter could not be read for a while",
    "sampler stopped: nobody looked at its counter for a while",
    "clock step: the wall clock was set (no duration comes from it)",
    "meter fault: its counter did not tick for a while",
};

static void say(struct sw_verdict_reasons *reasons, enum sw_verdict_level level, unsigned concerns,
                const char *format, ...) SW_PRINTF(4, 5);

static void say(struct sw_verdict_reasons *reasons, enum sw_verdict_level level, unsigned concerns,
                const char *format, ...)
{
    va_list arguments;
    if (reasons->n == SW_MAX_VERDICT_REASONS)
        return;
    struct sw_verdict_reason *r = &reasons->items[reasons->n++];
    r->level = level;
    r->concerns = concerns;
    va_start(arguments, format);
    vsnprintf(r->text, sizeof r->text, format, arguments);
    va_end(arguments);
    size_t length = strlen(r->text);
    r->text[length - sw_utf8_incomplete_tail(r->text, length)] = 0;
}

/* Level of a share by its two limits. */
static enum sw_verdict_level level_of(double share, const double limits[2])
{
    return share > limits[1] ? SW_INVALID : share > limits[0] ? SW_INFORMATIVE : SW_VALID;
}

static void judge_component(struct sw_verdict_reasons *reasons, const struct sw_verdict *v, int i,
                            const struct sw_verdict_figure *figure)
{
    const struct sw_verdict_component *c = &v->components[i];
    const char *name = sw_record_component_names[i];
    unsigned mask = 1u << i;
    /* RAM alone may be modelled, or absent, where everything else is measured. */
    unsigned concerns = i == SW_RECORD_RAM ? mask : mask | SW_CONCERNS_ROW;
    if (!figure->has_value) {
        bool never = c->n_without == c->n_parts;
        say(reasons, i == SW_RECORD_RAM && never ? SW_INFORMATIVE : SW_INVALID,
            mask | SW_CONCERNS_ROW, "%s: %s has no joules%s%s",
            never ? "missing domain" : "meter fault", name, figure->reason[0] != 0 ? ": " : "",
            figure->reason);
        return;
    }
    if (figure->rank == 2) {
        say(reasons, SW_INFORMATIVE, concerns, "modelled only: %s's joules come from a formula",
            name);
        return;
    }
    double open = c->uj > 0 ? sqrt(c->edge_uj2) / c->uj : c->edge_uj2 > 0 ? 1 : 0;
    enum sw_verdict_level level = level_of(open, edge_share);
    if (level != SW_VALID)
        say(reasons, level, mask | SW_CONCERNS_ROW,
            "too few ticks: the edges of the phases leave %.2g %% of %s's joules open (at most "
            "%.2g %%)",
            100 * open, name, 100 * edge_share[level - 1]);
    else if (c->edges_unknown)
        say(reasons, SW_INFORMATIVE, mask | SW_CONCERNS_ROW,
            "too few ticks: the record does not tell what %s's edges leave open", name);
    for (int f = 0; f < SW_N_MARKS; f++)
        if (c->n_faults[f] > 0)
            say(reasons, SW_INFORMATIVE, mask | SW_CONCERNS_ROW, "%s (%s, in %zu of %zu phases)",
                mark_texts[f], name, c->n_faults[f], c->n_parts);
}

static void judge_share(struct sw_verdict_reasons *reasons, unsigned concerns, double share,
                        const double limits[2], const char *what)
{
    enum sw_verdict_level level = level_of(share, limits);
    if (level == SW_VALID)
        return;
    const double limit = limits[level - 1];
    if (limit > 0)
        say(reasons, level, concerns, "%s %.2g %% of the time (at most %.2g %%)", what, 100 * share,
            100 * limit);
    else
        say(reasons, level, concerns, "%s %.2g %% of the time", what, 100 * share);
}

static void judge_load(struct sw_verdict_reasons *reasons, const struct sw_conditions_sum *sum,
                       unsigned who)
{
    const double *value = sum->value;
    double elapsed_ns = value[SW_FIELD_ELAPSED_NS];
    if (!sw_conditions_sum_has(sum, SW_FIELD_ELAPSED_NS)) {
        say(reasons, SW_INFORMATIVE, who, "foreign load: the record does not tell what else ran");
        return;
    }
    if (!sw_conditions_sum_has(sum, SW_FIELD_BUSY_CPU_NS) ||
        !sw_conditions_sum_has(sum, SW_FIELD_OWN_CPU_NS)) {
        int f = sum->is_missing[SW_FIELD_BUSY_CPU_NS] ? SW_FIELD_BUSY_CPU_NS : SW_FIELD_OWN_CPU_NS;
        say(reasons, SW_INFORMATIVE, who, "foreign load: not known: %s", sum->reason[f]);
    } else if (elapsed_ns < least_elapsed_ns) {
        say(reasons, SW_INFORMATIVE, who,
            "foreign load: not known: the run is too short (%.3g ms) for ticks of 10 ms",
            elapsed_ns * 1e-6);
    } else {
        double busy = value[SW_FIELD_BUSY_CPU_NS], own = value[SW_FIELD_OWN_CPU_NS];
        double share = busy > own ? (busy - own) / busy : 0;
        enum sw_verdict_level level = level_of(share, foreign_share);
        if (level != SW_VALID)
            say(reasons, level, who,
                "foreign load: other programs had %.2g %% of the busy processor time (at most "
                "%.2g %%)",
                100 * share, 100 * foreign_share[level - 1]);
    }
    if (sw_conditions_sum_has(sum, SW_FIELD_STOLEN_CPU_NS) &&
        sw_conditions_sum_has(sum, SW_FIELD_BUSY_CPU_NS)) {
        double stolen = value[SW_FIELD_STOLEN_CPU_NS];
        double wanted = stolen + value[SW_FIELD_BUSY_CPU_NS];
        judge_share(reasons, who, wanted > 0 ? stolen / wanted : 0, stolen_share,
                    "stolen time: the host ran others on these processors");
    }
    if (sw_conditions_sum_has(sum, SW_FIELD_WAITING_NS) && elapsed_ns > 0)
        judge_share(reasons, who, value[SW_FIELD_WAITING_NS] / elapsed_ns, waiting_share,
                    "foreign load: threads waited for a processor");
}

static void judge_heat(struct sw_verdict_reasons *reasons, const struct sw_conditions_sum *sum,
                       unsigned who, bool gpu)
{
    const double *value = sum->value;
    if (sum->n_throttled > 0) {
        double share = (double)sum->n_throttled / (double)sum->n;
        say(reasons, level_of(share, throttled_share), who,
            "throttled: the processors slowed down for heat in %zu of %zu measurements",
            sum->n_throttled, sum->n);
    }
    if (sw_conditions_sum_has(sum, SW_FIELD_GPU_THROTTLED_NS) && value[SW_FIELD_ELAPSED_NS] > 0)
        judge_share(reasons, who, value[SW_FIELD_GPU_THROTTLED_NS] / value[SW_FIELD_ELAPSED_NS],
                    gpu_throttled_share, "throttled: the GPU slowed down for heat");
    /* While a GPU works the processors have little to do, and may be slow. */
    if (gpu || !sw_conditions_sum_has(sum, SW_FIELD_CLOCK_HZ))
        return;
    double clock = value[SW_FIELD_CLOCK_HZ], base = value[SW_FIELD_CLOCK_BASE_HZ];
    double most = value[SW_FIELD_CLOCK_MOST_HZ];
    if (sw_conditions_sum_has(sum, SW_FIELD_CLOCK_BASE_HZ)) {
        if (clock < least_of_base * base)
            say(reasons, SW_INFORMATIVE, who,
                "throttled: the clock went down to %.3g GHz, below the %.3g GHz that the processor "
                "is made for",
                clock * 1e-9, base * 1e-9);
    } else if (sw_conditions_sum_has(sum, SW_FIELD_CLOCK_MOST_HZ) && clock < least_of_most * most) {
        say(reasons, SW_INFORMATIVE, who,
            "throttled: the clock went down to %.3g GHz, of %.3g GHz that the processor can reach",
            clock * 1e-9, most * 1e-9);
    }
}

/* "200000 100000" is a quota of two processors; "max 100000" none. */
static double quota_of(const char *cpu_max)
{
    char quota[32];
    const char *space = cpu_max != NULL ? strchr(cpu_max, ' ') : NULL;
    uint64_t us, period_us;
    if (space == NULL || (size_t)(space - cpu_max) >= sizeof quota)
        return INFINITY;
    memcpy(quota, cpu_max, (size_t)(space - cpu_max));
    quota[space - cpu_max] = 0;
    if (!sw_parse_u64(&us, quota, 1, UINT64_MAX) ||
        !sw_parse_u64(&period_us, space + 1, 1, UINT64_MAX))
        return INFINITY;
    return (double)us / (double)period_us;
}

static void judge_limits(struct sw_verdict_reasons *reasons, const struct sw_verdict *v,
                         unsigned who)
{
    const struct sw_conditions_sum *sum = &v->conditions;
    double threads = json_number_value(json_object_get(v->run, "threads"));
    double quota = quota_of(json_string_value(
        json_object_get(json_object_get(v->run, "environment"), "cgroup_cpu_max")));
    double elapsed_ns = sum->value[SW_FIELD_ELAPSED_NS];
    if (sw_conditions_sum_has(sum, SW_FIELD_LIMITED_NS) && elapsed_ns > 0)
        judge_share(reasons, who, sum->value[SW_FIELD_LIMITED_NS] / elapsed_ns, limited_share,
                    "container limits: a CPU quota held threads back");
    if (threads > quota)
        say(reasons, SW_INFORMATIVE, who,
            "container limits: %.0f threads share a quota of %.3g processors", threads, quota);
    if (sw_conditions_sum_has(sum, SW_FIELD_ON_BATTERY) && sum->value[SW_FIELD_ON_BATTERY] != 0)
        say(reasons, SW_INFORMATIVE, who, "battery: firmware lowers clocks on battery");
}

/* Medians of the first and last third, against the spread within them. */
static void judge_drift(struct sw_verdict_reasons *reasons, const struct sw_verdict *v)
{
    size_t n = v->n_pace, third = n / 3;
    if (n < DRIFT_LINES)
        return;
    double *copy = malloc(2 * third * sizeof *copy);
    if (copy == NULL)
        return;
    double median[2], spread = 0;
    for (int k = 0; k < 2; k++) {
        double *part = copy + (size_t)k * third;
        memcpy(part, v->pace + (k == 0 ? 0 : n - third), third * sizeof *part);
        median[k] = sw_median(part, third);
        for (size_t i = 0; i < third; i++)
            part[i] = fabs(part[i] - median[k]);
        spread = fmax(spread, sw_median(part, third));
    }
    free(copy);
    /* Standard error of the difference of two medians of normal values: 1.4826 times the median
     * deviation is their standard deviation, 1.2533 / sqrt(n) of that the median's error. */
    double error = 1.4826 * spread * 1.2533 * sqrt(2.0 / (double)third);
    double moved = median[1] - median[0];
    if (fabs(moved) > drift_share * median[0] && fabs(moved) > 3 * error)
        say(reasons, SW_INFORMATIVE, SW_CONCERNS_ROW,
            "drift: the last third of the answers took %+.2g %% time per token against the first "
            "(at most %.2g %%)",
            100 * moved / median[0], 100 * drift_share);
}

/* Watts of a component while idle, before or after; false where they are not measured. *open is
 * what the ticks at the edges leave of them. */
static bool idle_watts(double *watts, double *open, const json_t *end, const char *phase,
                       const char *component)
{
    char key[32];
    const json_t *energy =
        json_object_get(json_object_get(json_object_get(end, "energy"), phase), component);
    const char *source = json_string_value(json_object_get(energy, "source"));
    snprintf(key, sizeof key, "%s_ns", phase);
    double ns = json_number_value(json_object_get(end, key));
    double uj = json_number_value(json_object_get(energy, "uj"));
    int rank = source != NULL ? sw_record_source_rank(source) : -1;
    if ((rank != 0 && rank != 1) || ns <= 0 || uj <= 0)
        return false;
    *watts = uj * 1e3 / ns;
    *open = *watts * json_number_value(json_object_get(energy, "edge_percent")) / 100;
    return true;
}

/* The loaded machine at rest afterwards draws what it drew before, or it is not the same machine:
 * warmer, or with something else running. */
static void judge_idle(struct sw_verdict_reasons *reasons, const json_t *end, bool gpu)
{
    for (int c = 0; c < SW_RECORD_MACHINE; c++) {
        double before, after, before_open, after_open;
        const char *name = sw_record_component_names[c];
        if ((c == SW_RECORD_GPU && !gpu) ||
            !idle_watts(&before, &before_open, end, "idle_before", name) ||
            !idle_watts(&after, &after_open, end, "idle_after", name))
            continue;
        double moved = after - before;
        if (fabs(moved) > idle_share * before && fabs(moved) > hypot(before_open, after_open))
            say(reasons, SW_INFORMATIVE, (1u << c) | SW_CONCERNS_ROW,
                "drift: at rest afterwards %s drew %+.2g %% against %.3g W before (at most %.2g "
                "%%)",
                name, 100 * moved / before, before, 100 * idle_share);
    }
}

static void judge_warm_up(struct sw_verdict_reasons *reasons, const json_t *end)
{
    const json_t *warm_up = json_object_get(end, "warm_up");
    double n = json_number_value(json_object_get(warm_up, "n"));
    if (n > 0 && json_is_false(json_object_get(warm_up, "agreed")))
        say(reasons, SW_INFORMATIVE, SW_CONCERNS_ROW,
            "drift: %.0f answers of warm-up did not come to take the same time", n);
}

/* Why intervals are marked: each reason is told once, with the first figure that has it. */
struct marks {
    struct {
        char figure[96];
        const char *reason;
        size_t n;
    } items[8];
    size_t n;
};

/* Figures whose interval says of itself that it cannot be trusted; by component one level down. */
static void find_marks(struct marks *marks, const json_t *figures, const char *above)
{
    const char *name;
    json_t *figure;
    char path[96];
    json_object_foreach((json_t *)(uintptr_t)figures, name, figure)
    {
        snprintf(path, sizeof path, "%s%s%s", above, above[0] != 0 ? "." : "", name);
        if (json_is_true(json_object_get(figure, "marked"))) {
            const char *reason = json_string_value(json_object_get(figure, "reason"));
            reason = reason != NULL ? reason : "";
            size_t i = 0;
            while (i < marks->n && strcmp(marks->items[i].reason, reason) != 0)
                i++;
            if (i == sizeof marks->items / sizeof marks->items[0])
                continue;
            if (i == marks->n) {
                snprintf(marks->items[i].figure, sizeof marks->items[i].figure, "%s", path);
                marks->items[i].reason = reason;
                marks->n++;
            }
            marks->items[i].n++;
        } else if (above[0] == 0 && json_is_object(figure)) {
            find_marks(marks, figure, name);
        }
    }
}

static void judge_intervals(struct sw_verdict_reasons *reasons, const json_t *statistics)
{
    struct marks marks = {0};
    find_marks(&marks, statistics, "");
    for (size_t i = 0; i < marks.n; i++) {
        const char *reason = marks.items[i].reason;
        char others[48] = "";
        if (marks.items[i].n > 1)
            snprintf(others, sizeof others, ", as %zu others are", marks.items[i].n - 1);
        say(reasons, SW_INFORMATIVE, SW_CONCERNS_ROW, "interval: that of %s is marked%s%s%s",
            marks.items[i].figure, others, reason[0] != 0 ? ": " : "", reason);
    }
}

static void judge_run(struct sw_verdict_reasons *reasons, const json_t *end)
{
    const json_t *sampling = json_object_get(end, "sampling");
    double slept_ns = json_number_value(json_object_get(sampling, "suspended_ns"));
    double steps = json_number_value(json_object_get(sampling, "n_clock_steps"));
    double gap_ns = json_number_value(json_object_get(sampling, "longest_gap_ns"));
    double period_ns = json_number_value(json_object_get(sampling, "period_ns"));
    if (slept_ns > 0)
        say(reasons, SW_INFORMATIVE, SW_CONCERNS_ROW,
            "suspended: the machine slept for %.3g s during the run", slept_ns * 1e-9);
    if (steps > 0)
        say(reasons, SW_INFORMATIVE, SW_CONCERNS_ROW,
            "clock step: the wall clock was set during the run (no duration comes from it)");
    if (period_ns > 0 && gap_ns > STOPPED_PERIODS * period_ns)
        say(reasons, SW_INFORMATIVE, SW_CONCERNS_ROW,
            "sampler stopped: it did not look at the counters for %.3g s (it should every %.3g s)",
            gap_ns * 1e-9, period_ns * 1e-9);
    judge_intervals(reasons, json_object_get(end, "statistics"));
    if (json_is_true(json_object_get(end, "interrupted")))
        say(reasons, SW_INFORMATIVE, SW_CONCERNS_ROW, "incomplete: the run was interrupted");
}

/* Kernels on the processors, for tests: neither seconds nor joules are a GPU's. */
static void judge_device(struct sw_verdict_reasons *reasons, const struct sw_verdict *v)
{
    if (json_is_true(json_object_get(json_object_get(v->run, "device"), "emulated")))
        say(reasons, SW_INVALID,
            SW_CONCERNS_CPU | SW_CONCERNS_GPU | SW_CONCERNS_RAM | SW_CONCERNS_ROW,
            "emulated: the processors computed in a GPU's place");
}

void sw_verdict_judge(struct sw_verdict_reasons *reasons, const struct sw_verdict *v,
                      const struct sw_verdict_figure figures[SW_VERDICT_COMPONENTS], bool gpu,
                      const json_t *end)
{
    const struct sw_verdict_figure *ram = &figures[SW_RECORD_RAM];
    for (int c = 0; c < SW_VERDICT_COMPONENTS; c++)
        if (c != SW_RECORD_GPU || gpu)
            judge_component(reasons, v, c, &figures[c]);
    /* Those whose joules these things change: a formula for RAM knows nothing of them. */
    unsigned who = SW_CONCERNS_CPU | SW_CONCERNS_ROW;
    if (ram->has_value && ram->rank < 2)
        who |= SW_CONCERNS_RAM;
    judge_device(reasons, v);
    judge_load(reasons, &v->conditions, who);
    judge_heat(reasons, &v->conditions, who, gpu);
    judge_limits(reasons, v, who);
    judge_drift(reasons, v);
    judge_idle(reasons, end, gpu);
    judge_warm_up(reasons, end);
    judge_run(reasons, end);
}
