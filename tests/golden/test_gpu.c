/*
 * base_gpu end to end, through the plug-in that is built for the host: ids, logits and scores of
 * the reference library in fp32, in both modes; and in every strategy, the three ways to an id
 * against each other, and many sequences against one. Skips by name where that plug-in is not
 * built.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "engine/sampler.h"
#include "support/folder.h"
#include "support/golden.h"

static const struct sw_backend_api *base_gpu(void)
{
    struct sw_error err = {0};
    const struct sw_backend_api *api = sw_backend_find("base_gpu", &err);
    if (api == NULL)
        fail_msg("%s", err.text);
    return api;
}

static void need_plugin(void)
{
    const char *build = getenv("BUILD");
    char path[512];
    snprintf(path, sizeof path, "%s/libsmolwatt_cuda_emulated.so", build != NULL ? build : "build");
#ifdef __SANITIZE_THREAD__
    SW_SKIP("fibers are not run under the thread sanitizer");
#endif
    if (access(path, R_OK) != 0)
        SW_SKIP("%s is not built (make cuda-emulated)", path);
    setenv("SMOLWATT_CUDA", path, 1);
    unsetenv("CUDA_VISIBLE_DEVICES");
}

static struct sw_model *open_model(const char *path)
{
    struct sw_model *model;
    struct sw_error err = {0};
    if (sw_model_open(&model, path, NULL, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    return model;
}

/* Greedy without a score: prompt and answer never come to the host as logits. */
static void check_answer(const struct sw_model *model, const struct sw_golden *golden,
                         const char *mode, size_t n_new)
{
    struct sw_engine *engine;
    struct sw_generation g;
    struct sw_error err = {0};
    struct sw_backend_info info;
    struct sw_engine_options options = {.api = base_gpu(),
                                        .max_prompt_tokens = golden->n_prompt,
                                        .max_new_tokens = n_new,
                                        .prefill_block = 16,
                                        .gpu = {.mode = mode}};
    struct sw_generate_request request = {.prompt_ids = golden->prompt,
                                          .n_prompt = golden->n_prompt,
                                          .max_new_tokens = n_new,
                                          .ignore_eos = true,
                                          .want_logprobs = true};
    enum sw_code code = sw_engine_open(&engine, model, &options, &err);
    if (code != SW_OK)
        fail_msg("%s: %s", mode, err.text);
    sw_engine_describe(engine, &info);
    assert_string_equal(info.isa, "emulated");
    if (strcmp(info.device.mode, mode) != 0)
        assert_true(info.device.mode_reason != NULL && info.device.mode_reason[0] != 0);
    if (sw_engine_generate(engine, &request, &g, &err) != SW_OK)
        fail_msg("%s: %s", mode, err.text);
    assert_int_equal(g.n_ids, n_new);
    for (size_t i = 0; i < n_new; i++) {
        if (g.ids[i] != golden->ids[i])
            fail_msg("%s: new token %zu is %d, the reference's is %d", mode, i, (int)g.ids[i],
                     (int)golden->ids[i]);
        if (!(fabs(g.logprobs[i] - golden->logprobs[i]) < 1e-3))
            fail_msg("%s: log probability %zu is %.9g, the reference's is %.9g", mode, i,
                     g.logprobs[i], golden->logprobs[i]);
        assert_true(g.stamps_ns[i] >= (i > 0 ? g.stamps_ns[i - 1] : g.start_ns));
    }
    sw_generation_free(&g);
    sw_engine_close(engine);
}

/* A model with what the reference computes of it. */
struct reference {
    char path[4096], *converted;
    struct sw_golden golden;
    struct sw_model *model;
};

static void open_reference(struct reference *r, const struct sw_golden_case *test)
{
    need_plugin();
    sw_golden_find(r->path, sizeof r->path, &r->converted, test);
    r->model = open_model(r->path);
    sw_golden_load(&r->golden, test);
}

static void close_reference(struct reference *r)
{
    json_decref(r->golden.json);
    sw_model_close(r->model);
    if (r->converted != NULL)
        sw_test_folder_remove(r->converted);
}

static void reference_is_met(void **state)
{
    const struct sw_golden_case *test = *state;
    struct reference r;
    open_reference(&r, test);
    size_t vocab_size = sw_model_config(r.model)->vocab_size;
    bool is_small = test->shared_model == NULL; /* the emulation takes its time */
    if (is_small) {
        float *logits = malloc(r.golden.n_rows * vocab_size * sizeof *logits);
        assert_non_null(logits);
        sw_golden_compute_rows(logits, base_gpu(), r.model, NULL, &r.golden);
        sw_golden_check_rows(logits, vocab_size, &r.golden);
        free(logits);
    }
    check_answer(r.model, &r.golden, "graph", is_small ? 40 : 16);
    check_answer(r.model, &r.golden, "persistent", is_small ? 40 : 16);
    close_reference(&r);
}

/* As a user sees it, with the prompt's score, in one block and in several. */
static void scores_are_the_references(void **state)
{
    struct reference r;
    open_reference(&r, *state);
    sw_golden_check_generation(base_gpu(), r.model, NULL, &r.golden, "emulated", 128);
    sw_golden_check_generation(base_gpu(), r.model, NULL, &r.golden, "emulated", 5);
    close_reference(&r);
}

enum { N_SEQUENCES = 3, N_PROMPT = 5, N_NEW = 6, N_POSITIONS = N_PROMPT + N_NEW, MAX_VOCAB = 512 };

static struct sw_backend *open_backend(const struct sw_model *model, enum sw_strategy strategy)
{
    struct sw_backend *b;
    struct sw_error err = {0};
    struct sw_backend_options options = {.strategy = strategy,
                                         .n_sequences = N_SEQUENCES,
                                         .max_positions = N_POSITIONS,
                                         .max_batch = N_SEQUENCES * N_PROMPT,
                                         .max_logits = N_SEQUENCES,
                                         .gpu = {.mode = "graph"}};
    if (base_gpu()->open(&b, model, &options, &err) != SW_OK)
        fail_msg("%s: %s", sw_strategy_name(strategy), err.text);
    return b;
}

/* Prompts of the first n sequences, the last token of each wanting its logits. */
static size_t make_prompts(struct sw_batch_token *tokens, size_t n, size_t vocab_size)
{
    size_t n_tokens = 0;
    for (size_t s = 0; s < n; s++) {
        for (size_t i = 0; i < N_PROMPT; i++)
            tokens[n_tokens++] =
                (struct sw_batch_token){.id = (int32_t)((s * 31 + i * 7 + 3) % vocab_size),
                                        .position = (uint32_t)i,
                                        .sequence = (uint32_t)s,
                                        .want_logits = i + 1 == N_PROMPT};
    }
    return n_tokens;
}

static void check(enum sw_code code, const struct sw_error *err)
{
    if (code != SW_OK)
        fail_msg("%s", err->text);
}

/* Next ids of sequences 0 to n - 1 at once, by forward or by greedy. */
static void run_together(struct sw_backend *b, size_t n, size_t vocab_size, bool by_greedy,
                         int32_t ids[N_SEQUENCES][N_NEW])
{
    static float logits[N_SEQUENCES * MAX_VOCAB];
    struct sw_batch_token tokens[N_SEQUENCES * N_PROMPT];
    struct sw_error err = {0};
    size_t n_tokens = make_prompts(tokens, n, vocab_size);
    for (uint32_t s = 0; s < n; s++)
        base_gpu()->reset(b, s);
    for (size_t i = 0; i < N_NEW; i++) {
        int32_t next[N_SEQUENCES];
        if (by_greedy) {
            check(base_gpu()->greedy(b, tokens, n_tokens, next, NULL, &err), &err);
        } else {
            check(base_gpu()->forward(b, tokens, n_tokens, logits, &err), &err);
            for (size_t s = 0; s < n; s++)
                next[s] = sw_argmax(logits + s * vocab_size, vocab_size);
        }
        n_tokens = n;
        for (size_t s = 0; s < n; s++) {
            ids[s][i] = next[s];
            tokens[s] = (struct sw_batch_token){.id = next[s],
                                                .position = (uint32_t)(N_PROMPT + i),
                                                .sequence = (uint32_t)s,
                                                .want_logits = true};
        }
    }
}

/* forward, greedy and decode choose the same ids in every strategy, whoever else is in the batch;
 * a step of the graph and a pass of one token are the same kernels. */
static void every_way_gives_the_same_ids(void **state)
{
    static const enum sw_strategy strategies[] = {
        SW_STRATEGY_NONE, SW_STRATEGY_DYNAMIC_16BIT, SW_STRATEGY_16BIT,    SW_STRATEGY_8BIT,
        SW_STRATEGY_4BIT, SW_STRATEGY_8BIT_W8A8,     SW_STRATEGY_STUDY_FP4};
    const char *fixture = *state;
    need_plugin();
    struct sw_model *model = open_model(sw_fixture_path(fixture));
    size_t vocab_size = sw_model_config(model)->vocab_size;
    assert_in_range(vocab_size, 1, MAX_VOCAB);
    for (size_t k = 0; k < sizeof strategies / sizeof *strategies; k++) {
        int32_t alone[N_SEQUENCES][N_NEW], other[N_SEQUENCES][N_NEW], decoded[N_NEW];
        uint64_t stamps[N_NEW];
        struct sw_error err = {0};
        struct sw_backend *b = open_backend(model, strategies[k]);
        run_together(b, 1, vocab_size, false, alone);
        run_together(b, 1, vocab_size, true, other);
        assert_memory_equal(other[0], alone[0], sizeof alone[0]);

        struct sw_batch_token tokens[N_PROMPT];
        size_t n = make_prompts(tokens, 1, vocab_size);
        base_gpu()->reset(b, 0);
        check(base_gpu()->greedy(b, tokens, n, decoded, NULL, &err), &err);
        assert_int_equal(decoded[0], alone[0][0]);
        struct sw_backend_answer answer = {.id = decoded[0],
                                           .position = N_PROMPT,
                                           .max_ids = N_NEW - 1,
                                           .ids = decoded + 1,
                                           .stamps_ns = stamps + 1};
        check(base_gpu()->decode(b, &answer, &err), &err);
        assert_int_equal(answer.n_ids, N_NEW - 1);
        assert_memory_equal(decoded, alone[0], sizeof alone[0]);
        /* It ends behind an id that ends it, and goes on from there. */
        base_gpu()->reset(b, 0);
        check(base_gpu()->greedy(b, tokens, n, decoded, NULL, &err), &err);
        answer.stop_ids = &alone[0][2];
        answer.n_stop_ids = 1;
        size_t n_until = alone[0][1] == alone[0][2] ? 1 : 2;
        check(base_gpu()->decode(b, &answer, &err), &err);
        assert_int_equal(answer.n_ids, n_until);
        struct sw_backend_answer rest = {.id = decoded[n_until],
                                         .position = (uint32_t)(N_PROMPT + n_until),
                                         .max_ids = N_NEW - 1 - n_until,
                                         .ids = decoded + 1 + n_until,
                                         .stamps_ns = stamps + 1 + n_until};
        check(base_gpu()->decode(b, &rest, &err), &err);
        assert_memory_equal(decoded, alone[0], sizeof alone[0]);

        run_together(b, N_SEQUENCES, vocab_size, true, other);
        for (size_t i = 0; i < N_NEW; i++) {
            if (other[0][i] != alone[0][i])
                fail_msg("%s: id %zu of a batch is %d, alone it is %d",
                         sw_strategy_name(strategies[k]), i, (int)other[0][i], (int)alone[0][i]);
        }
        base_gpu()->close(b);
    }
    sw_model_close(model);
}

int main(void)
{
    static struct CMUnitTest tests[SW_GOLDEN_CASES + 3];
    static const char *const fixtures[] = {"golden/odd-sizes", "golden/biases"};
    size_t n = 0;
#ifdef __SANITIZE_ADDRESS__
    const size_t step = 3; /* sanitized fibers are slow; the plain suite has every model */
#else
    const size_t step = 1;
#endif
    for (size_t i = 0; i < SW_GOLDEN_CASES; i += step)
        tests[n++] = (struct CMUnitTest){.name = sw_golden_cases[i].fixture,
                                         .test_func = reference_is_met,
                                         .initial_state = (void *)(uintptr_t)&sw_golden_cases[i]};
    tests[n++] = (struct CMUnitTest){.name = "scores",
                                     .test_func = scores_are_the_references,
                                     .initial_state = (void *)(uintptr_t)&sw_golden_cases[1]};
    for (size_t i = 0; i < 2; i++)
        tests[n++] = (struct CMUnitTest){.name = fixtures[i],
                                         .test_func = every_way_gives_the_same_ids,
                                         .initial_state = (void *)(uintptr_t)fixtures[i]};
    return _cmocka_run_group_tests("gpu", tests, n, NULL, NULL);
}
