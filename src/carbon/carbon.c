/*
 * Place to grams per kilowatt-hour (docs/carbon.md). A country's range is the span of every figure
 * that the tables hold for places inside it, its own included: who names only the country may stand
 * on any of these grids. For the default the span is that of all countries. A region, a cloud
 * region and the user's own figure come with one number, so low and high equal it.
 */
#include "carbon/carbon.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "carbon/tables.h"

static const double world_average_g_per_kwh = 475;
static const double joules_per_kwh = 3.6e6;
/* Coal alone is near 1000; ten times the dirtiest grid is a slip of the unit. */
static const double max_g_per_kwh = 20000;

static const struct {
    const char *source, *scope;
} publishers[] = {
    [SW_CARBON_EGRID] = {"US EPA, eGRID 2016, state output emission rates", "stack"},
    [SW_CARBON_CANADA] = {"computed from the province's 2023 mix: coal 995.7, petroleum 816.7, "
                          "natural gas 743.8 g/kWh, others 0",
                          "stack"},
    [SW_CARBON_NORDIC] = {"averages of ENTSO-E data for the bidding zone", "not stated"},
};

double sw_carbon_grams(double energy_uj, double g_per_kwh)
{
    return energy_uj / 1e6 / joules_per_kwh * g_per_kwh;
}

static void fill(struct sw_carbon_factor *out, double g_per_kwh, int year, const char *source,
                 const char *scope)
{
    out->g_per_kwh = out->low = out->high = g_per_kwh;
    out->year = year;
    snprintf(out->source, sizeof out->source, "%s", source);
    snprintf(out->scope, sizeof out->scope, "%s", scope);
}

static void widen(struct sw_carbon_factor *out, const struct sw_carbon_figure *figure)
{
    if (figure->g_per_kwh < out->low) {
        out->low = figure->g_per_kwh;
        out->lowest = *figure;
    }
    if (figure->g_per_kwh > out->high) {
        out->high = figure->g_per_kwh;
        out->highest = *figure;
    }
}

/* What no figure of a place inside has widened is the factor's own. */
static void close_range(struct sw_carbon_factor *out)
{
    struct sw_carbon_figure own = {.g_per_kwh = out->g_per_kwh, .year = out->year};
    snprintf(own.place, sizeof own.place, "%s", out->place);
    snprintf(own.source, sizeof own.source, "%s", out->source);
    snprintf(own.scope, sizeof own.scope, "%s", out->scope);
    if (out->lowest.place[0] == 0)
        out->lowest = own;
    if (out->highest.place[0] == 0)
        out->highest = own;
}

static bool given(const char *text)
{
    return text != NULL && text[0] != 0;
}

/* Near names, for the person who mistyped. */

enum { MAX_WORD = 48, MAX_SUGGESTIONS = 3 };

/* Levenshtein distance, letter case ignored; large for words too long to be a slip. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > MAX_WORD || m > MAX_WORD)
        return MAX_WORD;
    size_t row[MAX_WORD + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            size_t swap = diagonal + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
            size_t best = above < row[j - 1] ? above : row[j - 1];
            row[j] = best + 1 < swap ? best + 1 : swap;
            diagonal = above;
        }
    }
    return row[m];
}

struct suggestions {
    struct {
        size_t distance;
        const char *code, *name;
    } best[MAX_SUGGESTIONS];
    size_t count;
};

static void suggest(struct suggestions *list, const char *wanted, const char *code,
                    const char *name)
{
    size_t by_code = distance(wanted, code), by_name = distance(wanted, name);
    size_t d = by_code < by_name ? by_code : by_name;
    /* A name in full is what was meant; a code of two or three letters may be one letter off. */
    size_t limit = strlen(wanted) <= 3 ? 1 : strlen(wanted) / 4 + 1;
    if (d > limit)
        return;
    size_t at = list->count;
    while (at > 0 && list->best[at - 1].distance > d)
        at--;
    if (at == MAX_SUGGESTIONS)
        return;
    if (list->count < MAX_SUGGESTIONS)
        list->count++;
    for (size_t i = list->count - 1; i > at; i--)
        list->best[i] = list->best[i - 1];
    list->best[at].distance = d;
    list->best[at].code = code;
    list->best[at].name = name;
}

static enum sw_code refuse(struct sw_error *err, const char *what, const char *wanted,
                           const struct suggestions *list)
{
    struct sw_buffer text = {0};
    for (size_t i = 0; i < list->count; i++)
        sw_buffer_printf(&text, "%s%s (%s)", i == 0 ? "; did you mean " : " or ",
                         list->best[i].code, list->best[i].name);
    enum sw_code code = sw_fail(err, SW_EABSENT, "%s \"%.60s\" is not in the tables%s", what,
                                wanted, text.size > 0 && !text.failed ? text.data : "");
    sw_buffer_free(&text);
    return code;
}

/* The tables. */

static const struct sw_carbon_country *country_lookup(const char *code)
{
    for (size_t i = 0; i < sw_n_carbon_countries; i++) {
        const struct sw_carbon_country *country = &sw_carbon_countries[i];
        if (strcasecmp(country->iso3, code) == 0 || strcasecmp(country->iso2, code) == 0)
            return country;
    }
    return NULL;
}

static enum sw_code country_refuse(struct sw_error *err, const char *wanted)
{
    struct suggestions list = {0};
    if (strcasecmp(wanted, "UK") == 0) /* reserved for the United Kingdom, but not its code */
        suggest(&list, "GBR", "GBR", "United Kingdom");
    for (size_t i = 0; i < sw_n_carbon_countries; i++)
        suggest(&list, wanted, sw_carbon_countries[i].iso3, sw_carbon_countries[i].name);
    return refuse(err, "country", wanted, &list);
}

static struct sw_carbon_figure figure_of_country(const struct sw_carbon_country *country)
{
    struct sw_carbon_figure figure = {
        .g_per_kwh = country->g_per_kwh, .year = country->year, .scope = "life-cycle"};
    snprintf(figure.place, sizeof figure.place, "%s", country->name);
    snprintf(figure.source, sizeof figure.source, "%s",
             country->computed ? "computed from the country's mix (Our World in Data) with "
                                 "life-cycle figures per source (World Nuclear Association)"
                               : "Our World in Data, from Ember and the Energy Institute");
    return figure;
}

static struct sw_carbon_figure figure_of_region(const struct sw_carbon_country *country,
                                                const struct sw_carbon_region *region)
{
    struct sw_carbon_figure figure = {.g_per_kwh = region->g_per_kwh, .year = region->year};
    snprintf(figure.place, sizeof figure.place, "%s / %s", country->name, region->name);
    snprintf(figure.source, sizeof figure.source, "%s", publishers[region->publisher].source);
    snprintf(figure.scope, sizeof figure.scope, "%s", publishers[region->publisher].scope);
    return figure;
}

static struct sw_carbon_figure figure_of_cloud(const struct sw_carbon_cloud *cloud)
{
    struct sw_carbon_figure figure = {
        .g_per_kwh = cloud->g_per_kwh,
        .source = "Google Cloud, carbon data by region, as published in July 2024",
        .scope = "not stated"};
    snprintf(figure.place, sizeof figure.place, "%s %s, %s", cloud->provider, cloud->region,
             cloud->city);
    return figure;
}

static void use(struct sw_carbon_factor *out, const struct sw_carbon_figure *figure)
{
    fill(out, figure->g_per_kwh, figure->year, figure->source, figure->scope);
    snprintf(out->place, sizeof out->place, "%s", figure->place);
}

static void from_country(struct sw_carbon_factor *out, const struct sw_carbon_country *country)
{
    struct sw_carbon_figure figure = figure_of_country(country);
    use(out, &figure);
    for (size_t i = 0; i < sw_n_carbon_regions; i++) {
        if (strcmp(sw_carbon_regions[i].country, country->iso3) != 0)
            continue;
        figure = figure_of_region(country, &sw_carbon_regions[i]);
        widen(out, &figure);
    }
    for (size_t i = 0; i < sw_n_carbon_clouds; i++) {
        if (strcmp(sw_carbon_clouds[i].country, country->iso3) != 0)
            continue;
        figure = figure_of_cloud(&sw_carbon_clouds[i]);
        widen(out, &figure);
    }
}

static enum sw_code from_region(struct sw_carbon_factor *out,
                                const struct sw_carbon_country *country, const char *wanted,
                                struct sw_error *err)
{
    /* "US-IL" is ISO 3166-2 for "IL". */
    const char *code = wanted;
    if (strncasecmp(wanted, country->iso2, 2) == 0 && wanted[2] == '-')
        code = wanted + 3;
    struct suggestions list = {0};
    size_t n_regions = 0;
    for (size_t i = 0; i < sw_n_carbon_regions; i++) {
        const struct sw_carbon_region *region = &sw_carbon_regions[i];
        if (strcmp(region->country, country->iso3) != 0)
            continue;
        if (strcasecmp(region->code, code) == 0 || strcasecmp(region->name, wanted) == 0) {
            struct sw_carbon_figure figure = figure_of_region(country, region);
            use(out, &figure);
            return SW_OK;
        }
        suggest(&list, wanted, region->code, region->name);
        n_regions++;
    }
    if (n_regions == 0)
        return sw_fail(err, SW_EABSENT,
                       "region \"%.60s\": the tables hold no regions of %s, only of the United "
                       "States, Canada, Sweden, Norway and Finland",
                       wanted, country->name);
    return refuse(err, "region", wanted, &list);
}

static enum sw_code from_cloud(struct sw_carbon_factor *out, const char *wanted,
                               struct sw_error *err)
{
    size_t provider_length = strcspn(wanted, ":/");
    if (provider_length == 0 || wanted[provider_length] == 0 || wanted[provider_length + 1] == 0)
        return sw_fail(err, SW_EUSAGE,
                       "cloud \"%.60s\" is not of the form provider:region, as in "
                       "gcp:europe-west1",
                       wanted);
    const char *region = wanted + provider_length + 1;
    struct suggestions list = {0};
    bool provider_known = false;
    for (size_t i = 0; i < sw_n_carbon_clouds; i++) {
        const struct sw_carbon_cloud *cloud = &sw_carbon_clouds[i];
        if (strlen(cloud->provider) != provider_length ||
            strncasecmp(cloud->provider, wanted, provider_length) != 0)
            continue;
        provider_known = true;
        if (strcasecmp(cloud->region, region) == 0) {
            struct sw_carbon_figure figure = figure_of_cloud(cloud);
            use(out, &figure);
            return SW_OK;
        }
        suggest(&list, region, cloud->region, cloud->city);
    }
    if (!provider_known)
        return sw_fail(err, SW_EABSENT,
                       "cloud \"%.60s\": %.*s publishes no figures that the tables could hold, "
                       "only gcp does; give the country or the g/kWh",
                       wanted, (int)(provider_length < 20 ? provider_length : 20), wanted);
    return refuse(err, "cloud region", region, &list);
}

static void from_default(struct sw_carbon_factor *out)
{
    fill(out, world_average_g_per_kwh, 2019, "IEA, Global Energy and CO2 Status Report 2019",
         "stack");
    snprintf(out->place, sizeof out->place, "world average");
    out->is_default = true;
    for (size_t i = 0; i < sw_n_carbon_countries; i++) {
        struct sw_carbon_figure figure = figure_of_country(&sw_carbon_countries[i]);
        widen(out, &figure);
    }
}

enum sw_code sw_carbon_find(struct sw_carbon_factor *out, const struct sw_carbon_options *options,
                            struct sw_error *err)
{
    *out = (struct sw_carbon_factor){0};
    if (isnan(options->g_per_kwh) || options->g_per_kwh > max_g_per_kwh)
        return sw_fail(err, SW_EUSAGE, "g/kWh %g is not between 0 and %g", options->g_per_kwh,
                       max_g_per_kwh);
    if (given(options->cloud) && given(options->country))
        return sw_fail(err, SW_EUSAGE, "country \"%.60s\" and cloud \"%.60s\": give one place",
                       options->country, options->cloud);
    if (given(options->region) && !given(options->country))
        return sw_fail(err, SW_EUSAGE, "region \"%.60s\" needs its country", options->region);
    const struct sw_carbon_country *country = NULL;
    if (given(options->country)) {
        country = country_lookup(options->country);
        if (country == NULL)
            return country_refuse(err, options->country);
    }
    enum sw_code code = SW_OK;
    if (given(options->cloud))
        code = from_cloud(out, options->cloud, err);
    else if (country != NULL && given(options->region))
        code = from_region(out, country, options->region, err);
    else if (country != NULL)
        from_country(out, country);
    else
        from_default(out);
    if (code != SW_OK)
        return code;
    if (options->g_per_kwh < 0) {
        close_range(out);
        return SW_OK;
    }
    /* The user's own figure wins; the place named with it stays as its label. */
    fill(out, options->g_per_kwh, 0, "given by the user", "user");
    if (out->is_default)
        snprintf(out->place, sizeof out->place, "given by the user");
    out->is_default = false;
    memset(&out->lowest, 0, sizeof out->lowest);
    memset(&out->highest, 0, sizeof out->highest);
    close_range(out);
    return SW_OK;
}
