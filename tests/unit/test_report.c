/* Stored records with new factors: exact grams, ranges with their sources, embodied share, and what
 * is no record. */
#include "support/close.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "carbon/footprint.h"
#include "record/attribution.h"
#include "record/stored.h"
#include "report/carbon_report.h"

static struct sw_error err;

static struct sw_carbon_factor place(const char *country, double g)
{
    struct sw_carbon_factor factor;
    struct sw_carbon_options options = {.country = country, .g_per_kwh = g};
    assert_int_equal(sw_carbon_find(&factor, &options, NULL), SW_OK);
    return factor;
}

static void grams_of_known_joules(void **state)
{
    (void)state;
    struct sw_footprint_options options = SW_FOOTPRINT_DEFAULT;
    struct sw_footprint out;
    struct sw_carbon_factor factor = place("FR", -1);
    sw_footprint_compute(&out, 3.6e12, 10, &factor, &options);
    assert_close(out.used_g, 56.039, 1e-12);
    assert_close(out.low_g, 34, 1e-12);
    assert_close(out.high_g, 56.039, 1e-12);
    assert_false(out.has_embodied);
    options.pue = 1.5;
    sw_footprint_compute(&out, 7.2e12, 10, &factor, &options);
    assert_close(out.used_g, 3 * 56.039, 1e-12);
    /* 300 kg, a quarter of the machine, one day of a lifetime of five years. */
    options.embodied_kg = 300;
    options.lifetime_years = 5;
    options.machine_share = 0.25;
    sw_footprint_compute(&out, 0, 86400, &factor, &options);
    assert_close(out.embodied_g, 300e3 * 0.25 / (5 * 365), 1e-12);
    assert_close(out.used_g, 0, 0);
}

static void parameters_out_of_range_are_refused(void **state)
{
    (void)state;
    struct sw_footprint_options good = SW_FOOTPRINT_DEFAULT, bad;
    assert_int_equal(sw_footprint_check(&good, &err), SW_OK);
    bad = good;
    bad.pue = 0.99;
    assert_int_equal(sw_footprint_check(&bad, &err), SW_EUSAGE);
    assert_string_equal(err.text, "PUE 0.99 is not between 1 and 10: a site uses at least what its "
                                  "computers use");
    bad = good;
    bad.pue = (double)NAN;
    assert_int_equal(sw_footprint_check(&bad, &err), SW_EUSAGE);
    bad = good;
    bad.machine_share = 0;
    assert_int_equal(sw_footprint_check(&bad, &err), SW_EUSAGE);
    assert_non_null(strstr(err.text, "share 0 of the machine"));
    bad = good;
    bad.lifetime_years = -4;
    assert_int_equal(sw_footprint_check(&bad, &err), SW_EUSAGE);
    assert_non_null(strstr(err.text, "lifetime of -4 years"));
    bad = good;
    bad.embodied_kg = (double)INFINITY;
    assert_int_equal(sw_footprint_check(&bad, &err), SW_EUSAGE);
}

static void the_range_names_whose_figures_it_has(void **state)
{
    (void)state;
    struct sw_carbon_factor factor = place("CA", -1);
    assert_close(factor.lowest.g_per_kwh, factor.low, 0);
    assert_string_equal(factor.lowest.place, "gcp northamerica-northeast1, Montreal");
    assert_string_equal(factor.lowest.scope, "not stated");
    assert_close(factor.highest.g_per_kwh, factor.high, 0);
    assert_string_equal(factor.highest.place, "Canada / Nunavut");
    assert_string_equal(factor.highest.scope, "stack");
    assert_int_equal(factor.highest.year, 2023);
    factor = place("IS", -1);
    assert_string_equal(factor.lowest.place, "Iceland");
    assert_string_equal(factor.highest.source, factor.source);
    factor = place(NULL, -1);
    assert_string_equal(factor.lowest.place, "Lesotho");
    assert_string_equal(factor.highest.place, "Turkmenistan");
    factor = place("CA", 12);
    assert_string_equal(factor.lowest.scope, "user");
    assert_close(factor.highest.g_per_kwh, 12, 0);
}

static void the_cpus_joules_go_by_processor_time(void **state)
{
    (void)state;
    struct sw_attribution a;
    /* 100 J in 2 s, 20 W at rest: 60 J above it. This work had 6 of 8 busy seconds, of 16 in all.
     */
    json_t *conditions =
        json_pack("{s:I, s:I, s:I}", "own_cpu_ns", (json_int_t)6000000000, "busy_cpu_ns",
                  (json_int_t)8000000000, "all_cpu_ns", (json_int_t)16000000000);
    sw_attribution_compute(&a, conditions, 100, 2, 20);
    assert_true(a.has_above_idle && a.has_shares);
    assert_close(a.above_idle_j, 60, 1e-12);
    assert_close(a.marginal_j, 45, 1e-12);
    assert_close(a.by_cpu_time_j, 45 + 40 * 6 / 16.0, 1e-12);
    assert_close(a.dedicated_j, 85, 1e-12);
    assert_string_equal(a.reason, "");
    /* Our own time is finer than everybody's ticks. */
    json_object_set_new(conditions, "busy_cpu_ns", json_integer(5990000000));
    sw_attribution_compute(&a, conditions, 100, 2, 20);
    assert_close(a.own_of_busy, 1, 0);
    sw_attribution_compute(&a, conditions, 30, 2, 20);
    assert_false(a.has_above_idle || a.has_shares);
    assert_string_equal(a.reason, "20 W at rest is more than the 15 W of the record");
    sw_attribution_compute(&a, conditions, 30, 0, 20);
    assert_string_equal(a.reason, "the record holds no seconds");
    json_object_set_new(conditions, "all_cpu_ns", json_null());
    sw_attribution_compute(&a, conditions, 100, 2, 20);
    assert_true(a.has_above_idle);
    assert_false(a.has_shares);
    assert_string_equal(a.reason, "the record does not tell the processor time of this work and of "
                                  "others");
    sw_attribution_compute(&a, NULL, 100, 2, 0);
    assert_close(a.above_idle_j, 100, 0);
    json_decref(conditions);
}

/* Journals. */

#define PART(uj, source) "{\"uj\":" uj ",\"meter\":\"m\",\"source\":\"" source "\"}"
#define NO_PART          "{\"uj\":null,\"source\":\"absent\",\"reason\":\"none\"}"
#define PHASE(cpu, ram)                                                                            \
    "{\"cpu\":" PART(cpu, "measured") ",\"gpu\":" NO_PART                                          \
                                      ",\"ram\":" PART(ram, "modelled") ",\"machine\":" NO_PART    \
                                                                        "}"
#define RUN(id)                                                                                    \
    "{\"schema_version\":1,\"type\":\"run\",\"run_id\":\"" id "\",\"model_name\":\"x\"}\n"
#define SAMPLE(id, tokens, prefill, decode)                                                        \
    "{\"schema_version\":1,\"type\":\"sample\",\"run_id\":\"" id "\",\"n_prompt_tokens\":2,"       \
    "\"n_generated_tokens\":" tokens ",\"prefill_ns\":10,\"decode_ns\":20,\"start_ns\":100,"       \
    "\"end_ns\":200,\"energy\":{\"prefill\":" prefill ",\"decode\":" decode "}}\n"
#define END(id, total)                                                                             \
    "{\"schema_version\":1,\"type\":\"end\",\"run_id\":\"" id "\",\"n_generated_tokens\":5,"       \
    "\"wall_ns\":2000000000,\"prefill_ns\":500000000,"                                             \
    "\"decode_ns\":500000000,\"conditions\":{\"own_cpu_ns\":1000000000,\"busy_cpu_ns\":"           \
    "2000000000,"                                                                                  \
    "\"all_cpu_ns\":4000000000},\"energy\":{\"prefill\":" PHASE(                                   \
        "1000000",                                                                                 \
        "2000000") ",\"decode\":" PHASE("3000000",                                                 \
                                        "4000000") "},\"energy_j\":{\"total\":{\"value\":" total   \
                                                   "}},\"co2e_g\":7}\n"

struct seen {
    size_t n;
    double joules[8], tokens[8];
    size_t line[8];
    bool unfinished[8];
    json_t *report; /* of the last */
};

static void see(void *ctx, const struct sw_stored *stored)
{
    struct seen *seen = ctx;
    struct sw_carbon_factor factor = place(NULL, 360);
    struct sw_carbon_report_options options = {.footprint = SW_FOOTPRINT_DEFAULT, .idle_w = 1};
    options.footprint.embodied_kg = 126.144; /* 1 g a second over four years */
    assert_true(seen->n < 8);
    seen->joules[seen->n] = (double)stored->total.uj * 1e-6 / stored->divisor;
    seen->tokens[seen->n] = stored->n_tokens;
    seen->line[seen->n] = stored->line;
    seen->unfinished[seen->n++] = stored->unfinished;
    json_decref(seen->report);
    seen->report = sw_carbon_report(stored, &factor, &options);
}

static struct sw_stored_remarks remarks;

static enum sw_code read_text(struct seen *seen, const char *text)
{
    char path[] = "/tmp/test_report.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (long long)strlen(text));
    close(fd);
    *seen = (struct seen){0};
    err = (struct sw_error){0};
    enum sw_code code = sw_stored_read(path, see, seen, &remarks, &err);
    unlink(path);
    return code;
}

static double number(const json_t *report, const char *at)
{
    const json_t *value = sw_json_at(report, at);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void each_run_is_one_record(void **state)
{
    (void)state;
    struct seen seen;
    /* A run with its end, one that was resumed (two ends), one that never came to its end. */
    const char *text = RUN("a") SAMPLE("a", "5", PHASE("1", "2"), PHASE("3", "4")) END("a", "10")
        RUN("b") END("b", "10") RUN("b") SAMPLE("b", "5", PHASE("1", "2"), PHASE("3", "4"))
            END("b", "10") "{\"schema_version\":1,\"type\":\"note\"}\n" RUN("c")
                SAMPLE("c", "4", PHASE("1000000", "1"), PHASE("3", "4"))
                    SAMPLE("c", "6", PHASE("1000000", "1"), PHASE("3", "4"));
    if (read_text(&seen, text) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(seen.n, 3);
    assert_int_equal(remarks.n_skipped, 0);
    assert_close(seen.joules[0], 10, 1e-12);
    assert_int_equal(seen.line[0], 3);
    assert_int_equal(seen.line[1], 8);
    assert_false(seen.unfinished[1]);
    assert_true(seen.unfinished[2]);
    assert_close(seen.joules[2], 2.000016, 1e-12);
    assert_close(seen.tokens[2], 10, 0);
    json_decref(seen.report);
}

static void grams_beside_what_is_stored(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(read_text(&seen, END("a", "10")), SW_OK);
    assert_int_equal(seen.n, 1);
    assert_close(number(seen.report, "co2e_g"), 1e-3, 1e-12); /* 10 J at 360 g/kWh */
    assert_close(number(seen.report, "co2e_g_per_token"), 2e-4, 1e-12);
    assert_close(number(seen.report, "co2e.low.g"), 1e-3, 1e-12);
    assert_close(number(seen.report, "stored.co2e_g"), 7, 0);
    assert_close(number(seen.report, "embodied.g"), 2e-3, 1e-12);
    assert_close(number(seen.report, "embodied.sum_g"), 3e-3, 1e-12);
    assert_close(number(seen.report, "embodied.sci_g_per_token"), 6e-4, 1e-12);
    /* 4 J of the CPU in 1 s, 1 W at rest, half of the busy time. */
    assert_close(number(seen.report, "attributed.cpu.j"), 4, 1e-12);
    assert_close(number(seen.report, "attributed.above_idle.j"), 3, 1e-12);
    assert_close(number(seen.report, "attributed.marginal.j"), 1.5, 1e-12);
    assert_close(number(seen.report, "attributed.by_cpu_time.j"), 1.75, 1e-12);
    assert_close(number(seen.report, "attributed.dedicated.j"), 2.5, 1e-12);
    assert_close(number(seen.report, "attributed.dedicated.g"), 2.5e-4, 1e-12);
    json_decref(seen.report);
    /* The same over several lines, as -o json prints it. */
    const char *indented = "{\n \"results\":\n[ " END("a", "10") "]}\n";
    assert_int_equal(read_text(&seen, indented), SW_OK);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.line[0], 0);
    json_decref(seen.report);
}

#define COMMAND(runs, total)                                                                       \
    "{\"schema_version\":1,\"type\":\"command\",\"command\":\"true\",\"wall_ns\":1000000000,"      \
    "\"energy_j\":{\"total\":{\"value\":" total "}},\"runs\":[" runs "]}\n"
#define COMMAND_RUN(cpu) "{\"energy\":" PHASE(cpu, "0") "}"

static void a_command_is_the_mean_of_its_runs(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(
        read_text(&seen, COMMAND(COMMAND_RUN("1000000") "," COMMAND_RUN("3000000"), "2")), SW_OK);
    assert_close(seen.joules[0], 2, 1e-12);
    assert_close(number(seen.report, "co2e_g"), 2e-4, 1e-12);
    assert_true(json_is_null(sw_json_at(seen.report, "co2e_g_per_token")));
    assert_close(number(seen.report, "embodied.g"), 1e-3, 1e-12);
    json_decref(seen.report);
}

static void without_joules_there_are_no_grams(void **state)
{
    (void)state;
    struct seen seen;
#define NOTHING                                                                                    \
    "{\"cpu\":" NO_PART ",\"gpu\":" NO_PART ",\"ram\":" NO_PART ",\"machine\":" NO_PART "}"
    assert_int_equal(read_text(&seen, COMMAND("{\"energy\":" NOTHING "}", "null")), SW_OK);
    assert_true(json_is_null(sw_json_at(seen.report, "co2e_g")));
    assert_true(json_is_null(sw_json_at(seen.report, "co2e.high.g")));
    assert_true(json_is_null(sw_json_at(seen.report, "embodied.sum_g")));
    assert_string_equal(json_string_value(json_array_get(sw_json_at(seen.report, "remarks"), 0)),
                        "no joules are stored, so there are no grams");
    json_decref(seen.report);
}

static void what_is_no_record_is_told(void **state)
{
    (void)state;
    struct seen seen;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "no record: neither a run's journal nor"},
        {"\n\n", "no record"},
        {"hello\n", "line 1, column 5"},
        {"[1, 2]\n", "line 1: not a JSON object"},
        {"{\"type\":\"sample\"}\n", "no record"},
        {END("a", "11"), "line 1: energy_j.total is 11 J, but its parts come to 10 J"},
        {END("a", "null"), "energy_j.total has no value, but its parts have one"},
        {"{\"schema_version\":2,\"type\":\"end\"}\n", "line 1: end: \"schema_version\" is 2"},
        {"{\"schema_version\":1,\"type\":\"end\"}\n",
         "line 1: end: \"n_generated_tokens\" is missing"},
        {"{\"schema_version\":1,\"type\":\"end\",\"n_generated_tokens\":1,\"wall_ns\":-1}\n",
         "\"wall_ns\""},
        {"{\"schema_version\":1,\"type\":\"end\",\"n_generated_tokens\":1,\"wall_ns\":1}\n",
         "energy.prefill.cpu: not an object"},
        {COMMAND("", "1"), "\"runs\" is no array, or empty"},
        {COMMAND("7", "1"), "runs[0].energy.cpu: not an object"},
        {RUN("a"), "no sample was finished"},
        {RUN("a") SAMPLE("a", "-4", PHASE("1", "2"), PHASE("3", "4")), "\"n_generated_tokens\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (read_text(&seen, cases[i].text) == SW_OK)
            fail_msg("%s: taken", cases[i].text);
        if (strstr(err.text, cases[i].error) == NULL)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(seen.n, 0);
    }
    /* Good ones beside a torn one are reported. */
    assert_int_equal(read_text(&seen, END("a", "10") "{\"type\":\"en"), SW_OK);
    assert_int_equal(seen.n, 1);
    assert_int_equal(remarks.n_skipped, 1);
    assert_non_null(strstr(remarks.first.text, "line 2: torn"));
    json_decref(seen.report);
    assert_int_equal(sw_stored_read("/nowhere/at/all", see, &seen, &remarks, &err), SW_EABSENT);
    assert_int_equal(sw_stored_read("/tmp", see, &seen, &remarks, &err), SW_EFILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grams_of_known_joules),
        cmocka_unit_test(parameters_out_of_range_are_refused),
        cmocka_unit_test(the_range_names_whose_figures_it_has),
        cmocka_unit_test(the_cpus_joules_go_by_processor_time),
        cmocka_unit_test(each_run_is_one_record),
        cmocka_unit_test(grams_beside_what_is_stored),
        cmocka_unit_test(a_command_is_the_mean_of_its_runs),
        cmocka_unit_test(without_joules_there_are_no_grams),
        cmocka_unit_test(what_is_no_record_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
