#include "record/summary.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "record/energy.h"
#include "record/journal.h"
#include "record/latency.h"
#include "record/quality.h"
#include "record/verdict.h"

enum { PREFILL, DECODE, N_PHASES };

static const char *const phase_names[N_PHASES] = {"prefill", "decode"};

struct totals {
    size_t n_samples, n_windows;
    uint64_t n_prompt_tokens, n_generated_tokens; /* of finished samples */
    uint64_t n_window_prompt_tokens, n_window_generated_tokens;
    uint64_t prefill_ns, decode_ns;
    uint64_t wall_ns; /* of the stretches that are over */
    uint64_t stretch_start_ns, stretch_end_ns;
    bool stretch_is_open;
    json_int_t block; /* of the last line */
    struct sw_energy_sum energy[N_PHASES][SW_RECORD_COMPONENTS];
    /* Of prefills that were repeated, since one was too short for its counter. */
    uint64_t n_repeated, n_repeated_tokens, repeated_ns;
    struct sw_energy_sum repeated[SW_RECORD_COMPONENTS];
};

struct sw_summary {
    json_t *run;
    size_t batch; /* above 1: windows are summed, not samples */
    struct totals totals;
    struct sw_latency latency;
    struct sw_verdict *verdict;
    struct sw_quality quality;
    struct sw_blocks blocks;
};

enum sw_code sw_summary_create(struct sw_summary **out, json_t *run, struct sw_error *err)
{
    struct sw_summary *summary = calloc(1, sizeof *summary);
    *out = summary;
    if (summary == NULL)
        return sw_fail(err, SW_ENOMEM, "summary: out of memory");
    summary->run = json_incref(run);
    json_int_t batch = json_integer_value(json_object_get(run, "batch"));
    summary->batch = batch > 1 ? (size_t)batch : 1;
    json_int_t n_questions =
        json_integer_value(json_object_get(json_object_get(run, "plan"), "samples"));
    summary->blocks.n_questions = n_questions > 0 ? (size_t)n_questions : 0;
    summary->blocks.is_batch = batch > 1;
    summary->blocks.is_looked_at = json_is_number(
        json_object_get(json_object_get(json_object_get(run, "plan"), "blocks"), "target"));
    enum sw_code code = sw_verdict_create(&summary->verdict, run, err);
    if (code != SW_OK) {
        sw_summary_destroy(summary);
        *out = NULL;
    }
    return code;
}

void sw_summary_destroy(struct sw_summary *summary)
{
    if (summary == NULL)
        return;
    json_decref(summary->run);
    sw_latency_free(&summary->latency);
    sw_verdict_destroy(summary->verdict);
    sw_blocks_free(&summary->blocks);
    free(summary);
}

void sw_summary_begin_stretch(struct sw_summary *summary)
{
    summary->totals.stretch_is_open = false;
}

size_t sw_summary_n_samples(const struct sw_summary *summary)
{
    return summary->totals.n_samples;
}

static uint64_t wall_ns(const struct totals *t)
{
    return t->wall_ns + t->stretch_end_ns - t->stretch_start_ns;
}

double sw_summary_seconds(const struct sw_summary *summary)
{
    return (double)wall_ns(&summary->totals) * 1e-9;
}

enum sw_code sw_summary_precision(const struct sw_summary *summary, struct sw_precision *out,
                                  struct sw_error *err)
{
    return sw_blocks_precision(&summary->blocks, out, err);
}

/* energy by component into the sums of one phase. */
static enum sw_code add_energy(struct sw_energy_sum sums[SW_RECORD_COMPONENTS],
                               const json_t *energy, const char *place, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    for (size_t c = 0; c < SW_RECORD_COMPONENTS && code == SW_OK; c++) {
        const char *name = sw_record_component_names[c];
        char where[64];
        snprintf(where, sizeof where, "%s.%s", place, name);
        code = sw_energy_sum_add(&sums[c], json_object_get(energy, name), where, err);
    }
    return code;
}

static enum sw_code add_energy_of_sample(struct totals *totals, const json_t *sample,
                                         struct sw_error *err)
{
    const json_t *energy = json_object_get(sample, "energy");
    enum sw_code code = SW_OK;
    for (size_t p = 0; p < N_PHASES && code == SW_OK; p++) {
        char place[32];
        snprintf(place, sizeof place, "sample: energy.%s", phase_names[p]);
        code = add_energy(totals->energy[p], json_object_get(energy, phase_names[p]), place, err);
    }
    return code;
}

/* "prefill_repeated" of a sample of n_prompt tokens, where it has one. */
static enum sw_code add_repeated(struct totals *totals, const json_t *sample, uint64_t n_prompt,
                                 struct sw_error *err)
{
    static const char where[] = "sample: prefill_repeated";
    const json_t *repeated = json_object_get(sample, "prefill_repeated");
    uint64_t n, ns;
    if (repeated == NULL)
        return SW_OK;
    enum sw_code code = sw_json_u64(&n, repeated, "n", 1, UINT32_MAX, where, err);
    if (code == SW_OK)
        code = sw_json_u64(&ns, repeated, "ns", 0, UINT64_C(1) << 53, where, err);
    if (code == SW_OK)
        code = add_energy(totals->repeated, json_object_get(repeated, "energy"),
                          "sample: prefill_repeated.energy", err);
    if (code != SW_OK)
        return code;
    uint64_t tokens;
    if (__builtin_mul_overflow(n, n_prompt, &tokens) ||
        __builtin_add_overflow(totals->n_repeated_tokens, tokens, &totals->n_repeated_tokens) ||
        totals->n_repeated_tokens > UINT64_C(1) << 53)
        return sw_fail(err, SW_EFORMAT, "%s: more tokens than can be", where);
    totals->n_repeated += n;
    totals->repeated_ns += ns;
    return SW_OK;
}

/* Goes on with the stretch of time that is measured. A clock that went back is another boot's: a
 * stretch of its own, too. So is each block: another configuration may have its turn between two.
 */
static void add_time(struct totals *totals, const json_t *line, uint64_t start_ns, uint64_t end_ns)
{
    json_int_t block = json_integer_value(json_object_get(line, "block"));
    if (block != totals->block)
        totals->stretch_is_open = false;
    totals->block = block;
    if (!totals->stretch_is_open || start_ns < totals->stretch_end_ns) {
        totals->wall_ns += totals->stretch_end_ns - totals->stretch_start_ns;
        totals->stretch_start_ns = start_ns;
        totals->stretch_is_open = true;
    }
    totals->stretch_end_ns = end_ns;
}

enum sw_code sw_summary_add(struct sw_summary *summary, const json_t *sample, struct sw_error *err)
{
    uint64_t n_prompt, n_generated, prefill_ns, decode_ns, start_ns, end_ns;
    const uint64_t most = UINT64_C(1) << 53;
    enum sw_code code = sw_json_u64(&n_prompt, sample, "n_prompt_tokens", 1, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&n_generated, sample, "n_generated_tokens", 1, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&prefill_ns, sample, "prefill_ns", 0, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&decode_ns, sample, "decode_ns", 0, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&start_ns, sample, "start_ns", 0, INT64_MAX, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&end_ns, sample, "end_ns", start_ns, INT64_MAX, "sample", err);
    struct totals totals = summary->totals;
    if (code == SW_OK && summary->batch == 1)
        code = add_energy_of_sample(&totals, sample, err);
    if (code == SW_OK)
        code = add_repeated(&totals, sample, n_prompt, err);
    struct sw_quality quality = summary->quality;
    if (code == SW_OK)
        code = sw_quality_add(&quality, sample, err);
    if (code == SW_OK)
        code = sw_latency_add(&summary->latency, sample, err);
    if (code == SW_OK && summary->batch == 1)
        code = sw_verdict_add(summary->verdict, sample, err);
    if (code == SW_OK)
        code = sw_blocks_add_sample(&summary->blocks, sample, err);
    if (code != SW_OK)
        return code;
    totals.n_prompt_tokens += n_prompt;
    totals.n_generated_tokens += n_generated;
    if (summary->batch == 1) {
        add_time(&totals, sample, start_ns, end_ns);
        totals.prefill_ns += prefill_ns;
        totals.decode_ns += decode_ns;
    }
    totals.n_samples++;
    summary->totals = totals;
    summary->quality = quality;
    return SW_OK;
}

enum sw_code sw_summary_add_quality(struct sw_summary *summary, const json_t *line,
                                    struct sw_error *err)
{
    return sw_quality_add_line(&summary->quality, line, err);
}

enum sw_code sw_summary_add_window(struct sw_summary *summary, const json_t *window,
                                   struct sw_error *err)
{
    uint64_t n_prompt, n_generated, start_ns, end_ns;
    const uint64_t most = UINT64_C(1) << 53;
    struct totals totals = summary->totals;
    const char *name = json_string_value(json_object_get(window, "phase"));
    size_t p = 0;
    while (p < N_PHASES && (name == NULL || strcmp(name, phase_names[p]) != 0))
        p++;
    if (p == N_PHASES)
        return sw_fail(err, SW_EFORMAT, "window: \"phase\" is neither prefill nor decode");
    enum sw_code code = sw_json_u64(&n_prompt, window, "n_prompt_tokens", 0, most, "window", err);
    if (code == SW_OK)
        code = sw_json_u64(&n_generated, window, "n_generated_tokens", 0, most, "window", err);
    if (code == SW_OK)
        code = sw_json_u64(&start_ns, window, "start_ns", 0, INT64_MAX, "window", err);
    if (code == SW_OK)
        code = sw_json_u64(&end_ns, window, "end_ns", start_ns, INT64_MAX, "window", err);
    if (code == SW_OK)
        code =
            add_energy(totals.energy[p], json_object_get(window, "energy"), "window: energy", err);
    if (code == SW_OK)
        code = sw_blocks_add_window(&summary->blocks, window, err);
    if (code == SW_OK)
        code = sw_verdict_add(summary->verdict, window, err);
    if (code != SW_OK)
        return code;
    add_time(&totals, window, start_ns, end_ns);
    *(p == PREFILL ? &totals.prefill_ns : &totals.decode_ns) += end_ns - start_ns;
    totals.n_windows++;
    totals.n_window_prompt_tokens += n_prompt;
    totals.n_window_generated_tokens += n_generated;
    summary->totals = totals;
    return SW_OK;
}

/* What the sums are divided by. */
static double n_tokens_measured(const struct sw_summary *summary)
{
    return (double)(summary->batch > 1 ? summary->totals.n_window_generated_tokens
                                       : summary->totals.n_generated_tokens);
}

static void put_energy(json_t *end, const struct sw_summary *summary, const json_t *run,
                       json_t *idle_after)
{
    const struct totals *t = &summary->totals;
    struct sw_energy_sum component[SW_RECORD_COMPONENTS] = {0};
    json_t *phases = json_object();
    const json_t *measured = json_object_get(run, "energy"); /* load and idle_before */
    json_object_set(phases, "load", json_object_get(measured, "load"));
    json_object_set(phases, "idle_before", json_object_get(measured, "idle_before"));
    for (size_t p = 0; p < N_PHASES; p++) {
        json_t *phase = json_object();
        for (size_t c = 0; c < SW_RECORD_COMPONENTS; c++) {
            json_object_set_new(phase, sw_record_component_names[c],
                                sw_energy_sum_to_json(&t->energy[p][c], summary->batch > 1
                                                                            ? "no window"
                                                                            : "no sample"));
            sw_energy_sum_merge(&component[c], &t->energy[p][c]);
        }
        json_object_set_new(phases, phase_names[p], phase);
    }
    json_object_set_new(phases, "idle_after", idle_after != NULL ? idle_after : json_null());
    json_object_set_new(end, "energy", phases);

    double n_tokens = n_tokens_measured(summary);
    struct sw_energy_sum total = sw_energy_sum_total(component);
    json_object_set_new(end, "energy_j", sw_energy_joules(component, 1));
    json_object_set_new(end, "energy_j_per_token", sw_energy_joules(component, n_tokens));

    const json_t *factor = json_object_get(json_object_get(run, "g_per_kwh"), "value");
    if (total.has_value && json_is_number(factor)) {
        double grams = (double)total.uj * 1e-6 / 3.6e6 * json_number_value(factor);
        json_object_set_new(end, "co2e_g", json_real(grams));
        json_object_set_new(end, "co2e_g_per_token", json_real(grams / n_tokens));
    } else {
        json_object_set_new(end, "co2e_g", json_null());
        json_object_set_new(end, "co2e_g_per_token", json_null());
    }
}

/* Where prefills were repeated: what one cost for each prompt token. */
static void put_repeated(json_t *end, const struct totals *t)
{
    json_t *energy = json_object();
    if (t->n_repeated == 0) {
        json_decref(energy);
        return;
    }
    for (size_t c = 0; c < SW_RECORD_COMPONENTS; c++)
        json_object_set_new(energy, sw_record_component_names[c],
                            sw_energy_sum_to_json(&t->repeated[c], "no sample"));
    json_object_set_new(end, "prefill_repeated",
                        json_pack("{s:I, s:I, s:I, s:o, s:o}", "n", (json_int_t)t->n_repeated,
                                  "n_prompt_tokens", (json_int_t)t->n_repeated_tokens, "ns",
                                  (json_int_t)t->repeated_ns, "energy", energy,
                                  "energy_j_per_prompt_token",
                                  sw_energy_joules(t->repeated, (double)t->n_repeated_tokens)));
}

/* Only of a run with blocks. */
static void put_statistics(json_t *end, const struct sw_summary *summary)
{
    struct sw_precision p;
    const json_t *plan = json_object_get(json_object_get(summary->run, "plan"), "blocks");
    json_t *target = json_object_get(plan, "target");
    if (sw_blocks_precision(&summary->blocks, &p, NULL) != SW_OK)
        return;
    double half = (p.interval.high - p.interval.low) / 2 / fabs(p.interval.mean);
    json_object_set_new(end, "precision",
                        json_pack("{s:s, s:I, s:O, s:o}", "figure", p.figure, "n_blocks",
                                  (json_int_t)p.n_blocks, "target",
                                  target != NULL ? target : json_null(), "reached",
                                  isfinite(half) ? json_real(half) : json_null()));
    json_object_set_new(end, "statistics", sw_blocks_to_json(&summary->blocks));
}

enum sw_code sw_summary_finish(struct sw_summary *summary, const struct sw_summary_end *end,
                               json_t **out, struct sw_error *err)
{
    const struct totals *t = &summary->totals;
    *out = NULL;
    if (t->n_samples == 0 || n_tokens_measured(summary) < 1) {
        json_decref(end->idle_after);
        json_decref(end->memory);
        json_decref(end->sampling);
        json_decref(end->idle_edges);
        return sw_fail(err, SW_EABSENT, "no sample was finished: there is nothing to sum up");
    }
    json_t *o =
        json_pack("{s:i, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "schema_version",
                  SW_SCHEMA_VERSION, "type", "end", "ended_at", end->ended_at, "interrupted",
                  (int)end->interrupted, "samples", (json_int_t)t->n_samples, "n_prompt_tokens",
                  (json_int_t)t->n_prompt_tokens, "n_generated_tokens",
                  (json_int_t)t->n_generated_tokens, "prefill_ns", (json_int_t)t->prefill_ns,
                  "decode_ns", (json_int_t)t->decode_ns, "wall_ns", (json_int_t)wall_ns(t));
    if (o == NULL)
        return sw_fail(err, SW_ENOMEM, "summary: out of memory");
    put_energy(o, summary, summary->run, end->idle_after);
    double n_tokens = n_tokens_measured(summary);
    json_object_set_new(o, "seconds_per_token",
                        json_real((double)(t->prefill_ns + t->decode_ns) * 1e-9 / n_tokens));
    if (summary->batch > 1)
        json_object_set_new(o, "windows",
                            json_pack("{s:I, s:I, s:I}", "n", (json_int_t)t->n_windows,
                                      "n_prompt_tokens", (json_int_t)t->n_window_prompt_tokens,
                                      "n_generated_tokens",
                                      (json_int_t)t->n_window_generated_tokens));
    sw_latency_put(&summary->latency, o);
    json_object_set_new(o, "idle_after_ns",
                        end->idle_ns > 0 ? json_integer((json_int_t)end->idle_ns) : json_null());
    json_object_set_new(o, "idle_after_edges",
                        end->idle_edges != NULL ? end->idle_edges : json_null());
    if (end->stopped_by != NULL)
        json_object_set_new(o, "stopped_by", json_string(end->stopped_by));
    if (summary->blocks.n > 0)
        put_statistics(o, summary);
    put_repeated(o, t);
    json_object_set_new(o, "memory", end->memory != NULL ? end->memory : json_null());
    json_object_set_new(o, "sampling", end->sampling != NULL ? end->sampling : json_null());
    json_object_set_new(o, "conditions",
                        sw_conditions_sum_to_json(sw_verdict_conditions(summary->verdict)));
    static const char *const judged[] = {"warm_up", "idle_before_ns"};
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++)
        json_object_set(o, judged[i], json_object_get(summary->run, judged[i]));
    json_object_set_new(o, "verdict", sw_verdict_to_json(summary->verdict, o));
    json_object_set_new(
        o, "quality",
        sw_quality_to_json(&summary->quality,
                           json_object_get(json_object_get(o, "energy_j"), "total")));
    /* What the run line said of plan, model, engine and machine stands in the record, too. */
    json_object_update_missing(o, summary->run);
    *out = o;
    return SW_OK;
}
