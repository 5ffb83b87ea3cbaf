/*
 * quantization_dynamic8bit against the same arithmetic written out: integers as integers, sums in
 * int64, a loop per tensor, in the order an ONNX graph names its nodes. Norm, softmax and SiLU are
 * the scalar kernels (checked in tests/kernels), so that every bit must agree. And against itself:
 * threads, kernel levels and the other sequences of a call change no bit.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "base/cpu.h"
#include "base/random.h"
#include "support/greedy.h"

enum { SEED = 20261124, MAX_TOKENS = 64 };

/* layers,dim,hidden,heads,kv_heads,vocab,positions */
static const char *const shapes[] = {
    "synthetic:2,64,96,4,2,131,64",
    "synthetic:2,36,50,3,3,97,64",
    "synthetic:1,144,200,9,3,70,64",
    "synthetic:2,48,33,2,1,300,64",
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static const struct sw_backend_api *api(void)
{
    return sw_backend_find("base_cpu", NULL);
}

static struct sw_model *open_model(const char *name)
{
    struct sw_model_options options = {.seed = SEED};
    struct sw_model *model;
    struct sw_error err;
    if (sw_model_open(&model, name, &options, NULL, &err) != SW_OK)
        fail_msg("%s: %s", name, err.text);
    return model;
}

static struct sw_pool *open_pool(int n_threads)
{
    struct sw_pool_options options = {.n_threads = n_threads};
    struct sw_pool *pool;
    assert_int_equal(sw_pool_create(&pool, &options, NULL), SW_OK);
    return pool;
}

static struct sw_backend *open_backend(const struct sw_model *model, struct sw_pool *pool,
                                       size_t n_sequences)
{
    struct sw_backend_options options = {.strategy = SW_STRATEGY_DYNAMIC_8BIT,
                                         .pool = pool,
                                         .n_sequences = n_sequences,
                                         .max_positions = sw_model_config(model)->max_positions,
                                         .max_batch = 128,
                                         .max_logits = 128};
    struct sw_backend *backend;
    struct sw_error err;
    if (api()->open(&backend, model, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    return backend;
}

static int32_t token_id(size_t sequence, size_t position, size_t vocab_size)
{
    return (int32_t)(sw_random_at(SEED, sequence * 1000 + position) % vocab_size);
}

static void *room(size_t n, size_t size)
{
    void *p = calloc(n, size);
    assert_non_null(p);
    return p;
}

/* The reference. A tensor (n, width) in u8. */
struct quantised {
    float scale;
    int zero;
    int *value; /* (n * width) 0 to 255 */
};

static struct quantised quantise(const float *x, size_t n)
{
    struct quantised q = {.value = room(n, sizeof(int))};
    float min = 0, max = 0;
    for (size_t i = 0; i < n; i++) {
        min = fminf(min, x[i]);
        max = fmaxf(max, x[i]);
    }
    q.scale = (max - min) / 255;
    q.zero = (int)fminf(fmaxf(rintf(-min / q.scale), 0), 255);
    for (size_t i = 0; i < n; i++)
        q.value[i] = (int)fminf(fmaxf(rintf(x[i] / q.scale) + (float)q.zero, 0), 255);
    return q;
}

struct reference {
    const struct sw_config *c;
    const struct sw_weights *w;
    struct quantised table;
    float frequency[256];
    float *keys, *values; /* (n_layers, MAX_TOKENS, n_kv_heads * head_dim) */
    size_t n_seen;
};

/* out (n, rows) = x (n, columns) in u8 as one tensor, times the matrix in s8 by rows. */
static void product(float *out, const float *x, size_t n, const struct sw_tensor *matrix)
{
    size_t rows = matrix->n_rows, columns = matrix->n_cols;
    struct quantised q = quantise(x, n * columns);
    for (size_t r = 0; r < rows; r++) {
        float largest = 0;
        for (size_t c = 0; c < columns; c++)
            largest = fmaxf(largest, fabsf(sw_tensor_at(matrix, r * columns + c)));
        for (size_t i = 0; i < n; i++) {
            int64_t sum = 0;
            for (size_t c = 0; c < columns; c++)
                sum += (q.value[i * columns + c] - q.zero) *
                       (int)rintf(sw_tensor_at(matrix, r * columns + c) * (127 / largest));
            out[i * rows + r] = (float)sum * (q.scale * (largest / 127));
        }
    }
    free(q.value);
}

/* The same with the table, dequantised by its one scale. */
static void table_product(float *out, const float *x, size_t n, const struct reference *r)
{
    size_t rows = r->c->vocab_size, columns = r->c->dim;
    struct quantised q = quantise(x, n * columns);
    for (size_t i = 0; i < n * rows; i++) {
        int64_t sum = 0;
        for (size_t c = 0; c < columns; c++)
            sum += (q.value[i / rows * columns + c] - q.zero) *
                   (r->table.value[i % rows * columns + c] - r->table.zero);
        out[i] = (float)sum * (q.scale * r->table.scale);
    }
    free(q.value);
}

static void norm(float *y, const float *x, size_t n, const struct sw_tensor *weight,
                 const struct sw_config *c)
{
    float *weights = room(c->dim, sizeof *weights);
    sw_tensor_read(weights, weight, 0, c->dim);
    for (size_t i = 0; i < n; i++)
        sw_kernels_of(SW_CPU_SCALAR)
            ->rms_norm_f32(y + i * c->dim, x + i * c->dim, weights, c->dim, c->rms_eps);
    free(weights);
}

static void rotate(float *head, const struct reference *r, size_t position)
{
    size_t half = r->c->head_dim / 2;
    for (size_t i = 0; i < half; i++) {
        float angle = (float)position * r->frequency[i];
        float cosine = (float)cos((double)angle), sine = (float)sin((double)angle);
        float a = head[i], b = head[half + i];
        head[i] = a * cosine - b * sine;
        head[half + i] = b * cosine + a * sine;
    }
}

static void attend(float *out, const float *queries, size_t n, size_t layer,
                   const struct reference *r)
{
    const struct sw_config *c = r->c;
    size_t d = c->head_dim, heads = c->n_heads, width = c->n_kv_heads * d, end = r->n_seen + n;
    struct quantised q = quantise(queries, n * heads * d);
    struct quantised k = quantise(r->keys + layer * MAX_TOKENS * width, end * width);
    struct quantised v = quantise(r->values + layer * MAX_TOKENS * width, end * width);
    float *weights = room(n * heads * end, sizeof *weights);
    for (size_t i = 0; i < n * heads; i++) {
        size_t kv = i % heads / (heads / c->n_kv_heads), m = r->n_seen + i / heads + 1;
        float score[MAX_TOKENS];
        for (size_t p = 0; p < m; p++) {
            int64_t sum = 0;
            for (size_t j = 0; j < d; j++)
                sum += (q.value[i * d + j] - q.zero) * (k.value[p * width + kv * d + j] - k.zero);
            score[p] = (float)sum * (q.scale * k.scale);
        }
        float inverse = sw_kernels_of(SW_CPU_SCALAR)
                            ->softmax_f32(score, score, m, (float)(1 / sqrt((double)d)));
        for (size_t p = 0; p < m; p++)
            weights[i * end + p] = score[p] * inverse;
    }
    struct quantised w = quantise(weights, n * heads * end);
    for (size_t i = 0; i < n * heads; i++) {
        size_t kv = i % heads / (heads / c->n_kv_heads);
        for (size_t j = 0; j < d; j++) {
            int64_t sum = 0;
            for (size_t p = 0; p < end; p++)
                sum += (w.value[i * end + p] - w.zero) * (v.value[p * width + kv * d + j] - v.zero);
            out[i * d + j] = (float)sum * (w.scale * v.scale);
        }
    }
    free(weights);
    free(q.value);
    free(k.value);
    free(v.value);
    free(w.value);
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

/* n tokens behind those seen, in one call; logits (n, vocab_size). */
static void reference_call(float *logits, struct reference *r, const int32_t *ids, size_t n)
{
    const struct sw_config *c = r->c;
    size_t d = c->head_dim, width = c->n_kv_heads * d, dim = c->dim, hidden = c->hidden_dim;
    size_t wide = 2 * (dim + hidden + c->n_heads * d);
    float *x = room(n * dim, sizeof *x), *y = room(n * wide, sizeof *y);
    float *q = room(n * wide, sizeof *q), *up = room(n * wide, sizeof *up);
    for (size_t i = 0; i < n * dim; i++)
        x[i] = (float)(r->table.value[(size_t)ids[i / dim] * dim + i % dim] - r->table.zero) *
               r->table.scale;
    for (size_t l = 0; l < c->n_layers; l++) {
        const struct sw_layer_weights *w = &r->w->layers[l];
        float *keys = r->keys + (l * MAX_TOKENS + r->n_seen) * width;
        float *values = r->values + (l * MAX_TOKENS + r->n_seen) * width;
        norm(y, x, n, &w->attention_norm, c);
        product(q, y, n, &w->q);
        product(keys, y, n, &w->k);
        product(values, y, n, &w->v);
        for (size_t i = 0; i < n * c->n_heads; i++)
            rotate(q + i * d, r, r->n_seen + i / c->n_heads);
        for (size_t i = 0; i < n * c->n_kv_heads; i++)
            rotate(keys + i * d, r, r->n_seen + i / c->n_kv_heads);
        attend(up, q, n, l, r);
        product(y, up, n, &w->o);
        add(x, y, n * dim);
        norm(y, x, n, &w->mlp_norm, c);
        product(q, y, n, &w->gate);
        product(up, y, n, &w->up);
        for (size_t i = 0; i < n * hidden; i++) {
            float pair[32] = {q[i]}, out[16];
            pair[16] = up[i];
            sw_kernels_of(SW_CPU_SCALAR)->silu_mul_f32(out, 16, pair, 32, 1);
            q[i] = out[0];
        }
        product(y, q, n, &w->down);
        add(x, y, n * dim);
    }
    norm(y, x, n, &r->w->final_norm, c);
    if (r->w->head.data_view == r->w->embedding.data_view)
        table_product(logits, y, n, r);
    else
        product(logits, y, n, &r->w->head);
    r->n_seen += n;
    free(x);
    free(y);
    free(q);
    free(up);
}

static struct reference open_reference(const struct sw_model *model)
{
    struct reference r = {.c = sw_model_config(model), .w = sw_model_weights(model)};
    size_t n = r.c->vocab_size * r.c->dim;
    size_t cached = r.c->n_layers * MAX_TOKENS * r.c->n_kv_heads * r.c->head_dim;
    float *table = room(n, sizeof *table);
    sw_tensor_read(table, &r.w->embedding, 0, n);
    r.table = quantise(table, n);
    r.keys = room(cached, sizeof *r.keys);
    r.values = room(cached, sizeof *r.values);
    sw_config_rope_frequencies(r.frequency, r.c);
    free(table);
    return r;
}

static void close_reference(struct reference *r)
{
    free(r->table.value);
    free(r->keys);
    free(r->values);
}

/* How tokens are run. */
enum way { BY_FORWARD, BY_GREEDY };

/* Logits of n positions of a sequence: calls[0] tokens in the first call, and so on; the last entry
 * repeats. Ids are those of the sequence called name. By greedy, the logits are given, and what it
 * chooses is held against them. */
static void run_by(enum way way, float *logits, struct sw_backend *backend,
                   const struct sw_model *model, size_t name, uint32_t place, size_t n,
                   const size_t *calls, size_t n_calls)
{
    size_t vocab_size = sw_model_config(model)->vocab_size;
    struct sw_error err;
    api()->reset(backend, place);
    for (size_t i = 0, call = 0; i < n; call += call + 1 < n_calls) {
        struct sw_batch_token tokens[MAX_TOKENS];
        size_t m = n - i < calls[call] ? n - i : calls[call];
        for (size_t j = 0; j < m; j++)
            tokens[j] = (struct sw_batch_token){.id = token_id(name, i + j, vocab_size),
                                                .position = (uint32_t)(i + j),
                                                .sequence = place,
                                                .want_logits = true};
        double logprobs[MAX_TOKENS];
        if (way == BY_GREEDY)
            sw_test_check_greedy(api(), backend, tokens, m, logits + i * vocab_size, vocab_size,
                                 logprobs);
        else if (api()->forward(backend, tokens, m, logits + i * vocab_size, &err) != SW_OK)
            fail_msg("%s", err.text);
        i += m;
    }
}

static void run(float *logits, struct sw_backend *backend, const struct sw_model *model,
                size_t name, uint32_t place, size_t n, const size_t *calls, size_t n_calls)
{
    run_by(BY_FORWARD, logits, backend, model, name, place, n, calls, n_calls);
}

static void run_reference(float *logits, const struct sw_model *model, size_t n,
                          const size_t *calls, size_t n_calls)
{
    struct reference r = open_reference(model);
    size_t vocab_size = r.c->vocab_size;
    for (size_t i = 0, call = 0; i < n; call += call + 1 < n_calls) {
        int32_t ids[MAX_TOKENS];
        size_t m = n - i < calls[call] ? n - i : calls[call];
        for (size_t j = 0; j < m; j++)
            ids[j] = token_id(0, i + j, vocab_size);
        reference_call(logits + i * vocab_size, &r, ids, m);
        i += m;
    }
    close_reference(&r);
}

static float *logits_room(const struct sw_model *model, size_t n)
{
    return room(n * sw_model_config(model)->vocab_size, sizeof(float));
}

static void assert_same_bits(const float *a, const float *b, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("%s: float %zu is %a, not %a", what, i, (double)b[i], (double)a[i]);
    }
}

/* A prompt in one call, then three tokens, then one at a time. */
static void logits_equal_the_arithmetic_written_out(void **state)
{
    (void)state;
    enum { N = 40 };
    const size_t calls[] = {29, 3, 1};
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct sw_model *model = open_model(shapes[s]);
        struct sw_backend *backend = open_backend(model, NULL, 1);
        size_t n = N * sw_model_config(model)->vocab_size;
        float *logits = logits_room(model, N), *expected = logits_room(model, N);
        run(logits, backend, model, 0, 0, N, calls, 3);
        run_reference(expected, model, N, calls, 3);
        assert_same_bits(expected, logits, n, shapes[s]);
        free(logits);
        free(expected);
        api()->close(backend);
        sw_model_close(model);
    }
}

static void threads_and_levels_change_no_bit(void **state)
{
    (void)state;
    enum { N = 40 };
    const size_t calls[] = {29, 3, 1};
    const char *const levels[] = {"scalar",     "avx2", "avxvnni", "avx512",
                                  "avx512vnni", "neon", "neondot"};
    size_t n_compared = 0;
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct sw_model *model = open_model(shapes[s]);
        size_t n_logits = N * sw_model_config(model)->vocab_size;
        float *expected = logits_room(model, N), *logits = logits_room(model, N);
        setenv("SMOLWATT_ISA", "scalar", 1);
        struct sw_backend *backend = open_backend(model, NULL, 1);
        run(expected, backend, model, 0, 0, N, calls, 3);
        api()->close(backend);
        for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
            enum sw_cpu_level level;
            setenv("SMOLWATT_ISA", levels[l], 1);
            if (sw_cpu_level_detect(&level, NULL) != SW_OK ||
                strcmp(sw_cpu_level_name(level), levels[l]) != 0)
                continue; /* this machine lacks the level */
            for (int n_threads = 1; n_threads <= 3; n_threads++) {
                struct sw_pool *pool = open_pool(n_threads);
                backend = open_backend(model, pool, 1);
                memset(logits, 0xff, n_logits * sizeof *logits);
                run(logits, backend, model, 0, 0, N, calls, 3);
                assert_same_bits(expected, logits, n_logits, levels[l]);
                run_by(BY_GREEDY, logits, backend, model, 0, 0, N, calls, 3);
                api()->close(backend);
                sw_pool_destroy(pool);
                n_compared++;
            }
        }
        unsetenv("SMOLWATT_ISA");
        free(expected);
        free(logits);
        sw_model_close(model);
    }
    print_message("# %zu engines compared\n", n_compared);
    assert_true(n_compared >= 3 * N_SHAPES);
}

/* Three prompts in one call, one of them in two pieces, then a token of each at a time; the middle
 * one starts again half way, where an old range must be forgotten. */
static void other_sequences_change_no_bit(void **state)
{
    (void)state;
    enum { N = 30, N_SEQUENCES = 3 };
    const size_t lengths[N_SEQUENCES] = {11, 17, 3};
    struct sw_model *model = open_model(shapes[0]);
    size_t vocab_size = sw_model_config(model)->vocab_size, n = 0;
    struct sw_pool *pool = open_pool(2);
    struct sw_backend *backend = open_backend(model, pool, N_SEQUENCES);
    float *expected = logits_room(model, N * 4), *logits = logits_room(model, 128);
    for (size_t q = 0; q < N_SEQUENCES + 1; q++) {
        const size_t calls[] = {q < N_SEQUENCES ? lengths[q] : 5, 1};
        run(expected + q * N * vocab_size, backend, model, q, 0, N, calls, 2);
    }
    size_t names[N_SEQUENCES] = {0, 1, 2}, seen[N_SEQUENCES] = {0}, left[N_SEQUENCES];
    memcpy(left, lengths, sizeof left);
    for (uint32_t q = 0; q < N_SEQUENCES; q++)
        api()->reset(backend, q);
    for (int call = 0; call < 13; call++) {
        struct sw_batch_token tokens[128];
        struct sw_error err;
        if (call == 6) {
            api()->reset(backend, 1);
            names[1] = 3;
            seen[1] = 0;
            left[1] = 5;
        }
        n = 0;
        for (size_t piece = 0; piece < 2 * N_SEQUENCES; piece++) {
            size_t q = piece % N_SEQUENCES;
            size_t m = q == 0 && piece == 0 ? left[q] / 2 : left[q];
            for (size_t i = 0; i < m; i++, left[q]--)
                tokens[n++] = (struct sw_batch_token){.id = token_id(names[q], seen[q], vocab_size),
                                                      .position = (uint32_t)seen[q]++,
                                                      .sequence = (uint32_t)q,
                                                      .want_logits = n % 3 != 1};
        }
        if (api()->forward(backend, tokens, n, logits, &err) != SW_OK)
            fail_msg("%s", err.text);
        const float *next = logits;
        for (size_t i = 0; i < n; i++) {
            if (!tokens[i].want_logits)
                continue;
            size_t at = names[tokens[i].sequence] * N + tokens[i].position;
            assert_same_bits(expected + at * vocab_size, next, vocab_size, "in a batch");
            next += vocab_size;
        }
        for (size_t q = 0; q < N_SEQUENCES; q++)
            left[q] = 1;
    }
    free(expected);
    free(logits);
    api()->close(backend);
    sw_pool_destroy(pool);
    sw_model_close(model);
}

static void what_runs_is_described(void **state)
{
    (void)state;
    struct sw_model *model = open_model("synthetic:1,64,96,2,1,128,64");
    struct sw_backend *backend = open_backend(model, NULL, 1);
    struct sw_backend_info info;
    api()->describe(backend, &info);
    assert_string_equal(info.arithmetic, "dynamic_u8s8");
    assert_string_equal(info.weight_dtype, "s8, embedding and head u8");
    assert_string_equal(info.compute_dtype, "u8 x s8");
    /* A byte a weight, 8 bytes for a row's scale and sum, the norms, and a row of the table. */
    size_t weights = 128 * 64 + 128 * 64 + 64 * 64 + 3 * 64 * 96;
    size_t rows = 128 + 128 + 64 + 2 * 96 + 64;
    assert_int_equal(info.weight_bytes_per_token, weights + 8 * rows + 3 * 64 * 4 + 64 * 4);
    assert_true(sw_strategy_needs_whole_prompts(SW_STRATEGY_DYNAMIC_8BIT));
    assert_false(sw_strategy_needs_whole_prompts(SW_STRATEGY_8BIT));
    api()->close(backend);
    sw_model_close(model);
}

int main(void)
{
    unsetenv("SMOLWATT_ISA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_equal_the_arithmetic_written_out),
        cmocka_unit_test(threads_and_levels_change_no_bit),
        cmocka_unit_test(other_sequences_change_no_bit),
        cmocka_unit_test(what_runs_is_described),
    };
    return cmocka_run_group_tests_name("dynamic8", tests, NULL, NULL);
}
