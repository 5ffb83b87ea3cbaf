/* onnx_write MODEL STRATEGY GRAPH FOLDER [prefill|half]: writes a model's graph, or prints why not.
 */
#include <stdio.h>
#include <string.h>

#include "backend/onnx/write.h"

int main(int argc, char **argv)
{
    struct sw_model *model = NULL;
    struct sw_pool *pool = NULL;
    struct sw_onnx_variant variant;
    struct sw_onnx_sizes sizes;
    struct sw_error err = {0};
    enum sw_strategy strategy;
    enum sw_onnx_graph graph;
    if (argc < 5 || !sw_strategy_parse(&strategy, argv[2]) ||
        !sw_onnx_graph_parse(&graph, argv[3])) {
        fprintf(stderr, "usage: onnx_write MODEL STRATEGY GRAPH FOLDER [prefill|half]\n");
        return 2;
    }
    bool half = argc > 5 && strcmp(argv[5], "half") == 0;
    enum sw_code code = sw_pool_create(&pool, &(struct sw_pool_options){.no_pinning = true}, &err);
    if (code == SW_OK)
        code = sw_model_open(&model, argv[1], NULL, pool, &err);
    if (code == SW_OK)
        code = sw_onnx_variant_choose(&variant, sw_model_config(model),
                                      half ? SW_STRATEGY_16BIT : strategy, graph, half, &err);
    if (code == SW_OK) {
        variant.prefill = argc > 5 && strcmp(argv[5], "prefill") == 0;
        code = sw_onnx_write(&sizes, model, &variant, argv[4], pool, &err);
    }
    if (code == SW_OK)
        printf("%s %llu\n", sw_onnx_graph_name(variant.graph),
               (unsigned long long)sizes.weight_bytes_per_token);
    else
        printf("refused %s\n", err.text);
    sw_model_close(model);
    sw_pool_destroy(pool);
    return 0;
}
