/* Power where no counter is. Watts as functions of what the machine says of itself. */
#ifndef SW_METER_POWER_MODEL_H
#define SW_METER_POWER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meter/cpu_family.h"

/* Our own: full_w (i + (1 - i) ln(1 + u / k) / ln(1 + 1 / k)), utilisation u from 0 to 1 over all
 * logical CPUs, concave. */
struct sw_cpu_curve {
    double full_w;     /* all CPUs busy */
    double idle_share; /* i: of full_w at rest */
    double knee;       /* k: above 0; the smaller, the more the first CPUs cost */
};
double sw_cpu_curve_w(const struct sw_cpu_curve *curve, double utilisation);

/* The family's shape at the share of the TDP that machines reach at full load. */
struct sw_cpu_curve sw_cpu_curve_of_tdp(double tdp_w, const struct sw_cpu_family *family);

/* CodeCarbon 2.8.2's constant, half of the TDP; and its version 3's cubic of the load, 0 to 1. */
double sw_power_codecarbon_v2_cpu_w(double tdp_w);
double sw_power_codecarbon_v3_cpu_w(double tdp_w, double utilisation);

/* CodeCarbon's RAM: 3/8 W per GiB (2.8.2), and by the DIMMs that its version 3 supposes. */
double sw_power_ram_v2_w(double gib);
double sw_power_ram_v3_w(double gib, bool arm);

/* The line "cpu ..." of /proc/stat in clock ticks; false if it is not that line. Idle, iowait and
 * stolen time are not busy; stolen time is in all. */
struct sw_cpu_times {
    uint64_t busy, stolen, all;
};
bool sw_power_parse_times(struct sw_cpu_times *out, const char *line);

/* Busy and all of them alone. */
bool sw_power_parse_stat(uint64_t *busy, uint64_t *all, const char *line);

#endif
