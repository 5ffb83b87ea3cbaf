#include "bench/opening.h"

#include "bench/phase.h"

void sw_opening_on_stage(void *ctx, enum sw_open_stage stage, bool is_end)
{
    struct sw_opening *opening = ctx;
    sw_meter_set_read_at_tick(opening->meters, SW_EDGE_WAIT_NS, &opening->edges[stage][is_end]);
    *(is_end ? &opening->has_ended[stage] : &opening->has_begun[stage]) = true;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != 0 ? json_string(text) : json_null();
}

static json_t *stage_to_json(const struct sw_opening *opening, enum sw_open_stage stage)
{
    const struct sw_snapshot *begin = &opening->edges[stage][0], *end = &opening->edges[stage][1];
    if (!opening->has_begun[stage] || !opening->has_ended[stage])
        return json_null();
    return json_pack("{s:I, s:{s:o, s:o}, s:o}", "ns", (json_int_t)(end->begin_ns - begin->end_ns),
                     "edges", "begin", sw_phase_edge_to_json(opening->meters, begin), "end",
                     sw_phase_edge_to_json(opening->meters, end), "energy",
                     sw_phase_energy_to_json(opening->meters, begin, end));
}

json_t *sw_opening_to_json(const struct sw_opening *opening, const struct sw_backend_info *info)
{
    const struct sw_runtime_info *r = &info->runtime;
    if (r->name == NULL)
        return json_null();
    json_t *runtime =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:b, s:b}", "name", r->name, "version",
                  r->version, "path", r->path, "graph", r->graph, "graph_reason",
                  text_or_null(r->graph_reason), "operators", r->operators, "conversion",
                  text_or_null(r->conversion), "spins", (int)r->spins, "pinned", (int)r->is_pinned);
    if (runtime == NULL || opening == NULL)
        return runtime;
    json_object_set_new(runtime, "conversion_phase", stage_to_json(opening, SW_OPEN_CONVERSION));
    json_object_set_new(runtime, "session_start", stage_to_json(opening, SW_OPEN_SESSION));
    return runtime;
}
