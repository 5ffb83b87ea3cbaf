/* What the machine did during a phase, as the journal carries it. */
#ifndef SW_BENCH_CONDITIONS_H
#define SW_BENCH_CONDITIONS_H

#include <jansson.h>

#include "meter/conditions.h"

/* {"elapsed_ns", "own_cpu_ns", "busy_cpu_ns", ..., "missing": {NAME: reason}} of what came
 * between two readings; what is unknown is null, and its reason stands in "missing". */
json_t *sw_conditions_to_json(const struct sw_conditions *a, const struct sw_conditions *b);

#endif
