/* The generated tables of carbon intensity; carbon.c alone reads them. */
#ifndef SW_CARBON_TABLES_H
#define SW_CARBON_TABLES_H

#include <stdbool.h>
#include <stddef.h>

struct sw_carbon_country {
    const char iso3[4], iso2[3];
    const char *name;
    double g_per_kwh; /* life-cycle */
    int year;
    bool computed; /* from the mix, as the source has no intensity */
};

enum sw_carbon_publisher { SW_CARBON_EGRID, SW_CARBON_CANADA, SW_CARBON_NORDIC };

struct sw_carbon_region {
    const char country[4];
    const char *code; /* "IL", "ON", "SE2" */
    const char *name; /* "Illinois" */
    double g_per_kwh;
    int year;
    enum sw_carbon_publisher publisher;
};

struct sw_carbon_cloud {
    const char *provider, *region;
    const char country[4]; /* where the region's machines stand */
    const char *city;
    double g_per_kwh;
};

extern const struct sw_carbon_country sw_carbon_countries[];
extern const size_t sw_n_carbon_countries;
extern const struct sw_carbon_region sw_carbon_regions[];
extern const size_t sw_n_carbon_regions;
extern const struct sw_carbon_cloud sw_carbon_clouds[];
extern const size_t sw_n_carbon_clouds;

#endif
