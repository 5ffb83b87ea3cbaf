/* Ticks: how often a counter moves, and edges moved to the moment when it does. */
#ifndef SW_METER_EDGE_H
#define SW_METER_EDGE_H

#include "meter/set.h"

/* Watches one meter, before it is shared: median time between two changes, 0 where it changed less
 * than three times within max_wait_ns or at every reading, and mean cost of a reading. */
struct sw_tick {
    uint64_t tick_ns, read_ns;
    size_t n_changes;
};
struct sw_tick sw_meter_measure_tick(struct sw_meter *meter, uint64_t max_wait_ns);

#endif
