#include "bench/sample.h"

#include "bench/quality.h"
#include "record/journal.h"

enum sw_code sw_answer_watch_begin(struct sw_answer_watch *out, const struct sw_study *study,
                                   struct sw_error *err)
{
    const struct sw_prompt_template *t = study->prompt_template;
    *out =
        (struct sw_answer_watch){.study = study, .watch_text = t->n_stops > 0 || t->cut_at_newline};
    return sw_text_stream_create(&out->stream, study->tokenizer, err);
}

void sw_answer_watch_reset(struct sw_answer_watch *watch)
{
    sw_buffer_clear(&watch->text);
    sw_text_stream_reset(watch->stream);
}

void sw_answer_watch_end(struct sw_answer_watch *watch)
{
    sw_text_stream_destroy(watch->stream);
    sw_buffer_free(&watch->text);
}

enum sw_verdict_on_token sw_answer_watch_token(void *ctx, int32_t id)
{
    struct sw_answer_watch *watch = ctx;
    const struct sw_study *study = watch->study;
    if (study->is_interrupted != NULL && study->is_interrupted(study->ctx))
        return SW_STOP_HERE_INTERRUPTED;
    if (!watch->watch_text || sw_text_stream_push(watch->stream, id, &watch->text, NULL) != SW_OK)
        return SW_GO_ON;
    return sw_prompt_is_finished(study->prompt_template,
                                 watch->text.data != NULL ? watch->text.data : "", watch->text.size)
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

/* {"text", "answer", "quality"}: special tokens left out, as the study printed. */
static enum sw_code put_text(json_t *line, const struct sw_study *study, size_t question,
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
        json_t *quality = NULL;
        code = sw_quality_of_answer(&quality, &study->dataset->questions[question],
                                    answer.data != NULL ? answer.data : "", answer.size,
                                    study->is_synthetic, err);
        json_object_set_new(line, "quality", quality);
    }
    sw_buffer_free(&text);
    sw_buffer_free(&answer);
    return code;
}

enum sw_code sw_sample_to_json(json_t **out, const struct sw_study *study, size_t index,
                               const struct sw_generation *g, struct sw_error *err)
{
    *out = NULL;
    const struct sw_study_prompt *prompt = &study->prompts[index];
    json_t *line = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "schema_version",
        SW_SCHEMA_VERSION, "type", "sample", "run_id", study->run_id, "index", (json_int_t)index,
        "question_id", study->dataset->questions[prompt->question].id, "n_prompt_tokens",
        (json_int_t)prompt->ids.n, "n_generated_tokens", (json_int_t)g->n_ids, "stop_reason",
        sw_stop_reason_name(g->stop_reason), "start_ns", (json_int_t)g->start_ns, "prefill_end_ns",
        (json_int_t)g->prefill_end_ns, "decode_start_ns", (json_int_t)g->decode_start_ns, "end_ns",
        (json_int_t)g->end_ns, "prefill_ns", (json_int_t)(g->prefill_end_ns - g->start_ns),
        "decode_ns", (json_int_t)(g->end_ns - g->decode_start_ns));
    if (line == NULL)
        return sw_fail(err, SW_ENOMEM, "sample %zu: cannot be recorded", index + 1);
    if (study->has_block)
        json_object_set_new(line, "block", json_integer((json_int_t)study->block));
    enum sw_code code = put_text(line, study, prompt->question, g, err);
    if (code != SW_OK) {
        json_decref(line);
        return code;
    }
    json_object_set_new(line, "prompt_ids", ids_to_json(prompt->ids.data, prompt->ids.n));
    json_object_set_new(line, "ids", ids_to_json(g->ids, g->n_ids));
    json_object_set_new(line, "stamps_ns", stamps_to_json(g->stamps_ns, g->n_ids));
    *out = line;
    return SW_OK;
}
