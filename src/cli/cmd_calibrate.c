/* Fits the CPU model's curve where a counter is, and writes it for runs where none can be read. */
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench/calibrate.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/meter_options.h"
#include "cli/terminal.h"
#include "meter/calibration.h"
#include "report/table.h"

struct calibrate_options {
    struct sw_meter_choice meter;
    const char *component, *output, *format;
    double step_s, settle_s;
};

static bool is_stopped(void *ctx)
{
    (void)ctx;
    return sw_interrupted();
}

static void on_step(void *ctx, size_t n_done, size_t n_steps)
{
    sw_progress_bar(ctx, n_done, n_steps, "steps");
}

static json_t *points_to_json(const struct sw_calibrate_result *result,
                              const struct sw_cpu_curve *curve)
{
    json_t *points = json_array();
    for (size_t i = 0; i < result->n_steps; i++) {
        const struct sw_calibrate_step *s = &result->steps[i];
        double fitted_w = sw_cpu_curve_w(curve, s->utilisation);
        json_array_append_new(
            points,
            json_pack("{s:I, s:s, s:f, s:f, s:f, s:f, s:f}", "threads", (json_int_t)s->n_threads,
                      "work", s->n_threads > 0 ? sw_calibrate_work_name(s->work) : "none",
                      "utilisation", s->utilisation, "seconds", s->seconds, "watts", s->watts,
                      "fitted_w", fitted_w, "error_percent", 100 * (fitted_w / s->watts - 1)));
    }
    return points;
}

static json_t *to_json(const struct calibrate_options *o, const struct sw_machine *machine,
                       const struct sw_calibrate_result *result, const struct sw_curve_fit *fit)
{
    char made_at[21];
    double meter_percent = result->energy.uncertainty_percent;
    sw_clock_format_utc(made_at, sw_clock_wall_ns());
    /* Where the meter states no error the fit's is all that is known. */
    double percent =
        sqrt(meter_percent * meter_percent + fit->left_out_percent * fit->left_out_percent);
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:b, s:f, s:f, s:f, "
        "s:f, "
        "s:o}",
        "schema_version", 1, "type", "calibration", "made_at", made_at, "cpu", machine->cpu_name,
        "n_logical_cpus", (json_int_t)machine->logical, "n_sockets", (json_int_t)machine->sockets,
        "component", o->component, "meter", result->energy.meter, "source",
        sw_source_name(result->energy.source), "meter_uncertainty_percent",
        meter_percent > 0 ? json_real(meter_percent) : json_null(), "full_w", fit->curve.full_w,
        "idle_share", fit->curve.idle_share, "knee", fit->curve.knee, "knee_is_given",
        (int)fit->knee_is_given, "residual_percent", fit->residual_percent, "left_out_percent",
        fit->left_out_percent, "worst_percent", fit->worst_percent, "uncertainty_percent",
        fmax(percent, 0.1), "points", points_to_json(result, &fit->curve));
}

static const struct sw_table_column columns[] = {
    {"threads", "Threads", 0, 0},       {"work", "Work", 0, 0},
    {"utilisation", "Load", 3, 0},      {"seconds", NULL, 0, 0},
    {"watts", "Watts", 4, 0},           {"fitted_w", "Curve", 4, 0},
    {"error_percent", "Error %", 2, 0},
};

static enum sw_code print(enum sw_format format, const json_t *calibration, struct sw_error *err)
{
    struct sw_buffer out = {0};
    if (format == SW_FORMAT_JSON || format == SW_FORMAT_JSONL)
        sw_json_write(&out, calibration, format == SW_FORMAT_JSON);
    else
        sw_table_write(&out, format, json_object_get(calibration, "points"), columns,
                       sizeof columns / sizeof columns[0]);
    if (!out.failed)
        fwrite(out.data, 1, out.size, stdout);
    enum sw_code code = out.failed ? sw_fail(err, SW_ENOMEM, "out of memory") : SW_OK;
    sw_buffer_free(&out);
    return code;
}

static enum sw_code write_file(const char *path, const json_t *calibration, struct sw_error *err)
{
    struct sw_buffer text = {0};
    char *copy = strdup(path);
    sw_json_write(&text, calibration, true);
    enum sw_code code = copy == NULL || text.failed ? sw_fail(err, SW_ENOMEM, "out of memory")
                                                    : sw_folder_create(dirname(copy), err);
    if (code == SW_OK)
        code = sw_file_write_atomic(path, text.data, text.size, err);
    free(copy);
    sw_buffer_free(&text);
    return code;
}

static void remark(const struct sw_calibrate_result *result, const struct sw_curve_fit *fit)
{
    const struct sw_calibrate_step *rest = &result->steps[0];
    if (rest->utilisation > 0.05)
        sw_say("%.0f %% of the processors were busy at rest: other programs run, and the power at "
               "rest is less certain",
               100 * rest->utilisation);
    if (fit->knee_is_given)
        sw_say("too few different loads to tell how the curve bends: taken from the CPU's family");
    if (fit->left_out_percent > 15)
        sw_say("the curve misses points left out of it by %.0f %%: quiet the machine and repeat, "
               "with more --seconds",
               fit->left_out_percent);
}

/* The counter has to be there before a minute is spent. */
static enum sw_code check_counter(const struct calibrate_options *o, enum sw_component component,
                                  struct sw_meter_set *meters, const struct sw_machine *machine,
                                  struct sw_error *err)
{
    struct sw_snapshot now;
    struct sw_energy energy;
    sw_meter_set_read(meters, &now);
    sw_meter_set_energy(meters, component, &now, &now, &energy);
    if (!energy.has_value)
        return sw_fail(err, SW_EABSENT, "no %s counter to calibrate with: %s (see smolwatt doctor)",
                       o->component, energy.reason);
    if (machine->logical == 0)
        return sw_fail(err, SW_EABSENT, "%s/proc/cpuinfo names no CPU", o->meter.sysfs_root);
    return SW_OK;
}

/* All steps, and the curve through them. */
static enum sw_code measure(struct sw_calibrate_result *result, struct sw_curve_fit *fit,
                            const struct calibrate_options *o, enum sw_component component,
                            const struct sw_machine *machine, struct sw_progress *progress,
                            struct sw_error *err)
{
    struct sw_curve_point points[SW_CURVE_MAX_POINTS];
    struct sw_meter_set *meters = NULL;
    char *stat_path = sw_path_join_dup(o->meter.sysfs_root, "/proc/stat");
    enum sw_code code = stat_path != NULL ? sw_meter_choice_open(&meters, &o->meter, false, err)
                                          : sw_fail(err, SW_ENOMEM, "out of memory");
    if (code == SW_OK)
        code = check_counter(o, component, meters, machine, err);
    if (code == SW_OK) {
        struct sw_calibrate_plan plan = {
            .meters = meters,
            .component = component,
            .stat_path = stat_path,
            .n_logical = machine->logical,
            .settle_ns = (uint64_t)(o->settle_s * 1e9),
            .step_ns = (uint64_t)(o->step_s * 1e9),
            .on_step = on_step,
            .stop = is_stopped,
            .ctx = progress,
        };
        code = sw_calibrate_run(result, &plan, err);
    }
    sw_progress_end(progress);
    for (size_t i = 0; code == SW_OK && i < result->n_steps; i++)
        points[i] = (struct sw_curve_point){result->steps[i].utilisation, result->steps[i].watts};
    if (code == SW_OK)
        code = sw_curve_fit(fit, points, result->n_steps,
                            sw_cpu_family_find(machine->cpu_name)->knee, err);
    sw_meter_set_close(meters);
    free(stat_path);
    return code;
}

static enum sw_code calibrate(const struct calibrate_options *o, struct sw_progress *progress,
                              struct sw_error *err)
{
    enum sw_format format;
    struct sw_machine machine;
    struct sw_calibrate_result result;
    struct sw_curve_fit fit;
    json_t *calibration = NULL;
    bool is_cpu = strcmp(o->component, "cpu") == 0;
    if (!is_cpu && strcmp(o->component, "machine") != 0)
        return sw_fail(err, SW_EUSAGE, "--component: \"%s\" is not cpu or machine", o->component);
    enum sw_code code = sw_format_parse(&format, o->format, err);
    if (code != SW_OK)
        return code;
    char *path = o->output != NULL ? strdup(o->output) : sw_calibration_path_dup("");
    if (path == NULL)
        return sw_fail(err, SW_EUSAGE, "no place for the calibration: set HOME or name --output");
    bool is_kept = strcmp(path, "-") != 0;
    sw_machine_read(&machine, o->meter.sysfs_root);
    code = measure(&result, &fit, o, is_cpu ? SW_CPU : SW_MACHINE, &machine, progress, err);
    if (code == SW_OK) {
        remark(&result, &fit);
        calibration = to_json(o, &machine, &result, &fit);
        code = calibration != NULL ? print(format, calibration, err)
                                   : sw_fail(err, SW_ENOMEM, "out of memory");
    }
    if (code == SW_OK && is_kept)
        code = write_file(path, calibration, err);
    if (code == SW_OK && is_kept)
        sw_say("%.4g W at full load, %.4g W at rest, error on points left out %.2g %%: written to "
               "%s, used where %s cannot be measured",
               fit.curve.full_w, fit.curve.full_w * fit.curve.idle_share, fit.left_out_percent,
               path, is_cpu ? "the CPU" : "the machine");
    json_decref(calibration);
    free(path);
    return code;
}

static int run_command(int argc, char **argv)
{
    struct calibrate_options o = {.meter = SW_METER_CHOICE_DEFAULT,
                                  .component = "cpu",
                                  .format = "table",
                                  .step_s = 4,
                                  .settle_s = 1};
    o.meter.cpu_model = o.meter.ram_model = "none";
    const struct sw_option options[] = {
        {.kind = SW_OPTION_TEXT,
         .name = "component",
         .value = &o.component,
         .argument = "NAME",
         .help = "cpu (default), or machine: a meter at the supply, whose curve then stands beside "
                 "the total as the machine's"},
        {.kind = SW_OPTION_REAL,
         .name = "seconds",
         .value = &o.step_s,
         .argument = "S",
         .help = "of each step of load (4)",
         .min = 0.05,
         .max = 3600},
        {.kind = SW_OPTION_REAL,
         .name = "settle",
         .value = &o.settle_s,
         .argument = "S",
         .help = "seconds of the same load before each step, not counted (1)",
         .min = 0,
         .max = 3600},
        {.kind = SW_OPTION_TEXT,
         .name = "output",
         .value = &o.output,
         .argument = "FILE",
         .help = "where the curve is written (default: $SMOLWATT_CALIBRATION, else "
                 "~/.config/smolwatt/calibration.json); -: nowhere"},
        {.kind = SW_OPTION_TEXT,
         .name = "power_feed",
         .value = &o.meter.power_feed,
         .argument = "FILE",
         .help =
             "file or pipe of an external meter, lines time_ns,watts: with --component machine"},
        {.kind = SW_OPTION_TEXT,
         .name = "sysfs_root",
         .value = &o.meter.sysfs_root,
         .argument = "DIR",
         .help = "folder in front of every /sys, /proc and /dev path"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &o.format,
         .argument = "FORMAT",
         .help = "table (default), json (the calibration), jsonl, csv or md"},
    };
    const size_t n_options = sizeof options / sizeof options[0];
    int exit_code =
        sw_options_begin(&sw_command_calibrate, options, n_options, argc, argv, NULL, NULL);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    struct sw_progress progress;
    sw_progress_begin(&progress, false);
    enum sw_code code = calibrate(&o, &progress, &err);
    sw_progress_end(&progress);
    if (code != SW_OK)
        sw_say("%s%s", err.text, code == SW_EUSAGE ? " (see smolwatt calibrate --help)" : "");
    return sw_exit_for(code);
}

const struct sw_command sw_command_calibrate = {
    .name = "calibrate",
    .summary = "the CPU model's curve, fitted on this machine's counter",
    .usage = "[OPTION ...]",
    .description =
        "Loads this machine step by step, from rest to all threads, with multiply-adds and with "
        "reading memory, and fits the power that its counter shows to the curve of the default CPU "
        "model. The curve is written to a small file that later runs use, and name in their "
        "records, where no counter can be read. Takes about a minute and a half.",
    .run = run_command,
};
