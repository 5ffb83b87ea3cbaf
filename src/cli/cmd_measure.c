/* measure: any command under the same meters. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/command.h"
#include "bench/phase.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/meter_options.h"
#include "cli/output_file.h"
#include "cli/place_options.h"
#include "cli/terminal.h"
#include "cli/words.h"
#include "record/command_summary.h"
#include "record/environment.h"
#include "report/command_report.h"

/* As hyperfine: enough runs for a spread. */
enum { REPEAT_SEVERAL = 10 };

struct measure_options {
    struct sw_meter_choice meter;
    struct sw_carbon_options place;
    const char *format, *output, *shell, *input;
    struct sw_texts prepares, names;
    uint64_t n_warmup, n_repeat, sample_ms, seed;
    bool repeat_given, input_given, discard, ignore_failure, trace;
};

/* What the commands are, and everything that is freed at the end. */
struct measure {
    struct measure_options o;
    enum sw_format format;
    struct sw_command_spec *specs; /* (n), owned; words of a split line are owned too */
    char **texts;                  /* (n), owned: the commands as shown */
    char **shell_words;            /* (4 * n), owned */
    struct sw_words *split;        /* (n), owned */
    size_t n;
    struct sw_carbon_factor factor;
    struct sw_meter_set *meters;
    struct sw_output_file output;
    int null_fd;
};

static enum sw_code set_command(struct measure *m, size_t i, const char *line, struct sw_error *err)
{
    static char dash_c[] = "-c";
    m->texts[i] = strdup(line);
    if (m->texts[i] == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    if (strcmp(m->o.shell, "none") != 0) {
        char **argv = m->shell_words + 4 * i;
        argv[0] = (char *)(uintptr_t)m->o.shell;
        argv[1] = dash_c;
        argv[2] = m->texts[i];
        m->specs[i].argv = argv;
        return SW_OK;
    }
    enum sw_code code = sw_words_split(&m->split[i], line, err);
    m->specs[i].argv = m->split[i].items;
    return code;
}

/* Words in front of "--" are lines for the shell; what stands behind it is one command. */
static enum sw_code set_commands(struct measure *m, const char **lines, size_t n_lines, char **argv,
                                 struct sw_error *err)
{
    bool direct = argv != NULL && argv[0] != NULL;
    if (direct && n_lines > 0)
        return sw_fail(err, SW_EUSAGE,
                       "%s: command lines and a command behind -- do not go together", lines[0]);
    if (!direct && n_lines == 0)
        return sw_fail(err, SW_EUSAGE, "no command: name one behind --, or in quotes");
    m->n = direct ? 1 : n_lines;
    m->specs = calloc(m->n, sizeof *m->specs);
    m->texts = calloc(m->n, sizeof *m->texts);
    m->split = calloc(m->n, sizeof *m->split);
    m->shell_words = calloc(4 * m->n, sizeof *m->shell_words);
    if (m->specs == NULL || m->texts == NULL || m->split == NULL || m->shell_words == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    enum sw_code code = SW_OK;
    if (direct) {
        m->specs[0].argv = argv;
        m->texts[0] = sw_words_join_dup(argv);
        if (m->texts[0] == NULL)
            code = sw_fail(err, SW_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < n_lines && code == SW_OK; i++)
        code = set_command(m, i, lines[i], err);
    const struct sw_texts *p = &m->o.prepares;
    if (code == SW_OK && p->n > 1 && p->n != m->n)
        code = sw_fail(err, SW_EUSAGE, "--prepare: given %zu times for %zu commands", p->n, m->n);
    for (size_t i = 0; i < m->n && p->n > 0; i++)
        m->specs[i].prepare = p->items[p->n == 1 ? 0 : i];
    if (code == SW_OK && m->o.names.n > 0 && m->o.names.n != m->n)
        code = sw_fail(err, SW_EUSAGE, "--command_name: given %zu times for %zu commands",
                       m->o.names.n, m->n);
    return code;
}

static enum sw_code check(struct measure *m, struct sw_error *err)
{
    struct measure_options *o = &m->o;
    enum sw_code code = sw_format_parse(&m->format, o->format, err);
    if (code != SW_OK)
        return code;
    if (o->trace && m->format != SW_FORMAT_JSON && m->format != SW_FORMAT_JSONL)
        return sw_fail(err, SW_EUSAGE, "--trace: needs -o json or jsonl");
    if (o->output != NULL && strcmp(o->output, "-") == 0)
        o->output = NULL;
    if (!o->repeat_given)
        o->n_repeat = m->n > 1 ? REPEAT_SEVERAL : 1;
    /* One run may read what we were given; the second would find it at its end. */
    if (!o->input_given && (o->n_repeat > 1 || o->n_warmup > 0 || m->n > 1))
        o->input = "";
    return sw_carbon_find(&m->factor, &o->place, err);
}

/* A command as its caller wrote it; bytes that are no UTF-8 are not JSON's. */
static json_t *command_text(const struct measure *m, size_t i)
{
    json_t *text = json_string(m->o.names.n > 0 ? m->o.names.items[i] : m->texts[i]);
    return text != NULL ? text : json_string("(not UTF-8)");
}

static json_t *new_result(const struct measure *m, size_t i)
{
    bool direct = m->shell_words[4 * i] == NULL;
    return json_pack("{s:i, s:s, s:o, s:o, s:o}", "schema_version", 1, "type", "command", "command",
                     command_text(m, i), "shell", direct ? json_null() : json_string(m->o.shell),
                     "runs", json_array());
}

/* What stands behind the figures, once for each result: meters, machine, date. */
static void add_context(const struct measure *m, json_t *result, const char *date)
{
    json_t *runs = json_incref(json_object_get(result, "runs"));
    json_object_del(result, "runs");
    json_object_set_new(result, "started_at", json_string(date));
    json_object_set_new(result, "meters", sw_phase_meters_to_json(m->meters));
    json_object_set_new(result, "environment", sw_environment_read(m->o.meter.sysfs_root));
    json_object_set_new(result, "runs", runs);
}

static enum sw_code finish(const struct measure *m, json_t *results, const char *date,
                           struct sw_error *err)
{
    enum sw_code code = SW_OK;
    json_t *place = sw_place_to_json(&m->factor);
    size_t i;
    json_t *result;
    json_array_foreach(results, i, result)
    {
        if (code == SW_OK)
            code = sw_command_summarise(result, place, err);
    }
    sw_command_summary_compare(results);
    json_array_foreach(results, i, result) add_context(m, result, date);
    json_decref(place);
    return code;
}

struct bar {
    struct sw_progress progress;
    bool shown; /* only while the commands themselves print nothing */
};

static void on_run(void *ctx, size_t n_done, size_t n_planned)
{
    struct bar *bar = ctx;
    if (bar->shown)
        sw_progress_bar(&bar->progress, n_done, n_planned, "runs");
}

/* Everything that runs, with signals held back: returns CMD's exit code in exit_code. */
static enum sw_code measure(struct measure *m, json_t *results, int *exit_code,
                            struct sw_error *err)
{
    const struct measure_options *o = &m->o;
    struct sw_child_signals signals;
    struct bar bar = {.shown = o->discard};
    json_t **runs = calloc(m->n, sizeof(json_t *));
    if (runs == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    for (size_t i = 0; i < m->n; i++)
        runs[i] = json_object_get(json_array_get(results, i), "runs");
    if (o->discard)
        m->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int stdout_fd = o->discard ? m->null_fd : m->output.fd < 0 ? STDERR_FILENO : -1;
    sw_progress_begin(&bar.progress, false);
    sw_child_signals_begin(&signals, sw_interrupt_ignored_at_start());
    enum sw_code code = sw_meter_choice_open(&m->meters, &o->meter, true, err);
    if (code == SW_OK) {
        sw_meter_set_measure_ticks(m->meters, 50000000);
        struct sw_command_plan plan = {
            .commands = m->specs,
            .n_commands = m->n,
            .shell = strcmp(o->shell, "none") == 0 ? "/bin/sh" : o->shell,
            .meters = m->meters,
            .signals = &signals,
            .n_warmup = o->n_warmup,
            .n_repeat = o->n_repeat,
            .seed = o->seed,
            .ignore_failure = o->ignore_failure,
            .input = o->input,
            .stdout_fd = stdout_fd,
            .stderr_fd = o->discard ? m->null_fd : -1,
            .sample_period_ns = o->sample_ms * 1000000,
            .keep_trace = o->trace,
            .on_run = on_run,
            .ctx = &bar,
        };
        code = sw_command_run_all(&plan, runs, exit_code, err);
    }
    sw_progress_end(&bar.progress);
    sw_child_signals_end(&signals);
    free(runs);
    return code;
}

/* Says on stderr why a command did not start, or ended the measurement early. */
static void say_failures(const struct measure *m, const json_t *results)
{
    size_t i, k;
    json_t *result, *run;
    json_array_foreach(results, i, result)
        json_array_foreach(json_object_get(result, "runs"), k, run)
    {
        const char *error = json_string_value(json_object_get(run, "start_error"));
        long long exit_code = (long long)json_integer_value(json_object_get(run, "exit_code"));
        if (error != NULL)
            sw_say("%s: %s", m->specs[i].argv[0], error);
        else if (exit_code != 0 && (m->o.n_repeat > 1 || m->n > 1) && !m->o.ignore_failure)
            sw_say("run %zu of %s ended with exit code %lld, and with it the measurement; "
                   "--ignore_failure goes on",
                   k + 1, m->texts[i], exit_code);
    }
}

static int run_all(struct measure *m, struct sw_error *err)
{
    int exit_code = 0;
    char date[21];
    struct sw_buffer out = {0};
    json_t *results = json_array();
    for (size_t i = 0; i < m->n; i++)
        json_array_append_new(results, new_result(m, i));
    sw_clock_format_utc(date, sw_clock_wall_ns());
    enum sw_code code = measure(m, results, &exit_code, err);
    if (code == SW_OK)
        code = finish(m, results, date, err);
    if (code == SW_OK) {
        say_failures(m, results);
        sw_command_report_write(&out, m->format, results);
        code = sw_output_file_write(&m->output, &out, err);
    }
    json_decref(results);
    sw_buffer_free(&out);
    if (code != SW_OK)
        sw_say("%s", err->text);
    /* CMD's own failure is what a script asks for first. */
    return exit_code != 0 ? exit_code : sw_exit_for(code);
}

static void close_measure(struct measure *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->texts != NULL)
            free(m->texts[i]);
        if (m->split != NULL)
            sw_words_free(&m->split[i]);
    }
    free(m->specs);
    free(m->texts);
    free(m->split);
    free(m->shell_words);
    sw_meter_set_close(m->meters);
    sw_output_file_close(&m->output);
    if (m->null_fd >= 0)
        close(m->null_fd);
}

static int run_command(int argc, char **argv)
{
    struct measure m = {
        .o =
            {
                .meter = SW_METER_CHOICE_DEFAULT,
                .place = {.g_per_kwh = -1},
                .format = "table",
                .shell = "/bin/sh",
                .n_repeat = 1,
                .sample_ms = 100,
                .seed = 1,
            },
        .output = {.fd = -1},
        .null_fd = -1,
    };
    struct measure_options *o = &m.o;
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "Runs"},
        {.kind = SW_OPTION_COUNT,
         .name = "repeat",
         .letter = 'r',
         .value = &o->n_repeat,
         .given = &o->repeat_given,
         .argument = "N",
         .help = "runs that are measured (1; 10 of each where several commands are compared, in "
                 "rounds of random order)",
         .min = 1,
         .max = 1000000},
        {.kind = SW_OPTION_COUNT,
         .name = "warmup",
         .letter = 'w',
         .value = &o->n_warmup,
         .argument = "N",
         .help = "runs of each command beforehand that are not measured (0)",
         .max = 1000000},
        {.kind = SW_OPTION_TEXTS,
         .name = "prepare",
         .letter = 'p',
         .value = &o->prepares,
         .argument = "LINE",
         .help = "line for the shell before every run, not measured; given again, one for each "
                 "command"},
        {.kind = SW_OPTION_FLAG,
         .name = "ignore_failure",
         .letter = 'i',
         .value = &o->ignore_failure,
         .help = "go on after a run whose exit code is not 0"},
        {.kind = SW_OPTION_TEXT,
         .name = "shell",
         .letter = 'S',
         .value = &o->shell,
         .argument = "PATH",
         .help = "shell for command lines (/bin/sh); none: words and quotes only, no shell. A "
                 "command behind -- never has one"},
        {.kind = SW_OPTION_COUNT,
         .name = "seed",
         .value = &o->seed,
         .argument = "N",
         .help = "of the order of several commands (1)",
         .max = 9007199254740991.0},
        {.kind = SW_OPTION_GROUP, .name = "Streams of the command"},
        {.kind = SW_OPTION_TEXT,
         .name = "input",
         .value = &o->input,
         .given = &o->input_given,
         .argument = "FILE",
         .help = "standard input of every run (a single run: ours; else nothing)"},
        {.kind = SW_OPTION_FLAG,
         .name = "discard",
         .value = &o->discard,
         .help = "its output and errors go to /dev/null. Otherwise its standard output goes to "
                 "standard error, so that ours holds the result alone; with --output it stays "
                 "where it is"},
        {.kind = SW_OPTION_GROUP, .name = "Energy"},
        SW_METER_OPTIONS(o->meter),
        SW_PLACE_OPTIONS(o->place),
        {.kind = SW_OPTION_GROUP, .name = "Output"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &o->format,
         .argument = "FORMAT",
         .help = "table (default), json (one object), jsonl (one a line for each command), csv or "
                 "md"},
        {.kind = SW_OPTION_TEXT,
         .name = "output",
         .value = &o->output,
         .argument = "FILE",
         .help = "the result goes there, and the command's streams are left alone"},
        {.kind = SW_OPTION_TEXTS,
         .name = "command_name",
         .letter = 'n',
         .value = &o->names,
         .argument = "NAME",
         .help = "name to show for a command; one for each"},
        {.kind = SW_OPTION_FLAG,
         .name = "trace",
         .value = &o->trace,
         .help = "power over time of every run, in json and jsonl"},
        {.kind = SW_OPTION_COUNT,
         .name = "sample_ms",
         .value = &o->sample_ms,
         .argument = "MS",
         .help = "time between two readings of the trace (100)",
         .min = 1,
         .max = 3600000},
    };
    const size_t n_options = sizeof options / sizeof options[0];
    struct sw_error err = {0};
    const char *lines[256];
    size_t n_lines = 0;
    int end = sw_options_end(options, n_options, argc, argv);
    int exit_code =
        sw_options_begin(&sw_command_measure, options, n_options, end, argv, lines, &n_lines);
    if (exit_code >= 0)
        return exit_code;
    enum sw_code code = set_commands(&m, lines, n_lines, end < argc ? argv + end + 1 : NULL, &err);
    if (code == SW_OK)
        code = check(&m, &err);
    if (code == SW_OK)
        code = sw_output_file_open(&m.output, m.o.output, &err);
    if (code == SW_OK) {
        exit_code = run_all(&m, &err);
    } else {
        sw_say("%s%s", err.text, code == SW_EUSAGE ? " (see smolwatt measure --help)" : "");
        exit_code = sw_exit_for(code);
    }
    close_measure(&m);
    return exit_code;
}

const struct sw_command sw_command_measure = {
    .name = "measure",
    .summary = "time, memory, joules and CO2e of any command, several compared",
    .usage = "[OPTION ...] -- CMD [ARG ...]\n       smolwatt measure [OPTION ...] 'LINE' ...",
    .description =
        "Runs a command under the same meters as a model: seconds, processor time, peak memory, "
        "joules by component, grams of CO2e. What stands behind -- is started as it is; words "
        "without -- are lines for the shell, of which several are compared. Signals and exit code "
        "are passed on (126 or 127 if the command cannot start, 128 + signal if one ended it).",
    .run = run_command,
};
