#include "backend/cpu/matrix.h"

#include <stdint.h>

void sw_matrix_layout(struct sw_matrix *matrix, size_t n_tiles, size_t n_columns, bool has_bias,
                      struct sw_arena *weights, struct sw_arena *lists)
{
    matrix->n_tiles = n_tiles;
    matrix->n_columns = n_columns;
    matrix->tiles = sw_arena_take(weights, n_tiles, n_columns * SW_TILE * sizeof(float));
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

void sw_matrix_pack(struct sw_matrix *matrix, const struct sw_kernels *kernels, size_t begin,
                    size_t end, float *row_scratch)
{
    size_t n_columns = matrix->n_columns;
    for (size_t t = begin; t < end; t++) {
        const struct sw_tile_source *source = &matrix->sources[t];
        kernels->pack_f32(matrix->tiles + t * n_columns * SW_TILE,
                          rows_as_floats(source, n_columns, row_scratch), n_columns, source->n_rows,
                          n_columns);
        if (matrix->bias != NULL && source->bias != NULL)
            sw_tensor_read(matrix->bias + t * SW_TILE, source->bias, source->first_row,
                           source->n_rows);
    }
}

size_t sw_matrix_bytes(const struct sw_matrix *matrix)
{
    size_t floats = matrix->n_tiles * matrix->n_columns * SW_TILE;
    return (floats + (matrix->bias != NULL ? matrix->n_tiles * SW_TILE : 0)) * sizeof(float);
}
