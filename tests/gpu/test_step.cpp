/*
 * The products of few tokens through the kernels of step.cuh: every pair of matrix and input, every
 * prologue (norm, attention's parts, plain rows) and epilogue, against definition.h; sizes with
 * tails, one to eight tokens, with and without biases. Results must be the same to the bit on any
 * number of SMs, in any order of the threads, and whatever other tokens are in the batch.
 */
#include <math.h>

#include "backend/cuda/step.cuh"
#include "gpu/definition.h"
#include "gpu/memory.h"
#include "gpu/pairs.h"

namespace
{

struct sizes {
    uint32_t dim, hidden_dim, n_heads, n_kv_heads, head_dim, vocab_size, n_tokens;
    bool has_bias;
};

/* Chunks of 4 to 32 columns, blocks of 64, lanes of 4 to 32: all with and without tails. */
const sizes SIZES[] = {
    {5, 3, 1, 1, 2, 7, 1, true},        {37, 50, 3, 1, 10, 131, 3, true},
    {64, 96, 2, 1, 32, 66, 8, false},   {130, 258, 4, 2, 6, 33, 5, true},
    {576, 100, 3, 1, 16, 40, 1, false}, {160, 1060, 5, 1, 32, 12, 2, true},
};

enum { N_LAYERS = 2, LAYER = 1, MAX_POSITIONS = 11, N_SPLITS = 6 };

struct world {
    const pair_case *p;
    sizes s;
    memory mem;
    sw_gpu_model m;
    sw_gpu_layer layers[N_LAYERS];             /* device */
    sw_gpu_matrix qkv, o, gate_up, down, head; /* host */
    std::vector<float> attention_norm, mlp_norm, final_norm, cosines, sines, x, hidden, parts;
    std::vector<sw_gpu_token> tokens;
    std::vector<uint32_t> wanted;
    size_t n_cached;
};

sw_gpu_matrix upload(memory &mem, const sw_gpu_matrix &host)
{
    sw_gpu_matrix out = host;
    const uint8_t *rows = static_cast<const uint8_t *>(host.rows);
    const uint8_t *scales = static_cast<const uint8_t *>(host.scales);
    size_t n_scales = sw_gpu_scale_bytes(host.form, host.n_rows, host.n_cols);
    out.rows =
        memory_put(mem, std::vector<uint8_t>(rows, rows + (size_t)host.n_rows * host.row_bytes));
    if (n_scales > 0)
        out.scales = memory_put(mem, std::vector<uint8_t>(scales, scales + n_scales));
    if (host.bias != NULL)
        out.bias = memory_put(mem, std::vector<float>(host.bias, host.bias + host.n_rows));
    return out;
}

std::vector<float> random_rows(const world &w, size_t n_rows, size_t n, size_t n_outliers,
                               uint64_t seed)
{
    std::vector<float> values(n_rows * n);
    for (size_t i = 0; i < n_rows; i++)
        definition_random_row(&values[i * n], n, n_outliers < n ? n_outliers : n, seed + i);
    for (float &x : values)
        x = w.p->rounds ? definition_rounded(x, SW_GPU_F16) : x;
    return values;
}

void make_world(world &w, const pair_case &p, const sizes &s)
{
    w.p = &p;
    w.s = s;
    sw_gpu_model &m = w.m;
    m = {};
    const uint32_t heads = s.n_heads * s.head_dim, half = s.head_dim / 2;
    const uint32_t n_qkv = heads + 2 * s.n_kv_heads * s.head_dim;
    w.qkv = definition_random_matrix(p.form, p.input, n_qkv, s.dim, s.has_bias, 1);
    w.o = definition_random_matrix(p.form, p.input, s.dim, heads, false, 2);
    w.gate_up = definition_random_matrix(p.form, p.input, 2 * s.hidden_dim, s.dim, false, 3);
    w.down = definition_random_matrix(p.form, p.input, s.dim, s.hidden_dim, s.has_bias, 4);
    w.head = definition_random_matrix(p.form, p.input, s.vocab_size, s.dim, false, 5);
    w.x = random_rows(w, s.n_tokens, s.dim, 0, 10);
    w.hidden = random_rows(w, s.n_tokens, s.hidden_dim, 2, 30);
    w.attention_norm = random_rows(w, 1, s.dim, s.dim / 9, 50); /* normed rows have outliers */
    w.mlp_norm = random_rows(w, 1, s.dim, 0, 51);
    w.final_norm = random_rows(w, 1, s.dim, 0, 52);
    for (uint32_t i = 0; i < MAX_POSITIONS * half; i++) {
        w.cosines.push_back(cosf((float)i * 0.7f));
        w.sines.push_back(sinf((float)i * 0.7f));
    }
    for (uint32_t t = 0; t < s.n_tokens; t++) {
        w.tokens.push_back({0, (t * 3 + 1) % MAX_POSITIONS, t % 2, SW_GPU_NO_LOGITS});
        w.wanted.push_back(s.n_tokens - 1 - t);
    }
    /* Scores of any size; some stretches are empty, as attention leaves them. */
    noise n = {5};
    const size_t width = s.head_dim + 2;
    for (size_t i = 0; i < (size_t)s.n_tokens * s.n_heads * N_SPLITS; i++) {
        bool is_empty = i % N_SPLITS != 0 && i % 3 == 2;
        float sum = 1.5f + noise_next(n);
        w.parts.push_back(is_empty ? -INFINITY : 20 * noise_next(n));
        w.parts.push_back(is_empty ? 0 : sum);
        for (size_t d = 2; d < width; d++)
            w.parts.push_back(is_empty ? 0 : 3 * sum * noise_next(n));
    }

    m.n_layers = N_LAYERS;
    m.dim = s.dim;
    m.hidden_dim = s.hidden_dim;
    m.n_heads = s.n_heads;
    m.n_kv_heads = s.n_kv_heads;
    m.head_dim = s.head_dim;
    m.vocab_size = s.vocab_size;
    m.max_positions = MAX_POSITIONS;
    m.n_sequences = 2;
    m.max_batch = m.max_logits = s.n_tokens;
    m.rms_eps = 1e-5f;
    m.layer_form = m.head_form = p.form;
    m.layer_input = m.head_input = p.input;
    m.cache_form = p.cache;
    m.rounds_to_f16 = p.rounds;
    m.n_splits = N_SPLITS;
    m.head = upload(w.mem, w.head);
    m.final_norm = memory_put(w.mem, w.final_norm);
    m.cosines = memory_put(w.mem, w.cosines);
    m.sines = memory_put(w.mem, w.sines);
    m.tokens = memory_put(w.mem, w.tokens);
    m.wanted = memory_put(w.mem, w.wanted);
    m.parts = memory_put(w.mem, w.parts);
    m.hidden = memory_put(w.mem, w.hidden);
    m.x = memory_put(w.mem, w.x);
    m.q = memory_take<float>(w.mem, (size_t)s.n_tokens * heads);
    m.logits = memory_take<float>(w.mem, (size_t)s.n_tokens * s.vocab_size);
    w.n_cached = (size_t)N_LAYERS * 2 * s.n_kv_heads * MAX_POSITIONS * s.head_dim;
    m.keys = memory_take<float>(w.mem, w.n_cached);
    m.values = memory_take<float>(w.mem, w.n_cached);
    for (sw_gpu_layer &l : w.layers) {
        l = {};
        l.attention_norm = memory_put(w.mem, w.attention_norm);
        l.mlp_norm = memory_put(w.mem, w.mlp_norm);
        l.qkv = upload(w.mem, w.qkv);
        l.o = upload(w.mem, w.o);
        l.gate_up = upload(w.mem, w.gate_up);
        l.down = upload(w.mem, w.down);
    }
}

void free_world(world &w)
{
    memory_free(w.mem);
    for (sw_gpu_matrix *matrix : {&w.qkv, &w.o, &w.gate_up, &w.down, &w.head})
        definition_matrix_free(matrix);
}

sw_step step_of(const world &w, uint32_t n_sms)
{
    sw_step step = {};
    step.m = w.m;
    step.layers = w.layers;
    step.n_sms = n_sms;
    step.shared_bytes = 200 * 1024;
    step.is_overlapped = true;
    return step;
}

using numbers = std::vector<definition_number>;

void expect(const world &w, const char *what, const std::vector<float> &got,
            const numbers &expected)
{
    size_t n_tight = 0;
    assert_int_equal(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); i++) {
        if (!definition_agrees(got[i], expected[i]))
            fail_msg("%s, %s, dim %u, hidden %u, %u tokens: number %zu is %.9g, not %.9g +- %.3g",
                     what, w.p->name, w.s.dim, w.s.hidden_dim, w.s.n_tokens, i, (double)got[i],
                     expected[i].value, expected[i].bound);
        n_tight += expected[i].bound < 0.05 * (1 + fabs(expected[i].value));
    }
    /* The test would pass on anything if bounds were loose everywhere. */
    if (n_tight < got.size() / 2 && w.p->input != SW_GPU_IN_S8B64 && w.p->input != SW_GPU_IN_LLM8)
        fail_msg("%s, %s: only %zu of %zu bounds are tight", what, w.p->name, n_tight, got.size());
}

/* A product of the numbers, rows of n. */
numbers product(const world &w, const sw_gpu_matrix &matrix, const numbers &x)
{
    size_t n_tokens = x.size() / matrix.n_cols;
    std::vector<float> values;
    std::vector<double> bounds;
    bool is_exact = true;
    for (const definition_number &number : x) {
        values.push_back((float)number.value);
        bounds.push_back(number.bound);
        is_exact &= number.bound == 0;
    }
    numbers y(n_tokens * matrix.n_rows);
    definition_product(y.data(), &matrix, w.p->input, w.p->rounds, values.data(),
                       is_exact ? NULL : bounds.data(), n_tokens);
    return y;
}

numbers normed(const world &w, const std::vector<float> &weight, const std::vector<uint32_t> &rows)
{
    numbers out(rows.size() * w.s.dim);
    for (size_t i = 0; i < rows.size(); i++)
        definition_norm(&out[i * w.s.dim], &w.x[rows[i] * w.s.dim], weight.data(), w.s.dim,
                        w.m.rms_eps, w.p->rounds);
    return out;
}

std::vector<uint32_t> in_order(uint32_t n)
{
    std::vector<uint32_t> rows;
    for (uint32_t i = 0; i < n; i++)
        rows.push_back(i);
    return rows;
}

definition_number in_form(const definition_number &x, sw_gpu_form form)
{
    double at = (double)definition_rounded((float)x.value, form);
    double low = (double)definition_rounded((float)(x.value - x.bound), form);
    double high = (double)definition_rounded((float)(x.value + x.bound), form);
    return {at, x.bound == 0 ? 0 : fmax(high - at, at - low)};
}

/* The cache of `layer` as floats: (sequences, kv heads, positions, head_dim). */
std::vector<float> cached(const world &w, const void *cache)
{
    std::vector<float> out;
    size_t first = w.n_cached / N_LAYERS * LAYER, n = w.n_cached / N_LAYERS;
    if (w.m.cache_form == SW_GPU_F32)
        return memory_get(static_cast<const float *>(cache) + first, n);
    for (uint16_t bits : memory_get(static_cast<const uint16_t *>(cache) + first, n))
        out.push_back(w.m.cache_form == SW_GPU_BF16 ? sw_from_bf16(bits) : sw_from_f16(bits));
    return out;
}

void check_qkv(const world &w)
{
    const sizes &s = w.s;
    const uint32_t d = s.head_dim, half = d / 2, n_all = s.n_heads + 2 * s.n_kv_heads;
    numbers y = product(w, w.qkv, normed(w, w.attention_norm, in_order(s.n_tokens)));
    numbers q, keys, values;
    for (uint32_t t = 0; t < s.n_tokens; t++) {
        const uint32_t position = w.tokens[t].position;
        for (uint32_t h = 0; h < n_all; h++) {
            definition_number *head = &y[((size_t)t * n_all + h) * d];
            if (h < s.n_heads + s.n_kv_heads)
                definition_rotate(head, head, &w.cosines[position * half],
                                  &w.sines[position * half], d);
            numbers &to = h < s.n_heads ? q : h < s.n_heads + s.n_kv_heads ? keys : values;
            for (uint32_t i = 0; i < d; i++)
                to.push_back(h < s.n_heads ? head[i] : in_form(head[i], w.p->cache));
        }
    }
    expect(w, "q", memory_get(w.m.q, (size_t)s.n_tokens * s.n_heads * d), q);
    const std::vector<float> of_keys = cached(w, w.m.keys), of_values = cached(w, w.m.values);
    std::vector<float> got_keys, got_values;
    size_t n_written = 0;
    for (uint32_t t = 0; t < s.n_tokens; t++) {
        for (uint32_t h = 0; h < s.n_kv_heads; h++) {
            size_t at = (((size_t)w.tokens[t].sequence * s.n_kv_heads + h) * MAX_POSITIONS +
                         w.tokens[t].position) *
                        d;
            got_keys.insert(got_keys.end(), &of_keys[at], &of_keys[at] + d);
            got_values.insert(got_values.end(), &of_values[at], &of_values[at] + d);
        }
    }
    expect(w, "keys", got_keys, keys);
    expect(w, "values", got_values, values);
    for (size_t i = 0; i < of_keys.size(); i++)
        n_written += !isnan(of_keys[i]) || !isnan(of_values[i]);
    assert_int_equal(n_written, (size_t)s.n_tokens * s.n_kv_heads * d); /* and nothing else */
}

void check_o(const world &w)
{
    const uint32_t d = w.s.head_dim;
    numbers merged, expected;
    for (size_t head = 0; head < (size_t)w.s.n_tokens * w.s.n_heads; head++) {
        const float *parts = &w.parts[head * N_SPLITS * (d + 2)];
        double most = -INFINITY, sum = 0;
        for (uint32_t i = 0; i < N_SPLITS; i++)
            most = fmax(most, (double)parts[i * (d + 2)]);
        for (uint32_t i = 0; i < N_SPLITS; i++)
            sum += (double)parts[i * (d + 2) + 1] * exp((double)parts[i * (d + 2)] - most);
        for (uint32_t c = 0; c < d; c++) {
            double value = 0, magnitude = 0;
            for (uint32_t i = 0; i < N_SPLITS; i++) {
                const float *part = parts + i * (d + 2);
                double term = (double)part[2 + c] * exp((double)part[0] - most);
                value += term;
                magnitude += fabs(term);
            }
            /* Of a term: exp within two units, of an argument up to 40 that was rounded once
             * (40 units, absolute, is relative to exp), a factor, a sum; then the division. */
            double relative = (40 + 2 * N_SPLITS + 8) * 0x1p-24 * 2;
            merged.push_back(
                definition_round({value / sum, relative * magnitude / sum}, w.p->rounds));
        }
    }
    numbers y = product(w, w.o, merged);
    for (size_t i = 0; i < y.size(); i++)
        expected.push_back(definition_add({(double)w.x[i], 0}, y[i], w.p->rounds));
    expect(w, "o", memory_get(w.m.x, w.x.size()), expected);
}

void check_gate_up(const world &w)
{
    numbers y = product(w, w.gate_up, normed(w, w.mlp_norm, in_order(w.s.n_tokens))), expected;
    for (size_t i = 0; i < y.size(); i += 2)
        expected.push_back(definition_silu_mul(y[i], y[i + 1], w.p->rounds));
    expect(w, "gate and up", memory_get(w.m.hidden, w.hidden.size()), expected);
}

void check_down(const world &w)
{
    numbers exact, expected;
    for (float x : w.hidden)
        exact.push_back({(double)x, 0});
    numbers y = product(w, w.down, exact);
    for (size_t i = 0; i < y.size(); i++)
        expected.push_back(definition_add({(double)w.x[i], 0}, y[i], w.p->rounds));
    expect(w, "down", memory_get(w.m.x, w.x.size()), expected);
}

void check_head(const world &w)
{
    expect(w, "head", memory_get(w.m.logits, (size_t)w.s.n_tokens * w.s.vocab_size),
           product(w, w.head, normed(w, w.final_norm, w.wanted)));
}

/* Everything that a pass of kernels leaves, kernels one at a time from the same x and hidden. */
struct results {
    std::vector<float> q, keys, values, o, hidden, down, logits;
};

bool are_same(const std::vector<float> &a, const std::vector<float> &b)
{
    return a.size() == b.size() &&
           (a.empty() || memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

void restore(const world &w)
{
    GPU_OK(cudaMemcpy(w.m.x, w.x.data(), w.x.size() * 4, cudaMemcpyHostToDevice));
    GPU_OK(cudaMemcpy(w.m.hidden, w.hidden.data(), w.hidden.size() * 4, cudaMemcpyHostToDevice));
}

results run(const world &w, uint32_t n_sms, uint32_t n_tokens, bool checks)
{
    const sw_step step = step_of(w, n_sms);
    results r;
    uint32_t n_parts = 0;
    restore(w);
    if (w.p->is_layer) {
        GPU_OK(sw_step_qkv(step, LAYER, n_tokens));
        r.q = memory_get(w.m.q, (size_t)n_tokens * w.s.n_heads * w.s.head_dim);
        r.keys = cached(w, w.m.keys);
        r.values = cached(w, w.m.values);
        if (checks)
            check_qkv(w);
        GPU_OK(sw_step_o(step, LAYER, n_tokens));
        r.o = memory_get(w.m.x, (size_t)n_tokens * w.s.dim);
        if (checks)
            check_o(w);
        restore(w);
        GPU_OK(sw_step_gate_up(step, LAYER, n_tokens));
        r.hidden = memory_get(w.m.hidden, (size_t)n_tokens * w.s.hidden_dim);
        if (checks)
            check_gate_up(w);
        restore(w);
        GPU_OK(sw_step_down(step, LAYER, n_tokens));
        r.down = memory_get(w.m.x, (size_t)n_tokens * w.s.dim);
        if (checks)
            check_down(w);
        restore(w);
    }
    if (w.p->is_head) {
        GPU_OK(sw_step_head(step, n_tokens, {w.m.logits, NULL}, &n_parts));
        assert_true(n_parts >= 1 && n_parts <= n_sms);
        r.logits = memory_get(w.m.logits, (size_t)n_tokens * w.s.vocab_size);
        if (checks)
            check_head(w);
    }
    return r;
}

void test_products(void **state)
{
    (void)state;
    for (const pair_case &p : PAIRS) {
        if (p.tf32)
            continue;
        for (const sizes &s : SIZES) {
            world w;
            make_world(w, p, s);
            const results one = run(w, 3, s.n_tokens, true);
            for (uint32_t n_sms : {1u, 13u}) {
                sw_emulated_seed(n_sms + 1);
                const results other = run(w, n_sms, s.n_tokens, false);
                sw_emulated_seed(0);
                if (!are_same(one.q, other.q) || !are_same(one.keys, other.keys) ||
                    !are_same(one.values, other.values) || !are_same(one.o, other.o) ||
                    !are_same(one.hidden, other.hidden) || !are_same(one.down, other.down) ||
                    !are_same(one.logits, other.logits))
                    fail_msg("%s, dim %u: %u SMs change a result", p.name, s.dim, n_sms);
            }
            if (s.n_tokens > 1) { /* the first token alone; wanted begins with the last */
                results alone = run(w, 2, 1, false);
                const results *all = &one;
                auto begins = [](const std::vector<float> &a, const std::vector<float> &b) {
                    return b.empty() || memcmp(a.data(), b.data(), b.size() * sizeof(float)) == 0;
                };
                if (!begins(all->q, alone.q) || !begins(all->o, alone.o) ||
                    !begins(all->hidden, alone.hidden) || !begins(all->down, alone.down) ||
                    !begins(all->logits, alone.logits))
                    fail_msg("%s, dim %u: a token alone differs", p.name, s.dim);
            }
            free_world(w);
        }
    }
}

void test_embed(void **state)
{
    (void)state;
    for (sw_gpu_form form : {SW_GPU_F32, SW_GPU_BF16, SW_GPU_F16}) {
        for (uint32_t dim : {1u, 37u, 64u, 2050u}) {
            memory mem;
            sw_gpu_matrix host = definition_random_matrix(form, SW_GPU_IN_F32, 9, dim, false, 3);
            sw_step step = {};
            step.m.dim = dim;
            step.m.embedding_form = form;
            step.m.embedding = upload(mem, host);
            step.m.tokens = memory_put(mem, std::vector<sw_gpu_token>{{8, 0, 0, 0}, {0, 0, 0, 0}});
            step.m.x = memory_take<float>(mem, 2 * dim);
            GPU_OK(sw_step_embed(step, 2));
            std::vector<float> x = memory_get(step.m.x, 2 * dim);
            for (uint32_t i = 0; i < 2 * dim; i++)
                assert_true((double)x[i] ==
                            definition_weight(&host, SW_GPU_IN_F32, i < dim ? 8 : 0, i % dim));
            memory_free(mem);
            definition_matrix_free(&host);
        }
    }
}

/* A part that has seen a score that is no number makes its token's results none, even where scores
 * of -infinity behind it have left the part's largest at that; others stay. */
void test_not_a_number_in_parts(void **state)
{
    (void)state;
    for (uint32_t head_dim : {8u, 10u}) { /* columns four by four, and one by one */
        world w;
        make_world(w, pair_of("f32"), {24, 6, 2, 1, head_dim, 5, 2, false});
        const size_t width = head_dim + 2;
        float *part = &w.parts[((size_t)w.s.n_heads * N_SPLITS + 2) * width]; /* of token 1 */
        part[0] = -INFINITY;
        for (size_t i = 1; i < width; i++)
            part[i] = NAN;
        GPU_OK(cudaMemcpy(w.m.parts, w.parts.data(), w.parts.size() * 4, cudaMemcpyHostToDevice));
        GPU_OK(sw_step_o(step_of(w, 2), LAYER, 2));
        const std::vector<float> x = memory_get(w.m.x, w.x.size());
        for (uint32_t i = 0; i < 2 * w.s.dim; i++)
            assert_true(isnan(x[i]) == (i >= w.s.dim));
        free_world(w);
    }
}

/* What is not a number stays none, and only where it goes in. */
void test_not_a_number(void **state)
{
    (void)state;
    for (const pair_case &p : PAIRS) {
        if (!p.is_layer || p.tf32)
            continue;
        for (float bad : {NAN, INFINITY, -INFINITY}) {
            world w;
            make_world(w, p, {37, 150, 3, 1, 10, 5, 2, false});
            w.hidden[w.s.hidden_dim + 70] = bad; /* of the second token */
            restore(w);
            GPU_OK(sw_step_down(step_of(w, 2), LAYER, 2));
            std::vector<float> x = memory_get(w.m.x, w.x.size());
            for (uint32_t i = 0; i < w.s.dim; i++) {
                assert_true(isfinite(x[i]));
                double weight = definition_weight(&w.down, p.input, i, 70);
                if (isnan(bad) || p.input == SW_GPU_IN_S8B64)
                    assert_true(isnan(x[w.s.dim + i]));
                else if (weight != 0)
                    assert_false(isfinite(x[w.s.dim + i]));
            }
            free_world(w);
        }
    }
}

void test_lanes(void **state)
{
    (void)state;
    /* SmolLM-135M in bf16: what step.cuh's figures rest on. */
    assert_int_equal(sw_product_lanes(72, 480), 32);
    assert_int_equal(sw_product_lanes(72, 1536), 16);
    assert_int_equal(sw_product_lanes(192, 576), 32);
    assert_int_equal(sw_product_lanes(72, 24576), 8);
    for (uint32_t n = 1; n < 3000; n = n * 3 / 2 + 1) {
        for (uint32_t units = 1; units < 100000; units *= 7) {
            uint32_t lanes = sw_product_lanes(n, units);
            assert_true(lanes >= 4 && lanes <= 32 && (lanes & (lanes - 1)) == 0);
            sw_step_grid grid = sw_step_grid_of(units, lanes, 132);
            assert_true(grid.n_blocks >= 1 && grid.n_blocks <= 132);
            assert_true(grid.n_threads % 32 == 0 && grid.n_threads <= SW_STEP_THREADS);
        }
    }
}

} // namespace

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_embed),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_not_a_number),
        cmocka_unit_test(test_not_a_number_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
