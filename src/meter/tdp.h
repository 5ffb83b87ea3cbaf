/* Thermal design power of a processor from its name, as /proc/cpuinfo spells it. */
#ifndef SW_METER_TDP_H
#define SW_METER_TDP_H

#include <stdbool.h>
#include <stddef.h>

/* Generated table: every name ends with '|'. */
struct sw_tdp_group {
    double watts; /* 0: the power of these names is not known */
    const char *names;
};
extern const struct sw_tdp_group sw_tdp_groups[];
extern const size_t sw_n_tdp_groups;

struct sw_tdp_match {
    const char *name_view; /* the table's spelling, length bytes, not terminated */
    size_t length;
    double watts; /* of one socket; 0: the row's power is unknown */
};

/* False where no row, or more than one, fits the name. */
bool sw_tdp_find(struct sw_tdp_match *out, const char *cpu_name);

#endif
