/*
 * A packed matrix: tiles of 16 output rows, in an order of our own choosing, so that the rows an
 * epilogue needs together lie together. Each tile takes up to 16 neighbouring rows of one tensor.
 */
#ifndef SW_BACKEND_CPU_MATRIX_H
#define SW_BACKEND_CPU_MATRIX_H

#include <stddef.h>

#include "backend/cpu/kernels.h"
#include "base/arena.h"
#include "model/model.h"

/* Where a tile's rows come from. */
struct sw_tile_source {
    const struct sw_tensor *tensor; /* (rows, n_columns); borrowed from the model */
    const struct sw_tensor *bias;   /* (rows), or NULL */
    size_t first_row;
    size_t n_rows; /* 1 to 16; the rest of the tile is zero */
};

struct sw_matrix {
    size_t n_tiles, n_columns;
    float *tiles;                   /* (n_tiles, n_columns, 16) */
    float *bias;                    /* (n_tiles * 16), NULL without biases */
    struct sw_tile_source *sources; /* (n_tiles); only until the matrix is packed */
};

/* Sizes of a matrix with these tiles: weights from one arena, the list of sources from another. */
void sw_matrix_layout(struct sw_matrix *matrix, size_t n_tiles, size_t n_columns, bool has_bias,
                      struct sw_arena *weights, struct sw_arena *lists);

/* Packs tiles [begin, end). row_scratch holds 16 * n_columns floats, for tensors that are not F32
 * or not aligned. */
void sw_matrix_pack(struct sw_matrix *matrix, const struct sw_kernels *kernels, size_t begin,
                    size_t end, float *row_scratch);

/* Bytes that one product reads. */
size_t sw_matrix_bytes(const struct sw_matrix *matrix);

static inline size_t sw_tiles_of(size_t n)
{
    return (n + SW_TILE - 1) / SW_TILE;
}

#endif
