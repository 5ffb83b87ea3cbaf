#include "model/layout.h"

#include <assert.h>

/* Sizes a tensor's shape is made of. */
enum size { ONE, DIM, HIDDEN, Q_ROWS, KV_ROWS };

/* When a layer has the tensor. */
enum need { ALWAYS, ATTENTION_BIAS, MLP_BIAS };

struct slot {
    const char *name;
    size_t offset; /* of its struct sw_tensor in struct sw_layer_weights */
    enum size n_rows, n_cols;
    enum need need;
};

#define AT(field) offsetof(struct sw_layer_weights, field)

static const struct slot slots[SW_LAYER_N_TENSORS] = {
    {"input_layernorm.weight", AT(attention_norm), ONE, DIM, ALWAYS},
    {"self_attn.q_proj.weight", AT(q), Q_ROWS, DIM, ALWAYS},
    {"self_attn.k_proj.weight", AT(k), KV_ROWS, DIM, ALWAYS},
    {"self_attn.v_proj.weight", AT(v), KV_ROWS, DIM, ALWAYS},
    {"self_attn.o_proj.weight", AT(o), DIM, Q_ROWS, ALWAYS},
    {"self_attn.q_proj.bias", AT(q_bias), ONE, Q_ROWS, ATTENTION_BIAS},
    {"self_attn.k_proj.bias", AT(k_bias), ONE, KV_ROWS, ATTENTION_BIAS},
    {"self_attn.v_proj.bias", AT(v_bias), ONE, KV_ROWS, ATTENTION_BIAS},
    {"self_attn.o_proj.bias", AT(o_bias), ONE, DIM, ATTENTION_BIAS},
    {"post_attention_layernorm.weight", AT(mlp_norm), ONE, DIM, ALWAYS},
    {"mlp.gate_proj.weight", AT(gate), HIDDEN, DIM, ALWAYS},
    {"mlp.up_proj.weight", AT(up), HIDDEN, DIM, ALWAYS},
    {"mlp.down_proj.weight", AT(down), DIM, HIDDEN, ALWAYS},
    {"mlp.gate_proj.bias", AT(gate_bias), ONE, HIDDEN, MLP_BIAS},
    {"mlp.up_proj.bias", AT(up_bias), ONE, HIDDEN, MLP_BIAS},
    {"mlp.down_proj.bias", AT(down_bias), ONE, DIM, MLP_BIAS},
};

static size_t size_of(enum size size, const struct sw_config *config)
{
    switch (size) {
    case ONE:
        return 1;
    case DIM:
        return config->dim;
    case HIDDEN:
        return config->hidden_dim;
    case Q_ROWS:
        return config->n_heads * config->head_dim;
    case KV_ROWS:
        return config->n_kv_heads * config->head_dim;
    }
    return 0;
}

static bool is_needed(enum need need, const struct sw_config *config)
{
    switch (need) {
    case ALWAYS:
        return true;
    case ATTENTION_BIAS:
        return config->attention_bias;
    case MLP_BIAS:
        return config->mlp_bias;
    }
    return false;
}

struct sw_shape sw_layout_embedding(const struct sw_config *config)
{
    return (struct sw_shape){2, config->vocab_size, config->dim};
}

struct sw_shape sw_layout_norm(const struct sw_config *config)
{
    return (struct sw_shape){1, 1, config->dim};
}

bool sw_layout_layer(struct sw_shape *out, size_t i, const struct sw_config *config)
{
    assert(i < SW_LAYER_N_TENSORS);
    *out = (struct sw_shape){slots[i].n_rows == ONE ? 1 : 2, size_of(slots[i].n_rows, config),
                             size_of(slots[i].n_cols, config)};
    return is_needed(slots[i].need, config);
}

const char *sw_layout_name(size_t i)
{
    assert(i < SW_LAYER_N_TENSORS);
    return slots[i].name;
}

struct sw_tensor *sw_layout_tensor(struct sw_layer_weights *layer, size_t i)
{
    assert(i < SW_LAYER_N_TENSORS);
    return (struct sw_tensor *)(void *)((char *)layer + slots[i].offset);
}
