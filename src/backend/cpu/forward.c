/*
 * One pass over a batch. Threads walk through the same phases with a barrier between; each begins
 * with a range of every matrix's tiles, streams it once, and finishes its columns (bias, rotation,
 * cache, SiLU, residual, choice) while they are in the first cache; one that is done first helps
 * the others.
 */
#include "backend/cpu/engine.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/dynamic.h"

/* What becomes of a product: rows [row, row + n_rows) of tiles [tile, tile + n_tiles), n_tiles 1 or
 * 2, in y (n_rows, 32). */
typedef void finish_fn(const struct sw_backend *b, const struct sw_cpu_layer *layer, const float *y,
                       size_t row, size_t n_rows, size_t tile, size_t n_tiles);

static finish_fn finish_residual, finish_qkv;

enum {
    PRODUCT_STRIDE = 2 * SW_TILE,
    /* Rows of a piece of many sequences' decoding: two blocks of the kernels of bytes. A last piece
     * takes up to three more, which alone would not keep a kernel's units busy. Above
     * MANY_SEQUENCES a pass is a prefill, of pieces of SW_SCRATCH_ROWS. */
    MANY_SEQUENCES = 72,
    DECODE_ROWS = 16,
    LAST_DECODE_ROWS = 19,
};

/* Rows of the next piece of a product, of n that are left. */
static size_t rows_of_piece(size_t n, bool is_prefill)
{
    size_t rows = is_prefill ? SW_SCRATCH_ROWS : DECODE_ROWS;
    size_t most = is_prefill ? SW_SCRATCH_ROWS : LAST_DECODE_ROWS;
    return n <= most ? n : rows;
}

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

/* What pieces [row, next) of n_rows ask for of the tiles that follow theirs: equal shares. */
static struct sw_ahead tiles_ahead(const struct sw_matrix *matrix, size_t next_tile, size_t row,
                                   size_t next, size_t n_rows)
{
    size_t n_left = matrix->n_tiles - next_tile, n_tiles = n_left < 2 ? n_left : 2;
    size_t n_lines = n_tiles * matrix->tile_bytes / SW_LINE;
    size_t begin = n_lines * row / n_rows, end = n_lines * next / n_rows;
    return (struct sw_ahead){.memory =
                                 matrix->tiles + next_tile * matrix->tile_bytes + begin * SW_LINE,
                             .size = (end - begin) * SW_LINE};
}

/* Asks for the columns of the residual that a piece's product will be added to. */
static void ask_for_residual(const struct sw_backend *b, size_t row, size_t next, size_t tile,
                             size_t n_tiles)
{
    for (size_t i = row; i < next; i++)
        sw_ask_for(b->x + i * b->dim_stride + tile * SW_TILE, n_tiles * SW_TILE * sizeof *b->x);
}

/* Asks for where new keys and values go: with many sequences, a few lines in each. */
static void ask_for_cache(const struct sw_backend *b, const struct sw_cpu_layer *layer, size_t row,
                          size_t next, size_t tile, size_t n_tiles)
{
    for (size_t i = row; i < next; i++) {
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

/* Rows times a pair of tiles, the last one alone where their number is odd. With many rows the pair
 * is read from the second cache again and again; the next pair comes from memory meanwhile. */
static void multiply_pair(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          const struct sw_matrix *matrix, const struct sw_rows *rows, size_t n_rows,
                          size_t tile, finish_fn *finish, struct sw_cpu_thread *own)
{
    float *y = own->product;
    bool is_widened = sw_matrix_is_widened(matrix, n_rows);
    float *widened = is_widened ? own->widened : NULL;
    size_t n_left = matrix->n_tiles - tile, n_tiles = n_left < 2 ? n_left : 2;
    if (is_widened)
        sw_matrix_widen(widened, matrix, b->kernels, tile, n_tiles);
    for (size_t row = 0, next; row < n_rows; row = next) {
        next = row + rows_of_piece(n_rows - row, n_rows > MANY_SEQUENCES);
        struct sw_ahead ahead = tiles_ahead(matrix, tile + n_tiles, row, next, n_rows);
        if (next - row < n_rows && finish == finish_residual)
            ask_for_residual(b, row, next, tile, n_tiles);
        if (finish == finish_qkv && n_rows > SW_FEW_TOKENS && n_rows <= MANY_SEQUENCES)
            ask_for_cache(b, layer, row, next, tile, n_tiles);
        sw_matrix_multiply(y, PRODUCT_STRIDE, matrix, b->kernels, rows, row, next - row, tile,
                           n_tiles, widened, &ahead);
        if (matrix->bias != NULL)
            b->kernels->add_f32(y, PRODUCT_STRIDE, matrix->bias + tile * SW_TILE, 0, next - row,
                                n_tiles * SW_TILE);
        finish(b, layer, y, row, next - row, tile, n_tiles);
    }
}

static void multiply(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                     const struct sw_matrix *matrix, const struct sw_rows *rows, size_t n_rows,
                     finish_fn *finish, int thread)
{
    size_t pair;
    struct sw_taker taker = sw_cpu_phase(b, (matrix->n_tiles + 1) / 2, thread);
    while (sw_shares_take(&taker, &pair))
        multiply_pair(b, layer, matrix, rows, n_rows, 2 * pair, finish, &b->threads[thread]);
}

/* What a matrix is to be multiplied with, before it takes the matrix's form. */
struct input {
    float *x;            /* (n_rows, stride) */
    const float *weight; /* of the norm that the rows go through; NULL: none */
    const size_t *rows;  /* which rows of x; NULL: 0, 1, ... */
    size_t stride;
};

/* The input's rows in the form that the matrix takes. Few rows are computed by every thread for
 * itself; many are shared out, with a barrier behind. */
static struct sw_rows prepare(const struct sw_backend *b, const struct sw_matrix *matrix,
                              const struct input *input, size_t n_rows, int thread)
{
    struct sw_cpu_thread *own = &b->threads[thread];
    if (matrix->form == SW_FORM_U8S8)
        return sw_dynamic_prepare(b, matrix, input->x, input->stride, input->weight, input->rows,
                                  n_rows, thread);
    if (input->weight == NULL && (matrix->form == SW_FORM_F32 || matrix->form == SW_FORM_W16))
        return (struct sw_rows){.f32 = input->x, .stride = input->stride};
    bool is_shared = n_rows > SW_FEW_TOKENS;
    int which = matrix == &b->head ? 1 : 0;
    struct sw_rows out = is_shared ? b->prepared[which] : own->prepared[which];
    size_t begin = 0, end = n_rows;
    if (is_shared)
        sw_pool_part(&begin, &end, n_rows, thread, b->n_threads);
    for (size_t i = begin; i < end; i++) {
        const float *x = input->x + (input->rows != NULL ? input->rows[i] : i) * input->stride;
        if (input->weight != NULL) {
            float *normed = out.f32 != NULL ? out.f32 + i * out.stride : own->normed;
            b->kernels->rms_norm_f32(normed, x, input->weight, b->config.dim, b->config.rms_eps);
            x = normed;
        }
        sw_rows_put(&out, i, matrix->form, b->kernels, x, matrix->n_columns);
    }
    if (is_shared)
        sw_pool_barrier(b->options.pool, thread);
    return out;
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
    for (size_t i = 0; i < n_rows; i++, y += PRODUCT_STRIDE, q += q_stride) {
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
    for (size_t i = 0; i < n_rows; i++, y += PRODUCT_STRIDE) {
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
    for (size_t i = 0; i < n_rows; i++, y += PRODUCT_STRIDE) {
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
                        PRODUCT_STRIDE, n_rows, n_tiles * SW_TILE);
}

static void finish_gate_up(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                           const float *y, size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    (void)n_tiles;
    b->kernels->silu_mul_f32(b->activated + row * b->hidden_stride + tile / 2 * SW_TILE,
                             b->hidden_stride, y, PRODUCT_STRIDE, n_rows);
}

static void finish_logits(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          const float *y, size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    size_t vocab_size = b->config.vocab_size, at = tile * SW_TILE;
    size_t n = vocab_size - at < n_tiles * SW_TILE ? vocab_size - at : n_tiles * SW_TILE;
    for (size_t i = 0; i < n_rows; i++)
        memcpy(b->logits + (row + i) * vocab_size + at, y + i * PRODUCT_STRIDE, n * sizeof *y);
}

static void finish_choice(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          const float *y, size_t row, size_t n_rows, size_t tile, size_t n_tiles)
{
    (void)layer;
    size_t left = b->config.vocab_size - tile * SW_TILE;
    size_t n = left < n_tiles * SW_TILE ? left : n_tiles * SW_TILE;
    b->kernels->choose_f32(b->choices + row * b->choice_stride + tile / 2, b->choice_stride, y,
                           PRODUCT_STRIDE, n_rows, n, b->logprobs != NULL);
}

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
static void merge_choices(const struct sw_backend *b, int thread)
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

static void embed(const struct sw_backend *b, int thread)
{
    const struct sw_tensor *table = &sw_model_weights(b->model)->embedding;
    size_t begin, end, dim = b->config.dim;
    sw_pool_part(&begin, &end, b->n_tokens, thread, b->n_threads);
    for (size_t i = begin; i < end; i++) {
        float *x = b->x + i * b->dim_stride;
        sw_tensor_read(x, table, (size_t)b->tokens[i].id * dim, dim);
        if (b->arithmetic.embedding_is_bf16)
            b->kernels->round_bf16(x, x, dim);
        if (b->dynamic != NULL)
            sw_dynamic_embed(b, x);
    }
}

/* One product of the pass: input in the matrix's form, times the matrix, finished. */
static void apply(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                  const struct sw_matrix *matrix, struct input input, size_t n_rows,
                  finish_fn *finish, int thread)
{
    struct sw_rows rows = prepare(b, matrix, &input, n_rows, thread);
    multiply(b, layer, matrix, &rows, n_rows, finish, thread);
}

/* Rows of the tokens whose logits are wanted become the first ones: behind its keys and values, the
 * last layer is computed for them alone. */
static void keep_wanted(const struct sw_backend *b)
{
    for (size_t i = 0; i < b->n_wanted; i++) {
        size_t from = b->wanted[i]; /* they ascend, so from is not below i */
        if (from == i)
            continue;
        memcpy(b->x + i * b->dim_stride, b->x + from * b->dim_stride, b->config.dim * sizeof *b->x);
        memcpy(b->attended + i * b->attention_stride, b->attended + from * b->attention_stride,
               b->config.n_heads * b->config.head_dim * sizeof *b->attended);
    }
}

void sw_cpu_forward(void *ctx, int thread)
{
    struct sw_backend *b = ctx;
    struct sw_pool *pool = b->options.pool;
    size_t n = b->n_tokens;
    bool is_kept = false; /* the first n rows are those whose logits are wanted */
    struct input x = {.x = b->x, .stride = b->dim_stride};
    struct input attended = {.x = b->attended, .stride = b->attention_stride};
    struct input activated = {.x = b->activated, .stride = b->hidden_stride};
    embed(b, thread);
    sw_pool_barrier(pool, thread);
    for (size_t l = 0; l < b->config.n_layers; l++) {
        const struct sw_cpu_layer *layer = &b->layers[l];
        x.weight = layer->attention_norm;
        apply(b, layer, &layer->qkv, x, n, finish_qkv, thread);
        sw_pool_barrier(pool, thread);
        if (b->dynamic != NULL)
            sw_dynamic_attend(b, layer, thread);
        else
            sw_cpu_attend(b, layer, thread);
        sw_pool_barrier(pool, thread);
        /* Not where the range of all tokens is a part of the arithmetic. */
        if (l + 1 == b->config.n_layers && b->dynamic == NULL && b->n_wanted < n) {
            if (thread == 0)
                keep_wanted(b);
            n = b->n_wanted;
            is_kept = true;
            sw_pool_barrier(pool, thread);
            if (n == 0)
                return;
        }
        apply(b, layer, &layer->o, attended, n, finish_residual, thread);
        sw_pool_barrier(pool, thread);
        x.weight = layer->mlp_norm;
        apply(b, layer, &layer->gate_up, x, n, finish_gate_up, thread);
        sw_pool_barrier(pool, thread);
        apply(b, layer, &layer->down, activated, n, finish_residual, thread);
        sw_pool_barrier(pool, thread);
    }
    if (b->n_wanted == 0)
        return;
    x.weight = b->final_norm;
    x.rows = is_kept ? NULL : b->wanted;
    apply(b, NULL, &b->head, x, b->n_wanted, b->logits != NULL ? finish_logits : finish_choice,
          thread);
    if (b->logits == NULL) {
        sw_pool_barrier(pool, thread);
        merge_choices(b, thread);
    }
}
