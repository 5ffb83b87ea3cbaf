/*
 * Meters that compute, for the files of this folder: a counter that starts at 0 when the set is
 * opened and grows with each read by a power that is constant or follows the load.
 */
#ifndef SW_METER_MODEL_METER_H
#define SW_METER_MODEL_METER_H

#include "meter/power_model.h"
#include "meter/set.h"

struct sw_power_law {
    double (*watts)(const struct sw_power_law *law, double utilisation);
    struct sw_cpu_curve curve;
    double constant_w; /* the constant, or the TDP of a law in it */
    double share;      /* of the machine's power that is charged */
    bool follows_load; /* else the power is watts(law, 0) */
    /* Load as the idle kernel sees it: time stolen by the host is busy or not. */
    bool stolen_is_busy;
    /* The load is the mean over at least this long, from one sample to the next. 0: as short as
     * /proc/stat's ticks allow. */
    uint64_t sample_ns;
};

/* Adds a model as the counted meter of its component, with its probe, whose reason is given; info
 * lacks source and path. stat_path is where the load is read; NULL for a constant. A load that
 * cannot be read makes no model. */
void sw_model_add(struct sw_meter_set *set, const struct sw_meter_info *info,
                  const struct sw_power_law *law, const char *stat_path, unsigned n_logical,
                  const char *reason);

/* Says why a model cannot be computed either. */
void sw_model_refuse(struct sw_meter_set *set, enum sw_component component, const char *name,
                     const char *reason);

#endif
