/*
 * One JSON object a line for each strategy that base_cpu runs, for scripts/strategy-quality.
 *
 *     strategy_quality MODEL        what it is: arithmetic, types, bytes per token
 *     strategy_quality MODEL IDS    and what it costs on the windows of ids in a file
 */
#include <math.h>
#include <string.h>

#include "support/quality.h"

static int fail(const struct sw_error *err)
{
    fprintf(stderr, "strategy_quality: %s\n", err->text);
    return 1;
}

static enum sw_code describe(struct sw_backend_info *info, const struct sw_model *model,
                             enum sw_strategy strategy, struct sw_pool *pool, struct sw_error *err)
{
    struct sw_backend_options options = {.strategy = strategy,
                                         .pool = pool,
                                         .n_sequences = 1,
                                         .max_positions = 1,
                                         .max_batch = 1,
                                         .max_logits = 1};
    struct sw_backend *backend;
    const struct sw_backend_api *api = sw_backend_find("base_cpu", err);
    enum sw_code code = api == NULL ? err->code : api->open(&backend, model, &options, err);
    if (code != SW_OK)
        return code;
    api->describe(backend, info);
    api->close(backend);
    return SW_OK;
}

int main(int argc, char **argv)
{
    static struct sw_quality_text text;
    struct sw_model *model;
    struct sw_pool *pool;
    struct sw_error err = {0};
    FILE *file;
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: strategy_quality MODEL [IDS]\n");
        return 2;
    }
    if (sw_pool_create(&pool, &(struct sw_pool_options){0}, &err) != SW_OK ||
        sw_model_open(&model, argv[1], NULL, pool, &err) != SW_OK)
        return fail(&err);
    if (argc > 2) {
        file = fopen(argv[2], "r");
        if (file == NULL) {
            perror(argv[2]);
            return 1;
        }
        if (sw_quality_read(&text, file, &err) != SW_OK ||
            sw_quality_prepare(&text, model, pool, &err) != SW_OK)
            return fail(&err);
        fclose(file);
    }
    for (int s = SW_STRATEGY_NONE; s <= SW_STRATEGY_STUDY_FP4; s++) {
        struct sw_backend_info info;
        enum sw_code code = describe(&info, model, (enum sw_strategy)s, pool, &err);
        if (code == SW_EUNSUPPORTED)
            continue;
        if (code != SW_OK)
            return fail(&err);
        printf("{\"strategy\": \"%s\", \"arithmetic\": \"%s\", \"isa\": \"%s\", "
               "\"weight_dtype\": \"%s\", \"compute_dtype\": \"%s\", "
               "\"weight_bytes_per_token\": %llu",
               sw_strategy_name((enum sw_strategy)s), info.arithmetic, info.isa, info.weight_dtype,
               info.compute_dtype, (unsigned long long)info.weight_bytes_per_token);
        if (argc > 2) {
            struct sw_quality q;
            if (sw_quality_measure(&q, &text, model, (enum sw_strategy)s, pool, &err) != SW_OK)
                return fail(&err);
            printf(", \"model_dtype\": \"%s\", \"n_text\": %zu, \"perplexity\": %.6f, "
                   "\"n_greedy\": %zu, \"agreement\": %.6f, \"worst_error\": %.9g, "
                   "\"greatest_logit\": %.6f",
                   sw_model_dtype_name(model), q.n_text, exp(q.nll), q.n_greedy, q.agreement,
                   q.worst_error, q.greatest_logit);
        }
        printf("}\n");
    }
    sw_quality_free(&text);
    sw_model_close(model);
    sw_pool_destroy(pool);
    return 0;
}
