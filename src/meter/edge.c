#include "meter/edge.h"

#include <stdlib.h>

#include "base/clock.h"

enum { MAX_CHANGES = 32, MIN_CHANGES = 3 };

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct sw_tick sw_meter_measure_tick(struct sw_meter *meter, uint64_t max_wait_ns)
{
    struct sw_tick tick = {0};
    uint64_t steps_ns[MAX_CHANGES];
    uint64_t uj, at_ns, last_uj, last_ns = 0, begin_ns = sw_clock_ns(), now_ns = begin_ns;
    size_t n_reads = 1;
    if (!meter->read(meter, &last_uj, &at_ns))
        return tick;
    while (tick.n_changes < MAX_CHANGES && now_ns - begin_ns < max_wait_ns) {
        if (!meter->read(meter, &uj, &at_ns))
            return (struct sw_tick){0};
        now_ns = sw_clock_ns();
        n_reads++;
        if (uj == last_uj)
            continue;
        /* The first change only says when a tick begins. */
        if (last_ns != 0)
            steps_ns[tick.n_changes++] = now_ns - last_ns;
        last_ns = now_ns;
        last_uj = uj;
    }
    tick.read_ns = (now_ns - begin_ns) / n_reads;
    if (tick.n_changes < MIN_CHANGES)
        return tick;
    qsort(steps_ns, tick.n_changes, sizeof steps_ns[0], by_size);
    uint64_t median_ns = steps_ns[tick.n_changes / 2];
    tick.tick_ns = median_ns > 4 * tick.read_ns ? median_ns : 0;
    return tick;
}

void sw_meter_set_measure_ticks(struct sw_meter_set *set, uint64_t max_wait_ns)
{
    for (size_t i = 0; i < set->count; i++) {
        struct sw_meter_info *info = &set->meters[i].info;
        if (info->source != SW_MEASURED)
            continue;
        struct sw_tick tick = sw_meter_measure_tick(&set->meters[i], max_wait_ns);
        info->read_ns = tick.read_ns;
        if (tick.tick_ns > 0)
            info->tick_ns = tick.tick_ns;
    }
}

void sw_meter_set_read_at_tick(struct sw_meter_set *set, uint64_t max_wait_ns,
                               struct sw_snapshot *out)
{
    (void)max_wait_ns;
    sw_meter_set_read(set, out);
}
