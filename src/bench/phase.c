#include "bench/phase.h"

#include <math.h>

static json_t *text_or_null(const char *text)
{
    json_t *value = text != NULL && text[0] != 0 ? json_string(text) : NULL;
    return value != NULL ? value : json_null();
}

static json_t *positive_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

json_t *sw_phase_meters_to_json(const struct sw_meter_set *meters)
{
    json_t *array = json_array();
    for (size_t i = 0; i < sw_meter_set_count(meters); i++) {
        const struct sw_meter_info *m = sw_meter_set_info(meters, i);
        json_array_append_new(
            array,
            json_pack("{s:o, s:o, s:o, s:s, s:s, s:b, s:I, s:o, s:o, s:o, s:o}", "name",
                      text_or_null(m->name), "scope", text_or_null(m->scope), "path",
                      text_or_null(m->path), "component", sw_component_name(m->component), "source",
                      sw_source_name(m->source), "counted", (int)m->counted, "range_uj",
                      (json_int_t)m->range_uj, "tick_ns", positive_or_null((double)m->tick_ns),
                      "uncertainty_percent", positive_or_null(m->uncertainty_percent), "formula",
                      text_or_null(m->formula), "read_ns", positive_or_null((double)m->read_ns)));
    }
    return array;
}

json_t *sw_phase_edge_to_json(const struct sw_meter_set *meters, const struct sw_snapshot *edge)
{
    json_t *counters = json_array(), *begin = json_array(), *end = json_array();
    for (size_t i = 0; i < sw_meter_set_count(meters); i++) {
        const struct sw_reading *r = &edge->readings[i];
        json_array_append_new(counters, r->ok ? json_integer((json_int_t)r->uj) : json_null());
        json_array_append_new(begin, r->ok ? json_integer((json_int_t)r->begin_uj) : json_null());
        json_array_append_new(end, r->ok ? json_integer((json_int_t)r->end_uj) : json_null());
    }
    return json_pack("{s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "begin_ns", (json_int_t)edge->begin_ns,
                     "end_ns", (json_int_t)edge->end_ns, "waited_ns", (json_int_t)edge->waited_ns,
                     "aligned", (int)edge->aligned, "counters", counters, "begin_uj", begin,
                     "end_uj", end);
}

/* Names of the bits 1 << enum sw_meter_fault. */
static json_t *faults_to_json(uint32_t faults)
{
    json_t *names = json_array();
    for (int f = SW_FAULT_NONE + 1; f < SW_N_FAULTS; f++)
        if (faults & 1u << f)
            json_array_append_new(names, json_string(sw_meter_fault_name((enum sw_meter_fault)f)));
    return names;
}

json_t *sw_phase_energy_to_json(const struct sw_meter_set *meters, const struct sw_snapshot *a,
                                const struct sw_snapshot *b)
{
    json_t *phase = json_object();
    for (int c = 0; c < SW_N_COMPONENTS; c++) {
        struct sw_energy e;
        sw_meter_set_energy(meters, (enum sw_component)c, a, b, &e);
        json_object_set_new(
            phase, sw_component_name((enum sw_component)c),
            json_pack(
                "{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "uj",
                e.has_value ? json_integer((json_int_t)e.uj) : json_null(), "meter",
                text_or_null(e.meter), "source", sw_source_name(e.has_value ? e.source : SW_ABSENT),
                "uncertainty_percent",
                e.has_value ? positive_or_null(e.uncertainty_percent) : json_null(), "edge_percent",
                e.has_value && !isnan(e.edge_percent) ? json_real(e.edge_percent) : json_null(),
                "faults", faults_to_json(e.faults), "reason", text_or_null(e.reason)));
    }
    return phase;
}

json_t *sw_phase_sampling_to_json(const struct sw_meter_sampler_report *report)
{
    json_t *faults = json_object();
    double ns = (double)(report->end_ns - report->begin_ns);
    for (int f = SW_FAULT_NONE + 1; f < SW_N_FAULTS; f++)
        if (report->n_faults[f] > 0)
            json_object_set_new(faults, sw_meter_fault_name((enum sw_meter_fault)f),
                                json_integer((json_int_t)report->n_faults[f]));
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:I, s:I, s:I, s:o}", "period_ns",
        (json_int_t)report->period_ns, "n_samples", (json_int_t)report->n_samples, "n_late",
        (json_int_t)report->n_late, "longest_gap_ns", (json_int_t)report->longest_gap_ns, "cpu_ns",
        (json_int_t)report->cpu_ns, "cpu_percent", ns > 0 ? 100 * (double)report->cpu_ns / ns : 0.0,
        "own_uj_at_most",
        report->has_own_uj ? json_integer((json_int_t)report->own_uj_at_most) : json_null(),
        "suspended_ns", (json_int_t)report->suspended_ns, "n_clock_steps",
        (json_int_t)report->n_clock_steps, "largest_step_ns", (json_int_t)report->largest_step_ns,
        "faults", faults);
}

json_t *sw_phase_energy_absent(const char *reason)
{
    json_t *phase = json_object();
    for (int c = 0; c < SW_N_COMPONENTS; c++)
        json_object_set_new(phase, sw_component_name((enum sw_component)c),
                            json_pack("{s:n, s:n, s:s, s:n, s:s}", "uj", "meter", "source",
                                      sw_source_name(SW_ABSENT), "uncertainty_percent", "reason",
                                      reason));
    return phase;
}
