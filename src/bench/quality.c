#include "bench/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/score.h"
#include "engine/forced.h"
#include "record/journal.h"

static const char noise[] = "the weights are synthetic: the text is noise";

enum sw_code sw_quality_of_answer(json_t **out, const struct sw_question *question,
                                  const char *answer, size_t size, bool is_synthetic,
                                  struct sw_error *err)
{
    struct sw_score score;
    const char *reason = is_synthetic               ? "the weights are synthetic: the text is noise"
                         : question->n_answers == 0 ? "the question has no reference answer"
                                                    : NULL;
    if (reason != NULL) {
        *out = json_pack("{s:n, s:n, s:n, s:s}", "exact_match", "f1", "contains", "reason", reason);
    } else {
        enum sw_code code = sw_score_answer(
            &score, answer, size, (const char *const *)question->answers, question->n_answers, err);
        if (code != SW_OK)
            return code;
        *out = json_pack("{s:i, s:f, s:i, s:n}", "exact_match", (int)score.exact_match, "f1",
                         score.f1, "contains", (int)score.contains, "reason");
    }
    return *out != NULL ? SW_OK : sw_fail(err, SW_ENOMEM, "quality: out of memory");
}

/* Prompt and reference answer in one, as the model would have to write them: a space between, as
 * the template's "Answer:" asks for. *n_context is how many ids the prompt alone shares with it: a
 * tokenizer may join the last of them with what follows. */
static enum sw_code encode_reference(const struct sw_quality_plan *plan,
                                     const struct sw_study_prompt *prompt, struct sw_ids *ids,
                                     size_t *n_context, struct sw_error *err)
{
    const struct sw_question *question = &plan->dataset->questions[prompt->question];
    struct sw_buffer text = {0};
    enum sw_code code = sw_prompt_build(plan->prompt_template, question, &text, err);
    if (code == SW_OK) {
        bool has_space = text.size > 0 && strchr(" \t\n", text.data[text.size - 1]) != NULL;
        sw_buffer_puts(&text, has_space ? "" : " ");
        sw_buffer_puts(&text, question->answers[0]);
        code = text.failed ? sw_fail(err, SW_ENOMEM, "quality: out of memory")
                           : sw_tokenizer_encode(plan->tokenizer, text.data, text.size,
                                                 SW_ENCODE_PLAIN, ids, err);
    }
    size_t n = 0;
    while (code == SW_OK && n < ids->n && n < prompt->ids.n && ids->data[n] == prompt->ids.data[n])
        n++;
    *n_context = n;
    sw_buffer_free(&text);
    return code;
}

/* {"reference_nll", "n_reference_tokens", "reference_reason"}: nats of the reference's tokens. */
static enum sw_code put_reference(json_t *line, const struct sw_quality_plan *plan,
                                  const struct sw_study_prompt *prompt, struct sw_error *err)
{
    struct sw_ids ids = {0};
    size_t n_context = 0, n = 0;
    double nll = 0;
    struct sw_error why = {0};
    enum sw_code code = SW_OK;
    if (!plan->perplexity)
        sw_fail(&why, SW_EABSENT, "not asked for: --perplexity");
    else if (plan->is_synthetic)
        sw_fail(&why, SW_EABSENT, "%s", noise);
    else if (plan->dataset->questions[prompt->question].n_answers == 0)
        sw_fail(&why, SW_EABSENT, "the question has no reference answer");
    else
        code = encode_reference(plan, prompt, &ids, &n_context, err);
    if (code == SW_OK && why.code == SW_OK && (n_context == 0 || n_context == ids.n))
        sw_fail(&why, SW_EABSENT, "prompt and reference answer share no or all ids");
    for (size_t i = n_context; i < ids.n && why.code == SW_OK; i++)
        if (ids.data[i] < 0 || (size_t)ids.data[i] >= plan->vocab_size)
            sw_fail(&why, SW_EABSENT, "the tokenizer gives id %d, the model has only %zu",
                    (int)ids.data[i], plan->vocab_size);
    const float *logits;
    struct sw_forced forced;
    if (code == SW_OK && why.code == SW_OK)
        code = sw_forced_begin(&forced, plan->engine, ids.data, n_context, &logits, err);
    for (size_t i = n_context; i < ids.n && code == SW_OK && why.code == SW_OK; i++) {
        nll -= sw_logprob(logits, plan->vocab_size, ids.data[i]);
        n++;
        if (i + 1 < ids.n && sw_forced_next(&forced, ids.data[i], &logits, &why) != SW_OK)
            code = why.code == SW_EUNSUPPORTED ? SW_OK : sw_fail(err, why.code, "%s", why.text);
    }
    if (code == SW_OK && why.code == SW_OK && !isfinite(nll))
        sw_fail(&why, SW_EABSENT, "the model gives a reference token no probability");
    sw_ids_free(&ids);
    bool has_value = why.code == SW_OK;
    json_object_set_new(line, "reference_nll",
                        has_value ? json_real(nll > 0 ? nll : 0) : json_null());
    json_object_set_new(line, "n_reference_tokens", json_integer(has_value ? (json_int_t)n : 0));
    json_object_set_new(line, "reference_reason", has_value ? json_null() : json_string(why.text));
    return code;
}

/* Both models along the ids that were generated, each knowing what came before: where fp32 would
 * have chosen another, and how far apart their next-token distributions are. */
static enum sw_code compare(const struct sw_quality_plan *plan,
                            const struct sw_study_prompt *prompt, const json_t *ids, size_t *first,
                            double *kl, struct sw_error *err)
{
    struct sw_forced ours, theirs;
    const float *q, *p;
    size_t n = json_array_size(ids);
    *first = n;
    *kl = 0;
    enum sw_code code =
        sw_forced_begin(&ours, plan->engine, prompt->ids.data, prompt->ids.n, &q, err);
    if (code == SW_OK)
        code = sw_forced_begin(&theirs, plan->fp32, prompt->ids.data, prompt->ids.n, &p, err);
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        json_int_t id = json_integer_value(json_array_get(ids, i));
        if (id < 0 || (size_t)id >= plan->vocab_size)
            return sw_fail(err, SW_EFORMAT,
                           "quality: a sample holds id %lld, the model has only %zu", (long long)id,
                           plan->vocab_size);
        *kl += fmax(sw_divergence(p, q, plan->vocab_size), 0);
        if (*first == n && sw_argmax(p, plan->vocab_size) != id)
            *first = i;
        if (i + 1 == n)
            break;
        code = sw_forced_next(&ours, (int32_t)id, &q, err);
        if (code == SW_OK)
            code = sw_forced_next(&theirs, (int32_t)id, &p, err);
    }
    return code;
}

/* {"first_difference", "kl_sum", "n_compared_tokens", "agreement_reason"}. */
static enum sw_code put_agreement(json_t *line, const struct sw_quality_plan *plan, size_t index,
                                  struct sw_error *err)
{
    const json_t *ids = plan->ids[index];
    size_t n = json_array_size(ids), first = n;
    double kl = 0;
    const char *reason = plan->is_synthetic   ? noise
                         : plan->fp32 == NULL ? "not asked for: --agreement"
                         : n == 0             ? "the answer was not finished"
                                              : NULL;
    enum sw_code code =
        reason == NULL ? compare(plan, &plan->prompts[index], ids, &first, &kl, err) : SW_OK;
    if (reason == NULL && !isfinite(kl))
        reason = "a distribution holds no number";
    bool has_value = reason == NULL;
    json_object_set_new(line, "first_difference",
                        has_value && first < n ? json_integer((json_int_t)first) : json_null());
    json_object_set_new(line, "kl_sum", has_value ? json_real(kl) : json_null());
    json_object_set_new(line, "n_compared_tokens", json_integer(has_value ? (json_int_t)n : 0));
    json_object_set_new(line, "agreement_reason", has_value ? json_null() : json_string(reason));
    return code;
}

enum sw_code sw_quality_run(const struct sw_quality_plan *plan, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < plan->n && code == SW_OK; i++) {
        if (plan->ids[i] == NULL)
            continue;
        if (plan->is_interrupted != NULL && plan->is_interrupted(plan->ctx))
            break;
        json_t *line = json_pack("{s:i, s:s, s:s, s:I}", "schema_version", SW_SCHEMA_VERSION,
                                 "type", "quality", "run_id", plan->run_id, "index", (json_int_t)i);
        if (line == NULL)
            return sw_fail(err, SW_ENOMEM, "quality: out of memory");
        code = put_reference(line, plan, &plan->prompts[i], err);
        if (code == SW_OK)
            code = put_agreement(line, plan, i, err);
        if (code == SW_OK)
            code = plan->on_line(plan->ctx, line, err);
        json_decref(line);
    }
    return code;
}
