#include "backend/cpu/matrix.h"

#include <stdint.h>
#include <string.h>

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static size_t bytes_of_tile(enum sw_form form, size_t n_columns)
{
    switch (form) {
    case SW_FORM_F32:
        return n_columns * SW_TILE * sizeof(float);
    case SW_FORM_W16:
    case SW_FORM_ROUNDED:
    case SW_FORM_BF16:
        return round_up(n_columns, 2) * SW_TILE * sizeof(uint16_t);
    case SW_FORM_S8:
    case SW_FORM_U8S8:
        return round_up(n_columns, 8) * SW_TILE;
    case SW_FORM_S4:
        return round_up(n_columns, SW_GROUP_S4) / SW_GROUP_S4 * SW_GROUP_BYTES;
    }
    return 0;
}

void sw_matrix_layout(struct sw_matrix *matrix, enum sw_form form, size_t n_tiles, size_t n_columns,
                      bool has_bias, struct sw_arena *weights, struct sw_arena *lists)
{
    matrix->form = form;
    matrix->n_tiles = n_tiles;
    matrix->n_columns = n_columns;
    matrix->tile_bytes = bytes_of_tile(form, n_columns);
    matrix->tiles = sw_arena_take(weights, n_tiles, matrix->tile_bytes);
    bool has_scales = form == SW_FORM_S8 || form == SW_FORM_U8S8;
    matrix->scales = has_scales ? sw_arena_take(weights, n_tiles, SW_TILE * sizeof(float)) : NULL;
    matrix->row_sums =
        form == SW_FORM_U8S8 ? sw_arena_take(weights, n_tiles, SW_TILE * sizeof(int32_t)) : NULL;
    matrix->bias = has_bias ? sw_arena_take(weights, n_tiles, SW_TILE * sizeof(float)) : NULL;
    matrix->sources = sw_arena_take(lists, n_tiles, sizeof *matrix->sources);
}

/* Rows of an aligned F32 tensor are read where they lie. */
static const float *rows_as_floats(const struct sw_tile_source *source, size_t n_columns,
                                   float *row_scratch)
{
    const struct sw_tensor *tensor = source->tensor;
    size_t first = source->first_row * n_columns;
    if (tensor->dtype == SW_F32 && (uintptr_t)tensor->data_view % sizeof(float) == 0)
        return (const float *)tensor->data_view + first;
    sw_tensor_read(row_scratch, tensor, first, source->n_rows * n_columns);
    return row_scratch;
}

static void pack_tile(struct sw_matrix *matrix, const struct sw_kernels *kernels, size_t t,
                      const float *rows, size_t n_rows)
{
    size_t k = matrix->n_columns;
    uint8_t *tile = matrix->tiles + t * matrix->tile_bytes;
    switch (matrix->form) {
    case SW_FORM_F32:
        kernels->pack_f32((float *)(void *)tile, rows, k, n_rows, k);
        break;
    case SW_FORM_W16:
    case SW_FORM_ROUNDED:
    case SW_FORM_BF16:
        kernels->pack_w16((uint16_t *)(void *)tile, rows, k, n_rows, k);
        break;
    case SW_FORM_S8:
    case SW_FORM_U8S8:
        kernels->pack_s8(tile, matrix->scales + t * SW_TILE, rows, k, n_rows, k);
        break;
    case SW_FORM_S4:
        kernels->pack_s4(tile, rows, k, n_rows, k);
        break;
    }
}

void sw_matrix_pack(struct sw_matrix *matrix, const struct sw_kernels *kernels, size_t begin,
                    size_t end, float *row_scratch)
{
    for (size_t t = begin; t < end; t++) {
        const struct sw_tile_source *source = &matrix->sources[t];
        pack_tile(matrix, kernels, t, rows_as_floats(source, matrix->n_columns, row_scratch),
                  source->n_rows);
        if (matrix->bias != NULL && source->bias != NULL)
            sw_tensor_read(matrix->bias + t * SW_TILE, source->bias, source->first_row,
                           source->n_rows);
    }
}

size_t sw_matrix_bytes(const struct sw_matrix *matrix)
{
    size_t vectors = (size_t)(matrix->bias != NULL) + (size_t)(matrix->scales != NULL) +
                     (size_t)(matrix->row_sums != NULL);
    return matrix->n_tiles * (matrix->tile_bytes + vectors * SW_TILE * sizeof(float));
}

/* Activations that share a scale. */
static size_t block_of(enum sw_form form)
{
    return form == SW_FORM_S4 ? SW_GROUP_S4 : SW_BLOCK_S8;
}

void sw_rows_layout(struct sw_rows *rows, enum sw_form form, size_t n, size_t n_columns,
                    struct sw_arena *arena)
{
    size_t block = block_of(form);
    *rows = (struct sw_rows){.stride = sw_row_stride(n_columns)};
    switch (form) {
    case SW_FORM_F32:
    case SW_FORM_W16:
    case SW_FORM_ROUNDED:
        rows->f32 = sw_arena_take(arena, n, rows->stride * sizeof(float));
        break;
    case SW_FORM_BF16:
        rows->bf16 = sw_arena_take(arena, n, rows->stride * sizeof(uint16_t));
        break;
    case SW_FORM_U8S8:
        rows->quanta = sw_arena_take(arena, n, sizeof *rows->quanta);
        /* fall through */
    case SW_FORM_S8:
    case SW_FORM_S4:
        rows->s8.block = block;
        rows->s8.block_stride = round_up(n_columns, block) / block;
        rows->s8.stride = (round_up(n_columns, 64) / 64 | 1) * 64;
        rows->s8.values = sw_arena_take(arena, n, rows->s8.stride);
        rows->s8.scales = sw_arena_take(arena, n, rows->s8.block_stride * sizeof(float));
        rows->s8.biases = sw_arena_take(arena, n, rows->s8.block_stride * sizeof(int32_t));
        break;
    }
}

void sw_rows_put(struct sw_rows *rows, size_t i, enum sw_form form,
                 const struct sw_kernels *kernels, const float *x, size_t n_columns)
{
    const struct sw_rows_s8 *s8 = &rows->s8;
    switch (form) {
    case SW_FORM_F32:
    case SW_FORM_W16:
        if (x != rows->f32 + i * rows->stride)
            memcpy(rows->f32 + i * rows->stride, x, n_columns * sizeof *x);
        break;
    case SW_FORM_ROUNDED:
        kernels->round_bf16(rows->f32 + i * rows->stride, x, n_columns);
        break;
    case SW_FORM_BF16:
        kernels->to_bf16(rows->bf16 + i * rows->stride, x, n_columns);
        break;
    case SW_FORM_S8:
    case SW_FORM_S4:
        kernels->quantise_s8(s8->values + i * s8->stride, s8->scales + i * s8->block_stride,
                             s8->biases + i * s8->block_stride, x, n_columns, s8->block);
        break;
    case SW_FORM_U8S8: /* sw_dynamic_prepare: a row alone has no range */
        break;
    }
}

bool sw_matrix_is_widened(const struct sw_matrix *matrix, size_t n_rows)
{
    /* Where a widened pair costs as much as it saves: 16 rows of 4 bits with AVX-512 VNNI, where
     * the first eight widen it. */
    enum { MANY_ROWS = 73, MANY_ROWS_S4 = 24 };
    if (matrix->form == SW_FORM_S4)
        return n_rows >= MANY_ROWS_S4;
    return (matrix->form == SW_FORM_W16 || matrix->form == SW_FORM_ROUNDED) && n_rows >= MANY_ROWS;
}

size_t sw_matrix_widened_bytes(enum sw_form form, size_t n_columns)
{
    switch (form) {
    case SW_FORM_W16:
    case SW_FORM_ROUNDED:
        return n_columns * SW_TILE * sizeof(float);
    case SW_FORM_S4:
        return sw_widened_bytes(n_columns);
    default:
        return 0;
    }
}

/* The product of 16-bit tiles that are widened, by that of row 0. */
static void multiply_widened(float *y, size_t y_stride, const struct sw_matrix *matrix,
                             const struct sw_kernels *kernels, const struct sw_rows *rows,
                             size_t row, size_t n_rows, size_t tile, size_t n_tiles, float *widened,
                             const struct sw_ahead *ahead)
{
    size_t k = matrix->n_columns, stride = rows->stride;
    for (size_t t = 0; t < n_tiles && row == 0; t++) {
        const void *numbers = matrix->tiles + (tile + t) * matrix->tile_bytes;
        kernels->widen_w16(widened + t * k * SW_TILE, numbers, k);
    }
    kernels->gemm_f32(y, y_stride, rows->f32 + row * stride, stride, n_rows, widened, k * SW_TILE,
                      n_tiles, k, ahead);
}

/* (stored activation + offset) * (stored weight + offset), summed: exact as long as the sum of the
 * stored ones, which comes as a float, is below 2^24; else that is rounded. */
static void multiply_u8s8(float *y, size_t y_stride, const struct sw_matrix *matrix,
                          const struct sw_kernels *kernels, const struct sw_rows *rows, size_t row,
                          size_t n_rows, size_t tile, size_t n_tiles, const struct sw_ahead *ahead)
{
    static const float ones[SW_TILE] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    int32_t k = (int32_t)matrix->n_columns;
    for (size_t t = 0; t < n_tiles; t++) {
        float *out = y + t * SW_TILE;
        const float *scales = matrix->scales + (tile + t) * SW_TILE;
        const int32_t *row_sums = matrix->row_sums + (tile + t) * SW_TILE;
        kernels->gemm_s8(out, y_stride, &rows->s8, row, n_rows,
                         matrix->tiles + (tile + t) * matrix->tile_bytes, matrix->tile_bytes, ones,
                         1, matrix->n_columns, t == 0 ? ahead : NULL);
        for (size_t i = 0; i < n_rows; i++, out += y_stride) {
            const struct sw_row_quantum *q = &rows->quanta[row + i];
            int32_t of_row = matrix->offset * (q->sum + k * q->offset);
            for (size_t r = 0; r < SW_TILE; r++) {
                int32_t exact = (int32_t)out[r] + q->offset * row_sums[r] + of_row;
                out[r] = (float)exact * (q->scale * scales[r]);
            }
        }
    }
}

void sw_matrix_multiply(float *y, size_t y_stride, const struct sw_matrix *matrix,
                        const struct sw_kernels *kernels, const struct sw_rows *rows, size_t row,
                        size_t n_rows, size_t tile, size_t n_tiles, void *widened,
                        const struct sw_ahead *ahead)
{
    const uint8_t *tiles = matrix->tiles + tile * matrix->tile_bytes;
    const void *numbers = tiles;
    size_t k = matrix->n_columns, stride = rows->stride;
    const float *x = rows->f32 != NULL ? rows->f32 + row * stride : NULL;
    switch (matrix->form) {
    case SW_FORM_F32:
        kernels->gemm_f32(y, y_stride, x, stride, n_rows, numbers,
                          matrix->tile_bytes / sizeof(float), n_tiles, k, ahead);
        break;
    case SW_FORM_W16:
    case SW_FORM_ROUNDED:
        if (widened != NULL)
            multiply_widened(y, y_stride, matrix, kernels, rows, row, n_rows, tile, n_tiles,
                             widened, ahead);
        else
            kernels->gemm_w16(y, y_stride, x, stride, n_rows, numbers,
                              matrix->tile_bytes / sizeof(uint16_t), n_tiles, k, ahead);
        break;
    case SW_FORM_BF16:
        kernels->gemm_bf16(y, y_stride, rows->bf16 + row * stride, stride, n_rows, numbers,
                           matrix->tile_bytes / sizeof(uint16_t), n_tiles, round_up(k, 2), ahead);
        break;
    case SW_FORM_S8:
        kernels->gemm_s8(y, y_stride, &rows->s8, row, n_rows, tiles, matrix->tile_bytes,
                         matrix->scales + tile * SW_TILE, n_tiles, k, ahead);
        break;
    case SW_FORM_S4:
        if (widened != NULL && row > 0)
            kernels->gemm_s4_widened(y, y_stride, &rows->s8, row, n_rows, widened, n_tiles, k,
                                     ahead);
        else
            kernels->gemm_s4(y, y_stride, &rows->s8, row, n_rows, tiles, matrix->tile_bytes,
                             n_tiles, k, widened, ahead);
        break;
    case SW_FORM_U8S8:
        multiply_u8s8(y, y_stride, matrix, kernels, rows, row, n_rows, tile, n_tiles, ahead);
        break;
    }
}
