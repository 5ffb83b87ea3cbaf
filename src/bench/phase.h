/* Meters around a phase, as the journal carries them. */
#ifndef SW_BENCH_PHASE_H
#define SW_BENCH_PHASE_H

#include <jansson.h>
#include <stddef.h>

#include "meter/meter.h"
#include "meter/sampler.h"

/* Array of what each counter is, in the order of the "counters" arrays of the edges. */
json_t *sw_phase_meters_to_json(const struct sw_meter_set *meters);

/* {"begin_ns", "end_ns", "waited_ns", "aligned", "counters": [uj or null, ...], "begin_uj": [...],
 * "end_uj": [...]}: one edge of a phase. The last two are what each counter had counted since the
 * meters were opened when the edge began and when it ended; a phase is from an end_uj to a
 * begin_uj. */
json_t *sw_phase_edge_to_json(const struct sw_meter_set *meters, const struct sw_snapshot *edge);

/* {"cpu": {...}, "gpu": ...}: energy by component from edge a to edge b. */
json_t *sw_phase_energy_to_json(const struct sw_meter_set *meters, const struct sw_snapshot *a,
                                const struct sw_snapshot *b);

/* What the sampler did, of its report; takes nothing over. */
json_t *sw_phase_sampling_to_json(const struct sw_meter_sampler_report *report);

/* The same shape for a phase that was not measured, and why. */
json_t *sw_phase_energy_absent(const char *reason);

#endif
