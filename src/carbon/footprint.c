#include "carbon/footprint.h"

/* The specification's examples count a year as 365 days. */
static const double seconds_per_year = 365.0 * 24 * 3600;
/* Sites above 5 do not exist; beyond 10 it is a percentage or a slip. */
static const double most_pue = 10;
static const double most_kg = 1e9, most_years = 1000;

static bool in(double value, double min, double max)
{
    return value >= min && value <= max; /* false for NaN */
}

enum sw_code sw_footprint_check(const struct sw_footprint_options *options, struct sw_error *err)
{
    if (!in(options->pue, 1, most_pue))
        return sw_fail(err, SW_EUSAGE,
                       "PUE %g is not between 1 and %g: a site uses at least what its computers "
                       "use",
                       options->pue, most_pue);
    if (!(options->embodied_kg <= most_kg))
        return sw_fail(err, SW_EUSAGE, "embodied %g kg is not between 0 and %g",
                       options->embodied_kg, most_kg);
    if (!in(options->lifetime_years, 1e-3, most_years))
        return sw_fail(err, SW_EUSAGE, "lifetime of %g years is not between 0.001 and %g",
                       options->lifetime_years, most_years);
    if (!in(options->machine_share, 0, 1) || options->machine_share <= 0)
        return sw_fail(err, SW_EUSAGE, "share %g of the machine is not above 0 and at most 1",
                       options->machine_share);
    return SW_OK;
}

void sw_footprint_compute(struct sw_footprint *out, double energy_uj, double seconds,
                          const struct sw_carbon_factor *factor,
                          const struct sw_footprint_options *options)
{
    double site_uj = energy_uj * options->pue;
    *out = (struct sw_footprint){
        .low_g = sw_carbon_grams(site_uj, factor->low),
        .used_g = sw_carbon_grams(site_uj, factor->g_per_kwh),
        .high_g = sw_carbon_grams(site_uj, factor->high),
        .has_embodied = options->embodied_kg >= 0,
    };
    if (out->has_embodied)
        out->embodied_g = options->embodied_kg * 1000 * options->machine_share * seconds /
                          (options->lifetime_years * seconds_per_year);
}
