/* Quality: of answers, of reference answers and against fp32, on a small synthetic model; and the
 * sums that the end line holds. */
#include "support/close.h"

#include <string.h>

#include "backend/backend.h"
#include "bench/quality.h"
#include "engine/forced.h"
#include "record/quality.h"
#include "report/table.h"

static void add_sample(struct sw_quality *q, const char *quality)
{
    json_t *sample = json_pack("{s:o}", "quality", json_loads(quality, 0, NULL));
    struct sw_error err = {0};
    if (sw_quality_add(q, sample, &err) != SW_OK)
        fail_msg("%s", err.text);
    json_decref(sample);
}

static double number(const json_t *record, const char *path)
{
    const json_t *value = sw_json_at(record, path);
    if (!json_is_number(value))
        fail_msg("%s is no number", path);
    return json_number_value(value);
}

static const char *text_at(const json_t *record, const char *path)
{
    const char *text = json_string_value(sw_json_at(record, path));
    return text != NULL ? text : "";
}

static json_t *joules(double value)
{
    return value >= 0 ? json_pack("{s:f}", "value", value) : json_pack("{s:n}", "value");
}

static void means_and_joules_per_correct_answer(void **state)
{
    (void)state;
    struct sw_quality q = {0};
    add_sample(&q, "{\"exact_match\": 1, \"f1\": 1, \"contains\": 1, \"reason\": null}");
    add_sample(&q, "{\"exact_match\": 0, \"f1\": 0.5, \"contains\": 1, \"reason\": null}");
    add_sample(&q, "{\"exact_match\": 0, \"f1\": 0, \"contains\": 0, \"reason\": null}");
    add_sample(&q, "{\"exact_match\": 0, \"f1\": 0.1, \"contains\": 1, \"reason\": null}");
    json_t *total = joules(12);
    json_t *out = sw_quality_to_json(&q, total);
    assert_close(number(out, "n"), 4, 0);
    assert_close(number(out, "exact_match"), 0.25, 0);
    assert_close(number(out, "f1"), 0.4, 1e-15);
    assert_close(number(out, "contains"), 0.75, 0);
    assert_close(number(out, "joules_per_correct.exact_match"), 12, 0);
    assert_close(number(out, "joules_per_correct.contains"), 4, 0);
    assert_string_equal(text_at(out, "reasons.perplexity"), "not asked for: --perplexity");
    assert_string_equal(text_at(out, "reasons.agreement"), "not asked for: --agreement");
    json_decref(out);
    json_decref(total);
}

static void what_is_missing_has_a_reason(void **state)
{
    (void)state;
    struct sw_quality q = {0};
    json_t *total = joules(12), *no_joules = joules(-1);
    add_sample(&q,
               "{\"exact_match\": null, \"f1\": null, \"contains\": null, \"reason\": \"noise\"}");
    json_t *out = sw_quality_to_json(&q, total);
    assert_true(json_is_null(json_object_get(out, "f1")));
    assert_string_equal(text_at(out, "reasons.f1"), "noise");
    assert_string_equal(text_at(out, "reasons.joules_per_correct"),
                        "0 of 1 answers could be scored");
    json_decref(out);
    /* Some scored: means of those, but the joules are of all. */
    add_sample(&q, "{\"exact_match\": 1, \"f1\": 1, \"contains\": 1}");
    out = sw_quality_to_json(&q, total);
    assert_close(number(out, "exact_match"), 1, 0);
    assert_true(json_is_null(sw_json_at(out, "joules_per_correct.contains")));
    assert_string_equal(text_at(out, "reasons.joules_per_correct"),
                        "1 of 2 answers could be scored");
    json_decref(out);
    q = (struct sw_quality){0};
    add_sample(&q, "{\"exact_match\": 0, \"f1\": 0, \"contains\": 1}");
    out = sw_quality_to_json(&q, total);
    assert_true(json_is_null(sw_json_at(out, "joules_per_correct.exact_match")));
    assert_close(number(out, "joules_per_correct.contains"), 12, 0);
    assert_string_equal(text_at(out, "reasons.joules_per_correct"),
                        "of 1 answers none matches exactly");
    json_decref(out);
    out = sw_quality_to_json(&q, no_joules);
    assert_string_equal(text_at(out, "reasons.joules_per_correct"), "the run has no joules");
    json_decref(out);
    json_decref(total);
    json_decref(no_joules);
    /* A line of an older record has no quality at all. */
    q = (struct sw_quality){0};
    json_t *old = json_object();
    assert_int_equal(sw_quality_add(&q, old, NULL), SW_OK);
    out = sw_quality_to_json(&q, NULL);
    assert_string_equal(text_at(out, "reasons.exact_match"), "not recorded");
    json_decref(out);
    json_decref(old);
}

static void lines_are_summed_by_token(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"reference_nll\": 2.0, \"n_reference_tokens\": 1, \"kl_sum\": 0.5, "
        "\"n_compared_tokens\": 10, \"first_difference\": 4}",
        "{\"reference_nll\": 1.0, \"n_reference_tokens\": 3, \"kl_sum\": 0.25, "
        "\"n_compared_tokens\": 5, \"first_difference\": null}",
        "{\"reference_nll\": null, \"n_reference_tokens\": 0, \"reference_reason\": \"none\", "
        "\"kl_sum\": null, \"n_compared_tokens\": 0, \"agreement_reason\": \"no\"}",
    };
    struct sw_quality q = {0};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        json_t *line = json_loads(lines[i], 0, NULL);
        assert_int_equal(sw_quality_add_line(&q, line, NULL), SW_OK);
        json_decref(line);
    }
    json_t *out = sw_quality_to_json(&q, NULL);
    assert_close(number(out, "perplexity"), exp(0.75), 1e-15);
    assert_close(number(out, "n_reference_tokens"), 4, 0);
    assert_close(number(out, "agreement.n"), 2, 0);
    assert_close(number(out, "agreement.n_equal"), 1, 0);
    assert_close(number(out, "agreement.n_tokens"), 15, 0);
    assert_close(number(out, "agreement.agreeing_tokens_mean"), 4.5, 0);
    assert_close(number(out, "agreement.kl_mean"), 0.05, 1e-15);
    json_decref(out);
}

static void malformed_quality_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *quality, *text;
    } cases[] = {
        {"{\"quality\": 5}", "sample: quality: not an object"},
        {"{\"quality\": {\"f1\": 1.5}}", "sample: quality"},
        {"{\"quality\": {\"exact_match\": \"yes\"}}", "sample: quality"},
        {"{\"quality\": {\"reason\": 4}}", "sample: quality"},
    };
    struct sw_quality q = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_error err = {0};
        json_t *sample = json_loads(cases[i].quality, 0, NULL);
        assert_int_equal(sw_quality_add(&q, sample, &err), SW_EFORMAT);
        assert_true(strncmp(err.text, cases[i].text, strlen(cases[i].text)) == 0);
        json_decref(sample);
    }
    static const char *const lines[] = {"{\"reference_nll\": -1}",
                                        "{\"n_compared_tokens\": 4, \"first_difference\": 5}",
                                        "{\"kl_sum\": \"inf\"}"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct sw_error err = {0};
        json_t *line = json_loads(lines[i], 0, NULL);
        assert_int_equal(sw_quality_add_line(&q, line, &err), SW_EFORMAT);
        assert_true(strncmp(err.text, "quality: ", 9) == 0);
        json_decref(line);
    }
    assert_int_equal(q.n_samples, 0);
}

static void answers_are_scored_or_not(void **state)
{
    (void)state;
    char *references[] = {"Denver Broncos", "The Broncos"};
    struct sw_question question = {.id = "1", .answers = references, .n_answers = 2};
    json_t *out;
    assert_int_equal(sw_quality_of_answer(&out, &question, "the broncos!", 12, false, NULL), SW_OK);
    assert_close(number(out, "exact_match"), 1, 0);
    assert_close(number(out, "contains"), 1, 0);
    assert_true(json_is_null(json_object_get(out, "reason")));
    json_decref(out);
    assert_int_equal(sw_quality_of_answer(&out, &question, "the broncos!", 12, true, NULL), SW_OK);
    assert_true(json_is_null(json_object_get(out, "exact_match")));
    assert_string_equal(text_at(out, "reason"), "the weights are synthetic: the text is noise");
    json_decref(out);
    question.n_answers = 0;
    assert_int_equal(sw_quality_of_answer(&out, &question, "x", 1, false, NULL), SW_OK);
    assert_string_equal(text_at(out, "reason"), "the question has no reference answer");
    json_decref(out);
}

/* A model, a tokenizer, two questions. */
struct bench {
    struct sw_model *model;
    struct sw_tokenizer *tokenizer;
    struct sw_dataset dataset;
    struct sw_prompt_template prompt;
    struct sw_study_prompt *prompts;
    size_t longest;
    json_t *lines;
};
enum { N = 2, NEW = 20 };

static enum sw_code keep_line(void *ctx, const json_t *line, struct sw_error *err)
{
    (void)err;
    json_array_append(((struct bench *)ctx)->lines, (json_t *)(uintptr_t)line);
    return SW_OK;
}

static struct sw_engine *open_engine(struct bench *b, enum sw_strategy strategy)
{
    struct sw_engine *engine;
    struct sw_error err = {0};
    if (sw_engine_open(&engine, b->model,
                       &(struct sw_engine_options){.api = sw_backend_find("base_cpu", NULL),
                                                   .strategy = strategy,
                                                   .max_prompt_tokens = b->longest,
                                                   .max_new_tokens = NEW},
                       &err) != SW_OK)
        fail_msg("%s", err.text);
    return engine;
}

static void open_bench(struct bench *b)
{
    static const size_t indices[N] = {0, 1};
    struct sw_error err = {0};
    *b = (struct bench){.lines = json_array()};
    enum sw_code code =
        sw_model_open(&b->model, "synthetic:2,32,48,4,2,49152,256", NULL, NULL, &err);
    if (code == SW_OK)
        code = sw_tokenizer_builtin(&b->tokenizer, &err);
    if (code == SW_OK)
        code = sw_dataset_builtin(&b->dataset, &err);
    if (code == SW_OK)
        code = sw_prompt_template_create(&b->prompt, "study", NULL, 0, &err);
    if (code == SW_OK)
        code = sw_study_prompts_create(&b->prompts, &b->dataset, indices, N, &b->prompt,
                                       b->tokenizer, 49152, 256, &b->longest, &err);
    if (code != SW_OK)
        fail_msg("%s", err.text);
}

static void close_bench(struct bench *b)
{
    sw_study_prompts_free(b->prompts, N);
    sw_prompt_template_free(&b->prompt);
    sw_dataset_free(&b->dataset);
    sw_tokenizer_destroy(b->tokenizer);
    sw_model_close(b->model);
    json_decref(b->lines);
}

static json_t *generate(struct bench *b, struct sw_engine *engine, size_t i)
{
    struct sw_generation g;
    json_t *ids = json_array();
    assert_int_equal(
        sw_engine_generate(engine,
                           &(struct sw_generate_request){.prompt_ids = b->prompts[i].ids.data,
                                                         .n_prompt = b->prompts[i].ids.n,
                                                         .max_new_tokens = NEW},
                           &g, NULL),
        SW_OK);
    for (size_t k = 0; k < g.n_ids; k++)
        json_array_append_new(ids, json_integer(g.ids[k]));
    sw_generation_free(&g);
    return ids;
}

static void fp32_agrees_with_itself_and_finds_a_changed_token(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    struct sw_engine *engine = open_engine(&b, SW_STRATEGY_NONE);
    struct sw_engine *fp32 = open_engine(&b, SW_STRATEGY_NONE);
    json_t *ids[N] = {generate(&b, engine, 0), generate(&b, engine, 1)};
    /* Another id at place 5 of the second answer. */
    json_int_t other = (json_integer_value(json_array_get(ids[1], 5)) + 1) % 49152;
    json_array_set_new(ids[1], 5, json_integer(other));
    struct sw_quality_plan plan = {
        .run_id = "0123456789abcdef",
        .engine = engine,
        .fp32 = fp32,
        .perplexity = true,
        .tokenizer = b.tokenizer,
        .dataset = &b.dataset,
        .prompt_template = &b.prompt,
        .prompts = b.prompts,
        .ids = (const json_t *const *)ids,
        .n = N,
        .vocab_size = 49152,
        .on_line = keep_line,
        .ctx = &b,
    };
    struct sw_error err = {0};
    if (sw_quality_run(&plan, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(json_array_size(b.lines), N);
    const json_t *first = json_array_get(b.lines, 0), *second = json_array_get(b.lines, 1);
    assert_true(json_is_null(json_object_get(first, "first_difference")));
    assert_close(number(second, "first_difference"), 5, 0);
    assert_close(number(first, "kl_sum"), 0, 0);
    assert_close(number(second, "kl_sum"), 0, 0);
    assert_close(number(first, "n_compared_tokens"), NEW, 0);
    /* Random weights know nothing: each token has about one chance in 49152. */
    double n = number(first, "n_reference_tokens");
    if (n < 1)
        fail_msg("%s", text_at(first, "reference_reason"));
    assert_close(number(first, "reference_nll") / n, log(49152), 1.5);
    json_decref(ids[0]);
    json_decref(ids[1]);
    sw_engine_close(engine);
    sw_engine_close(fp32);
    close_bench(&b);
}

static void eight_bits_differ_a_little_from_fp32(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    struct sw_engine *engine = open_engine(&b, SW_STRATEGY_8BIT);
    struct sw_engine *fp32 = open_engine(&b, SW_STRATEGY_NONE);
    json_t *ids[N] = {generate(&b, engine, 0), NULL};
    struct sw_quality_plan plan = {
        .run_id = "0123456789abcdef",
        .engine = engine,
        .fp32 = fp32,
        .tokenizer = b.tokenizer,
        .dataset = &b.dataset,
        .prompt_template = &b.prompt,
        .prompts = b.prompts,
        .ids = (const json_t *const *)ids,
        .n = N,
        .vocab_size = 49152,
        .on_line = keep_line,
        .ctx = &b,
    };
    assert_int_equal(sw_quality_run(&plan, NULL), SW_OK);
    assert_int_equal(json_array_size(b.lines), 1); /* the second was not finished */
    const json_t *line = json_array_get(b.lines, 0);
    double kl = number(line, "kl_sum") / NEW;
    if (!(kl > 0 && kl < 1e-2))
        fail_msg("KL is %g nats a token", kl);
    assert_string_equal(text_at(line, "reference_reason"), "not asked for: --perplexity");
    json_decref(ids[0]);
    sw_engine_close(engine);
    sw_engine_close(fp32);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_and_joules_per_correct_answer),
        cmocka_unit_test(what_is_missing_has_a_reason),
        cmocka_unit_test(lines_are_summed_by_token),
        cmocka_unit_test(malformed_quality_is_refused),
        cmocka_unit_test(answers_are_scored_or_not),
        cmocka_unit_test(fp32_agrees_with_itself_and_finds_a_changed_token),
        cmocka_unit_test(eight_bits_differ_a_little_from_fp32),
    };
    return cmocka_run_group_tests_name("quality", tests, NULL, NULL);
}
