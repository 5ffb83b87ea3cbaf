/* doctor: which meter each component has, why better ones are missing, how to enable them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/meter_options.h"
#include "cli/terminal.h"
#include "record/environment.h"
#include "report/table.h"

static json_t *text_or_null(const char *text)
{
    return text[0] != 0 ? json_string(text) : json_null();
}

/* A row for each meter that was looked for, component by component. */
static json_t *probe_rows(const struct sw_meter_set *meters)
{
    json_t *rows = json_array();
    size_t n = sw_meter_set_probe_count(meters);
    for (size_t i = 0; i < n * SW_N_COMPONENTS; i++) {
        const struct sw_meter_probe *p = sw_meter_set_probe(meters, i % n);
        if (p->component != (enum sw_component)(i / n))
            continue;
        const char *state = p->counted ? "used" : p->found ? "found" : "missing";
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "component",
                                              sw_component_name(p->component), "meter", p->name,
                                              "state", state, "path", text_or_null(p->path),
                                              "reason", text_or_null(p->reason), "enable",
                                              text_or_null(p->enable)));
    }
    return rows;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "unknown";
}

/* For a person: a block a component, then what the machine is. */
static void write_for_people(struct sw_buffer *out, const json_t *rows, const json_t *environment)
{
    const char *last = "";
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *component = text_at(row, "component");
        if (strcmp(component, last) != 0)
            sw_buffer_printf(out, "%s%s\n", i > 0 ? "\n" : "", component);
        last = component;
        sw_buffer_printf(out, "  %-8s %s", text_at(row, "state"), text_at(row, "meter"));
        if (json_is_string(json_object_get(row, "path")))
            sw_buffer_printf(out, "  (%s)", text_at(row, "path"));
        sw_buffer_puts(out, "\n");
        if (json_is_string(json_object_get(row, "reason")))
            sw_buffer_printf(out, "           %s\n", text_at(row, "reason"));
        if (json_is_string(json_object_get(row, "enable")))
            sw_buffer_printf(out, "           enable: %s\n", text_at(row, "enable"));
    }
    sw_buffer_printf(out, "\nmachine: %s, kernel %s, governor %s%s\n", text_at(environment, "cpu"),
                     text_at(environment, "kernel"), text_at(environment, "governor"),
                     json_is_true(json_object_get(environment, "hypervisor"))
                         ? ", a virtual machine: the host's counters are usually hidden"
                         : "");
}

static int run_command(int argc, char **argv)
{
    struct sw_meter_choice choice = SW_METER_CHOICE_DEFAULT;
    const char *format_name = "table";
    static const struct sw_table_column columns[] = {
        {"component", "Component", 0, 0}, {"meter", "Meter", 0, 0},   {"state", "State", 0, 0},
        {"path", "Path", 0, 0},           {"reason", "Reason", 0, 0}, {"enable", "Enable", 0, 0},
    };
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "Options"},
        SW_METER_OPTIONS(choice),
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
    struct sw_meter_set *meters = NULL;
    struct sw_buffer out = {0};
    enum sw_format format = SW_FORMAT_TABLE;
    enum sw_code code = sw_format_parse(&format, format_name, &err);
    if (code == SW_OK)
        code = sw_meter_choice_open(&meters, &choice, true, &err);
    if (code == SW_OK) {
        json_t *rows = probe_rows(meters);
        json_t *environment = sw_environment_read(choice.sysfs_root);
        if (format == SW_FORMAT_TABLE)
            write_for_people(&out, rows, environment);
        else
            sw_table_write(&out, format, rows, columns, sizeof columns / sizeof columns[0]);
        json_decref(rows);
        json_decref(environment);
        if (out.failed)
            code = sw_fail(&err, SW_ENOMEM, "out of memory");
        else
            fwrite(out.data, 1, out.size, stdout);
    }
    if (code != SW_OK)
        sw_say("%s", err.text);
    sw_buffer_free(&out);
    sw_meter_set_close(meters);
    return sw_exit_for(code);
}

const struct sw_command sw_command_doctor = {
    .name = "doctor",
    .summary = "which meters this machine has, and how to enable better ones",
    .usage = "[OPTION ...]",
    .description = "Lists every meter that was looked for, per component: used, found or missing, "
                   "why, and the command that would enable it. Changes nothing itself.",
    .run = run_command,
};
