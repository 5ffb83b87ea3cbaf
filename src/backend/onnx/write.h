/*
 * A model as an ONNX graph: FOLDER/model.onnx, and its weights in FOLDER/model.onnx.data, streamed
 * there piece by piece, so that no more than some megabytes are held beside the model itself.
 */
#ifndef SW_BACKEND_ONNX_WRITE_H
#define SW_BACKEND_ONNX_WRITE_H

#include <stdint.h>

#include "backend/onnx/variant.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"
#include "model/model.h"

#define SW_ONNX_FILE      "model.onnx"
#define SW_ONNX_DATA_FILE "model.onnx.data"

/* Counted up when files of an older writer must not be used any more. */
enum { SW_ONNX_WRITER_VERSION = 3 };

struct sw_onnx_sizes {
    uint64_t graph_bytes, data_bytes;
    uint64_t weight_bytes_per_token; /* that one decoded token reads, batch 1 */
};

/* Writes both files, or leaves what was there and nothing else; folder is made if it is missing.
 * Old files of these names are replaced. pool (NULL: one thread) converts. sizes may be NULL. */
enum sw_code sw_onnx_write(struct sw_onnx_sizes *sizes, const struct sw_model *model,
                           const struct sw_onnx_variant *variant, const char *folder,
                           struct sw_pool *pool, struct sw_error *err);

/* The bytes of model.onnx alone, and the sizes; takes no time, since no weight is read. The same
 * model and variant give the same bytes. The caller frees graph. */
enum sw_code sw_onnx_describe(struct sw_buffer *graph, struct sw_onnx_sizes *sizes,
                              const struct sw_model *model, const struct sw_onnx_variant *variant,
                              struct sw_error *err);

#endif
