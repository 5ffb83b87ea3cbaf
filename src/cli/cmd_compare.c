/* compare: is B better than A? Two stored runs, or two configurations measured in turns. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/compare_live.h"
#include "cli/exit_code.h"
#include "cli/output_file.h"
#include "cli/run_options.h"
#include "cli/terminal.h"
#include "record/comparison.h"
#include "report/compare_report.h"

struct compare_options {
    const char *format, *output;
    struct sw_texts figures;
    double within_percent, threshold_percent, level_percent;
    bool threshold_given;
    struct sw_compare_live live; /* words[0] and [1] NULL: two stored runs */
};

/* "FILE" or "FILE:RUN", taken apart. */
struct source {
    char *path; /* owned */
    char run[17];
    struct sw_measured_runs runs;
};

static enum sw_code read_source(struct source *s, struct sw_error *err)
{
    if (s->path == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    enum sw_code code = sw_measured_runs_read(&s->runs, s->path, err);
    if (code == SW_OK && s->runs.remarks.n_skipped > 0)
        sw_say("%s; skipped%s", s->runs.remarks.first.text,
               s->runs.remarks.n_skipped > 1 ? ", and further lines" : "");
    return code;
}

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
    return read_source(s, err);
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

/* Measures first; then the two runs are read back from their journals, as any others. */
static enum sw_code pick_live(const struct sw_measured_run *run[2], struct source sources[2],
                              const struct sw_compare_live *live, bool *interrupted,
                              struct sw_error *err)
{
    char run_ids[2][17];
    enum sw_code code = sw_compare_live_run(live, run_ids, interrupted, err);
    for (size_t i = 0; i < 2 && code == SW_OK; i++) {
        sources[i].path = strdup(live->journals[i]);
        code = read_source(&sources[i], err);
        if (code == SW_OK)
            code = sw_measured_runs_pick(&run[i], &sources[i].runs, sources[i].path, run_ids[i],
                                         NULL, err);
    }
    return code;
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
    struct sw_output_file output = {.fd = -1};
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
    bool regression = false, interrupted = false;
    bool is_live = o->live.words[0] != NULL || o->live.words[1] != NULL;
    enum sw_code code = SW_OK;
    if (is_live && (n_words > 0 || o->live.words[0] == NULL || o->live.words[1] == NULL))
        code = sw_fail(&err, SW_EUSAGE, "%s",
                       n_words > 0 ? "journals and --a, --b do not go together"
                                   : "--a and --b are both needed; \"\" stands for no options");
    else if (!is_live && (n_words == 0 || n_words > 2))
        code =
            sw_fail(&err, SW_EUSAGE, "%zu journals were named: one with two runs, or two", n_words);
    if (code == SW_OK)
        code = sw_format_parse(&format, o->format, &err);
    if (code == SW_OK)
        code = sw_comparison_check(&options, &err);
    if (code == SW_OK)
        code = sw_output_file_open(&output, o->output, &err);
    if (code == SW_OK)
        code = is_live ? pick_live(run, sources, &o->live, &interrupted, &err)
                       : pick(run, sources, words, n_words, &err);
    if (code == SW_OK)
        code = sw_comparison_create(&comparison, run[0], run[1], &options, &err);
    if (code == SW_OK) {
        sw_compare_report_write(&out, format, comparison);
        code = sw_output_file_write(&output, &out, &err);
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
    sw_output_file_close(&output);
    sw_buffer_free(&out);
    if (interrupted)
        return SW_EXIT_INTERRUPTED;
    return code == SW_OK && regression ? SW_EXIT_REGRESSION : sw_exit_for(code);
}

/* Blocks where nobody says how many: 5 % of difference is seen, 2 % mostly (docs/comparing.md). */
enum { LIVE_BLOCKS = 16 };

/* The options of a run belong to configurations, not to stored runs: they are known where there are
 * some, and to the help. */
static bool is_about_turns(int argc, char **argv)
{
    static const char *const words[] = {"--a", "--b", "--help", "-h"};
    for (int i = 1; i < argc; i++) {
        bool is_set = strncmp(argv[i], "--a=", 4) == 0 || strncmp(argv[i], "--b=", 4) == 0;
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
            is_set |= strcmp(argv[i], words[k]) == 0;
        if (is_set)
            return true;
    }
    return false;
}

static int run_command(int argc, char **argv)
{
    struct compare_options o = {
        .format = "table",
        .within_percent = 2,
        .level_percent = 95,
        .live = {.common = SW_RUN_OPTIONS_DEFAULT,
                 .journals = {"compare-a.jsonl", "compare-b.jsonl"}},
    };
    struct sw_run_options *common = &o.live.common;
    common->profile = "quick";
    common->blocks = LIVE_BLOCKS;
    common->blocks_given = true;
    const struct sw_option own[] = {
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
        {.kind = SW_OPTION_GROUP, .name = "Two configurations, measured in turns"},
        {.kind = SW_OPTION_TEXT,
         .name = "a",
         .value = &o.live.words[0],
         .argument = "OPTIONS",
         .help = "options of A, as one word, on top of those below, which are common to both (here "
                 "--profile is quick and --blocks is 16 where nothing is said)"},
        {.kind = SW_OPTION_TEXT,
         .name = "b",
         .value = &o.live.words[1],
         .argument = "OPTIONS",
         .help = "the same of B. Each has its turn in every block, first or second by --seed"},
        {.kind = SW_OPTION_TEXT,
         .name = "journal_a",
         .value = &o.live.journals[0],
         .argument = "FILE",
         .help = "file that the run of A is appended to (compare-a.jsonl)"},
        {.kind = SW_OPTION_TEXT,
         .name = "journal_b",
         .value = &o.live.journals[1],
         .argument = "FILE",
         .help = "the same of B (compare-b.jsonl)"},
        {.kind = SW_OPTION_FLAG,
         .name = "quiet",
         .letter = 'q',
         .value = &common->quiet,
         .help = "no progress on standard error"},
    };
    struct sw_option options[sizeof own / sizeof own[0] + SW_RUN_OPTIONS_ROOM];
    size_t n_options = sizeof own / sizeof own[0];
    memcpy(options, own, sizeof own);
    if (is_about_turns(argc, argv))
        n_options += sw_run_options_list(options + n_options, common);
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
    .usage = "A[:RUN] [B[:RUN]] | --a OPTIONS --b OPTIONS [OPTION ...]",
    .description =
        "Compares two runs from their journals, pair by pair: blocks where both have some, else "
        "the answers to the same questions. A and B are journals, of which the last complete run "
        "is "
        "taken, or the one whose id begins with RUN; one journal alone stands for its last two "
        "runs, the earlier being A. With --a and --b two configurations are measured first, in "
        "turns, "
        "block by block, which shows smaller differences. Lower is better. Exit code 4: a "
        "regression was found.",
    .run = run_command,
};
