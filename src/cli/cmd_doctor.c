/* doctor: which meter each component has, why better ones are missing, how to enable them; and the
 * settings of the machine that spoil measurements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/meter_options.h"
#include "cli/terminal.h"
#include "cli/udev_rule.h"
#include "meter/settings.h"
#include "record/environment.h"
#include "report/table.h"

/* Long enough for a GPU's counter (20 to 100 ms) to move; per counter, and only here. */
static const uint64_t tick_wait_ns = 150000000;

static json_t *text_or_null(const char *text)
{
    json_t *value = text[0] != 0 ? json_string(text) : NULL;
    return value != NULL ? value : json_null();
}

static json_t *count_or_null(uint64_t value)
{
    return value > 0 ? json_integer((json_int_t)value) : json_null();
}

/* What a counter that was found is: its scope, and what was measured of it just now. */
static void add_info(json_t *row, const struct sw_meter_set *meters, const char *name)
{
    const struct sw_meter_info *info = NULL;
    for (size_t i = 0; i < sw_meter_set_count(meters); i++)
        if (strcmp(sw_meter_set_info(meters, i)->name, name) == 0)
            info = sw_meter_set_info(meters, i);
    json_object_set_new(row, "scope", info != NULL ? text_or_null(info->scope) : json_null());
    json_object_set_new(row, "source",
                        info != NULL ? json_string(sw_source_name(info->source)) : json_null());
    json_object_set_new(row, "tick_ns", info != NULL ? count_or_null(info->tick_ns) : json_null());
    json_object_set_new(row, "read_ns", info != NULL ? count_or_null(info->read_ns) : json_null());
    json_object_set_new(row, "range_uj",
                        info != NULL ? count_or_null(info->range_uj) : json_null());
    json_object_set_new(row, "uncertainty_percent",
                        info != NULL && info->uncertainty_percent > 0
                            ? json_real(info->uncertainty_percent)
                            : json_null());
}

/* A row for each meter that was looked for, component by component. */
static void append_probes(json_t *rows, const struct sw_meter_set *meters)
{
    size_t n = sw_meter_set_probe_count(meters);
    for (size_t i = 0; i < n * SW_N_COMPONENTS; i++) {
        const struct sw_meter_probe *p = sw_meter_set_probe(meters, i % n);
        if (p->component != (enum sw_component)(i / n))
            continue;
        const char *state = p->counted ? "used" : p->found ? "found" : "missing";
        bool is_denied_rapl = strstr(p->enable, "/powercap/") != NULL;
        json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s?}", "kind", "meter",
                                "component", sw_component_name(p->component), "meter", p->name,
                                "state", state, "path", text_or_null(p->path), "reason",
                                text_or_null(p->reason), "enable", text_or_null(p->enable),
                                "enable_for_good", is_denied_rapl ? SW_UDEV_COMMAND : NULL);
        add_info(row, meters, p->name);
        json_array_append_new(rows, row);
    }
}

static void append_settings(json_t *rows, const char *root)
{
    struct sw_settings *settings = malloc(sizeof *settings);
    if (settings == NULL)
        return;
    sw_settings_read(settings, root);
    for (size_t i = 0; i < settings->n; i++) {
        const struct sw_setting *s = &settings->items[i];
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "kind", "setting",
                            "setting", s->name, "state", sw_setting_state_name(s->state), "value",
                            text_or_null(s->value), "path", text_or_null(s->path), "reason",
                            text_or_null(s->reason), "change", text_or_null(s->change), "restore",
                            text_or_null(s->restore)));
    }
    free(settings);
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "unknown";
}

static void write_line(struct sw_buffer *out, const json_t *row, const char *key, const char *label)
{
    if (json_is_string(json_object_get(row, key)))
        sw_buffer_printf(out, "           %s%s\n", label, text_at(row, key));
}

static double number_at(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

/* "package 0, idle power included; ticks every 0.98 ms, a reading takes 2.1 us; restarts after
 * 262144 J; within 5 %" of a counter that can be read. */
static void write_facts(struct sw_buffer *out, const json_t *row)
{
    if (!json_is_string(json_object_get(row, "source")))
        return;
    bool measured = strcmp(text_at(row, "source"), "measured") == 0;
    sw_buffer_printf(out, "           %s: %s", text_at(row, "source"), text_at(row, "scope"));
    if (number_at(row, "tick_ns") > 0)
        sw_buffer_printf(out, "; ticks every %.2f ms", number_at(row, "tick_ns") * 1e-6);
    else if (measured)
        sw_buffer_puts(out,
                       "; has not moved while it was watched, and gives no joules until it does");
    if (number_at(row, "read_ns") > 0)
        sw_buffer_printf(out, "; a reading takes %.1f us", number_at(row, "read_ns") * 1e-3);
    if (number_at(row, "range_uj") > 0)
        sw_buffer_printf(out, "; restarts after %.0f J", number_at(row, "range_uj") * 1e-6);
    if (number_at(row, "uncertainty_percent") > 0)
        sw_buffer_printf(out, "; within %.3g %%", number_at(row, "uncertainty_percent"));
    sw_buffer_puts(out, "\n");
}

static void write_meter(struct sw_buffer *out, const json_t *row)
{
    sw_buffer_printf(out, "  %-8s %s", text_at(row, "state"), text_at(row, "meter"));
    if (json_is_string(json_object_get(row, "path")))
        sw_buffer_printf(out, "  (%s)", text_at(row, "path"));
    sw_buffer_puts(out, "\n");
    write_facts(out, row);
    write_line(out, row, "reason", "");
    write_line(out, row, "enable", "enable: ");
    write_line(out, row, "enable_for_good", "for good: ");
}

static void write_setting(struct sw_buffer *out, const json_t *row)
{
    sw_buffer_printf(out, "  %-8s %s", text_at(row, "state"), text_at(row, "setting"));
    if (json_is_string(json_object_get(row, "value")))
        sw_buffer_printf(out, ": %s", text_at(row, "value"));
    sw_buffer_puts(out, "\n");
    write_line(out, row, "reason", "");
    write_line(out, row, "change", "change:  ");
    write_line(out, row, "restore", "restore: ");
}

/* For a person: a block a component, then the settings, then what the machine is. */
static void write_for_people(struct sw_buffer *out, const json_t *rows, const json_t *environment)
{
    const char *last = "";
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        bool is_meter = strcmp(text_at(row, "kind"), "meter") == 0;
        const char *block = is_meter ? text_at(row, "component") : "settings";
        if (strcmp(block, last) != 0)
            sw_buffer_printf(out, "%s%s\n", i > 0 ? "\n" : "", block);
        last = block;
        if (is_meter)
            write_meter(out, row);
        else
            write_setting(out, row);
    }
    sw_buffer_printf(out, "\nmachine: %s, kernel %s%s\n", text_at(environment, "cpu"),
                     text_at(environment, "kernel"),
                     json_is_true(json_object_get(environment, "hypervisor"))
                         ? ", a virtual machine: the host's counters are usually hidden"
                         : "");
}

static const struct sw_table_column columns[] = {
    {"kind", NULL, 0, 0},       {"component", "Component", 0, 0},
    {"meter", "Meter", 0, 0},   {"setting", "Setting", 0, 0},
    {"state", "State", 0, 0},   {"value", "Value", 0, 0},
    {"path", "Path", 0, 0},     {"reason", "Reason", 0, 0},
    {"enable", "Enable", 0, 0}, {"enable_for_good", NULL, 0, 0},
    {"change", "Change", 0, 0}, {"restore", "Restore", 0, 0},
    {"scope", NULL, 0, 0},      {"source", NULL, 0, 0},
    {"tick_ns", NULL, 0, 0},    {"read_ns", NULL, 0, 0},
    {"range_uj", NULL, 0, 0},   {"uncertainty_percent", NULL, 0, 0},
};

/* A die that mirrors another shows by its increments: two readings with some ticks in between. */
static void watch(struct sw_meter_set *meters)
{
    struct sw_snapshot *snapshot = malloc(sizeof *snapshot);
    for (int i = 0; i < 2 && snapshot != NULL; i++) {
        sw_meter_set_read(meters, snapshot);
        sw_clock_sleep_until(sw_clock_ns() + 20000000);
    }
    if (snapshot != NULL)
        sw_meter_set_read(meters, snapshot);
    free(snapshot);
}

static enum sw_code diagnose(const struct sw_meter_choice *choice, enum sw_format format,
                             struct sw_error *err)
{
    struct sw_meter_set *meters = NULL;
    struct sw_buffer out = {0};
    enum sw_code code = sw_meter_choice_open(&meters, choice, true, err);
    if (code != SW_OK)
        return code;
    sw_meter_set_measure_ticks(meters, tick_wait_ns);
    watch(meters);
    json_t *rows = json_array();
    json_t *environment = sw_environment_read(choice->sysfs_root);
    append_probes(rows, meters);
    append_settings(rows, choice->sysfs_root);
    if (format == SW_FORMAT_TABLE)
        write_for_people(&out, rows, environment);
    else
        sw_table_write(&out, format, rows, columns, sizeof columns / sizeof columns[0]);
    if (out.failed)
        code = sw_fail(err, SW_ENOMEM, "out of memory");
    else
        fwrite(out.data, 1, out.size, stdout);
    json_decref(rows);
    json_decref(environment);
    sw_buffer_free(&out);
    sw_meter_set_close(meters);
    return code;
}

static int run_command(int argc, char **argv)
{
    struct sw_meter_choice choice = SW_METER_CHOICE_DEFAULT;
    const char *format_name = "table";
    bool udev_rule = false;
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "Options"},
        SW_METER_OPTIONS(choice),
        {.kind = SW_OPTION_FLAG,
         .name = "udev_rule",
         .value = &udev_rule,
         .help = "print the udev rule that lets the group power-meter read RAPL, and nothing else"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &format_name,
         .argument = "FORMAT",
         .help = "table (default), json, jsonl, csv or md"},
    };
    int exit_code = sw_options_begin(&sw_command_doctor, options,
                                     sizeof options / sizeof options[0], argc, argv, NULL, NULL);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    enum sw_format format = SW_FORMAT_TABLE;
    enum sw_code code = sw_format_parse(&format, format_name, &err);
    if (code == SW_OK && udev_rule)
        fputs(SW_UDEV_RULE, stdout);
    else if (code == SW_OK)
        code = diagnose(&choice, format, &err);
    if (code != SW_OK)
        sw_say("%s", err.text);
    return sw_exit_for(code);
}

const struct sw_command sw_command_doctor = {
    .name = "doctor",
    .summary = "which meters this machine has, how to enable better ones, what spoils figures",
    .usage = "[OPTION ...]",
    .description =
        "Lists every meter that was looked for, per component: used, found or missing, why, and "
        "the command that would enable it with the least right that suffices. Then the settings "
        "that spoil measurements, each with the command that changes it and the one that puts it "
        "back. Changes nothing itself.",
    .run = run_command,
};
