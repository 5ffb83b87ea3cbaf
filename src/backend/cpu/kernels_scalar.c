/* The definition of every kernel, in plain loops. */
#include "backend/cpu/kernels.h"

#include "backend/cpu/lanes.h"
#include "base/half.h"

static void gemm_f32_scalar(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                            const float *tiles, size_t tile_stride, size_t n_tiles, size_t k,
                            const struct sw_ahead *ahead)
{
    (void)ahead;
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

static void gemm_w16_scalar(float *y, size_t y_stride, const float *x, size_t x_stride, size_t m,
                            const uint16_t *tiles, size_t tile_stride, size_t n_tiles, size_t k,
                            const struct sw_ahead *ahead)
{
    (void)ahead;
    for (size_t t = 0; t < n_tiles; t++) {
        for (size_t i = 0; i < m; i++) {
            float sum[SW_TILE] = {0};
            for (size_t c = 0; c < k; c++) {
                const uint16_t *w = &tiles[t * tile_stride + c / 2 * 2 * SW_TILE + c % 2];
                for (size_t r = 0; r < SW_TILE; r++)
                    sum[r] = fmaf(x[i * x_stride + c], sw_bf16_to_float(w[2 * r]), sum[r]);
            }
            memcpy(&y[i * y_stride + t * SW_TILE], sum, sizeof sum);
        }
    }
}

static float zero_if_subnormal(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static float fma_bf16(uint16_t a, uint16_t b, float sum)
{
    return zero_if_subnormal(
        fmaf(zero_if_subnormal(sw_bf16_to_float(a)), zero_if_subnormal(sw_bf16_to_float(b)), sum));
}

static void gemm_bf16_scalar(float *y, size_t y_stride, const uint16_t *x, size_t x_stride,
                             size_t m, const uint16_t *tiles, size_t tile_stride, size_t n_tiles,
                             size_t k, const struct sw_ahead *ahead)
{
    (void)ahead;
    for (size_t t = 0; t < n_tiles; t++) {
        for (size_t i = 0; i < m; i++) {
            float sum[SW_TILE] = {0};
            for (size_t c = 0; c < k; c += 2) {
                const uint16_t *w = &tiles[t * tile_stride + c * SW_TILE];
                const uint16_t *at = &x[i * x_stride + c];
                for (size_t r = 0; r < SW_TILE; r++)
                    sum[r] = fma_bf16(at[0], w[2 * r], fma_bf16(at[1], w[2 * r + 1], sum[r]));
            }
            memcpy(&y[i * y_stride + t * SW_TILE], sum, sizeof sum);
        }
    }
}

static void gemm_s8_scalar(float *y, size_t y_stride, const struct sw_rows_s8 *x, size_t row,
                           size_t m, const uint8_t *tiles, size_t tile_bytes, const float *scales,
                           size_t n_tiles, size_t k, const struct sw_ahead *ahead)
{
    (void)ahead;
    for (size_t t = 0; t < n_tiles; t++) {
        const int8_t *tile = (const int8_t *)tiles + t * tile_bytes;
        for (size_t i = 0; i < m; i++) {
            const int8_t *values = x->values + (row + i) * x->stride;
            const float *block_scales = x->scales + (row + i) * x->block_stride;
            for (size_t r = 0; r < SW_TILE; r++) {
                float sum = 0;
                for (size_t begin = 0; begin < k; begin += x->block) {
                    int32_t exact = 0;
                    for (size_t c = begin; c < k && c < begin + x->block; c++)
                        exact += values[c] * tile[(c / 4 * SW_TILE + r) * 4 + c % 4];
                    sum = fmaf((float)exact, block_scales[begin / x->block], sum);
                }
                y[i * y_stride + t * SW_TILE + r] = sum * scales[t * SW_TILE + r];
            }
        }
    }
}

/* Column c of a group of a tile, stored or widened, row r: 0 to 15. */
static int group_value(const uint8_t *group, size_t c, size_t r, bool is_widened)
{
    if (is_widened)
        return group[(c / 4 * SW_TILE + r) * 4 + c % 4];
    int byte = group[(c / 8 * SW_TILE + r) * 4 + c % 4];
    return c % 8 < 4 ? byte & 15 : byte >> 4;
}

static float group_scale(const uint8_t *group, size_t r, bool is_widened)
{
    float scale;
    uint16_t half;
    if (is_widened) {
        memcpy(&scale, group + SW_TILE * SW_GROUP_S4 + r * sizeof scale, sizeof scale);
        return scale;
    }
    memcpy(&half, group + SW_TILE * SW_GROUP_S4 / 2 + r * sizeof half, sizeof half);
    return sw_f16_to_float(half);
}

/* Row r of a tile times one row of activations. */
static float multiply_s4(const int8_t *values, const float *scales, const uint8_t *tile, size_t r,
                         size_t k, bool is_widened)
{
    float sum = 0;
    for (size_t g = 0; g * SW_GROUP_S4 < k; g++, values += SW_GROUP_S4) {
        const uint8_t *group = tile + g * (is_widened ? SW_WIDENED_BYTES : SW_GROUP_BYTES);
        int32_t exact = 0;
        for (size_t c = 0; c < SW_GROUP_S4; c++)
            exact += values[c] * (group_value(group, c, r, is_widened) - 8);
        float scale = group_scale(group, r, is_widened) * scales[g];
        sum = fmaf((float)exact, scale, sum);
    }
    return sum;
}

static void multiply_s4_tiles(float *y, size_t y_stride, const struct sw_rows_s8 *x, size_t row,
                              size_t m, const uint8_t *tiles, size_t tile_bytes, size_t n_tiles,
                              size_t k, bool is_widened)
{
    for (size_t t = 0; t < n_tiles; t++) {
        for (size_t i = 0; i < m; i++) {
            const int8_t *values = x->values + (row + i) * x->stride;
            const float *scales = x->scales + (row + i) * x->block_stride;
            for (size_t r = 0; r < SW_TILE; r++)
                y[i * y_stride + t * SW_TILE + r] =
                    multiply_s4(values, scales, tiles + t * tile_bytes, r, k, is_widened);
        }
    }
}

static void gemm_s4_widened_scalar(float *y, size_t y_stride, const struct sw_rows_s8 *x,
                                   size_t row, size_t m, const uint8_t *widened, size_t n_tiles,
                                   size_t k, const struct sw_ahead *ahead)
{
    (void)ahead;
    multiply_s4_tiles(y, y_stride, x, row, m, widened, sw_widened_bytes(k), n_tiles, k, true);
}

static void widen_s4(uint8_t *widened, const uint8_t *tile, size_t k)
{
    for (size_t g = 0; g * SW_GROUP_S4 < k; g++) {
        for (size_t r = 0; r < SW_TILE; r++) {
            float scale = group_scale(tile, r, false);
            for (size_t c = 0; c < SW_GROUP_S4; c++)
                widened[(c / 4 * SW_TILE + r) * 4 + c % 4] =
                    (uint8_t)group_value(tile, c, r, false);
            memcpy(widened + SW_TILE * SW_GROUP_S4 + r * sizeof scale, &scale, sizeof scale);
        }
        tile += SW_GROUP_BYTES;
        widened += SW_WIDENED_BYTES;
    }
}

static void gemm_s4_scalar(float *y, size_t y_stride, const struct sw_rows_s8 *x, size_t row,
                           size_t m, const uint8_t *tiles, size_t tile_bytes, size_t n_tiles,
                           size_t k, uint8_t *widened, const struct sw_ahead *ahead)
{
    (void)ahead;
    multiply_s4_tiles(y, y_stride, x, row, m, tiles, tile_bytes, n_tiles, k, false);
    for (size_t t = 0; t < n_tiles && widened != NULL; t++)
        widen_s4(widened + t * sw_widened_bytes(k), tiles + t * tile_bytes, k);
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

static void scale_f32_scalar(float *y, const float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * scale;
}

static void rotate_f32_scalar(float *first, float *second, const float *x, const float *cosines,
                              const float *sines)
{
    for (size_t r = 0; r < SW_TILE; r++) {
        first[r] = x[r] * cosines[r] - x[SW_TILE + r] * sines[r];
        second[r] = x[SW_TILE + r] * cosines[r] + x[r] * sines[r];
    }
}

static struct sw_choice choose_row(const float *x, size_t n, bool wants_sum)
{
    struct sw_choice choice = {.greatest = -INFINITY, .index = -1};
    for (size_t r = 0; r < n; r++) {
        if (choice.index < 0 ? !isnan(x[r]) : x[r] > choice.greatest)
            choice = (struct sw_choice){.greatest = x[r], .index = (int32_t)r};
    }
    float lanes[SW_TILE] = {0}, origin = choice.greatest > -INFINITY ? choice.greatest : 0;
    for (size_t r = 0; r < n && wants_sum; r++)
        lanes[r % SW_TILE] += sw_expf(x[r] - origin);
    choice.sum = sw_lanes_sum(lanes);
    return choice;
}

static void choose_f32_scalar(struct sw_choice *choices, size_t choice_stride, const float *x,
                              size_t x_stride, size_t m, size_t n, bool wants_sum)
{
    for (size_t i = 0; i < m; i++)
        choices[i * choice_stride] = choose_row(&x[i * x_stride], n, wants_sum);
}

static void pack_f32_scalar(float *tile, const float *rows, size_t row_stride, size_t n_rows,
                            size_t k)
{
    for (size_t c = 0; c < k; c++) {
        for (size_t r = 0; r < SW_TILE; r++)
            tile[c * SW_TILE + r] = r < n_rows ? rows[r * row_stride + c] : 0;
    }
}

static void round_bf16_scalar(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = sw_bf16_to_float(sw_float_to_bf16(x[i]));
}

static void to_bf16_scalar(uint16_t *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = sw_float_to_bf16(x[i]);
    if (n % 2 != 0)
        y[n] = 0;
}

static void pack_w16_scalar(uint16_t *tile, const float *rows, size_t row_stride, size_t n_rows,
                            size_t k)
{
    for (size_t c = 0; c < k + k % 2; c++) {
        for (size_t r = 0; r < SW_TILE; r++)
            tile[c / 2 * 2 * SW_TILE + 2 * r + c % 2] =
                r < n_rows && c < k ? sw_float_to_bf16(rows[r * row_stride + c]) : 0;
    }
}

static void widen_w16_scalar(float *tile, const uint16_t *tile_w16, size_t k)
{
    for (size_t c = 0; c < k; c++) {
        for (size_t r = 0; r < SW_TILE; r++)
            tile[c * SW_TILE + r] = sw_bf16_to_float(tile_w16[c / 2 * 2 * SW_TILE + 2 * r + c % 2]);
    }
}

static void quantise_s8_scalar(int8_t *values, float *scales, int32_t *biases, const float *x,
                               size_t n, size_t block)
{
    for (size_t begin = 0, b = 0; begin < n; begin += block, b++) {
        size_t width = n - begin < block ? n - begin : block;
        float inverse, largest = sw_s8_largest(x + begin, width, &inverse), sum = 0;
        for (size_t i = 0; i < block; i++) {
            float rounded = i < width ? sw_s8_rounded(x[begin + i], inverse) : 0;
            values[begin + i] = sw_s8_byte(rounded);
            sum += rounded;
        }
        scales[b] = isnan(sum) ? NAN : largest / 127.0f;
        biases[b] = sw_s8_bias(sum, block);
    }
}

static void pack_s8_scalar(uint8_t *tile, float *scales, const float *rows, size_t row_stride,
                           size_t n_rows, size_t k)
{
    for (size_t r = 0; r < SW_TILE; r++) {
        const float *row = rows + r * row_stride;
        float inverse, largest = sw_s8_largest(row, r < n_rows ? k : 0, &inverse), sum = 0;
        for (size_t c = 0; c < (k + 7) / 8 * 8; c++) {
            float rounded = r < n_rows && c < k ? sw_s8_rounded(row[c], inverse) : 0;
            tile[(c / 4 * SW_TILE + r) * 4 + c % 4] = (uint8_t)sw_s8_byte(rounded);
            sum += rounded;
        }
        scales[r] = isnan(sum) ? NAN : largest / 127.0f;
    }
}

static float value_s4(float x, float inverse)
{
    float rounded = x * inverse + SW_ROUND - SW_ROUND;
    rounded = rounded > -8 ? rounded : -8;
    return rounded < 7 ? rounded : 7;
}

/* One group of one row: the best scale, and the inverse that gives its values. */
static float search_s4(const float x[SW_GROUP_S4], float *inverse)
{
    float most = 0, least = 0, best = 0, best_scale = 0, check = 0, weight[SW_GROUP_S4];
    for (size_t c = 0; c < SW_GROUP_S4; c++) {
        most = most > x[c] ? most : x[c];
        least = least < x[c] ? least : x[c];
        check = fmaf(x[c], 0, check); /* NaN if one of them is no number */
        weight[c] = sqrtf(fabsf(x[c]));
    }
    float extreme = -least > most ? least : most;
    float unit = fabsf(extreme) > SW_S8_LEAST ? 1 / extreme : 0;
    *inverse = 0;
    for (int i = 0; i < SW_S4_TRIES; i++) {
        float tried = -(8 + SW_S4_FIRST + (float)i * SW_S4_STEP) * unit, products = 0, squares = 0;
        for (size_t c = 0; c < SW_GROUP_S4; c++) {
            float value = value_s4(x[c], tried);
            products = fmaf(weight[c] * x[c], value, products);
            squares = fmaf(weight[c] * value, value, squares);
        }
        /* With the scale products / squares, the weighted error is products^2 / squares below
         * the weighted sum of x^2. */
        float gain = products * products / squares;
        if (gain > best) {
            best = gain;
            best_scale = products / squares;
            *inverse = tried;
        }
    }
    return best_scale + check;
}

static void pack_s4_scalar(uint8_t *tile, const float *rows, size_t row_stride, size_t n_rows,
                           size_t k)
{
    for (size_t begin = 0; begin < k; begin += SW_GROUP_S4, tile += SW_GROUP_BYTES) {
        memset(tile, 0, SW_GROUP_BYTES);
        for (size_t r = 0; r < SW_TILE; r++) {
            float x[SW_GROUP_S4], inverse;
            for (size_t c = 0; c < SW_GROUP_S4; c++)
                x[c] = r < n_rows && begin + c < k ? rows[r * row_stride + begin + c] : 0;
            uint16_t scale = sw_float_to_f16(search_s4(x, &inverse));
            memcpy(tile + SW_TILE * SW_GROUP_S4 / 2 + r * sizeof scale, &scale, sizeof scale);
            for (size_t c = 0; c < SW_GROUP_S4; c++) {
                int code = (int)value_s4(x[c], inverse) + 8;
                tile[(c / 8 * SW_TILE + r) * 4 + c % 4] |= (uint8_t)(c % 8 < 4 ? code : code << 4);
            }
        }
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

static double dot_bf16_scalar(float *sink, size_t n)
{
    return fma_f32_scalar(sink, n);
}

static double dot_s8_scalar(float *sink, size_t n)
{
    int32_t sum[SW_TILE] = {0};
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < SW_TILE; r++)
            sum[r] = sum[r] / 2 + (int32_t)(i % 128) * (int32_t)(r + 1);
    }
    *sink = (float)sum[0] + (float)sum[SW_TILE - 1];
    return (double)n * SW_TILE * 2;
}

void sw_kernels_fill_scalar(struct sw_kernels *kernels)
{
    kernels->s8_step = 4;
    kernels->s8_bias = 0;
#define X(type, name, arguments) kernels->name = name##_scalar;
    SW_KERNELS(X)
#undef X
}
