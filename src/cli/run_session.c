#include "cli/run_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench/idle.h"
#include "bench/phase.h"
#include "bench/profile.h"
#include "bench/run_line.h"
#include "bench/study.h"
#include "bench/warm_up.h"
#include "build_info.h"
#include "cli/interrupt.h"
#include "cli/run_record.h"
#include "cli/sources.h"
#include "cli/terminal.h"

struct sw_run_session {
    struct sw_run_options options;
    struct sw_profile profile; /* the one named, with what options changed of it */
    struct sw_progress progress;
    struct sw_carbon_factor factor;
    char *model_path, *model_name;
    struct sw_engine_parts parts;
    struct sw_engine *engine;
    struct sw_dataset dataset;
    struct sw_prompt_template prompt_template;
    size_t *indices;                 /* (n_samples) */
    size_t n_samples;                /* of a block */
    size_t *order;                   /* (n_samples) of the block under way */
    size_t batch;                    /* sequences at once */
    struct sw_study_prompt *prompts; /* (n_samples) */
    struct sw_meter_set *meters;
    struct sw_meter_sampler *sampler; /* beside the edges, from load to end */
    struct sw_conditions_reader *conditions;
    struct sw_snapshot load_begin, load_end;
    struct sw_opening opening;
    json_t *warm_up; /* what it came to; NULL: none, or given away */
    struct sw_run_record record;
    size_t block;      /* under way */
    size_t n_in_block; /* samples of it that are done */
    const char *stopped_by;
    size_t n_windows;                     /* in the record */
    double window_tokens, window_seconds; /* of a batch, for the progress */
};

static bool choose_profile(struct sw_run_session *s)
{
    const struct sw_run_options *o = &s->options;
    const struct sw_profile *named = sw_profile_find(o->profile);
    if (named == NULL)
        return false;
    struct sw_profile *p = &s->profile;
    *p = *named;
    if (o->samples_given)
        p->samples = o->samples;
    if (o->warm_up_given)
        p->warm_up = (size_t)o->warm_up;
    if (o->idle_given)
        p->idle_s = o->idle_s;
    if (o->time_limit_given)
        p->time_limit_s = o->time_limit_s;
    if (o->blocks_given) {
        p->min_blocks = p->max_blocks = (size_t)o->blocks;
        p->target = 0;
    }
    return true;
}

static enum sw_code choose_questions(struct sw_run_session *s, struct sw_error *err)
{
    const struct sw_run_options *o = &s->options;
    size_t available = s->dataset.n_questions;
    if (o->samples > available && o->samples_given)
        return sw_fail(err, SW_EUSAGE, "--samples: %llu are asked for, %s has %zu questions",
                       (unsigned long long)o->samples, s->dataset.name, available);
    s->n_samples = s->profile.samples < available ? s->profile.samples : available;
    s->indices = calloc(s->n_samples, sizeof *s->indices);
    s->order = calloc(s->n_samples, sizeof *s->order);
    if (s->indices == NULL || s->order == NULL)
        return sw_fail(err, SW_ENOMEM, "questions: out of memory");
    s->batch = (size_t)o->batch < s->n_samples ? (size_t)o->batch : s->n_samples;
    if (s->batch < o->batch && o->batch > 1)
        sw_say("--batch %llu: there are %zu questions, so %zu run at once",
               (unsigned long long)o->batch, s->n_samples, s->batch);
    sw_dataset_select(s->indices, s->n_samples, available, o->seed_given, o->seed);
    return SW_OK;
}

/* Everything that needs no weights: a mistake there is told before minutes of loading. */
static enum sw_code prepare(struct sw_run_session *s, struct sw_error *err)
{
    struct sw_run_options *o = &s->options;
    enum sw_code code = SW_OK;
    if (!choose_profile(s))
        code = sw_fail(err, SW_EUSAGE, "--profile: \"%s\" is not one of %s", o->profile,
                       sw_profile_names());
    if (code == SW_OK)
        code = sw_carbon_find(&s->factor, &o->place, err);
    if (code == SW_OK)
        code = sw_prompt_template_create(&s->prompt_template, o->prompt_template, o->stops.items,
                                         o->stops.n, err);
    o->engine.gpu = o->meter.gpu;
    if (code == SW_OK)
        code = sw_engine_parts_begin(&s->parts, &o->engine, err);
    if (code == SW_OK)
        code =
            sw_meter_choice_open(&s->meters, &o->meter, sw_engine_choice_uses_gpu(&o->engine), err);
    if (code == SW_OK)
        code = sw_conditions_open(&s->conditions, o->meter.sysfs_root, err);
    if (code == SW_OK)
        sw_conditions_watch_gpu(s->conditions, s->meters);
    if (code == SW_OK)
        code = sw_resolve_model(&s->model_path, &s->model_name, o->engine.model_name,
                                o->engine.revision, &s->progress, err);
    if (code == SW_OK)
        code = sw_resolve_dataset(&s->dataset, o->dataset_name, o->dataset_split, &o->fields,
                                  sw_model_name_is_synthetic(s->model_path), &s->progress, err);
    if (code == SW_OK)
        code = choose_questions(s, err);
    if (code == SW_OK)
        code = sw_run_record_open(&s->record, o->journal, o->resume, err);
    return code;
}

/* From the checkpoint to ready for the first token: weights, tokenizer, prompts, packing. */
static enum sw_code load(struct sw_run_session *s, struct sw_error *err)
{
    const struct sw_run_options *o = &s->options;
    size_t longest = 0;
    if (o->meter.sample_ms > 0) {
        struct sw_meter_sampler_options sampling = {.period_ns = o->meter.sample_ms * 1000000};
        if (sw_meter_sampler_start(&s->sampler, s->meters, &sampling, err) != SW_OK)
            return err->code;
    }
    s->opening.meters = s->meters;
    sw_meter_set_read_at_tick(s->meters, SW_EDGE_WAIT_NS, &s->load_begin);
    enum sw_code code = sw_engine_parts_load(&s->parts, s->model_path, true, err);
    if (code != SW_OK)
        return code;
    const struct sw_config *config = sw_model_config(s->parts.model);
    code = sw_study_prompts_create(&s->prompts, &s->dataset, s->indices, s->n_samples,
                                   &s->prompt_template, s->parts.tokenizer, config->vocab_size,
                                   config->max_positions, &longest, err);
    if (code == SW_OK)
        code = sw_engine_open(&s->engine, s->parts.model,
                              &(struct sw_engine_options){.api = s->parts.api,
                                                          .strategy = s->parts.strategy,
                                                          .pool = s->parts.pool,
                                                          .n_sequences = s->batch,
                                                          .max_prompt_tokens = longest,
                                                          .max_new_tokens = o->max_new_tokens,
                                                          .onnx_graph = s->parts.onnx_graph,
                                                          .gpu = s->parts.gpu,
                                                          .on_stage = sw_opening_on_stage,
                                                          .stage_ctx = &s->opening},
                              err);
    sw_meter_set_read_at_tick(s->meters, SW_EDGE_WAIT_NS, &s->load_end);
    return code;
}

static bool is_interrupted(void *ctx)
{
    (void)ctx;
    return sw_interrupted();
}

static void measure_idle(struct sw_run_session *s, struct sw_idle *out)
{
    if (s->profile.idle_s > 0)
        sw_progress_line(&s->progress, "idle for %g s", s->profile.idle_s);
    sw_idle_measure(out, s->meters, s->profile.idle_s, is_interrupted, s);
}

/* idle is given away. */
static json_t *make_run_line(struct sw_run_session *s, const struct sw_idle *idle)
{
    const struct sw_run_options *o = &s->options;
    json_t *warm_up = s->warm_up;
    s->warm_up = NULL;
    return sw_run_line_create(&(struct sw_run_facts){
        .run_id = s->record.run_id,
        .started_wall_ns = sw_clock_wall_ns(),
        .version = SW_VERSION,
        .commit = SW_COMMIT,
        .cflags = SW_CFLAGS,
        .compiler = __VERSION__,
        .model_name = s->model_name,
        .dataset_split = o->dataset_split,
        .sysfs_root = o->meter.sysfs_root,
        .profile = o->profile,
        .strategy = s->parts.strategy,
        .model = s->parts.model,
        .tokenizer = s->parts.tokenizer,
        .engine = s->engine,
        .pool = s->parts.pool,
        .dataset = &s->dataset,
        .indices = s->indices,
        .n_samples = s->n_samples,
        .random_subset = o->seed_given,
        .seed = o->seed,
        .prompt_template = &s->prompt_template,
        .max_new_tokens = o->max_new_tokens,
        .batch = s->batch,
        .ignore_eos = o->ignore_eos,
        .meters = s->meters,
        .load_begin = &s->load_begin,
        .load_end = &s->load_end,
        .opening = &s->opening,
        .used = &s->profile,
        .order_seed = o->seed,
        .warm_up = warm_up,
        .idle_before = idle->energy,
        .idle_edges = idle->edges,
        .idle_ns = idle->ns,
        .g_per_kwh = sw_place_to_json(&s->factor),
    });
}

static enum sw_code take_window(void *ctx, const json_t *window, struct sw_error *err)
{
    struct sw_run_session *s = ctx;
    s->n_windows++;
    s->window_tokens += json_number_value(json_object_get(window, "n_generated_tokens"));
    s->window_seconds += (json_number_value(json_object_get(window, "end_ns")) -
                          json_number_value(json_object_get(window, "start_ns"))) *
                         1e-9;
    return sw_run_record_window(&s->record, window, err);
}

static enum sw_code take_sample(void *ctx, const json_t *sample, struct sw_error *err)
{
    struct sw_run_session *s = ctx;
    enum sw_code code = sw_run_record_sample(&s->record, sample, err);
    if (code != SW_OK)
        return code;
    size_t n_done = ++s->n_in_block;
    char block[32] = "";
    if (s->profile.max_blocks > 0)
        snprintf(block, sizeof block, "block %zu, ", s->block + 1);
    double n_tokens = json_number_value(json_object_get(sample, "n_generated_tokens"));
    double seconds = (json_number_value(json_object_get(sample, "prefill_ns")) +
                      json_number_value(json_object_get(sample, "decode_ns"))) *
                     1e-9;
    double rate = seconds > 0 ? n_tokens / seconds : 0;
    if (s->window_seconds > 0)
        rate = s->window_tokens / s->window_seconds;
    char tail[64];
    snprintf(tail, sizeof tail, "samples, %s%.1f tokens/s", block, rate);
    if (s->progress.is_terminal)
        sw_progress_bar(&s->progress, n_done, s->n_samples, tail);
    else
        sw_progress_line(&s->progress, "%ssample %zu of %zu: %.0f tokens in %.3f s, %.1f tokens/s",
                         block, n_done, s->n_samples, n_tokens, seconds, rate);
    return SW_OK;
}

static struct sw_study study_of(struct sw_run_session *s)
{
    const struct sw_run_record *record = &s->record;
    return (struct sw_study){
        .run_id = record->run_id,
        .engine = s->engine,
        .tokenizer = s->parts.tokenizer,
        .meters = s->meters,
        .conditions = s->conditions,
        .is_synthetic = sw_model_is_synthetic(s->parts.model),
        .dataset = &s->dataset,
        .prompt_template = &s->prompt_template,
        .prompts = s->prompts,
        .n = s->n_samples,
        .order = s->profile.max_blocks > 0 ? s->order : NULL,
        .has_block = s->profile.max_blocks > 0,
        .repeats_prefill = s->profile.max_blocks > 0,
        .block = s->block,
        .is_done = record->is_done,
        .n_windows_before = s->n_windows,
        .batch = s->batch,
        .max_new_tokens = s->options.max_new_tokens,
        .ignore_eos = s->options.ignore_eos,
        .on_sample = take_sample,
        .on_window = take_window,
        .is_interrupted = is_interrupted,
        .ctx = s,
    };
}

/* Idle, then warm: what is measured next finds the machine at work. */
static enum sw_code begin_record(struct sw_run_session *s, struct sw_error *err)
{
    struct sw_idle idle;
    enum sw_code code = SW_OK;
    measure_idle(s, &idle);
    if (s->profile.warm_up > 0) {
        sw_progress_line(&s->progress, "warming up");
        struct sw_study study = study_of(s);
        code = sw_warm_up_run(&study, s->profile.warm_up, &s->warm_up, err);
    }
    if (code != SW_OK) {
        json_decref(idle.energy);
        json_decref(idle.edges);
        return code;
    }
    json_t *line = make_run_line(s, &idle);
    if (line == NULL)
        return sw_fail(err, SW_ENOMEM, "record: out of memory");
    code = sw_run_record_begin(&s->record, line, s->n_samples, err);
    if (s->record.is_done != NULL)
        s->n_windows = json_array_size(s->record.earlier.windows);
    return code;
}

enum sw_code sw_run_session_open(struct sw_run_session **out, const struct sw_run_options *options,
                                 struct sw_error *err)
{
    struct sw_run_session *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL)
        return sw_fail(err, SW_ENOMEM, "run: out of memory");
    s->options = *options;
    sw_progress_begin(&s->progress, options->quiet);
    enum sw_code code = prepare(s, err);
    if (code == SW_OK) {
        sw_progress_line(&s->progress, "loading %s", s->model_name);
        code = load(s, err);
    }
    if (code == SW_OK)
        code = begin_record(s, err);
    sw_progress_end(&s->progress);
    if (code == SW_OK)
        *out = s;
    else
        sw_run_session_close(s);
    return code;
}

enum sw_code sw_run_session_block(struct sw_run_session *s, size_t block, struct sw_error *err)
{
    s->block = block;
    s->n_in_block = sw_run_record_begin_block(&s->record, block);
    if (s->n_in_block == s->n_samples)
        return SW_OK;
    sw_profile_order(s->order, s->n_samples, s->options.seed, block);
    struct sw_study study = study_of(s);
    sw_progress_begin(&s->progress, s->options.quiet);
    enum sw_code code = sw_study_run(&study, err);
    sw_progress_end(&s->progress);
    return code == SW_OK ? sw_run_record_sync(&s->record, err) : code;
}

enum sw_code sw_run_session_precision(const struct sw_run_session *s, struct sw_precision *out,
                                      struct sw_error *err)
{
    return sw_summary_precision(s->record.summary, out, err);
}

enum sw_code sw_run_session_blocks(struct sw_run_session *s, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    if (s->profile.max_blocks == 0)
        return sw_run_session_block(s, 0, err);
    for (size_t block = 0; code == SW_OK; block++) {
        struct sw_precision precision;
        code = sw_run_session_block(s, block, err);
        if (code == SW_OK)
            code = sw_run_session_precision(s, &precision, err);
        if (code != SW_OK)
            return code;
        enum sw_stop stop = sw_profile_stop(&s->profile, block + 1, &precision.interval,
                                            sw_summary_seconds(s->record.summary));
        if (stop == SW_GO_ON_BLOCKS)
            continue;
        s->stopped_by = sw_stop_name(stop);
        return SW_OK;
    }
    return code;
}

void sw_run_session_progress(const struct sw_run_session *s, size_t *n_done, size_t *n_planned,
                             bool *has_blocks)
{
    *has_blocks = s->profile.max_blocks > 0;
    *n_done = sw_summary_n_samples(s->record.summary);
    *n_planned = s->n_samples;
}

/* What the sampler did and cost; null where there was none. */
static json_t *end_sampling(struct sw_run_session *s)
{
    if (s->sampler == NULL)
        return json_null();
    struct sw_meter_sampler_report report;
    sw_meter_sampler_stop(s->sampler, &report);
    s->sampler = NULL;
    json_t *sampling = sw_phase_sampling_to_json(&report);
    sw_meter_sampler_report_free(&report);
    return sampling;
}

static enum sw_code take_quality(void *ctx, const json_t *line, struct sw_error *err)
{
    struct sw_run_session *s = ctx;
    return sw_run_record_quality(&s->record, line, err);
}

/* What takes the engine again; nothing of it is measured. */
static enum sw_code look_at_quality(struct sw_run_session *s, struct sw_error *err)
{
    const json_t **ids = calloc(s->n_samples, sizeof *ids);
    if (ids == NULL)
        return sw_fail(err, SW_ENOMEM, "quality: out of memory");
    for (size_t i = 0; i < s->n_samples; i++) {
        const json_t *of_sample = json_array_get(s->record.ids, i);
        ids[i] = json_is_array(of_sample) ? of_sample : NULL;
    }
    enum sw_code code =
        sw_quality_choice_run(&s->options.quality, &s->parts,
                              &(struct sw_quality_plan){
                                  .run_id = s->record.run_id,
                                  .engine = s->engine,
                                  .is_synthetic = sw_model_is_synthetic(s->parts.model),
                                  .tokenizer = s->parts.tokenizer,
                                  .dataset = &s->dataset,
                                  .prompt_template = &s->prompt_template,
                                  .prompts = s->prompts,
                                  .ids = ids,
                                  .n = s->n_samples,
                                  .vocab_size = sw_model_config(s->parts.model)->vocab_size,
                                  .on_line = take_quality,
                                  .is_interrupted = is_interrupted,
                                  .ctx = s,
                              },
                              s->options.max_new_tokens, err);
    free(ids);
    return code;
}

enum sw_code sw_run_session_finish(struct sw_run_session *s, bool interrupted, json_t **record,
                                   struct sw_error *err)
{
    char ended_at[21];
    struct sw_idle idle = {0};
    if (interrupted)
        idle.energy = sw_phase_energy_absent("the run was interrupted");
    else
        measure_idle(s, &idle);
    sw_clock_format_utc(ended_at, sw_clock_wall_ns());
    const char *stopped_by = s->stopped_by != NULL ? s->stopped_by : sw_stop_name(SW_STOP_BLOCKS);
    struct sw_summary_end end = {.interrupted = interrupted,
                                 .ended_at = ended_at,
                                 .idle_after = idle.energy,
                                 .idle_edges = idle.edges,
                                 .idle_ns = idle.ns,
                                 .stopped_by = s->profile.max_blocks == 0 ? NULL
                                               : interrupted              ? "interrupted"
                                                                          : stopped_by,
                                 .memory = sw_run_memory_to_json(s->engine, s->parts.model),
                                 .sampling = end_sampling(s)};
    *record = NULL;
    enum sw_code code = interrupted ? SW_OK : look_at_quality(s, err);
    if (code != SW_OK) {
        json_decref(end.idle_after);
        json_decref(end.memory);
        json_decref(end.sampling);
        json_decref(end.idle_edges);
        return code;
    }
    return sw_summary_finish(s->record.summary, &end, record, err);
}

enum sw_code sw_run_session_store(struct sw_run_session *s, const json_t *record,
                                  struct sw_error *err)
{
    return sw_run_record_end(&s->record, record, err);
}

void sw_run_session_close(struct sw_run_session *s)
{
    if (s == NULL)
        return;
    sw_run_record_close(&s->record);
    sw_engine_close(s->engine);
    sw_study_prompts_free(s->prompts, s->n_samples);
    sw_engine_parts_close(&s->parts);
    sw_meter_sampler_stop(s->sampler, NULL);
    sw_meter_set_close(s->meters);
    sw_conditions_close(s->conditions);
    sw_prompt_template_free(&s->prompt_template);
    sw_dataset_free(&s->dataset);
    free(s->indices);
    free(s->order);
    json_decref(s->warm_up);
    free(s->model_path);
    free(s->model_name);
    free(s);
}
