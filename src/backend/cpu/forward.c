/*
 * One pass over a batch. Threads walk through the same phases with a barrier between; each begins
 * with a range of every matrix's tiles, streams it once, and finishes its columns (bias, rotation,
 * cache, SiLU, residual, choice) while they are in the first cache; one that is done first helps
 * the others.
 */
#include "backend/cpu/engine.h"

#include <string.h>

#include "backend/cpu/dynamic.h"
#include "backend/cpu/epilogue.h"

enum {
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

/* The pair of tiles that follows, the last one alone. */
static struct sw_ahead tiles_ahead(const struct sw_matrix *matrix, size_t next_tile)
{
    size_t n_left = matrix->n_tiles - next_tile, n_tiles = n_left < 2 ? n_left : 2;
    return (struct sw_ahead){.memory = matrix->tiles + next_tile * matrix->tile_bytes,
                             .size = n_tiles * matrix->tile_bytes / SW_LINE * SW_LINE};
}

/* Rows times a pair of tiles, the last one alone where their number is odd. With many rows the pair
 * is read from the second cache again and again; the next pair comes from memory meanwhile. */
static void multiply_pair(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                          const struct sw_matrix *matrix, const struct sw_rows *rows, size_t n_rows,
                          size_t tile, const struct sw_epilogue *epilogue,
                          struct sw_cpu_thread *own)
{
    float *y = own->product;
    void *widened = sw_matrix_is_widened(matrix, n_rows) ? own->widened : NULL;
    size_t n_left = matrix->n_tiles - tile, n_tiles = n_left < 2 ? n_left : 2;
    struct sw_ahead following = tiles_ahead(matrix, tile + n_tiles);
    for (size_t row = 0, next; row < n_rows; row = next) {
        next = row + rows_of_piece(n_rows - row, n_rows > MANY_SEQUENCES);
        struct sw_ahead ahead = sw_ahead_share(following, row, next, n_rows);
        if (n_rows > SW_FEW_TOKENS && epilogue->ask_for != NULL)
            epilogue->ask_for(b, layer, row, next - row, tile, n_tiles);
        sw_matrix_multiply(y, SW_PRODUCT_STRIDE, matrix, b->kernels, rows, row, next - row, tile,
                           n_tiles, widened, &ahead);
        if (matrix->bias != NULL)
            b->kernels->add_f32(y, SW_PRODUCT_STRIDE, matrix->bias + tile * SW_TILE, 0, next - row,
                                n_tiles * SW_TILE);
        epilogue->finish(b, layer, y, row, next - row, tile, n_tiles);
    }
}

static void multiply(const struct sw_backend *b, const struct sw_cpu_layer *layer,
                     const struct sw_matrix *matrix, const struct sw_rows *rows, size_t n_rows,
                     const struct sw_epilogue *epilogue, int thread)
{
    size_t pair;
    struct sw_taker taker = sw_cpu_phase(b, (matrix->n_tiles + 1) / 2, thread);
    while (sw_shares_take(&taker, &pair))
        multiply_pair(b, layer, matrix, rows, n_rows, 2 * pair, epilogue, &b->threads[thread]);
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
                  const struct sw_epilogue *epilogue, int thread)
{
    struct sw_rows rows = prepare(b, matrix, &input, n_rows, thread);
    multiply(b, layer, matrix, &rows, n_rows, epilogue, thread);
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
        apply(b, layer, &layer->qkv, x, n, &sw_to_cache, thread);
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
        apply(b, layer, &layer->o, attended, n, &sw_to_residual, thread);
        sw_pool_barrier(pool, thread);
        x.weight = layer->mlp_norm;
        apply(b, layer, &layer->gate_up, x, n, &sw_to_activated, thread);
        sw_pool_barrier(pool, thread);
        apply(b, layer, &layer->down, activated, n, &sw_to_residual, thread);
        sw_pool_barrier(pool, thread);
    }
    if (b->n_wanted == 0)
        return;
    x.weight = b->final_norm;
    x.rows = is_kept ? NULL : b->wanted;
    apply(b, NULL, &b->head, x, b->n_wanted, b->logits != NULL ? &sw_to_logits : &sw_to_choices,
          thread);
    if (b->logits == NULL) {
        sw_pool_barrier(pool, thread);
        sw_cpu_merge_choices(b, thread);
    }
}
