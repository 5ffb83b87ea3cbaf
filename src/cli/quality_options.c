#include "cli/quality_options.h"

static size_t longest_of(const struct sw_quality_plan *plan)
{
    size_t longest = 0;
    for (size_t i = 0; i < plan->n; i++)
        if (plan->prompts[i].ids.n > longest)
            longest = plan->prompts[i].ids.n;
    return longest;
}

enum sw_code sw_quality_choice_run(const struct sw_quality_choice *choice,
                                   const struct sw_engine_parts *parts,
                                   const struct sw_quality_plan *plan, size_t max_new_tokens,
                                   struct sw_error *err)
{
    struct sw_quality_plan full = *plan;
    enum sw_code code = SW_OK;
    full.perplexity = choice->perplexity;
    full.fp32 = NULL;
    if (!choice->perplexity && !choice->agreement)
        return SW_OK;
    if (choice->agreement && !plan->is_synthetic)
        code = sw_engine_open(&full.fp32, parts->model,
                              &(struct sw_engine_options){.api = parts->api,
                                                          .strategy = SW_STRATEGY_NONE,
                                                          .pool = parts->pool,
                                                          .max_prompt_tokens = longest_of(plan),
                                                          .max_new_tokens = max_new_tokens},
                              err);
    if (code == SW_OK)
        code = sw_quality_run(&full, err);
    sw_engine_close(full.fp32);
    return code;
}
