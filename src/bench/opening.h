/*
 * What opening took where a runtime computes for the backend: the graph that is looked up or
 * converted, and the runtime's session, each between two readings of the meters.
 *
 *     struct sw_opening opening = {.meters = meters};
 *     sw_engine_open(..., .on_stage = sw_opening_on_stage, .stage_ctx = &opening, ...);
 *     json_object_set_new(line, "runtime", sw_opening_to_json(&opening, &info));
 */
#ifndef SW_BENCH_OPENING_H
#define SW_BENCH_OPENING_H

#include <jansson.h>
#include <stdbool.h>

#include "backend/backend.h"
#include "meter/meter.h"

struct sw_opening {
    struct sw_meter_set *meters;                   /* borrowed */
    struct sw_snapshot edges[SW_N_OPEN_STAGES][2]; /* begin and end of each stage */
    bool has_begun[SW_N_OPEN_STAGES], has_ended[SW_N_OPEN_STAGES];
};

/* For on_stage of struct sw_backend_options; ctx is the struct sw_opening. */
void sw_opening_on_stage(void *ctx, enum sw_open_stage stage, bool is_end);

/* {"name", "version", "path", "graph", "graph_reason", "operators", "conversion", "spins",
 * "pinned"}, and with an opening "conversion_phase" and "session_start", each {"ns", "edges",
 * "energy"}; conversion is null where the graph was in the cache. null where the backend computes
 * by itself. opening may be NULL. */
json_t *sw_opening_to_json(const struct sw_opening *opening, const struct sw_backend_info *info);

#endif
