/*
 * The study's loop: one question after another, greedy, each answer between meter readings; or many
 * at once, where the joules are those of windows that the answers under way share. The plan is
 * fixed before the first token; samples and windows come out as journal objects, outside of what is
 * measured.
 */
#ifndef SW_BENCH_STUDY_H
#define SW_BENCH_STUDY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dataset/dataset.h"
#include "dataset/prompt.h"
#include "engine/engine.h"
#include "meter/conditions.h"
#include "meter/meter.h"
#include "text/tokenizer.h"

/* A prompt ready to run. */
struct sw_study_prompt {
    size_t question;   /* index into the data set */
    struct sw_ids ids; /* owned */
};

/* Encodes the chosen questions (indices, n) of a data set: prompts (n), owned by the caller, who
 * frees with sw_study_prompts_free. A prompt without tokens or with more than max_tokens is refused
 * and named. *longest becomes the most tokens of one. */
enum sw_code sw_study_prompts_create(struct sw_study_prompt **out, const struct sw_dataset *dataset,
                                     const size_t *indices, size_t n,
                                     const struct sw_prompt_template *prompt_template,
                                     const struct sw_tokenizer *tokenizer, size_t vocab_size,
                                     size_t max_tokens, size_t *longest, struct sw_error *err);
void sw_study_prompts_free(struct sw_study_prompt *prompts, size_t n);

struct sw_study {
    const char *run_id;
    struct sw_engine *engine;
    const struct sw_tokenizer *tokenizer;
    struct sw_meter_set *meters;
    struct sw_conditions_reader *conditions; /* read before the first and after the last edge */
    bool is_synthetic;                       /* the weights are: the text is noise */
    const struct sw_dataset *dataset;
    const struct sw_prompt_template *prompt_template;
    const struct sw_study_prompt *prompts; /* (n) */
    size_t n;
    const size_t *order;  /* (n) in which they are asked; NULL: as they stand */
    bool repeats_prefill; /* of the first question, where it is too short for its counter */
    bool has_block;       /* lines say which block they are of */
    size_t block;
    const bool *is_done;     /* (n) samples that an earlier run finished (resume); NULL: none */
    size_t n_windows_before; /* that it has recorded */
    size_t batch;            /* sequences at once, as many as the engine has; 0: 1 */
    size_t max_new_tokens;
    bool ignore_eos;

    /* Between samples or windows; a code other than SW_OK ends the loop with it. The line is
     * borrowed. A window's line comes before those of the samples that ended in it; only a batch
     * has windows. */
    enum sw_code (*on_sample)(void *ctx, const json_t *sample, struct sw_error *err);
    enum sw_code (*on_window)(void *ctx, const json_t *window, struct sw_error *err);
    bool (*is_interrupted)(void *ctx); /* asked at every token; samples under way are dropped */
    void *ctx;
};

/* Runs all samples that are not done. SW_EINTERRUPTED where is_interrupted said so. */
enum sw_code sw_study_run(const struct sw_study *study, struct sw_error *err);

#endif
