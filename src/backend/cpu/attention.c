/*
 * Attention as two products over the packed cache: scores (rows, positions) = queries times keys,
 * mixed (rows, head_dim) = softmax of scores times values. A row is one query head of one token;
 * the heads of a group share keys and values, so they, and the tokens of a block, are the rows of
 * one product. Every output element is computed by one thread in one order: how the work is shared
 * out changes no bit.
 */
#include "backend/cpu/engine.h"

#include <math.h>
#include <string.h>

static size_t score_stride(const struct sw_backend *b)
{
    return b->position_tiles * SW_TILE;
}

static float score_scale(const struct sw_backend *b)
{
    return (float)(1.0 / sqrt((double)b->config.head_dim));
}

const float *sw_cpu_pack_new_keys(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                                  size_t sequence, size_t kv_head, int thread)
{
    size_t head_dim = b->config.head_dim, n = b->n_seen[sequence] % SW_TILE;
    float *tile = b->threads[thread].key_tile;
    b->kernels->pack_f32(tile, sw_new_keys(b, layer, sequence, kv_head), head_dim, n, head_dim);
    return tile;
}

/* Scores of rows against tiles [begin, end) of positions. */
static void score(const struct sw_backend *b, const struct sw_cpu_layer *layer, float *scores,
                  size_t token, size_t n_rows, size_t kv_head, size_t begin, size_t end, int thread)
{
    size_t head_dim = b->config.head_dim, tile_stride = head_dim * SW_TILE;
    size_t sequence = b->tokens[token].sequence, n_packed = sw_packed_key_tiles(b, sequence);
    const float *keys = sw_cached_keys(b, layer, sequence, kv_head);
    const float *queries = sw_queries(b, kv_head, token);
    size_t middle = end < n_packed ? end : n_packed;
    if (begin < middle)
        b->kernels->gemm_f32(scores + begin * SW_TILE, score_stride(b), queries, head_dim, n_rows,
                             keys + begin * tile_stride, tile_stride, middle - begin, head_dim,
                             NULL);
    if (middle < end)
        b->kernels->gemm_f32(scores + middle * SW_TILE, score_stride(b), queries, head_dim, n_rows,
                             sw_cpu_pack_new_keys(b, layer, sequence, kv_head, thread), tile_stride,
                             1, head_dim, NULL);
}

/* Adds up values with the rows' weights, over tiles [begin, end) of head_dim, and hands the result
 * to attended. inverses: 1 / sum of each row's weights. */
static void mix(const struct sw_backend *b, const struct sw_cpu_layer *layer, const float *scores,
                const float *inverses, float *mixed, size_t token, size_t n_rows, size_t kv_head,
                size_t n_positions, size_t begin, size_t end)
{
    size_t head_dim = b->config.head_dim, mixed_stride = b->head_tiles * SW_TILE;
    size_t tile_stride = score_stride(b) * SW_TILE;
    const float *values = sw_cached_values(b, layer, b->tokens[token].sequence, kv_head);
    b->kernels->gemm_f32(mixed + begin * SW_TILE, mixed_stride, scores, score_stride(b), n_rows,
                         values + begin * tile_stride, tile_stride, end - begin, n_positions, NULL);
    for (size_t row = 0; row < n_rows; row++) {
        size_t head = kv_head * b->group + row % b->group;
        float *out = b->attended + (token + row / b->group) * b->attention_stride + head * head_dim;
        size_t at = begin * SW_TILE, behind = end * SW_TILE < head_dim ? end * SW_TILE : head_dim;
        b->kernels->scale_f32(out + at, mixed + row * mixed_stride + at, behind - at,
                              inverses[row]);
    }
}

/* Few tokens: the positions of each head are shared out for the scores, then, behind a barrier, the
 * outputs of all heads for the mixing. A thread computes the softmax of the heads that it mixes. */
static void attend_few(struct sw_backend *b, const struct sw_cpu_layer *layer, int thread)
{
    size_t n_kv_heads = b->config.n_kv_heads, stride = score_stride(b), group = b->group;
    struct sw_cpu_thread *own = &b->threads[thread];
    size_t n_heads = b->n_tokens * n_kv_heads;
    for (size_t i = 0; i < n_heads; i++) {
        size_t token = i / n_kv_heads, begin, end;
        /* Who gets the odd tile changes from head to head. */
        int part = (int)(((size_t)thread + i) % (size_t)b->n_threads);
        sw_pool_part(&begin, &end, b->tokens[token].position / SW_TILE + 1, part, b->n_threads);
        if (begin < end)
            score(b, layer, b->scores + i * group * stride, token, group, i % n_kv_heads, begin,
                  end, thread);
    }
    sw_pool_barrier(b->options.pool, thread);

    size_t begin, end;
    sw_pool_part(&begin, &end, n_heads * b->head_tiles, thread, b->n_threads);
    while (begin < end) {
        size_t i = begin / b->head_tiles, first_tile = begin % b->head_tiles;
        size_t n_tiles = b->head_tiles - first_tile;
        n_tiles = n_tiles < end - begin ? n_tiles : end - begin;
        size_t token = i / n_kv_heads, n_positions = b->tokens[token].position + (size_t)1;
        for (size_t row = 0; row < group; row++)
            own->inverses[row] = b->kernels->softmax_f32(own->scores + row * stride,
                                                         b->scores + (i * group + row) * stride,
                                                         n_positions, score_scale(b));
        mix(b, layer, own->scores, own->inverses, own->mixed, token, group, i % n_kv_heads,
            n_positions, first_tile, first_tile + n_tiles);
        begin += n_tiles;
    }
}

/* One group of heads of one block of tokens. Positions behind a token's own get weight 0; the
 * product runs over them up to the block's last token. */
static void attend_block(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                         const struct sw_token_block *block, size_t kv_head, int thread)
{
    struct sw_cpu_thread *own = &b->threads[thread];
    size_t stride = score_stride(b), n_rows = block->n * b->group;
    size_t n_positions = b->tokens[block->first + block->n - 1].position + (size_t)1;
    score(b, layer, own->scores, block->first, n_rows, kv_head, 0, sw_tiles_of(n_positions),
          thread);
    for (size_t row = 0; row < n_rows; row++) {
        float *scores = own->scores + row * stride;
        size_t n = b->tokens[block->first + row / b->group].position + (size_t)1;
        own->inverses[row] = b->kernels->softmax_f32(scores, scores, n, score_scale(b));
        for (size_t p = n; p < n_positions; p++)
            scores[p] = 0;
    }
    mix(b, layer, own->scores, own->inverses, own->mixed, block->first, n_rows, kv_head,
        n_positions, 0, b->head_tiles);
}

static void ask_for_floats(const float *memory, size_t n_floats)
{
    enum { MOST_FLOATS = 2048 }; /* further on the machine follows by itself */
    sw_ask_for(memory, (n_floats < MOST_FLOATS ? n_floats : MOST_FLOATS) * sizeof *memory);
}

/* Asks for what another sequence has in the cache, while a piece before it is computed: its lines
 * lie in too many places, and are too few in each, to be seen coming. */
static void ask_for_piece(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          const struct sw_token_block *block, size_t kv_head)
{
    size_t head_dim = b->config.head_dim, sequence = b->tokens[block->first].sequence;
    size_t n = b->n_seen[sequence], n_packed = sw_packed_key_tiles(b, sequence);
    const float *values = sw_cached_values(b, layer, sequence, kv_head);
    ask_for_floats(sw_cached_keys(b, layer, sequence, kv_head), n_packed * SW_TILE * head_dim);
    ask_for_floats(sw_new_keys(b, layer, sequence, kv_head), n % SW_TILE * head_dim);
    for (size_t t = 0; t < b->head_tiles; t++)
        ask_for_floats(values + t * b->position_tiles * SW_TILE * SW_TILE, n * SW_TILE);
    ask_for_floats(sw_queries(b, kv_head, block->first), b->group * head_dim);
}

void sw_cpu_attend(struct sw_backend *b, const struct sw_cpu_layer *layer, int thread)
{
    if (b->n_tokens <= SW_FEW_TOKENS) {
        attend_few(b, layer, thread);
        return;
    }
    size_t n_kv_heads = b->config.n_kv_heads, i;
    struct sw_taker taker = sw_cpu_phase(b, b->n_blocks * n_kv_heads, thread);
    while (sw_shares_take(&taker, &i)) {
        size_t next = i + 1;
        if (next / n_kv_heads < b->n_blocks && b->blocks[next / n_kv_heads].n == 1)
            ask_for_piece(b, layer, &b->blocks[next / n_kv_heads], next % n_kv_heads);
        attend_block(b, layer, &b->blocks[i / n_kv_heads], i % n_kv_heads, thread);
    }
}
