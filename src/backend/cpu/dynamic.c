#include "backend/cpu/dynamic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/lanes.h"

/* Columns up to which the largest sum of products fits an int32: 255 * 255 * n. */
enum { MOST_COLUMNS = 33000 };

/* Ranges and values. */

static bool is_same(struct sw_range a, struct sw_range b)
{
    return a.min == b.min && a.max == b.max;
}

/* out = value - zero. */
static void to_integers(float *out, const float *x, size_t n, struct sw_quantum q)
{
    size_t i = 0;
    for (; i + SW_TILE <= n; i += SW_TILE) {
        for (size_t r = 0; r < SW_TILE; r++)
            out[i + r] = sw_quantum_value(x[i + r], q) - q.zero;
    }
    for (; i < n; i++)
        out[i] = sw_quantum_value(x[i], q) - q.zero;
}

/* Row i of rows from n numbers, each value stored less 128. */
static void put_row(const struct sw_rows *rows, size_t i, const float *x, size_t n,
                    struct sw_quantum q)
{
    const struct sw_rows_s8 *s8 = &rows->s8;
    int8_t *values = s8->values + i * s8->stride;
    int32_t total = 0;
    for (size_t begin = 0, block = 0; begin < n; begin += s8->block, block++) {
        float stored[SW_BLOCK_S8] = {0}, sum = 0;
        size_t width = n - begin < s8->block ? n - begin : s8->block;
        if (width == SW_BLOCK_S8) {
            for (size_t c = 0; c < SW_BLOCK_S8; c++)
                stored[c] = sw_quantum_value(x[begin + c], q) - 128;
        } else {
            for (size_t c = 0; c < width; c++)
                stored[c] = sw_quantum_value(x[begin + c], q) - 128;
        }
        for (size_t c = 0; c < SW_BLOCK_S8; c++) {
            values[begin + c] = (int8_t)stored[c];
            sum += stored[c];
        }
        s8->scales[i * s8->block_stride + block] = 1;
        s8->biases[i * s8->block_stride + block] = -128 * (int32_t)sum;
        total += (int32_t)sum;
    }
    rows->quanta[i] =
        (struct sw_row_quantum){.scale = q.scale, .offset = 128 - (int32_t)q.zero, .sum = total};
}

/* Opening. */

enum sw_code sw_dynamic_open(struct sw_backend *b, struct sw_error *err)
{
    const struct sw_config *c = &b->config;
    const struct sw_weights *weights = sw_model_weights(b->model);
    if (c->dim > MOST_COLUMNS || c->hidden_dim > MOST_COLUMNS ||
        c->n_heads * c->head_dim > MOST_COLUMNS)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "base_cpu: strategy %s: a matrix of more than %d columns could overflow its "
                       "32-bit sums",
                       sw_strategy_name(b->options.strategy), MOST_COLUMNS);
    struct sw_dynamic *d = calloc(1, sizeof *d);
    b->dynamic = d;
    if (d != NULL) {
        d->has_table_head = weights->head.data_view == weights->embedding.data_view;
        d->layers = calloc(c->n_layers, sizeof *d->layers);
        d->threads = calloc((size_t)b->n_threads, sizeof *d->threads);
        d->parts = calloc((size_t)b->n_threads, sizeof *d->parts);
    }
    if (d == NULL || d->layers == NULL || d->threads == NULL || d->parts == NULL)
        return sw_fail(err, SW_ENOMEM, "base_cpu: out of memory");
    return SW_OK;
}

void sw_dynamic_close(struct sw_backend *b)
{
    if (b->dynamic == NULL)
        return;
    free(b->dynamic->layers);
    free(b->dynamic->threads);
    free(b->dynamic->parts);
    free(b->dynamic);
}

void sw_dynamic_take(struct sw_backend *b)
{
    const struct sw_config *c = &b->config;
    const struct sw_backend_options *o = &b->options;
    struct sw_dynamic *d = b->dynamic;
    size_t heads = o->n_sequences * c->n_kv_heads * b->position_tiles;
    for (size_t l = 0; l < c->n_layers; l++) {
        struct sw_dynamic_layer *layer = &d->layers[l];
        layer->keys = sw_arena_take(&b->cache, heads, c->head_dim * SW_TILE * sizeof(float));
        layer->values =
            sw_arena_take(&b->cache, heads, b->head_tiles * SW_TILE * SW_TILE * sizeof(float));
        layer->key_ranges = sw_arena_take(&b->cache, o->n_sequences, sizeof(struct sw_range));
        layer->value_ranges = sw_arena_take(&b->cache, o->n_sequences, sizeof(struct sw_range));
    }
    for (size_t kind = 0; kind < SW_N_RANGED; kind++)
        d->many[kind] =
            sw_arena_take(&b->scratch, o->max_batch * c->n_kv_heads, sizeof(struct sw_range));
    for (int t = 0; t < b->n_threads; t++) {
        struct sw_dynamic_thread *own = &d->threads[t];
        for (size_t kind = 0; kind < SW_N_RANGED; kind++) {
            own->few[kind] = sw_arena_take(&b->scratch, SW_FEW_TOKENS, sizeof(struct sw_range));
            own->of_sequence[kind] =
                sw_arena_take(&b->scratch, o->n_sequences, sizeof(struct sw_range));
        }
        own->queries = sw_arena_take(&b->scratch, b->attention_rows, c->head_dim * sizeof(float));
        own->first = sw_arena_take(&b->scratch, o->n_sequences, sizeof *own->first);
        own->end = sw_arena_take(&b->scratch, o->n_sequences, sizeof *own->end);
    }
}

/* Sums of a matrix's rows over the thread's tiles: products with a row of ones. */
static void sum_rows(const struct sw_backend *b, struct sw_matrix *matrix, int thread)
{
    static const float ones[SW_TILE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct sw_rows *rows = &b->threads[thread].prepared[0];
    float sums[SW_TILE], *x = b->threads[thread].rows;
    for (size_t c = 0; c < matrix->n_columns; c++)
        x[c] = 1;
    put_row(rows, 0, x, matrix->n_columns, (struct sw_quantum){.scale = 1, .zero = 128});
    size_t begin, end;
    sw_pool_part(&begin, &end, matrix->n_tiles, thread, b->n_threads);
    for (size_t t = begin; t < end; t++) {
        b->kernels->gemm_s8(sums, SW_TILE, &rows->s8, 0, 1, matrix->tiles + t * matrix->tile_bytes,
                            matrix->tile_bytes, ones, 1, matrix->n_columns, NULL);
        for (size_t r = 0; r < SW_TILE; r++)
            matrix->row_sums[t * SW_TILE + r] = (int32_t)sums[r];
    }
}

/* One tile of the head out of the table's values. */
static void pack_table_tile(struct sw_backend *b, size_t t, float *row_scratch)
{
    struct sw_matrix *head = &b->head;
    const struct sw_tile_source *source = &head->sources[t];
    size_t dim = head->n_columns, step = (size_t)b->kernels->s8_step;
    uint8_t *tile = head->tiles + t * head->tile_bytes;
    memset(tile, b->kernels->s8_bias, head->tile_bytes);
    for (size_t r = 0; r < SW_TILE; r++)
        head->scales[t * SW_TILE + r] = b->dynamic->table.scale;
    for (size_t r = 0; r < source->n_rows; r++) {
        sw_tensor_read(row_scratch, source->tensor, (source->first_row + r) * dim, dim);
        for (size_t c = 0; c < dim; c++) {
            int stored = (int)sw_quantum_value(row_scratch[c], b->dynamic->table) - 128;
            tile[(c / step * SW_TILE + r) * step + c % step] =
                (uint8_t)(stored + b->kernels->s8_bias);
        }
    }
}

static struct sw_range range_of_table(const struct sw_backend *b, float *row_scratch, int thread)
{
    const struct sw_tensor *table = &sw_model_weights(b->model)->embedding;
    size_t begin, end, dim = b->config.dim;
    struct sw_range range = {0};
    sw_pool_part(&begin, &end, b->config.vocab_size, thread, b->n_threads);
    for (size_t i = begin; i < end; i++) {
        sw_tensor_read(row_scratch, table, i * dim, dim);
        sw_range_widen(&range, sw_range_of(row_scratch, dim, 1));
    }
    return range;
}

void sw_dynamic_pack(struct sw_backend *b, float *row_scratch, int thread)
{
    struct sw_dynamic *d = b->dynamic;
    d->parts[thread] = range_of_table(b, row_scratch, thread);
    sw_pool_barrier(b->options.pool, thread);
    if (thread == 0) {
        struct sw_range range = {0};
        for (int t = 0; t < b->n_threads; t++)
            sw_range_widen(&range, d->parts[t]);
        d->table = sw_quantum_of(range);
        b->head.offset = d->has_table_head ? 128 - (int32_t)d->table.zero : 0;
    }
    sw_pool_barrier(b->options.pool, thread);
    if (d->has_table_head) {
        size_t begin, end;
        sw_pool_part(&begin, &end, b->head.n_tiles, thread, b->n_threads);
        for (size_t t = begin; t < end; t++)
            pack_table_tile(b, t, row_scratch);
    }
    sum_rows(b, &b->head, thread);
    for (size_t l = 0; l < b->config.n_layers; l++) {
        sum_rows(b, &b->layers[l].qkv, thread);
        sum_rows(b, &b->layers[l].o, thread);
        sum_rows(b, &b->layers[l].gate_up, thread);
        sum_rows(b, &b->layers[l].down, thread);
    }
}

void sw_dynamic_embed(const struct sw_backend *b, float *x)
{
    struct sw_quantum table = b->dynamic->table;
    to_integers(x, x, b->config.dim, table);
    for (size_t i = 0; i < b->config.dim; i++)
        x[i] *= table.scale;
}

/* A pass. */

static bool is_shared_out(const struct sw_backend *b)
{
    return b->n_tokens > SW_FEW_TOKENS;
}

static struct sw_range *ranges_of(const struct sw_backend *b, enum sw_ranged kind, int thread)
{
    return is_shared_out(b) ? b->dynamic->many[kind] : b->dynamic->threads[thread].few[kind];
}

/* The tokens whose ranges this thread takes: all of them where they are few. */
static void my_tokens(const struct sw_backend *b, size_t *begin, size_t *end, size_t n, int thread)
{
    *begin = 0;
    *end = n;
    if (is_shared_out(b))
        sw_pool_part(begin, end, n, thread, b->n_threads);
}

/* Ranges of the batch's sequences from n_parts for each token. */
static struct sw_range *merge(const struct sw_backend *b, enum sw_ranged kind,
                              const struct sw_range *parts, size_t n_parts, int thread)
{
    struct sw_range *out = b->dynamic->threads[thread].of_sequence[kind];
    for (size_t i = 0; i < b->n_tokens; i++)
        out[b->tokens[i].sequence] = (struct sw_range){0};
    for (size_t i = 0; i < b->n_tokens; i++) {
        for (size_t part = 0; part < n_parts; part++)
            sw_range_widen(&out[b->tokens[i].sequence], parts[i * n_parts + part]);
    }
    return out;
}

static const float *row_of(const struct sw_backend *b, const float *x, const float *weight,
                           int thread)
{
    float *normed = b->threads[thread].normed;
    if (weight == NULL)
        return x;
    b->kernels->rms_norm_f32(normed, x, weight, b->config.dim, b->config.rms_eps);
    return normed;
}

struct sw_rows sw_dynamic_prepare(const struct sw_backend *b, const struct sw_matrix *matrix,
                                  const float *x, size_t stride, const float *weight,
                                  const size_t *rows, size_t n_rows, int thread)
{
    int which = matrix == &b->head ? 1 : 0;
    size_t begin, end, n = matrix->n_columns;
    struct sw_rows out = is_shared_out(b) ? b->prepared[which] : b->threads[thread].prepared[which];
    struct sw_range *ranges = ranges_of(b, SW_RANGED_ROWS, thread);
    my_tokens(b, &begin, &end, b->n_tokens, thread);
    for (size_t i = begin; i < end; i++)
        ranges[i] = sw_range_of(row_of(b, x + i * stride, weight, thread), n, 1);
    if (is_shared_out(b))
        sw_pool_barrier(b->options.pool, thread);
    const struct sw_range *of_sequence = merge(b, SW_RANGED_ROWS, ranges, 1, thread);
    my_tokens(b, &begin, &end, n_rows, thread);
    for (size_t i = begin; i < end; i++) {
        size_t token = rows != NULL ? rows[i] : i;
        put_row(&out, i, row_of(b, x + token * stride, weight, thread), n,
                sw_quantum_of(of_sequence[b->tokens[token].sequence]));
    }
    if (is_shared_out(b))
        sw_pool_barrier(b->options.pool, thread);
    return out;
}

/* Attention. */

static size_t index_of(const struct sw_backend *b, size_t sequence, size_t kv_head)
{
    return (sequence * b->config.n_kv_heads + kv_head) * b->position_tiles;
}

static struct sw_range range_of_key(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                                    const struct sw_batch_token *token)
{
    size_t d = b->config.head_dim, tile = token->position / SW_TILE, at = token->position % SW_TILE;
    bool is_packed = tile < sw_packed_key_tiles(b, token->sequence);
    struct sw_range range = {0};
    for (size_t h = 0; h < b->config.n_kv_heads; h++) {
        const float *packed = sw_cached_keys(b, layer, token->sequence, h) + tile * d * SW_TILE;
        const float *new_key = sw_new_keys(b, layer, token->sequence, h) + at * d;
        sw_range_widen(&range, is_packed ? sw_range_of(packed + at, d, SW_TILE)
                                         : sw_range_of(new_key, d, 1));
    }
    return range;
}

static struct sw_range range_of_value(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                                      const struct sw_batch_token *token)
{
    struct sw_range range = {0};
    for (size_t h = 0; h < b->config.n_kv_heads; h++) {
        const float *values = sw_cached_values(b, layer, token->sequence, h);
        for (size_t t = 0; t < b->head_tiles; t++)
            sw_range_widen(
                &range,
                sw_range_of(values + (t * b->position_tiles * SW_TILE + token->position) * SW_TILE,
                            SW_TILE, 1));
    }
    return range;
}

static void measure_tokens(const struct sw_backend *b, const struct sw_cpu_layer *layer, int thread)
{
    struct sw_range *queries = ranges_of(b, SW_RANGED_ROWS, thread),
                    *keys = ranges_of(b, SW_RANGED_KEYS, thread),
                    *values = ranges_of(b, SW_RANGED_VALUES, thread);
    size_t begin, end;
    my_tokens(b, &begin, &end, b->n_tokens, thread);
    for (size_t i = begin; i < end; i++) {
        queries[i] = (struct sw_range){0};
        for (size_t h = 0; h < b->config.n_kv_heads; h++)
            sw_range_widen(&queries[i],
                           sw_range_of(sw_queries(b, h, i), b->group * b->config.head_dim, 1));
        keys[i] = range_of_key(b, layer, &b->tokens[i]);
        values[i] = range_of_value(b, layer, &b->tokens[i]);
    }
    if (is_shared_out(b))
        sw_pool_barrier(b->options.pool, thread);
    merge(b, SW_RANGED_ROWS, queries, 1, thread);
    merge(b, SW_RANGED_KEYS, keys, 1, thread);
    merge(b, SW_RANGED_VALUES, values, 1, thread);
}

/* Where the batch's part of each sequence begins and ends. */
static void find_positions(const struct sw_backend *b, struct sw_dynamic_thread *own)
{
    for (size_t i = b->n_tokens; i > 0; i--)
        own->first[b->tokens[i - 1].sequence] = b->tokens[i - 1].position;
    for (size_t i = 0; i < b->n_tokens; i++)
        own->end[b->tokens[i].sequence] = b->tokens[i].position + (size_t)1;
}

static void quantise_keys(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          size_t sequence, size_t kv_head, size_t tile, struct sw_quantum q,
                          int thread)
{
    size_t n = b->config.head_dim * SW_TILE;
    float *out = b->dynamic->layers[layer - b->layers].keys + index_of(b, sequence, kv_head) * n;
    const float *keys = tile < sw_packed_key_tiles(b, sequence)
                            ? sw_cached_keys(b, layer, sequence, kv_head) + tile * n
                            : sw_cpu_pack_new_keys(b, layer, sequence, kv_head, thread);
    to_integers(out + tile * n, keys, n, q);
}

static void quantise_values(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                            size_t sequence, size_t kv_head, size_t tile, struct sw_quantum q,
                            int thread)
{
    (void)thread;
    size_t n = SW_TILE * SW_TILE;
    const float *from = sw_cached_values(b, layer, sequence, kv_head);
    float *out = b->dynamic->layers[layer - b->layers].values +
                 index_of(b, sequence, kv_head) * b->head_tiles * n;
    for (size_t t = 0; t < b->head_tiles; t++) {
        size_t at = (t * b->position_tiles + tile) * n;
        to_integers(out + at, from + at, n, q);
    }
}

typedef void quantise_fn(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                         size_t sequence, size_t kv_head, size_t tile, struct sw_quantum q,
                         int thread);

/* Brings the integers of keys or values up to date: the new positions, or all of them where the
 * range has grown. Leaves the range of all positions in range. */
static void quantise_cached(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                            size_t sequence, struct sw_range *range, struct sw_range before,
                            quantise_fn *quantise, int thread)
{
    const struct sw_dynamic_thread *own = &b->dynamic->threads[thread];
    size_t first = own->first[sequence];
    if (first > 0) {
        sw_range_widen(range, before);
        if (!is_same(*range, before))
            first = 0;
    }
    struct sw_quantum q = sw_quantum_of(*range);
    size_t tile = first / SW_TILE, end = sw_tiles_of(own->end[sequence]);
    size_t n_heads = b->config.n_kv_heads, n_items = (end - tile) * n_heads;
    for (size_t i = (size_t)thread; i < n_items; i += (size_t)b->n_threads)
        quantise(b, layer, sequence, i % n_heads, tile + i / n_heads, q, thread);
}

/* Each sequence of the batch once. */
static bool is_first_of_sequence(const struct sw_backend *b, size_t token, int thread)
{
    const struct sw_batch_token *at = &b->tokens[token];
    return at->position == b->dynamic->threads[thread].first[at->sequence];
}

static void quantise_cache(const struct sw_backend *b, const struct sw_cpu_layer *layer, int thread)
{
    const struct sw_dynamic_layer *own_layer = &b->dynamic->layers[layer - b->layers];
    struct sw_dynamic_thread *own = &b->dynamic->threads[thread];
    find_positions(b, own);
    for (size_t i = 0; i < b->n_tokens; i++) {
        size_t s = b->tokens[i].sequence;
        if (!is_first_of_sequence(b, i, thread))
            continue;
        quantise_cached(b, layer, s, &own->of_sequence[SW_RANGED_KEYS][s], own_layer->key_ranges[s],
                        quantise_keys, thread);
        quantise_cached(b, layer, s, &own->of_sequence[SW_RANGED_VALUES][s],
                        own_layer->value_ranges[s], quantise_values, thread);
    }
}

/* The ranges behind the integers, once every thread has read what they were. */
static void remember_ranges(const struct sw_backend *b, const struct sw_cpu_layer *layer)
{
    const struct sw_dynamic_layer *to = &b->dynamic->layers[layer - b->layers];
    const struct sw_dynamic_thread *own = &b->dynamic->threads[0];
    for (size_t i = 0; i < b->n_tokens; i++) {
        size_t s = b->tokens[i].sequence;
        to->key_ranges[s] = own->of_sequence[SW_RANGED_KEYS][s];
        to->value_ranges[s] = own->of_sequence[SW_RANGED_VALUES][s];
    }
}

/* Softmax of the scores of a block's rows in one group, not yet divided by its sums: those are in
 * the thread's inverses. */
static void weigh(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                  const struct sw_token_block *block, size_t kv_head, int thread)
{
    const struct sw_dynamic_thread *own = &b->dynamic->threads[thread];
    size_t sequence = b->tokens[block->first].sequence, d = b->config.head_dim;
    size_t stride = b->position_tiles * SW_TILE, n_rows = block->n * b->group;
    size_t n_tiles = b->tokens[block->first + block->n - 1].position / SW_TILE + (size_t)1;
    const float *keys =
        b->dynamic->layers[layer - b->layers].keys + index_of(b, sequence, kv_head) * d * SW_TILE;
    struct sw_quantum q = sw_quantum_of(own->of_sequence[SW_RANGED_ROWS][sequence]);
    float score_scale = (float)(1.0 / sqrt((double)d));
    float scale = q.scale * sw_quantum_of(own->of_sequence[SW_RANGED_KEYS][sequence]).scale;
    to_integers(own->queries, sw_queries(b, kv_head, block->first), n_rows * d, q);
    float *scores = b->threads[thread].scores;
    b->kernels->gemm_f32(scores, stride, own->queries, d, n_rows, keys, d * SW_TILE, n_tiles, d,
                         NULL);
    for (size_t row = 0; row < n_rows; row++, scores += stride) {
        size_t n = b->tokens[block->first + row / b->group].position + (size_t)1;
        for (size_t tile = 0; tile < n_tiles; tile++) {
            for (size_t r = 0; r < SW_TILE; r++)
                scores[tile * SW_TILE + r] *= scale;
        }
        b->threads[thread].inverses[row] = b->kernels->softmax_f32(scores, scores, n, score_scale);
    }
}

/* The largest weight of a row is its inverse: the largest exponential is 1. */
static void measure_weights(const struct sw_backend *b, const struct sw_token_block *block,
                            size_t kv_head, int thread)
{
    const float *inverses = b->threads[thread].inverses;
    for (size_t i = 0; i < block->n; i++)
        b->dynamic->many[SW_RANGED_WEIGHTS][(block->first + i) * b->config.n_kv_heads + kv_head] =
            sw_range_of(inverses + i * b->group, b->group, 1);
}

/* Weights as integers (their zero is 0, since none is negative) times values. */
static void mix(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                const struct sw_token_block *block, size_t kv_head, int thread)
{
    const struct sw_dynamic_thread *own = &b->dynamic->threads[thread];
    size_t sequence = b->tokens[block->first].sequence, d = b->config.head_dim;
    size_t stride = b->position_tiles * SW_TILE, n_rows = block->n * b->group;
    size_t n_positions = b->tokens[block->first + block->n - 1].position + (size_t)1;
    size_t width = b->head_tiles * SW_TILE, tile_stride = stride * SW_TILE;
    const float *values = b->dynamic->layers[layer - b->layers].values +
                          index_of(b, sequence, kv_head) * b->head_tiles * SW_TILE * SW_TILE;
    struct sw_quantum q = sw_quantum_of(own->of_sequence[SW_RANGED_WEIGHTS][sequence]);
    float scale = q.scale * sw_quantum_of(own->of_sequence[SW_RANGED_VALUES][sequence]).scale;
    float *scores = b->threads[thread].scores, *mixed = b->threads[thread].mixed;
    for (size_t row = 0; row < n_rows; row++) {
        float *weights = scores + row * stride, inverse = b->threads[thread].inverses[row];
        size_t n = b->tokens[block->first + row / b->group].position + (size_t)1;
        for (size_t p = 0; p < n; p++)
            weights[p] = sw_quantum_value(weights[p] * inverse, q);
        for (size_t p = n; p < n_positions; p++)
            weights[p] = 0;
    }
    b->kernels->gemm_f32(mixed, width, scores, stride, n_rows, values, tile_stride, b->head_tiles,
                         n_positions, NULL);
    for (size_t row = 0; row < n_rows; row++) {
        size_t head = kv_head * b->group + row % b->group;
        float *out = b->attended + (block->first + row / b->group) * b->attention_stride + head * d;
        for (size_t i = 0; i < d; i++)
            out[i] = mixed[row * width + i] * scale;
    }
}

/* Scores are computed twice: the range of the weights takes all rows of the sequence, and those of
 * a long prompt would need more memory than the model. */
void sw_dynamic_attend(struct sw_backend *b, const struct sw_cpu_layer *layer, int thread)
{
    size_t n_kv_heads = b->config.n_kv_heads, n_items = b->n_blocks * n_kv_heads;
    measure_tokens(b, layer, thread);
    quantise_cache(b, layer, thread);
    sw_pool_barrier(b->options.pool, thread);
    if (thread == 0)
        remember_ranges(b, layer);
    for (size_t i = (size_t)thread; i < n_items; i += (size_t)b->n_threads) {
        weigh(b, layer, &b->blocks[i / n_kv_heads], i % n_kv_heads, thread);
        measure_weights(b, &b->blocks[i / n_kv_heads], i % n_kv_heads, thread);
    }
    sw_pool_barrier(b->options.pool, thread);
    merge(b, SW_RANGED_WEIGHTS, b->dynamic->many[SW_RANGED_WEIGHTS], n_kv_heads, thread);
    for (size_t i = (size_t)thread; i < n_items; i += (size_t)b->n_threads) {
        if (n_items > (size_t)b->n_threads) /* else the thread still has the weights of its item */
            weigh(b, layer, &b->blocks[i / n_kv_heads], i % n_kv_heads, thread);
        mix(b, layer, &b->blocks[i / n_kv_heads], i % n_kv_heads, thread);
    }
}
