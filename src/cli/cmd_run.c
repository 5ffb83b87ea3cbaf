/*
 * run: one model, backend, strategy and data set; every answer measured; the summary and one
 * record. The steps stand in the order in which they happen in run_study() at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "bench/phase.h"
#include "bench/run_line.h"
#include "bench/study.h"
#include "build_info.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/meter_options.h"
#include "cli/place_options.h"
#include "cli/quality_options.h"
#include "cli/sources.h"
#include "cli/terminal.h"
#include "record/journal.h"
#include "record/resume.h"
#include "record/summary.h"
#include "record/verdict.h"
#include "report/run_report.h"

struct run_options {
    struct sw_engine_choice engine;
    struct sw_meter_choice meter;
    struct sw_carbon_options place;
    struct sw_dataset_options fields;
    struct sw_quality_choice quality;
    const char *require;
    const char *profile, *dataset_name, *dataset_split, *prompt_template, *format, *journal;
    struct sw_texts stops;
    uint64_t samples, seed, max_new_tokens, batch;
    double idle_s;
    bool seed_given, samples_given, ignore_eos, resume, quiet;
};

struct run {
    struct run_options options;
    enum sw_format format;
    char run_id[17];
    struct sw_progress progress;
    struct sw_carbon_factor factor;
    char *model_path, *model_name;
    struct sw_engine_parts parts;
    struct sw_engine *engine;
    struct sw_dataset dataset;
    struct sw_prompt_template prompt_template;
    size_t *indices; /* (n_samples) */
    size_t n_samples;
    size_t batch;                    /* sequences at once */
    struct sw_study_prompt *prompts; /* (n_samples) */
    struct sw_meter_set *meters;
    struct sw_meter_sampler *sampler; /* beside the edges, from load to end */
    struct sw_conditions_reader *conditions;
    enum sw_verdict_level required, verdict; /* asked for, and given */
    json_t *ids;                             /* array: each answer's, null where there is none */
    struct sw_snapshot load_begin, load_end;
    struct sw_journal *journal;
    struct sw_resume earlier; /* what --resume found */
    struct sw_summary *summary;
    json_t *line;                         /* the `run` line */
    bool *is_done;                        /* (n_samples) by an earlier run; NULL: none */
    double window_tokens, window_seconds; /* of a batch, for the progress */
};

static enum sw_code choose_questions(struct run *r, struct sw_error *err)
{
    const struct run_options *o = &r->options;
    size_t available = r->dataset.n_questions;
    if (o->samples > available && o->samples_given)
        return sw_fail(err, SW_EUSAGE, "--samples: %llu are asked for, %s has %zu questions",
                       (unsigned long long)o->samples, r->dataset.name, available);
    r->n_samples = o->samples < available ? (size_t)o->samples : available;
    r->indices = calloc(r->n_samples, sizeof *r->indices);
    if (r->indices == NULL)
        return sw_fail(err, SW_ENOMEM, "questions: out of memory");
    r->batch = (size_t)o->batch < r->n_samples ? (size_t)o->batch : r->n_samples;
    if (r->batch < o->batch && o->batch > 1)
        sw_say("--batch %llu: there are %zu questions, so %zu run at once",
               (unsigned long long)o->batch, r->n_samples, r->batch);
    sw_dataset_select(r->indices, r->n_samples, available, o->seed_given, o->seed);
    return SW_OK;
}

/* Everything that needs no weights: a mistake there is told before minutes of loading. */
static enum sw_code prepare(struct run *r, struct sw_error *err)
{
    struct run_options *o = &r->options;
    enum sw_code code = sw_format_parse(&r->format, o->format, err);
    if (code == SW_OK && strcmp(o->profile, "study") != 0)
        code =
            sw_fail(err, SW_EUSAGE, "--profile: only \"study\" is built, not \"%s\"", o->profile);
    r->required = SW_INVALID;
    if (code == SW_OK && o->require != NULL && !sw_verdict_parse(&r->required, o->require))
        code = sw_fail(err, SW_EUSAGE, "--require: \"%s\" is neither VALID nor INFORMATIVE",
                       o->require);
    if (code == SW_OK)
        code = sw_carbon_find(&r->factor, &o->place, err);
    if (code == SW_OK)
        code = sw_prompt_template_create(&r->prompt_template, o->prompt_template, o->stops.items,
                                         o->stops.n, err);
    if (code == SW_OK)
        code = sw_engine_parts_begin(&r->parts, &o->engine, err);
    if (code == SW_OK)
        code = sw_meter_choice_open(&r->meters, &o->meter,
                                    strcmp(o->engine.backend, "base_gpu") == 0 ||
                                        strcmp(o->engine.backend, "onnx_gpu") == 0,
                                    err);
    if (code == SW_OK)
        code = sw_conditions_open(&r->conditions, o->meter.sysfs_root, err);
    if (code == SW_OK)
        code = sw_resolve_model(&r->model_path, &r->model_name, o->engine.model_name,
                                o->engine.revision, &r->progress, err);
    if (code == SW_OK)
        code = sw_resolve_dataset(&r->dataset, o->dataset_name, o->dataset_split, &o->fields,
                                  sw_model_name_is_synthetic(r->model_path), &r->progress, err);
    if (code == SW_OK)
        code = choose_questions(r, err);
    return code;
}

/* From the checkpoint to ready for the first token: weights, tokenizer, prompts, packing. */
static enum sw_code load(struct run *r, struct sw_error *err)
{
    const struct run_options *o = &r->options;
    size_t longest = 0;
    if (o->meter.sample_ms > 0) {
        struct sw_meter_sampler_options sampling = {.period_ns = o->meter.sample_ms * 1000000};
        if (sw_meter_sampler_start(&r->sampler, r->meters, &sampling, err) != SW_OK)
            return err->code;
    }
    sw_meter_set_read_at_tick(r->meters, SW_EDGE_WAIT_NS, &r->load_begin);
    enum sw_code code = sw_engine_parts_load(&r->parts, r->model_path, true, err);
    if (code != SW_OK)
        return code;
    const struct sw_config *config = sw_model_config(r->parts.model);
    code = sw_study_prompts_create(&r->prompts, &r->dataset, r->indices, r->n_samples,
                                   &r->prompt_template, r->parts.tokenizer, config->vocab_size,
                                   config->max_positions, &longest, err);
    if (code == SW_OK)
        code = sw_engine_open(&r->engine, r->parts.model,
                              &(struct sw_engine_options){.api = r->parts.api,
                                                          .strategy = r->parts.strategy,
                                                          .pool = r->parts.pool,
                                                          .n_sequences = r->batch,
                                                          .max_prompt_tokens = longest,
                                                          .max_new_tokens = o->max_new_tokens},
                              err);
    sw_meter_set_read_at_tick(r->meters, SW_EDGE_WAIT_NS, &r->load_end);
    return code;
}

/* Energy of doing nothing with the model loaded, or absent where nobody asked for it. */
static json_t *measure_idle(struct run *r)
{
    if (r->options.idle_s <= 0)
        return sw_phase_energy_absent("not measured: --idle_seconds is 0");
    struct sw_snapshot begin;
    struct sw_snapshot end;
    sw_meter_set_read_at_tick(r->meters, SW_EDGE_WAIT_NS, &begin);
    uint64_t deadline_ns = sw_clock_ns() + (uint64_t)(r->options.idle_s * 1e9);
    while (sw_clock_ns() < deadline_ns && !sw_interrupted()) {
        uint64_t step_ns = sw_clock_ns() + 100000000;
        sw_clock_sleep_until(step_ns < deadline_ns ? step_ns : deadline_ns);
    }
    sw_meter_set_read_at_tick(r->meters, SW_EDGE_WAIT_NS, &end);
    return sw_phase_energy_to_json(r->meters, &begin, &end);
}

static json_t *make_run_line(struct run *r)
{
    const struct run_options *o = &r->options;
    return sw_run_line_create(&(struct sw_run_facts){
        .run_id = r->run_id,
        .started_wall_ns = sw_clock_wall_ns(),
        .version = SW_VERSION,
        .commit = SW_COMMIT,
        .cflags = SW_CFLAGS,
        .compiler = __VERSION__,
        .model_name = r->model_name,
        .dataset_split = o->dataset_split,
        .sysfs_root = o->meter.sysfs_root,
        .profile = o->profile,
        .strategy = r->parts.strategy,
        .model = r->parts.model,
        .tokenizer = r->parts.tokenizer,
        .engine = r->engine,
        .pool = r->parts.pool,
        .dataset = &r->dataset,
        .indices = r->indices,
        .n_samples = r->n_samples,
        .random_subset = o->seed_given,
        .seed = o->seed,
        .prompt_template = &r->prompt_template,
        .max_new_tokens = o->max_new_tokens,
        .batch = r->batch,
        .ignore_eos = o->ignore_eos,
        .meters = r->meters,
        .load_begin = &r->load_begin,
        .load_end = &r->load_end,
        .idle_before = measure_idle(r),
        .g_per_kwh = sw_place_to_json(&r->factor),
    });
}

/* Finds the run to go on with, if there is one whose plan equals ours. */
static enum sw_code take_up(struct run *r, struct sw_error *err)
{
    const char *path = r->options.journal;
    enum sw_code code = sw_resume_find(&r->earlier, path, err);
    if (code == SW_EABSENT) {
        sw_say("%s is not there: nothing to resume, the run begins anew", path);
        return SW_OK;
    }
    if (code != SW_OK)
        return code;
    if (r->earlier.n_skipped_lines > 0)
        sw_say("%zu lines skipped: %s", r->earlier.n_skipped_lines, r->earlier.first_skipped.text);
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
    r->is_done = calloc(r->n_samples, sizeof *r->is_done);
    if (r->is_done == NULL)
        return sw_fail(err, SW_ENOMEM, "record: out of memory");
    size_t n_done = sw_resume_mark(&r->earlier, r->is_done, r->n_samples);
    const char *run_id = json_string_value(json_object_get(run, "run_id"));
    if (n_done == 0 || n_done >= r->n_samples || run_id == NULL) {
        sw_say("the last run in %s %s: the run begins anew", path,
               n_done >= r->n_samples ? "is complete" : "finished no sample");
        free(r->is_done);
        r->is_done = NULL;
        return SW_OK;
    }
    snprintf(r->run_id, sizeof r->run_id, "%s", run_id);
    json_object_set_new(r->line, "run_id", json_string(r->run_id));
    json_object_set_new(r->line, "resumed_at_sample", json_integer((json_int_t)n_done));
    sw_say("going on with run %s after %zu of %zu samples", r->run_id, n_done, r->n_samples);
    return SW_OK;
}

/* For what is looked at after the run. */
static void keep_ids(struct run *r, const json_t *sample)
{
    size_t index = (size_t)json_integer_value(json_object_get(sample, "index"));
    if (r->ids == NULL)
        r->ids = json_array();
    while (json_array_size(r->ids) < r->n_samples)
        json_array_append_new(r->ids, json_null());
    json_array_set(r->ids, index, json_object_get(sample, "ids"));
}

/* Journal and summary; of a resumed run, the summary begins with the samples it has. */
static enum sw_code begin_record(struct run *r, struct sw_error *err)
{
    bool torn = false;
    sw_run_id_create(r->run_id);
    r->line = make_run_line(r);
    if (r->line == NULL)
        return sw_fail(err, SW_ENOMEM, "record: out of memory");
    enum sw_code code = r->options.resume ? take_up(r, err) : SW_OK;
    if (code == SW_OK)
        code = sw_journal_open(&r->journal, r->options.journal, &torn, err);
    if (code != SW_OK)
        return code;
    if (torn)
        sw_say("%s: its last line is torn, from a crash or a full disk; it is skipped",
               r->options.journal);
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

static enum sw_code take_window(void *ctx, const json_t *window, struct sw_error *err)
{
    struct run *r = ctx;
    enum sw_code code = sw_journal_append(r->journal, window, err);
    if (code == SW_OK)
        code = sw_summary_add_window(r->summary, window, err);
    r->window_tokens += json_number_value(json_object_get(window, "n_generated_tokens"));
    r->window_seconds += (json_number_value(json_object_get(window, "end_ns")) -
                          json_number_value(json_object_get(window, "start_ns"))) *
                         1e-9;
    return code;
}

static enum sw_code take_sample(void *ctx, const json_t *sample, struct sw_error *err)
{
    struct run *r = ctx;
    enum sw_code code = sw_journal_append(r->journal, sample, err);
    if (code != SW_OK)
        return code;
    code = sw_summary_add(r->summary, sample, err);
    if (code != SW_OK)
        return code;
    keep_ids(r, sample);
    size_t n_done = sw_summary_n_samples(r->summary);
    double n_tokens = json_number_value(json_object_get(sample, "n_generated_tokens"));
    double seconds = (json_number_value(json_object_get(sample, "prefill_ns")) +
                      json_number_value(json_object_get(sample, "decode_ns"))) *
                     1e-9;
    double rate = seconds > 0 ? n_tokens / seconds : 0;
    if (r->window_seconds > 0)
        rate = r->window_tokens / r->window_seconds;
    char tail[64];
    snprintf(tail, sizeof tail, "samples, %.1f tokens/s", rate);
    if (r->progress.is_terminal)
        sw_progress_bar(&r->progress, n_done, r->n_samples, tail);
    else
        sw_progress_line(&r->progress, "sample %zu of %zu: %.0f tokens in %.3f s, %.1f tokens/s",
                         n_done, r->n_samples, n_tokens, seconds, rate);
    return SW_OK;
}

static bool is_interrupted(void *ctx)
{
    (void)ctx;
    return sw_interrupted();
}

static json_t *memory_to_json(const struct run *r)
{
    struct rusage usage;
    struct sw_backend_info info;
    sw_engine_describe(r->engine, &info);
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return NULL;
    /* ru_maxrss counts KiB (getrusage(2)), mapped weights that were read included. */
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "peak_rss_bytes",
                     (json_int_t)usage.ru_maxrss * 1024, "model_bytes",
                     (json_int_t)sw_model_weight_bytes(r->parts.model), "packed_bytes",
                     (json_int_t)info.packed_bytes, "cache_bytes", (json_int_t)info.cache_bytes,
                     "scratch_bytes", (json_int_t)info.scratch_bytes);
}

/* What the sampler did and cost; null where there was none. */
static json_t *end_sampling(struct run *r)
{
    if (r->sampler == NULL)
        return json_null();
    struct sw_meter_sampler_report report;
    sw_meter_sampler_stop(r->sampler, &report);
    r->sampler = NULL;
    json_t *sampling = sw_phase_sampling_to_json(&report);
    sw_meter_sampler_report_free(&report);
    return sampling;
}

static enum sw_code take_quality(void *ctx, const json_t *line, struct sw_error *err)
{
    struct run *r = ctx;
    enum sw_code code = sw_journal_append(r->journal, line, err);
    return code == SW_OK ? sw_summary_add_quality(r->summary, line, err) : code;
}

/* What takes the engine again; nothing of it is measured. */
static enum sw_code look_at_quality(struct run *r, struct sw_error *err)
{
    const json_t **ids = calloc(r->n_samples, sizeof *ids);
    if (ids == NULL)
        return sw_fail(err, SW_ENOMEM, "quality: out of memory");
    for (size_t i = 0; i < r->n_samples; i++) {
        const json_t *of_sample = json_array_get(r->ids, i);
        ids[i] = json_is_array(of_sample) ? of_sample : NULL;
    }
    enum sw_code code =
        sw_quality_choice_run(&r->options.quality, &r->parts,
                              &(struct sw_quality_plan){
                                  .run_id = r->run_id,
                                  .engine = r->engine,
                                  .is_synthetic = sw_model_is_synthetic(r->parts.model),
                                  .tokenizer = r->parts.tokenizer,
                                  .dataset = &r->dataset,
                                  .prompt_template = &r->prompt_template,
                                  .prompts = r->prompts,
                                  .ids = ids,
                                  .n = r->n_samples,
                                  .vocab_size = sw_model_config(r->parts.model)->vocab_size,
                                  .on_line = take_quality,
                                  .is_interrupted = is_interrupted,
                                  .ctx = r,
                              },
                              r->options.max_new_tokens, err);
    free(ids);
    return code;
}

/* The `end` line into the journal, the record or summary to standard output. */
static enum sw_code finish(struct run *r, bool interrupted, struct sw_error *err)
{
    char ended_at[21];
    json_t *record = NULL;
    struct sw_buffer text = {0};
    json_t *idle_after =
        interrupted ? sw_phase_energy_absent("the run was interrupted") : measure_idle(r);
    sw_clock_format_utc(ended_at, sw_clock_wall_ns());
    struct sw_summary_end end = {.interrupted = interrupted,
                                 .ended_at = ended_at,
                                 .idle_after = idle_after,
                                 .memory = memory_to_json(r),
                                 .sampling = end_sampling(r)};
    enum sw_code code = interrupted ? SW_OK : look_at_quality(r, err);
    if (code == SW_OK)
        code = sw_summary_finish(r->summary, &end, &record, err);
    if (code == SW_OK) {
        const json_t *verdict = json_object_get(record, "verdict");
        sw_verdict_parse(&r->verdict, json_string_value(json_object_get(verdict, "row")));
        sw_run_report_write(&text, r->format, record);
        code = text.failed ? sw_fail(err, SW_ENOMEM, "summary: out of memory") : SW_OK;
    }
    if (code == SW_OK) {
        /* Printed first: a disk that is full now must not take the figures along. */
        fwrite(text.data, 1, text.size, stdout);
        code = sw_journal_append(r->journal, record, err);
    }
    if (code == SW_OK)
        code = sw_journal_sync(r->journal, err);
    sw_buffer_free(&text);
    json_decref(record);
    return code;
}

static enum sw_code run_study(struct run *r, struct sw_error *err)
{
    enum sw_code code = prepare(r, err);
    if (code == SW_OK) {
        sw_progress_line(&r->progress, "loading %s", r->model_name);
        code = load(r, err);
    }
    if (code == SW_OK)
        code = begin_record(r, err);
    if (code != SW_OK)
        return code;
    sw_progress_begin(&r->progress, r->options.quiet);
    struct sw_study study = {
        .run_id = r->run_id,
        .engine = r->engine,
        .tokenizer = r->parts.tokenizer,
        .meters = r->meters,
        .conditions = r->conditions,
        .is_synthetic = sw_model_is_synthetic(r->parts.model),
        .dataset = &r->dataset,
        .prompt_template = &r->prompt_template,
        .prompts = r->prompts,
        .n = r->n_samples,
        .is_done = r->is_done,
        .n_windows_before = r->is_done != NULL ? json_array_size(r->earlier.windows) : 0,
        .batch = r->batch,
        .max_new_tokens = r->options.max_new_tokens,
        .ignore_eos = r->options.ignore_eos,
        .on_sample = take_sample,
        .on_window = take_window,
        .is_interrupted = is_interrupted,
        .ctx = r,
    };
    code = sw_study_run(&study, err);
    sw_progress_end(&r->progress);
    size_t n_done = sw_summary_n_samples(r->summary);
    if (code != SW_OK && code != SW_EINTERRUPTED) {
        sw_say("%zu of %zu samples are kept in %s; --resume goes on after them", n_done,
               r->n_samples, r->options.journal);
        return code;
    }
    if (code == SW_EINTERRUPTED) {
        sw_say("interrupted after %zu of %zu samples; --resume goes on", n_done, r->n_samples);
        struct sw_error second = {0};
        if (n_done > 0 && finish(r, true, &second) != SW_OK)
            sw_say("%s", second.text);
        return code;
    }
    return finish(r, false, err);
}

static void close_run(struct run *r)
{
    sw_summary_destroy(r->summary);
    json_decref(r->line);
    sw_resume_free(&r->earlier);
    sw_journal_close(r->journal);
    sw_engine_close(r->engine);
    sw_study_prompts_free(r->prompts, r->n_samples);
    sw_engine_parts_close(&r->parts);
    sw_meter_sampler_stop(r->sampler, NULL);
    sw_meter_set_close(r->meters);
    sw_conditions_close(r->conditions);
    json_decref(r->ids);
    sw_prompt_template_free(&r->prompt_template);
    sw_dataset_free(&r->dataset);
    free(r->indices);
    free(r->is_done);
    free(r->model_path);
    free(r->model_name);
}

static int run_command(int argc, char **argv)
{
    static struct run r;
    struct run_options *o = &r.options;
    *o = (struct run_options){
        .engine = SW_ENGINE_CHOICE_DEFAULT,
        .meter = SW_METER_CHOICE_DEFAULT,
        .place = {.g_per_kwh = -1},
        .profile = "study",
        .dataset_split = "test",
        .prompt_template = "study",
        .format = "table",
        .journal = "smolwatt.jsonl",
        .samples = 50,
        .max_new_tokens = 50,
        .batch = 1,
    };
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
         .help = "study: greedy, one pass (default)"},
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
         .help = "questions to ask (50), the first of the data set unless --seed is given",
         .min = 1,
         .max = 1e9,
         .given = &o->samples_given},
        {.kind = SW_OPTION_COUNT,
         .name = "seed",
         .value = &o->seed,
         .argument = "N",
         .help = "ask a random subset, the same for the same seed",
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
         .value = &o->require,
         .argument = "VERDICT",
         .help = "exit with 3 where the row's verdict is worse: VALID or INFORMATIVE"},
        {.kind = SW_OPTION_REAL,
         .name = "idle_seconds",
         .value = &o->idle_s,
         .argument = "S",
         .help = "measure the loaded, idle machine this long before and after (0)",
         .max = 3600},
        {.kind = SW_OPTION_GROUP, .name = "Carbon"},
        SW_PLACE_OPTIONS(o->place),
        {.kind = SW_OPTION_GROUP, .name = "Output"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &o->format,
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
    sw_progress_begin(&r.progress, o->quiet);
    enum sw_code code = run_study(&r, &err);
    sw_progress_end(&r.progress);
    if (code != SW_OK)
        sw_say("%s", err.text);
    close_run(&r);
    if (code == SW_OK && r.verdict > r.required) {
        sw_say("--require %s: the run is %s", sw_verdict_name(r.required),
               sw_verdict_name(r.verdict));
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
