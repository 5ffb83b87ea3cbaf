#include "bench/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/conditions.h"
#include "bench/phase.h"
#include "bench/prefill.h"
#include "bench/sample.h"
#include "engine/batch.h"
#include "record/journal.h"

void sw_study_prompts_free(struct sw_study_prompt *prompts, size_t n)
{
    for (size_t i = 0; prompts != NULL && i < n; i++)
        sw_ids_free(&prompts[i].ids);
    free(prompts);
}

static enum sw_code check_ids(const struct sw_ids *ids, const char *question_id, size_t vocab_size,
                              size_t max_tokens, struct sw_error *err)
{
    if (ids->n == 0)
        return sw_fail(err, SW_EFORMAT, "question %s: its prompt has no tokens", question_id);
    if (ids->n > max_tokens)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "question %s: its prompt has %zu tokens, the model only %zu positions",
                       question_id, ids->n, max_tokens);
    for (size_t i = 0; i < ids->n; i++) {
        if (ids->data[i] < 0 || (size_t)ids->data[i] >= vocab_size)
            return sw_fail(err, SW_EFORMAT,
                           "question %s: the tokenizer gives id %d, the model has only %zu ids: "
                           "they do not belong together",
                           question_id, (int)ids->data[i], vocab_size);
    }
    return SW_OK;
}

enum sw_code sw_study_prompts_create(struct sw_study_prompt **out, const struct sw_dataset *dataset,
                                     const size_t *indices, size_t n,
                                     const struct sw_prompt_template *prompt_template,
                                     const struct sw_tokenizer *tokenizer, size_t vocab_size,
                                     size_t max_tokens, size_t *longest, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    struct sw_buffer text = {0};
    *longest = 0;
    *out = calloc(n, sizeof **out);
    if (*out == NULL)
        return sw_fail(err, SW_ENOMEM, "prompts: out of memory");
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        const struct sw_question *question = &dataset->questions[indices[i]];
        struct sw_study_prompt *prompt = &(*out)[i];
        prompt->question = indices[i];
        sw_buffer_clear(&text);
        code = sw_prompt_build(prompt_template, question, &text, err);
        if (code == SW_OK)
            code = sw_tokenizer_encode(tokenizer, text.data != NULL ? text.data : "", text.size,
                                       SW_ENCODE_PLAIN, &prompt->ids, err);
        if (code == SW_OK)
            code = check_ids(&prompt->ids, question->id, vocab_size, max_tokens, err);
        if (prompt->ids.n > *longest)
            *longest = prompt->ids.n;
    }
    sw_buffer_free(&text);
    if (code != SW_OK) {
        sw_study_prompts_free(*out, n);
        *out = NULL;
    }
    return code;
}

static bool is_done(const struct sw_study *study, size_t index)
{
    return study->is_done != NULL && study->is_done[index];
}

/* Which prompt is asked as number k. */
static size_t at(const struct sw_study *study, size_t k)
{
    return study->order != NULL ? study->order[k] : k;
}

/* The sample under way, one at a time. */
struct single {
    struct sw_answer_watch watch; /* first: on_token and on_edge have one context */
    struct sw_snapshot edges[3];  /* by enum sw_edge */
    struct sw_conditions before, after;
    bool has_repeated; /* a prefill of this study */
};

static void read_meters(void *ctx, enum sw_edge edge)
{
    struct single *single = ctx;
    const struct sw_study *study = single->watch.study;
    if (edge == SW_EDGE_BEGIN)
        sw_conditions_read(study->conditions, &single->before);
    sw_meter_set_read_at_tick(study->meters, SW_EDGE_WAIT_NS, &single->edges[edge]);
    if (edge == SW_EDGE_DECODE_END)
        sw_conditions_read(study->conditions, &single->after);
}

static void put_energy(json_t *line, const struct single *single)
{
    const struct sw_study *study = single->watch.study;
    const struct sw_snapshot *edges = single->edges;
    json_object_set_new(
        line, "edges",
        json_pack("{s:o, s:o, s:o}", "begin",
                  sw_phase_edge_to_json(study->meters, &edges[SW_EDGE_BEGIN]), "prefill_end",
                  sw_phase_edge_to_json(study->meters, &edges[SW_EDGE_PREFILL_END]), "decode_end",
                  sw_phase_edge_to_json(study->meters, &edges[SW_EDGE_DECODE_END])));
    json_object_set_new(
        line, "energy",
        json_pack("{s:o, s:o}", "prefill",
                  sw_phase_energy_to_json(study->meters, &edges[SW_EDGE_BEGIN],
                                          &edges[SW_EDGE_PREFILL_END]),
                  "decode",
                  sw_phase_energy_to_json(study->meters, &edges[SW_EDGE_PREFILL_END],
                                          &edges[SW_EDGE_DECODE_END])));
}

/* Behind the sample, outside of its edges: once, since it takes as long as many ticks. */
static enum sw_code repeat_prefill(struct single *single, size_t index, json_t *line,
                                   struct sw_error *err)
{
    const struct sw_study *study = single->watch.study;
    json_t *repeated;
    if (!study->repeats_prefill || single->has_repeated ||
        sw_prefill_open_percent(study->meters, &single->edges[SW_EDGE_BEGIN],
                                &single->edges[SW_EDGE_PREFILL_END]) <= SW_PREFILL_OPEN_PERCENT)
        return SW_OK;
    single->has_repeated = true;
    enum sw_code code = sw_prefill_repeat(study, index, &repeated, err);
    if (code == SW_OK)
        json_object_set_new(line, "prefill_repeated", repeated);
    return code;
}

static enum sw_code run_sample(struct single *single, size_t index, struct sw_error *err)
{
    const struct sw_study *study = single->watch.study;
    const struct sw_study_prompt *prompt = &study->prompts[index];
    struct sw_generation generation = {0};
    sw_answer_watch_reset(&single->watch);
    struct sw_generate_request request = {
        .prompt_ids = prompt->ids.data,
        .n_prompt = prompt->ids.n,
        .max_new_tokens = study->max_new_tokens,
        .ignore_eos = study->ignore_eos,
        .on_edge = read_meters,
        .on_token = sw_answer_watch_token,
        .ctx = single,
    };
    enum sw_code code = sw_engine_generate(study->engine, &request, &generation, err);
    if (code == SW_OK && generation.stop_reason == SW_STOP_INTERRUPTED)
        code =
            sw_fail(err, SW_EINTERRUPTED, "interrupted in sample %zu of %zu", index + 1, study->n);
    json_t *line = NULL;
    if (code == SW_OK)
        code = sw_sample_to_json(&line, study, index, &generation, err);
    if (code == SW_OK) {
        put_energy(line, single);
        json_object_set_new(line, "conditions",
                            sw_conditions_to_json(&single->before, &single->after));
        code = repeat_prefill(single, index, line, err);
    }
    if (code == SW_OK)
        code = study->on_sample(study->ctx, line, err);
    json_decref(line);
    sw_generation_free(&generation);
    return code;
}

static enum sw_code run_one_at_a_time(const struct sw_study *study, struct sw_error *err)
{
    struct single single = {.has_repeated = false};
    enum sw_code code = sw_answer_watch_begin(&single.watch, study, err);
    for (size_t k = 0; k < study->n && code == SW_OK; k++) {
        size_t i = at(study, k);
        if (is_done(study, i))
            continue;
        if (study->is_interrupted != NULL && study->is_interrupted(study->ctx))
            code = sw_fail(err, SW_EINTERRUPTED, "interrupted before sample %zu of %zu", k + 1,
                           study->n);
        else
            code = run_sample(&single, i, err);
    }
    sw_answer_watch_end(&single.watch);
    return code;
}

/* One of the sequences of a batch. */
struct place {
    struct sw_answer_watch watch;
    size_t index;        /* of its prompt */
    size_t first_window; /* that its prompt took part in */
};

/* Many samples under way. */
struct many {
    const struct sw_study *study;
    struct place *places; /* (study->batch) */
    size_t next;          /* in the order of asking */
    size_t n_windows;
    size_t n_interrupted; /* samples that were dropped */
    struct sw_snapshot begin, end;
    struct sw_conditions before, after;
};

static bool next_prompt(void *ctx, size_t place, struct sw_generate_request *request)
{
    struct many *many = ctx;
    const struct sw_study *study = many->study;
    while (many->next < study->n && is_done(study, at(study, many->next)))
        many->next++;
    if (many->next == study->n)
        return false;
    struct place *p = &many->places[place];
    p->index = at(study, many->next++);
    p->first_window = many->n_windows;
    sw_answer_watch_reset(&p->watch);
    *request = (struct sw_generate_request){
        .prompt_ids = study->prompts[p->index].ids.data,
        .n_prompt = study->prompts[p->index].ids.n,
        .max_new_tokens = study->max_new_tokens,
        .ignore_eos = study->ignore_eos,
        .on_token = sw_answer_watch_token,
        .ctx = &p->watch,
    };
    return true;
}

static void begin_window(void *ctx)
{
    struct many *many = ctx;
    sw_conditions_read(many->study->conditions, &many->before);
    sw_meter_set_read_at_tick(many->study->meters, SW_EDGE_WAIT_NS, &many->begin);
}

static enum sw_code end_window(void *ctx, const struct sw_window *window, struct sw_error *err)
{
    struct many *many = ctx;
    const struct sw_study *study = many->study;
    sw_meter_set_read_at_tick(study->meters, SW_EDGE_WAIT_NS, &many->end);
    sw_conditions_read(study->conditions, &many->after);
    json_t *line = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:{s:o, s:o}, s:o, s:o}",
        "schema_version", SW_SCHEMA_VERSION, "type", "window", "run_id", study->run_id, "index",
        (json_int_t)many->n_windows, "phase", sw_window_phase_name(window->phase), "n_sequences",
        (json_int_t)window->n_sequences, "n_prompt_tokens", (json_int_t)window->n_prompt_tokens,
        "n_generated_tokens", (json_int_t)window->n_generated_tokens, "start_ns",
        (json_int_t)window->start_ns, "end_ns", (json_int_t)window->end_ns, "edges", "begin",
        sw_phase_edge_to_json(study->meters, &many->begin), "end",
        sw_phase_edge_to_json(study->meters, &many->end), "energy",
        sw_phase_energy_to_json(study->meters, &many->begin, &many->end), "conditions",
        sw_conditions_to_json(&many->before, &many->after));
    if (line != NULL && study->has_block)
        json_object_set_new(line, "block", json_integer((json_int_t)study->block));
    many->n_windows++;
    enum sw_code code = line != NULL
                            ? study->on_window(study->ctx, line, err)
                            : sw_fail(err, SW_ENOMEM, "window %zu: out of memory", many->n_windows);
    json_decref(line);
    return code;
}

static enum sw_code end_sample(void *ctx, size_t place, const struct sw_generation *generation,
                               struct sw_error *err)
{
    struct many *many = ctx;
    const struct sw_study *study = many->study;
    const struct place *p = &many->places[place];
    char reason[80];
    if (generation->stop_reason == SW_STOP_INTERRUPTED) {
        many->n_interrupted++;
        return SW_OK;
    }
    json_t *line = NULL;
    enum sw_code code = sw_sample_to_json(&line, study, p->index, generation, err);
    if (code != SW_OK)
        return code;
    snprintf(reason, sizeof reason, "shared by a batch of %zu: see the windows", study->batch);
    json_object_set_new(line, "edges", json_null());
    json_object_set_new(line, "conditions", json_null());
    json_object_set_new(line, "energy",
                        json_pack("{s:o, s:o}", "prefill", sw_phase_energy_absent(reason), "decode",
                                  sw_phase_energy_absent(reason)));
    json_object_set_new(line, "first_window", json_integer((json_int_t)p->first_window));
    json_object_set_new(line, "last_window", json_integer((json_int_t)many->n_windows - 1));
    code = study->on_sample(study->ctx, line, err);
    json_decref(line);
    return code;
}

static enum sw_code run_batch(const struct sw_study *study, struct sw_error *err)
{
    struct many many = {.study = study, .n_windows = study->n_windows_before};
    enum sw_code code = SW_OK;
    many.places = calloc(study->batch, sizeof *many.places);
    if (many.places == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory for %zu sequences", study->batch);
    for (size_t i = 0; i < study->batch && code == SW_OK; i++)
        code = sw_answer_watch_begin(&many.places[i].watch, study, err);
    if (code == SW_OK && study->is_interrupted != NULL && study->is_interrupted(study->ctx))
        code = sw_fail(err, SW_EINTERRUPTED, "interrupted before the first sample");
    if (code == SW_OK)
        code = sw_engine_generate_batch(study->engine,
                                        &(struct sw_batch_request){.next = next_prompt,
                                                                   .on_window_begin = begin_window,
                                                                   .on_window_end = end_window,
                                                                   .on_finished = end_sample,
                                                                   .ctx = &many},
                                        err);
    if (code == SW_OK && many.n_interrupted > 0)
        code = sw_fail(err, SW_EINTERRUPTED, "interrupted in %zu samples of %zu",
                       many.n_interrupted, study->n);
    for (size_t i = 0; i < study->batch; i++)
        sw_answer_watch_end(&many.places[i].watch);
    free(many.places);
    return code;
}

enum sw_code sw_study_run(const struct sw_study *study, struct sw_error *err)
{
    return study->batch > 1 ? run_batch(study, err) : run_one_at_a_time(study, err);
}
