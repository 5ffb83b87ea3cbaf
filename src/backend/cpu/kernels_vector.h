/*
 * Every kernel on vectors, written once. A file kernels_<isa>.c names its registers and includes
 * this; it has defined before
 *
 *     VEC(name)       name_<isa>
 *     vec             a register of VEC_FLOATS floats
 *     MAX_ROWS        rows of x in one block of a product (registers allow MAX_ROWS * MAX_TILES
 *     MAX_TILES       tiles of sums, and what they are multiplied from)
 *     vec_load, vec_store, vec_set, vec_add, vec_sub, vec_mul, vec_div, vec_fma(a, b, c) = ab + c,
 *     vec_min, vec_max   second operand where one is NaN
 *     vec_power(t)       (bits of t + 127) << 23, as sw_expf does it
 */
#include "backend/cpu/kernels.h"
#include "backend/cpu/lanes.h"

#define INLINE static inline __attribute__((always_inline))

/* Loops over registers must be unrolled, or the registers live on the stack. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum {
    VECS = SW_TILE / VEC_FLOATS, /* registers of a tile's rows */
    MAX_DEPTH = 2048,            /* columns of a block: two tiles of it stay in the second cache */
};

/* Where the 12 rows of a block begin; address arithmetic knows base, base + stride and base + 2
 * strides, so every third row has a pointer of its own. */
enum { ROW_POINTERS = (MAX_ROWS + 2) / 3 };

INLINE void multiply_column(vec sums[][MAX_TILES * VECS], const char *const rows[ROW_POINTERS],
                            size_t row_bytes, const float *const tiles[MAX_TILES], int column,
                            int n_rows, int n_tiles)
{
    vec w[MAX_TILES * VECS];
    UNROLL
    for (int j = 0; j < n_tiles * VECS; j++)
        w[j] = vec_load(tiles[j / VECS] + column * SW_TILE + j % VECS * VEC_FLOATS);
    UNROLL
    for (int i = 0; i < n_rows; i++) {
        const char *at = rows[i / 3] + row_bytes * (size_t)(i % 3) + column * (int)sizeof(float);
        vec x = vec_set(*(const float *)(const void *)at);
        UNROLL
        for (int j = 0; j < n_tiles * VECS; j++)
            sums[i][j] = vec_fma(x, w[j], sums[i][j]);
    }
}

/* y (n_rows, n_tiles * 16) = x (n_rows, k) times tiles, or + y where the chain goes on. n_rows and
 * n_tiles are constants where this is inlined. */
INLINE void multiply_block(float *y, size_t y_stride, const float *x, size_t x_stride,
                           const float *w, size_t tile_stride, size_t k, bool goes_on, int n_rows,
                           int n_tiles)
{
    vec sums[MAX_ROWS][MAX_TILES * VECS];
    const char *rows[ROW_POINTERS];
    const float *tiles[MAX_TILES];
    UNROLL
    for (int i = 0; i < n_rows; i++) {
        UNROLL
        for (int j = 0; j < n_tiles * VECS; j++)
            sums[i][j] =
                goes_on ? vec_load(&y[(size_t)i * y_stride + (size_t)j * VEC_FLOATS]) : vec_set(0);
    }
    UNROLL
    for (int p = 0; p < ROW_POINTERS; p++)
        rows[p] = (const char *)(3 * p < n_rows ? x + 3 * (size_t)p * x_stride : x);
    UNROLL
    for (int t = 0; t < MAX_TILES; t++)
        tiles[t] = t < n_tiles ? w + (size_t)t * tile_stride : w;

    enum { STEP = 4 };
    size_t c = 0;
    for (; c + STEP <= k; c += STEP) {
        UNROLL
        for (int column = 0; column < STEP; column++)
            multiply_column(sums, rows, x_stride * sizeof(float), tiles, column, n_rows, n_tiles);
        UNROLL
        for (int p = 0; p < ROW_POINTERS; p++)
            rows[p] += STEP * sizeof(float);
        UNROLL
        for (int t = 0; t < MAX_TILES; t++)
            tiles[t] += STEP * SW_TILE;
    }
    for (; c < k; c++) {
        multiply_column(sums, rows, x_stride * sizeof(float), tiles, 0, n_rows, n_tiles);
        UNROLL
        for (int p = 0; p < ROW_POINTERS; p++)
            rows[p] += sizeof(float);
        UNROLL
        for (int t = 0; t < MAX_TILES; t++)
            tiles[t] += SW_TILE;
    }
    UNROLL
    for (int i = 0; i < n_rows; i++) {
        UNROLL
        for (int j = 0; j < n_tiles * VECS; j++)
            vec_store(&y[(size_t)i * y_stride + (size_t)j * VEC_FLOATS], sums[i][j]);
    }
}

INLINE void multiply_rows(float *y, size_t y_stride, const float *x, size_t x_stride,
                          const float *w, size_t tile_stride, size_t k, bool goes_on, int n_rows,
                          int n_tiles)
{
    switch (n_rows) {
#define ROWS(n)                                                                                    \
    case n:                                                                                        \
        if (n <= MAX_ROWS)                                                                         \
            multiply_block(y, y_stride, x, x_stride, w, tile_stride, k, goes_on,                   \
                           n <= MAX_ROWS ? n : 1, n_tiles);                                        \
        break;
        ROWS(1)
        ROWS(2)
        ROWS(3)
        ROWS(4)
        ROWS(5)
        ROWS(6)
        ROWS(7)
        ROWS(8)
        ROWS(9)
        ROWS(10)
        ROWS(11)
        ROWS(12)
#undef ROWS
    }
}

/* All rows against one group of tiles, which stays in the first or second cache meanwhile. Rows are
 * shared out evenly over the blocks, so that no block is left with few registers to work on. */
INLINE void multiply_tiles(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                           const float *w, size_t tile_stride, size_t k, int n_tiles)
{
    size_t n_blocks = (m + MAX_ROWS - 1) / MAX_ROWS;
    for (size_t c = 0; c == 0 || c < k; c += MAX_DEPTH) {
        size_t depth = k - c < MAX_DEPTH ? k - c : MAX_DEPTH;
        for (size_t b = 0; b < n_blocks; b++) {
            size_t begin = m * b / n_blocks, end = m * (b + 1) / n_blocks;
            multiply_rows(y + begin * y_stride, y_stride, x + begin * x_stride + c, x_stride,
                          w + c * SW_TILE, tile_stride, depth, c > 0, (int)(end - begin), n_tiles);
        }
    }
}

static void VEC(gemm_f32)(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                          const float *tiles, size_t tile_stride, size_t n_tiles, size_t k)
{
    size_t t = 0;
    for (; t + MAX_TILES <= n_tiles; t += MAX_TILES)
        multiply_tiles(y + t * SW_TILE, y_stride, x, x_stride, m, tiles + t * tile_stride,
                       tile_stride, k, MAX_TILES);
    for (; t < n_tiles; t++)
        multiply_tiles(y + t * SW_TILE, y_stride, x, x_stride, m, tiles + t * tile_stride,
                       tile_stride, k, 1);
}

/* As sw_expf. */
INLINE vec vec_exp(vec x)
{
    x = vec_min(vec_set(SW_EXP_MAX), x);
    x = vec_max(vec_set(SW_EXP_MIN), x);
    vec t = vec_fma(x, vec_set(SW_EXP_LOG2E), vec_set(SW_EXP_ROUND));
    vec n = vec_sub(t, vec_set(SW_EXP_ROUND));
    vec r = vec_fma(n, vec_set(-SW_EXP_LN2_HI), x);
    r = vec_fma(n, vec_set(-SW_EXP_LN2_LO), r);
    vec q = vec_fma(vec_set(SW_EXP_Q4), r, vec_set(SW_EXP_Q3));
    q = vec_fma(q, r, vec_set(SW_EXP_Q2));
    q = vec_fma(q, r, vec_set(SW_EXP_Q1));
    q = vec_fma(q, r, vec_set(SW_EXP_Q0));
    vec e = vec_fma(vec_fma(q, r, vec_set(1)), r, vec_set(1));
    return vec_mul(e, vec_power(t));
}

static void VEC(rms_norm_f32)(float *y, const float *x, const float *weight, size_t n, float eps)
{
    vec sums[VECS];
    float lanes[SW_TILE];
    for (int j = 0; j < VECS; j++)
        sums[j] = vec_set(0);
    size_t i = 0;
    for (; i + SW_TILE <= n; i += SW_TILE) {
        UNROLL
        for (int j = 0; j < VECS; j++) {
            vec v = vec_load(&x[i + (size_t)j * VEC_FLOATS]);
            sums[j] = vec_fma(v, v, sums[j]);
        }
    }
    for (int j = 0; j < VECS; j++)
        vec_store(&lanes[j * VEC_FLOATS], sums[j]);
    for (size_t r = 0; i + r < n; r++)
        lanes[r] = fmaf(x[i + r], x[i + r], lanes[r]);
    float s = 1.0f / sqrtf(sw_lanes_sum(lanes) / (float)n + eps);
    vec scale = vec_set(s);
    for (i = 0; i + VEC_FLOATS <= n; i += VEC_FLOATS)
        vec_store(&y[i], vec_mul(vec_mul(vec_load(&x[i]), scale), vec_load(&weight[i])));
    for (; i < n; i++)
        y[i] = x[i] * s * weight[i];
}

static float VEC(softmax_f32)(float *y, const float *x, size_t n, float scale)
{
    /* The last tile is filled up with the first element, which changes no maximum; what it adds to
     * the sum is cleared. */
    size_t whole = n / SW_TILE * SW_TILE, rest = n - whole;
    float tail[SW_TILE], lanes[SW_TILE];
    vec factor = vec_set(scale), sums[VECS];
    for (size_t r = 0; r < SW_TILE; r++)
        tail[r] = r < rest ? x[whole + r] : x[0];
    vec max = vec_mul(vec_load(tail), factor);
    for (size_t r = VEC_FLOATS; r < SW_TILE; r += VEC_FLOATS)
        max = vec_max(max, vec_mul(vec_load(&tail[r]), factor));
    for (size_t i = 0; i < whole; i += VEC_FLOATS)
        max = vec_max(max, vec_mul(vec_load(&x[i]), factor));
    vec_store(lanes, max);
    float top = lanes[0];
    for (int r = 1; r < VEC_FLOATS; r++)
        top = top > lanes[r] ? top : lanes[r];
    max = vec_set(top);

    for (int j = 0; j < VECS; j++)
        sums[j] = vec_set(0);
    for (size_t i = 0; i < whole; i += SW_TILE) {
        UNROLL
        for (int j = 0; j < VECS; j++) {
            size_t at = i + (size_t)j * VEC_FLOATS;
            vec e = vec_exp(vec_sub(vec_mul(vec_load(&x[at]), factor), max));
            vec_store(&y[at], e);
            sums[j] = vec_add(sums[j], e);
        }
    }
    if (rest > 0) {
        for (size_t r = 0; r < SW_TILE; r += VEC_FLOATS)
            vec_store(&tail[r], vec_exp(vec_sub(vec_mul(vec_load(&tail[r]), factor), max)));
        for (size_t r = rest; r < SW_TILE; r++)
            tail[r] = 0;
        memcpy(&y[whole], tail, sizeof tail);
        for (int j = 0; j < VECS; j++)
            sums[j] = vec_add(sums[j], vec_load(&tail[j * VEC_FLOATS]));
    }
    for (int j = 0; j < VECS; j++)
        vec_store(&lanes[j * VEC_FLOATS], sums[j]);
    return 1.0f / sw_lanes_sum(lanes);
}

static void VEC(silu_mul_f32)(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m)
{
    vec one = vec_set(1), zero = vec_set(-0.0f);
    for (size_t i = 0; i < m; i++) {
        UNROLL
        for (size_t r = 0; r < SW_TILE; r += VEC_FLOATS) {
            vec g = vec_load(&x[i * x_stride + r]), u = vec_load(&x[i * x_stride + SW_TILE + r]);
            vec s = vec_div(g, vec_add(one, vec_exp(vec_sub(zero, g))));
            vec_store(&y[i * y_stride + r], vec_mul(s, u));
        }
    }
}

/* A tile is written once and read from 16 rows, 16 columns (one cache line of each) at a time. */
static void VEC(pack_f32)(float *tile, const float *rows, size_t row_stride, size_t n_rows,
                          size_t k)
{
    for (size_t begin = 0; begin < k; begin += SW_TILE) {
        size_t end = begin + SW_TILE < k ? begin + SW_TILE : k;
        for (size_t r = 0; r < n_rows; r++) {
            for (size_t c = begin; c < end; c++)
                tile[c * SW_TILE + r] = rows[r * row_stride + c];
        }
        for (size_t r = n_rows; r < SW_TILE; r++) {
            for (size_t c = begin; c < end; c++)
                tile[c * SW_TILE + r] = 0;
        }
    }
}

static float VEC(read_f32)(const float *x, size_t n)
{
    enum { N_SUMS = 8 };
    vec sums[N_SUMS];
    float lanes[SW_TILE] = {0};
    UNROLL
    for (int j = 0; j < N_SUMS; j++)
        sums[j] = vec_set(0);
    for (size_t i = 0; i + N_SUMS * VEC_FLOATS <= n; i += N_SUMS * VEC_FLOATS) {
        UNROLL
        for (int j = 0; j < N_SUMS; j++)
            sums[j] = vec_add(sums[j], vec_load(&x[i + (size_t)j * VEC_FLOATS]));
    }
    UNROLL
    for (int j = 1; j < N_SUMS; j++)
        sums[0] = vec_add(sums[0], sums[j]);
    vec_store(lanes, sums[0]);
    return sw_lanes_sum(lanes);
}

static double VEC(fma_f32)(float *sink, size_t n)
{
    /* Twelve chains: more than latency times units of every core known to us (4 x 2). */
    enum { N_SUMS = 12 };
    vec sums[N_SUMS], half = vec_set(0.5f), one = vec_set(1);
    float lanes[SW_TILE] = {0};
    UNROLL
    for (int j = 0; j < N_SUMS; j++)
        sums[j] = vec_set((float)j);
    for (size_t i = 0; i < n; i++) {
        UNROLL
        for (int j = 0; j < N_SUMS; j++)
            sums[j] = vec_fma(sums[j], half, one);
    }
    UNROLL
    for (int j = 1; j < N_SUMS; j++)
        sums[0] = vec_add(sums[0], sums[j]);
    vec_store(lanes, sums[0]);
    *sink = sw_lanes_sum(lanes);
    return (double)n * N_SUMS * VEC_FLOATS * 2;
}

#define X(type, name, arguments) .name = VEC(name),
#define KERNEL_TABLE             SW_KERNELS(X)
