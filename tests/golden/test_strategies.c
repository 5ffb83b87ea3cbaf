/*
 * Every strategy of base_cpu against itself: the same bits at every kernel level of this machine,
 * with 1, 2, 3 and 5 threads, token by token, in blocks, and as several sequences in one batch; and
 * against fp32, in quality, on the trained models. The one exception is quantization16bit where
 * bf16 products are the machine's own: its logits are held to a bound.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "gpu/definition_pass.h"
#include "support/folder.h"
#include "support/greedy.h"
#include "support/quality.h"
#include "text/tokenizer.h"

/* More tokens than a tile of positions has. */
enum { N_TOKENS = 21, N_SEQUENCES = 3, MAX_VOCAB = 1024, N_LOGITS = N_TOKENS * MAX_VOCAB };

static const enum sw_strategy strategies[] = {SW_STRATEGY_NONE, SW_STRATEGY_DYNAMIC_16BIT,
                                              SW_STRATEGY_16BIT, SW_STRATEGY_8BIT,
                                              SW_STRATEGY_4BIT};
enum { N_STRATEGIES = sizeof strategies / sizeof *strategies };

/* Sizes that are no multiple of a tile, a group of 32, a block of 64 or a pair; and one that is.
 * layers,dim,hidden,heads,kv_heads,vocab,positions */
static const char *const shapes[] = {
    "synthetic:2,64,96,4,2,131,64",  "synthetic:1,144,200,9,3,70,64",
    "synthetic:2,48,33,2,1,1000,64", "synthetic:1,8,5,1,1,17,64",
    "synthetic:2,90,100,9,1,64,64",  "synthetic:1,192,320,2,2,257,64",
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* Checkpoints with biases, and with sizes that are odd in other ways. */
static const char *const fixtures[] = {"golden/biases", "golden/odd-sizes", "golden/head-dim",
                                       "golden/bf16"};
enum { N_FIXTURES = sizeof fixtures / sizeof *fixtures, N_MODELS = N_SHAPES + N_FIXTURES };

static float expected[N_SEQUENCES][N_LOGITS], logits[N_SEQUENCES * N_LOGITS];

static struct sw_model *open_model(size_t i)
{
    const char *name = i < N_SHAPES ? shapes[i] : sw_fixture_path(fixtures[i - N_SHAPES]);
    struct sw_model *model;
    struct sw_error err;
    if (sw_model_open(&model, name, NULL, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_in_range(sw_model_config(model)->vocab_size, 1, MAX_VOCAB);
    return model;
}

static const struct sw_backend_api *api(void)
{
    struct sw_error err;
    const struct sw_backend_api *found = sw_backend_find("base_cpu", &err);
    assert_non_null(found);
    return found;
}

static struct sw_backend *open_backend(const struct sw_model *model, enum sw_strategy strategy,
                                       enum sw_cpu_level level, struct sw_pool *pool)
{
    struct sw_backend *backend;
    struct sw_backend_info info;
    struct sw_error err;
    struct sw_backend_options options = {.strategy = strategy,
                                         .pool = pool,
                                         .n_sequences = N_SEQUENCES,
                                         .max_positions = 32,
                                         .max_batch = N_SEQUENCES * N_TOKENS,
                                         .max_logits = N_SEQUENCES * N_TOKENS};
    setenv("SMOLWATT_ISA", sw_cpu_level_name(level), 1);
    if (api()->open(&backend, model, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    api()->describe(backend, &info);
    assert_string_equal(info.isa, sw_cpu_level_name(level)); /* what was asked for did run */
    return backend;
}

static int32_t id_of(size_t vocab_size, size_t sequence, size_t position)
{
    return (int32_t)((position * 37 + sequence * 11 + 5) % vocab_size);
}

static void forward(struct sw_backend *backend, const struct sw_batch_token *tokens, size_t n,
                    float *out)
{
    struct sw_error err;
    if (api()->forward(backend, tokens, n, out, &err) != SW_OK)
        fail_msg("%s", err.text);
}

/* One sequence, block tokens at a time. */
static void run_alone(struct sw_backend *backend, size_t vocab_size, uint32_t sequence,
                      size_t block, float *out)
{
    api()->reset(backend, sequence);
    for (size_t begin = 0, n; begin < N_TOKENS; begin += n) {
        struct sw_batch_token tokens[N_TOKENS];
        n = N_TOKENS - begin < block ? N_TOKENS - begin : block;
        for (size_t i = 0; i < n; i++)
            tokens[i] = (struct sw_batch_token){.id = id_of(vocab_size, sequence, begin + i),
                                                .position = (uint32_t)(begin + i),
                                                .sequence = sequence,
                                                .want_logits = true};
        forward(backend, tokens, n, out + begin * vocab_size);
    }
}

static void reset_all(struct sw_backend *backend)
{
    for (uint32_t s = 0; s < N_SEQUENCES; s++)
        api()->reset(backend, s);
}

/* A token of each sequence at position p. */
static void take_tokens(struct sw_batch_token tokens[N_SEQUENCES], size_t vocab_size, size_t p)
{
    for (uint32_t s = 0; s < N_SEQUENCES; s++)
        tokens[s] = (struct sw_batch_token){.id = id_of(vocab_size, s, p),
                                            .position = (uint32_t)p,
                                            .sequence = s,
                                            .want_logits = true};
}

/* All sequences, a token of each in every call; the logits go to (N_SEQUENCES, N_LOGITS). */
static void run_together(struct sw_backend *backend, size_t vocab_size)
{
    float row[N_SEQUENCES * MAX_VOCAB];
    reset_all(backend);
    for (size_t p = 0; p < N_TOKENS; p++) {
        struct sw_batch_token tokens[N_SEQUENCES];
        take_tokens(tokens, vocab_size, p);
        forward(backend, tokens, N_SEQUENCES, row);
        for (size_t s = 0; s < N_SEQUENCES; s++)
            memcpy(logits + s * N_LOGITS + p * vocab_size, row + s * vocab_size,
                   vocab_size * sizeof *row);
    }
}

/* Of positions and sequences; ids and these are the same at every level and number of threads. */
static double logprobs[N_TOKENS * N_SEQUENCES];
static bool has_logprobs;

/* The ids that the expected logits lead to, by the backend's own choice. */
static void check_choices(struct sw_backend *backend, size_t vocab_size, const char *what)
{
    float rows[N_SEQUENCES * MAX_VOCAB];
    double got[N_TOKENS * N_SEQUENCES];
    reset_all(backend);
    for (size_t p = 0; p < N_TOKENS; p++) {
        struct sw_batch_token tokens[N_SEQUENCES];
        take_tokens(tokens, vocab_size, p);
        for (size_t s = 0; s < N_SEQUENCES; s++)
            memcpy(rows + s * vocab_size, expected[s] + p * vocab_size, vocab_size * sizeof *rows);
        sw_test_check_greedy(api(), backend, tokens, N_SEQUENCES, rows, vocab_size,
                             got + p * N_SEQUENCES);
    }
    if (has_logprobs && memcmp(got, logprobs, sizeof got) != 0)
        fail_msg("%s: other bits of log probabilities", what);
    memcpy(logprobs, got, sizeof got);
    has_logprobs = true;
}

/* Native products of bf16 have another order of sums, and zero for subnormal numbers; a rounding to
 * bf16 that falls the other way is 2^-8 of a number, and each layer has a handful of roundings
 * behind sums. Logits are within a few of them of the greatest. */
static const double NATIVE_BF16 = 8.0 / 256;

static void compare(const float *got, const float *wanted, size_t n, bool is_exact,
                    const char *what)
{
    double worst = 0, greatest = 0;
    for (size_t i = 0; i < n; i++) {
        double error = fabs((double)got[i] - (double)wanted[i]);
        worst = error <= worst ? worst : error;
        greatest = fmax(greatest, fabs((double)wanted[i]));
    }
    assert_true(greatest > 0 && isfinite(greatest));
    if (is_exact && memcmp(got, wanted, n * sizeof *got) != 0)
        fail_msg("%s: other bits; logits differ by %g of %g", what, worst, greatest);
    if (!(worst <= NATIVE_BF16 * greatest))
        fail_msg("%s: logits differ by %g of %g", what, worst, greatest);
}

static void check_backend(struct sw_backend *backend, size_t vocab_size, bool is_exact,
                          const char *what)
{
    size_t n = N_TOKENS * vocab_size;
    run_alone(backend, vocab_size, 0, N_TOKENS, logits);
    compare(logits, expected[0], n, is_exact, what);
    if (!is_exact) { /* from here on against itself, to the bit */
        for (uint32_t s = 0; s < N_SEQUENCES; s++)
            run_alone(backend, vocab_size, s, N_TOKENS, expected[s]);
        has_logprobs = false;
    }
    for (size_t block = 1; block < N_TOKENS; block = block * 2 + 1) {
        run_alone(backend, vocab_size, 1, block, logits);
        compare(logits, expected[1], n, true, what);
    }
    run_together(backend, vocab_size);
    for (size_t s = 0; s < N_SEQUENCES; s++)
        compare(logits + s * N_LOGITS, expected[s], n, true, what);
    check_choices(backend, vocab_size, what);
}

/* Races depend neither on the level nor on remainders of sizes, and take a hundred times as long to
 * look for: there, the machine's own level with two numbers of threads, and every third model. */
#ifdef __SANITIZE_THREAD__
enum { MODELS_STEP = 3 };
static const int thread_counts[] = {2, 5};
static const bool every_level = false;
#elif defined __SANITIZE_ADDRESS__
enum { MODELS_STEP = 1 };
static const int thread_counts[] = {3}; /* the plain suite has the others, and the same bits */
static const bool every_level = true;
#else
enum { MODELS_STEP = 1 };
static const int thread_counts[] = {1, 2, 3, 5};
static const bool every_level = true;
#endif

static void check_level(const struct sw_model *model, const char *name, enum sw_strategy strategy,
                        enum sw_cpu_level level)
{
    bool is_exact = strategy != SW_STRATEGY_16BIT || level != SW_CPU_AVX512_BF16;
    for (size_t i = 0; i < sizeof thread_counts / sizeof *thread_counts; i++) {
        struct sw_pool *pool;
        struct sw_pool_options options = {
            .n_threads = thread_counts[i], .no_pinning = true, .wait = SW_WAIT_SLEEP};
        struct sw_error err;
        char what[160];
        snprintf(what, sizeof what, "%s, %s at level %s with %d threads", name,
                 sw_strategy_name(strategy), sw_cpu_level_name(level), thread_counts[i]);
        if (sw_pool_create(&pool, &options, &err) != SW_OK)
            fail_msg("%s", err.text);
        struct sw_backend *backend = open_backend(model, strategy, level, pool);
        check_backend(backend, sw_model_config(model)->vocab_size, is_exact || i > 0, what);
        api()->close(backend);
        sw_pool_destroy(pool);
    }
}

static void bits_are_the_same(void **state)
{
    enum sw_strategy strategy = *(const enum sw_strategy *)*state;
    for (size_t i = 0; i < N_MODELS; i += MODELS_STEP) {
        struct sw_model *model = open_model(i);
        struct sw_backend *backend = open_backend(model, strategy, SW_CPU_SCALAR, NULL);
        const char *name = i < N_SHAPES ? shapes[i] : fixtures[i - N_SHAPES];
        for (uint32_t s = 0; s < N_SEQUENCES; s++)
            run_alone(backend, sw_model_config(model)->vocab_size, s, 1, expected[s]);
        has_logprobs = false;
        api()->close(backend);
        for (int level = SW_CPU_SCALAR; level < SW_CPU_LEVELS; level++)
            if (sw_cpu_level_is_here((enum sw_cpu_level)level) &&
                (every_level || level == (int)sw_cpu_level_machine()))
                check_level(model, name, strategy, (enum sw_cpu_level)level);
        sw_model_close(model);
    }
    unsetenv("SMOLWATT_ISA");
}

/* Largest change of perplexity against fp32, of 1. */
static const double bounds[] = {0, 0.001, 0.001, 0.01, 0.08};

/* base_gpu's, by their scalar definition; the others' products are base_cpu's. */
static const struct {
    enum sw_strategy strategy;
    double bound;
} gpu_strategies[] = {
    {SW_STRATEGY_8BIT, 0.01}, {SW_STRATEGY_8BIT_W8A8, 0.01}, {SW_STRATEGY_4BIT, 0.08}};

static void check_gpu_quality(const struct sw_quality_text *text, const struct sw_model *model,
                              double plain)
{
    /* The windows of text alone: nothing is asked about continuations. */
    static struct sw_quality_text windows;
    struct sw_error err;
    windows = *text;
    windows.n = text->n / 2;
    for (size_t s = 0; s < sizeof gpu_strategies / sizeof *gpu_strategies; s++) {
        enum sw_strategy strategy = gpu_strategies[s].strategy;
        struct sw_quality q;
        if (sw_quality_measure(&q, &windows, model, definition_backend(80), strategy, NULL, &err) !=
            SW_OK)
            fail_msg("%s", err.text);
        double change = exp(q.nll - plain) - 1;
        if (!(fabs(change) <= gpu_strategies[s].bound))
            fail_msg("base_gpu, %s: perplexity %g, %+.3f %% against fp32; the goal is %g %%",
                     sw_strategy_name(strategy), exp(q.nll), 100 * change,
                     100 * gpu_strategies[s].bound);
    }
}

/* Numbers of code that the sanitizers see above, in one thread. */
static void skip_where_slow(void)
{
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
    SW_SKIP("quality is measured without sanitizers");
#endif
}

static void check_quality(const char *folder, FILE *ids)
{
    static struct sw_quality_text text;
    struct sw_model *model;
    struct sw_error err;
    double plain = 0;
    assert_non_null(ids);
    unsetenv("SMOLWATT_ISA");
    if (sw_quality_read(&text, ids, &err) != SW_OK ||
        sw_model_open(&model, folder, NULL, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_int_equal(text.n, 20);
    if (sw_quality_prepare(&text, model, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    for (size_t s = 0; s < N_STRATEGIES; s++) {
        struct sw_quality q;
        if (sw_quality_measure(&q, &text, model, api(), strategies[s], NULL, &err) != SW_OK)
            fail_msg("%s", err.text);
        plain = s == 0 ? q.nll : plain;
        double change = exp(q.nll - plain) - 1;
        if (s == 0) /* prefill in blocks is decoding token by token, in every bit */
            assert_true(q.worst_error == 0 && q.agreement == 1);
        if (!(fabs(change) <= bounds[s]))
            fail_msg("%s: perplexity %g, %+.3f %% against fp32; the goal is %g %%",
                     sw_strategy_name(strategies[s]), exp(q.nll), 100 * change, 100 * bounds[s]);
    }
    check_gpu_quality(&text, model, plain);
    sw_quality_free(&text);
    sw_model_close(model);
}

static void stories260k_keeps_its_quality(void **state)
{
    (void)state;
    skip_where_slow();
    char source[4096], command[3 * 4096];
    const char *found = sw_shared_path("data/stories260K/stories260K.bin");
    if (found == NULL)
        SW_SKIP("stories260K: the shared data is absent");
    if (system("command -v python3 >/dev/null 2>&1") != 0)
        SW_SKIP("stories260K: python3 is not installed");
    snprintf(source, sizeof source, "%s", found);
    char *folder = sw_test_folder_create();
    snprintf(command, sizeof command, "python3 tests/support/convert_llama2c.py '%s' '%s'", source,
             folder);
    assert_int_equal(system(command), 0);
    *strrchr(source, '/') = 0;
    snprintf(command, sizeof command, "python3 tests/support/encode_llama2c.py '%s/tok512.bin' %s",
             source, sw_fixture_path("quality/stories.txt"));
    FILE *ids = popen(command, "r");
    check_quality(folder, ids);
    assert_int_equal(pclose(ids), 0);
    sw_test_folder_remove(folder);
}

/* The stories as lines of ids. */
static FILE *encode_stories(const char *folder)
{
    struct sw_tokenizer *tokenizer;
    struct sw_error err;
    char line[1024];
    FILE *ids = tmpfile(), *stories = fopen(sw_fixture_path("quality/stories.txt"), "r");
    assert_true(ids != NULL && stories != NULL);
    if (sw_tokenizer_load(&tokenizer, folder, &err) != SW_OK)
        fail_msg("%s", err.text);
    while (fgets(line, sizeof line, stories) != NULL) {
        struct sw_ids list = {0};
        if (sw_tokenizer_encode(tokenizer, line, strcspn(line, "\n"), SW_ENCODE_PLAIN, &list,
                                &err) != SW_OK)
            fail_msg("%s", err.text);
        for (size_t i = 0; i < list.n; i++)
            fprintf(ids, "%d%c", (int)list.data[i], i + 1 < list.n ? ',' : '\n');
        sw_ids_free(&list);
    }
    sw_tokenizer_destroy(tokenizer);
    fclose(stories);
    rewind(ids);
    return ids;
}

static void story_llama_keeps_its_quality(void **state)
{
    (void)state;
    skip_where_slow();
    const char *found = sw_shared_path("data/story-llama-hf");
    if (found == NULL)
        SW_SKIP("story-llama-hf: the shared data is absent");
    FILE *ids = encode_stories(found);
    check_quality(found, ids);
    fclose(ids);
}

int main(void)
{
    static struct CMUnitTest tests[N_STRATEGIES + 2];
    static char names[N_STRATEGIES][96];
    setenv("SMOLWATT_BF16", "native", 1); /* which other levels' products are held against */
    for (size_t i = 0; i < N_STRATEGIES; i++) {
        snprintf(names[i], sizeof names[i], "%s: the same bits at every level",
                 sw_strategy_name(strategies[i]));
        tests[i] = (struct CMUnitTest){.name = names[i],
                                       .test_func = bits_are_the_same,
                                       .initial_state = (void *)&strategies[i]};
    }
    tests[N_STRATEGIES] = (struct CMUnitTest)cmocka_unit_test(stories260k_keeps_its_quality);
    tests[N_STRATEGIES + 1] = (struct CMUnitTest)cmocka_unit_test(story_llama_keeps_its_quality);
    return cmocka_run_group_tests_name("strategies", tests, NULL, NULL);
}
