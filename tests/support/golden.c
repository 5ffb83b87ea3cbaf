#include "support/golden.h"

#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "support/folder.h"

const struct sw_golden_case sw_golden_cases[SW_GOLDEN_CASES] = {
    {"gqa1-untied", NULL, false},
    {"gqa3-tied", NULL, false},
    {"gqa4-tied-head", NULL, false},
    {"bf16", NULL, false},
    {"f16-sharded", NULL, false},
    {"rope-linear", NULL, false},
    {"rope-llama3", NULL, false},
    {"rope-llama3-v5", NULL, false},
    {"head-dim", NULL, false},
    {"odd-sizes", NULL, false},
    {"biases", NULL, false},
    {"one-of-each", NULL, false},
    {"trained-story-llama-hf.json", "data/story-llama-hf", false},
    {"trained-stories260K.json", "data/stories260K/stories260K.bin", true},
};

bool sw_golden_is_wanted(const struct sw_golden_case *test)
{
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
    return test->shared_model == NULL;
#else
    return test != NULL;
#endif
}

static size_t read_ids(int32_t *out, size_t max, const json_t *list)
{
    assert_in_range(json_array_size(list), 1, max);
    for (size_t i = 0; i < json_array_size(list); i++)
        out[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return json_array_size(list);
}

void sw_golden_load(struct sw_golden *golden, const struct sw_golden_case *test)
{
    char name[256];
    struct sw_error err = {0};
    snprintf(name, sizeof name, "golden/%s%s", test->fixture,
             test->shared_model == NULL ? "/golden.json" : "");
    if (sw_json_load(&golden->json, sw_fixture_path(name), 1 << 24, &err) != SW_OK)
        fail_msg("%s", err.text);
    const json_t *json = golden->json;
    golden->n_prompt =
        read_ids(golden->prompt, SW_GOLDEN_MAX_PROMPT, json_object_get(json, "prompt_ids"));
    assert_int_equal(read_ids(golden->ids, SW_GOLDEN_NEW, json_object_get(json, "ids")),
                     SW_GOLDEN_NEW);
    for (size_t i = 0; i < SW_GOLDEN_NEW; i++)
        golden->logprobs[i] =
            json_number_value(json_array_get(json_object_get(json, "logprobs"), i));
    golden->prompt_nll = json_number_value(json_object_get(json, "prompt_nll"));
    const json_t *rows = json_object_get(json, "logits");
    golden->n_rows = json_array_size(rows);
    assert_in_range(golden->n_rows, 1, SW_GOLDEN_MAX_ROWS);
    for (size_t i = 0; i < golden->n_rows; i++) {
        const json_t *row = json_array_get(rows, i);
        golden->rows[i].position = (size_t)json_integer_value(json_object_get(row, "position"));
        golden->rows[i].values = json_object_get(row, "values");
    }
}

/* The greedy run as a user sees it. */
void sw_golden_check_generation(const struct sw_backend_api *api, const struct sw_model *model,
                                struct sw_pool *pool, const struct sw_golden *golden,
                                const char *isa, size_t block)
{
    struct sw_engine *engine;
    struct sw_generation g;
    struct sw_error err = {0};
    struct sw_engine_options options = {.api = api,
                                        .pool = pool,
                                        .max_prompt_tokens = golden->n_prompt,
                                        .max_new_tokens = SW_GOLDEN_NEW,
                                        .prefill_block = block,
                                        .score_prompt = true};
    struct sw_generate_request request = {.prompt_ids = golden->prompt,
                                          .n_prompt = golden->n_prompt,
                                          .max_new_tokens = SW_GOLDEN_NEW,
                                          .ignore_eos = true,
                                          .want_logprobs = true};
    struct sw_backend_info info;
    if (sw_engine_open(&engine, model, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    sw_engine_describe(engine, &info);
    if (isa != NULL)
        assert_string_equal(info.isa, isa); /* what was asked for did run */
    if (sw_engine_generate(engine, &request, &g, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(g.n_ids, SW_GOLDEN_NEW);
    for (size_t i = 0; i < SW_GOLDEN_NEW; i++) {
        if (g.ids[i] != golden->ids[i])
            fail_msg("new token %zu is %d, the reference's is %d (block %zu)", i, (int)g.ids[i],
                     (int)golden->ids[i], block);
        /* Differences of logits, themselves within 1e-4 of at most 40. */
        if (!(fabs(g.logprobs[i] - golden->logprobs[i]) < 1e-3))
            fail_msg("log probability %zu is %.9g, the reference's is %.9g", i, g.logprobs[i],
                     golden->logprobs[i]);
    }
    if (!(fabs(g.prompt_nll - golden->prompt_nll) < 1e-4 * golden->prompt_nll))
        fail_msg("prompt_nll is %.9g, the reference's is %.9g", g.prompt_nll, golden->prompt_nll);
    sw_generation_free(&g);
    sw_engine_close(engine);
}

/* Runs prompt and reference ids; the wanted rows go to logits (n_rows, vocab_size). */
void sw_golden_compute_rows(float *logits, const struct sw_backend_api *api,
                            const struct sw_model *model, struct sw_pool *pool,
                            const struct sw_golden *golden)
{
    struct sw_backend *backend;
    struct sw_error err = {0};
    struct sw_backend_options options = {.pool = pool,
                                         .n_sequences = 1,
                                         .max_positions = golden->n_prompt + SW_GOLDEN_NEW,
                                         .max_batch = 7,
                                         .max_logits = 7};
    size_t vocab_size = sw_model_config(model)->vocab_size, row = 0;
    if (api->open(&backend, model, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    api->reset(backend, 0);
    size_t n = golden->rows[golden->n_rows - 1].position + 1;
    for (size_t begin = 0, size; begin < n; begin += size) {
        struct sw_batch_token tokens[7];
        size_t first_row = row;
        size = begin < golden->n_prompt ? 7 : 1; /* the prompt in blocks, then one by one */
        if (begin < golden->n_prompt && golden->n_prompt - begin < size)
            size = golden->n_prompt - begin;
        for (size_t i = 0; i < size; i++) {
            size_t p = begin + i;
            bool wanted = row < golden->n_rows && golden->rows[row].position == p;
            tokens[i] = (struct sw_batch_token){
                .id = p < golden->n_prompt ? golden->prompt[p] : golden->ids[p - golden->n_prompt],
                .position = (uint32_t)p,
                .want_logits = wanted};
            row += wanted;
        }
        if (api->forward(backend, tokens, size, logits + first_row * vocab_size, &err) != SW_OK)
            fail_msg("%s", err.text);
    }
    assert_int_equal(row, golden->n_rows);
    api->close(backend);
}

void sw_golden_check_rows(const float *logits, size_t vocab_size, const struct sw_golden *golden)
{
    for (size_t row = 0; row < golden->n_rows; row++) {
        const json_t *values = golden->rows[row].values;
        double greatest = 0, worst = 0;
        assert_int_equal(json_array_size(values), vocab_size);
        for (size_t i = 0; i < vocab_size; i++) {
            double expected = json_number_value(json_array_get(values, i));
            double difference = fabs((double)logits[row * vocab_size + i] - expected);
            greatest = fmax(greatest, fabs(expected));
            if (!(difference <= worst))
                worst = difference;
        }
        /* Seen: at most 1.3e-6, fp32 sums in another order. */
        if (!(worst <= 1e-4 * greatest))
            fail_msg("position %zu: logits differ by %g of %g", golden->rows[row].position, worst,
                     greatest);
    }
}

/* A llama2.c file as a folder, or NULL without python3. */
static char *convert(const char *path)
{
    if (system("command -v python3 >/dev/null 2>&1") != 0)
        return NULL;
    char *folder = sw_test_folder_create();
    char command[3 * 4096];
    snprintf(command, sizeof command, "python3 tests/support/convert_llama2c.py '%s' '%s'", path,
             folder);
    assert_int_equal(system(command), 0);
    return folder;
}

/* The folder of a case: its fixture, or shared data, converted if it must be; *converted is then to
 * be removed. Skips the test, by name, where the data or a tool is absent. */
void sw_golden_find(char *path, size_t size, char **converted, const struct sw_golden_case *test)
{
    *converted = NULL;
    if (test->shared_model == NULL) {
        char name[128];
        snprintf(name, sizeof name, "golden/%s", test->fixture);
        snprintf(path, size, "%s", sw_fixture_path(name));
        return;
    }
    const char *shared = sw_shared_path(test->shared_model);
    if (shared == NULL)
        SW_SKIP("%s: the shared data is absent", test->shared_model);
    snprintf(path, size, "%s", shared);
    if (!test->is_llama2c)
        return;
    *converted = convert(shared);
    if (*converted == NULL)
        SW_SKIP("%s: python3 is not installed", test->shared_model);
    snprintf(path, size, "%s", *converted);
}
