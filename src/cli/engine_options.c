#include "cli/engine_options.h"

#include <string.h>

static enum sw_code parse_wait(enum sw_wait *out, const char *text, struct sw_error *err)
{
    static const enum sw_wait policies[] = {SW_WAIT_SPIN_SLEEP, SW_WAIT_SPIN, SW_WAIT_SLEEP};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (strcmp(text, sw_wait_name(policies[i])) == 0) {
            *out = policies[i];
            return SW_OK;
        }
    }
    return sw_fail(err, SW_EUSAGE, "--wait: \"%s\" is not spin-sleep, spin or sleep", text);
}

static enum sw_code choose_gpu(struct sw_gpu_options *out, const struct sw_engine_choice *choice,
                               enum sw_strategy strategy, struct sw_error *err)
{
    static const char *const modes[] = {"auto", "graph", "persistent"};
    bool is_base_gpu = strcmp(choice->backend, "base_gpu") == 0;
    size_t i = 0;
    *out = (struct sw_gpu_options){
        .index = (unsigned)choice->gpu, .mode = choice->gpu_mode, .use_tf32 = choice->tf32};
    if (choice->gpu_mode != NULL && !is_base_gpu)
        return sw_fail(err, SW_EUSAGE, "--gpu_mode: %s has no such modes (base_gpu has)",
                       choice->backend);
    while (choice->gpu_mode != NULL && i < 3 && strcmp(choice->gpu_mode, modes[i]) != 0)
        i++;
    if (i == 3)
        return sw_fail(err, SW_EUSAGE, "--gpu_mode: \"%s\" is not auto, graph or persistent",
                       choice->gpu_mode);
    if (choice->tf32 && (!is_base_gpu || strategy != SW_STRATEGY_NONE))
        return sw_fail(
            err, SW_EUSAGE,
            "--tf32: only base_gpu with strategy none has fp32 products on tensor cores");
    return SW_OK;
}

enum sw_code sw_engine_parts_begin(struct sw_engine_parts *parts,
                                   const struct sw_engine_choice *choice, struct sw_error *err)
{
    *parts = (struct sw_engine_parts){0};
    struct sw_pool_options pool = {.n_threads = (int)choice->n_threads,
                                   .no_pinning = choice->no_pinning};
    if (!sw_strategy_parse(&parts->strategy, choice->strategy)) {
        char names[256] = "";
#define X(name, text)                                                                              \
    strncat(names, names[0] != 0 ? ", " text : text, sizeof names - strlen(names) - 1);
        SW_STRATEGIES(X)
#undef X
        return sw_fail(err, SW_EUSAGE, "--strategy: \"%s\" is none of %s", choice->strategy, names);
    }
    enum sw_code code = parse_wait(&pool.wait, choice->wait, err);
    if (code != SW_OK)
        return code;
    parts->api = sw_backend_find(choice->backend, err);
    if (parts->api == NULL)
        return err->code;
    parts->onnx_graph = choice->onnx_graph;
    if (choice->onnx_graph != NULL && strncmp(choice->backend, "onnx_", 5) != 0)
        return sw_fail(err, SW_EUSAGE,
                       "--onnx_graph: %s has no ONNX graph (onnx_cpu and onnx_gpu have)",
                       choice->backend);
    code = choose_gpu(&parts->gpu, choice, parts->strategy, err);
    return code == SW_OK ? sw_pool_create(&parts->pool, &pool, err) : code;
}

bool sw_engine_choice_uses_gpu(const struct sw_engine_choice *choice)
{
    return strcmp(choice->backend, "base_gpu") == 0 || strcmp(choice->backend, "onnx_gpu") == 0;
}

enum sw_code sw_engine_parts_load(struct sw_engine_parts *parts, const char *folder_or_synthetic,
                                  bool tokenizer_is_required, struct sw_error *err)
{
    enum sw_code code = sw_model_open(&parts->model, folder_or_synthetic, NULL, parts->pool, err);
    if (code != SW_OK)
        return code;
    if (sw_model_is_synthetic(parts->model))
        code = sw_tokenizer_builtin(&parts->tokenizer, err);
    else
        code = sw_tokenizer_load(&parts->tokenizer, folder_or_synthetic, err);
    if (code == SW_EABSENT && !tokenizer_is_required) {
        parts->tokenizer = NULL;
        code = SW_OK;
    }
    return code;
}

void sw_engine_parts_close(struct sw_engine_parts *parts)
{
    sw_tokenizer_destroy(parts->tokenizer);
    sw_model_close(parts->model);
    sw_pool_destroy(parts->pool);
    *parts = (struct sw_engine_parts){0};
}
