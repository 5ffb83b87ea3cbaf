#include "report/command_report.h"

#include <stdio.h>
#include <string.h>

#include "report/lines.h"

static const struct sw_table_column columns[] = {
    {"command", "Command", 0, 0},
    {"n_runs", "Runs", 0, 0},
    {"statistics.wall_s.mean", "Seconds", 4, 0},
    {"statistics.wall_s.sd", "SD", 2, 0},
    {"relative.wall.times", "Times", 3, 0},
    {"relative.wall.plus_minus", "+-", 2, 0},
    {"statistics.total_j.mean", "Joules", 4, 0},
    {"statistics.total_j.sd", "SD", 2, 0},
    {"relative.energy.times", "Times", 3, 0},
    {"relative.energy.plus_minus", "+-", 2, 0},
    {"energy_j.total.source", "Source", 0, 0},
    {"exit_code", "Exit", 0, 0},
    {"start_ns", NULL, 0, 0},
    {"end_ns", NULL, 0, 0},
    {"wall_ns", NULL, 0, 0},
    {"user_ns", NULL, 0, 0},
    {"system_ns", NULL, 0, 0},
    {"children_ns", NULL, 0, 0},
    {"peak_memory_bytes", NULL, 0, 0},
    {"energy_j.cpu.value", NULL, 0, 0},
    {"energy_j.cpu.source", NULL, 0, 0},
    {"energy_j.gpu.value", NULL, 0, 0},
    {"energy_j.gpu.source", NULL, 0, 0},
    {"energy_j.ram.value", NULL, 0, 0},
    {"energy_j.ram.source", NULL, 0, 0},
    {"energy_j.total.value", NULL, 0, 0},
    {"co2e_g", NULL, 0, 0},
    {"g_per_kwh.value", NULL, 0, 0},
    {"g_per_kwh.source", NULL, 0, 0},
    {"g_per_kwh.year", NULL, 0, 0},
};

static double number_at(const json_t *object, const char *path)
{
    return json_number_value(sw_json_at(object, path));
}

static const char *text_at(const json_t *object, const char *path)
{
    const char *text = json_string_value(sw_json_at(object, path));
    return text != NULL ? text : "?";
}

static bool is_known(const json_t *object, const char *path)
{
    return json_is_number(sw_json_at(object, path));
}

static void put_duration(json_t *rows, const json_t *result)
{
    char figure[96], source[256], amount[32], user[32], system[32], low[32], high[32];
    if (!is_known(result, "wall_ns")) {
        sw_lines_put(rows, "Duration", "-", "absent: the command did not run");
        return;
    }
    sw_lines_amount(amount, sizeof amount, number_at(result, "wall_ns") * 1e-9, "s");
    sw_lines_amount(user, sizeof user, number_at(result, "user_ns") * 1e-9, "s");
    sw_lines_amount(system, sizeof system, number_at(result, "system_ns") * 1e-9, "s");
    snprintf(figure, sizeof figure, "%s", amount);
    snprintf(source, sizeof source, "measured: processor time %s user, %s system", user, system);
    if (is_known(result, "statistics.wall_s.sd")) {
        char sd[32];
        sw_lines_amount(sd, sizeof sd, number_at(result, "statistics.wall_s.sd"), "s");
        sw_lines_amount(low, sizeof low, number_at(result, "statistics.wall_s.min"), "s");
        sw_lines_amount(high, sizeof high, number_at(result, "statistics.wall_s.max"), "s");
        snprintf(figure, sizeof figure, "%s +- %s", amount, sd);
        size_t used = strlen(source);
        snprintf(source + used, sizeof source - used, "; mean and deviation of %.0f runs, %s to %s",
                 number_at(result, "n_runs"), low, high);
    }
    sw_lines_put(rows, "Duration", figure, source);
}

static void put_power(json_t *rows, const json_t *result)
{
    char figure[64];
    double seconds = number_at(result, "wall_ns") * 1e-9;
    if (!is_known(result, "energy_j.total.value") || seconds <= 0)
        return;
    sw_lines_amount(figure, sizeof figure, number_at(result, "energy_j.total.value") / seconds,
                    "W");
    sw_lines_put(rows, "Power", figure, "mean");
}

static void put_carbon(json_t *rows, const json_t *result)
{
    char figure[64] = "-", source[512], year[24] = "";
    if (is_known(result, "co2e_g"))
        sw_lines_amount(figure, sizeof figure, number_at(result, "co2e_g"), "g");
    if (is_known(result, "g_per_kwh.year"))
        snprintf(year, sizeof year, ", %.0f", number_at(result, "g_per_kwh.year"));
    bool is_default = json_is_true(sw_json_at(result, "g_per_kwh.is_default"));
    snprintf(source, sizeof source, "%s: %s, %.4g g/kWh (%s%s)%s",
             text_at(result, "energy_j.total.source"), text_at(result, "g_per_kwh.place"),
             number_at(result, "g_per_kwh.value"), text_at(result, "g_per_kwh.source"), year,
             is_default ? "; no place was named: --country, --region, --cloud or --g_per_kwh" : "");
    sw_lines_put(rows, "CO2e", figure, source);
}

/* Each remark once, however many runs made it. */
static void put_remarks(json_t *rows, const json_t *result)
{
    json_t *seen = json_object();
    size_t i, k;
    json_t *run, *remark;
    json_array_foreach(json_object_get(result, "runs"), i, run)
        json_array_foreach(json_object_get(run, "remarks"), k, remark)
    {
        const char *text = json_string_value(remark);
        if (text == NULL || json_object_get(seen, text) != NULL)
            continue;
        json_object_set_new(seen, text, json_true());
        sw_lines_put(rows, "Remark", "", text);
    }
    json_decref(seen);
}

static json_t *lines_of(const json_t *result)
{
    json_t *rows = json_array();
    char figure[64];
    sw_lines_put(rows, "Command", text_at(result, "command"), "");
    put_duration(rows, result);
    if (is_known(result, "peak_memory_bytes")) {
        sw_lines_amount(figure, sizeof figure, number_at(result, "peak_memory_bytes"), "B");
        sw_lines_put(rows, "Peak memory", figure,
                     json_is_true(json_object_get(result, "peak_memory_is_bound"))
                         ? "at most: what is smaller than smolwatt itself cannot be told"
                         : "measured: of the largest process");
    }
    if (number_at(result, "exit_code") != 0) {
        snprintf(figure, sizeof figure, "%.0f", number_at(result, "exit_code"));
        sw_lines_put(rows, "Exit code", figure, "");
    }
    if (!is_known(result, "wall_ns"))
        return rows;
    sw_lines_put_joules(rows, "Energy", result, "energy_j.total");
    put_power(rows, result);
    sw_lines_put_joules(rows, "CPU", result, "energy_j.cpu");
    sw_lines_put_joules(rows, "GPU", result, "energy_j.gpu");
    sw_lines_put_joules(rows, "RAM", result, "energy_j.ram");
    sw_lines_put_machine(rows, result, "energy_j.machine");
    put_carbon(rows, result);
    put_remarks(rows, result);
    return rows;
}

/* "1.27 +- 0.03 times as long as the fastest" for every other command. */
static void write_comparison(struct sw_buffer *out, const json_t *results, const char *key,
                             const char *least_is, const char *unit)
{
    char path[64];
    size_t i;
    json_t *result;
    const json_t *least = NULL;
    snprintf(path, sizeof path, "relative.%s.of", key);
    json_array_foreach(results, i, result) if (least == NULL && is_known(result, path)) least =
        json_array_get(results, (size_t)number_at(result, path));
    if (least == NULL)
        return;
    sw_buffer_printf(out, "\n%s: %s\n", least_is, text_at(least, "command"));
    json_array_foreach(results, i, result)
    {
        if (result == least)
            continue;
        snprintf(path, sizeof path, "relative.%s.times", key);
        if (!is_known(result, path)) {
            sw_buffer_printf(out, "  not known for %s\n", text_at(result, "command"));
            continue;
        }
        sw_buffer_printf(out, "  %.2f", number_at(result, path));
        snprintf(path, sizeof path, "relative.%s.plus_minus", key);
        if (is_known(result, path))
            sw_buffer_printf(out, " +- %.2f", number_at(result, path));
        sw_buffer_printf(out, " times the %s: %s\n", unit, text_at(result, "command"));
    }
}

static void write_for_people(struct sw_buffer *out, const json_t *results)
{
    size_t i;
    json_t *result;
    json_array_foreach(results, i, result)
    {
        json_t *rows = lines_of(result);
        if (i > 0)
            sw_buffer_puts(out, "\n");
        sw_lines_write(out, rows);
        json_decref(rows);
    }
    if (json_array_size(results) < 2)
        return;
    write_comparison(out, results, "wall", "Fastest", "time");
    write_comparison(out, results, "energy", "Least energy", "energy");
}

void sw_command_report_write(struct sw_buffer *out, enum sw_format format, json_t *results)
{
    if (format == SW_FORMAT_TABLE) {
        write_for_people(out, results);
    } else if (format == SW_FORMAT_JSON && json_array_size(results) == 1) {
        sw_json_write(out, json_array_get(results, 0), true);
    } else if (format == SW_FORMAT_JSON) {
        json_t *whole = json_pack("{s:O}", "results", results);
        sw_json_write(out, whole, true);
        json_decref(whole);
    } else {
        sw_table_write(out, format, results, columns, sizeof columns / sizeof columns[0]);
    }
}
