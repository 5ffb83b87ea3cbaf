/*
 * Power readings made into an energy counter, for sensors that give watts and no joules: batteries,
 * ACPI and IPMI power meters, GPUs without a counter, an external meter's feed.
 *
 * An instantaneous sensor is integrated by trapezoids. One that gives the mean P over the last w
 * seconds is taken apart exactly, since what came before is known:
 *
 *     E(t) = E(t - w) + w P(t)
 *
 * with power before the first reading supposed to have been even. Adding up P itself would be half
 * of w late: 50 J short for a step of 100 W and a mean over 1 s. Errors of the readings would add
 * up from window to window, though, each moment in w for itself. So E is drawn a little towards
 * what it is while power is even, where they do not:
 *
 *     integral of P + w (P(t) - P(first)) / 2
 */
#ifndef SW_METER_POWER_H
#define SW_METER_POWER_H

#include "meter/set.h"

enum { SW_POWER_HISTORY = 256 };

struct sw_power_integral {
    uint64_t window_ns; /* w; 0: instantaneous */
    uint64_t first_ns, last_ns;
    double first_watts, last_watts;
    double sum_uj;    /* integral of the readings themselves */
    double watts_now; /* mean power of the latest stretch: what goes on until the next reading */
    double energy_uj; /* at last_ns; 0 at first_ns */
    /* E at moments at least w / (SW_POWER_HISTORY / 2) apart, a ring; ns from first_ns. */
    struct {
        int64_t ns;
        double uj;
    } past[SW_POWER_HISTORY];
    size_t n_past; /* so far; the latest is past[(n_past - 1) % SW_POWER_HISTORY] */
};

void sw_power_integral_begin(struct sw_power_integral *integral, uint64_t window_ns, uint64_t at_ns,
                             double watts);
/* Stamps that do not move on are ignored. */
void sw_power_integral_add(struct sw_power_integral *integral, uint64_t at_ns, double watts);
/* At a moment at or after the last reading. */
double sw_power_integral_uj(const struct sw_power_integral *integral, uint64_t at_ns);

/* No machine draws a megawatt; what says so is no sensor. */
#define SW_MAX_WATTS 1e6

struct sw_power_source {
    /* One reading; false where there is none now, and *problem may say why (a text that lives as
     * long as the set). Values below 0 or above SW_MAX_WATTS count as none. */
    bool (*read)(void *state, double *watts, const char **problem);
    void (*close)(void *state); /* NULL: nothing to do */
    void *state;                /* owned */
    uint64_t window_ns;         /* each reading is the mean over so long; 0: instantaneous */
    uint64_t rest_ns;           /* it is not asked more often: firmware may be behind it */
    uint64_t gap_ns;            /* readings further apart leave joules unknown */
};

/* Adds a meter of kind SW_SAMPLED that integrates the source whenever the set is read; the source
 * is taken over. Fails where the first reading does, with why in *problem. */
bool sw_set_add_power(struct sw_meter_set *set, const struct sw_meter_info *info,
                      const struct sw_power_source *source, const char **problem);

#endif
