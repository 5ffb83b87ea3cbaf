/*
 * run: one model, backend, strategy and data set; every answer measured; the summary and one
 * record. What happens in between is run_session.c's.
 */
#include <stdio.h>

#include "bench/profile.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/run_session.h"
#include "cli/sources.h"
#include "cli/terminal.h"
#include "record/verdict.h"
#include "report/run_report.h"

/* What only the command has: the form of its output, and what it asks of the row. */
struct command {
    struct sw_run_options run;
    const char *format_name, *require;
    enum sw_format format;
    enum sw_verdict_level required, verdict; /* asked for, and given */
};

static enum sw_code check(struct command *c, struct sw_error *err)
{
    c->required = SW_INVALID;
    if (c->require != NULL && !sw_verdict_parse(&c->required, c->require))
        return sw_fail(err, SW_EUSAGE, "--require: \"%s\" is neither VALID nor INFORMATIVE",
                       c->require);
    return sw_format_parse(&c->format, c->format_name, err);
}

/* The record or summary to standard output, then into the journal. */
static enum sw_code finish(struct command *c, struct sw_run_session *session, bool interrupted,
                           struct sw_error *err)
{
    json_t *record = NULL;
    struct sw_buffer text = {0};
    enum sw_code code = sw_run_session_finish(session, interrupted, &record, err);
    if (code == SW_OK) {
        const json_t *verdict = json_object_get(record, "verdict");
        sw_verdict_parse(&c->verdict, json_string_value(json_object_get(verdict, "row")));
        sw_run_report_write(&text, c->format, record);
        code = text.failed ? sw_fail(err, SW_ENOMEM, "summary: out of memory") : SW_OK;
    }
    if (code == SW_OK) {
        fwrite(text.data, 1, text.size, stdout);
        code = sw_run_session_store(session, record, err);
    }
    sw_buffer_free(&text);
    json_decref(record);
    return code;
}

static enum sw_code run_and_report(struct command *c, struct sw_error *err)
{
    struct sw_run_session *session = NULL;
    size_t n_done, n_planned;
    bool has_blocks;
    char of[48];
    enum sw_code code = check(c, err);
    if (code == SW_OK)
        code = sw_run_session_open(&session, &c->run, err);
    if (code != SW_OK)
        return code;
    code = sw_run_session_blocks(session, err);
    sw_run_session_progress(session, &n_done, &n_planned, &has_blocks);
    snprintf(of, sizeof of, has_blocks ? "samples in blocks of %zu" : "of %zu samples", n_planned);
    if (code == SW_OK) {
        code = finish(c, session, false, err);
    } else if (code == SW_EINTERRUPTED) {
        sw_say("interrupted after %zu %s; --resume goes on", n_done, of);
        struct sw_error second = {0};
        if (n_done > 0 && finish(c, session, true, &second) != SW_OK)
            sw_say("%s", second.text);
    } else {
        sw_say("%zu %s are kept in %s; --resume goes on after them", n_done, of, c->run.journal);
    }
    sw_run_session_close(session);
    return code;
}

static int run_command(int argc, char **argv)
{
    struct command c = {.run = SW_RUN_OPTIONS_DEFAULT, .format_name = "table"};
    struct sw_run_options *o = &c.run;
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "What runs"},
        SW_MODEL_OPTION(o->engine, SW_DEFAULT_MODEL),
        SW_ENGINE_OPTIONS(o->engine),
        {.kind = SW_OPTION_COUNT,
         .name = "max_new_tokens",
         .letter = 'n',
         .value = &o->max_new_tokens,
         .argument = "N",
         .help = "most tokens generated per question (50)",
         .min = 1,
         .max = 1 << 20},
        {.kind = SW_OPTION_FLAG,
         .name = "ignore_eos",
         .value = &o->ignore_eos,
         .help = "go on after the end-of-sequence token"},
        {.kind = SW_OPTION_COUNT,
         .name = "batch",
         .letter = 'b',
         .value = &o->batch,
         .argument = "N",
         .help = "questions answered at once (1); the answers are the same, and the joules belong "
                 "to the batch, not to an answer",
         .min = 1,
         .max = 4096},
        {.kind = SW_OPTION_TEXT,
         .name = "profile",
         .value = &o->profile,
         .argument = "NAME",
         .help =
             "study: one pass (default); quick: 5 blocks of 3 questions; standard: blocks of 10 "
             "until the 95 % interval of J/token (where nothing measures joules, of s/token) is "
             "within 2 %; strict: the same with 50 questions and more blocks"},
        {.kind = SW_OPTION_COUNT,
         .name = "blocks",
         .value = &o->blocks,
         .argument = "N",
         .help = "blocks, each of all questions once in random order, however wide the interval is",
         .min = 1,
         .max = SW_MAX_BLOCKS,
         .given = &o->blocks_given},
        {.kind = SW_OPTION_REAL,
         .name = "time_limit",
         .value = &o->time_limit_s,
         .argument = "S",
         .help =
             "no block that would end later than this after the first began (quick 60, standard "
             "900, strict 7200; 0: no limit)",
         .max = 1e7,
         .given = &o->time_limit_given},
        {.kind = SW_OPTION_COUNT,
         .name = "warm_up",
         .value = &o->warm_up,
         .argument = "N",
         .help = "most answers beforehand that do not count, until five agree within 5 % (study 0, "
                 "quick 10, standard 50, strict 100)",
         .max = 10000,
         .given = &o->warm_up_given},
        {.kind = SW_OPTION_GROUP, .name = "Questions"},
        {.kind = SW_OPTION_TEXT,
         .name = "dataset_name",
         .value = &o->dataset_name,
         .argument = "NAME",
         .help = "squad (default), builtin, a hub data set, or a .json (SQuAD), .jsonl, .csv or "
                 ".txt file"},
        {.kind = SW_OPTION_TEXT,
         .name = "dataset_split",
         .value = &o->dataset_split,
         .argument = "NAME",
         .help = "split of a named data set (test; SQuAD has none, its validation split is read)"},
        {.kind = SW_OPTION_COUNT,
         .name = "samples",
         .value = &o->samples,
         .argument = "N",
         .help = "questions to ask, in each block (study and strict 50, quick 3, standard 10), the "
                 "first "
                 "of the data set unless --seed is given",
         .min = 1,
         .max = 1e9,
         .given = &o->samples_given},
        {.kind = SW_OPTION_COUNT,
         .name = "seed",
         .value = &o->seed,
         .argument = "N",
         .help = "ask a random subset, the same for the same seed; blocks are in an order that it "
                 "gives "
                 "(0)",
         .max = 1e15,
         .given = &o->seed_given},
        {.kind = SW_OPTION_TEXT,
         .name = "dataset_field",
         .value = &o->fields.question_field,
         .argument = "NAME",
         .help = "field of a JSONL or CSV file that holds the question (question, text or "
                 "prompt)"},
        {.kind = SW_OPTION_TEXT,
         .name = "answers_field",
         .value = &o->fields.answers_field,
         .argument = "NAME",
         .help = "field that holds the reference answers (answers or answer)"},
        {.kind = SW_OPTION_TEXT,
         .name = "context_field",
         .value = &o->fields.context_field,
         .argument = "NAME",
         .help = "field that holds the context (context)"},
        {.kind = SW_OPTION_TEXT,
         .name = "prompt_template",
         .value = &o->prompt_template,
         .argument = "T",
         .help = "study: the question alone (default); squad: context, question and \"Answer:\"; "
                 "or a text with {question} and {context}"},
        {.kind = SW_OPTION_TEXTS,
         .name = "stop",
         .value = &o->stops,
         .argument = "TEXT",
         .help = "end an answer at this text; may be given again"},
        {.kind = SW_OPTION_GROUP, .name = "Quality"},
        SW_QUALITY_OPTIONS(o->quality),
        {.kind = SW_OPTION_GROUP, .name = "Energy"},
        SW_METER_OPTIONS(o->meter),
        SW_SAMPLING_OPTION(o->meter),
        {.kind = SW_OPTION_TEXT,
         .name = "require",
         .value = &c.require,
         .argument = "VERDICT",
         .help = "exit with 3 where the row's verdict is worse: VALID or INFORMATIVE"},
        {.kind = SW_OPTION_REAL,
         .name = "idle_seconds",
         .value = &o->idle_s,
         .argument = "S",
         .help = "measure the loaded, idle machine this long before and after (study 0, quick 1, "
                 "standard 10, strict 30)",
         .max = 3600,
         .given = &o->idle_given},
        {.kind = SW_OPTION_GROUP, .name = "Carbon"},
        SW_PLACE_OPTIONS(o->place),
        {.kind = SW_OPTION_GROUP, .name = "Output"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &c.format_name,
         .argument = "FORMAT",
         .help = "table (default), json (the record), jsonl, csv or md"},
        {.kind = SW_OPTION_TEXT,
         .name = "journal",
         .value = &o->journal,
         .argument = "FILE",
         .help = "file that every sample and the record are appended to (smolwatt.jsonl)"},
        {.kind = SW_OPTION_FLAG,
         .name = "resume",
         .value = &o->resume,
         .help = "go on after the last sample of an unfinished run in the journal"},
        {.kind = SW_OPTION_FLAG,
         .name = "quiet",
         .letter = 'q',
         .value = &o->quiet,
         .help = "no progress on standard error"},
    };
    int exit_code = sw_options_begin(&sw_command_run, options, sizeof options / sizeof options[0],
                                     argc, argv, NULL, NULL);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    enum sw_code code = run_and_report(&c, &err);
    if (code != SW_OK)
        sw_say("%s", err.text);
    if (code == SW_OK && c.verdict > c.required) {
        sw_say("--require %s: the run is %s", sw_verdict_name(c.required),
               sw_verdict_name(c.verdict));
        return SW_EXIT_VERDICT;
    }
    return sw_exit_for(code);
}

const struct sw_command sw_command_run = {
    .name = "run",
    .summary = "ask a model questions and tell what each token costs (default)",
    .usage = "[OPTION ...]",
    .description =
        "Runs one model with one backend and strategy over a data set, measures every answer, and "
        "prints what a generated token costs in seconds, joules and grams of CO2e, each figure "
        "with its source. Every sample goes to the journal as it is finished.",
    .run = run_command,
};
