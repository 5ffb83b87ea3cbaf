/* compare: is B better than A? Two stored runs, from their pairs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "record/comparison.h"
#include "report/compare_report.h"

struct compare_options {
    const char *format, *output;
    struct sw_texts figures;
    double within_percent, threshold_percent, level_percent;
    bool threshold_given;
};

/* "FILE" or "FILE:RUN", taken apart. */
struct source {
    char *path; /* owned */
    char run[17];
    struct sw_measured_runs runs;
};

/* A word is a file where there is one of this name; else what stands behind its last colon is the
 * beginning of a run's id. */
static enum sw_code open_source(struct source *s, const char *word, struct sw_error *err)
{
    const char *colon = strrchr(word, ':');
    size_t length = strlen(word);
    bool is_file = access(word, F_OK) == 0;
    if (!is_file && colon != NULL && strlen(colon + 1) > 0 && strlen(colon + 1) <= 16 &&
        colon[1 + strspn(colon + 1, "0123456789abcdef")] == 0) {
        length = (size_t)(colon - word);
        snprintf(s->run, sizeof s->run, "%s", colon + 1);
    }
    s->path = strndup(word, length);
    if (s->path == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    enum sw_code code = sw_measured_runs_read(&s->runs, s->path, err);
    if (code == SW_OK && s->runs.remarks.n_skipped > 0)
        sw_say("%s; skipped%s", s->runs.remarks.first.text,
               s->runs.remarks.n_skipped > 1 ? ", and further lines" : "");
    return code;
}

/* Two words, or one file's last two runs, the earlier being A. */
static enum sw_code pick(const struct sw_measured_run *run[2], struct source sources[2],
                         const char *const *words, size_t n_words, struct sw_error *err)
{
    bool one_file = n_words == 1 || (strcmp(words[0], words[1]) == 0);
    size_t n = one_file ? 1 : 2;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < n && code == SW_OK; i++)
        code = open_source(&sources[i], words[i], err);
    struct source *b = &sources[n - 1];
    if (code == SW_OK && one_file && b->run[0] != 0)
        code = sw_fail(err, SW_EUSAGE, "%s: one run cannot be compared with itself", words[0]);
    if (code == SW_OK)
        code = sw_measured_runs_pick(&run[1], &b->runs, b->path, b->run, NULL, err);
    if (code == SW_OK)
        code = sw_measured_runs_pick(&run[0], &sources[0].runs, sources[0].path, sources[0].run,
                                     one_file ? run[1] : NULL, err);
    if (code == SW_OK && run[0]->id[0] != 0 && strcmp(run[0]->id, run[1]->id) == 0)
        code = sw_fail(err, SW_EUSAGE, "%s: A and B are both run %s; FILE:RUN names another",
                       words[0], run[0]->id);
    return code;
}

static enum sw_code write_out(const char *path, const struct sw_buffer *text, struct sw_error *err)
{
    if (text->failed)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    if (path == NULL || strcmp(path, "-") == 0) {
        fwrite(text->data, 1, text->size, stdout);
        return SW_OK;
    }
    FILE *file = fopen(path, "we");
    bool good = file != NULL && fwrite(text->data, 1, text->size, file) == text->size;
    if (file != NULL && fclose(file) != 0)
        good = false;
    return good ? SW_OK : sw_fail(err, SW_EFILE, "--output: %s: %m", path);
}

/* What a script that asks for an exit code has to know, and what csv and md leave out. */
static void say_remarks(const json_t *comparison, enum sw_format format, bool threshold_given)
{
    size_t i;
    const json_t *item;
    if (format == SW_FORMAT_CSV || format == SW_FORMAT_MD)
        json_array_foreach(json_object_get(comparison, "notes"), i, item)
            sw_say("%s", json_string_value(item));
    json_array_foreach(json_object_get(comparison, "figures"), i, item)
    {
        const char *name = json_string_value(json_object_get(item, "figure"));
        const char *reason = json_string_value(json_object_get(item, "reason"));
        if (json_is_true(json_object_get(item, "regression")))
            sw_say("%s: a regression of %+.3g %% (%+.3g to %+.3g %%)", name,
                   100 * json_number_value(json_object_get(item, "difference")),
                   100 * json_number_value(json_object_get(item, "low")),
                   100 * json_number_value(json_object_get(item, "high")));
        else if (threshold_given && json_is_true(json_object_get(item, "chosen")) &&
                 json_is_true(json_object_get(item, "marked")))
            sw_say("%s: no regression can be found: %s", name, reason != NULL ? reason : "?");
    }
}

static int compare(const struct compare_options *o, const char *const *words, size_t n_words)
{
    struct sw_error err = {0};
    struct sw_buffer out = {0};
    struct source sources[2] = {{0}, {0}};
    const struct sw_measured_run *run[2] = {NULL, NULL};
    json_t *comparison = NULL;
    enum sw_format format;
    struct sw_comparison_options options = {
        .level = o->level_percent / 100,
        .within = o->within_percent / 100,
        .threshold = o->threshold_given ? o->threshold_percent / 100 : (double)NAN,
        .figures = o->figures.items,
        .n_figures = o->figures.n,
    };
    bool regression = false;
    enum sw_code code = SW_OK;
    if (n_words == 0 || n_words > 2)
        code =
            sw_fail(&err, SW_EUSAGE, "%zu journals were named: one with two runs, or two", n_words);
    if (code == SW_OK)
        code = sw_format_parse(&format, o->format, &err);
    if (code == SW_OK)
        code = sw_comparison_check(&options, &err);
    if (code == SW_OK)
        code = pick(run, sources, words, n_words, &err);
    if (code == SW_OK)
        code = sw_comparison_create(&comparison, run[0], run[1], &options, &err);
    if (code == SW_OK) {
        sw_compare_report_write(&out, format, comparison);
        code = write_out(o->output, &out, &err);
        say_remarks(comparison, format, o->threshold_given);
        regression = json_is_true(json_object_get(comparison, "regression"));
    }
    if (code != SW_OK)
        sw_say("%s%s", err.text, code == SW_EUSAGE ? " (see smolwatt compare --help)" : "");
    json_decref(comparison);
    for (size_t i = 0; i < 2; i++) {
        sw_measured_runs_free(&sources[i].runs);
        free(sources[i].path);
    }
    sw_buffer_free(&out);
    return code == SW_OK && regression ? SW_EXIT_REGRESSION : sw_exit_for(code);
}

static int run_command(int argc, char **argv)
{
    struct compare_options o = {.format = "table", .within_percent = 2, .level_percent = 95};
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "Verdicts"},
        {.kind = SW_OPTION_REAL,
         .name = "within",
         .value = &o.within_percent,
         .argument = "PERCENT",
         .help = "a difference that counts as none: an interval inside of it is \"same\" (2)",
         .min = 0.001,
         .max = 100},
        {.kind = SW_OPTION_REAL,
         .name = "level",
         .value = &o.level_percent,
         .argument = "PERCENT",
         .help = "of the intervals (95)",
         .min = 50,
         .max = 99.99},
        {.kind = SW_OPTION_GROUP, .name = "Exit code 4"},
        {.kind = SW_OPTION_REAL,
         .name = "threshold",
         .value = &o.threshold_percent,
         .given = &o.threshold_given,
         .argument = "PERCENT",
         .help = "a regression is a figure whose whole interval lies above this (default: a figure "
                 "whose verdict is \"worse\")",
         .min = 0,
         .max = 1e6},
        {.kind = SW_OPTION_TEXTS,
         .name = "figure",
         .value = &o.figures,
         .argument = "NAME",
         .help = "look for regressions in this figure, by its name in -o json; may be given again "
                 "(seconds_per_token and j_per_token)"},
        {.kind = SW_OPTION_GROUP, .name = "Output"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &o.format,
         .argument = "FORMAT",
         .help = "table (default), json, jsonl, csv or md"},
        {.kind = SW_OPTION_TEXT,
         .name = "output",
         .value = &o.output,
         .argument = "FILE",
         .help = "the result goes there (standard output)"},
    };
    const size_t n_options = sizeof options / sizeof options[0];
    const char *words[64];
    size_t n_words = 0;
    if (argc > 64) {
        sw_say("compare: more than 63 arguments");
        return SW_EXIT_USAGE;
    }
    int exit_code =
        sw_options_begin(&sw_command_compare, options, n_options, argc, argv, words, &n_words);
    return exit_code >= 0 ? exit_code : compare(&o, words, n_words);
}

const struct sw_command sw_command_compare = {
    .name = "compare",
    .summary = "two runs: the difference, its interval, a verdict, and exit code 4 if B is worse",
    .usage = "A[:RUN] [B[:RUN]] [OPTION ...]",
    .description =
        "Compares two runs from their journals, pair by pair: blocks where both have some, else "
        "the answers to the same questions. A and B are journals, of which the last complete run "
        "is "
        "taken, or the one whose id begins with RUN; one journal alone stands for its last two "
        "runs, the earlier being A. Lower is better. Exit code 4: a regression was found.",
    .run = run_command,
};
