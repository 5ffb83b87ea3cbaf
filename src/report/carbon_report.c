#include "report/carbon_report.h"

#include <stdio.h>
#include <string.h>

#include "record/attribution.h"
#include "record/journal.h"
#include "report/lines.h"

static const char *text_at(const json_t *object, const char *path)
{
    const json_t *value = sw_json_at(object, path);
    return json_is_string(value) ? json_string_value(value) : "";
}

static json_t *real_or_null(bool has_value, double value)
{
    return has_value ? json_real(value) : json_null();
}

/* Grams by one of the factor's figures. */
static json_t *grams(const struct sw_stored *stored, double g, const struct sw_carbon_figure *f)
{
    bool has_value = stored->total.has_value;
    return json_pack("{s:o, s:o, s:f, s:s, s:s, s:o, s:s}", "g", real_or_null(has_value, g),
                     "g_per_token",
                     real_or_null(has_value && stored->n_tokens > 0, g / stored->n_tokens),
                     "g_per_kwh", f->g_per_kwh, "place", f->place, "source", f->source, "year",
                     f->year > 0 ? json_integer(f->year) : json_null(), "scope", f->scope);
}

static json_t *embodied(const struct sw_stored *stored, const struct sw_footprint *footprint,
                        const struct sw_footprint_options *options)
{
    if (!footprint->has_embodied)
        return json_null();
    bool has_value = stored->seconds_are_known;
    bool per_token = has_value && stored->n_tokens > 0;
    double sum_g = footprint->used_g + footprint->embodied_g;
    return json_pack(
        "{s:o, s:o, s:f, s:f, s:f, s:o, s:s, s:o, s:o}", "g",
        real_or_null(has_value, footprint->embodied_g), "g_per_token",
        real_or_null(per_token, footprint->embodied_g / stored->n_tokens), "machine_kg",
        options->embodied_kg, "lifetime_years", options->lifetime_years, "machine_share",
        options->machine_share, "seconds", real_or_null(has_value, stored->seconds), "formula",
        "machine_kg x machine_share x seconds / lifetime (SCI: M = TE x TS x RS)", "sum_g",
        real_or_null(has_value && stored->total.has_value, sum_g), "sci_g_per_token",
        real_or_null(per_token && stored->total.has_value, sum_g / stored->n_tokens));
}

static json_t *remarks_on(const struct sw_stored *stored, const struct sw_carbon_factor *factor,
                          const struct sw_footprint_options *options)
{
    json_t *remarks = json_array();
    char text[256];
    if (!stored->total.has_value)
        json_array_append_new(remarks, json_string("no joules are stored, so there are no grams"));
    if (stored->unfinished)
        json_array_append_new(remarks, json_string("the run has no end line: this is what its "
                                                   "samples come to"));
    if (stored->is_command && stored->divisor > 1) {
        snprintf(text, sizeof text, "means over %.0f runs", stored->divisor);
        json_array_append_new(remarks, json_string(text));
    }
    if (factor->is_default)
        json_array_append_new(remarks, json_string("no place was named: --country, --region, "
                                                   "--cloud or --g_per_kwh"));
    if (strcmp(factor->lowest.scope, factor->scope) != 0 ||
        strcmp(factor->highest.scope, factor->scope) != 0) {
        snprintf(text, sizeof text,
                 "low, used and high differ in scope (%s, %s, %s) and are not on one scale",
                 factor->lowest.scope, factor->scope, factor->highest.scope);
        json_array_append_new(remarks, json_string(text));
    }
    if (options->embodied_kg >= 0 && !stored->seconds_are_known)
        json_array_append_new(remarks, json_string("no seconds are stored, so nothing embodied"));
    return remarks;
}

/* {"j", "g"} by the used figure. */
static json_t *joules_and_grams(bool has_value, double joules,
                                const struct sw_carbon_factor *factor, double pue)
{
    return json_pack(
        "{s:o, s:o}", "j", real_or_null(has_value, joules), "g",
        real_or_null(has_value, sw_carbon_grams(joules * 1e6 * pue, factor->g_per_kwh)));
}

/* Watts of the CPU in the idle phases that the record has, before and after taken together;
 * negative where it has none. */
static double stored_idle_w(const json_t *record)
{
    static const char *const phases[] = {"idle_before", "idle_after"};
    double uj = 0, ns = 0;
    for (size_t i = 0; i < 2; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_ns", phases[i]);
        const json_t *phase = json_object_get(json_object_get(record, "energy"), phases[i]);
        const json_t *one = json_object_get(json_object_get(phase, "cpu"), "uj");
        double duration_ns = json_number_value(json_object_get(record, key));
        if (!json_is_integer(one) || json_integer_value(one) < 0 || !(duration_ns > 0))
            continue;
        uj += json_number_value(one);
        ns += duration_ns;
    }
    return ns > 0 ? uj * 1e3 / ns : -1;
}

static json_t *attributed(const struct sw_stored *stored, const struct sw_carbon_factor *factor,
                          const struct sw_carbon_report_options *options)
{
    const struct sw_energy_sum *cpu = &stored->component[SW_RECORD_CPU];
    double pue = options->footprint.pue, cpu_j = (double)cpu->uj * 1e-6 / stored->divisor;
    struct sw_attribution a = {.reason = "no joules of the CPU are stored"};
    bool is_told = options->idle_w >= 0;
    double idle_w = is_told ? options->idle_w : stored_idle_w(stored->record);
    if (idle_w < 0)
        return json_null();
    if (cpu->has_value)
        sw_attribution_compute(&a, json_object_get(stored->record, "conditions"), cpu_j,
                               stored->work_seconds, idle_w);
    return json_pack("{s:f, s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "idle_w", idle_w,
                     "idle_source", is_told ? "--idle_w" : "the record's idle phases", "seconds",
                     stored->work_seconds, "cpu",
                     joules_and_grams(cpu->has_value, cpu_j, factor, pue), "above_idle",
                     joules_and_grams(a.has_above_idle, a.above_idle_j, factor, pue), "own_of_busy",
                     real_or_null(a.has_shares, a.own_of_busy), "own_of_all",
                     real_or_null(a.has_shares, a.own_of_all), "dedicated",
                     joules_and_grams(a.has_shares, a.dedicated_j, factor, pue), "by_cpu_time",
                     joules_and_grams(a.has_shares, a.by_cpu_time_j, factor, pue), "marginal",
                     joules_and_grams(a.has_shares, a.marginal_j, factor, pue), "reason",
                     a.reason[0] != 0 ? json_string(a.reason) : json_null());
}

json_t *sw_carbon_report(const struct sw_stored *stored, const struct sw_carbon_factor *factor,
                         const struct sw_carbon_report_options *report_options)
{
    const struct sw_footprint_options *options = &report_options->footprint;
    static const char *const copied[] = {
        "run_id",  "started_at", "model_name", "backend", "strategy",
        "command", "n_runs",     "energy_j",   "verdict",
    };
    const json_t *record = stored->record;
    struct sw_footprint footprint;
    sw_footprint_compute(&footprint, (double)stored->total.uj / stored->divisor, stored->seconds,
                         factor, options);
    struct sw_carbon_figure used = {.g_per_kwh = factor->g_per_kwh, .year = factor->year};
    snprintf(used.place, sizeof used.place, "%s", factor->place);
    snprintf(used.source, sizeof used.source, "%s", factor->source);
    snprintf(used.scope, sizeof used.scope, "%s", factor->scope);

    json_t *out =
        json_pack("{s:i, s:s, s:s, s:o}", "schema_version", SW_SCHEMA_VERSION, "type", "report",
                  "of", stored->is_command ? "command" : "end", "line",
                  stored->line > 0 ? json_integer((json_int_t)stored->line) : json_null());
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        json_t *value = json_object_get(record, copied[i]);
        if (value != NULL)
            json_object_set(out, copied[i], value);
    }
    json_object_set_new(
        out, "energy_uncertainty_percent",
        real_or_null(stored->total.has_value && stored->total.uncertainty_percent > 0,
                     stored->total.uncertainty_percent));
    json_object_set_new(out, "n_tokens",
                        stored->n_tokens > 0 ? json_integer((json_int_t)stored->n_tokens)
                                             : json_null());
    json_object_set_new(out, "seconds", real_or_null(stored->seconds_are_known, stored->seconds));
    json_object_set_new(out, "pue", json_real(options->pue));
    json_object_set_new(out, "co2e_g", real_or_null(stored->total.has_value, footprint.used_g));
    json_object_set_new(out, "co2e_g_per_token",
                        real_or_null(stored->total.has_value && stored->n_tokens > 0,
                                     footprint.used_g / stored->n_tokens));
    json_object_set_new(out, "is_default", json_boolean(factor->is_default));
    json_object_set_new(out, "co2e",
                        json_pack("{s:o, s:o, s:o}", "low",
                                  grams(stored, footprint.low_g, &factor->lowest), "used",
                                  grams(stored, footprint.used_g, &used), "high",
                                  grams(stored, footprint.high_g, &factor->highest)));
    json_object_set_new(out, "embodied", embodied(stored, &footprint, options));
    json_object_set_new(out, "attributed", attributed(stored, factor, report_options));
    json_t *before = json_object_get(record, "co2e_g");
    json_t *place = json_object_get(record, "g_per_kwh");
    json_object_set_new(out, "stored",
                        json_pack("{s:O?, s:O?}", "co2e_g", before, "g_per_kwh", place));
    json_object_set_new(out, "remarks", remarks_on(stored, factor, options));
    return out;
}

/* For people. */

static void put_grams(json_t *rows, const char *what, const json_t *report, const char *path)
{
    char figure[128] = "-", source[512], amount[48], each[48], year[24] = "";
    const json_t *by = sw_json_at(report, path);
    const json_t *g = json_object_get(by, "g");
    const json_t *per_token = json_object_get(by, "g_per_token");
    if (json_is_number(g)) {
        sw_lines_amount(amount, sizeof amount, json_number_value(g), "g");
        snprintf(figure, sizeof figure, "%s", amount);
    }
    if (json_is_number(per_token)) {
        sw_lines_amount(each, sizeof each, json_number_value(per_token), "g");
        snprintf(figure, sizeof figure, "%s (%s a token)", amount, each);
    }
    if (json_is_integer(json_object_get(by, "year")))
        snprintf(year, sizeof year, ", %lld",
                 (long long)json_integer_value(json_object_get(by, "year")));
    snprintf(source, sizeof source, "%s, %.4g g/kWh, %s (%s%s)", text_at(by, "place"),
             json_number_value(json_object_get(by, "g_per_kwh")), text_at(by, "scope"),
             text_at(by, "source"), year);
    sw_lines_put(rows, what, figure, source);
}

static void put_embodied(json_t *rows, const json_t *report)
{
    char figure[96] = "-", source[256], amount[48];
    const json_t *e = json_object_get(report, "embodied");
    const json_t *g = json_object_get(e, "g");
    if (!json_is_object(e))
        return;
    if (json_is_number(g)) {
        sw_lines_amount(amount, sizeof amount, json_number_value(g), "g");
        snprintf(figure, sizeof figure, "%s", amount);
    }
    snprintf(source, sizeof source,
             "of making the machine, not in the lines above: %g kg over %g years, share %g, for "
             "%.4g s",
             json_number_value(json_object_get(e, "machine_kg")),
             json_number_value(json_object_get(e, "lifetime_years")),
             json_number_value(json_object_get(e, "machine_share")),
             json_number_value(json_object_get(e, "seconds")));
    sw_lines_put(rows, "Embodied", figure, source);
    if (json_is_number(json_object_get(e, "sum_g"))) {
        sw_lines_amount(amount, sizeof amount, json_number_value(json_object_get(e, "sum_g")), "g");
        sw_lines_put(rows, "With embodied", amount, "CO2e and embodied together");
    }
}

/* Whose the CPU's joules were: each rule with the place of the idle draw in it. */
static void put_attributed(json_t *rows, const json_t *report)
{
    static const struct {
        const char *key, *what, *rule;
    } lines[] = {
        {"cpu", "CPU, gross", "of everybody, idle draw included"},
        {"above_idle", "  above idle", "of everybody"},
        {"dedicated", "  dedicated", "by processor time, with all of the idle draw"},
        {"by_cpu_time", "  by CPU time", "with this work's part of the idle draw"},
        {"marginal", "  marginal", "with none of the idle draw"},
    };
    const json_t *a = json_object_get(report, "attributed");
    if (!json_is_object(a))
        return;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char figure[128] = "-", joules[48], g[48];
        const json_t *part = json_object_get(a, lines[i].key);
        const json_t *reason = json_object_get(a, "reason");
        bool has_value = json_is_number(json_object_get(part, "j"));
        if (has_value) {
            sw_lines_amount(joules, sizeof joules, json_number_value(json_object_get(part, "j")),
                            "J");
            sw_lines_amount(g, sizeof g, json_number_value(json_object_get(part, "g")), "g");
            snprintf(figure, sizeof figure, "%s (%s)", joules, g);
        }
        sw_lines_put(rows, lines[i].what, figure,
                     has_value || !json_is_string(reason) ? lines[i].rule
                                                          : json_string_value(reason));
    }
}

static void put_stored(json_t *rows, const json_t *report)
{
    char figure[64] = "-", source[256], amount[48];
    const json_t *g = sw_json_at(report, "stored.co2e_g");
    if (json_is_number(g)) {
        sw_lines_amount(amount, sizeof amount, json_number_value(g), "g");
        snprintf(figure, sizeof figure, "%s", amount);
    }
    snprintf(source, sizeof source, "%s, %.4g g/kWh", text_at(report, "stored.g_per_kwh.place"),
             json_number_value(sw_json_at(report, "stored.g_per_kwh.value")));
    sw_lines_put(rows, "As stored", figure, source);
}

static void put_report(json_t *rows, const json_t *report)
{
    char figure[256], source[256];
    size_t i;
    const json_t *remark;
    bool is_command = strcmp(text_at(report, "of"), "command") == 0;
    if (json_array_size(rows) > 0)
        sw_lines_put(rows, "", "", "");
    if (is_command) {
        sw_lines_put(rows, "Command", text_at(report, "command"), text_at(report, "started_at"));
    } else {
        snprintf(source, sizeof source, "%s on %s, %s", text_at(report, "strategy"),
                 text_at(report, "backend"), text_at(report, "started_at"));
        sw_lines_put(rows, "Run", text_at(report, "run_id"), source);
        snprintf(figure, sizeof figure, "%lld",
                 (long long)json_integer_value(json_object_get(report, "n_tokens")));
        sw_lines_put(rows, "Model", text_at(report, "model_name"), "");
        sw_lines_put(rows, "Tokens", figure, "generated");
    }
    sw_lines_put_joules(rows, "Energy", report, "energy_j.total");
    const json_t *percent = json_object_get(report, "energy_uncertainty_percent");
    if (json_is_number(percent)) {
        snprintf(figure, sizeof figure, "+/- %.3g %%", json_number_value(percent));
        sw_lines_put(rows, "", figure, "of the joules, as their meters state; not in low and high");
    }
    double pue = json_number_value(json_object_get(report, "pue"));
    snprintf(figure, sizeof figure, "%g", pue);
    sw_lines_put(rows, "PUE", figure,
                 pue > 1 ? "of the site, as given: in the grams, not in the joules"
                         : "no overhead of a site: --pue");
    put_grams(rows, "CO2e", report, "co2e.used");
    put_grams(rows, "  low", report, "co2e.low");
    put_grams(rows, "  high", report, "co2e.high");
    put_embodied(rows, report);
    put_attributed(rows, report);
    put_stored(rows, report);
    if (text_at(report, "verdict.row")[0] != 0)
        sw_lines_put(rows, "Verdict", text_at(report, "verdict.row"), "as stored, of the joules");
    json_array_foreach(json_object_get(report, "remarks"), i, remark)
        sw_lines_put(rows, i == 0 ? "Remarks" : "", "", json_string_value(remark));
}

static const struct sw_table_column people_columns[] = {
    {"what", "What", 0, 0},
    {"figure", "Figure", 0, 0},
    {"source", "Source", 0, 0},
};

static const struct sw_table_column csv_columns[] = {
    {"of", NULL, 0, 0},
    {"run_id", NULL, 0, 0},
    {"started_at", NULL, 0, 0},
    {"model_name", NULL, 0, 0},
    {"backend", NULL, 0, 0},
    {"strategy", NULL, 0, 0},
    {"command", NULL, 0, 0},
    {"n_tokens", NULL, 0, 0},
    {"seconds", NULL, 0, 0},
    {"energy_j.total.value", NULL, 0, 0},
    {"energy_j.total.source", NULL, 0, 0},
    {"energy_uncertainty_percent", NULL, 0, 0},
    {"pue", NULL, 0, 0},
    {"co2e_g", NULL, 0, 0},
    {"co2e_g_per_token", NULL, 0, 0},
    {"co2e.low.g", NULL, 0, 0},
    {"co2e.high.g", NULL, 0, 0},
    {"co2e.used.g_per_kwh", NULL, 0, 0},
    {"co2e.used.place", NULL, 0, 0},
    {"co2e.used.source", NULL, 0, 0},
    {"co2e.used.year", NULL, 0, 0},
    {"co2e.used.scope", NULL, 0, 0},
    {"co2e.low.g_per_kwh", NULL, 0, 0},
    {"co2e.high.g_per_kwh", NULL, 0, 0},
    {"embodied.g", NULL, 0, 0},
    {"embodied.sci_g_per_token", NULL, 0, 0},
    {"attributed.dedicated.j", NULL, 0, 0},
    {"attributed.by_cpu_time.j", NULL, 0, 0},
    {"attributed.marginal.j", NULL, 0, 0},
    {"verdict.row", NULL, 0, 0},
    {"stored.co2e_g", NULL, 0, 0},
};

static void write_json(struct sw_buffer *out, json_t *reports)
{
    if (json_array_size(reports) == 1) {
        sw_json_write(out, json_array_get(reports, 0), true);
        return;
    }
    json_t *all = json_pack("{s:O}", "results", reports);
    sw_json_write(out, all, true);
    json_decref(all);
}

void sw_carbon_report_write(struct sw_buffer *out, enum sw_format format, json_t *reports)
{
    if (format == SW_FORMAT_JSON) {
        write_json(out, reports);
        return;
    }
    if (format == SW_FORMAT_JSONL || format == SW_FORMAT_CSV) {
        sw_table_write(out, format, reports, csv_columns,
                       sizeof csv_columns / sizeof csv_columns[0]);
        return;
    }
    size_t i;
    const json_t *report;
    json_t *rows = json_array();
    json_array_foreach(reports, i, report) put_report(rows, report);
    if (format == SW_FORMAT_MD)
        sw_table_write(out, format, rows, people_columns, 3);
    else
        sw_lines_write(out, rows);
    json_decref(rows);
}
