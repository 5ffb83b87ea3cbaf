/*
 * run: one model, backend, strategy and data set; every answer measured; the summary and one
 * record. What happens in between is run_session.c's.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/run_options.h"
#include "cli/run_session.h"
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
    const struct sw_option own[] = {
        {.kind = SW_OPTION_GROUP, .name = "Output and exit code"},
        {.kind = SW_OPTION_TEXT,
         .name = "require",
         .value = &c.require,
         .argument = "VERDICT",
         .help = "exit with 3 where the row's verdict is worse: VALID or INFORMATIVE"},
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
    struct sw_option options[SW_RUN_OPTIONS_ROOM + sizeof own / sizeof own[0]];
    size_t n = sw_run_options_list(options, o);
    memcpy(options + n, own, sizeof own);
    n += sizeof own / sizeof own[0];
    int exit_code = sw_options_begin(&sw_command_run, options, n, argc, argv, NULL, NULL);
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
