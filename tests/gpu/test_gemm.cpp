/*
 * Products of many tokens, all pairs of matrix and input: first what the input's rows became,
 * against its definition; then every number of every product, computed from those very rows in
 * double precision, within a derived bound; S8 x S8B64 and S8 x LLM8 to the bit. Sizes are
 * multiples of nothing.
 */
#include <math.h>

#include "backend/cuda/gemm.cuh"
#include "gpu/memory.h"
#include "gpu/pairs.h"

namespace
{

const double EPS = 0x1p-24;
/* Tensor cores cut instead of rounding: twice the error a sum. */
const double SUM_EPS = 2 * EPS;

struct sizes {
    uint32_t dim, hidden_dim, n_heads, n_kv_heads, head_dim, vocab_size;
    uint32_t n_tokens, n_logits, n_sms;
};

/* A matrix on the host, and its copy on the device. */
struct matrix {
    sw_gpu_form form;
    uint32_t n_rows, n_cols, row_bytes;
    std::vector<uint8_t> rows, scales;
    std::vector<float> bias;
    sw_gpu_matrix device;
};

matrix make_matrix(memory &mem, noise &n, sw_gpu_form form, uint32_t n_rows, uint32_t n_cols,
                   bool has_bias)
{
    matrix w = {};
    w.form = form;
    w.n_rows = n_rows;
    w.n_cols = n_cols;
    w.row_bytes = sw_gpu_row_bytes(form, n_cols);
    w.rows.assign((size_t)n_rows * w.row_bytes, 0);
    w.scales.resize(sw_gpu_scale_bytes(form, n_rows, n_cols));
    for (uint32_t r = 0; r < n_rows; r++) {
        uint8_t *row = &w.rows[(size_t)r * w.row_bytes];
        for (uint32_t c = 0; c < n_cols; c++) {
            float x = noise_next(n);
            uint32_t bits;
            switch (form) {
            case SW_GPU_F32:
                memcpy(row + 4 * c, &x, 4);
                break;
            case SW_GPU_BF16:
            case SW_GPU_F16:
                bits = form == SW_GPU_BF16 ? sw_to_bf16(x) : sw_to_f16(x);
                memcpy(row + 2 * c, &bits, 2);
                break;
            case SW_GPU_S8:
                row[c] = (uint8_t)(int8_t)rintf(127 * x);
                break;
            default: /* nibbles */
                row[c / 32 * 16 + c % 16] |=
                    (uint8_t)((noise_bits(n) & 15) << (c % 32 < 16 ? 0 : 4));
                break;
            }
        }
    }
    for (size_t i = 0; i < w.scales.size(); i += form == SW_GPU_S4 ? 2 : 4) {
        float scale = (1.5f + noise_next(n)) * (form == SW_GPU_S8 ? 0.01f : 0.3f);
        uint16_t half = sw_to_f16(scale);
        if (form == SW_GPU_S4)
            memcpy(&w.scales[i], &half, 2);
        else
            memcpy(&w.scales[i], &scale, 4);
    }
    if (has_bias) {
        for (uint32_t r = 0; r < n_rows; r++)
            w.bias.push_back(noise_next(n));
    }
    w.device = {memory_put(mem, w.rows),
                w.scales.empty() ? NULL : memory_put(mem, w.scales),
                has_bias ? memory_put(mem, w.bias) : NULL,
                n_rows,
                n_cols,
                w.row_bytes,
                form};
    return w;
}

float scale_of(const matrix &w, uint32_t row)
{
    float scale;
    memcpy(&scale, &w.scales[(size_t)row * 4], 4);
    return scale;
}

/* A weight; that of S8 without its scale. */
double weight_of(const matrix &w, uint32_t row, uint32_t column, bool is_tf32)
{
    static const float fp4[16] = SW_GPU_FP4_VALUES;
    const uint8_t *at = &w.rows[(size_t)row * w.row_bytes];
    uint32_t bits = 0;
    float x;
    switch (w.form) {
    case SW_GPU_F32:
        memcpy(&bits, at + 4 * column, 4);
        return sw_as_float(is_tf32 ? (bits + 0x1000u) & 0xffffe000u : bits);
    case SW_GPU_BF16:
    case SW_GPU_F16:
        memcpy(&bits, at + 2 * column, 2);
        return w.form == SW_GPU_BF16 ? sw_from_bf16((uint16_t)bits) : sw_from_f16((uint16_t)bits);
    case SW_GPU_S8:
        return (int8_t)at[column];
    default:
        bits = at[column / 32 * 16 + column % 16] >> (column % 32 < 16 ? 0 : 4) & 15;
    }
    if (w.form == SW_GPU_S4) {
        uint16_t half;
        memcpy(&half, &w.scales[((size_t)row * (w.row_bytes / 16) + column / 32) * 2], 2);
        return ((double)bits - 8) * sw_from_f16(half);
    }
    memcpy(&x, &w.scales[((size_t)row * ((w.n_cols + 63) / 64) + column / 64) * 4], 4);
    return (float)(fp4[bits] * x); /* rounded once, as in the kernels */
}

struct world {
    const pair_case *p;
    sizes s;
    memory mem;
    sw_gpu_model m;
    matrix qkv, o, gate_up, down, head;
    sw_gpu_layer layer;
    std::vector<float> attention_norm, mlp_norm, final_norm, cosines, sines, x, attended, hidden;
    std::vector<sw_gpu_token> tokens;
    std::vector<uint32_t> wanted;
    noise n;
    char what[200];
};

enum { N_LAYERS = 2, LAYER = 1, MAX_POSITIONS = 40 };

std::vector<float> make_floats(world &w, size_t n, float size)
{
    std::vector<float> values(n);
    for (float &x : values) {
        x = size * noise_next(w.n);
        if (w.p->rounds)
            x = sw_from_f16(sw_to_f16(x));
    }
    return values;
}

void make_world(world &w, const pair_case &p, const sizes &s)
{
    w.p = &p;
    w.s = s;
    w.n = {7};
    sw_gpu_model &m = w.m;
    m = {};
    uint32_t width = s.n_heads * s.head_dim, half = s.head_dim / 2;
    uint32_t n_qkv = width + 2 * s.n_kv_heads * s.head_dim;
    w.qkv = make_matrix(w.mem, w.n, p.form, n_qkv, s.dim, true);
    w.o = make_matrix(w.mem, w.n, p.form, s.dim, width, false);
    w.gate_up = make_matrix(w.mem, w.n, p.form, 2 * s.hidden_dim, s.dim, false);
    w.down = make_matrix(w.mem, w.n, p.form, s.dim, s.hidden_dim, true);
    w.head = make_matrix(w.mem, w.n, p.form, s.vocab_size, s.dim, false);
    /* Some numbers beyond LLM8's threshold of 6. */
    w.x = make_floats(w, (size_t)s.n_tokens * s.dim, 3);
    w.attended = make_floats(w, (size_t)s.n_tokens * width, p.input == SW_GPU_IN_LLM8 ? 6.3f : 2);
    w.hidden = make_floats(w, (size_t)s.n_tokens * s.hidden_dim, 2);
    w.attention_norm = make_floats(w, s.dim, p.input == SW_GPU_IN_LLM8 ? 4 : 1);
    w.mlp_norm = make_floats(w, s.dim, 1);
    w.final_norm = make_floats(w, s.dim, 1);
    for (uint32_t i = 0; i < MAX_POSITIONS * half; i++) {
        float angle = noise_next(w.n) * 3;
        w.cosines.push_back(cosf(angle));
        w.sines.push_back(sinf(angle));
    }
    for (uint32_t t = 0; t < s.n_tokens; t++) /* two sequences */
        w.tokens.push_back({0, t / 2, t % 2, SW_GPU_NO_LOGITS});
    for (uint32_t i = 0; i < s.n_logits; i++)
        w.wanted.push_back((i * 5 + 3) % s.n_tokens);

    m.n_layers = N_LAYERS;
    m.dim = s.dim;
    m.hidden_dim = s.hidden_dim;
    m.n_heads = s.n_heads;
    m.n_kv_heads = s.n_kv_heads;
    m.head_dim = s.head_dim;
    m.vocab_size = s.vocab_size;
    m.max_positions = MAX_POSITIONS;
    m.n_sequences = 2;
    m.max_batch = s.n_tokens;
    m.max_logits = s.n_logits;
    m.rms_eps = 1e-5f;
    m.layer_form = m.head_form = p.form;
    m.layer_input = m.head_input = p.input;
    m.cache_form = p.cache;
    m.rounds_to_f16 = p.rounds;
    m.use_tf32 = p.tf32;
    m.n_sms = s.n_sms;
    m.overlaps = true;
    sw_emulated_seed(s.n_tokens); /* other orders of threads */
    m.head = w.head.device;
    m.final_norm = memory_put(w.mem, w.final_norm);
    m.cosines = memory_put(w.mem, w.cosines);
    m.sines = memory_put(w.mem, w.sines);
    size_t n_cached = (size_t)N_LAYERS * 2 * s.n_kv_heads * MAX_POSITIONS * s.head_dim;
    m.keys = memory_take<float>(w.mem, n_cached);
    m.values = memory_take<float>(w.mem, n_cached);
    m.tokens = memory_put(w.mem, w.tokens);
    m.wanted = memory_put(w.mem, w.wanted);
    m.x = memory_put(w.mem, w.x);
    m.attended = memory_put(w.mem, w.attended);
    m.hidden = memory_put(w.mem, w.hidden);
    m.q = memory_take<float>(w.mem, (size_t)s.n_tokens * width);
    m.logits = memory_take<float>(w.mem, (size_t)s.n_logits * s.vocab_size);
    m.many_scratch = memory_take<uint8_t>(w.mem, sw_gpu_many_bytes(m));
    w.layer.attention_norm = memory_put(w.mem, w.attention_norm);
    w.layer.mlp_norm = memory_put(w.mem, w.mlp_norm);
    w.layer.qkv = w.qkv.device;
    w.layer.o = w.o.device;
    w.layer.gate_up = w.gate_up.device;
    w.layer.down = w.down.device;
}

/* What a product's input became, as the kernel left it. */
struct prepared {
    uint32_t n_cols;
    std::vector<double> values;  /* (n, n_cols); of S8 without the scale */
    std::vector<float> scales;   /* (n, n_scales) */
    std::vector<float> outliers; /* (n, n_cols) f16, 0 elsewhere */
    uint32_t n_scales;
};

/* Reads it, and compares it with its definition: source rows (n, n_cols), normed with norm unless
 * empty. */
prepared check_prepared(const world &w, const std::vector<float> &source,
                        const std::vector<float> &norm, const std::vector<uint32_t> &rows,
                        uint32_t n, uint32_t n_cols, bool is_left)
{
    const sw_gpu_input input = w.p->input;
    sw_many_rows at = sw_many_rows_of(w.m, input, n_cols, NULL);
    if (is_left && sw_many_is_plain(input))
        at.rows = sw_many_left_of(w.m, n_cols).rows;
    std::vector<uint8_t> bytes = memory_get(at.rows, (size_t)n * at.row_bytes);
    const bool is_s8 = input == SW_GPU_IN_S8B64 || input == SW_GPU_IN_LLM8;
    const uint32_t width = input == SW_GPU_IN_F32 ? 4 : is_s8 ? 1 : 2;
    prepared p = {};
    p.n_cols = n_cols;
    p.n_scales = at.n_scales;
    if (is_s8)
        p.scales = memory_get(at.scales, (size_t)n * at.n_scales);
    p.outliers.assign((size_t)n * n_cols, 0);
    if (input == SW_GPU_IN_LLM8) {
        std::vector<uint32_t> counts = memory_get(at.n_outliers, n);
        std::vector<sw_many_outlier> list = memory_get(at.outliers, (size_t)n * at.most_outliers);
        for (uint32_t t = 0; t < n; t++) {
            assert_true(counts[t] <= n_cols);
            for (uint32_t i = 0; i < counts[t]; i++) {
                const sw_many_outlier &o = list[(size_t)t * at.most_outliers + i];
                assert_true(o.column < n_cols);
                assert_true(i == 0 || o.column > list[(size_t)t * at.most_outliers + i - 1].column);
                p.outliers[(size_t)t * n_cols + o.column] = sw_from_f16((uint16_t)o.half);
            }
        }
    }
    for (uint32_t t = 0; t < n; t++) {
        const float *x = &source[(size_t)(rows.empty() ? t : rows[t]) * n_cols];
        double squares = 0;
        for (uint32_t c = 0; c < n_cols; c++)
            squares += (double)x[c] * x[c];
        const double factor = 1 / sqrt(squares / n_cols + w.m.rms_eps);
        /* Relative: a sum of n squares, halved by the root, and five roundings; then the form. */
        const double norm_error = norm.empty() ? 0 : (n_cols / 2.0 + 6) * EPS;
        for (uint32_t c = 0; c < at.row_bytes / width; c++) {
            const uint8_t *from = &bytes[(size_t)t * at.row_bytes + (size_t)c * width];
            uint32_t bits = 0;
            memcpy(&bits, from, width);
            if (c >= n_cols) {
                assert_int_equal(bits, 0);
                continue;
            }
            const double exact = x[c] * (norm.empty() ? 1 : factor * norm[c]);
            double value, whole, error = fabs(exact) * norm_error;
            if (w.p->rounds)
                error += (fabs(exact) + error) * 0x1p-11 + 0x1p-25;
            if (input == SW_GPU_IN_F32) {
                value = whole = sw_as_float(bits);
                error += w.p->tf32 ? fabs(exact) * 0x1p-11 * 1.01 : 0;
            } else if (input == SW_GPU_IN_BF16) {
                value = whole = sw_from_bf16((uint16_t)bits);
                error += fabs(exact) * 0x1p-8 * 1.01;
            } else if (input == SW_GPU_IN_F16) {
                value = whole = sw_from_f16((uint16_t)bits);
                error += fabs(exact) * 0x1p-11 * 1.01 + 0x1p-25;
            } else {
                value = (int8_t)bits;
                const float outlier = p.outliers[(size_t)t * n_cols + c];
                const float scale = input == SW_GPU_IN_LLM8
                                        ? p.scales[t]
                                        : p.scales[(size_t)t * p.n_scales + c / 64];
                /* LLM8 keeps the largest, S8B64 a 127th of it. */
                const double unit = input == SW_GPU_IN_LLM8 ? scale / 127.0 : scale;
                whole = outlier != 0 ? outlier : value * unit;
                assert_true(outlier == 0 || (value == 0 && fabsf(outlier) >= SW_GPU_OUTLIER));
                assert_true(input != SW_GPU_IN_LLM8 || scale < SW_GPU_OUTLIER);
                error += outlier != 0 ? fabs(exact) * 0x1p-11
                                      : unit * (0.5 + 1e-4) + fabs(exact) * 0x1p-10;
                assert_true(fabs(value) <= 127);
            }
            if (!(fabs(whole - exact) <= error))
                print_error("%s: input of token %u, column %u: %.9g for %.9g, +- %.3g\n", w.what, t,
                            c, whole, exact, error);
            assert_true(fabs(whole - exact) <= error);
            p.values.push_back(value);
        }
    }
    return p;
}

struct bounded {
    double value, error;
};

double round_f16(double x)
{
    return sw_from_f16(sw_to_f16((float)x));
}

/* y of a token and a row: product, scale, bias, rounding. */
bounded product_of(const world &w, const matrix &a, const prepared &in, uint32_t t, uint32_t row)
{
    const uint32_t n_cols = a.n_cols;
    const double *x = &in.values[(size_t)t * n_cols];
    const float bias = a.bias.empty() ? 0 : a.bias[row];
    if (w.p->input == SW_GPU_IN_S8B64) {
        float sum = 0;
        for (uint32_t begin = 0; begin < n_cols; begin += 64) {
            int32_t exact = 0;
            for (uint32_t c = begin; c < n_cols && c < begin + 64; c++)
                exact += (int32_t)x[c] * (int32_t)weight_of(a, row, c, false);
            sum = fmaf((float)exact, in.scales[(size_t)t * in.n_scales + begin / 64], sum);
        }
        /* To the bit, but that nvcc may make an fma of this. */
        const double y = (double)sum * scale_of(a, row);
        return {(float)(sum * scale_of(a, row)) + bias,
                a.bias.empty() ? 0 : (fabs(y) + fabs(y + bias)) * EPS * 1.01};
    }
    if (w.p->input == SW_GPU_IN_LLM8) {
        int32_t exact = 0;
        float apart = 0;
        bool has_outliers = false;
        for (uint32_t c = 0; c < n_cols; c++) {
            exact += (int32_t)x[c] * (int32_t)weight_of(a, row, c, false);
            const float outlier = in.outliers[(size_t)t * n_cols + c];
            if (outlier == 0)
                continue;
            has_outliers = true;
            float weight = (float)weight_of(a, row, c, false) * scale_of(a, row) * SW_GPU_LLM8_PART;
            apart = fmaf(outlier, sw_from_f16(sw_to_f16(weight)), apart);
        }
        float y = fmaf((float)exact * in.scales[t] * scale_of(a, row), SW_GPU_LLM8_UNIT, bias);
        y = (float)round_f16(y);
        return {has_outliers ? round_f16(y + apart) : y, 0};
    }
    double sum = 0, size = 0;
    for (uint32_t c = 0; c < n_cols; c++) {
        double product = x[c] * weight_of(a, row, c, w.p->tf32);
        sum += product;
        size += fabs(product);
    }
    if (a.form == SW_GPU_S8) {
        sum *= scale_of(a, row);
        size *= scale_of(a, row);
    }
    bounded y = {sum + bias, (n_cols + 10) * SUM_EPS * size + 2 * EPS * fabs(bias)};
    if (w.p->rounds) {
        y.error += fabs(y.value) * 0x1p-11 * 1.01 + 0x1p-25;
    }
    return y;
}

void check(const world &w, const char *where, uint32_t t, uint32_t i, double got, bounded expected)
{
    if (!(fabs(got - expected.value) <= expected.error))
        print_error("%s: %s of token %u, %u: %.9g for %.9g, +- %.3g\n", w.what, where, t, i, got,
                    expected.value, expected.error);
    assert_true(fabs(got - expected.value) <= expected.error);
}

double read_cache(const world &w, const std::vector<uint8_t> &bytes, size_t at)
{
    uint32_t bits = 0;
    if (w.p->cache == SW_GPU_F32) {
        memcpy(&bits, &bytes[at * 4], 4);
        return sw_as_float(bits);
    }
    memcpy(&bits, &bytes[at * 2], 2);
    return w.p->cache == SW_GPU_BF16 ? sw_from_bf16((uint16_t)bits) : sw_from_f16((uint16_t)bits);
}

void check_qkv(world &w)
{
    const sizes &s = w.s;
    const uint32_t n = s.n_tokens, half = s.head_dim / 2;
    const size_t n_cached = (size_t)N_LAYERS * 2 * s.n_kv_heads * MAX_POSITIONS * s.head_dim;
    GPU_OK(cudaMemset(w.m.keys, 0xff, n_cached * 4));
    GPU_OK(sw_gpu_many_qkv(w.m, w.layer, LAYER, n, 0));
    const prepared in = check_prepared(w, w.x, w.attention_norm, {}, n, s.dim, false);
    const std::vector<float> q = memory_get(w.m.q, (size_t)n * s.n_heads * s.head_dim);
    const std::vector<uint8_t> keys = memory_get((const uint8_t *)w.m.keys, n_cached * 4);
    const std::vector<uint8_t> values = memory_get((const uint8_t *)w.m.values, n_cached * 4);
    const double cache_round = w.p->cache == SW_GPU_F32 ? 0 : round_off(w.p->cache) * 1.01;
    for (uint32_t t = 0; t < n; t++) {
        const sw_gpu_token &token = w.tokens[t];
        for (uint32_t h = 0; h < s.n_heads + 2 * s.n_kv_heads; h++) {
            for (uint32_t c = 0; c < s.head_dim; c++) {
                bounded y = product_of(w, w.qkv, in, t, h * s.head_dim + c);
                if (h < s.n_heads + s.n_kv_heads) {
                    const uint32_t other = c < half ? c + half : c - half;
                    const bounded z = product_of(w, w.qkv, in, t, h * s.head_dim + other);
                    const double cosine = w.cosines[token.position * half + c % half];
                    const double sine =
                        w.sines[token.position * half + c % half] * (c < half ? -1 : 1);
                    y = {y.value * cosine + z.value * sine,
                         y.error * fabs(cosine) + z.error * fabs(sine) +
                             3 * EPS * (fabs(y.value * cosine) + fabs(z.value * sine))};
                }
                if (h < s.n_heads) {
                    check(w, "q", t, h * s.head_dim + c,
                          q[((size_t)t * s.n_heads + h) * s.head_dim + c], y);
                    continue;
                }
                const uint32_t kv = (h - s.n_heads) % s.n_kv_heads;
                const size_t at =
                    ((((size_t)LAYER * 2 + token.sequence) * s.n_kv_heads + kv) * MAX_POSITIONS +
                     token.position) *
                        s.head_dim +
                    c;
                y.error += fabs(y.value) * cache_round + (cache_round > 0 ? 0x1p-25 : 0);
                check(w, h < s.n_heads + s.n_kv_heads ? "key" : "value", t, c,
                      read_cache(w, h < s.n_heads + s.n_kv_heads ? keys : values, at), y);
            }
        }
    }
    /* Nothing else is written: the other layer is as it was. */
    for (size_t i = 0; i < n_cached / N_LAYERS * (w.p->cache == SW_GPU_F32 ? 4 : 2); i++)
        assert_int_equal(keys[i], 0xff);
}

void check_residual(world &w, const matrix &a, const std::vector<float> &source, const char *where,
                    const std::vector<float> &before)
{
    const sizes &s = w.s;
    const prepared in = check_prepared(w, source, {}, {}, s.n_tokens, a.n_cols, true);
    const std::vector<float> x = memory_get(w.m.x, (size_t)s.n_tokens * s.dim);
    for (uint32_t t = 0; t < s.n_tokens; t++) {
        for (uint32_t r = 0; r < s.dim; r++) {
            const float old = before[(size_t)t * s.dim + r];
            bounded y = product_of(w, a, in, t, r);
            y.value += old;
            y.error += fabs(y.value) * EPS;
            if (w.p->rounds)
                y.error += fabs(y.value) * 0x1p-11 * 1.01 + 0x1p-25;
            check(w, where, t, r, x[(size_t)t * s.dim + r], y);
        }
    }
}

/* The input of O or down, where the kernel in front is to leave it. */
void leave(const world &w, const float *source, uint32_t n_cols)
{
    const sw_many_left left = sw_many_left_of(w.m, n_cols);
    sw_many_job job = {};
    if (left.rows == NULL)
        return;
    job.matrix.n_cols = n_cols;
    job.in.rows = left.rows;
    job.in.row_bytes = left.row_bytes;
    job.n_tokens = w.s.n_tokens;
    job.use_tf32 = left.use_tf32;
    GPU_OK(sw_many_prepare_any(sw_many_source(w.m, source, NULL), w.p->input, job, 0,
                               SW_LAUNCH_PLAIN));
}

/* silu(gate) * up, as it was left; (n, hidden_dim). How far its form rounds. */
std::vector<float> read_hidden(const world &w, double *rounding)
{
    const sizes &s = w.s;
    const sw_many_left left = sw_many_left_of(w.m, s.hidden_dim);
    *rounding = 0;
    if (left.rows == NULL)
        return memory_get(w.m.hidden, (size_t)s.n_tokens * s.hidden_dim);
    const uint32_t width = w.p->input == SW_GPU_IN_F32 ? 4 : 2;
    std::vector<uint8_t> bytes = memory_get(left.rows, (size_t)s.n_tokens * left.row_bytes);
    std::vector<float> hidden;
    *rounding = w.p->tf32                      ? 0x1p-11
                : w.p->input == SW_GPU_IN_BF16 ? 0x1p-8
                : w.p->input == SW_GPU_IN_F16  ? 0x1p-11
                                               : 0;
    for (uint32_t t = 0; t < s.n_tokens; t++) {
        for (uint32_t c = 0; c < left.row_bytes / width; c++) {
            uint32_t bits = 0;
            memcpy(&bits, &bytes[(size_t)t * left.row_bytes + (size_t)c * width], width);
            if (c >= s.hidden_dim)
                assert_int_equal(bits, 0);
            else
                hidden.push_back(width == 4                     ? sw_as_float(bits)
                                 : w.p->input == SW_GPU_IN_BF16 ? sw_from_bf16((uint16_t)bits)
                                                                : sw_from_f16((uint16_t)bits));
        }
    }
    return hidden;
}

void check_gate_up(world &w, const std::vector<float> &x)
{
    const sizes &s = w.s;
    const prepared in = check_prepared(w, x, w.mlp_norm, {}, s.n_tokens, s.dim, false);
    double rounding;
    const std::vector<float> hidden = read_hidden(w, &rounding);
    for (uint32_t t = 0; t < s.n_tokens; t++) {
        for (uint32_t r = 0; r < s.hidden_dim; r++) {
            const bounded gate = product_of(w, w.gate_up, in, t, 2 * r);
            const bounded up = product_of(w, w.gate_up, in, t, 2 * r + 1);
            const double silu = gate.value / (1 + exp(-gate.value));
            /* The slope of SiLU is at most 1.1; exp within 4 eps and five roundings, of which what
             * goes into the sum with 1 counts |gate| times at most: 40 here. */
            bounded y = {silu * up.value,
                         1.1 * gate.error * (fabs(up.value) + up.error) + fabs(silu) * up.error +
                             fabs(silu * up.value) * (10 + fabs(gate.value)) * EPS};
            if (w.p->rounds)
                y.error += fabs(y.value) * 0x1p-11 * 1.01 + 0x1p-25;
            y.error += (fabs(y.value) + y.error) * rounding * 1.01 + (rounding > 0 ? 0x1p-25 : 0);
            check(w, "hidden", t, r, hidden[(size_t)t * s.hidden_dim + r], y);
        }
    }
}

void check_head(world &w, const std::vector<float> &x)
{
    const sizes &s = w.s;
    const prepared in = check_prepared(w, x, w.final_norm, w.wanted, s.n_logits, s.dim, false);
    const std::vector<float> logits = memory_get(w.m.logits, (size_t)s.n_logits * s.vocab_size);
    for (uint32_t i = 0; i < s.n_logits; i++) {
        for (uint32_t r = 0; r < s.vocab_size; r++)
            check(w, "logit", i, r, logits[(size_t)i * s.vocab_size + r],
                  product_of(w, w.head, in, i, r));
    }
}

void check_all(const pair_case &p, const sizes &s)
{
    world w = {};
    make_world(w, p, s);
    snprintf(w.what, sizeof w.what,
             "%s, %u tokens, dim %u, hidden %u, heads %u on %u of %u, %u SMs", p.name, s.n_tokens,
             s.dim, s.hidden_dim, s.n_heads, s.n_kv_heads, s.head_dim, s.n_sms);
    check_qkv(w);
    leave(w, w.m.attended, s.n_heads * s.head_dim);
    GPU_OK(sw_gpu_many_o(w.m, w.layer, LAYER, s.n_tokens, 0));
    check_residual(w, w.o, w.attended, "x behind o", w.x);
    std::vector<float> x = memory_get(w.m.x, (size_t)s.n_tokens * s.dim);
    leave(w, w.m.hidden, s.hidden_dim);
    GPU_OK(sw_gpu_many_down(w.m, w.layer, LAYER, s.n_tokens, 0));
    check_residual(w, w.down, w.hidden, "x behind down", x);
    x = memory_get(w.m.x, (size_t)s.n_tokens * s.dim);
    GPU_OK(sw_gpu_many_gate_up(w.m, w.layer, LAYER, s.n_tokens, 0));
    check_gate_up(w, x);
    GPU_OK(sw_gpu_many_head(w.m, s.n_logits, 0));
    check_head(w, x);
    memory_free(w.mem);
}

/* Odd sizes, tails of tokens and rows on each side of the tiles'; few SMs make tiles wide. */
void test_pairs(void **state)
{
    (void)state;
    static const sizes all[] = {
        {33, 23, 3, 1, 10, 37, 1, 1, 1},    {70, 45, 2, 2, 6, 35, 9, 3, 1000},
        {130, 68, 3, 1, 16, 131, 17, 2, 8}, {36, 101, 2, 1, 14, 19, 33, 33, 4},
        {65, 33, 1, 1, 32, 70, 70, 5, 1},
    };
    for (const pair_case &p : PAIRS) {
        for (const sizes &s : all)
            check_all(p, s);
    }
}

/* Every number of tokens, on GPUs of 1 to 128 SMs, which makes tiles of all shapes. */
void test_counts(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 70; n++) {
        const pair_case &p = PAIRS[n % (sizeof PAIRS / sizeof PAIRS[0])];
        check_all(p, {26, 18, 2, 1, 6, 21, n, (n + 1) / 2, 1u << n * 3 % 8});
    }
}

/* SmolLM-135M's rows and columns, a few tokens more than one tile. */
void test_real_size(void **state)
{
    (void)state;
    check_all(pair_of("bf16"), {576, 192, 9, 3, 64, 100, 66, 2, 132});
    check_all(pair_of("s8 x s8b64"), {576, 64, 9, 3, 64, 64, 20, 2, 132});
}

/* A token's rows are the same whatever else is in the batch and wherever it stands there. */
void test_neighbours(void **state)
{
    (void)state;
    for (const pair_case &p : PAIRS) {
        world w = {};
        const sizes s = {67, 31, 2, 1, 8, 40, 21, 21, 50};
        make_world(w, p, s);
        GPU_OK(sw_gpu_many_gate_up(w.m, w.layer, LAYER, s.n_tokens, 0));
        double rounding;
        const std::vector<float> all = read_hidden(w, &rounding);
        /* The last token first, the others not numbers. */
        std::vector<float> x((size_t)s.n_tokens * s.dim, NAN);
        for (uint32_t c = 0; c < s.dim; c++)
            x[c] = w.x[(size_t)(s.n_tokens - 1) * s.dim + c];
        GPU_OK(cudaMemcpy(w.m.x, x.data(), x.size() * 4, cudaMemcpyHostToDevice));
        GPU_OK(sw_gpu_many_gate_up(w.m, w.layer, LAYER, s.n_tokens, 0));
        const std::vector<float> other = read_hidden(w, &rounding);
        for (uint32_t r = 0; r < s.hidden_dim; r++) {
            assert_true(other[r] == all[(size_t)(s.n_tokens - 1) * s.hidden_dim + r]);
            for (uint32_t t = 1; t < s.n_tokens; t++)
                assert_true(isnan(other[(size_t)t * s.hidden_dim + r]));
        }
        memory_free(w.mem);
    }
}

} // namespace

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_real_size),
        cmocka_unit_test(test_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
