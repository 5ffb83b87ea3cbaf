/* Places to grams: known values, the ways to name a place, and the refusals. */
#include "support/close.h"

#include <math.h>
#include <string.h>
#include <jansson.h>

#include "carbon/carbon.h"

static struct sw_carbon_factor factor;
static struct sw_error err;

static enum sw_code find(const char *country, const char *region, const char *cloud, double g)
{
    struct sw_carbon_options options = {country, region, cloud, g};
    memset(&err, 0, sizeof err);
    return sw_carbon_find(&factor, &options, &err);
}

/* Kilograms of kwh at the place, rounded to the digits that the vector gives. */
static void kilograms_are(double kwh, double expected, double half_digit)
{
    double kg = sw_carbon_grams(kwh * 3.6e12, factor.g_per_kwh) / 1000;
    assert_true(fabs(kg - expected) <= half_digit);
}

static void known_amounts(void **state)
{
    (void)state;
    assert_int_equal(find("FRA", NULL, NULL, -1), SW_OK);
    kilograms_are(1, 0.056039, 1e-12);
    assert_string_equal(factor.place, "France");
    assert_int_equal(factor.year, 2023);
    assert_string_equal(factor.scope, "life-cycle");
    assert_false(factor.is_default);
    assert_int_equal(find("USA", "illinois", NULL, -1), SW_OK);
    kilograms_are(0.3, 0.1104, 5e-5);
    assert_string_equal(factor.place, "United States / Illinois");
    assert_int_equal(factor.year, 2016);
    assert_string_equal(factor.scope, "stack");
    assert_int_equal(find("USA", NULL, NULL, -1), SW_OK);
    kilograms_are(0.3, 0.1108, 5e-5);
    assert_int_equal(find("CAN", NULL, NULL, -1), SW_OK);
    kilograms_are(3, 0.5101, 5e-5);
    assert_int_equal(find("CAN", "Ontario", NULL, -1), SW_OK);
    kilograms_are(3, 0.1942, 5e-5);
    assert_int_equal(factor.year, 2023);
    assert_int_equal(find("SWE", "SE2", NULL, -1), SW_OK);
    kilograms_are(1, 0.018, 1e-12);
    assert_int_equal(factor.year, 2024);
    assert_int_equal(find("FIN", "FI", NULL, -1), SW_OK);
    kilograms_are(2.5, 0.18, 1e-12);
    assert_int_equal(find(NULL, NULL, NULL, 50), SW_OK);
    kilograms_are(2, 0.1, 1e-12);
    assert_int_equal(find(NULL, NULL, NULL, 58.765447504659946), SW_OK);
    kilograms_are(10, 0.58765, 5e-6);
    assert_int_equal(find(NULL, NULL, "gcp:us-central1", -1), SW_OK);
    assert_close(factor.g_per_kwh, 430, 0);
    /* No place: CodeCarbon's figure for one it does not know, and for Azure's eastus. */
    assert_int_equal(find(NULL, NULL, NULL, -1), SW_OK);
    kilograms_are(1, 0.475, 1e-12);
    kilograms_are(1.5, 0.7125, 1e-12);
    assert_close(sw_carbon_grams(3.6e12, 475), 475, 1e-12);
    assert_close(sw_carbon_grams(0, 475), 0, 0);
}

static void computed_regions(void **state)
{
    (void)state;
    static const struct {
        const char *country, *region;
        double g, half_digit;
    } cases[] = {
        {"USA", "California", 205.3, 0.05},
        {"USA", "TX", 476.1, 0.05},
        {"US", "US-WA", 84.751, 0.0005},
        {"us", "vt", 25.8, 0.05},
        {"USA", "Wyoming", 919.1, 0.05},
        {"CA", "quebec", 3.94, 0.005},
        {"CAN", "MB", 5.3, 0.05},
        {"CAN", "British Columbia", 21.7, 0.05},
        {"CAN", "Alberta", 627.7, 0.05},
        {"CAN", "CA-SK", 654.9, 0.05},
        {"CAN", "Nunavut", 815.1, 0.05},
        {"NO", "no5", 18, 0},
        {"USA", "District of Columbia", 0, INFINITY},
        {"CAF", NULL, 26, 0}, /* the source gives 0, its mix is all hydro */
        {"NOR", NULL, 30.08, 0},
        {"TKM", NULL, 1306.025, 0},
        {"LSO", NULL, 20, 0},
        {"jp", NULL, 485.392, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (find(cases[i].country, cases[i].region, NULL, -1) != SW_OK)
            fail_msg("%s", err.text);
        if (!(fabs(factor.g_per_kwh - cases[i].g) <= cases[i].half_digit))
            fail_msg("%s: %g", factor.place, factor.g_per_kwh);
        assert_true(factor.low <= factor.g_per_kwh && factor.g_per_kwh <= factor.high);
        assert_true(factor.source[0] != 0 && factor.scope[0] != 0);
    }
}

static void ranges_span_the_places_inside(void **state)
{
    (void)state;
    assert_int_equal(find("FR", NULL, NULL, -1), SW_OK);
    assert_close(factor.low, 34, 0); /* Google's Paris */
    assert_close(factor.high, 56.039, 0);
    assert_int_equal(find("CA", NULL, NULL, -1), SW_OK);
    assert_close(factor.low, 2, 0); /* Google's Montreal */
    assert_true(factor.high > 815 && factor.high < 815.2);
    assert_int_equal(find("IS", NULL, NULL, -1), SW_OK);
    assert_close(factor.low, factor.high, 0);
    assert_int_equal(find("SE", "SE4", NULL, -1), SW_OK);
    assert_close(factor.low, factor.high, 0);
    assert_int_equal(find("CHN", NULL, NULL, -1), SW_OK);
    assert_close(factor.low, factor.high, 0); /* Hong Kong is a grid of its own */
}

static void the_default_is_named_as_such(void **state)
{
    (void)state;
    assert_int_equal(find(NULL, "", "", -1), SW_OK);
    assert_true(factor.is_default);
    assert_string_equal(factor.place, "world average");
    assert_close(factor.g_per_kwh, 475, 0);
    assert_int_equal(factor.year, 2019);
    assert_non_null(strstr(factor.source, "IEA"));
    assert_close(factor.low, 20, 0);
    assert_close(factor.high, 1306.025, 0);
}

static void the_users_figure_wins(void **state)
{
    (void)state;
    assert_int_equal(find("FR", NULL, NULL, 12.5), SW_OK);
    assert_close(factor.g_per_kwh, 12.5, 0);
    assert_close(factor.low, 12.5, 0);
    assert_close(factor.high, 12.5, 0);
    assert_string_equal(factor.place, "France");
    assert_string_equal(factor.scope, "user");
    assert_false(factor.is_default);
    assert_int_equal(find(NULL, NULL, NULL, 0), SW_OK);
    assert_close(factor.g_per_kwh, 0, 0);
    assert_false(factor.is_default);
    assert_int_equal(find(NULL, NULL, NULL, NAN), SW_EUSAGE);
    assert_string_equal(err.text, "g/kWh nan is not between 0 and 20000");
    assert_int_equal(find(NULL, NULL, NULL, INFINITY), SW_EUSAGE);
}

static void unknown_places_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *country, *region, *cloud;
        enum sw_code code;
        const char *text;
    } cases[] = {
        {"XYZ", NULL, NULL, SW_EABSENT, "country \"XYZ\" is not in the tables"},
        {"France", NULL, NULL, SW_EABSENT,
         "country \"France\" is not in the tables; did you mean FRA (France)"},
        {"UK", NULL, NULL, SW_EABSENT,
         "country \"UK\" is not in the tables; did you mean GBR (United Kingdom)"},
        {"Germnay", NULL, NULL, SW_EABSENT, "DEU (Germany)"},
        {"FR\n\x1b[31m", NULL, NULL, SW_EABSENT, "country \"FR??[31m\""},
        {"USA", "Ilinois", NULL, SW_EABSENT,
         "region \"Ilinois\" is not in the tables; did you mean IL (Illinois)"},
        {"USA", "ON", NULL, SW_EABSENT, "region \"ON\" is not in the tables"},
        {"SWE", "SE5", NULL, SW_EABSENT, "region \"SE5\" is not in the tables; did you mean SE1"},
        {"DEU", "Bavaria", NULL, SW_EABSENT,
         "region \"Bavaria\": the tables hold no regions of Germany"},
        {NULL, "Ontario", NULL, SW_EUSAGE, "region \"Ontario\" needs its country"},
        {NULL, NULL, "azure:eastus", SW_EABSENT, "cloud \"azure:eastus\": azure publishes no"},
        {NULL, NULL, "gcp:europe-west99", SW_EABSENT,
         "cloud region \"europe-west99\" is not in the tables; did you mean europe-west9 (Paris)"},
        {NULL, NULL, "gcp", SW_EUSAGE, "cloud \"gcp\" is not of the form provider:region"},
        {NULL, NULL, ":us-west1", SW_EUSAGE, "is not of the form"},
        {NULL, NULL, "gcp:", SW_EUSAGE, "is not of the form"},
        {"FRA", NULL, "gcp:us-west1", SW_EUSAGE, "give one place"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(find(cases[i].country, cases[i].region, cases[i].cloud, -1),
                         cases[i].code);
        if (strstr(err.text, cases[i].text) == NULL)
            fail_msg("\"%s\" does not hold \"%s\"", err.text, cases[i].text);
    }
    static char longest[5000];
    memset(longest, 'z', sizeof longest - 1);
    assert_int_equal(find(longest, NULL, NULL, -1), SW_EABSENT);
    assert_int_equal(find("USA", longest, NULL, -1), SW_EABSENT);
    assert_int_equal(find(NULL, NULL, longest, -1), SW_EUSAGE);
}

static void clouds_in_both_spellings(void **state)
{
    (void)state;
    assert_int_equal(find(NULL, NULL, "GCP/europe-west9", -1), SW_OK);
    assert_close(factor.g_per_kwh, 34, 0);
    assert_string_equal(factor.place, "gcp europe-west9, Paris");
    assert_int_equal(factor.year, 0);
    assert_int_equal(find(NULL, NULL, "gcp:me-central1", -1), SW_OK);
    assert_close(factor.g_per_kwh, 575, 0);
}

/* Every country of the published file, by both codes, with its figure. */
static void the_table_equals_the_published_file(void **state)
{
    (void)state;
    const char *path = sw_shared_path("data/energy/global_energy_mix.json");
    if (path == NULL)
        SW_SKIP("no shared data");
    json_t *file = json_load_file(path, 0, NULL);
    assert_non_null(file);
    const char *code;
    json_t *row;
    size_t n = 0;
    json_object_foreach(file, code, row)
    {
        assert_int_equal(find(code, NULL, NULL, -1), SW_OK);
        double g = json_number_value(json_object_get(row, "carbon_intensity"));
        if (g > 0)
            assert_close(factor.g_per_kwh, g, 0);
        assert_int_equal(factor.year, json_integer_value(json_object_get(row, "year")));
        n++;
    }
    json_decref(file);
    assert_int_equal(n, 213);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_amounts),
        cmocka_unit_test(computed_regions),
        cmocka_unit_test(ranges_span_the_places_inside),
        cmocka_unit_test(the_default_is_named_as_such),
        cmocka_unit_test(the_users_figure_wins),
        cmocka_unit_test(unknown_places_are_refused_by_name),
        cmocka_unit_test(clouds_in_both_spellings),
        cmocka_unit_test(the_table_equals_the_published_file),
    };
    return cmocka_run_group_tests_name("carbon", tests, NULL, NULL);
}
