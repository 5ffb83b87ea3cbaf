/*
 * A packed matrix: tiles of 16 output rows, in an order of our own choosing, so that the rows an
 * epilogue needs together lie together. Each tile takes up to 16 neighbouring rows of one tensor.
 * A form says how weights are stored and what rows of activations they are multiplied with.
 */
#ifndef SW_BACKEND_CPU_MATRIX_H
#define SW_BACKEND_CPU_MATRIX_H

#include <stddef.h>

#include "backend/cpu/kernels.h"
#include "base/arena.h"
#include "model/model.h"

enum sw_form {
    SW_FORM_F32,
    SW_FORM_W16,     /* weights bf16, widened; activations f32 */
    SW_FORM_ROUNDED, /* weights bf16, widened; activations rounded to bf16, as f32 */
    SW_FORM_BF16,    /* weights and activations bf16, multiplied as such */
    SW_FORM_S8,      /* weights s8, a scale per row; activations s8, a scale per block of 64 */
    SW_FORM_S4,      /* weights 4 bits, activations s8, scales per group of 32 */
    SW_FORM_U8S8,    /* weights s8 (or the u8 table), activations u8, scale per sequence and call;
                        both stored less 128 where they are u8 (backend/cpu/dynamic.h) */
};

/* How a row in u8 stands for numbers: (stored value + offset) * scale. */
struct sw_row_quantum {
    float scale;
    int32_t offset; /* 128 - zero point */
    int32_t sum;    /* of the stored values */
};

/* Rows of activations as a form takes them; the others are NULL. */
struct sw_rows {
    float *f32;     /* (n, stride) F32, W16, ROUNDED */
    uint16_t *bf16; /* (n, stride) BF16 */
    size_t stride;
    struct sw_rows_s8 s8;          /* S8, S4, U8S8 with all scales 1 */
    struct sw_row_quantum *quanta; /* (n) U8S8 */
};

/* Where a tile's rows come from. */
struct sw_tile_source {
    const struct sw_tensor *tensor; /* (rows, n_columns); borrowed from the model */
    const struct sw_tensor *bias;   /* (rows), or NULL */
    size_t first_row;
    size_t n_rows; /* 1 to 16; the rest of the tile is zero */
};

struct sw_matrix {
    enum sw_form form;
    size_t n_tiles, n_columns;
    uint8_t *tiles; /* (n_tiles, tile_bytes), as kernels.h describes them */
    size_t tile_bytes;
    float *scales;                  /* (n_tiles * 16) of S8 and U8S8, else NULL */
    int32_t *row_sums;              /* (n_tiles * 16) of U8S8: of a row's stored weights */
    int32_t offset;                 /* to be added to each stored weight of U8S8 */
    float *bias;                    /* (n_tiles * 16), NULL without biases */
    struct sw_tile_source *sources; /* (n_tiles); only until the matrix is packed */
};

/* Sizes of a matrix with these tiles: weights from one arena, the list of sources from another. */
void sw_matrix_layout(struct sw_matrix *matrix, enum sw_form form, size_t n_tiles, size_t n_columns,
                      bool has_bias, struct sw_arena *weights, struct sw_arena *lists);

/* Packs tiles [begin, end). row_scratch holds 16 * n_columns floats, for tensors that are not F32
 * or not aligned. */
void sw_matrix_pack(struct sw_matrix *matrix, const struct sw_kernels *kernels, size_t begin,
                    size_t end, float *row_scratch);

/* Bytes that one product reads. */
size_t sw_matrix_bytes(const struct sw_matrix *matrix);

/* Room for rows in this form of up to n_columns, zeroed. */
void sw_rows_layout(struct sw_rows *rows, enum sw_form form, size_t n, size_t n_columns,
                    struct sw_arena *arena);

/* Writes row i from n_columns floats; x may be the row itself. */
void sw_rows_put(struct sw_rows *rows, size_t i, enum sw_form form,
                 const struct sw_kernels *kernels, const float *x, size_t n_columns);

/* Whether products with n_rows rows are faster with the tiles widened, to f32 or from 4 bits to
 * bytes, which is worth it where many rows share the work. The bits are the same. */
bool sw_matrix_is_widened(const struct sw_matrix *matrix, size_t n_rows);

/* Bytes of a widened tile of a form; 0 if the form has none. */
size_t sw_matrix_widened_bytes(enum sw_form form, size_t n_columns);

/* y (n_rows, n_tiles * 16), y_stride floats apart = rows [row, row + n_rows) times tiles
 * [tile, tile + n_tiles); without the bias. widened: where the product of row 0, which comes first,
 * leaves the tiles widened for the rows behind it, or NULL. ahead: what is read next, or NULL. */
void sw_matrix_multiply(float *y, size_t y_stride, const struct sw_matrix *matrix,
                        const struct sw_kernels *kernels, const struct sw_rows *rows, size_t row,
                        size_t n_rows, size_t tile, size_t n_tiles, void *widened,
                        const struct sw_ahead *ahead);

static inline size_t sw_tiles_of(size_t n)
{
    return (n + SW_TILE - 1) / SW_TILE;
}

/* Elements between two rows: whole cache lines, and an odd number of them, so that the rows of a
 * block do not compete for the same lines of the first cache. */
static inline size_t sw_row_stride(size_t n)
{
    return (sw_tiles_of(n) | 1) * SW_TILE;
}

#endif
