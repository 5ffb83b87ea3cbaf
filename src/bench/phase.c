#include "bench/phase.h"

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
            json_pack("{s:o, s:o, s:o, s:s, s:s, s:b, s:I, s:o, s:o, s:o}", "name",
                      text_or_null(m->name), "scope", text_or_null(m->scope), "path",
                      text_or_null(m->path), "component", sw_component_name(m->component), "source",
                      sw_source_name(m->source), "counted", (int)m->counted, "range_uj",
                      (json_int_t)m->range_uj, "tick_ns", positive_or_null((double)m->tick_ns),
                      "uncertainty_percent", positive_or_null(m->uncertainty_percent), "formula",
                      text_or_null(m->formula)));
    }
    return array;
}

json_t *sw_phase_edge_to_json(const struct sw_meter_set *meters, const struct sw_snapshot *edge)
{
    json_t *counters = json_array();
    for (size_t i = 0; i < sw_meter_set_count(meters); i++) {
        const struct sw_reading *r = &edge->readings[i];
        json_array_append_new(counters, r->ok ? json_integer((json_int_t)r->uj) : json_null());
    }
    return json_pack("{s:I, s:I, s:o}", "begin_ns", (json_int_t)edge->begin_ns, "end_ns",
                     (json_int_t)edge->end_ns, "counters", counters);
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
            json_pack("{s:o, s:o, s:s, s:o, s:o}", "uj",
                      e.has_value ? json_integer((json_int_t)e.uj) : json_null(), "meter",
                      text_or_null(e.meter), "source",
                      sw_source_name(e.has_value ? e.source : SW_ABSENT), "uncertainty_percent",
                      e.has_value ? positive_or_null(e.uncertainty_percent) : json_null(), "reason",
                      text_or_null(e.reason)));
    }
    return phase;
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
