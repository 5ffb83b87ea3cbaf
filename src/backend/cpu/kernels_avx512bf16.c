/* AVX-512 BF16: vdpbf16ps multiplies two bf16 by two and adds them to a float. */
#include "backend/cpu/x86_avx512.h"

#include "backend/cpu/kernels_common.inc"
#include "base/half.h"

enum { BF16_ROWS = 12, BF16_TILES = 2 };

INLINE void multiply(float *y, size_t y_stride, const uint16_t *x, size_t x_stride,
                     const uint16_t *tiles, size_t tile_stride, size_t k, struct ahead ahead,
                     int n_rows, int n_tiles)
{
    vec sums[BF16_ROWS][BF16_TILES];
    UNROLL
    for (int i = 0; i < n_rows; i++) {
        UNROLL
        for (int t = 0; t < n_tiles; t++)
            sums[i][t] = vec_set(0);
    }
    for (size_t c = 0; c < k; c += 2) {
        ask_for(&ahead);
        __m512bh w[BF16_TILES];
        UNROLL
        for (int t = 0; t < n_tiles; t++)
            w[t] = (__m512bh)words_load(tiles + (size_t)t * tile_stride + c * SW_TILE);
        UNROLL
        for (int i = 0; i < n_rows; i++) {
            int32_t pair;
            memcpy(&pair, x + (size_t)i * x_stride + c, sizeof pair);
            __m512bh a = (__m512bh)words_set(pair);
            UNROLL
            for (int t = 0; t < n_tiles; t++)
                sums[i][t] = _mm512_dpbf16_ps(sums[i][t], a, w[t]);
        }
    }
    UNROLL
    for (int i = 0; i < n_rows; i++) {
        UNROLL
        for (int t = 0; t < n_tiles; t++)
            vec_store(&y[(size_t)i * y_stride + (size_t)t * SW_TILE], sums[i][t]);
    }
}

INLINE void multiply_tiles(float *y, size_t y_stride, const uint16_t *x, size_t x_stride, size_t m,
                           const uint16_t *tiles, size_t tile_stride, size_t k,
                           struct share_ahead ahead, int n_tiles)
{
    size_t n_blocks = (m + BF16_ROWS - 1) / BF16_ROWS;
    for (size_t b = 0; b < n_blocks; b++) {
        size_t begin = m * b / n_blocks, end = m * (b + 1) / n_blocks;
        switch (end - begin) {
            WITH_ANY_ROWS(BF16_ROWS, multiply, y + begin * y_stride, y_stride, x + begin * x_stride,
                          x_stride, tiles, tile_stride, k,
                          ahead_of(ahead, n_tiles, b, n_blocks, k / 2 + 1))
        }
    }
}

static void gemm_bf16_avx512bf16(float *y, size_t y_stride, const uint16_t *x, size_t x_stride,
                                 size_t m, const uint16_t *tiles, size_t tile_stride,
                                 size_t n_tiles, size_t k, const struct sw_ahead *ahead)
{
    size_t t = 0;
    for (; m > FEW_ROWS && t + BF16_TILES <= n_tiles; t += BF16_TILES)
        multiply_tiles(y + t * SW_TILE, y_stride, x, x_stride, m, tiles + t * tile_stride,
                       tile_stride, k, (struct share_ahead){ahead, t, n_tiles}, BF16_TILES);
    for (; t < n_tiles; t++)
        multiply_tiles(y + t * SW_TILE, y_stride, x, x_stride, m, tiles + t * tile_stride,
                       tile_stride, k, (struct share_ahead){ahead, t, n_tiles}, 1);
}

static void to_bf16_avx512bf16(uint16_t *y, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + VEC_FLOATS <= n; i += VEC_FLOATS) {
        __m512i rounded = _mm512_castps_si512(vec_round_bf16(vec_load(&x[i])));
        _mm256_storeu_si256((__m256i *)(void *)&y[i],
                            _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
    }
    for (; i < n; i++)
        y[i] = sw_float_to_bf16(x[i]);
    if (n % 2 != 0)
        y[n] = 0;
}

static double dot_bf16_avx512bf16(float *sink, size_t n)
{
    enum { N_SUMS = 12 };
    vec sums[N_SUMS];
    words w = words_set(0x3f003f00); /* 0.5 twice */
    float lanes[SW_TILE];
    UNROLL
    for (int j = 0; j < N_SUMS; j++)
        sums[j] = vec_set((float)j);
    for (size_t i = 0; i < n; i++) {
        UNROLL
        for (int j = 0; j < N_SUMS; j++)
            sums[j] = _mm512_dpbf16_ps(sums[j], (__m512bh)w, (__m512bh)w);
    }
    UNROLL
    for (int j = 1; j < N_SUMS; j++)
        sums[0] = vec_add(sums[0], sums[j]);
    vec_store(lanes, sums[0]);
    *sink = sw_lanes_sum(lanes);
    return (double)n * N_SUMS * 2 * SW_TILE * 2;
}

void sw_kernels_fill_avx512bf16(struct sw_kernels *kernels)
{
    kernels->gemm_bf16 = gemm_bf16_avx512bf16;
    kernels->to_bf16 = to_bf16_avx512bf16;
    kernels->dot_bf16 = dot_bf16_avx512bf16;
    kernels->has_bf16 = true;
}
