/*
 * Greedy ids, logits and scores against the reference library's (scripts/make-golden.py), for every
 * shape of tests/fixtures/golden and for the trained models of the shared data, at every kernel
 * level of this machine and several thread counts. Levels and thread counts agree to the last bit.
 */
#include "support/skip.h"

#include <string.h>

#include "base/cpu.h"
#include "engine/engine.h"
#include "support/folder.h"
#include "support/golden.h"

#ifdef __x86_64__
static const enum sw_cpu_level levels[] = {SW_CPU_SCALAR, SW_CPU_AVX2, SW_CPU_AVX512,
                                           SW_CPU_AVX512_VNNI, SW_CPU_AVX512_BF16};
#elif defined(__aarch64__)
static const enum sw_cpu_level levels[] = {SW_CPU_SCALAR, SW_CPU_NEON, SW_CPU_NEON_DOT};
#else
static const enum sw_cpu_level levels[] = {SW_CPU_SCALAR};
#endif
enum { N_LEVELS = sizeof levels / sizeof *levels };

static const struct sw_backend_api *base_cpu(void)
{
    struct sw_error err = {0};
    const struct sw_backend_api *api = sw_backend_find("base_cpu", &err);
    if (api == NULL)
        fail_msg("%s", err.text);
    return api;
}

/* The plain suite has every number; sanitized code is slow, and each of them sees all of the code.
 */
#if defined __SANITIZE_THREAD__
static const int thread_counts[] = {2, 5}; /* one thread has nothing to race with */
static const size_t blocks[] = {128};
#elif defined __SANITIZE_ADDRESS__
static const int thread_counts[] = {3};
static const size_t blocks[] = {16};
#else
static const int thread_counts[] = {1, 2, 3, 5};
static const size_t blocks[] = {128, 1, 16};
#endif

/* Races do not depend on the level: there, the newest that is here. */
static bool is_wanted(size_t i)
{
#ifdef __SANITIZE_THREAD__
    for (size_t j = i + 1; j < N_LEVELS; j++)
        if (sw_cpu_level_is_here(levels[j]))
            return false;
    return sw_cpu_level_is_here(levels[i]);
#else
    return i < N_LEVELS;
#endif
}

/* What one thread computes at level scalar, once for all levels of a case: fp32 has one result. */
static const float *scalar_rows(const struct sw_golden_case *test, const struct sw_model *model,
                                const struct sw_golden *golden)
{
    static const struct sw_golden_case *last;
    static float *rows;
    if (test != last) {
        size_t vocab_size = sw_model_config(model)->vocab_size;
        free(rows);
        rows = malloc(golden->n_rows * vocab_size * sizeof *rows);
        assert_non_null(rows);
        setenv("SMOLWATT_ISA", "scalar", 1);
        sw_golden_compute_rows(rows, base_cpu(), model, NULL, golden);
        sw_golden_check_rows(rows, vocab_size, golden);
        last = test;
    }
    return rows;
}

static void check_model(const char *path, const struct sw_golden_case *test,
                        const struct sw_golden *golden, enum sw_cpu_level level)
{
    struct sw_model *model;
    struct sw_error err = {0};
    if (sw_model_open(&model, path, NULL, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    size_t n_bytes = golden->n_rows * sw_model_config(model)->vocab_size * sizeof(float);
    const float *expected = scalar_rows(test, model, golden);
    float *logits = malloc(n_bytes);
    assert_non_null(logits);
    setenv("SMOLWATT_ISA", sw_cpu_level_name(level), 1);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        sw_golden_check_generation(base_cpu(), model, NULL, golden, sw_cpu_level_name(level),
                                   blocks[i]);
    for (size_t i = 0; i < sizeof thread_counts / sizeof *thread_counts; i++) {
        struct sw_pool *pool;
        struct sw_pool_options options = {.n_threads = thread_counts[i], .no_pinning = true};
        if (sw_pool_create(&pool, &options, &err) != SW_OK)
            fail_msg("%s", err.text);
        if (thread_counts[i] <= 2) /* more threads than cores only wait for each other */
            sw_golden_check_generation(base_cpu(), model, pool, golden, sw_cpu_level_name(level),
                                       5);
        sw_golden_compute_rows(logits, base_cpu(), model, pool, golden);
        if (memcmp(expected, logits, n_bytes) != 0)
            fail_msg("%d threads at level %s give other bits than one at level scalar",
                     thread_counts[i], sw_cpu_level_name(level));
        sw_pool_destroy(pool);
    }
    free(logits);
    sw_model_close(model);
}

struct instance {
    const struct sw_golden_case *test;
    enum sw_cpu_level level;
};

static void reference_is_met(void **state)
{
    const struct instance *instance = *state;
    const struct sw_golden_case *test = instance->test;
    const char *level = sw_cpu_level_name(instance->level);
    char path[4096];
    char *converted;
    if (!sw_cpu_level_is_here(instance->level))
        SW_SKIP("%s: this machine has no %s", test->fixture, level);
    sw_golden_find(path, sizeof path, &converted, test);
    struct sw_golden golden;
    sw_golden_load(&golden, test);
    check_model(path, test, &golden, instance->level);
    json_decref(golden.json);
    if (converted != NULL)
        sw_test_folder_remove(converted);
}

int main(void)
{
    static struct instance instances[SW_GOLDEN_CASES * N_LEVELS];
    static char names[SW_GOLDEN_CASES * N_LEVELS][96];
    static struct CMUnitTest tests[SW_GOLDEN_CASES * N_LEVELS];
    size_t n = 0;
    for (size_t i = 0; i < SW_GOLDEN_CASES; i++) {
        for (size_t j = 0; j < N_LEVELS; j++) {
            if (!is_wanted(j) || !sw_golden_is_wanted(&sw_golden_cases[i]))
                continue;
            instances[n] = (struct instance){&sw_golden_cases[i], levels[j]};
            snprintf(names[n], sizeof names[n], "%s at level %s", sw_golden_cases[i].fixture,
                     sw_cpu_level_name(levels[j]));
            tests[n] = (struct CMUnitTest){
                .name = names[n], .test_func = reference_is_met, .initial_state = &instances[n]};
            n++;
        }
    }
    return _cmocka_run_group_tests("golden", tests, n, NULL, NULL);
}
