/*
 * Attention against softmax over all at once in double precision: all forms of the cache, sizes of
 * heads and groups, lengths and splits of the context, several sequences in a batch. What the cache
 * holds beyond a sequence's positions is poison.
 */
#include <math.h>

#include "backend/cuda/attention.cuh"
#include "backend/cuda/many.cuh"
#include "backend/cuda/parts.cuh"
#include "gpu/memory.h"

static noise random_state = {12345};

static float next()
{
    return noise_next(random_state);
}

/* A form's number. */
static uint32_t bits_of(sw_gpu_form form, float x)
{
    return form == SW_GPU_F32 ? sw_as_bits(x) : form == SW_GPU_BF16 ? sw_to_bf16(x) : sw_to_f16(x);
}
static const char *name_of(sw_gpu_form form)
{
    return form == SW_GPU_F32 ? "f32" : form == SW_GPU_BF16 ? "bf16" : "f16";
}

struct shape {
    sw_gpu_form form;
    uint32_t n_heads, n_kv_heads, head_dim, n_splits, max_positions, n_sequences;
    bool rounds;
};

struct world {
    shape s;
    sw_gpu_model m;
    std::vector<sw_gpu_token> tokens;
    std::vector<float> q, parts, attended; /* the last two as they come back */
    memory mem;
    std::vector<unsigned char> keys, values;

    size_t row(uint32_t layer, uint32_t sequence, uint32_t head, uint32_t position) const
    {
        return (((size_t)layer * s.n_sequences + sequence) * s.n_kv_heads + head) *
                   s.max_positions +
               position;
    }
    float read(const std::vector<unsigned char> &from, size_t at) const
    {
        if (s.form == SW_GPU_F32) {
            float x;
            memcpy(&x, &from[at * 4], 4);
            return x;
        }
        uint16_t x;
        memcpy(&x, &from[at * 2], 2);
        return s.form == SW_GPU_BF16 ? sw_from_bf16(x) : sw_from_f16(x);
    }
    void write(std::vector<unsigned char> &to, size_t at, float x)
    {
        uint32_t bits = bits_of(s.form, x);
        size_t size = s.form == SW_GPU_F32 ? 4 : 2;
        memcpy(&to[at * size], &bits, size);
    }
};

enum { N_LAYERS = 2, LAYER = 1 };

static world make(const shape &s, const std::vector<sw_gpu_token> &tokens)
{
    world w = {};
    w.s = s;
    w.tokens = tokens;
    size_t n = tokens.size();
    size_t n_cached =
        (size_t)N_LAYERS * s.n_sequences * s.n_kv_heads * s.max_positions * s.head_dim;
    size_t size = s.form == SW_GPU_F32 ? 4 : 2;
    w.keys.assign(n_cached * size + 16, 0xff); /* no numbers */
    w.values.assign(n_cached * size + 16, 0xff);
    w.q.resize(n * s.n_heads * s.head_dim);
    for (float &x : w.q)
        x = 3 * next();
    for (const sw_gpu_token &t : tokens) {
        for (uint32_t h = 0; h < s.n_kv_heads; h++) {
            for (uint32_t p = 0; p <= t.position; p++) {
                for (uint32_t c = 0; c < s.head_dim; c++) {
                    size_t at = w.row(LAYER, t.sequence, h, p) * s.head_dim + c;
                    if (!isnan(w.read(w.keys, at)))
                        continue;
                    w.write(w.keys, at, next());
                    w.write(w.values, at, next());
                }
            }
        }
    }
    return w;
}

static const sw_gpu_model &model_of(world &w)
{
    sw_gpu_model &m = w.m;
    m = {};
    m.n_layers = N_LAYERS;
    m.n_heads = w.s.n_heads;
    m.n_kv_heads = w.s.n_kv_heads;
    m.head_dim = w.s.head_dim;
    m.dim = w.s.n_heads * w.s.head_dim;
    m.max_positions = w.s.max_positions;
    m.n_sequences = w.s.n_sequences;
    m.max_batch = (uint32_t)w.tokens.size();
    m.score_scale = 1 / sqrtf((float)w.s.head_dim);
    m.cache_form = w.s.form;
    m.layer_input = SW_GPU_IN_S8B64; /* O takes m.attended */
    m.n_sms = 20;
    m.overlaps = true;
    sw_emulated_seed(w.tokens.size()); /* other orders of threads */
    m.rounds_to_f16 = w.s.rounds;
    const size_t n = w.tokens.size() * w.s.n_heads;
    m.keys = memory_put(w.mem, w.keys);
    m.values = memory_put(w.mem, w.values);
    m.tokens = memory_put(w.mem, w.tokens);
    m.q = memory_put(w.mem, w.q);
    m.parts = memory_put(w.mem, std::vector<float>(n * w.s.n_splits * (w.s.head_dim + 2), NAN));
    m.attended = memory_put(w.mem, std::vector<float>(n * w.s.head_dim, NAN));
    m.n_splits = w.s.n_splits;
    return m;
}

/*
 * Largest difference over its bound, of one token and head; result (head_dim). is_tensor: the query
 * and the weights are rounded to the cache's form; the former here as there, the latter is part of
 * the bound.
 *
 * A score is a sum of head_dim products, in any order within (head_dim + 3) eps of the products'
 * sizes, twice that on tensor cores, which cut. An error d of all scores changes weights by a
 * factor within exp(+-2d); exp itself and rescaling take a few eps for each step, at most one a
 * key; the mix is a sum of n_context products.
 */
static double worst_of(const world &w, uint32_t token, uint32_t head, const float *result,
                       bool is_tensor)
{
    const shape &s = w.s;
    const sw_gpu_token &t = w.tokens[token];
    const uint32_t n = t.position + 1, kv = head / (s.n_heads / s.n_kv_heads);
    const double eps = is_tensor ? 0x1p-23 : 0x1p-24, scale = w.m.score_scale;
    const double weight_round = is_tensor ? round_off(s.form) : 0;
    std::vector<double> q(s.head_dim), scores(n), weights(n);
    double largest = -INFINITY, sum = 0, score_error = 0;
    for (uint32_t c = 0; c < s.head_dim; c++) {
        const float exact = w.q[((size_t)token * s.n_heads + head) * s.head_dim + c];
        q[c] = exact;
        if (is_tensor)
            q[c] = s.form == SW_GPU_BF16 ? sw_from_bf16(sw_to_bf16(exact))
                                         : sw_from_f16(sw_to_f16(exact));
    }
    for (uint32_t p = 0; p < n; p++) {
        double dot = 0, sizes = 0;
        for (uint32_t c = 0; c < s.head_dim; c++) {
            const double product =
                q[c] * w.read(w.keys, w.row(LAYER, t.sequence, kv, p) * s.head_dim + c);
            dot += product;
            sizes += fabs(product);
        }
        scores[p] = dot * scale;
        score_error = fmax(score_error, sizes * scale * (s.head_dim + 3) * eps);
        largest = fmax(largest, scores[p]);
    }
    score_error += 4 * eps * fabs(largest); /* differences of scores, rounded */
    for (uint32_t p = 0; p < n; p++)
        sum += weights[p] = exp(scores[p] - largest);
    double worst = 0;
    for (uint32_t c = 0; c < s.head_dim; c++) {
        double mixed = 0, sizes = 0, all = 0;
        for (uint32_t p = 0; p < n; p++) {
            const double v = w.read(w.values, w.row(LAYER, t.sequence, kv, p) * s.head_dim + c);
            mixed += weights[p] / sum * v;
            sizes += weights[p] / sum * fabs(v);
            all += fabs(v);
        }
        /* Scores differ by less than 40 here: each argument of exp is rounded to 40 eps at most,
         * 3 eps for exp. A weight below f16's normal numbers is off by 2^-25 of the largest, which
         * is at most the sum. */
        double bound = sizes * (2 * expm1(2 * score_error) + (n + 50) * 2 * eps + weight_round) +
                       (is_tensor ? all * 0x1p-25 : 0) + 1e-30;
        if (s.rounds)
            bound += fabs(mixed) * 0x1p-11 * 1.01 + 0x1p-25;
        const double difference = fabs(result[c] - mixed);
        worst = isnan(difference) ? INFINITY : fmax(worst, difference / bound);
    }
    return worst;
}

static void describe(char (&text)[200], const char *call, const shape &s, size_t n_tokens,
                     double worst)
{
    snprintf(text, sizeof text,
             "%s %s, %zu tokens, %u heads on %u of %u, %u splits: %.2g of the bound", call,
             name_of(s.form), n_tokens, s.n_heads, s.n_kv_heads, s.head_dim, s.n_splits, worst);
}

static void report(world &w, bool is_good, const char *text)
{
    memory_free(w.mem);
    if (!is_good)
        print_error("%s\n", text);
    assert_true(is_good);
}

/* Parts: merged as their reader does; those of empty stretches say so. */
static void check_few(const shape &s, const std::vector<sw_gpu_token> &tokens)
{
    world w = make(s, tokens);
    uint32_t n = (uint32_t)tokens.size();
    const sw_gpu_model &m = model_of(w);
    GPU_OK(sw_gpu_attend_few(m, LAYER, n, 0, true));
    w.parts = memory_get(m.parts, (size_t)n * s.n_heads * s.n_splits * (s.head_dim + 2));
    bool is_good = true;
    double worst = 0;
    for (uint32_t t = 0; t < n; t++) {
        uint32_t n_parts = sw_attention_parts(tokens[t].position + 1, s.n_splits);
        is_good = is_good && n_parts >= 1 && n_parts <= s.n_splits;
        for (uint32_t h = 0; h < s.n_heads; h++) {
            const float *parts =
                &w.parts[((size_t)t * s.n_heads + h) * s.n_splits * (s.head_dim + 2)];
            std::vector<float> merged(s.head_dim), of_all(s.head_dim);
            for (uint32_t c = 0; c < s.head_dim; c++) {
                sw_parts_merge<1>(&merged[c], parts, c, n_parts, s.head_dim);
                sw_parts_merge<1>(&of_all[c], parts, c, s.n_splits, s.head_dim);
                /* All parts, the empty ones included, merge to the same. */
                is_good = is_good && of_all[c] == merged[c];
                if (s.rounds)
                    merged[c] = sw_from_f16(sw_to_f16(merged[c]));
            }
            worst = fmax(worst, worst_of(w, t, h, merged.data(), false));
            for (uint32_t p = n_parts; p < s.n_splits; p++) {
                const float *part = parts + p * (s.head_dim + 2);
                is_good = is_good && part[0] == -INFINITY && part[1] == 0;
                for (uint32_t c = 0; c < s.head_dim; c++)
                    is_good = is_good && part[2 + c] == 0;
            }
        }
    }
    char text[200];
    describe(text, "few", s, n, worst);
    report(w, is_good && worst <= 1, text);
}

static void check_many(const shape &s, const std::vector<sw_gpu_token> &tokens)
{
    world w = make(s, tokens);
    uint32_t n = (uint32_t)tokens.size();
    GPU_OK(sw_gpu_attend_many(model_of(w), LAYER, n, 0));
    w.attended = memory_get(w.m.attended, (size_t)n * s.n_heads * s.head_dim);
    const bool is_tensor = sw_attend_is_tensor(w.m, n);
    double worst = 0;
    for (uint32_t t = 0; t < n; t++) {
        for (uint32_t h = 0; h < s.n_heads; h++)
            worst =
                fmax(worst, worst_of(w, t, h, &w.attended[((size_t)t * s.n_heads + h) * s.head_dim],
                                     is_tensor));
    }
    char text[200];
    describe(text, "many", s, n, worst);
    report(w, worst <= 1, text);
}

/* n tokens of a sequence, the last at the given position. */
static void add(std::vector<sw_gpu_token> &tokens, uint32_t sequence, uint32_t last, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tokens.push_back({0, last + 1 - n + i, sequence, SW_GPU_NO_LOGITS});
}

static std::vector<sw_gpu_token> one(uint32_t position)
{
    std::vector<sw_gpu_token> tokens;
    add(tokens, 0, position, 1);
    return tokens;
}

static void test_shapes(void **state)
{
    (void)state;
    static const sw_gpu_form forms[] = {SW_GPU_F32, SW_GPU_BF16, SW_GPU_F16};
    static const uint32_t heads[][3] = {{1, 1, 64}, {2, 1, 8},  {6, 2, 64}, {4, 1, 16},
                                        {5, 1, 32}, {3, 3, 24}, {9, 3, 64}, {2, 1, 10},
                                        {2, 2, 6},  {2, 1, 300}};
    for (sw_gpu_form form : forms) {
        for (const auto &h : heads) {
            shape s = {form, h[0], h[1], h[2], 3, 80, 3, form == SW_GPU_F16};
            std::vector<sw_gpu_token> tokens;
            add(tokens, 2, 70, 1);
            add(tokens, 0, 0, 1);
            add(tokens, 1, 37, 2);
            check_few(s, tokens);
        }
    }
}

static void test_lengths(void **state)
{
    (void)state;
    for (uint32_t position : {0u, 1u, 14u, 15u, 16u, 31u, 32u, 33u, 130u}) {
        for (uint32_t n_splits : {1u, 5u})
            check_few({SW_GPU_BF16, 3, 1, 64, n_splits, 200, 1, false}, one(position));
    }
    check_few({SW_GPU_F32, 3, 1, 64, 4, 400, 1, false}, one(399));
    check_few({SW_GPU_F16, 1, 1, 10, 3, 300, 1, false}, one(299));
}

/* A batch: a whole prompt, tokens far on, a prompt's second block, several sequences. */
static std::vector<sw_gpu_token> mixed_batch(bool is_large)
{
    std::vector<sw_gpu_token> tokens;
    add(tokens, 3, is_large ? 36 : 6, is_large ? 37 : 7);
    add(tokens, 0, 99, 1);
    add(tokens, 1, 60, is_large ? 23 : 3);
    add(tokens, 2, 3, 4);
    add(tokens, 0, 100, 1);
    return tokens;
}

static void test_many_shapes(void **state)
{
    (void)state;
    static const sw_gpu_form forms[] = {SW_GPU_F32, SW_GPU_BF16, SW_GPU_F16};
    static const uint32_t heads[][3] = {{3, 1, 64}, {4, 4, 32},  {2, 1, 10},
                                        {5, 1, 96}, {18, 1, 32}, {2, 1, 128}};
    for (sw_gpu_form form : forms) {
        for (const auto &h : heads) {
            const shape s = {form, h[0], h[1], h[2], 2, 110, 4, form == SW_GPU_F16};
            check_many(s, mixed_batch(false));
            if (form != SW_GPU_F32 || h[2] == 64)
                check_many(s, mixed_batch(true));
        }
    }
}

/* A prompt's later block: many tiles of keys for each warp, whole ones and the last. */
static void test_long_prompts(void **state)
{
    (void)state;
    std::vector<sw_gpu_token> tokens;
    add(tokens, 0, 330, 66);
    check_many({SW_GPU_BF16, 3, 1, 64, 2, 340, 1, false}, tokens);
    check_many({SW_GPU_F16, 2, 2, 128, 2, 340, 1, true}, tokens);
}

/* Where O takes single numbers, they are left as it takes them: the same results, rounded. */
static void test_left_for_o(void **state)
{
    (void)state;
    static const sw_gpu_input inputs[] = {SW_GPU_IN_F32, SW_GPU_IN_BF16, SW_GPU_IN_F16};
    for (bool is_large : {false, true}) {
        for (sw_gpu_input input : inputs) {
            const shape s = {SW_GPU_F16, 5, 1, is_large ? 32u : 10u, 3, 110, 4, false};
            world w = make(s, mixed_batch(is_large));
            const uint32_t n = (uint32_t)w.tokens.size(), n_cols = 5 * s.head_dim;
            sw_gpu_model m = model_of(w);
            GPU_OK(sw_gpu_attend_many(m, LAYER, n, 0));
            const std::vector<float> attended = memory_get(m.attended, (size_t)n * n_cols);
            m.layer_input = input;
            m.many_scratch = memory_put(w.mem, std::vector<uint8_t>(sw_gpu_many_bytes(m), 0xff));
            GPU_OK(sw_gpu_attend_many(m, LAYER, n, 0));
            const sw_many_left left = sw_many_left_of(m, n_cols);
            const uint32_t width = input == SW_GPU_IN_F32 ? 4 : 2;
            const std::vector<uint8_t> rows = memory_get(left.rows, (size_t)n * left.row_bytes);
            for (uint32_t t = 0; t < n; t++) {
                for (uint32_t c = 0; c < left.row_bytes / width; c++) {
                    uint32_t bits = 0, expected = 0;
                    memcpy(&bits, &rows[(size_t)t * left.row_bytes + (size_t)c * width], width);
                    if (c < n_cols)
                        expected = bits_of(input == SW_GPU_IN_F32    ? SW_GPU_F32
                                           : input == SW_GPU_IN_BF16 ? SW_GPU_BF16
                                                                     : SW_GPU_F16,
                                           attended[(size_t)t * n_cols + c]);
                    assert_int_equal(bits, expected);
                }
            }
            memory_free(w.mem);
        }
    }
}

/* What is wrong with one sequence is not seen in another, nor in front of it in its own. */
static void test_not_numbers(void **state)
{
    (void)state;
    for (bool is_large : {false, true}) {
        const shape s = {SW_GPU_BF16, 3, 1, 64, 2, 110, 4, false};
        world w = make(s, mixed_batch(is_large));
        const uint32_t n = (uint32_t)w.tokens.size();
        const sw_gpu_model &m = model_of(w);
        GPU_OK(sw_gpu_attend_many(m, LAYER, n, 0));
        const std::vector<float> good = memory_get(m.attended, (size_t)n * 3 * 64);
        /* A key and a value of sequence 1: infinite, and no number. */
        w.write(w.keys, w.row(LAYER, 1, 0, 3) * 64 + 5, NAN);
        w.write(w.values, w.row(LAYER, 1, 0, 40) * 64 + 5, INFINITY);
        GPU_OK(cudaMemcpy(m.keys, w.keys.data(), w.keys.size(), cudaMemcpyHostToDevice));
        GPU_OK(cudaMemcpy(m.values, w.values.data(), w.values.size(), cudaMemcpyHostToDevice));
        GPU_OK(sw_gpu_attend_many(m, LAYER, n, 0));
        const std::vector<float> bad = memory_get(m.attended, (size_t)n * 3 * 64);
        for (uint32_t i = 0; i < n * 3 * 64; i++) {
            const bool is_other = w.tokens[i / (3 * 64)].sequence != 1;
            assert_true(is_other ? good[i] == bad[i] : isnan(bad[i]));
        }
        /* A query of one token. */
        w.q[(size_t)(n - 2) * 3 * 64] = NAN;
        GPU_OK(cudaMemcpy(m.q, w.q.data(), w.q.size() * 4, cudaMemcpyHostToDevice));
        GPU_OK(sw_gpu_attend_many(m, LAYER, n, 0));
        const std::vector<float> one_bad = memory_get(m.attended, (size_t)n * 3 * 64);
        for (uint32_t i = 0; i < n * 3 * 64; i++) {
            const bool is_own = i / 64 == (n - 2) * 3;
            assert_true(is_own ? isnan(one_bad[i]) : one_bad[i] == bad[i] || isnan(bad[i]));
        }
        memory_free(w.mem);
    }
}

/* Scores of -infinity weigh nothing, unless all do. */
static void test_infinite_scores(void **state)
{
    (void)state;
    for (bool is_large : {false, true}) {
        const shape s = {SW_GPU_F16, 1, 1, 32, 2, 110, 4, false};
        world w = make(s, mixed_batch(is_large));
        const uint32_t n = (uint32_t)w.tokens.size();
        for (uint32_t t = 0; t < n; t++)
            w.q[(size_t)t * 32] = 3;
        for (uint32_t p = 0; p < 20; p++) /* a whole tile of keys, and more */
            w.write(w.keys, w.row(LAYER, 1, 0, p) * 32, -INFINITY);
        for (uint32_t p = 0; p <= 3; p++)
            w.write(w.keys, w.row(LAYER, 2, 0, p) * 32, -INFINITY);
        const sw_gpu_model &m = model_of(w);
        GPU_OK(sw_gpu_attend_many(m, LAYER, n, 0));
        const std::vector<float> got = memory_get(m.attended, (size_t)n * 32);
        for (uint32_t i = 0; i < n * 32; i++)
            assert_true(isnan(got[i]) == (w.tokens[i / 32].sequence == 2));
        memory_free(w.mem);
    }
}

/* Merging alone: what is no number stays none, even under a largest of -infinity; a part whose
 * scores are all that weighs nothing, unless all are. */
static void test_merge(void **state)
{
    (void)state;
    enum : uint32_t { MOST = 9, DIM = 2 };
    const float none[] = {-INFINITY, 0, 0, 0}, one[] = {2, 1, 3, -4};
    const float lost[] = {-INFINITY, NAN, NAN, NAN}, bad[] = {NAN, NAN, NAN, NAN};
    const float infinite[] = {2, 1, INFINITY, 5};
    for (uint32_t n = 1; n <= MOST; n++) { /* one part at each place, all others another */
        for (uint32_t at = 0; at < n; at++) {
            auto merged = [&](const float *part, const float *others) {
                std::vector<float> parts;
                for (uint32_t p = 0; p < n; p++)
                    parts.insert(parts.end(), p == at ? part : others,
                                 (p == at ? part : others) + DIM + 2);
                float v[DIM];
                sw_parts_merge<DIM>(v, parts.data(), 0, n, DIM);
                for (uint32_t c = 0; c < DIM; c++) {
                    float alone;
                    sw_parts_merge<1>(&alone, parts.data(), c, n, DIM);
                    assert_memory_equal(&alone, v + c, sizeof alone);
                }
                return std::vector<float>(v, v + DIM);
            };
            assert_true(merged(one, none) == (std::vector<float>{3, -4}));
            assert_true(isnan(merged(none, none)[0]));
            for (const float *part : {lost, bad}) {
                for (const float *others : {none, one})
                    assert_true(isnan(merged(part, others)[0]) && isnan(merged(part, others)[1]));
            }
            const std::vector<float> v = merged(infinite, one);
            assert_true(v[0] == INFINITY && isfinite(v[1]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),          cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_many_shapes),     cmocka_unit_test(test_left_for_o),
        cmocka_unit_test(test_long_prompts),    cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_infinite_scores), cmocka_unit_test(test_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
