/*
 * Greedy ids, logits and scores against the reference library's (scripts/make-golden.py), for every
 * shape of tests/fixtures/golden and for the trained models of the shared data, at every kernel
 * level of this machine and several thread counts. Levels and thread counts agree to the last bit.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/json.h"
#include "engine/engine.h"
#include "support/folder.h"

enum { MAX_PROMPT = 64, N_NEW = 100, MAX_ROWS = 8 };

struct golden {
    int32_t prompt[MAX_PROMPT], ids[N_NEW];
    size_t n_prompt, n_rows;
    double logprobs[N_NEW], prompt_nll;
    struct {
        size_t position;
        const json_t *values; /* (vocab_size), view into json */
    } rows[MAX_ROWS];
    json_t *json;
};

struct test_case {
    const char *fixture;      /* below tests/fixtures/golden */
    const char *shared_model; /* below the shared data, for a trained model */
    bool is_llama2c;          /* to be converted first */
};

static const struct test_case cases[] = {
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
enum { N_CASES = sizeof cases / sizeof *cases };

#ifdef __x86_64__
static const enum sw_cpu_level levels[] = {SW_CPU_SCALAR, SW_CPU_AVX2, SW_CPU_AVX512,
                                           SW_CPU_AVX512_VNNI, SW_CPU_AVX512_BF16};
#elif defined(__aarch64__)
static const enum sw_cpu_level levels[] = {SW_CPU_SCALAR, SW_CPU_NEON, SW_CPU_NEON_DOT};
#else
static const enum sw_cpu_level levels[] = {SW_CPU_SCALAR};
#endif
enum { N_LEVELS = sizeof levels / sizeof *levels };

static size_t read_ids(int32_t *out, size_t max, const json_t *list)
{
    assert_in_range(json_array_size(list), 1, max);
    for (size_t i = 0; i < json_array_size(list); i++)
        out[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return json_array_size(list);
}

static void load_golden(struct golden *golden, const struct test_case *test)
{
    char name[256];
    struct sw_error err = {0};
    snprintf(name, sizeof name, "golden/%s%s", test->fixture,
             test->shared_model == NULL ? "/golden.json" : "");
    if (sw_json_load(&golden->json, sw_fixture_path(name), 1 << 24, &err) != SW_OK)
        fail_msg("%s", err.text);
    const json_t *json = golden->json;
    golden->n_prompt = read_ids(golden->prompt, MAX_PROMPT, json_object_get(json, "prompt_ids"));
    assert_int_equal(read_ids(golden->ids, N_NEW, json_object_get(json, "ids")), N_NEW);
    for (size_t i = 0; i < N_NEW; i++)
        golden->logprobs[i] =
            json_number_value(json_array_get(json_object_get(json, "logprobs"), i));
    golden->prompt_nll = json_number_value(json_object_get(json, "prompt_nll"));
    const json_t *rows = json_object_get(json, "logits");
    golden->n_rows = json_array_size(rows);
    assert_in_range(golden->n_rows, 1, MAX_ROWS);
    for (size_t i = 0; i < golden->n_rows; i++) {
        const json_t *row = json_array_get(rows, i);
        golden->rows[i].position = (size_t)json_integer_value(json_object_get(row, "position"));
        golden->rows[i].values = json_object_get(row, "values");
    }
}

static const struct sw_backend_api *base_cpu(void)
{
    struct sw_error err = {0};
    const struct sw_backend_api *api = sw_backend_find("base_cpu", &err);
    if (api == NULL)
        fail_msg("%s", err.text);
    return api;
}

/* The greedy run as a user sees it. */
static void check_generation(const struct sw_model *model, struct sw_pool *pool,
                             const struct golden *golden, const char *isa, size_t block)
{
    struct sw_engine *engine;
    struct sw_generation g;
    struct sw_error err = {0};
    struct sw_engine_options options = {.api = base_cpu(),
                                        .pool = pool,
                                        .max_prompt_tokens = golden->n_prompt,
                                        .max_new_tokens = N_NEW,
                                        .prefill_block = block,
                                        .score_prompt = true};
    struct sw_generate_request request = {.prompt_ids = golden->prompt,
                                          .n_prompt = golden->n_prompt,
                                          .max_new_tokens = N_NEW,
                                          .ignore_eos = true,
                                          .want_logprobs = true};
    struct sw_backend_info info;
    if (sw_engine_open(&engine, model, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    sw_engine_describe(engine, &info);
    assert_string_equal(info.isa, isa); /* what was asked for did run */
    if (sw_engine_generate(engine, &request, &g, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(g.n_ids, N_NEW);
    for (size_t i = 0; i < N_NEW; i++) {
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
static void compute_rows(float *logits, const struct sw_model *model, struct sw_pool *pool,
                         const struct golden *golden)
{
    const struct sw_backend_api *api = base_cpu();
    struct sw_backend *backend;
    struct sw_error err = {0};
    struct sw_backend_options options = {.pool = pool,
                                         .n_sequences = 1,
                                         .max_positions = golden->n_prompt + N_NEW,
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

static void check_rows(const float *logits, size_t vocab_size, const struct golden *golden)
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

static void check_model(const char *path, const struct golden *golden, enum sw_cpu_level level)
{
    static const int thread_counts[] = {1, 2, 3, 5};
#ifdef __SANITIZE_THREAD__
    static const size_t blocks[] = {128}; /* one thread has nothing to race with */
#else
    static const size_t blocks[] = {128, 1, 16};
#endif
    struct sw_model *model;
    struct sw_error err = {0};
    if (sw_model_open(&model, path, NULL, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    size_t vocab_size = sw_model_config(model)->vocab_size;
    size_t n_bytes = golden->n_rows * vocab_size * sizeof(float);
    float *first = malloc(n_bytes), *logits = malloc(n_bytes);
    assert_true(first != NULL && logits != NULL);
    /* fp32 has one result, whatever computes it. */
    setenv("SMOLWATT_ISA", "scalar", 1);
    compute_rows(first, model, NULL, golden);
    check_rows(first, vocab_size, golden);
    setenv("SMOLWATT_ISA", sw_cpu_level_name(level), 1);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        check_generation(model, NULL, golden, sw_cpu_level_name(level), blocks[i]);
    for (size_t i = 0; i < sizeof thread_counts / sizeof *thread_counts; i++) {
        struct sw_pool *pool;
        struct sw_pool_options options = {.n_threads = thread_counts[i], .no_pinning = true};
        if (sw_pool_create(&pool, &options, &err) != SW_OK)
            fail_msg("%s", err.text);
        if (thread_counts[i] <= 2) /* more threads than cores only wait for each other */
            check_generation(model, pool, golden, sw_cpu_level_name(level), 5);
        compute_rows(logits, model, pool, golden);
        if (memcmp(first, logits, n_bytes) != 0)
            fail_msg("%d threads at level %s give other bits than one at level scalar",
                     thread_counts[i], sw_cpu_level_name(level));
        sw_pool_destroy(pool);
    }
    free(first);
    free(logits);
    sw_model_close(model);
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

struct instance {
    const struct test_case *test;
    enum sw_cpu_level level;
};

static void reference_is_met(void **state)
{
    const struct instance *instance = *state;
    const struct test_case *test = instance->test;
    const char *level = sw_cpu_level_name(instance->level);
    char path[4096];
    char *converted = NULL;
    /* Levels rise within an architecture, and scalar is the lowest. */
    if (instance->level > sw_cpu_level_machine())
        SW_SKIP("%s: this machine has no %s", test->fixture, level);
    if (test->shared_model == NULL) {
        char name[128];
        snprintf(name, sizeof name, "golden/%s", test->fixture);
        snprintf(path, sizeof path, "%s", sw_fixture_path(name));
    } else {
        const char *shared = sw_shared_path(test->shared_model);
        if (shared == NULL)
            SW_SKIP("%s: the shared data is absent", test->shared_model);
        snprintf(path, sizeof path, "%s", shared);
        if (test->is_llama2c) {
            converted = convert(shared);
            if (converted == NULL)
                SW_SKIP("%s: python3 is not installed", test->shared_model);
            snprintf(path, sizeof path, "%s", converted);
        }
    }
    struct golden golden;
    load_golden(&golden, test);
    check_model(path, &golden, instance->level);
    json_decref(golden.json);
    if (converted != NULL)
        sw_test_folder_remove(converted);
}

int main(void)
{
    static struct instance instances[N_CASES * N_LEVELS];
    static char names[N_CASES * N_LEVELS][96];
    static struct CMUnitTest tests[N_CASES * N_LEVELS];
    size_t n = 0;
    for (size_t i = 0; i < N_CASES; i++) {
        for (size_t j = 0; j < N_LEVELS; j++, n++) {
            instances[n] = (struct instance){&cases[i], levels[j]};
            snprintf(names[n], sizeof names[n], "%s at level %s", cases[i].fixture,
                     sw_cpu_level_name(levels[j]));
            tests[n] = (struct CMUnitTest){
                .name = names[n], .test_func = reference_is_met, .initial_state = &instances[n]};
        }
    }
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
