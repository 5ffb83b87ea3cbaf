/* One model: a checkpoint or synthetic weights behind the same accessors. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint.h"
#include "model/layout.h"
#include "model/synthetic.h"

struct sw_model {
    bool is_synthetic;
    struct sw_checkpoint checkpoint; /* one of the two is open */
    struct sw_synthetic synthetic;
    const char *dtype_name;
    char hash[160];
};

/* Matrices only: norms and biases are small, and often kept in a wider type. */
static const char *find_dtype_name(const struct sw_model *model)
{
    const struct sw_weights *weights = sw_model_weights(model);
    enum sw_dtype dtype = weights->embedding.dtype;
    bool mixed = weights->head.dtype != dtype;
    for (size_t layer = 0; layer < sw_model_config(model)->n_layers; layer++) {
        for (size_t i = 0; i < SW_LAYER_N_TENSORS; i++) {
            struct sw_shape shape;
            if (sw_layout_layer(&shape, i, sw_model_config(model)) && shape.n_dims == 2)
                mixed |= sw_layout_tensor(&weights->layers[layer], i)->dtype != dtype;
        }
    }
    return mixed ? "mixed" : sw_dtype_name(dtype);
}

enum sw_code sw_model_open(struct sw_model **out, const char *name,
                           const struct sw_model_options *options, struct sw_pool *pool,
                           struct sw_error *err)
{
    *out = NULL;
    struct sw_model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    enum sw_code code;
    model->is_synthetic = sw_model_name_is_synthetic(name);
    if (model->is_synthetic) {
        uint64_t seed = options != NULL ? options->seed : 0;
        code = sw_synthetic_open(&model->synthetic, name, seed, pool, err);
        const struct sw_config *c = &model->synthetic.config;
        snprintf(model->hash, sizeof model->hash, "synthetic:%zu,%zu,%zu,%zu,%zu,%zu,%zu;seed=%llu",
                 c->n_layers, c->dim, c->hidden_dim, c->n_heads, c->n_kv_heads, c->vocab_size,
                 c->max_positions, (unsigned long long)seed);
    } else {
        code = sw_checkpoint_open(&model->checkpoint, name, err);
        snprintf(model->hash, sizeof model->hash, "%s", model->checkpoint.hash);
    }
    if (code != SW_OK) {
        free(model);
        return code;
    }
    model->dtype_name = find_dtype_name(model);
    *out = model;
    return SW_OK;
}

void sw_model_close(struct sw_model *model)
{
    if (model == NULL)
        return;
    if (model->is_synthetic)
        sw_synthetic_close(&model->synthetic);
    else
        sw_checkpoint_close(&model->checkpoint);
    free(model);
}

const struct sw_config *sw_model_config(const struct sw_model *model)
{
    return model->is_synthetic ? &model->synthetic.config : &model->checkpoint.config;
}

const struct sw_weights *sw_model_weights(const struct sw_model *model)
{
    return model->is_synthetic ? &model->synthetic.weights : &model->checkpoint.weights;
}

bool sw_model_is_synthetic(const struct sw_model *model)
{
    return model->is_synthetic;
}

size_t sw_model_weight_bytes(const struct sw_model *model)
{
    if (model->is_synthetic)
        return model->synthetic.memory_bytes;
    size_t n_bytes = 0;
    for (size_t i = 0; i < model->checkpoint.n_files; i++)
        n_bytes += model->checkpoint.files[i].map.size;
    return n_bytes;
}

const char *sw_model_dtype_name(const struct sw_model *model)
{
    return model->dtype_name;
}

const char *sw_model_hash(const struct sw_model *model)
{
    return model->hash;
}
