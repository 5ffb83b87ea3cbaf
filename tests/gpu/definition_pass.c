#include "gpu/definition_pass.h"

#include <stdlib.h>
#include <string.h>

#include "backend/cuda/arithmetic.h"
#include "gpu/definition.h"

struct definition_model {
    struct sw_gpu_packer packer;
    struct sw_config config;
    size_t n_sequences;
    struct sw_gpu_matrix *matrices; /* (n_layers, slots) */
    void **buffers;                 /* (n_layers, slots) */
    float *keys,
        *values; /* (n_layers, n_sequences, n_kv_heads, max_positions, head_dim) as cached */

    /* Of a batch: (n_tokens, ...) */
    size_t n_tokens;
    const struct sw_batch_token *tokens;
    float *x;                /* dim */
    float *normed;           /* dim */
    float *qkv;              /* rows of qkv */
    float *attended;         /* n_heads * head_dim */
    float *gate_up, *hidden; /* 2 * hidden_dim, hidden_dim */
    float *added;            /* dim */
};

static void *room(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);
    if (memory == NULL)
        abort(); /* of a test */
    return memory;
}

const struct sw_gpu_matrix *definition_matrix(const struct definition_model *model,
                                              enum sw_gpu_slot slot, size_t layer)
{
    return &model->matrices[layer * SW_GPU_N_SLOTS + slot];
}

struct definition_model *definition_open(const struct sw_model *model,
                                         const struct sw_gpu_arithmetic *arithmetic,
                                         size_t max_positions, size_t n_sequences,
                                         struct sw_pool *pool)
{
    struct definition_model *m = room(1, sizeof *m);
    struct sw_error err;
    const struct sw_config *c = sw_model_config(model);
    if (sw_gpu_packer_open(&m->packer, model, arithmetic, max_positions, pool, &err) != SW_OK)
        abort();
    m->config = *c;
    m->n_sequences = n_sequences;
    m->matrices = room(c->n_layers * SW_GPU_N_SLOTS, sizeof *m->matrices);
    m->buffers = room(c->n_layers * SW_GPU_N_SLOTS, sizeof *m->buffers);
    for (size_t i = 0; i < c->n_layers * SW_GPU_N_SLOTS; i++) {
        enum sw_gpu_slot slot = (enum sw_gpu_slot)(i % SW_GPU_N_SLOTS);
        size_t layer = i / SW_GPU_N_SLOTS;
        if (!sw_gpu_packer_has(&m->packer, slot) || (layer > 0 && !sw_gpu_slot_is_of_layer(slot)))
            continue;
        size_t size = sw_gpu_packer_bytes(&m->packer, slot, layer);
        m->buffers[i] = aligned_alloc(SW_GPU_PACK_ALIGN, size);
        if (m->buffers[i] == NULL)
            abort();
        sw_gpu_pack(&m->packer, slot, layer, m->buffers[i], &m->matrices[i]);
    }
    size_t cached = c->n_layers * n_sequences * c->n_kv_heads * max_positions * c->head_dim;
    m->keys = room(cached, sizeof *m->keys);
    m->values = room(cached, sizeof *m->values);
    return m;
}

void definition_close(struct definition_model *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->config.n_layers * SW_GPU_N_SLOTS; i++)
        free(m->buffers[i]);
    free(m->matrices);
    free(m->buffers);
    free(m->keys);
    free(m->values);
    free(m);
}

static const float *vector(const struct definition_model *m, enum sw_gpu_slot slot, size_t layer)
{
    return definition_matrix(m, slot, layer)->rows;
}

static bool rounds(const struct definition_model *m)
{
    return m->packer.arithmetic.rounds_to_f16 != 0;
}

static void norm(const struct definition_model *m, float *out, const float *x, const float *weight)
{
    size_t dim = m->config.dim;
    struct definition_number *y = room(dim, sizeof *y);
    definition_norm(y, x, weight, dim, m->config.rms_eps, rounds(m));
    for (size_t i = 0; i < dim; i++)
        out[i] = (float)y[i].value;
    free(y);
}

static void norm_all(const struct definition_model *m, enum sw_gpu_slot slot, size_t layer)
{
    for (size_t t = 0; t < m->n_tokens; t++)
        norm(m, m->normed + t * m->config.dim, m->x + t * m->config.dim, vector(m, slot, layer));
}

static void multiply(const struct definition_model *m, float *y, enum sw_gpu_slot slot,
                     size_t layer, const float *x)
{
    definition_product_values(y, definition_matrix(m, slot, layer),
                              m->packer.arithmetic.layer_input, rounds(m), x, m->n_tokens,
                              m->packer.pool);
}

/* x += added */
static void add(const struct definition_model *m)
{
    for (size_t i = 0; i < m->n_tokens * m->config.dim; i++) {
        struct definition_number a = {(double)m->x[i], 0}, b = {(double)m->added[i], 0};
        m->x[i] = (float)definition_add(a, b, rounds(m)).value;
    }
}

static void rotate(const struct definition_model *m, float *head, uint32_t position)
{
    size_t n = m->config.head_dim;
    const float *cosines = vector(m, SW_GPU_COSINES, 0) + position * (n / 2);
    const float *sines = vector(m, SW_GPU_SINES, 0) + position * (n / 2);
    struct definition_number *x = room(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i].value = (double)head[i];
    definition_rotate(x, x, cosines, sines, n);
    for (size_t i = 0; i < n; i++)
        head[i] = (float)x[i].value;
    free(x);
}

static size_t cached_at(const struct definition_model *m, size_t layer, uint32_t sequence,
                        size_t kv_head)
{
    size_t head = (layer * m->n_sequences + sequence) * m->config.n_kv_heads + kv_head;
    return head * m->packer.max_positions * m->config.head_dim;
}

/* Rotates queries and keys, and puts keys and values into the cache. */
static void append(struct definition_model *m, size_t layer)
{
    const struct sw_config *c = &m->config;
    size_t n = c->head_dim, n_rows = (c->n_heads + 2 * c->n_kv_heads) * n;
    enum sw_gpu_form form = m->packer.arithmetic.cache;
    for (size_t t = 0; t < m->n_tokens; t++) {
        const struct sw_batch_token *token = &m->tokens[t];
        float *row = m->qkv + t * n_rows;
        for (size_t head = 0; head < c->n_heads + c->n_kv_heads; head++)
            rotate(m, row + head * n, token->position);
        for (size_t head = 0; head < c->n_kv_heads; head++) {
            const float *key = row + (c->n_heads + head) * n;
            size_t at = cached_at(m, layer, token->sequence, head) + token->position * n;
            for (size_t i = 0; i < n; i++) {
                m->keys[at + i] = definition_rounded(key[i], form);
                m->values[at + i] = definition_rounded(key[c->n_kv_heads * n + i], form);
            }
        }
    }
}

static void attend(struct definition_model *m, size_t layer)
{
    const struct sw_config *c = &m->config;
    size_t n = c->head_dim, n_rows = (c->n_heads + 2 * c->n_kv_heads) * n;
    struct definition_number *y = room(n, sizeof *y);
    for (size_t t = 0; t < m->n_tokens; t++) {
        const struct sw_batch_token *token = &m->tokens[t];
        for (size_t head = 0; head < c->n_heads; head++) {
            size_t at = cached_at(m, layer, token->sequence, head / (c->n_heads / c->n_kv_heads));
            definition_attend(y, m->qkv + t * n_rows + head * n, m->keys + at, m->values + at, n,
                              token->position + (size_t)1, n, rounds(m));
            for (size_t i = 0; i < n; i++)
                m->attended[(t * c->n_heads + head) * n + i] = (float)y[i].value;
        }
    }
    free(y);
}

static void activate(struct definition_model *m)
{
    for (size_t i = 0; i < m->n_tokens * m->config.hidden_dim; i++) {
        struct definition_number gate = {(double)m->gate_up[2 * i], 0};
        struct definition_number up = {(double)m->gate_up[2 * i + 1], 0};
        m->hidden[i] = (float)definition_silu_mul(gate, up, rounds(m)).value;
    }
}

static void embed(struct definition_model *m)
{
    size_t dim = m->config.dim;
    const struct sw_gpu_matrix *table = definition_matrix(m, SW_GPU_EMBEDDING, 0);
    for (size_t t = 0; t < m->n_tokens; t++) {
        for (size_t i = 0; i < dim; i++)
            m->x[t * dim + i] =
                (float)definition_weight(table, SW_GPU_IN_F32, (size_t)m->tokens[t].id, i);
    }
}

static void predict(struct definition_model *m, float *logits)
{
    size_t dim = m->config.dim, n_wanted = 0;
    const struct sw_gpu_matrix *head = definition_matrix(m, SW_GPU_HEAD, 0);
    if (head->rows == NULL)
        head = definition_matrix(m, SW_GPU_EMBEDDING, 0);
    for (size_t t = 0; t < m->n_tokens; t++) {
        if (m->tokens[t].want_logits)
            norm(m, m->normed + n_wanted++ * dim, m->x + t * dim, vector(m, SW_GPU_FINAL_NORM, 0));
    }
    definition_product_values(logits, head, m->packer.arithmetic.head_input, rounds(m), m->normed,
                              n_wanted, m->packer.pool);
}

void definition_forward(struct definition_model *m, const struct sw_batch_token *tokens,
                        size_t n_tokens, float *logits)
{
    const struct sw_config *c = &m->config;
    m->tokens = tokens;
    m->n_tokens = n_tokens;
    m->x = room(n_tokens * c->dim, sizeof(float));
    m->normed = room(n_tokens * c->dim, sizeof(float));
    m->added = room(n_tokens * c->dim, sizeof(float));
    m->qkv = room(n_tokens * (c->n_heads + 2 * c->n_kv_heads) * c->head_dim, sizeof(float));
    m->attended = room(n_tokens * c->n_heads * c->head_dim, sizeof(float));
    m->gate_up = room(n_tokens * 2 * c->hidden_dim, sizeof(float));
    m->hidden = room(n_tokens * c->hidden_dim, sizeof(float));
    embed(m);
    for (size_t l = 0; l < c->n_layers; l++) {
        norm_all(m, SW_GPU_ATTENTION_NORM, l);
        multiply(m, m->qkv, SW_GPU_QKV, l, m->normed);
        append(m, l);
        attend(m, l);
        multiply(m, m->added, SW_GPU_O, l, m->attended);
        add(m);
        norm_all(m, SW_GPU_MLP_NORM, l);
        multiply(m, m->gate_up, SW_GPU_GATE_UP, l, m->normed);
        activate(m);
        multiply(m, m->added, SW_GPU_DOWN, l, m->hidden);
        add(m);
    }
    predict(m, logits);
    free(m->x);
    free(m->normed);
    free(m->added);
    free(m->qkv);
    free(m->attended);
    free(m->gate_up);
    free(m->hidden);
}

/* As an engine. */

static enum sw_code open_on(struct sw_backend **out, const struct sw_model *model,
                            const struct sw_backend_options *options, int sm, struct sw_error *err)
{
    struct sw_gpu_arithmetic arithmetic;
    enum sw_code code = sw_gpu_arithmetic_of(&arithmetic, options->strategy, sm, err);
    if (code == SW_OK)
        *out = (struct sw_backend *)definition_open(model, &arithmetic, options->max_positions,
                                                    options->n_sequences, options->pool);
    return code;
}

static enum sw_code open_on_75(struct sw_backend **out, const struct sw_model *model,
                               const struct sw_backend_options *options, struct sw_error *err)
{
    return open_on(out, model, options, 75, err);
}

static enum sw_code open_on_80(struct sw_backend **out, const struct sw_model *model,
                               const struct sw_backend_options *options, struct sw_error *err)
{
    return open_on(out, model, options, 80, err);
}

static enum sw_code forward(struct sw_backend *backend, const struct sw_batch_token *tokens,
                            size_t n_tokens, float *logits, struct sw_error *err)
{
    (void)err;
    definition_forward((struct definition_model *)backend, tokens, n_tokens, logits);
    return SW_OK;
}

static void reset(struct sw_backend *backend, uint32_t sequence)
{
    (void)backend;
    (void)sequence;
}

static void close_backend(struct sw_backend *backend)
{
    definition_close((struct definition_model *)backend);
}

const struct sw_backend_api *definition_backend(int sm)
{
    static const struct sw_backend_api on_75 = {.name = "base_gpu",
                                                .open = open_on_75,
                                                .forward = forward,
                                                .reset = reset,
                                                .close = close_backend};
    static const struct sw_backend_api on_80 = {.name = "base_gpu",
                                                .open = open_on_80,
                                                .forward = forward,
                                                .reset = reset,
                                                .close = close_backend};
    return sm < 80 ? &on_75 : &on_80;
}
