/* The definition of every kernel, in plain loops. */
#include "backend/cpu/kernels.h"

#include "backend/cpu/lanes.h"

static void gemm_f32_scalar(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                            const float *tiles, size_t tile_stride, size_t n_tiles, size_t k)
{
    for (size_t t = 0; t < n_tiles; t++) {
        for (size_t i = 0; i < m; i++) {
            float sum[SW_TILE] = {0};
            for (size_t c = 0; c < k; c++) {
                for (size_t r = 0; r < SW_TILE; r++)
                    sum[r] =
                        fmaf(x[i * x_stride + c], tiles[t * tile_stride + c * SW_TILE + r], sum[r]);
            }
            memcpy(&y[i * y_stride + t * SW_TILE], sum, sizeof sum);
        }
    }
}

static void rms_norm_f32_scalar(float *y, const float *x, const float *weight, size_t n, float eps)
{
    float lanes[SW_TILE] = {0};
    for (size_t i = 0; i < n; i++)
        lanes[i % SW_TILE] = fmaf(x[i], x[i], lanes[i % SW_TILE]);
    float s = 1.0f / sqrtf(sw_lanes_sum(lanes) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * s * weight[i];
}

static float softmax_f32_scalar(float *y, const float *x, size_t n, float scale)
{
    float max = x[0] * scale;
    for (size_t i = 1; i < n; i++) {
        float z = x[i] * scale;
        max = max > z ? max : z;
    }
    float lanes[SW_TILE] = {0};
    for (size_t i = 0; i < n; i++) {
        y[i] = sw_expf(x[i] * scale - max);
        lanes[i % SW_TILE] += y[i];
    }
    for (size_t i = n; i % SW_TILE != 0; i++)
        y[i] = 0;
    return 1.0f / sw_lanes_sum(lanes);
}

static void silu_mul_f32_scalar(float *y, size_t y_stride, const float *x, size_t x_stride,
                                size_t m)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t r = 0; r < SW_TILE; r++) {
            float g = x[i * x_stride + r], u = x[i * x_stride + SW_TILE + r];
            y[i * y_stride + r] = g / (1.0f + sw_expf(-g)) * u;
        }
    }
}

static void add_f32_scalar(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                           size_t n)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t r = 0; r < n; r++)
            y[i * y_stride + r] += x[i * x_stride + r];
    }
}

static void pack_f32_scalar(float *tile, const float *rows, size_t row_stride, size_t n_rows,
                            size_t k)
{
    for (size_t c = 0; c < k; c++) {
        for (size_t r = 0; r < SW_TILE; r++)
            tile[c * SW_TILE + r] = r < n_rows ? rows[r * row_stride + c] : 0;
    }
}

static float read_f32_scalar(const float *x, size_t n)
{
    float sum[SW_TILE] = {0};
    for (size_t i = 0; i < n; i++)
        sum[i % SW_TILE] += x[i];
    return sw_lanes_sum(sum);
}

static double fma_f32_scalar(float *sink, size_t n)
{
    float sum[SW_TILE] = {0};
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < SW_TILE; r++)
            sum[r] = fmaf(sum[r], 0.5f, 1.0f);
    }
    *sink = sw_lanes_sum(sum);
    return (double)n * SW_TILE * 2;
}

const struct sw_kernels sw_kernels_scalar = {.level = SW_CPU_SCALAR,
#define X(type, name, arguments) .name = name##_scalar,
                                             SW_KERNELS(X)
#undef X
};
