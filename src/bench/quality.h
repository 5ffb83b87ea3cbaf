/* Quality of the very answers whose joules were measured. */
#ifndef SW_BENCH_QUALITY_H
#define SW_BENCH_QUALITY_H

#include <jansson.h>

#include "bench/study.h"

/* Of one answer's text, for its `sample` line: {"exact_match", "f1", "contains", "reason"}; all
 * null, with the reason, where there is nothing to compare with or the text is noise. */
enum sw_code sw_quality_of_answer(json_t **out, const struct sw_question *question,
                                  const char *answer, size_t size, bool is_synthetic,
                                  struct sw_error *err);

/* What takes the engine again, after everything was measured. */
struct sw_quality_plan {
    const char *run_id;
    struct sw_engine *engine;
    struct sw_engine *fp32; /* the same model unquantised, with as many positions; NULL: agreement
                               was not asked for */
    bool perplexity;        /* of the first reference answer behind the prompt */
    bool is_synthetic;      /* the weights are: lines say so, and nothing is run */
    const struct sw_tokenizer *tokenizer;
    const struct sw_dataset *dataset;
    const struct sw_prompt_template *prompt_template;
    const struct sw_study_prompt *prompts; /* (n) */
    const json_t *const *ids;              /* (n) each answer's "ids"; NULL: it has none */
    size_t n;
    size_t vocab_size;
    /* One `quality` line for each answer, borrowed; a code other than SW_OK ends with it. */
    enum sw_code (*on_line)(void *ctx, const json_t *line, struct sw_error *err);
    bool (*is_interrupted)(void *ctx); /* may be NULL; what is left is left out */
    void *ctx;
};
enum sw_code sw_quality_run(const struct sw_quality_plan *plan, struct sw_error *err);

#endif
