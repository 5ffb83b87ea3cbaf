/*
 * Converted graphs, kept in the user's cache:
 *
 *     CACHE/onnx/<key>/model.onnx, model.onnx.data, manifest.json
 *     CACHE/onnx/<key>.lock     flock while <key> is written
 *
 * CACHE is $SMOLWATT_CACHE, or smolwatt in $XDG_CACHE_HOME or ~/.cache. The key is a hash of the
 * model's shape, a checksum over all its weights, the variant and the writer's version, so what is
 * found is never that of other weights. Before it is used, model.onnx is compared byte for byte
 * with what this program would write, and the data with the checksum in the manifest: a file with
 * a changed byte is made again.
 */
#ifndef SW_BACKEND_ONNX_CACHE_H
#define SW_BACKEND_ONNX_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/onnx/variant.h"
#include "backend/onnx/write.h"
#include "base/error.h"
#include "base/pool.h"
#include "model/model.h"

struct sw_onnx_outcome {
    bool was_built; /* now, by this call */
    char why[160];  /* it was built: "not there yet", or what was wrong with the one found */
    uint64_t ns;    /* of the whole call: checking, waiting for another process, building */
    struct sw_onnx_sizes sizes;
};

/* *path becomes that of model.onnx; the caller frees it. */
enum sw_code sw_onnx_cache_get(char **path_dup, struct sw_onnx_outcome *outcome,
                               const struct sw_model *model, const struct sw_onnx_variant *variant,
                               struct sw_pool *pool, struct sw_error *err);

#endif
