#include "bench/idle.h"

#include "base/clock.h"
#include "bench/phase.h"

enum { STEP_NS = 100000000 }; /* how late an interruption may be seen */

void sw_idle_measure(struct sw_idle *out, struct sw_meter_set *meters, double seconds,
                     bool (*is_interrupted)(void *ctx), void *ctx)
{
    struct sw_snapshot begin;
    struct sw_snapshot end;
    *out = (struct sw_idle){0};
    if (seconds <= 0) {
        out->energy = sw_phase_energy_absent("not measured: --idle_seconds is 0");
        return;
    }
    sw_meter_set_read_at_tick(meters, SW_EDGE_WAIT_NS, &begin);
    uint64_t deadline_ns = sw_clock_ns() + (uint64_t)(seconds * 1e9);
    while (sw_clock_ns() < deadline_ns && (is_interrupted == NULL || !is_interrupted(ctx))) {
        uint64_t step_ns = sw_clock_ns() + STEP_NS;
        sw_clock_sleep_until(step_ns < deadline_ns ? step_ns : deadline_ns);
    }
    sw_meter_set_read_at_tick(meters, SW_EDGE_WAIT_NS, &end);
    out->energy = sw_phase_energy_to_json(meters, &begin, &end);
    out->edges = json_pack("{s:o, s:o}", "begin", sw_phase_edge_to_json(meters, &begin), "end",
                           sw_phase_edge_to_json(meters, &end));
    out->ns = end.begin_ns - begin.end_ns;
}
