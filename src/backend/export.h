/* A model as files that other programs load. */
#ifndef SW_BACKEND_EXPORT_H
#define SW_BACKEND_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "base/pool.h"
#include "model/model.h"

struct sw_export_choice {
    enum sw_strategy strategy;
    const char *graph; /* "fused", "plain", "exporter"; NULL: the best that can run */
    bool for_gpu;      /* the graph that onnx_gpu runs */
    bool replaces;     /* files of these names that are there already; else they are refused */
};

/* What was written. The texts are constants. */
struct sw_export_facts {
    const char *graph, *graph_reason, *arithmetic, *operators;
    const char *graph_file, *data_file; /* names in the folder */
    uint64_t graph_bytes, data_bytes, weight_bytes_per_token;
};

/* Writes the ONNX graph that onnx_cpu (onnx_gpu) runs into folder, which is made if it is missing:
 * both files, or none. ONNX Runtime itself is not needed. */
enum sw_code sw_export_onnx(struct sw_export_facts *out, const struct sw_model *model,
                            const struct sw_export_choice *choice, const char *folder,
                            struct sw_pool *pool, struct sw_error *err);

#endif
