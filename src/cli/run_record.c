#include "cli/run_record.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run_line.h"
#include "cli/terminal.h"

enum sw_code sw_run_record_open(struct sw_run_record *r, const char *path, bool resume,
                                struct sw_error *err)
{
    bool torn = false;
    enum sw_code code = SW_OK;
    *r = (struct sw_run_record){.path = path, .resume = resume};
    sw_run_id_create(r->run_id);
    if (resume)
        code = sw_resume_find(&r->earlier, path, err);
    if (code == SW_EABSENT) {
        sw_say("%s is not there: nothing to resume, the run begins anew", path);
        r->resume = false;
        code = SW_OK;
    } else if (code == SW_OK && r->earlier.n_skipped_lines > 0) {
        sw_say("%zu lines skipped: %s", r->earlier.n_skipped_lines, r->earlier.first_skipped.text);
    }
    if (code == SW_OK)
        code = sw_journal_open(&r->journal, path, &torn, err);
    if (torn)
        sw_say("%s: its last line is torn, from a crash or a full disk; it is skipped", path);
    return code;
}

/* Goes on with the run that was found, if there is one whose plan equals ours. */
static enum sw_code take_up(struct sw_run_record *r, struct sw_error *err)
{
    const char *path = r->path;
    const json_t *run = r->earlier.run;
    if (run == NULL) {
        sw_say("%s holds no run: nothing to resume, the run begins anew", path);
        return SW_OK;
    }
    if (!json_equal(json_object_get(run, "plan_hash"), json_object_get(r->line, "plan_hash")))
        return sw_fail(
            err, SW_EUSAGE,
            "--resume: the last run in %s has another plan (model, data, prompt, "
            "strategy, threads or batch differ); give its options, or leave --resume out",
            path);
    size_t n_done = sw_resume_keep(&r->earlier, r->n_samples);
    if (n_done == SIZE_MAX)
        return sw_fail(err, SW_ENOMEM, "record: out of memory");
    /* Blocks go on for as long as it takes: only an end says that they are over. */
    bool is_over = r->has_blocks ? r->earlier.end != NULL &&
                                       !json_is_true(json_object_get(r->earlier.end, "interrupted"))
                                 : n_done >= r->n_samples;
    const char *run_id = json_string_value(json_object_get(run, "run_id"));
    if (n_done == 0 || is_over || run_id == NULL) {
        sw_say("the last run in %s %s: the run begins anew", path,
               is_over ? "is complete" : "finished no sample");
        return SW_OK;
    }
    r->is_done = calloc(r->n_samples, sizeof *r->is_done);
    if (r->is_done == NULL)
        return sw_fail(err, SW_ENOMEM, "record: out of memory");
    sw_resume_mark(&r->earlier, 0, r->is_done, r->n_samples);
    snprintf(r->run_id, sizeof r->run_id, "%s", run_id);
    json_object_set_new(r->line, "run_id", json_string(r->run_id));
    json_object_set_new(r->line, "resumed_at_sample", json_integer((json_int_t)n_done));
    if (r->has_blocks)
        sw_say("going on with run %s after %zu samples in blocks of %zu", r->run_id, n_done,
               r->n_samples);
    else
        sw_say("going on with run %s after %zu of %zu samples", r->run_id, n_done, r->n_samples);
    return SW_OK;
}

/* For what is looked at after the run. */
static void keep_ids(struct sw_run_record *r, const json_t *sample)
{
    size_t index = (size_t)json_integer_value(json_object_get(sample, "index"));
    if (r->ids == NULL)
        r->ids = json_array();
    while (json_array_size(r->ids) < r->n_samples)
        json_array_append_new(r->ids, json_null());
    json_array_set(r->ids, index, json_object_get(sample, "ids"));
}

enum sw_code sw_run_record_begin(struct sw_run_record *r, json_t *line, size_t n_samples,
                                 struct sw_error *err)
{
    r->line = line;
    r->n_samples = n_samples;
    r->has_blocks = json_object_get(json_object_get(line, "plan"), "blocks") != NULL;
    enum sw_code code = r->resume ? take_up(r, err) : SW_OK;
    if (code == SW_OK)
        code = sw_journal_append(r->journal, r->line, err);
    if (code == SW_OK)
        code = sw_summary_create(&r->summary, r->line, err);
    if (r->is_done == NULL)
        return code;
    for (size_t i = 0; i < json_array_size(r->earlier.windows) && code == SW_OK; i++)
        code = sw_summary_add_window(r->summary, json_array_get(r->earlier.windows, i), err);
    for (size_t i = 0; i < json_array_size(r->earlier.samples) && code == SW_OK; i++) {
        code = sw_summary_add(r->summary, json_array_get(r->earlier.samples, i), err);
        if (code == SW_OK)
            keep_ids(r, json_array_get(r->earlier.samples, i));
    }
    if (code == SW_OK)
        sw_summary_begin_stretch(r->summary);
    return code;
}

size_t sw_run_record_begin_block(struct sw_run_record *r, size_t block)
{
    if (r->is_done == NULL)
        return 0;
    return sw_resume_mark(&r->earlier, block, r->is_done, r->n_samples);
}

enum sw_code sw_run_record_sync(struct sw_run_record *r, struct sw_error *err)
{
    return sw_journal_sync_if_due(r->journal, err);
}

enum sw_code sw_run_record_sample(struct sw_run_record *r, const json_t *line, struct sw_error *err)
{
    enum sw_code code = sw_journal_append(r->journal, line, err);
    if (code == SW_OK)
        code = sw_summary_add(r->summary, line, err);
    if (code == SW_OK)
        keep_ids(r, line);
    return code;
}

enum sw_code sw_run_record_window(struct sw_run_record *r, const json_t *line, struct sw_error *err)
{
    enum sw_code code = sw_journal_append(r->journal, line, err);
    return code == SW_OK ? sw_summary_add_window(r->summary, line, err) : code;
}

enum sw_code sw_run_record_quality(struct sw_run_record *r, const json_t *line,
                                   struct sw_error *err)
{
    enum sw_code code = sw_journal_append(r->journal, line, err);
    return code == SW_OK ? sw_summary_add_quality(r->summary, line, err) : code;
}

enum sw_code sw_run_record_end(struct sw_run_record *r, const json_t *line, struct sw_error *err)
{
    enum sw_code code = sw_journal_append(r->journal, line, err);
    return code == SW_OK ? sw_journal_sync(r->journal, err) : code;
}

void sw_run_record_close(struct sw_run_record *r)
{
    sw_summary_destroy(r->summary);
    json_decref(r->line);
    json_decref(r->ids);
    sw_resume_free(&r->earlier);
    sw_journal_close(r->journal);
    free(r->is_done);
}
