/*
 * Checked weights and shape of one model, ready for a backend to pack.
 *
 *     struct sw_model *model;
 *     if (sw_model_open(&model, "folder or synthetic:smollm-135m", NULL, pool, &err) != SW_OK) ...
 *     sw_model_config(model)->dim; sw_model_weights(model)->layers[0].q ...
 *     sw_model_close(model);
 *
 * Tensors are views: into the read-only mapped files for a checkpoint, into memory that the model
 * owns for synthetic weights. They stay valid until sw_model_close.
 */
#ifndef SW_MODEL_MODEL_H
#define SW_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "model/config.h"

enum sw_dtype { SW_F32, SW_F16, SW_BF16 };

/* A matrix or vector as the file holds it, row-major, little-endian. */
struct sw_tensor {
    const void *data_view; /* (n_rows, n_cols); NULL where the model has no such tensor */
    size_t n_rows, n_cols; /* a vector has n_rows 1 */
    enum sw_dtype dtype;
};

struct sw_layer_weights {
    struct sw_tensor attention_norm;                 /* (dim) */
    struct sw_tensor q;                              /* (n_heads * head_dim, dim) */
    struct sw_tensor k, v;                           /* (n_kv_heads * head_dim, dim) */
    struct sw_tensor o;                              /* (dim, n_heads * head_dim) */
    struct sw_tensor q_bias, k_bias, v_bias, o_bias; /* (rows of the matrix) or absent */
    struct sw_tensor mlp_norm;                       /* (dim) */
    struct sw_tensor gate, up;                       /* (hidden_dim, dim) */
    struct sw_tensor down;                           /* (dim, hidden_dim) */
    struct sw_tensor gate_bias, up_bias, down_bias;
};

struct sw_weights {
    struct sw_tensor embedding;      /* (vocab_size, dim) */
    struct sw_tensor final_norm;     /* (dim) */
    struct sw_tensor head;           /* (vocab_size, dim); the embedding itself where tied */
    struct sw_layer_weights *layers; /* (n_layers) */
};

struct sw_model;

struct sw_model_options {
    uint64_t seed; /* of synthetic weights; default 0 */
};

/* name is a checkpoint folder, or "synthetic:smollm-135m", "-360m", "-1.7b", or
 * "synthetic:layers,dim,hidden,heads,kv_heads,vocab[,positions]". options and pool may be NULL; the
 * pool only speeds up making synthetic weights. */
enum sw_code sw_model_open(struct sw_model **out, const char *name,
                           const struct sw_model_options *options, struct sw_pool *pool,
                           struct sw_error *err);
void sw_model_close(struct sw_model *model);

bool sw_model_name_is_synthetic(const char *name);

const struct sw_config *sw_model_config(const struct sw_model *model);
const struct sw_weights *sw_model_weights(const struct sw_model *model);
bool sw_model_is_synthetic(const struct sw_model *model);

/* Bytes mapped or allocated for weights. */
size_t sw_model_weight_bytes(const struct sw_model *model);

/* Storage type of the matrices: "f32", "f16", "bf16", or "mixed". */
const char *sw_model_dtype_name(const struct sw_model *model);

/* Identity for records: "sha256:..." over config.json, the safetensors headers (names, shapes,
 * offsets) and file sizes; for synthetic weights "synthetic:..." with shape and seed. Values of the
 * weights are not read, so this takes no time. Never NULL. */
const char *sw_model_hash(const struct sw_model *model);

/* Element i of a tensor as float; for checks and small vectors, not for packing loops. */
float sw_tensor_at(const struct sw_tensor *tensor, size_t i);

/* n elements from element first on, widened to float. */
void sw_tensor_read(float *out, const struct sw_tensor *tensor, size_t first, size_t n);

const char *sw_dtype_name(enum sw_dtype dtype);
size_t sw_dtype_size(enum sw_dtype dtype);

#endif
