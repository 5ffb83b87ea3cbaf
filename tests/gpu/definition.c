#include "gpu/definition.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/random.h"

/* Roundings that a sum of n terms goes through at most: kernels sum a row in eight parts or more
 * (lanes, chains, tiles of a tensor core), then add those up. Each rounding costs a unit in the
 * last place, twice that of rounding to nearest, because tensor cores cut off. */
static double sum_error(size_t n)
{
    return ((double)n / 8 + 16) * (double)FLT_EPSILON;
}

bool definition_agrees(float kernel, struct definition_number expected)
{
    if (isnan(expected.value))
        return isnan(kernel);
    if (isinf(expected.value) && expected.bound == 0)
        return (double)kernel == expected.value;
    return fabs((double)kernel - expected.value) <= expected.bound || isinf(expected.bound);
}

float definition_rounded(float x, enum sw_gpu_form form)
{
    if (form == SW_GPU_BF16)
        return sw_bf16_to_float(sw_float_to_bf16(x));
    return form == SW_GPU_F16 ? sw_f16_to_float(sw_float_to_f16(x)) : x;
}

static double round_double(double x, bool rounds)
{
    return (double)definition_rounded((float)x, rounds ? SW_GPU_F16 : SW_GPU_F32);
}

/* Rounding keeps the order of numbers: whatever lies between two numbers ends between what they
 * round to. */
struct definition_number definition_round(struct definition_number x, bool rounds)
{
    struct definition_number y = {.value = round_double(x.value, rounds)};
    if (x.bound == 0 || isnan(y.value))
        return y;
    double low = round_double(x.value - x.bound, rounds);
    double high = round_double(x.value + x.bound, rounds);
    if (isinf(y.value)) /* the greatest f16 is near; on this side of it there is one answer */
        y.bound = low == high ? 0 : INFINITY;
    else
        y.bound = fmax(high - y.value, y.value - low);
    return y;
}

struct definition_number definition_add(struct definition_number a, struct definition_number b,
                                        bool rounds)
{
    struct definition_number sum = {a.value + b.value, a.bound + b.bound};
    return definition_round(sum, rounds);
}

/* Weights. */

static const void *row_of(const struct sw_gpu_matrix *matrix, size_t row)
{
    return (const uint8_t *)matrix->rows + row * matrix->row_bytes;
}

int definition_code(const struct sw_gpu_matrix *matrix, size_t row, size_t column)
{
    const uint8_t *bytes = row_of(matrix, row);
    if (matrix->form == SW_GPU_S8)
        return (int8_t)bytes[column];
    assert(matrix->form == SW_GPU_S4 || matrix->form == SW_GPU_FP4);
    int byte = bytes[column / 32 * SW_GPU_CHUNK + column % 16];
    int nibble = column % 32 < 16 ? byte & 15 : byte >> 4;
    return matrix->form == SW_GPU_S4 ? nibble - 8 : nibble;
}

/* Of a row, group or block. */
static double scale_of(const struct sw_gpu_matrix *matrix, size_t row, size_t column)
{
    size_t n = matrix->n_cols;
    if (matrix->form == SW_GPU_S4) {
        size_t n_groups = (n + SW_GPU_S4_GROUP - 1) / SW_GPU_S4_GROUP;
        const uint16_t *scales = matrix->scales;
        return (double)sw_f16_to_float(scales[row * n_groups + column / SW_GPU_S4_GROUP]);
    }
    const float *scales = matrix->scales;
    if (matrix->form == SW_GPU_S8)
        return (double)scales[row];
    size_t n_blocks = (n + SW_GPU_FP4_BLOCK - 1) / SW_GPU_FP4_BLOCK;
    return (double)scales[row * n_blocks + column / SW_GPU_FP4_BLOCK];
}

double definition_weight(const struct sw_gpu_matrix *matrix, enum sw_gpu_input input, size_t row,
                         size_t column)
{
    static const float fp4[] = SW_GPU_FP4_VALUES;
    const uint16_t *halves = row_of(matrix, row);
    switch (matrix->form) {
    case SW_GPU_F32:
        return (double)((const float *)row_of(matrix, row))[column];
    case SW_GPU_BF16:
        return (double)sw_bf16_to_float(halves[column]);
    case SW_GPU_F16:
        return (double)sw_f16_to_float(halves[column]);
    case SW_GPU_S8:
        return definition_code(matrix, row, column) * scale_of(matrix, row, column) /
               (input == SW_GPU_IN_LLM8 ? 127 : 1);
    case SW_GPU_S4:
        return definition_code(matrix, row, column) * scale_of(matrix, row, column);
    case SW_GPU_FP4:
        /* A float: that is what is multiplied. */
        return (double)(fp4[definition_code(matrix, row, column)] *
                        (float)scale_of(matrix, row, column));
    }
    return NAN;
}

/* Inputs. */

void definition_s8b64(int8_t *values, float *scales, const float *x, size_t n)
{
    for (size_t begin = 0; begin < n; begin += SW_GPU_S8_BLOCK) {
        size_t end = begin + SW_GPU_S8_BLOCK < n ? begin + SW_GPU_S8_BLOCK : n;
        float largest = 0;
        bool is_bad = false;
        for (size_t i = begin; i < end; i++) {
            largest = fmaxf(largest, fabsf(x[i]));
            is_bad |= !isfinite(x[i]);
        }
        bool is_zero = !(largest > 0x1p-100f);
        float inverse = is_zero ? 0 : 127.0f / largest;
        for (size_t i = begin; i < end; i++)
            values[i] = is_bad ? 0 : (int8_t)rintf(x[i] * inverse);
        scales[begin / SW_GPU_S8_BLOCK] = is_bad ? NAN : is_zero ? 0 : largest / 127.0f;
    }
}

static bool is_outlier(float x)
{
    return !(fabsf(x) < SW_GPU_OUTLIER); /* a NaN is one */
}

float definition_llm8(int8_t *values, float *outliers, const float *x, size_t n)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++) {
        float half = definition_rounded(x[i], SW_GPU_F16);
        outliers[i] = is_outlier(half) ? half : 0;
        largest = is_outlier(half) ? largest : fmaxf(largest, fabsf(half));
    }
    float inverse = largest > 0 ? 127.0f / largest : 0;
    for (size_t i = 0; i < n; i++) {
        float half = definition_rounded(x[i], SW_GPU_F16);
        values[i] = is_outlier(half) ? 0 : (int8_t)rintf(half * inverse);
    }
    return largest;
}

/* One token's input of n columns: what it stands for, and by how much that may be off. */
struct taken {
    double *values, *errors; /* (n) */
    int8_t *bytes;           /* (n) S8B64, LLM8 */
    float *scales;           /* (blocks) S8B64 */
    float *outliers;         /* (n) LLM8 */
    float largest;           /* LLM8 */
    bool is_bounded;         /* the input came with bounds */
};

/* Of a byte whose number lies in [x - b, x + b] and whose scale in [low, high] / 127: how far the
 * number that it stands for can be from value. */
static double error_of_byte(double x, double b, double low, double high, double value)
{
    const double slack = 4 * (double)FLT_EPSILON; /* of 127 / largest, and the product with it */
    if (!(low > 0))
        return fabs(value) + high + b;
    double most = 0;
    for (int i = 0; i < 8; i++) {
        double at = i & 1 ? x + b : x - b, largest = i & 2 ? low : high;
        double scaled = at * 127 / largest;
        double byte = rint(scaled + (i & 4 ? 1 : -1) * slack * fabs(scaled));
        most = fmax(most, fabs(byte * low / 127 - value));
        most = fmax(most, fabs(byte * high / 127 - value));
    }
    return most;
}

static void take_s8b64(struct taken *t, const float *x, const double *bounds, size_t n)
{
    definition_s8b64(t->bytes, t->scales, x, n);
    for (size_t i = 0; i < n; i++) {
        t->values[i] = (double)t->bytes[i] * (double)t->scales[i / SW_GPU_S8_BLOCK];
        t->errors[i] = 0;
    }
    for (size_t begin = 0; begin < n && bounds != NULL; begin += SW_GPU_S8_BLOCK) {
        size_t end = begin + SW_GPU_S8_BLOCK < n ? begin + SW_GPU_S8_BLOCK : n;
        double low = 0, high = 0;
        for (size_t i = begin; i < end; i++) {
            low = fmax(low, fabs((double)x[i]) - bounds[i]);
            high = fmax(high, fabs((double)x[i]) + bounds[i]);
        }
        for (size_t i = begin; i < end; i++)
            t->errors[i] = error_of_byte((double)x[i], bounds[i], low, high, t->values[i]);
    }
}

static void take_llm8(struct taken *t, const float *x, const double *bounds, size_t n)
{
    t->largest = definition_llm8(t->bytes, t->outliers, x, n);
    for (size_t i = 0; i < n; i++) {
        t->values[i] = (double)t->outliers[i] + (double)t->bytes[i] * (double)t->largest / 127;
        t->errors[i] = 0;
    }
    if (bounds == NULL)
        return;
    double low = 0, high = 0;
    struct definition_number half;
    for (size_t i = 0; i < n; i++) {
        half = definition_round((struct definition_number){(double)x[i], bounds[i]}, true);
        double least = fabs(half.value) - half.bound, most = fabs(half.value) + half.bound;
        bool may_be_outlier = !(most < (double)SW_GPU_OUTLIER);
        if (may_be_outlier && least < (double)SW_GPU_OUTLIER) {
            t->errors[i] = INFINITY; /* on either side of the threshold */
            return;
        }
        low = may_be_outlier ? low : fmax(low, least);
        high = may_be_outlier ? high : fmax(high, most);
    }
    for (size_t i = 0; i < n; i++) {
        half = definition_round((struct definition_number){(double)x[i], bounds[i]}, true);
        t->errors[i] = t->outliers[i] != 0
                           ? half.bound
                           : error_of_byte(half.value, half.bound, low, high, t->values[i]);
    }
}

static void take(struct taken *t, enum sw_gpu_input input, const float *x, const double *bounds,
                 size_t n)
{
    t->is_bounded = bounds != NULL;
    if (input == SW_GPU_IN_S8B64) {
        take_s8b64(t, x, bounds, n);
        return;
    }
    if (input == SW_GPU_IN_LLM8) {
        take_llm8(t, x, bounds, n);
        return;
    }
    enum sw_gpu_form form = input == SW_GPU_IN_BF16  ? SW_GPU_BF16
                            : input == SW_GPU_IN_F16 ? SW_GPU_F16
                                                     : SW_GPU_F32;
    for (size_t i = 0; i < n; i++) {
        double b = bounds != NULL ? bounds[i] : 0, at = (double)definition_rounded(x[i], form);
        t->values[i] = at;
        t->errors[i] = b == 0
                           ? 0
                           : fmax((double)definition_rounded((float)((double)x[i] + b), form) - at,
                                  at - (double)definition_rounded((float)((double)x[i] - b), form));
    }
}

/* Products. A row of weights is widened once for all tokens. */

static float exact_s8b64(const struct sw_gpu_matrix *matrix, size_t row, const struct taken *t)
{
    const int8_t *bytes = row_of(matrix, row);
    size_t n = matrix->n_cols;
    float sum = 0;
    for (size_t begin = 0; begin < n; begin += SW_GPU_S8_BLOCK) {
        int32_t exact = 0;
        for (size_t i = begin; i < n && i < begin + SW_GPU_S8_BLOCK; i++)
            exact += bytes[i] * t->bytes[i];
        sum = fmaf((float)exact, t->scales[begin / SW_GPU_S8_BLOCK], sum);
    }
    return sum * (float)scale_of(matrix, row, 0);
}

/* error: what the input's bounds make of the sum. */
static struct definition_number product_llm8(const struct sw_gpu_matrix *matrix, size_t row,
                                             const struct taken *t, double error, float bias)
{
    const int8_t *bytes = row_of(matrix, row);
    float scale = (float)scale_of(matrix, row, 0);
    int32_t exact = 0;
    double sum = 0, magnitude = 0;
    size_t n_outliers = 0;
    for (size_t i = 0; i < matrix->n_cols; i++) {
        exact += bytes[i] * t->bytes[i];
        if (t->outliers[i] == 0)
            continue;
        float weight = definition_rounded((float)bytes[i] * scale * SW_GPU_LLM8_PART, SW_GPU_F16);
        sum += (double)t->outliers[i] * (double)weight;
        magnitude += fabs((double)t->outliers[i] * (double)weight);
        n_outliers++;
    }
    float first = fmaf((float)exact * t->largest * scale, SW_GPU_LLM8_UNIT, bias);
    double slack = t->is_bounded ? 8 * (double)FLT_EPSILON * fabs((double)first) : 0;
    struct definition_number y =
        definition_round((struct definition_number){(double)first, error + slack}, true);
    if (n_outliers == 0)
        return y;
    y.value += sum;
    y.bound += sum_error(n_outliers) * (magnitude + fabs(y.value));
    return definition_round(y, true);
}

/* Sums a row in parts, which the compiler can keep in one vector. */
enum { PARTS = 8 };

static double sum_of_products(const double *a, const double *b, size_t n)
{
    double parts[PARTS] = {0}, sum = 0;
    size_t whole = n / PARTS * PARTS;
    for (size_t i = 0; i < whole; i += PARTS) {
        for (size_t p = 0; p < PARTS; p++)
            parts[p] += a[i + p] * b[i + p];
    }
    for (size_t i = whole; i < n; i++)
        sum += a[i] * b[i];
    for (size_t p = 0; p < PARTS; p++)
        sum += parts[p];
    return sum;
}

static double value_of(const struct sw_gpu_matrix *matrix, enum sw_gpu_input input,
                       const double *weights, size_t row, const struct taken *t)
{
    float bias = matrix->bias != NULL ? matrix->bias[row] : 0;
    if (input == SW_GPU_IN_S8B64)
        return (double)(exact_s8b64(matrix, row, t) + bias);
    if (input == SW_GPU_IN_LLM8)
        return product_llm8(matrix, row, t, 0, bias).value;
    return sum_of_products(weights, t->values, matrix->n_cols) + (double)bias;
}

static struct definition_number product_of(const struct sw_gpu_matrix *matrix,
                                           enum sw_gpu_input input, const double *weights,
                                           size_t row, const struct taken *t, bool rounds)
{
    size_t n = matrix->n_cols;
    float bias = matrix->bias != NULL ? matrix->bias[row] : 0;
    double magnitude = fabs((double)bias), error = 0;
    for (size_t i = 0; i < n; i++)
        magnitude += fabs(weights[i] * t->values[i]);
    for (size_t i = 0; i < n && t->is_bounded; i++)
        error += fabs(weights[i]) * t->errors[i];
    if (input == SW_GPU_IN_LLM8)
        return product_llm8(matrix, row, t, error, bias);
    struct definition_number y = {value_of(matrix, input, weights, row, t),
                                  error + sum_error(n) * magnitude + (double)FLT_MIN};
    if (input == SW_GPU_IN_S8B64 && !t->is_bounded)
        y.bound = 0;
    return definition_round(y, rounds);
}

static void *room(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);
    if (memory == NULL)
        abort(); /* of a test */
    return memory;
}

struct product {
    const struct sw_gpu_matrix *matrix;
    enum sw_gpu_input input;
    bool rounds;
    struct taken *taken; /* (n_tokens) */
    double *weights;     /* (n_rows of the pool's threads, n_cols) */
    size_t n_tokens;
    struct definition_number *y; /* (n_tokens, n_rows); NULL: */
    float *values;               /* the same, without bounds */
    struct sw_pool *pool;
};

static void multiply_rows(void *ctx, int thread)
{
    struct product *p = ctx;
    size_t n = p->matrix->n_cols, n_rows = p->matrix->n_rows, row, end;
    double *weights = p->weights + (size_t)thread * n;
    sw_pool_part(&row, &end, n_rows, thread, sw_pool_size(p->pool));
    for (; row < end; row++) {
        for (size_t c = 0; c < n; c++)
            weights[c] = definition_weight(p->matrix, p->input, row, c);
        for (size_t i = 0; i < p->n_tokens; i++) {
            const struct taken *t = &p->taken[i];
            if (p->y != NULL)
                p->y[i * n_rows + row] =
                    product_of(p->matrix, p->input, weights, row, t, p->rounds);
            else
                p->values[i * n_rows + row] =
                    (float)round_double(value_of(p->matrix, p->input, weights, row, t), p->rounds);
        }
    }
}

static void multiply(struct product p, const float *x, const double *x_bounds)
{
    size_t n = p.matrix->n_cols, n_blocks = (n + SW_GPU_S8_BLOCK - 1) / SW_GPU_S8_BLOCK;
    p.weights = room((size_t)sw_pool_size(p.pool) * n, sizeof *p.weights);
    p.taken = room(p.n_tokens, sizeof *p.taken);
    for (size_t i = 0; i < p.n_tokens; i++) {
        struct taken *t = &p.taken[i];
        t->values = room(n, sizeof *t->values);
        t->errors = room(n, sizeof *t->errors);
        t->bytes = room(n, sizeof *t->bytes);
        t->scales = room(n_blocks, sizeof *t->scales);
        t->outliers = room(n, sizeof *t->outliers);
        take(t, p.input, x + i * n, x_bounds != NULL ? x_bounds + i * n : NULL, n);
    }
    sw_pool_run(p.pool, multiply_rows, &p);
    for (size_t i = 0; i < p.n_tokens; i++) {
        free(p.taken[i].values);
        free(p.taken[i].errors);
        free(p.taken[i].bytes);
        free(p.taken[i].scales);
        free(p.taken[i].outliers);
    }
    free(p.taken);
    free(p.weights);
}

void definition_product(struct definition_number *y, const struct sw_gpu_matrix *matrix,
                        enum sw_gpu_input input, bool rounds, const float *x,
                        const double *x_bounds, size_t n_tokens)
{
    multiply(
        (struct product){
            .matrix = matrix, .input = input, .rounds = rounds, .n_tokens = n_tokens, .y = y},
        x, x_bounds);
}

void definition_product_values(float *y, const struct sw_gpu_matrix *matrix,
                               enum sw_gpu_input input, bool rounds, const float *x,
                               size_t n_tokens, struct sw_pool *pool)
{
    multiply((struct product){.matrix = matrix,
                              .input = input,
                              .rounds = rounds,
                              .n_tokens = n_tokens,
                              .values = y,
                              .pool = pool},
             x, NULL);
}

/* Everything else. */

void definition_norm(struct definition_number *y, const float *x, const float *weight, size_t n,
                     float eps, bool rounds)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    double s = 1 / sqrt(sum / (double)n + (double)eps);
    /* All terms are positive, so the sum's error is relative, and halved by the root. */
    double relative = sum_error(n) / 2 + 6 * (double)FLT_EPSILON;
    for (size_t i = 0; i < n; i++) {
        double value = (double)x[i] * s * (double)weight[i];
        y[i] = definition_round(
            (struct definition_number){value, relative * fabs(value) + (double)FLT_MIN}, rounds);
    }
}

struct definition_number definition_silu_mul(struct definition_number gate,
                                             struct definition_number up, bool rounds)
{
    const double steepest = 1.1; /* of silu: 1.0998 at 2.4 */
    double silu = gate.value / (1 + exp(-gate.value));
    struct definition_number y = {silu * up.value, 0};
    /* exp, the division and the product are within two units each */
    y.bound = (fabs(silu) + steepest * gate.bound) * up.bound +
              steepest * gate.bound * fabs(up.value) + 8 * (double)FLT_EPSILON * fabs(y.value) +
              (double)FLT_MIN;
    return definition_round(y, rounds);
}

void definition_rotate(struct definition_number *y, const struct definition_number *x,
                       const float *cosines, const float *sines, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct definition_number a = x[i], b = x[i + n / 2];
        double c = (double)cosines[i], s = (double)sines[i];
        double slack = 2 * (double)FLT_EPSILON * (fabs(a.value) + fabs(b.value)) + (double)FLT_MIN;
        y[i] = definition_round(
            (struct definition_number){a.value * c - b.value * s,
                                       a.bound * fabs(c) + b.bound * fabs(s) + slack},
            false);
        y[i + n / 2] = definition_round(
            (struct definition_number){b.value * c + a.value * s,
                                       b.bound * fabs(c) + a.bound * fabs(s) + slack},
            false);
    }
}

void definition_attend(struct definition_number *y, const float *q, const float *keys,
                       const float *values, size_t stride, size_t n, size_t head_dim, bool rounds)
{
    const double eps = (double)FLT_EPSILON, scale = 1 / sqrt((double)head_dim);
    double *weights = room(n, sizeof *weights), largest = -INFINITY, least = INFINITY, error = 0;
    for (size_t p = 0; p < n; p++) {
        double sum = 0, magnitude = 0;
        for (size_t i = 0; i < head_dim; i++) {
            sum += (double)q[i] * (double)keys[p * stride + i];
            magnitude += fabs((double)q[i] * (double)keys[p * stride + i]);
        }
        weights[p] = sum * scale;
        largest = weights[p] > largest || isnan(weights[p]) ? weights[p] : largest;
        least = fmin(least, weights[p]);
        error = fmax(error, (sum_error(head_dim) + 2 * eps) * magnitude * scale);
    }
    double total = 0;
    for (size_t p = 0; p < n; p++) {
        weights[p] = exp(weights[p] - largest);
        total += weights[p];
    }
    /* Of a weight, whose score and the one it is taken from are off by error, and whose difference
     * is rounded; of the sum of weights, and of the values mixed with them; of parts merged. */
    double relative =
        2 * (2 * error + eps * fmin(largest - least, 104) + 4 * eps) + 2 * sum_error(n) + 32 * eps;
    for (size_t i = 0; i < head_dim; i++) {
        double sum = 0, magnitude = 0;
        for (size_t p = 0; p < n; p++) {
            sum += weights[p] / total * (double)values[p * stride + i];
            magnitude += weights[p] / total * fabs((double)values[p * stride + i]);
        }
        y[i] = definition_round(
            (struct definition_number){sum, expm1(relative) * magnitude + (double)FLT_MIN}, rounds);
    }
    free(weights);
}

int32_t definition_greedy(const float *logits, size_t n)
{
    int32_t best = -1;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(logits[i]) && (best < 0 || logits[i] > logits[best]))
            best = (int32_t)i;
    }
    return best;
}

double definition_logprob(const float *logits, size_t n, int32_t id)
{
    int32_t best = definition_greedy(logits, n);
    double sum = 0;
    if (best < 0)
        return NAN;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - (double)logits[best]);
    return (double)logits[id] - (double)logits[best] - log(sum);
}

/* Made-up numbers. */

/* Twelve uniform numbers less six: deviation 1, at most 6. */
static double normal(struct sw_random *random)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += sw_random_unit(random);
    return sum;
}

static float random_weight(struct sw_random *random)
{
    double large = sw_random_unit(random) < 0.01 ? 20 : 1;
    return (float)(0.1 * large * normal(random));
}

/* Between 2^-10 and 1, each order of size as often. */
static float random_scale(struct sw_random *random)
{
    return (float)exp2(-10 * sw_random_unit(random));
}

static void fill_row(uint8_t *row, enum sw_gpu_form form, size_t n_cols, size_t row_bytes,
                     struct sw_random *random)
{
    memset(row, form == SW_GPU_S4 ? 0x88 : 0, row_bytes);
    for (size_t c = 0; c < n_cols; c++) {
        float weight = random_weight(random);
        uint16_t half = form == SW_GPU_BF16 ? sw_float_to_bf16(weight) : sw_float_to_f16(weight);
        unsigned nibble = (unsigned)(sw_random_next(random) >> 60);
        uint8_t *byte = row + c / 32 * SW_GPU_CHUNK + c % 16;
        switch (form) {
        case SW_GPU_F32:
            memcpy(row + c * sizeof weight, &weight, sizeof weight);
            break;
        case SW_GPU_BF16:
        case SW_GPU_F16:
            memcpy(row + c * sizeof half, &half, sizeof half);
            break;
        case SW_GPU_S8:
            row[c] = (uint8_t)((int)(sw_random_unit(random) * 255) - 127);
            break;
        case SW_GPU_S4:
        case SW_GPU_FP4:
            *byte = (uint8_t)(c % 32 < 16 ? (*byte & 0xf0) | nibble : (*byte & 0x0f) | nibble << 4);
            break;
        }
    }
}

struct sw_gpu_matrix definition_random_matrix(enum sw_gpu_form form, enum sw_gpu_input input,
                                              uint32_t n_rows, uint32_t n_cols, bool has_bias,
                                              uint64_t seed)
{
    struct sw_random random = {.seed = sw_random_mix(seed)};
    struct sw_gpu_matrix m = {.n_rows = n_rows,
                              .n_cols = n_cols,
                              .row_bytes = sw_gpu_row_bytes(form, n_cols),
                              .form = form};
    const size_t align = 128;
    size_t rows = ((size_t)n_rows * m.row_bytes + align - 1) / align * align;
    size_t scales = sw_gpu_scale_bytes(form, n_rows, n_cols);
    size_t scale_room = (scales + align - 1) / align * align;
    size_t bias_room = (n_rows * sizeof(float) + align - 1) / align * align;
    uint8_t *memory = aligned_alloc(align, rows + scale_room + bias_room);
    if (memory == NULL)
        abort(); /* of a test */
    for (size_t r = 0; r < n_rows; r++)
        fill_row(memory + r * m.row_bytes, form, n_cols, m.row_bytes, &random);
    /* As packing would leave them: a row of LLM8 has its largest weight there. */
    for (size_t i = 0; i < scales / (form == SW_GPU_S4 ? 2 : 4); i++) {
        float scale = random_scale(&random) * (input == SW_GPU_IN_LLM8 ? 1.0f : 1.0f / 16);
        if (input == SW_GPU_IN_LLM8)
            scale = definition_rounded(scale, SW_GPU_F16);
        uint16_t half = sw_float_to_f16(scale);
        if (form == SW_GPU_S4)
            memcpy(memory + rows + i * sizeof half, &half, sizeof half);
        else
            memcpy(memory + rows + i * sizeof scale, &scale, sizeof scale);
    }
    float *bias = (float *)(void *)(memory + rows + scale_room);
    for (size_t r = 0; r < n_rows; r++)
        bias[r] = input == SW_GPU_IN_LLM8 ? definition_rounded(random_weight(&random), SW_GPU_F16)
                                          : random_weight(&random);
    m.rows = memory;
    m.scales = scales > 0 ? memory + rows : NULL;
    m.bias = has_bias ? bias : NULL;
    return m;
}

void definition_matrix_free(struct sw_gpu_matrix *matrix)
{
    free((void *)(uintptr_t)matrix->rows);
    *matrix = (struct sw_gpu_matrix){0};
}

void definition_random_row(float *x, size_t n, size_t n_outliers, uint64_t seed)
{
    struct sw_random random = {.seed = sw_random_mix(seed)};
    for (size_t i = 0; i < n; i++) {
        double value = normal(&random);
        x[i] = (float)(fabs(value) < 5.9 ? value : 1);
    }
    for (size_t i = 0; i < n_outliers && i < n; i++) {
        size_t at = (size_t)(sw_random_unit(&random) * (double)n);
        double size = 6 * pow(10, sw_random_unit(&random));
        x[at] = (float)(sw_random_unit(&random) < 0.5 ? -size : size);
    }
}
