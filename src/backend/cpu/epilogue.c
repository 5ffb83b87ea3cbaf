#include "backend/cpu/epilogue.h"

#include <math.h>
#include <string.h>

/* Where a new token's key of a head goes until its tile is full. */
static float *new_key_of(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                         const struct sw_batch_token *token, size_t kv_head)
{
    return sw_new_keys(b, layer, token->sequence, kv_head) +
           token->position % SW_TILE * b->config.head_dim;
}

/* Where 16 numbers of a token's values go: tile counts over all heads. */
static float *value_of(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                       const struct sw_batch_token *token, size_t tile)
{
    return sw_cached_values(b, layer, token->sequence, tile / b->head_tiles) +
           (tile % b->head_tiles * b->position_tiles * SW_TILE + token->position) * SW_TILE;
}

/* Asks for the columns of the residual that a product will be added to. */
static void ask_for_residual(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                             size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    for (size_t i = row; i < row + n_rows; i++)
        sw_ask_for(b->x + i * b->dim_stride + tile * SW_TILE, n_tiles * SW_TILE * sizeof *b->x);
}

/* Asks for where new keys and values go: with many sequences, a few lines in each. */
static void ask_for_cache(const struct sw_backend *b, const struct sw_cpu_layer *layer, size_t row,
                          size_t n_rows, size_t tile, size_t n_tiles)
{
    for (size_t i = row; i < row + n_rows; i++) {
        const struct sw_batch_token *token = &b->tokens[i];
        if (tile >= b->qk_tiles) {
            for (size_t t = tile - b->qk_tiles; t < tile + n_tiles - b->qk_tiles; t++)
                sw_ask_for(value_of(b, layer, token, t), SW_LINE);
            continue;
        }
        size_t head = tile / 2 / b->head_pairs, at = tile / 2 % b->head_pairs * SW_TILE;
        if (head < b->config.n_heads)
            continue;
        const float *key = new_key_of(b, layer, token, head - b->config.n_heads) + at;
        sw_ask_for(key, SW_LINE);
        sw_ask_for(key + b->config.head_dim / 2, SW_LINE);
    }
}

/* Columns [at, at + n) and their partners of a new key; with it, its tile may be full. Rows of a
 * pair of tiles come in the order of their positions, all to one thread. */
static void put_key(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                    const struct sw_batch_token *token, size_t kv_head, size_t at,
                    const float *first, const float *second, size_t n)
{
    size_t head_dim = b->config.head_dim, half = head_dim / 2;
    float *new_keys = sw_new_keys(b, layer, token->sequence, kv_head);
    float *key = new_key_of(b, layer, token, kv_head);
    memcpy(key + at, first, n * sizeof *key);
    memcpy(key + half + at, second, n * sizeof *key);
    if (token->position % SW_TILE < SW_TILE - 1)
        return;
    float *tile = sw_cached_keys(b, layer, token->sequence, kv_head) +
                  token->position / SW_TILE * head_dim * SW_TILE;
    b->kernels->pack_f32(tile + at * SW_TILE, new_keys + at, head_dim, SW_TILE, n);
    b->kernels->pack_f32(tile + (half + at) * SW_TILE, new_keys + half + at, head_dim, SW_TILE, n);
}

/* Columns [at, at + n) of a query head and their partners. */
static void finish_query(const struct sw_backend *b, const float *y, size_t row, size_t n_rows,
                         size_t head, size_t at, size_t n)
{
    size_t head_dim = b->config.head_dim, half = head_dim / 2;
    size_t q_stride = b->group * head_dim, angle_stride = b->head_pairs * SW_TILE;
    float *q = sw_queries(b, head / b->group, row) + head % b->group * head_dim + at;
    const struct sw_batch_token *token = b->tokens + row;
    const struct sw_kernels *kernels = b->kernels;
    const float *cosines = b->cosines + at, *sines = b->sines + at;
    for (size_t i = 0; i < n_rows; i++, y += SW_PRODUCT_STRIDE, q += q_stride) {
        size_t angle = token[i].position * angle_stride;
        float first[SW_TILE], second[SW_TILE];
        if (n == SW_TILE) {
            kernels->rotate_f32(q, q + half, y, cosines + angle, sines + angle);
            continue;
        }
        kernels->rotate_f32(first, second, y, cosines + angle, sines + angle);
        memcpy(q, first, n * sizeof *q);
        memcpy(q + half, second, n * sizeof *q);
    }
}

static void finish_key(const struct sw_backend *b, const struct sw_cpu_layer *layer, const float *y,
                       size_t row, size_t n_rows, size_t kv_head, size_t at, size_t n)
{
    for (size_t i = 0; i < n_rows; i++, y += SW_PRODUCT_STRIDE) {
        const struct sw_batch_token *token = &b->tokens[row + i];
        size_t angle = token->position * b->head_pairs * SW_TILE + at;
        float first[SW_TILE], second[SW_TILE];
        b->kernels->rotate_f32(first, second, y, b->cosines + angle, b->sines + angle);
        put_key(b, layer, token, kv_head, at, first, second, n);
    }
}

/* One pair of tiles of a query or key head, whose halves are rotated: half-split form, as in the
 * Hugging Face code. */
static void finish_qk(const struct sw_backend *b, const struct sw_cpu_layer *layer, const float *y,
                      size_t row, size_t n_rows, size_t pair)
{
    size_t head = pair / b->head_pairs, n_heads = b->config.n_heads;
    size_t half = b->config.head_dim / 2, at = pair % b->head_pairs * SW_TILE;
    size_t n = half - at < SW_TILE ? half - at : SW_TILE;
    if (head < n_heads)
        finish_query(b, y, row, n_rows, head, at, n);
    else
        finish_key(b, layer, y, row, n_rows, head - n_heads, at, n);
}

/* One tile of a value head. */
static void finish_value(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                         const float *y, size_t row, size_t n_rows, size_t tile)
{
    for (size_t i = 0; i < n_rows; i++, y += SW_PRODUCT_STRIDE) {
        const struct sw_batch_token *token = &b->tokens[row + i];
        memcpy(value_of(b, layer, token, tile), y, SW_TILE * sizeof *y);
    }
}

static void finish_qkv(const struct sw_backend *b, const struct sw_cpu_layer *layer, const float *y,
                       size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    if (tile < b->qk_tiles) {
        finish_qk(b, layer, y, row, n_rows, tile / 2);
        return;
    }
    for (size_t t = 0; t < n_tiles; t++)
        finish_value(b, layer, y + t * SW_TILE, row, n_rows, tile + t - b->qk_tiles);
}

static void finish_residual(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                            const float *y, size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    b->kernels->add_f32(b->x + row * b->dim_stride + tile * SW_TILE, b->dim_stride, y,
                        SW_PRODUCT_STRIDE, n_rows, n_tiles * SW_TILE);
}

static void finish_gate_up(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                           const float *y, size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    (void)n_tiles;
    b->kernels->silu_mul_f32(b->activated + row * b->hidden_stride + tile / 2 * SW_TILE,
                             b->hidden_stride, y, SW_PRODUCT_STRIDE, n_rows);
}

static void finish_logits(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          const float *y, size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    size_t vocab_size = b->config.vocab_size, at = tile * SW_TILE;
    size_t n = vocab_size - at < n_tiles * SW_TILE ? vocab_size - at : n_tiles * SW_TILE;
    for (size_t i = 0; i < n_rows; i++)
        memcpy(b->logits + (row + i) * vocab_size + at, y + i * SW_PRODUCT_STRIDE, n * sizeof *y);
}

static void finish_choice(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          const float *y, size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    size_t left = b->config.vocab_size - tile * SW_TILE;
    size_t n = left < n_tiles * SW_TILE ? left : n_tiles * SW_TILE;
    b->kernels->choose_f32(b->choices + row * b->choice_stride + tile / 2, b->choice_stride, y,
                           SW_PRODUCT_STRIDE, n_rows, n, b->logprobs != NULL);
}

const struct sw_epilogue sw_to_cache = {finish_qkv, ask_for_cache};
const struct sw_epilogue sw_to_residual = {finish_residual, ask_for_residual};
const struct sw_epilogue sw_to_activated = {finish_gate_up, NULL};
const struct sw_epilogue sw_to_logits = {finish_logits, NULL};
const struct sw_epilogue sw_to_choices = {finish_choice, NULL};

/* Of a row's n choices that with the greatest logit, the first among equals: their ids ascend. */
static size_t greatest_of(const struct sw_choice *choices, size_t n)
{
    struct sw_choice best = choices[0];
    size_t at = 0;
    for (size_t p = 1; p < n; p++) {
        if (choices[p].greatest > best.greatest || (best.index < 0 && choices[p].index >= 0)) {
            best = choices[p];
            at = p;
        }
    }
    return at;
}

/* Log of the probability of the greatest logit, as sw_logprob has it, but with exponentials of
 * floats: within 1e-6. NaN, too, where a logit is, or where the greatest is infinite. */
static double logprob_of(const struct sw_choice *choices, size_t n, double greatest)
{
    double sum = 0;
    for (size_t p = 0; p < n; p++)
        sum += (double)choices[p].sum * exp((double)choices[p].greatest - greatest);
    return 0 - log(sum); /* not -0 where the id is certain */
}

/* What the pairs' choices lead to, in their order, whoever took which pair. */
void sw_cpu_merge_choices(const struct sw_backend *b, int thread)
{
    size_t begin, end, n = (b->head.n_tiles + 1) / 2;
    sw_pool_part(&begin, &end, b->n_wanted, thread, b->n_threads);
    for (size_t i = begin; i < end; i++) {
        const struct sw_choice *choices = b->choices + i * b->choice_stride;
        size_t pair = greatest_of(choices, n);
        int32_t index = choices[pair].index;
        b->ids[i] = index < 0 ? -1 : (int32_t)(pair * 2 * SW_TILE) + index;
        if (b->logprobs != NULL)
            b->logprobs[i] = logprob_of(choices, n, (double)choices[pair].greatest);
    }
}
