/* Power where no counter is. Watts as functions of what the machine says of itself. */
#ifndef SW_METER_POWER_MODEL_H
#define SW_METER_POWER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Our own: T (a + c u^b), utilisation u from 0 to 1 over all logical CPUs, concave. */
double sw_power_tdp_load_w(double tdp_w, double utilisation);

/* CodeCarbon 2.8.2's constant: half of the TDP. */
double sw_power_codecarbon_v2_cpu_w(double tdp_w);

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
