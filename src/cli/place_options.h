/* Options that name a place or a grid factor; run and report take the same. */
#ifndef SW_CLI_PLACE_OPTIONS_H
#define SW_CLI_PLACE_OPTIONS_H

#include <jansson.h>

#include "carbon/carbon.h"
#include "cli/options.h"

/* Entries of an options table; p is a struct sw_carbon_options, whose g_per_kwh begins at -1. */
#define SW_PLACE_OPTIONS(p)                                                                        \
    {.kind = SW_OPTION_TEXT,                                                                       \
     .name = "country",                                                                            \
     .value = &(p).country,                                                                        \
     .argument = "CODE",                                                                           \
     .help = "ISO 3166 code of two or three letters, such as FR or DEU (default: world average, "  \
             "named as such)"},                                                                    \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "region",                                                                         \
         .value = &(p).region,                                                                     \
         .argument = "NAME",                                                                       \
         .help = "US state, Canadian province or Nordic bidding zone; needs --country"},           \
        {.kind = SW_OPTION_TEXT,                                                                   \
         .name = "cloud",                                                                          \
         .value = &(p).cloud,                                                                      \
         .argument = "PROVIDER:REGION",                                                            \
         .help = "cloud region, such as gcp:europe-west1"},                                        \
    {                                                                                              \
        .kind = SW_OPTION_REAL, .name = "g_per_kwh", .value = &(p).g_per_kwh, .argument = "G",     \
        .help = "grams of CO2e per kWh of your own knowledge; wins over a place", .min = 0,        \
        .max = 10000                                                                               \
    }

/* {"value", "source", "year", "place", "scope", "low", "high", "is_default"}. */
json_t *sw_place_to_json(const struct sw_carbon_factor *factor);

#endif
