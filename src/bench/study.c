#include "bench/study.h"

#include <stdlib.h>
#include <string.h>

#include "bench/phase.h"
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

/* State of the sample under way. */
struct sample {
    const struct sw_study *study;
    struct sw_snapshot edges[3]; /* by enum sw_edge */
    struct sw_text_stream *stream;
    struct sw_buffer text; /* generated so far; only kept up if the prompt has a stop rule */
    bool watch_text;
};

static void read_meters(void *ctx, enum sw_edge edge)
{
    struct sample *sample = ctx;
    sw_meter_set_read(sample->study->meters, &sample->edges[edge]);
}

static enum sw_verdict_on_token watch_token(void *ctx, int32_t id)
{
    struct sample *sample = ctx;
    const struct sw_study *study = sample->study;
    if (study->is_interrupted != NULL && study->is_interrupted(study->ctx))
        return SW_STOP_HERE_INTERRUPTED;
    if (!sample->watch_text ||
        sw_text_stream_push(sample->stream, id, &sample->text, NULL) != SW_OK)
        return SW_GO_ON;
    return sw_prompt_is_finished(study->prompt_template,
                                 sample->text.data != NULL ? sample->text.data : "",
                                 sample->text.size)
               ? SW_STOP_HERE_TEXT
               : SW_GO_ON;
}

static json_t *ids_to_json(const int32_t *ids, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer(ids[i]));
    return array;
}

static json_t *stamps_to_json(const uint64_t *stamps_ns, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer((json_int_t)stamps_ns[i]));
    return array;
}

/* {"text", "answer"}: special tokens left out, as the study printed. */
static enum sw_code put_text(json_t *line, const struct sw_study *study,
                             const struct sw_generation *g, struct sw_error *err)
{
    struct sw_buffer text = {0};
    struct sw_buffer answer = {0};
    enum sw_code code = sw_tokenizer_decode(study->tokenizer, g->ids, g->n_ids, false, &text, err);
    if (code == SW_OK) {
        const char *bytes = text.data != NULL ? text.data : "";
        sw_prompt_extract(study->prompt_template, bytes, text.size, &answer);
        json_object_set_new(line, "text", json_stringn(bytes, text.size));
        json_object_set_new(line, "answer",
                            json_stringn(answer.data != NULL ? answer.data : "", answer.size));
    }
    sw_buffer_free(&text);
    sw_buffer_free(&answer);
    return code;
}

static json_t *sample_to_json(const struct sample *sample, size_t index,
                              const struct sw_generation *g, struct sw_error *err)
{
    const struct sw_study *study = sample->study;
    const struct sw_study_prompt *prompt = &study->prompts[index];
    const struct sw_snapshot *edges = sample->edges;
    json_t *line = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "schema_version",
        SW_SCHEMA_VERSION, "type", "sample", "run_id", study->run_id, "index", (json_int_t)index,
        "question_id", study->dataset->questions[prompt->question].id, "n_prompt_tokens",
        (json_int_t)prompt->ids.n, "n_generated_tokens", (json_int_t)g->n_ids, "stop_reason",
        sw_stop_reason_name(g->stop_reason), "start_ns", (json_int_t)g->start_ns, "prefill_end_ns",
        (json_int_t)g->prefill_end_ns, "decode_start_ns", (json_int_t)g->decode_start_ns, "end_ns",
        (json_int_t)g->end_ns, "prefill_ns", (json_int_t)(g->prefill_end_ns - g->start_ns),
        "decode_ns", (json_int_t)(g->end_ns - g->decode_start_ns));
    if (line == NULL || put_text(line, study, g, err) != SW_OK) {
        json_decref(line);
        return NULL;
    }
    json_object_set_new(line, "prompt_ids", ids_to_json(prompt->ids.data, prompt->ids.n));
    json_object_set_new(line, "ids", ids_to_json(g->ids, g->n_ids));
    json_object_set_new(line, "stamps_ns", stamps_to_json(g->stamps_ns, g->n_ids));
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
    return line;
}

static enum sw_code run_sample(struct sample *sample, size_t index, struct sw_error *err)
{
    const struct sw_study *study = sample->study;
    const struct sw_study_prompt *prompt = &study->prompts[index];
    struct sw_generation generation = {0};
    sw_buffer_clear(&sample->text);
    sw_text_stream_reset(sample->stream);
    struct sw_generate_request request = {
        .prompt_ids = prompt->ids.data,
        .n_prompt = prompt->ids.n,
        .max_new_tokens = study->max_new_tokens,
        .ignore_eos = study->ignore_eos,
        .on_edge = read_meters,
        .on_token = watch_token,
        .ctx = sample,
    };
    enum sw_code code = sw_engine_generate(study->engine, &request, &generation, err);
    if (code == SW_OK && generation.stop_reason == SW_STOP_INTERRUPTED)
        code =
            sw_fail(err, SW_EINTERRUPTED, "interrupted in sample %zu of %zu", index + 1, study->n);
    if (code == SW_OK) {
        json_t *line = sample_to_json(sample, index, &generation, err);
        code = line != NULL ? study->on_sample(study->ctx, line, err)
                            : sw_fail(err, SW_ENOMEM, "sample %zu: cannot be recorded", index + 1);
        json_decref(line);
    }
    sw_generation_free(&generation);
    return code;
}

enum sw_code sw_study_run(const struct sw_study *study, struct sw_error *err)
{
    struct sample sample = {
        .study = study,
        .watch_text = study->prompt_template->n_stops > 0 || study->prompt_template->cut_at_newline,
    };
    enum sw_code code = sw_text_stream_create(&sample.stream, study->tokenizer, err);
    for (size_t i = study->first; i < study->n && code == SW_OK; i++) {
        if (study->is_interrupted != NULL && study->is_interrupted(study->ctx))
            code = sw_fail(err, SW_EINTERRUPTED, "interrupted before sample %zu of %zu", i + 1,
                           study->n);
        else
            code = run_sample(&sample, i, err);
    }
    sw_text_stream_destroy(sample.stream);
    sw_buffer_free(&sample.text);
    return code;
}
