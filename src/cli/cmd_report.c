/* Stored records with another place, overhead or machine: the joules stay, the grams are new. */
#include <stdio.h>

#include "carbon/footprint.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/place_options.h"
#include "cli/terminal.h"
#include "record/stored.h"
#include "report/carbon_report.h"

struct report_options {
    struct sw_carbon_options place;
    struct sw_carbon_report_options report;
    const char *format;
    bool last, lifetime_given, share_given;
};

struct collector {
    const struct sw_carbon_factor *factor;
    const struct sw_carbon_report_options *options;
    bool last;
    json_t *reports;
};

static void take(void *ctx, const struct sw_stored *stored)
{
    struct collector *collector = ctx;
    if (collector->last)
        json_array_clear(collector->reports);
    json_array_append_new(collector->reports,
                          sw_carbon_report(stored, collector->factor, collector->options));
}

static enum sw_code report_all(const struct report_options *o, const char *const *paths, size_t n,
                               struct sw_error *err)
{
    struct sw_carbon_factor factor;
    enum sw_format format;
    enum sw_code code = sw_format_parse(&format, o->format, err);
    if (code == SW_OK && o->report.footprint.embodied_kg < 0 &&
        (o->lifetime_given || o->share_given))
        code = sw_fail(err, SW_EUSAGE, "%s: needs --embodied",
                       o->lifetime_given ? "--lifetime" : "--machine_share");
    if (code == SW_OK)
        code = sw_footprint_check(&o->report.footprint, err);
    if (code == SW_OK)
        code = sw_carbon_find(&factor, &o->place, err);
    if (code != SW_OK)
        return code;
    struct sw_buffer out = {0};
    struct collector collector = {
        .factor = &factor, .options = &o->report, .last = o->last, .reports = json_array()};
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        struct sw_stored_remarks remarks;
        code = sw_stored_read(paths[i], take, &collector, &remarks, err);
        if (code == SW_OK && remarks.n_skipped > 0)
            sw_say("%s; skipped%s", remarks.first.text,
                   remarks.n_skipped > 1 ? ", and further lines" : "");
    }
    if (code == SW_OK) {
        sw_carbon_report_write(&out, format, collector.reports);
        if (out.failed)
            code = sw_fail(err, SW_ENOMEM, "out of memory");
        else
            fwrite(out.data, 1, out.size, stdout);
    }
    json_decref(collector.reports);
    sw_buffer_free(&out);
    return code;
}

static int run_command(int argc, char **argv)
{
    struct report_options o = {.place = {.g_per_kwh = -1},
                               .report = {.footprint = SW_FOOTPRINT_DEFAULT, .idle_w = -1},
                               .format = "table"};
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "Electricity"},
        SW_PLACE_OPTIONS(o.place),
        {.kind = SW_OPTION_REAL,
         .name = "pue",
         .value = &o.report.footprint.pue,
         .argument = "X",
         .help = "power usage effectiveness of the site (1: no overhead); multiplies the grams, "
                 "never the joules",
         .min = 1,
         .max = 10},
        {.kind = SW_OPTION_GROUP, .name = "Making of the machine (a line of its own)"},
        {.kind = SW_OPTION_REAL,
         .name = "embodied",
         .value = &o.report.footprint.embodied_kg,
         .argument = "KG",
         .help = "kilograms of CO2e that making the whole machine took, from its maker (default: "
                 "not reckoned)",
         .min = 0,
         .max = 1e9},
        {.kind = SW_OPTION_REAL,
         .name = "lifetime",
         .value = &o.report.footprint.lifetime_years,
         .given = &o.lifetime_given,
         .argument = "YEARS",
         .help = "that the machine is in use for (4)",
         .min = 0.001,
         .max = 1000},
        {.kind = SW_OPTION_REAL,
         .name = "machine_share",
         .value = &o.report.footprint.machine_share,
         .given = &o.share_given,
         .argument = "X",
         .help = "of the machine that the work had for itself, such as a guest's CPUs of its "
                 "host's (1)",
         .min = 1e-6,
         .max = 1},
        {.kind = SW_OPTION_GROUP, .name = "Whose the CPU's joules were"},
        {.kind = SW_OPTION_REAL,
         .name = "idle_w",
         .value = &o.report.idle_w,
         .argument = "W",
         .help = "watts of the CPU at rest: tells what is above it, and this work's part by "
                 "processor time, with all, its part, or none of the idle draw (default: what the "
                 "record's idle phases drew; gross only where it has none)",
         .min = 0,
         .max = 1e6},
        {.kind = SW_OPTION_GROUP, .name = "Records and output"},
        {.kind = SW_OPTION_FLAG, .name = "last", .value = &o.last, .help = "only the last record"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &o.format,
         .argument = "FORMAT",
         .help = "table (default), json, jsonl, csv or md"},
    };
    const size_t n_options = sizeof options / sizeof options[0];
    const char *paths[256];
    size_t n_paths = 0;
    if (argc > 256) {
        sw_say("report: more than 255 arguments");
        return SW_EXIT_USAGE;
    }
    int exit_code =
        sw_options_begin(&sw_command_report, options, n_options, argc, argv, paths, &n_paths);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    enum sw_code code = SW_EUSAGE;
    if (n_paths == 0)
        sw_fail(&err, SW_EUSAGE, "no journal was named, such as smolwatt.jsonl");
    else
        code = report_all(&o, paths, n_paths, &err);
    if (code != SW_OK)
        sw_say("%s%s", err.text, code == SW_EUSAGE ? " (see smolwatt report --help)" : "");
    return sw_exit_for(code);
}

const struct sw_command sw_command_report = {
    .name = "report",
    .summary = "grams of CO2e of stored records, by another place or overhead",
    .usage = "JOURNAL ... [OPTION ...]",
    .description =
        "Computes grams of CO2e anew from the joules that a journal holds, or what run or measure "
        "printed with -o json: a low, a used and a high figure, each with source, year and scope. "
        "The files are only read.",
    .run = run_command,
};
