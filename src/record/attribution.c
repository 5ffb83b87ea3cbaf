#include "record/attribution.h"

#include <math.h>
#include <stdio.h>

static bool time_of(double *out, const json_t *conditions, const char *key)
{
    const json_t *value = json_object_get(conditions, key);
    *out = json_number_value(value);
    return json_is_number(value) && *out >= 0;
}

void sw_attribution_compute(struct sw_attribution *out, const json_t *conditions, double cpu_j,
                            double seconds, double idle_w)
{
    double own, busy, all, idle_j = idle_w * seconds;
    *out = (struct sw_attribution){0};
    if (!(seconds > 0)) {
        snprintf(out->reason, sizeof out->reason, "the record holds no seconds");
        return;
    }
    if (idle_j > cpu_j) {
        snprintf(out->reason, sizeof out->reason,
                 "%.4g W at rest is more than the %.4g W of the record", idle_w, cpu_j / seconds);
        return;
    }
    out->has_above_idle = true;
    out->above_idle_j = cpu_j - idle_j;
    if (!time_of(&own, conditions, "own_cpu_ns") || !time_of(&busy, conditions, "busy_cpu_ns") ||
        !time_of(&all, conditions, "all_cpu_ns") || all <= 0) {
        snprintf(out->reason, sizeof out->reason,
                 "the record does not tell the processor time of this work and of others");
        return;
    }
    /* Busy time comes in ticks of 10 ms, our own is finer: a part is at most the whole. */
    busy = fmax(busy, own);
    all = fmax(all, busy);
    out->has_shares = true;
    out->own_of_busy = busy > 0 ? own / busy : 0;
    out->own_of_all = own / all;
    out->marginal_j = out->above_idle_j * out->own_of_busy;
    out->by_cpu_time_j = out->marginal_j + idle_j * out->own_of_all;
    out->dedicated_j = out->marginal_j + idle_j;
}
