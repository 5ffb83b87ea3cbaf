#include "backend/export.h"

#include <stdlib.h>

#include "backend/onnx/variant.h"
#include "backend/onnx/write.h"
#include "base/file.h"

/* Refuses to write over what is there. */
static enum sw_code check_free(const char *folder, struct sw_error *err)
{
    static const char *const names[] = {SW_ONNX_FILE, SW_ONNX_DATA_FILE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = sw_path_join_dup(folder, names[i]);
        if (path == NULL)
            return sw_fail(err, SW_ENOMEM, "%s: out of memory", folder);
        enum sw_code code = SW_OK;
        if (sw_file_exists(path))
            code = sw_fail(err, SW_EFILE, "%s: is there already (--force replaces it)", path);
        free(path);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

enum sw_code sw_export_onnx(struct sw_export_facts *out, const struct sw_model *model,
                            const struct sw_export_choice *choice, const char *folder,
                            struct sw_pool *pool, struct sw_error *err)
{
    enum sw_onnx_graph wanted = SW_ONNX_DEFAULT;
    struct sw_onnx_variant variant;
    struct sw_onnx_sizes sizes;
    if (choice->graph != NULL && !sw_onnx_graph_parse(&wanted, choice->graph))
        return sw_fail(err, SW_EUSAGE, "unknown graph '%s' (fused, plain, exporter)",
                       choice->graph);
    enum sw_code code = sw_onnx_variant_choose(&variant, sw_model_config(model), choice->strategy,
                                               wanted, choice->for_gpu, err);
    if (code == SW_OK && !choice->replaces)
        code = check_free(folder, err);
    if (code == SW_OK)
        code = sw_onnx_write(&sizes, model, &variant, folder, pool, err);
    if (code != SW_OK)
        return code;
    *out = (struct sw_export_facts){
        .graph = sw_onnx_graph_name(variant.graph),
        .graph_reason = variant.reason,
        .arithmetic = sw_onnx_variant_arithmetic(&variant),
        .operators = sw_onnx_variant_operators(&variant),
        .graph_file = SW_ONNX_FILE,
        .data_file = SW_ONNX_DATA_FILE,
        .graph_bytes = sizes.graph_bytes,
        .data_bytes = sizes.data_bytes,
        .weight_bytes_per_token = sizes.weight_bytes_per_token,
    };
    return SW_OK;
}
