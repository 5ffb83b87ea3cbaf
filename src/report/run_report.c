#include "report/run_report.h"

#include <stdio.h>
#include <string.h>

#include "report/lines.h"

static const char *text_at(const json_t *record, const char *path)
{
    const json_t *value = sw_json_at(record, path);
    return json_is_string(value) ? json_string_value(value) : "?";
}

static double number_at(const json_t *record, const char *path)
{
    return json_number_value(sw_json_at(record, path));
}

static long long integer_at(const json_t *record, const char *path)
{
    return (long long)json_integer_value(sw_json_at(record, path));
}

static void put_carbon(json_t *rows, const json_t *record)
{
    char figure[128] = "-";
    char source[640];
    const json_t *grams = sw_json_at(record, "co2e_g_per_token");
    if (json_is_number(grams)) {
        char total[48];
        char each[48];
        sw_lines_amount(each, sizeof each, json_number_value(grams), "g");
        sw_lines_amount(total, sizeof total, number_at(record, "co2e_g"), "g");
        snprintf(figure, sizeof figure, "%s (%s in all)", each, total);
    }
    bool is_default = json_is_true(sw_json_at(record, "g_per_kwh.is_default"));
    char year[24] = "";
    if (json_is_integer(sw_json_at(record, "g_per_kwh.year")))
        snprintf(year, sizeof year, ", %lld", integer_at(record, "g_per_kwh.year"));
    snprintf(source, sizeof source, "%s: %s, %.4g g/kWh (%s%s)%s",
             text_at(record, "energy_j.total.source"), text_at(record, "g_per_kwh.place"),
             number_at(record, "g_per_kwh.value"), text_at(record, "g_per_kwh.source"), year,
             is_default ? "; no place was named: --country, --region, --cloud or --g_per_kwh" : "");
    sw_lines_put(rows, "CO2e", figure, source);
}

/* "25.1 ms", and the slow ones beside. */
static void put_latency(json_t *rows, const char *what, const json_t *record, const char *key)
{
    char figure[48] = "-", slow[48], slowest[48], source[160];
    const json_t *spread = json_object_get(record, key);
    if (!json_is_object(spread))
        return;
    sw_lines_amount(figure, sizeof figure, number_at(spread, "p50") * 1e-9, "s");
    sw_lines_amount(slow, sizeof slow, number_at(spread, "p95") * 1e-9, "s");
    sw_lines_amount(slowest, sizeof slowest, number_at(spread, "p99") * 1e-9, "s");
    snprintf(source, sizeof source, "measured: median of %lld; p95 %s, p99 %s",
             integer_at(spread, "n"), slow, slowest);
    sw_lines_put(rows, what, figure, source);
}

/* Adds to the row put last what is left open of it: "x" becomes "x ± y", y half of the interval. */
static void put_interval(json_t *rows, const json_t *record, const char *path, const char *unit)
{
    char figure[128], mean[48], half[48];
    const json_t *f = sw_json_at(record, path);
    const json_t *low = json_object_get(f, "low");
    json_t *row = json_array_get(rows, json_array_size(rows) - 1);
    if (!json_is_number(low) || !json_is_number(json_object_get(f, "high")))
        return;
    sw_lines_amount(mean, sizeof mean, number_at(f, "mean"), unit);
    sw_lines_amount(half, sizeof half, (number_at(f, "high") - json_number_value(low)) / 2, unit);
    snprintf(figure, sizeof figure, "%s ± %s%s", mean, half,
             json_is_true(json_object_get(f, "marked")) ? " (marked)" : "");
    json_object_set_new(row, "figure", json_string(figure));
}

/* How many blocks there are, why no more, and which stand out. */
static void put_blocks(json_t *rows, const json_t *record)
{
    static const struct {
        const char *name, *words;
    } reasons[] = {{"precision", "the interval is narrow enough"},
                   {"time_limit", "the time limit came"},
                   {"blocks", "as many as there should be"},
                   {"interrupted", "interrupted"}};
    const char *stopped = text_at(record, "stopped_by");
    char figure[96], source[256], reached[48] = "";
    const json_t *precision = json_object_get(record, "precision");
    if (!json_is_object(precision))
        return;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(stopped, reasons[i].name) == 0)
            stopped = reasons[i].words;
    snprintf(figure, sizeof figure, "%lld of %lld questions", integer_at(precision, "n_blocks"),
             integer_at(record, "samples_planned"));
    if (json_is_number(json_object_get(precision, "reached")))
        snprintf(reached, sizeof reached, "± %.2g %% of ", 100 * number_at(precision, "reached"));
    snprintf(source, sizeof source, "%s; 95 %% intervals, %s%s; outliers: %zu blocks, %lld answers",
             stopped, reached, text_at(precision, "figure"),
             json_array_size(sw_json_at(record, "statistics.seconds_per_token.outliers")),
             integer_at(record, "statistics.sample_outliers.n"));
    sw_lines_put(rows, "Blocks", figure, source);
}

/* Scores of the answers, and what a right one costs; nothing where the text is noise. */
static void put_quality(json_t *rows, const json_t *record)
{
    char figure[96], source[256], joules[48], each[80] = "";
    const json_t *quality = json_object_get(record, "quality");
    if (!json_is_number(json_object_get(quality, "f1")))
        return;
    snprintf(figure, sizeof figure, "F1 %.1f %%, EM %.1f %%", 100 * number_at(quality, "f1"),
             100 * number_at(quality, "exact_match"));
    if (json_is_number(sw_json_at(quality, "joules_per_correct.contains"))) {
        sw_lines_amount(joules, sizeof joules, number_at(quality, "joules_per_correct.contains"),
                        "J");
        snprintf(each, sizeof each, ", %s for each such answer", joules);
    }
    snprintf(source, sizeof source,
             "SQuAD's scores of %lld answers; a reference stands in %.1f %%%s%s",
             integer_at(quality, "n"), 100 * number_at(quality, "contains"), each,
             strcmp(text_at(record, "prompt.template"), "study") == 0
                 ? "; the prompt is the question alone, which asks for no such answer"
                 : "");
    sw_lines_put(rows, "Quality", figure, source);
    if (json_is_number(json_object_get(quality, "perplexity"))) {
        snprintf(figure, sizeof figure, "%.4g", number_at(quality, "perplexity"));
        snprintf(source, sizeof source, "of the reference answers, %lld tokens",
                 integer_at(quality, "n_reference_tokens"));
        sw_lines_put(rows, "Perplexity", figure, source);
    }
}

static void put_agreement(json_t *rows, const json_t *record)
{
    char figure[96], source[160];
    const json_t *agreement = sw_json_at(record, "quality.agreement");
    if (!json_is_object(agreement))
        return;
    snprintf(figure, sizeof figure, "%.1f tokens", number_at(agreement, "agreeing_tokens_mean"));
    snprintf(source, sizeof source,
             "before fp32 would choose another; %lld of %lld answers are equal; KL %.3g nats",
             integer_at(agreement, "n_equal"), integer_at(agreement, "n"),
             number_at(agreement, "kl_mean"));
    sw_lines_put(rows, "Agreement", figure, source);
}

static void put_verdict(json_t *rows, const json_t *record)
{
    struct sw_buffer text = {0};
    const json_t *reasons = sw_json_at(record, "verdict.reasons");
    size_t i;
    const json_t *reason;
    if (!json_is_object(json_object_get(record, "verdict")))
        return;
    json_array_foreach(reasons, i, reason)
    {
        sw_buffer_puts(&text, i > 0 ? "; " : "");
        sw_buffer_puts(&text, json_is_string(reason) ? json_string_value(reason) : "?");
    }
    if (text.size == 0)
        sw_buffer_puts(&text, "every rule of the method is kept");
    sw_lines_put(rows, "Verdict", text_at(record, "verdict.row"),
                 text.data != NULL ? text.data : "");
    sw_buffer_free(&text);
}

/* Who computes: kernels of ours, on the processors or a GPU, or a runtime with which graph. */
static void put_engine(char *text, size_t size, const json_t *record)
{
    const json_t *runtime = json_object_get(record, "runtime");
    const json_t *device = json_object_get(record, "device");
    if (json_is_object(runtime))
        snprintf(text, size, "%s %s, %s graph, %lld threads", text_at(runtime, "name"),
                 text_at(runtime, "version"), text_at(runtime, "graph"),
                 integer_at(record, "threads"));
    else if (json_is_object(device))
        snprintf(text, size, "%s, %s kernels, %s%s", text_at(device, "name"),
                 text_at(record, "isa"), text_at(device, "mode"),
                 json_is_true(json_object_get(device, "tf32")) ? ", TF32" : "");
    else
        snprintf(text, size, "%s kernels, %lld threads", text_at(record, "isa"),
                 integer_at(record, "threads"));
}

/* What a runtime's opening took, which is part of load. */
static void put_opening(json_t *rows, const json_t *record)
{
    const json_t *runtime = json_object_get(record, "runtime");
    if (!json_is_object(runtime))
        return;
    char figure[64], source[256];
    const char *why = json_string_value(json_object_get(runtime, "conversion"));
    double conversion_s = number_at(runtime, "conversion_phase.ns") * 1e-9;
    double session_s = number_at(runtime, "session_start.ns") * 1e-9;
    snprintf(figure, sizeof figure, "%.3f s", conversion_s + session_s);
    snprintf(source, sizeof source, "measured, in load: graph %s%s%s %.3f s, session %.3f s",
             why != NULL ? "converted (" : "from the cache", why != NULL ? why : "",
             why != NULL ? ")" : "", conversion_s, session_s);
    sw_lines_put(rows, "Opening", figure, source);
}

static json_t *report_rows(const json_t *record)
{
    json_t *rows = json_array();
    char figure[256];
    char source[256];
    bool synthetic = strcmp(text_at(record, "weights"), "synthetic") == 0;
    sw_lines_put(rows, "Model", text_at(record, "model_name"),
                 synthetic
                     ? "weights: synthetic (seeded random: speed and energy are real, the text is "
                       "noise)"
                     : "weights: checkpoint");
    snprintf(source, sizeof source, "runs as %s", text_at(record, "arithmetic"));
    sw_lines_put(rows, "Strategy", text_at(record, "strategy"), source);
    long long batch = integer_at(record, "batch");
    put_engine(source, sizeof source, record);
    if (batch > 1)
        snprintf(source + strlen(source), sizeof source - strlen(source),
                 ", up to %lld questions at once", batch);
    sw_lines_put(rows, "Backend", text_at(record, "backend"), source);
    put_opening(rows, record);
    snprintf(source, sizeof source, "%s split, prompt: %s", text_at(record, "dataset.split"),
             text_at(record, "prompt.template"));
    sw_lines_put(rows, "Data set", text_at(record, "dataset_name"), source);
    snprintf(figure, sizeof figure, "%lld", integer_at(record, "samples"));
    snprintf(source, sizeof source,
             json_is_object(json_object_get(record, "precision")) ? "in blocks of %lld%s"
                                                                  : "of %lld%s",
             integer_at(record, "samples_planned"),
             json_is_true(sw_json_at(record, "interrupted")) ? ", interrupted" : "");
    sw_lines_put(rows, "Samples", figure, source);
    put_blocks(rows, record);
    snprintf(figure, sizeof figure, "%lld", integer_at(record, "n_generated_tokens"));
    snprintf(source, sizeof source, "generated, after %lld prompt tokens",
             integer_at(record, "n_prompt_tokens"));
    sw_lines_put(rows, "Total tokens", figure, source);
    sw_lines_put_joules(rows, "Energy", record, "energy_j.total");
    double prefill_s = number_at(record, "prefill_ns") * 1e-9;
    double decode_s = number_at(record, "decode_ns") * 1e-9;
    snprintf(figure, sizeof figure, "%.3f s", prefill_s + decode_s);
    snprintf(source, sizeof source, "measured: prefill %.3f s, decode %.3f s; load %.3f s beside",
             prefill_s, decode_s, number_at(record, "load_ns") * 1e-9);
    sw_lines_put(rows, "Duration", figure, source);
    sw_lines_put(rows, "", "", "");
    sw_lines_put(rows, "Per token", "", "");
    sw_lines_put_joules(rows, "Energy", record, "energy_j_per_token.total");
    put_interval(rows, record, "statistics.energy_j_per_token.total", "J");
    double seconds = number_at(record, "seconds_per_token");
    char amount[48];
    sw_lines_amount(amount, sizeof amount, seconds, "s");
    snprintf(figure, sizeof figure, "%s (%.1f tokens/s)", amount, seconds > 0 ? 1 / seconds : 0);
    sw_lines_put(rows, "Duration", figure, "measured");
    put_interval(rows, record, "statistics.seconds_per_token", "s");
    sw_lines_put_joules(rows, "CPU", record, "energy_j_per_token.cpu");
    put_interval(rows, record, "statistics.energy_j_per_token.cpu", "J");
    sw_lines_put_joules(rows, "GPU", record, "energy_j_per_token.gpu");
    put_interval(rows, record, "statistics.energy_j_per_token.gpu", "J");
    sw_lines_put_joules(rows, "RAM", record, "energy_j_per_token.ram");
    put_interval(rows, record, "statistics.energy_j_per_token.ram", "J");
    sw_lines_put_machine(rows, record, "energy_j_per_token.machine");
    put_carbon(rows, record);
    sw_lines_put(rows, "", "", "");
    put_latency(rows, "First token", record, "ttft_ns");
    put_latency(rows, "Next tokens", record, "inter_token_ns");
    put_quality(rows, record);
    put_agreement(rows, record);
    put_verdict(rows, record);
    return rows;
}

static const struct sw_table_column people_columns[] = {
    {"what", "What", 0, 0},
    {"figure", "Figure", 0, 0},
    {"source", "Source", 0, 0},
};

static const struct sw_table_column csv_columns[] = {
    {"run_id", NULL, 0, 0},
    {"started_at", NULL, 0, 0},
    {"model_name", NULL, 0, 0},
    {"weights", NULL, 0, 0},
    {"backend", NULL, 0, 0},
    {"strategy", NULL, 0, 0},
    {"arithmetic", NULL, 0, 0},
    {"isa", NULL, 0, 0},
    {"runtime.version", NULL, 0, 0},
    {"runtime.graph", NULL, 0, 0},
    {"device.name", NULL, 0, 0},
    {"device.mode", NULL, 0, 0},
    {"threads", NULL, 0, 0},
    {"dataset_name", NULL, 0, 0},
    {"dataset_split", NULL, 0, 0},
    {"samples", NULL, 0, 0},
    {"n_prompt_tokens", NULL, 0, 0},
    {"n_generated_tokens", NULL, 0, 0},
    {"load_ns", NULL, 0, 0},
    {"prefill_ns", NULL, 0, 0},
    {"decode_ns", NULL, 0, 0},
    {"wall_ns", NULL, 0, 0},
    {"seconds_per_token", NULL, 0, 0},
    {"energy_j.cpu.value", NULL, 0, 0},
    {"energy_j.cpu.source", NULL, 0, 0},
    {"energy_j.gpu.value", NULL, 0, 0},
    {"energy_j.gpu.source", NULL, 0, 0},
    {"energy_j.ram.value", NULL, 0, 0},
    {"energy_j.ram.source", NULL, 0, 0},
    {"energy_j.total.value", NULL, 0, 0},
    {"energy_j.total.source", NULL, 0, 0},
    {"energy_j_per_token.total.value", NULL, 0, 0},
    {"co2e_g", NULL, 0, 0},
    {"co2e_g_per_token", NULL, 0, 0},
    {"g_per_kwh.value", NULL, 0, 0},
    {"g_per_kwh.source", NULL, 0, 0},
    {"g_per_kwh.year", NULL, 0, 0},
    {"batch", NULL, 0, 0},
    {"verdict.row", NULL, 0, 0},
    {"verdict.modelled_share", NULL, 0, 0},
    {"ttft_ns.p50", NULL, 0, 0},
    {"tpot_ns.p50", NULL, 0, 0},
    {"inter_token_ns.p50", NULL, 0, 0},
    {"inter_token_ns.p99", NULL, 0, 0},
    {"quality.exact_match", NULL, 0, 0},
    {"quality.f1", NULL, 0, 0},
    {"quality.contains", NULL, 0, 0},
    {"quality.perplexity", NULL, 0, 0},
    {"quality.joules_per_correct.contains", NULL, 0, 0},
    {"stopped_by", NULL, 0, 0},
    {"precision.n_blocks", NULL, 0, 0},
    {"precision.reached", NULL, 0, 0},
    {"statistics.seconds_per_token.low", NULL, 0, 0},
    {"statistics.seconds_per_token.high", NULL, 0, 0},
    {"statistics.energy_j_per_token.cpu.low", NULL, 0, 0},
    {"statistics.energy_j_per_token.cpu.high", NULL, 0, 0},
    {"statistics.energy_j_per_token.total.low", NULL, 0, 0},
    {"statistics.energy_j_per_token.total.high", NULL, 0, 0},
};

void sw_run_report_write(struct sw_buffer *out, enum sw_format format, json_t *record)
{
    if (format == SW_FORMAT_JSON || format == SW_FORMAT_JSONL) {
        sw_json_write(out, record, format == SW_FORMAT_JSON);
        return;
    }
    if (format == SW_FORMAT_CSV) {
        json_t *rows = json_array();
        json_array_append(rows, record);
        sw_table_write(out, format, rows, csv_columns, sizeof csv_columns / sizeof csv_columns[0]);
        json_decref(rows);
        return;
    }
    json_t *rows = report_rows(record);
    if (format == SW_FORMAT_MD)
        sw_table_write(out, format, rows, people_columns, 3);
    else
        sw_lines_write(out, rows);
    json_decref(rows);
}
