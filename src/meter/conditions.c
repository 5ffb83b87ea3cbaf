#include "meter/conditions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "meter/conditions_reader.h"
#include "meter/meter.h"
#include "meter/power_model.h"

/* A slow file is read again after this. */
static const uint64_t slow_period_ns = UINT64_C(10000000000);

/* Below this a static /proc/stat is no sign that it does not count: its tick is 10 ms. */
static const uint64_t still_ns = 50000000;

void sw_watched_read(struct sw_watched *w)
{
    ssize_t n;
    do
        n = pread(w->fd, w->text, sizeof w->text - 1, 0);
    while (n < 0 && errno == EINTR);
    w->good = n > 0;
    w->text[n > 0 ? n : 0] = 0;
}

bool sw_watched_refresh(struct sw_watched *w, uint64_t now_ns)
{
    if (!w->slow || now_ns - w->read_at_ns >= slow_period_ns) {
        sw_watched_read(w);
        w->read_at_ns = now_ns;
    }
    return w->good;
}

bool sw_conditions_parse_self(uint64_t *ticks, const char *text)
{
    /* "PID (COMMAND) STATE ...": the command may hold anything, brackets included. User and system
     * time are the 12th and 13th field behind it (proc_pid_stat(5), 14 and 15). */
    enum { FIELDS_BEFORE = 11 };
    const char *at = strrchr(text, ')');
    uint64_t sum = 0;
    if (at == NULL)
        return false;
    at++;
    for (int i = 0; i < FIELDS_BEFORE; i++) {
        at += strspn(at, " ");
        at += strcspn(at, " ");
    }
    for (int i = 0; i < 2; i++) {
        char *end;
        at += strspn(at, " ");
        if (*at < '0' || *at > '9' ||
            __builtin_add_overflow(sum, (uint64_t)strtoull(at, &end, 10), &sum))
            return false;
        at = end;
    }
    *ticks = sum;
    return true;
}

/* Number behind "key " at the start of a line, or behind " key" within one. */
static bool keyed(uint64_t *out, const char *text, const char *key)
{
    const char *at = strstr(text, key);
    char digits[24];
    if (at == NULL)
        return false;
    at += strlen(key);
    size_t n = strspn(at, "0123456789");
    if (n == 0 || n >= sizeof digits)
        return false;
    memcpy(digits, at, n);
    digits[n] = 0;
    return sw_parse_u64(out, digits, 0, INT64_MAX);
}

bool sw_conditions_parse_pressure(uint64_t *waiting_us, const char *text)
{
    return strncmp(text, "some ", 5) == 0 && keyed(waiting_us, text, " total=");
}

bool sw_conditions_parse_limit(uint64_t *n, uint64_t *ns, const char *text)
{
    uint64_t us;
    if (!keyed(n, text, "nr_throttled "))
        return false;
    if (keyed(&us, text, "throttled_usec "))
        return !__builtin_mul_overflow(us, UINT64_C(1000), ns) && *ns <= INT64_MAX;
    return keyed(ns, text, "throttled_time ");
}

static void put(struct sw_conditions *out, enum sw_condition condition, int64_t value)
{
    out->value[condition] = value;
    out->reason[condition] = NULL;
}

static bool ticks_to_ns(int64_t *ns, const struct sw_conditions_reader *r, uint64_t ticks)
{
    return ticks <= INT64_MAX && !__builtin_mul_overflow((int64_t)ticks, r->tick_ns, ns);
}

static void read_cpu_time(struct sw_conditions_reader *r, struct sw_conditions *out)
{
    struct sw_cpu_times times;
    uint64_t ticks;
    int64_t own = 0, busy, stolen, all;
    bool has_own = r->real;
    if (r->real)
        own = (int64_t)sw_clock_cpu_ns();
    else if (r->self.n > 0 && sw_watched_refresh(r->self.items, out->at_ns) &&
             sw_conditions_parse_self(&ticks, r->self.items[0].text))
        has_own = ticks_to_ns(&own, r, ticks);
    if (has_own)
        put(out, SW_CONDITION_OWN_CPU_NS, own);
    if (r->stat.n == 0 || !sw_watched_refresh(r->stat.items, out->at_ns))
        return;
    char *text = r->stat.items[0].text;
    text[strcspn(text, "\n")] = 0;
    if (!sw_power_parse_times(&times, text) || !ticks_to_ns(&busy, r, times.busy) ||
        !ticks_to_ns(&stolen, r, times.stolen) || !ticks_to_ns(&all, r, times.all))
        return;
    put(out, SW_CONDITION_STOLEN_CPU_NS, stolen);
    put(out, SW_CONDITION_ALL_CPU_NS, all);
    put(out, SW_CONDITION_BUSY_CPU_NS, busy);
}

static void read_pressure(struct sw_conditions_reader *r, struct sw_conditions *out)
{
    uint64_t us;
    int64_t ns;
    if (r->pressure.n > 0 && sw_watched_refresh(r->pressure.items, out->at_ns) &&
        sw_conditions_parse_pressure(&us, r->pressure.items[0].text) &&
        !__builtin_mul_overflow((int64_t)us, INT64_C(1000), &ns))
        put(out, SW_CONDITION_WAITING_NS, ns);
}

/* Number of its first line. */
static bool watched_number(int64_t *value, struct sw_watched *w, uint64_t now_ns, int64_t least,
                           int64_t most)
{
    if (!sw_watched_refresh(w, now_ns))
        return false;
    w->text[strcspn(w->text, "\n")] = 0;
    return sw_parse_i64(value, w->text, least, most);
}

static void put_sum(struct sw_watched_list *list, struct sw_conditions *out,
                    enum sw_condition condition)
{
    int64_t sum = 0, value;
    for (size_t i = 0; i < list->n; i++)
        if (!watched_number(&value, &list->items[i], out->at_ns, 0, INT64_MAX) ||
            __builtin_add_overflow(sum, value, &sum))
            return;
    if (list->n > 0)
        put(out, condition, sum);
}

static void put_largest(struct sw_watched_list *list, struct sw_conditions *out,
                        enum sw_condition condition, int64_t least, int64_t most, int64_t factor)
{
    int64_t largest = INT64_MIN, value;
    for (size_t i = 0; i < list->n; i++)
        if (watched_number(&value, &list->items[i], out->at_ns, least, most) && value > largest)
            largest = value;
    if (largest != INT64_MIN)
        put(out, condition, largest * factor);
}

static void read_groups(struct sw_conditions_reader *r, struct sw_conditions *out)
{
    int64_t n_sum = 0, ns_sum = 0;
    for (size_t i = 0; i < r->groups.n; i++) {
        uint64_t n, ns;
        if (!sw_watched_refresh(&r->groups.items[i], out->at_ns) ||
            !sw_conditions_parse_limit(&n, &ns, r->groups.items[i].text) ||
            __builtin_add_overflow(n_sum, (int64_t)n, &n_sum) ||
            __builtin_add_overflow(ns_sum, (int64_t)ns, &ns_sum))
            return;
    }
    if (r->groups.n == 0)
        return;
    put(out, SW_CONDITION_N_LIMITED, n_sum);
    put(out, SW_CONDITION_LIMITED_NS, ns_sum);
}

static void read_supplies(struct sw_conditions_reader *r, struct sw_conditions *out)
{
    bool discharging = false, plugged = false;
    int64_t online;
    if (r->why[SW_CONDITION_ON_BATTERY][0] != 0)
        return;
    for (size_t i = 0; i < r->batteries.n; i++) {
        struct sw_watched *w = &r->batteries.items[i];
        discharging = discharging || (sw_watched_refresh(w, out->at_ns) &&
                                      strncmp(w->text, "Discharging", 11) == 0);
    }
    for (size_t i = 0; i < r->mains.n; i++)
        plugged = plugged ||
                  (watched_number(&online, &r->mains.items[i], out->at_ns, 0, 2) && online > 0);
    put(out, SW_CONDITION_ON_BATTERY, discharging && !plugged);
}

const char sw_conditions_no_gpu[] = "the work runs on no GPU";

void sw_conditions_watch_gpu(struct sw_conditions_reader *reader, struct sw_meter_set *meters)
{
    struct sw_gpu_state state;
    reader->gpu = sw_meter_set_gpu_state(meters, &state) ? meters : NULL;
}

static const enum sw_condition gpu_conditions[] = {
    SW_CONDITION_GPU_POWER_CAPPED_NS, SW_CONDITION_GPU_THROTTLED_NS,
    SW_CONDITION_GPU_CLOCK_HZ,        SW_CONDITION_GPU_MEMORY_CLOCK_HZ,
    SW_CONDITION_GPU_POWER_LIMIT_MW,  SW_CONDITION_GPU_TEMPERATURE_MC,
};

static void read_gpu(struct sw_conditions_reader *r, struct sw_conditions *out)
{
    struct sw_gpu_state state;
    bool works = r->gpu != NULL;
    for (size_t i = 0; i < sizeof gpu_conditions / sizeof gpu_conditions[0]; i++)
        out->reason[gpu_conditions[i]] =
            works ? "the GPU's driver does not tell" : sw_conditions_no_gpu;
    if (!works || !sw_meter_set_gpu_state(r->gpu, &state))
        return;
    const int64_t values[] = {state.power_capped_ns, state.throttled_ns,   state.clock_hz,
                              state.memory_clock_hz, state.power_limit_mw, state.temperature_mc};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        bool is_temperature = gpu_conditions[i] == SW_CONDITION_GPU_TEMPERATURE_MC;
        if (values[i] >= 0 || (is_temperature && values[i] != INT64_MIN))
            put(out, gpu_conditions[i], values[i]);
    }
}

void sw_conditions_read(struct sw_conditions_reader *r, struct sw_conditions *out)
{
    /* Faster than 1000 GHz and hotter than 200 degrees is no reading. */
    const int64_t most_khz = 1000000000, coldest_mc = -100000, hottest_mc = 200000;
    *out = (struct sw_conditions){.at_ns = sw_clock_ns()};
    for (int c = 0; c < SW_N_CONDITIONS; c++)
        out->reason[c] = r->why[c][0] != 0 ? r->why[c] : "could not be read this time";
    read_cpu_time(r, out);
    read_pressure(r, out);
    read_groups(r, out);
    put_sum(&r->cores, out, SW_CONDITION_CORE_THROTTLES);
    put_sum(&r->packages, out, SW_CONDITION_PACKAGE_THROTTLES);
    put_largest(&r->clocks, out, SW_CONDITION_CLOCK_HZ, 1, most_khz, 1000);
    put_largest(&r->zones, out, SW_CONDITION_TEMPERATURE_MC, coldest_mc, hottest_mc, 1);
    if (r->clock_base_hz > 0)
        put(out, SW_CONDITION_CLOCK_BASE_HZ, r->clock_base_hz);
    if (r->clock_most_hz > 0)
        put(out, SW_CONDITION_CLOCK_MOST_HZ, r->clock_most_hz);
    read_supplies(r, out);
    read_gpu(r, out);
}

void sw_conditions_between(const struct sw_conditions *a, const struct sw_conditions *b,
                           struct sw_conditions *out)
{
    *out = *b;
    out->at_ns = b->at_ns - a->at_ns;
    for (int c = 0; c < SW_FIRST_STATE_CONDITION; c++) {
        int64_t change;
        if (out->reason[c] == NULL)
            out->reason[c] = a->reason[c];
        if (out->reason[c] != NULL)
            continue;
        if (__builtin_sub_overflow(b->value[c], a->value[c], &change) || change < 0)
            out->reason[c] = "its counter went back";
        else
            out->value[c] = change;
    }
    /* Some sandboxes show a /proc/stat that stands still. */
    if (out->reason[SW_CONDITION_ALL_CPU_NS] == NULL && out->value[SW_CONDITION_ALL_CPU_NS] == 0 &&
        out->at_ns > still_ns)
        for (int c = SW_CONDITION_BUSY_CPU_NS; c <= SW_CONDITION_ALL_CPU_NS; c++)
            out->reason[c] = "/proc/stat does not count here";
}
