#include "record/command_summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "record/energy.h"
#include "statistics/interval.h"

/* A figure over the runs that have it. */
struct sample {
    double *values; /* (n), owned */
    size_t n;
    struct sw_interval interval; /* of the mean */
    double sd;                   /* of one run, n - 1 in its divisor; 0 if n is 1 */
};

static void sample_finish(struct sample *s)
{
    double squares = 0;
    sw_interval_mean(s->values, s->n, 0.95, &s->interval);
    for (size_t i = 0; i < s->n; i++)
        squares += (s->values[i] - s->interval.mean) * (s->values[i] - s->interval.mean);
    s->sd = s->n > 1 ? sqrt(squares / (double)(s->n - 1)) : 0;
}

static json_t *sample_to_json(struct sample *s)
{
    if (s->n == 0)
        return json_null();
    const struct sw_interval *interval = &s->interval;
    double low = sw_quantile(s->values, s->n, 0), high = sw_quantile(s->values, s->n, 1);
    double median = sw_median(s->values, s->n);
    return json_pack("{s:I, s:f, s:o, s:f, s:f, s:f, s:o, s:o, s:f, s:b, s:s?}", "n",
                     (json_int_t)s->n, "mean", interval->mean, "sd",
                     s->n > 1 ? json_real(s->sd) : json_null(), "median", median, "min", low, "max",
                     high, "low", s->n > 1 ? json_real(interval->low) : json_null(), "high",
                     s->n > 1 ? json_real(interval->high) : json_null(), "level", interval->level,
                     "marked", (int)interval->marked, "reason", interval->reason);
}

static json_t *run_at(const json_t *result, size_t i)
{
    return json_array_get(json_object_get(result, "runs"), i);
}

static size_t n_runs(const json_t *result)
{
    return json_array_size(json_object_get(result, "runs"));
}

/* An integer of every run that has it, times scale. */
static bool take_integers(struct sample *out, const json_t *result, const char *key, double scale)
{
    size_t n = n_runs(result);
    *out = (struct sample){.values = malloc((n + 1) * sizeof(double))};
    if (out->values == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(run_at(result, i), key);
        if (json_is_integer(value))
            out->values[out->n++] = (double)json_integer_value(value) * scale;
    }
    sample_finish(out);
    return true;
}

/* Joules of every run: of one component, or of all that have a value (c == SW_RECORD_COMPONENTS).
 */
static enum sw_code take_joules(struct sample *out, const json_t *result, size_t c,
                                struct sw_error *err)
{
    size_t n = n_runs(result);
    *out = (struct sample){.values = malloc((n + 1) * sizeof(double))};
    if (out->values == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        struct sw_energy_sum sums[SW_RECORD_COMPONENTS] = {0};
        const json_t *energy = json_object_get(run_at(result, i), "energy");
        for (size_t k = 0; k < SW_RECORD_COMPONENTS; k++) {
            enum sw_code code =
                sw_energy_sum_add(&sums[k], json_object_get(energy, sw_record_component_names[k]),
                                  "run of a command", err);
            if (code != SW_OK)
                return code;
        }
        struct sw_energy_sum sum = c < SW_RECORD_COMPONENTS ? sums[c] : sw_energy_sum_total(sums);
        if (sum.has_value)
            out->values[out->n++] = (double)sum.uj * 1e-6;
    }
    sample_finish(out);
    return SW_OK;
}

static enum sw_code add_statistics(json_t *result, struct sw_error *err)
{
    static const char *const names[SW_RECORD_COMPONENTS + 1] = {"cpu_j", "gpu_j", "ram_j",
                                                                "machine_j", "total_j"};
    enum sw_code code = SW_OK;
    struct sample sample;
    json_t *statistics = json_object();
    if (!take_integers(&sample, result, "wall_ns", 1e-9))
        code = sw_fail(err, SW_ENOMEM, "out of memory");
    else
        json_object_set_new(statistics, "wall_s", sample_to_json(&sample));
    free(sample.values);
    for (size_t c = 0; c <= SW_RECORD_COMPONENTS && code == SW_OK; c++) {
        code = take_joules(&sample, result, c, err);
        if (code == SW_OK)
            json_object_set_new(statistics, names[c], sample_to_json(&sample));
        free(sample.values);
    }
    json_object_set_new(result, "statistics", statistics);
    return code;
}

/* Means over runs, rounded to whole units; null where no run has the figure. */
static enum sw_code add_means(json_t *result, struct sw_error *err)
{
    static const char *const keys[] = {"wall_ns", "user_ns", "system_ns", "children_ns"};
    struct sample sample;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!take_integers(&sample, result, keys[i], 1))
            return sw_fail(err, SW_ENOMEM, "out of memory");
        json_object_set_new(result, keys[i],
                            sample.n > 0 ? json_integer((json_int_t)(sample.interval.mean + 0.5))
                                         : json_null());
        free(sample.values);
    }
    return SW_OK;
}

static void add_edges(json_t *result)
{
    json_t *start = NULL, *end = NULL, *failed = NULL, *largest = NULL, *is_bound = NULL;
    for (size_t i = 0; i < n_runs(result); i++) {
        const json_t *run = run_at(result, i);
        json_t *code = json_object_get(run, "exit_code");
        json_t *peak = json_object_get(run, "peak_memory_bytes");
        if (json_is_integer(json_object_get(run, "start_ns"))) {
            if (start == NULL)
                start = json_object_get(run, "start_ns");
            end = json_object_get(run, "end_ns");
        }
        if (failed == NULL || json_integer_value(failed) == 0)
            failed = code;
        if (json_integer_value(peak) > json_integer_value(largest)) {
            largest = peak;
            is_bound = json_object_get(run, "peak_memory_is_bound");
        }
    }
    const struct {
        const char *key;
        json_t *value;
    } figures[] = {{"start_ns", start},
                   {"end_ns", end},
                   {"exit_code", failed},
                   {"peak_memory_bytes", largest},
                   {"peak_memory_is_bound", is_bound}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        json_object_set_new(result, figures[i].key,
                            figures[i].value != NULL ? json_incref(figures[i].value) : json_null());
}

static enum sw_code add_energy(json_t *result, json_t *g_per_kwh, struct sw_error *err)
{
    struct sw_energy_sum sums[SW_RECORD_COMPONENTS] = {0};
    size_t n = n_runs(result);
    for (size_t i = 0; i < n; i++) {
        const json_t *energy = json_object_get(run_at(result, i), "energy");
        for (size_t c = 0; c < SW_RECORD_COMPONENTS; c++) {
            enum sw_code code =
                sw_energy_sum_add(&sums[c], json_object_get(energy, sw_record_component_names[c]),
                                  "run of a command", err);
            if (code != SW_OK)
                return code;
        }
    }
    double divisor = n > 0 ? (double)n : 1;
    json_t *joules = sw_energy_joules(sums, divisor);
    const json_t *total = json_object_get(json_object_get(joules, "total"), "value");
    json_t *grams = json_null();
    if (json_is_number(total))
        grams = json_real(json_number_value(total) / 3.6e6 *
                          json_number_value(json_object_get(g_per_kwh, "value")));
    json_object_set_new(result, "energy_j", joules);
    json_object_set_new(result, "co2e_g", grams);
    json_object_set(result, "g_per_kwh", g_per_kwh);
    return SW_OK;
}

enum sw_code sw_command_summarise(json_t *result, json_t *g_per_kwh, struct sw_error *err)
{
    /* Keys keep the order in which they came: the runs go behind what sums them up. */
    json_t *runs = json_incref(json_object_get(result, "runs"));
    json_object_set_new(result, "n_runs", json_integer((json_int_t)n_runs(result)));
    add_edges(result);
    enum sw_code code = add_means(result, err);
    if (code == SW_OK)
        code = add_energy(result, g_per_kwh, err);
    if (code == SW_OK)
        code = add_statistics(result, err);
    json_object_del(result, "runs");
    json_object_set_new(result, "runs", runs);
    return code;
}

static const json_t *statistic(const json_t *results, size_t i, const char *name)
{
    return json_object_get(json_object_get(json_array_get(results, i), "statistics"), name);
}

static double mean_of(const json_t *statistic)
{
    return json_number_value(json_object_get(statistic, "mean"));
}

/* Var(a / b) = (a / b)^2 (var a / a^2 + var b / b^2), to first order. */
static json_t *quotient(const json_t *a, const json_t *b, size_t of)
{
    double times = mean_of(a) / mean_of(b);
    const json_t *sd_a = json_object_get(a, "sd"), *sd_b = json_object_get(b, "sd");
    json_t *spread = json_null();
    if (json_is_number(sd_a) && json_is_number(sd_b)) {
        double relative_a = json_number_value(sd_a) / mean_of(a);
        double relative_b = json_number_value(sd_b) / mean_of(b);
        double sum = relative_a * relative_a + relative_b * relative_b;
        spread = json_real(times * sqrt(sum));
    }
    return json_pack("{s:f, s:o, s:I}", "times", times, "plus_minus", spread, "of", (json_int_t)of);
}

static void compare_one(json_t *results, const char *name, const char *key)
{
    size_t n = json_array_size(results), least = n;
    for (size_t i = 0; i < n; i++) {
        double mean = mean_of(statistic(results, i, name));
        if (mean > 0 && (least == n || mean < mean_of(statistic(results, least, name))))
            least = i;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *relative = json_object_get(json_array_get(results, i), "relative");
        const json_t *own = statistic(results, i, name);
        bool comparable = least < n && mean_of(own) > 0;
        json_object_set_new(relative, key,
                            comparable ? quotient(own, statistic(results, least, name), least)
                                       : json_null());
    }
}

void sw_command_summary_compare(json_t *results)
{
    size_t n = json_array_size(results);
    for (size_t i = 0; i < n && n > 1; i++) {
        json_t *result = json_array_get(results, i);
        json_t *runs = json_incref(json_object_get(result, "runs"));
        json_object_del(result, "runs");
        json_object_set_new(result, "relative", json_object());
        json_object_set_new(result, "runs", runs);
    }
    if (n > 1) {
        compare_one(results, "wall_s", "wall");
        compare_one(results, "total_j", "energy");
    }
}
