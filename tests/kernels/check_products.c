/*
 * Kernels of products. Every form of a matrix goes through the same steps: operands are made,
 * packed by the definition and by the level, multiplied by both in every number of rows and tiles,
 * and compared bit for bit; the definition's result is held against double precision, within what
 * its number of roundings allows.
 */
#include "check.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/half.h"

enum { MOST_ROWS = 17, MOST_TILES = 5 };

/* A matrix as one level packs it. */
struct packed {
    void *tiles;
    float *scales; /* of rows, s8 */
};

/* One set of operands, defined once and then asked for in every smaller size. */
struct product {
    size_t m, n_tiles, k, block;
    size_t x_stride; /* elements */
    size_t tile_bytes;
    float *x;         /* (m, x_stride); of the forms of floats */
    uint16_t *x_bf16; /* the same as bf16, k rounded up to even */
    struct sw_rows_s8 rows;
    struct packed own, scalar;
    float *expected; /* (m, n_tiles * 16) */
};

/* The last m rows and n_tiles tiles of a product, so that reading too far would be seen. */
struct part {
    size_t row, m, tile, n_tiles;
};

struct form {
    const char *name;
    size_t (*tile_bytes)(size_t k); /* without padding */
    size_t column_bytes;            /* what padding is a multiple of */
    void (*pack)(const struct sw_kernels *kernels, const struct product *p, struct packed *packed,
                 size_t tile, const float *rows, size_t row_stride);
    void (*multiply)(const struct sw_kernels *kernels, const struct product *p,
                     const struct packed *packed, struct part part, float *y, size_t y_stride);
    double (*weight)(const struct product *p, size_t tile, size_t c, size_t r); /* scaled */
    double (*value)(const struct product *p, size_t i, size_t c);               /* scaled */
    double roundings_per_column, roundings;                                     /* of one output */
    enum { X_FLOATS, X_BF16, X_BYTES } x;
};

static const char *tile_at(const struct product *p, const struct packed *packed, size_t tile)
{
    return (const char *)packed->tiles + tile * p->tile_bytes;
}

/* The forms. */

static size_t bytes_f32(size_t k)
{
    return k * SW_TILE * sizeof(float);
}

static size_t bytes_w16(size_t k)
{
    return (k + 1) / 2 * 2 * SW_TILE * sizeof(uint16_t);
}

static size_t bytes_s8(size_t k)
{
    return (k + 7) / 8 * 8 * SW_TILE;
}

static size_t bytes_s4(size_t k)
{
    return (k + SW_GROUP_S4 - 1) / SW_GROUP_S4 * SW_GROUP_BYTES;
}

static void pack_as_f32(const struct sw_kernels *kernels, const struct product *p,
                        struct packed *packed, size_t tile, const float *rows, size_t row_stride)
{
    kernels->pack_f32((float *)(void *)((char *)packed->tiles + tile * p->tile_bytes), rows,
                      row_stride, SW_TILE, p->k);
}

static void pack_as_w16(const struct sw_kernels *kernels, const struct product *p,
                        struct packed *packed, size_t tile, const float *rows, size_t row_stride)
{
    kernels->pack_w16((uint16_t *)(void *)((char *)packed->tiles + tile * p->tile_bytes), rows,
                      row_stride, SW_TILE, p->k);
}

static void pack_as_s8(const struct sw_kernels *kernels, const struct product *p,
                       struct packed *packed, size_t tile, const float *rows, size_t row_stride)
{
    kernels->pack_s8((uint8_t *)packed->tiles + tile * p->tile_bytes,
                     packed->scales + tile * SW_TILE, rows, row_stride, SW_TILE, p->k);
}

static void pack_as_s4(const struct sw_kernels *kernels, const struct product *p,
                       struct packed *packed, size_t tile, const float *rows, size_t row_stride)
{
    kernels->pack_s4((uint8_t *)packed->tiles + tile * p->tile_bytes, rows, row_stride, SW_TILE,
                     p->k);
}

/* Anything, since it changes no number: NULL, nothing, some lines, all tiles of the part. */
static const struct sw_ahead *ahead_of(struct sw_ahead *ahead, const struct product *p,
                                       const struct packed *packed, struct part part)
{
    const size_t sizes[] = {0, 64, part.n_tiles * p->tile_bytes};
    size_t choice = (part.m + p->k / 4) % 4;
    if (choice == 3)
        return NULL;
    *ahead = (struct sw_ahead){tile_at(p, packed, part.tile), sizes[choice]};
    return ahead;
}

static void multiply_f32(const struct sw_kernels *kernels, const struct product *p,
                         const struct packed *packed, struct part part, float *y, size_t y_stride)
{
    struct sw_ahead ahead;
    kernels->gemm_f32(y, y_stride, p->x + part.row * p->x_stride, p->x_stride, part.m,
                      (const float *)(const void *)tile_at(p, packed, part.tile),
                      p->tile_bytes / sizeof(float), part.n_tiles, p->k,
                      ahead_of(&ahead, p, packed, part));
}

static void multiply_w16(const struct sw_kernels *kernels, const struct product *p,
                         const struct packed *packed, struct part part, float *y, size_t y_stride)
{
    struct sw_ahead ahead;
    kernels->gemm_w16(y, y_stride, p->x + part.row * p->x_stride, p->x_stride, part.m,
                      (const uint16_t *)(const void *)tile_at(p, packed, part.tile),
                      p->tile_bytes / sizeof(uint16_t), part.n_tiles, p->k,
                      ahead_of(&ahead, p, packed, part));
}

static void multiply_bf16(const struct sw_kernels *kernels, const struct product *p,
                          const struct packed *packed, struct part part, float *y, size_t y_stride)
{
    struct sw_ahead ahead;
    kernels->gemm_bf16(y, y_stride, p->x_bf16 + part.row * p->x_stride, p->x_stride, part.m,
                       (const uint16_t *)(const void *)tile_at(p, packed, part.tile),
                       p->tile_bytes / sizeof(uint16_t), part.n_tiles, (p->k + 1) / 2 * 2,
                       ahead_of(&ahead, p, packed, part));
}

static void multiply_s8(const struct sw_kernels *kernels, const struct product *p,
                        const struct packed *packed, struct part part, float *y, size_t y_stride)
{
    struct sw_ahead ahead;
    kernels->gemm_s8(y, y_stride, &p->rows, part.row, part.m,
                     (const uint8_t *)tile_at(p, packed, part.tile), p->tile_bytes,
                     packed->scales + part.tile * SW_TILE, part.n_tiles, p->k,
                     ahead_of(&ahead, p, packed, part));
}

/* As kernels.h describes it. */
static void widen_tile(uint8_t *widened, const uint8_t *tile, size_t k)
{
    for (size_t c = 0; c < (k + SW_GROUP_S4 - 1) / SW_GROUP_S4 * SW_GROUP_S4; c++) {
        const uint8_t *group = tile + c / SW_GROUP_S4 * SW_GROUP_BYTES;
        uint8_t *out = widened + c / SW_GROUP_S4 * SW_WIDENED_BYTES;
        for (size_t r = 0; r < SW_TILE; r++) {
            int byte = group[(c % SW_GROUP_S4 / 8 * SW_TILE + r) * 4 + c % 4];
            out[(c % SW_GROUP_S4 / 4 * SW_TILE + r) * 4 + c % 4] =
                (uint8_t)(c % 8 < 4 ? byte & 15 : byte >> 4);
            uint16_t half;
            memcpy(&half, group + 256 + r * sizeof half, sizeof half);
            float scale = sw_f16_to_float(half);
            memcpy(out + 512 + r * sizeof scale, &scale, sizeof scale);
        }
    }
}

static void multiply_s4(const struct sw_kernels *kernels, const struct product *p,
                        const struct packed *packed, struct part part, float *y, size_t y_stride)
{
    struct sw_ahead ahead;
    kernels->gemm_s4(y, y_stride, &p->rows, part.row, part.m,
                     (const uint8_t *)tile_at(p, packed, part.tile), p->tile_bytes, part.n_tiles,
                     p->k, NULL, ahead_of(&ahead, p, packed, part));
}

/* The same with tiles that are left widened: the definition's bytes, and not one more. */
static void multiply_s4_widening(const struct sw_kernels *kernels, const struct product *p,
                                 const struct packed *packed, struct part part, float *y,
                                 size_t y_stride)
{
    struct sw_ahead ahead;
    size_t size = part.n_tiles * sw_widened_bytes(p->k), kept = n_arrays;
    uint8_t *widened = bytes(size), *expected = bytes(size);
    kernels->gemm_s4(y, y_stride, &p->rows, part.row, part.m,
                     (const uint8_t *)tile_at(p, packed, part.tile), p->tile_bytes, part.n_tiles,
                     p->k, widened, ahead_of(&ahead, p, packed, part));
    for (size_t t = 0; t < part.n_tiles; t++)
        widen_tile(expected + t * sw_widened_bytes(p->k),
                   (const uint8_t *)tile_at(p, packed, part.tile + t), p->k);
    if (memcmp(widened, expected, size) != 0)
        failed("m %zu tiles %zu k %zu: other bytes are left widened", part.m, part.n_tiles, p->k);
    free_arrays_from(kept);
}

static void multiply_s4_widened(const struct sw_kernels *kernels, const struct product *p,
                                const struct packed *packed, struct part part, float *y,
                                size_t y_stride)
{
    struct sw_ahead ahead;
    size_t kept = n_arrays, tile_bytes = sw_widened_bytes(p->k);
    uint8_t *widened = bytes(part.n_tiles * tile_bytes);
    for (size_t t = 0; t < part.n_tiles; t++)
        widen_tile(widened + t * tile_bytes, (const uint8_t *)tile_at(p, packed, part.tile + t),
                   p->k);
    kernels->gemm_s4_widened(y, y_stride, &p->rows, part.row, part.m, widened, part.n_tiles, p->k,
                             ahead_of(&ahead, p, packed, part));
    free_arrays_from(kept);
}

static double weight_f32(const struct product *p, size_t tile, size_t c, size_t r)
{
    const float *at = (const float *)(const void *)tile_at(p, &p->scalar, tile);
    return (double)at[c * SW_TILE + r];
}

static double weight_w16(const struct product *p, size_t tile, size_t c, size_t r)
{
    const uint16_t *at = (const uint16_t *)(const void *)tile_at(p, &p->scalar, tile);
    return (double)sw_bf16_to_float(at[(c / 2 * SW_TILE + r) * 2 + c % 2]);
}

static double weight_s8(const struct product *p, size_t tile, size_t c, size_t r)
{
    const int8_t *at = (const int8_t *)tile_at(p, &p->scalar, tile);
    return (double)at[(c / 4 * SW_TILE + r) * 4 + c % 4] *
           (double)p->scalar.scales[tile * SW_TILE + r];
}

static double weight_s4(const struct product *p, size_t tile, size_t c, size_t r)
{
    const uint8_t *group =
        (const uint8_t *)tile_at(p, &p->scalar, tile) + c / SW_GROUP_S4 * SW_GROUP_BYTES;
    size_t in_group = c % SW_GROUP_S4;
    int byte = group[(in_group / 8 * SW_TILE + r) * 4 + c % 4];
    uint16_t scale;
    memcpy(&scale, group + 256 + r * sizeof scale, sizeof scale);
    return ((c % 8 < 4 ? byte & 15 : byte >> 4) - 8) * (double)sw_f16_to_float(scale);
}

static double value_float(const struct product *p, size_t i, size_t c)
{
    return (double)p->x[i * p->x_stride + c];
}

static double value_bf16(const struct product *p, size_t i, size_t c)
{
    return (double)sw_bf16_to_float(p->x_bf16[i * p->x_stride + c]);
}

static double value_s8(const struct product *p, size_t i, size_t c)
{
    return (double)p->rows.values[i * p->rows.stride + c] *
           (double)p->rows.scales[i * p->rows.block_stride + c / p->rows.block];
}

/* Sums of bytes are exact (below 2^24 as a float, too), so that they round once a block. */
static const struct form forms[] = {
    {"f32", bytes_f32, 64, pack_as_f32, multiply_f32, weight_f32, value_float, 1, 0, X_FLOATS},
    {"w16", bytes_w16, 4, pack_as_w16, multiply_w16, weight_w16, value_float, 1, 0, X_FLOATS},
    {"bf16", bytes_w16, 4, pack_as_w16, multiply_bf16, weight_w16, value_bf16, 1, 1, X_BF16},
    {"s8", bytes_s8, 4, pack_as_s8, multiply_s8, weight_s8, value_s8, 1 / 32.0, 2, X_BYTES},
    {"s4", bytes_s4, 2, pack_as_s4, multiply_s4, weight_s4, value_s8, 2 / 32.0, 2, X_BYTES},
    {"s4 widening", bytes_s4, 2, pack_as_s4, multiply_s4_widening, weight_s4, value_s8, 2 / 32.0, 2,
     X_BYTES},
    {"s4 widened", bytes_s4, 2, pack_as_s4, multiply_s4_widened, weight_s4, value_s8, 2 / 32.0, 2,
     X_BYTES},
};
enum { F32, W16, BF16, S8, S4, S4_WIDENING, S4_WIDENED };

static void bound_product(const struct form *form, const struct product *p)
{
    for (size_t i = 0; i < p->m; i++) {
        for (size_t n = 0; n < p->n_tiles * SW_TILE; n++) {
            double sum = 0, sum_abs = 0;
            for (size_t c = 0; c < p->k; c++) {
                double term = form->value(p, i, c) * form->weight(p, n / SW_TILE, c, n % SW_TILE);
                sum += term;
                sum_abs += fabs(term);
            }
            double got = (double)p->expected[i * p->n_tiles * SW_TILE + n];
            if (!isfinite(sum_abs)) {
                if (isfinite(got))
                    failed("row %zu output %zu of k %zu: %g of numbers that are none", i, n, p->k,
                           got);
                continue;
            }
            if (sum_abs > (double)FLT_MAX / 4)
                continue; /* may be infinite */
            /* Each rounding is half an epsilon of a partial sum, none larger than sum_abs; twice
             * that for the growth of the error itself. What is lost below the normal numbers: the
             * least of them for each rounding, times the scale of the row (s8, below 2^103). */
            double roundings = ceil((double)p->k * form->roundings_per_column) + form->roundings;
            double scale = form == &forms[S8] ? (double)p->scalar.scales[n] : 1;
            double bound = roundings * ((double)FLT_EPSILON * sum_abs + 0x1p-126 * fmax(scale, 1));
            if (!(fabs(got - sum) <= bound))
                failed("row %zu output %zu of k %zu: %.9g, in double %.17g", i, n, p->k, got, sum);
        }
    }
}

/* Rows of bytes: quantised numbers, or, where operands are extreme, bytes at the ends of their
 * range, -128 among them. */
static void make_bytes(struct product *p, enum operands operands)
{
    size_t n_blocks = (p->k + p->block - 1) / p->block;
    struct sw_rows_s8 *rows = &p->rows;
    rows->block = p->block;
    rows->stride = n_blocks * p->block + sw_random_below(&rng, 3) * 4;
    rows->block_stride = n_blocks + sw_random_below(&rng, 3);
    rows->values = bytes((p->m - 1) * rows->stride + n_blocks * p->block);
    rows->scales = array((p->m - 1) * rows->block_stride + n_blocks);
    rows->biases = bytes(((p->m - 1) * rows->block_stride + n_blocks) * sizeof *rows->biases);
    for (size_t i = 0; i < p->m; i++) {
        int8_t *values = rows->values + i * rows->stride;
        int32_t *biases = rows->biases + i * rows->block_stride;
        definition()->quantise_s8(values, rows->scales + i * rows->block_stride, biases,
                                  p->x + i * p->x_stride, p->k, p->block);
        if (operands != OPERANDS_EXTREMES || i % 2 != 0)
            continue;
        for (size_t b = 0; b < n_blocks; b++)
            biases[b] = 0;
        for (size_t c = 0; c < p->k; c++) {
            values[c] = i % 4 == 0 ? -128 : (int8_t)(sw_random_below(&rng, 2) ? 127 : -128);
            biases[c / p->block] -= (p->block == SW_GROUP_S4 ? 8 : 128) * values[c];
        }
    }
}

static void make_x(const struct form *form, struct product *p, enum operands operands)
{
    size_t size = (p->m - 1) * p->x_stride + p->k, even = size + p->k % 2;
    p->x = array(size);
    for (size_t i = 0; i < p->m; i++)
        fill_row(p->x + i * p->x_stride, p->k, operands);
    if (form->x == X_BYTES)
        make_bytes(p, operands);
    if (form->x == X_BF16) {
        p->x_bf16 = bytes(even * sizeof *p->x_bf16);
        for (size_t i = 0; i < p->m; i++)
            definition()->to_bf16(p->x_bf16 + i * p->x_stride, p->x + i * p->x_stride, p->k);
    }
}

static void make_product(const struct sw_kernels *kernels, const struct form *form,
                         struct product *p, size_t m, size_t n_tiles, size_t k, size_t block,
                         enum operands operands)
{
    *p = (struct product){.m = m, .n_tiles = n_tiles, .k = k, .block = block};
    p->x_stride = k + k % 2 + sw_random_below(&rng, 5) * 2;
    p->tile_bytes = form->tile_bytes(k) + sw_random_below(&rng, 5) * form->column_bytes;
    make_x(form, p, operands);
    size_t tiles_bytes = (n_tiles - 1) * p->tile_bytes + form->tile_bytes(k);
    struct packed *both[] = {&p->scalar, &p->own};
    for (size_t i = 0; i < 2; i++) {
        both[i]->tiles = bytes(tiles_bytes);
        both[i]->scales = array(n_tiles * SW_TILE);
    }
    size_t kept = n_arrays;
    float *rows = array(SW_TILE * k);
    for (size_t t = 0; t < n_tiles; t++) {
        for (size_t r = 0; r < SW_TILE; r++)
            fill_row(rows + r * k, k, operands);
        form->pack(definition(), p, &p->scalar, t, rows, k);
        form->pack(kernels, p, &p->own, t, rows, k);
    }
    free_arrays_from(kept);
    p->expected = array(m * n_tiles * SW_TILE);
    form->multiply(definition(), p, &p->scalar, (struct part){0, m, 0, n_tiles}, p->expected,
                   n_tiles * SW_TILE);
    if (kernels == definition()) /* the others are held against its bits */
        bound_product(form, p);
}

static void compare_product(const struct sw_kernels *kernels, const struct form *form,
                            const struct product *p, size_t m, size_t n_tiles)
{
    const float canary = 12345.0f;
    struct part part = {p->m - m, m, p->n_tiles - n_tiles, n_tiles};
    size_t n = n_tiles * SW_TILE, y_stride = n + sw_random_below(&rng, 3) * 8;
    size_t size = (m - 1) * y_stride + n, kept = n_arrays;
    float *y = array(size);
    for (size_t i = 0; i < size; i++)
        y[i] = canary;
    form->multiply(kernels, p, &p->own, part, y, y_stride);
    for (size_t at = 0; at < size; at++) {
        size_t i = at / y_stride, j = at % y_stride;
        float expected =
            j < n ? p->expected[(part.row + i) * p->n_tiles * SW_TILE + part.tile * SW_TILE + j]
                  : canary;
        if (!same_bits(y[at], expected))
            failed("m %zu tiles %zu k %zu: y[%zu][%zu] is %a, not %a", m, n_tiles, p->k, i, j,
                   (double)y[at], (double)expected);
    }
    n_cases++;
    free_arrays_from(kept);
}

static void check_form(const struct sw_kernels *kernels, const struct form *form, size_t block)
{
    /* Deeper than a block of columns, more rows than two blocks, four tiles of the caches at once
     * and deeper, nothing to add up. */
    const size_t large[][3] = {{1, 3, 576},  {29, 4, 1536}, {13, 2, 2048}, {7, 3, 4999},
                               {3, 5, 4993}, {2, 5, 4996},  {3, 2, 0}};
    struct product p;
    for (size_t k = 1; k <= 130; k++) {
        make_product(kernels, form, &p, MOST_ROWS, MOST_TILES, k, block,
                     k % 4 == 0   ? OPERANDS_EXTREMES
                     : k % 7 == 0 ? OPERANDS_INVALID
                                  : OPERANDS_NUMBERS);
        /* Every number of rows; over five depths, with every number of tiles. */
        for (size_t m = 1 + k % ROWS_STEP; m <= MOST_ROWS; m += ROWS_STEP)
            compare_product(kernels, form, &p, m, 1 + (m + k) % MOST_TILES);
        free_arrays();
    }
    for (int operands = 0; operands < N_OPERANDS; operands++) {
        for (size_t k = 29; k <= 97; k += 17) {
            make_product(kernels, form, &p, 8, 2, k, block, (enum operands)operands);
            compare_product(kernels, form, &p, 8, 2);
            free_arrays();
        }
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        if (large[i][2] == 0 && form->x == X_BYTES)
            continue; /* a row has a block */
        make_product(kernels, form, &p, large[i][0], large[i][1], large[i][2], block,
                     OPERANDS_NUMBERS);
        compare_product(kernels, form, &p, large[i][0], large[i][1]);
        free_arrays();
    }
}

void check_gemm_f32(const struct sw_kernels *kernels)
{
    check_form(kernels, &forms[F32], SW_BLOCK_S8);
}

void check_gemm_w16(const struct sw_kernels *kernels)
{
    check_form(kernels, &forms[W16], SW_BLOCK_S8);
}

void check_gemm_bf16(const struct sw_kernels *kernels)
{
    check_form(kernels, &forms[BF16], SW_BLOCK_S8);
}

void check_gemm_s8(const struct sw_kernels *kernels)
{
    check_form(kernels, &forms[S8], SW_BLOCK_S8);
}

void check_gemm_s4(const struct sw_kernels *kernels)
{
    check_form(kernels, &forms[S4], SW_GROUP_S4);
    check_form(kernels, &forms[S4_WIDENING], SW_GROUP_S4);
}

void check_gemm_s4_widened(const struct sw_kernels *kernels)
{
    check_form(kernels, &forms[S4_WIDENED], SW_GROUP_S4);
}
