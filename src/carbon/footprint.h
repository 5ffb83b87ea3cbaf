/*
 * Joules to grams of CO2e: the grid's part, with a data centre's overhead, and beside it the share
 * of what making the machine emitted (SCI, the Green Software Foundation's specification, ISO/IEC
 * 21031: M = total embodied x time share x resource share).
 */
#ifndef SW_CARBON_FOOTPRINT_H
#define SW_CARBON_FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "carbon/carbon.h"

/* What a machine is supposed to be in use for where nobody says: the four years that the
 * specification's own examples reckon with. */
#define SW_FOOTPRINT_LIFETIME_YEARS 4.0

struct sw_footprint_options {
    double pue;            /* power usage effectiveness: energy of the site over that of its
                              computers, at least 1 */
    double embodied_kg;    /* CO2e of making the machine; negative: not given */
    double lifetime_years; /* that it is in use for */
    double machine_share;  /* of the machine that the work had, above 0 to 1 */
};

#define SW_FOOTPRINT_DEFAULT                                                                       \
    {                                                                                              \
        .pue = 1, .embodied_kg = -1, .lifetime_years = SW_FOOTPRINT_LIFETIME_YEARS,                \
        .machine_share = 1                                                                         \
    }

struct sw_footprint {
    double low_g, used_g, high_g; /* of the electricity, by the factor's three figures */
    bool has_embodied;
    double embodied_g;
};

/* SW_EUSAGE for a parameter outside of its range. */
enum sw_code sw_footprint_check(const struct sw_footprint_options *options, struct sw_error *err);

/* Of options that were checked. */
void sw_footprint_compute(struct sw_footprint *out, double energy_uj, double seconds,
                          const struct sw_carbon_factor *factor,
                          const struct sw_footprint_options *options);

#endif
