/* The loaded machine at rest, between two readings of the meters. */
#ifndef SW_BENCH_IDLE_H
#define SW_BENCH_IDLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "meter/meter.h"

/* As journal lines carry it: energy by component, the edges, and the time between them. Where it
 * was not measured energy says why, edges is NULL and ns 0. */
struct sw_idle {
    json_t *energy, *edges; /* owned by whoever takes them */
    uint64_t ns;
};

/* Sleeps for so long, or until is_interrupted (may be NULL) says so; 0 s: not measured. */
void sw_idle_measure(struct sw_idle *out, struct sw_meter_set *meters, double seconds,
                     bool (*is_interrupted)(void *ctx), void *ctx);

#endif
