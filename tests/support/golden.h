/*
 * Greedy ids, logits and scores of the reference library (scripts/make-golden.py), for every shape
 * of tests/fixtures/golden and for the trained models of the shared data; and the checks of a
 * backend against them.
 */
#ifndef SW_TESTS_SUPPORT_GOLDEN_H
#define SW_TESTS_SUPPORT_GOLDEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

enum { SW_GOLDEN_MAX_PROMPT = 64, SW_GOLDEN_NEW = 100, SW_GOLDEN_MAX_ROWS = 8 };
enum { SW_GOLDEN_CASES = 14 };

struct sw_golden {
    int32_t prompt[SW_GOLDEN_MAX_PROMPT], ids[SW_GOLDEN_NEW];
    size_t n_prompt, n_rows;
    double logprobs[SW_GOLDEN_NEW], prompt_nll;
    struct {
        size_t position;
        const json_t *values; /* (vocab_size), view into json */
    } rows[SW_GOLDEN_MAX_ROWS];
    json_t *json; /* owned */
};

struct sw_golden_case {
    const char *fixture;      /* below tests/fixtures/golden */
    const char *shared_model; /* below the shared data, for a trained model */
    bool is_llama2c;          /* to be converted first */
};

extern const struct sw_golden_case sw_golden_cases[SW_GOLDEN_CASES];

/* False for a trained model under a sanitizer: they are large, and their shapes are among the small
 * ones. */
bool sw_golden_is_wanted(const struct sw_golden_case *test);

void sw_golden_load(struct sw_golden *golden, const struct sw_golden_case *test);

/* The folder of a case: its fixture, or shared data, converted if it must be; *converted is then to
 * be removed. Skips the test, by name, where the data or a tool is absent. */
void sw_golden_find(char *path, size_t size, char **converted, const struct sw_golden_case *test);

/* The greedy run as a user sees it, with the prompt in blocks; isa is what has to have run, or
 * NULL. */
void sw_golden_check_generation(const struct sw_backend_api *api, const struct sw_model *model,
                                struct sw_pool *pool, const struct sw_golden *golden,
                                const char *isa, size_t block);

/* Runs prompt and reference ids; the wanted rows go to logits (n_rows, vocab_size). */
void sw_golden_compute_rows(float *logits, const struct sw_backend_api *api,
                            const struct sw_model *model, struct sw_pool *pool,
                            const struct sw_golden *golden);
void sw_golden_check_rows(const float *logits, size_t vocab_size, const struct sw_golden *golden);

#endif
