#include "backend/cpu/layout.h"

#include "backend/cpu/dynamic.h"

void sw_layout_sizes(struct sw_backend *b)
{
    const struct sw_config *c = &b->config;
    b->group = c->n_heads / c->n_kv_heads;
    b->head_tiles = sw_tiles_of(c->head_dim);
    b->head_pairs = sw_tiles_of(c->head_dim / 2);
    b->qk_tiles = 2 * b->head_pairs * (c->n_heads + c->n_kv_heads);
    b->position_tiles = sw_tiles_of(b->options.max_positions);
    size_t tokens = SW_ATTENTION_ROWS / b->group;
    b->attention_rows = (tokens > 0 ? tokens : 1) * b->group;
    b->dim_stride = sw_row_stride(c->dim);
    b->hidden_stride = sw_row_stride(c->hidden_dim);
    b->attention_stride = sw_row_stride(c->n_heads * c->head_dim);
    /* A pair's choices of all rows are written at once: an odd number of lines apart, or they would
     * be in each other's way in the first cache. 16 choices are three lines. */
    size_t n_pairs = (sw_tiles_of(c->vocab_size) + 1) / 2;
    b->choice_stride = ((n_pairs + 15) / 16 | 1) * 16;
}

static bool has(const struct sw_tensor *tensor)
{
    return tensor->data_view != NULL;
}

static void take_layer(struct sw_backend *b, struct sw_cpu_layer *layer,
                       const struct sw_layer_weights *from, struct sw_arena *lists)
{
    const struct sw_config *c = &b->config;
    struct sw_arena *weights = &b->weights;
    enum sw_form form = b->arithmetic.layers;
    size_t cached_tiles = b->options.n_sequences * c->n_kv_heads * b->position_tiles;
    layer->attention_norm = sw_arena_take(weights, c->dim, sizeof(float));
    layer->mlp_norm = sw_arena_take(weights, c->dim, sizeof(float));
    sw_matrix_layout(&layer->qkv, form, b->qk_tiles + c->n_kv_heads * b->head_tiles, c->dim,
                     has(&from->q_bias) || has(&from->k_bias) || has(&from->v_bias), weights,
                     lists);
    sw_matrix_layout(&layer->o, form, sw_tiles_of(c->dim), c->n_heads * c->head_dim,
                     has(&from->o_bias), weights, lists);
    sw_matrix_layout(&layer->gate_up, form, 2 * sw_tiles_of(c->hidden_dim), c->dim,
                     has(&from->gate_bias) || has(&from->up_bias), weights, lists);
    sw_matrix_layout(&layer->down, form, sw_tiles_of(c->dim), c->hidden_dim, has(&from->down_bias),
                     weights, lists);
    layer->keys = sw_arena_take(&b->cache, cached_tiles, c->head_dim * SW_TILE * sizeof(float));
    layer->new_keys = sw_arena_take(&b->cache, b->options.n_sequences * c->n_kv_heads,
                                    SW_TILE * c->head_dim * sizeof(float));
    layer->values =
        sw_arena_take(&b->cache, cached_tiles, b->head_tiles * SW_TILE * SW_TILE * sizeof(float));
}

/* Columns of the widest matrix. */
static size_t most_columns(const struct sw_config *c)
{
    size_t most = c->n_heads * c->head_dim;
    most = most > c->dim ? most : c->dim;
    return most > c->hidden_dim ? most : c->hidden_dim;
}

static void take_prepared(struct sw_backend *b, struct sw_rows prepared[2], size_t n_rows)
{
    sw_rows_layout(&prepared[0], b->arithmetic.layers, n_rows, most_columns(&b->config),
                   &b->scratch);
    sw_rows_layout(&prepared[1], b->arithmetic.head, n_rows, b->config.dim, &b->scratch);
}

static void take_thread(struct sw_backend *b, struct sw_cpu_thread *own, struct sw_arena *lists)
{
    size_t positions = b->position_tiles * SW_TILE, rows = b->attention_rows;
    own->product = sw_arena_take(&b->scratch, SW_SCRATCH_ROWS, 2 * SW_TILE * sizeof(float));
    own->normed = sw_arena_take(&b->scratch, b->dim_stride, sizeof(float));
    take_prepared(b, own->prepared, SW_FEW_TOKENS);
    size_t widened_bytes = sw_matrix_widened_bytes(b->arithmetic.layers, most_columns(&b->config));
    if (widened_bytes > 0)
        own->widened = sw_arena_take(&b->scratch, 2, widened_bytes);
    own->key_tile = sw_arena_take(&b->scratch, b->config.head_dim, SW_TILE * sizeof(float));
    own->scores = sw_arena_take(&b->scratch, rows, positions * sizeof(float));
    own->mixed = sw_arena_take(&b->scratch, rows, b->head_tiles * SW_TILE * sizeof(float));
    own->inverses = sw_arena_take(&b->scratch, rows, sizeof(float));
    own->rows = sw_arena_take(lists, SW_TILE, most_columns(&b->config) * sizeof(float));
}

static void take_scratch(struct sw_backend *b, struct sw_arena *lists)
{
    const struct sw_config *c = &b->config;
    const struct sw_backend_options *o = &b->options;
    struct sw_arena *scratch = &b->scratch;
    size_t positions = b->position_tiles * SW_TILE, width = sizeof(float);
    b->cosines = sw_arena_take(scratch, o->max_positions, b->head_pairs * SW_TILE * width);
    b->sines = sw_arena_take(scratch, o->max_positions, b->head_pairs * SW_TILE * width);
    b->x = sw_arena_take(scratch, o->max_batch, b->dim_stride * width);
    take_prepared(b, b->prepared, o->max_batch);
    b->q = sw_arena_take(scratch, o->max_batch, c->n_heads * c->head_dim * width);
    b->scores = sw_arena_take(scratch, SW_FEW_TOKENS * c->n_heads, positions * width);
    b->attended = sw_arena_take(scratch, o->max_batch, b->attention_stride * width);
    b->activated = sw_arena_take(scratch, o->max_batch, b->hidden_stride * width);
    b->choices = sw_arena_take(scratch, o->max_logits, b->choice_stride * sizeof *b->choices);
    b->wanted = sw_arena_take(scratch, o->max_batch, sizeof *b->wanted);
    b->blocks = sw_arena_take(scratch, o->max_batch, sizeof *b->blocks);
    b->n_seen = sw_arena_take(scratch, o->n_sequences, sizeof *b->n_seen);
    b->n_seen_next = sw_arena_take(scratch, o->n_sequences, sizeof *b->n_seen_next);
    for (int t = 0; t < b->n_threads; t++)
        take_thread(b, &b->threads[t], lists);
}

void sw_layout_take(struct sw_backend *b, struct sw_arena *lists)
{
    const struct sw_config *c = &b->config;
    const struct sw_weights *from = sw_model_weights(b->model);
    for (size_t l = 0; l < c->n_layers; l++)
        take_layer(b, &b->layers[l], &from->layers[l], lists);
    b->final_norm = sw_arena_take(&b->weights, c->dim, sizeof(float));
    sw_matrix_layout(&b->head, b->arithmetic.head, sw_tiles_of(c->vocab_size), c->dim, false,
                     &b->weights, lists);
    take_scratch(b, lists);
    if (b->dynamic != NULL)
        sw_dynamic_take(b);
}

static struct sw_tile_source source_of(const struct sw_tensor *tensor, const struct sw_tensor *bias,
                                       size_t first_row, size_t end_row)
{
    size_t n = end_row - first_row;
    return (struct sw_tile_source){.tensor = tensor,
                                   .bias = bias != NULL && has(bias) ? bias : NULL,
                                   .first_row = first_row,
                                   .n_rows = n < SW_TILE ? n : SW_TILE};
}

/* Every row in its order, in each step-th tile. */
static void list_rows(struct sw_tile_source *sources, const struct sw_tensor *tensor,
                      const struct sw_tensor *bias, size_t n_rows, size_t step)
{
    for (size_t t = 0; t < sw_tiles_of(n_rows); t++)
        sources[t * step] = source_of(tensor, bias, t * SW_TILE, n_rows);
}

/* Query or key heads: pairs of tiles that the rotation mixes. Returns the end of the list. */
static struct sw_tile_source *list_rotated_heads(const struct sw_backend *b,
                                                 struct sw_tile_source *sources,
                                                 const struct sw_tensor *tensor,
                                                 const struct sw_tensor *bias, size_t n_heads)
{
    size_t half = b->config.head_dim / 2;
    for (size_t head = 0; head < n_heads; head++) {
        size_t first = head * 2 * half;
        for (size_t p = 0; p < b->head_pairs; p++) {
            *sources++ = source_of(tensor, bias, first + p * SW_TILE, first + half);
            *sources++ = source_of(tensor, bias, first + half + p * SW_TILE, first + 2 * half);
        }
    }
    return sources;
}

void sw_layout_sources(struct sw_backend *b)
{
    const struct sw_config *c = &b->config;
    const struct sw_weights *from = sw_model_weights(b->model);
    for (size_t l = 0; l < c->n_layers; l++) {
        const struct sw_layer_weights *w = &from->layers[l];
        struct sw_cpu_layer *layer = &b->layers[l];
        struct sw_tile_source *next = layer->qkv.sources;
        next = list_rotated_heads(b, next, &w->q, &w->q_bias, c->n_heads);
        next = list_rotated_heads(b, next, &w->k, &w->k_bias, c->n_kv_heads);
        for (size_t head = 0; head < c->n_kv_heads; head++) {
            size_t first = head * c->head_dim;
            for (size_t t = 0; t < b->head_tiles; t++)
                *next++ = source_of(&w->v, &w->v_bias, first + t * SW_TILE, first + c->head_dim);
        }
        list_rows(layer->o.sources, &w->o, &w->o_bias, c->dim, 1);
        list_rows(layer->gate_up.sources, &w->gate, &w->gate_bias, c->hidden_dim, 2);
        list_rows(layer->gate_up.sources + 1, &w->up, &w->up_bias, c->hidden_dim, 2);
        list_rows(layer->down.sources, &w->down, &w->down_bias, c->dim, 1);
    }
    list_rows(b->head.sources, &from->head, NULL, c->vocab_size, 1);
}

static void pack_part(struct sw_backend *b, struct sw_matrix *matrix, float *row_scratch,
                      int thread)
{
    size_t begin, end;
    sw_pool_part(&begin, &end, matrix->n_tiles, thread, b->n_threads);
    sw_matrix_pack(matrix, b->kernels, begin, end, row_scratch);
}

void sw_layout_pack(void *ctx, int thread)
{
    struct sw_backend *b = ctx;
    const struct sw_weights *from = sw_model_weights(b->model);
    float *row_scratch = b->threads[thread].rows;
    for (size_t l = 0; l < b->config.n_layers; l++) {
        struct sw_cpu_layer *layer = &b->layers[l];
        if (thread == 0) {
            sw_tensor_read(layer->attention_norm, &from->layers[l].attention_norm, 0,
                           b->config.dim);
            sw_tensor_read(layer->mlp_norm, &from->layers[l].mlp_norm, 0, b->config.dim);
        }
        pack_part(b, &layer->qkv, row_scratch, thread);
        pack_part(b, &layer->o, row_scratch, thread);
        pack_part(b, &layer->gate_up, row_scratch, thread);
        pack_part(b, &layer->down, row_scratch, thread);
    }
    if (thread == 0)
        sw_tensor_read(b->final_norm, &from->final_norm, 0, b->config.dim);
    if (b->dynamic == NULL || !b->dynamic->has_table_head)
        pack_part(b, &b->head, row_scratch, thread);
    if (b->dynamic != NULL)
        sw_dynamic_pack(b, row_scratch, thread);
}
