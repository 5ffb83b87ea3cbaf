/* Place to grams of CO2e per kilowatt-hour, with source, year and scope. Never from the network. */
#ifndef SW_CARBON_CARBON_H
#define SW_CARBON_CARBON_H

#include <stdbool.h>

#include "base/error.h"

struct sw_carbon_options {
    const char *country; /* ISO 3166, two or three letters, any case; NULL */
    const char *region;  /* US state, Canadian province, Nordic bidding zone; needs country; NULL */
    const char *cloud;   /* "gcp:europe-west1" or "gcp/europe-west1"; NULL */
    double g_per_kwh;    /* the user's own figure; negative: not given */
};

/* A published figure, of a place that may lie inside of the one named. */
struct sw_carbon_figure {
    double g_per_kwh;
    char place[96], source[160];
    int year;
    char scope[24];
};

struct sw_carbon_factor {
    double g_per_kwh; /* used */
    double low, high; /* span of the figures held for places inside; equal to g_per_kwh where there
                         is one */
    char place[96];   /* "France", "USA / Illinois", "world average" */
    char source[160]; /* who published it */
    int year;         /* of the data; 0: unknown */
    char scope[24];   /* "life-cycle", "stack" (combustion only), "user", "not stated" */
    bool is_default;  /* nobody named a place */
    struct sw_carbon_figure lowest, highest; /* whose figures low and high are */
};

/* A place that is not in the tables is refused by name, never replaced by another. */
enum sw_code sw_carbon_find(struct sw_carbon_factor *out, const struct sw_carbon_options *options,
                            struct sw_error *err);

/* Grams for microjoules. */
double sw_carbon_grams(double energy_uj, double g_per_kwh);

#endif
