#include "report/compare_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/lines.h"

static const char *text_at(const json_t *object, const char *path)
{
    const char *text = json_string_value(sw_json_at(object, path));
    return text != NULL ? text : "?";
}

static double number_at(const json_t *object, const char *path)
{
    return json_number_value(sw_json_at(object, path));
}

static long long integer_at(const json_t *object, const char *path)
{
    return (long long)json_integer_value(sw_json_at(object, path));
}

static const char *title_of(const char *figure)
{
    static const struct {
        const char *figure, *title;
    } titles[] = {
        {"seconds_per_token", "Time/token"},   {"decode_seconds_per_token", "  decode"},
        {"ttft_seconds", "First token"},       {"j_per_token", "Energy/token"},
        {"cpu_j_per_token", "  CPU"},          {"gpu_j_per_token", "  GPU"},
        {"ram_j_per_token", "  RAM"},          {"machine_j_per_token", "Machine/token"},
        {"seconds_per_answer", "Time/answer"}, {"j_per_answer", "Energy/answer"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (strcmp(titles[i].figure, figure) == 0)
            return titles[i].title;
    return figure;
}

static void put_amount(json_t *row, const char *key, const json_t *value, const char *unit)
{
    char text[48] = "-";
    if (json_is_number(value))
        sw_lines_amount(text, sizeof text, json_number_value(value), unit);
    json_object_set_new(row, key, json_string(text));
}

/* As many decimals as two digits of the interval's half width ask for, in percent. */
static int decimals_for(double width_percent)
{
    int digits = width_percent > 0 ? 1 - (int)floor(log10(width_percent)) : 2;
    return digits < 0 ? 0 : digits > 2 ? 2 : digits;
}

static json_t *table_row(const json_t *figure)
{
    json_t *row = json_pack("{s:s}", "figure", title_of(text_at(figure, "figure")));
    const char *unit = text_at(figure, "unit");
    char difference[32] = "-", interval[80] = "-", verdict[700];
    const json_t *low = json_object_get(figure, "low"), *high = json_object_get(figure, "high");
    bool has_interval = json_is_number(low) && json_is_number(high);
    double width = has_interval ? 50 * (json_number_value(high) - json_number_value(low)) : 1;
    int decimals = decimals_for(width);
    put_amount(row, "a", json_object_get(figure, "a"), unit);
    put_amount(row, "b", json_object_get(figure, "b"), unit);
    if (json_is_number(json_object_get(figure, "difference")))
        snprintf(difference, sizeof difference, "%+.*f %%", decimals,
                 100 * number_at(figure, "difference"));
    if (has_interval)
        snprintf(interval, sizeof interval, "%+.*f to %+.*f %%", decimals,
                 100 * json_number_value(low), decimals, 100 * json_number_value(high));
    const char *text = json_string_value(json_object_get(figure, "verdict_text"));
    const char *reason = json_string_value(json_object_get(figure, "reason"));
    bool is_modelled = strcmp(text_at(figure, "source"), "modelled") == 0;
    snprintf(verdict, sizeof verdict, "%s%s%s",
             text != NULL ? text : "absent: ", text == NULL ? (reason != NULL ? reason : "?") : "",
             is_modelled && text != NULL ? " (modelled)" : "");
    json_object_set_new(row, "difference", json_string(difference));
    json_object_set_new(row, "interval", json_string(interval));
    json_object_set_new(row, "n", json_integer(integer_at(figure, "n")));
    json_t *last = json_string(verdict);
    json_object_set_new(row, "verdict", last != NULL ? last : json_string("absent"));
    return row;
}

/* A component that neither run has is no line of the table. */
static bool is_shown(const json_t *figure)
{
    static const char *const always[] = {"seconds_per_token", "j_per_token"};
    for (size_t i = 0; i < 2; i++)
        if (strcmp(text_at(figure, "figure"), always[i]) == 0)
            return true;
    return json_is_number(json_object_get(figure, "a")) ||
           json_is_number(json_object_get(figure, "b")) ||
           json_is_true(json_object_get(figure, "chosen"));
}

static void write_figures(struct sw_buffer *out, enum sw_format format, const json_t *comparison)
{
    char title[32];
    snprintf(title, sizeof title, "%.4g %% interval", 100 * number_at(comparison, "level"));
    const struct sw_table_column columns[] = {
        {"figure", "Figure", 0, 0},         {"a", "A", 0, 0},          {"b", "B", 0, 0},
        {"difference", "Difference", 0, 0}, {"interval", title, 0, 0}, {"n", "n", 0, 0},
        {"verdict", "Verdict of B", 0, 0},
    };
    json_t *rows = json_array();
    size_t i;
    const json_t *figure;
    json_array_foreach(json_object_get(comparison, "figures"), i, figure)
    {
        if (is_shown(figure))
            json_array_append_new(rows, table_row(figure));
    }
    sw_table_write(out, format, rows, columns, sizeof columns / sizeof columns[0]);
    json_decref(rows);
}

static void write_csv(struct sw_buffer *out, const json_t *comparison)
{
    static const struct sw_table_column columns[] = {
        {"figure", NULL, 0, 0},     {"unit", NULL, 0, 0},       {"a", NULL, 0, 0},
        {"b", NULL, 0, 0},          {"difference", NULL, 0, 0}, {"low", NULL, 0, 0},
        {"high", NULL, 0, 0},       {"n", NULL, 0, 0},          {"n_effective", NULL, 0, 0},
        {"marked", NULL, 0, 0},     {"reason", NULL, 0, 0},     {"source", NULL, 0, 0},
        {"verdict", NULL, 0, 0},    {"n_more", NULL, 0, 0},     {"chosen", NULL, 0, 0},
        {"regression", NULL, 0, 0},
    };
    sw_table_write(out, SW_FORMAT_CSV, json_object_get(comparison, "figures"), columns,
                   sizeof columns / sizeof columns[0]);
}

static void put_run(json_t *rows, const char *what, const json_t *run)
{
    char figure[160], source[900], batch[32] = "";
    if (integer_at(run, "batch") > 1)
        snprintf(batch, sizeof batch, ", batch %lld", integer_at(run, "batch"));
    snprintf(figure, sizeof figure, "%.32s %.32s", text_at(run, "run_id"),
             json_is_string(json_object_get(run, "verdict")) ? text_at(run, "verdict") : "");
    snprintf(source, sizeof source, "%.64s (%.64s) on %.64s, %lld threads%s; %.128s; %.64s; %.256s",
             text_at(run, "strategy"), text_at(run, "arithmetic"), text_at(run, "backend"),
             integer_at(run, "threads"), batch, text_at(run, "model_name"),
             text_at(run, "started_at"), text_at(run, "file"));
    sw_lines_put(rows, what, figure, source);
}

static void value_text(char *text, size_t size, const json_t *value)
{
    if (json_is_string(value))
        snprintf(text, size, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(text, size, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_number(value))
        snprintf(text, size, "%.15g", json_number_value(value));
    else
        snprintf(text, size, "not told");
}

static void write_head(struct sw_buffer *out, const json_t *comparison)
{
    json_t *rows = json_array();
    const json_t *pairs = json_object_get(comparison, "pairs");
    char figure[64], source[256];
    put_run(rows, "A", json_object_get(comparison, "a"));
    put_run(rows, "B", json_object_get(comparison, "b"));
    if (integer_at(pairs, "n") > 0) {
        snprintf(figure, sizeof figure, "%lld %s", integer_at(pairs, "n"), text_at(pairs, "by"));
        snprintf(source, sizeof source,
                 "%lld answers in common, %lld of them the same token by token; %s",
                 integer_at(pairs, "answers_in_common"), integer_at(pairs, "of_same_ids"),
                 json_is_true(json_object_get(pairs, "in_turns")) ? "measured in turns"
                                                                  : "measured one after the other");
        sw_lines_put(rows, "Pairs", figure, source);
    }
    size_t i;
    const json_t *difference;
    json_array_foreach(json_object_get(comparison, "differences"), i, difference)
    {
        char a[200], b[200], both[420];
        value_text(a, sizeof a, json_object_get(difference, "a"));
        value_text(b, sizeof b, json_object_get(difference, "b"));
        snprintf(both, sizeof both, "%s | %s", a, b);
        sw_lines_put(rows, i == 0 ? "Differs" : "", text_at(difference, "what"), both);
    }
    sw_lines_write(out, rows);
    json_decref(rows);
    sw_buffer_puts(out, "\n");
}

static void write_tail(struct sw_buffer *out, const json_t *comparison)
{
    size_t i;
    const json_t *note;
    json_array_foreach(json_object_get(comparison, "notes"), i, note)
        sw_buffer_printf(out, "%sNote: %s\n", i == 0 ? "\n" : "", json_string_value(note));
}

void sw_compare_report_write(struct sw_buffer *out, enum sw_format format, const json_t *comparison)
{
    switch (format) {
    case SW_FORMAT_JSON:
    case SW_FORMAT_JSONL:
        sw_json_write(out, comparison, format == SW_FORMAT_JSON);
        break;
    case SW_FORMAT_CSV:
        write_csv(out, comparison);
        break;
    case SW_FORMAT_MD:
        write_figures(out, format, comparison);
        break;
    case SW_FORMAT_TABLE:
        write_head(out, comparison);
        write_figures(out, format, comparison);
        write_tail(out, comparison);
        break;
    }
}
