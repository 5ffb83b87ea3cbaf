#include "cli/place_options.h"

json_t *sw_place_to_json(const struct sw_carbon_factor *f)
{
    return json_pack("{s:f, s:s, s:o, s:s, s:s, s:f, s:f, s:b}", "value", f->g_per_kwh, "source",
                     f->source, "year", f->year > 0 ? json_integer(f->year) : json_null(), "place",
                     f->place, "scope", f->scope, "low", f->low, "high", f->high, "is_default",
                     (int)f->is_default);
}
