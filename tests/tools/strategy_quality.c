/*
 * One JSON object a line for each strategy that base_cpu runs, and for each arithmetic of base_gpu,
 * whose scalar definition stands for it (tests/gpu/definition_pass.h); for
 * scripts/strategy-quality.
 *
 *     strategy_quality MODEL        what it is: arithmetic, types, bytes per token
 *     strategy_quality MODEL IDS    and what it costs on the windows of ids in a file
 */
#include <math.h>
#include <string.h>

#include "backend/cuda/arithmetic.h"
#include "gpu/definition_pass.h"
#include "support/quality.h"

static int fail(const struct sw_error *err)
{
    fprintf(stderr, "strategy_quality: %s\n", err->text);
    return 1;
}

/* What one line is about. */
struct row {
    const struct sw_backend_api *api;
    struct sw_backend_info info; /* the first members that are printed */
};

static enum sw_code describe_cpu(struct row *row, const struct sw_model *model,
                                 enum sw_strategy strategy, struct sw_pool *pool,
                                 struct sw_error *err)
{
    struct sw_backend_options options = {.strategy = strategy,
                                         .pool = pool,
                                         .n_sequences = 1,
                                         .max_positions = 1,
                                         .max_batch = 1,
                                         .max_logits = 1};
    struct sw_backend *backend;
    row->api = sw_backend_find("base_cpu", err);
    enum sw_code code =
        row->api == NULL ? err->code : row->api->open(&backend, model, &options, err);
    if (code != SW_OK)
        return code;
    row->api->describe(backend, &row->info);
    row->api->close(backend);
    return SW_OK;
}

static enum sw_code describe_gpu(struct row *row, const struct sw_model *model,
                                 enum sw_strategy strategy, int sm, struct sw_pool *pool,
                                 struct sw_error *err)
{
    struct sw_gpu_arithmetic a;
    struct sw_gpu_packer packer;
    enum sw_code code = sw_gpu_arithmetic_of(&a, strategy, sm, err);
    if (code == SW_OK)
        code = sw_gpu_packer_open(&packer, model, &a, 1, pool, err);
    if (code != SW_OK)
        return code;
    row->api = definition_backend(sm);
    row->info =
        (struct sw_backend_info){.backend = "base_gpu",
                                 .arithmetic = a.name,
                                 .isa = "definition",
                                 .weight_dtype = a.weight_dtype,
                                 .compute_dtype = a.compute_dtype,
                                 .kv_dtype = a.kv_dtype,
                                 .weight_bytes_per_token = sw_gpu_packer_bytes_per_token(&packer)};
    return SW_OK;
}

/* text->n is 0 where nothing is to be measured. */
static enum sw_code print(const struct row *row, const struct sw_quality_text *text,
                          const struct sw_model *model, enum sw_strategy strategy,
                          struct sw_pool *pool, struct sw_error *err)
{
    const struct sw_backend_info *info = &row->info;
    printf("{\"backend\": \"%s\", \"strategy\": \"%s\", \"arithmetic\": \"%s\", \"isa\": \"%s\", "
           "\"weight_dtype\": \"%s\", \"compute_dtype\": \"%s\", \"kv_dtype\": \"%s\", "
           "\"weight_bytes_per_token\": %llu",
           info->backend, sw_strategy_name(strategy), info->arithmetic, info->isa,
           info->weight_dtype, info->compute_dtype, info->kv_dtype,
           (unsigned long long)info->weight_bytes_per_token);
    if (text->n > 0) {
        struct sw_quality q;
        enum sw_code code = sw_quality_measure(&q, text, model, row->api, strategy, pool, err);
        if (code != SW_OK)
            return code;
        printf(", \"model_dtype\": \"%s\", \"n_text\": %zu, \"perplexity\": %.6f, "
               "\"n_greedy\": %zu, \"agreement\": %.6f, \"worst_error\": %.9g, "
               "\"greatest_logit\": %.6f",
               sw_model_dtype_name(model), q.n_text, exp(q.nll), q.n_greedy, q.agreement,
               q.worst_error, q.greatest_logit);
    }
    printf("}\n");
    return SW_OK;
}

/* base_cpu, then a GPU with bf16 and, where its arithmetic is another, one without. */
static enum sw_code print_strategy(const struct sw_quality_text *text, const struct sw_model *model,
                                   enum sw_strategy strategy, struct sw_pool *pool,
                                   struct sw_error *err)
{
    struct row cpu = {0}, gpu = {0}, old = {0};
    enum sw_code code = describe_cpu(&cpu, model, strategy, pool, err);
    if (code == SW_OK)
        code = print(&cpu, text, model, strategy, pool, err);
    if (code != SW_OK && code != SW_EUNSUPPORTED)
        return code;
    code = describe_gpu(&gpu, model, strategy, 80, pool, err);
    if (code == SW_EUNSUPPORTED)
        return SW_OK;
    if (code == SW_OK)
        code = print(&gpu, text, model, strategy, pool, err);
    if (code == SW_OK)
        code = describe_gpu(&old, model, strategy, 75, pool, err);
    if (code == SW_OK && strcmp(old.info.arithmetic, gpu.info.arithmetic) != 0)
        code = print(&old, text, model, strategy, pool, err);
    return code;
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
        if (print_strategy(&text, model, (enum sw_strategy)s, pool, &err) != SW_OK)
            return fail(&err);
    }
    sw_quality_free(&text);
    sw_model_close(model);
    sw_pool_destroy(pool);
    return 0;
}
