/*
 * base_cpu against a plain Llama in double precision, written here from the definition; and against
 * itself: however a batch is cut, mixed or shared out over threads, every bit is the same.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "backend/backend.h"
#include "base/cpu.h"
#include "base/random.h"
#include "support/greedy.h"

enum { SEED = 20261123, MAX_BATCH = 128 };

/* Shapes that stress tails: head sizes that are no multiple of 16, odd vocabularies, groups of 1 to
 * 9, sizes below one tile. layers,dim,hidden,heads,kv_heads,vocab,positions */
static const char *const shapes[] = {
    "synthetic:2,64,96,4,2,131,64",  "synthetic:3,36,50,3,3,97,64", "synthetic:1,144,200,9,3,70,64",
    "synthetic:2,48,33,2,1,1000,64", "synthetic:1,8,5,1,1,17,64",   "synthetic:2,90,100,9,1,64,64",
    "synthetic:1,160,64,4,4,48,64",
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static struct sw_model *open_model(const char *name)
{
    struct sw_model_options options = {.seed = SEED};
    struct sw_model *model;
    struct sw_error err;
    if (sw_model_open(&model, name, &options, NULL, &err) != SW_OK)
        fail_msg("%s: %s", name, err.text);
    return model;
}

static const struct sw_backend_api *api(void)
{
    return sw_backend_find("base_cpu", NULL);
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
    struct sw_backend_options options = {.pool = pool,
                                         .n_sequences = n_sequences,
                                         .max_positions = sw_model_config(model)->max_positions,
                                         .max_batch = MAX_BATCH,
                                         .max_logits = MAX_BATCH};
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

static struct sw_batch_token token_of(const struct sw_model *model, size_t sequence,
                                      size_t position)
{
    size_t vocab_size = sw_model_config(model)->vocab_size;
    return (struct sw_batch_token){.id = token_id(sequence, position, vocab_size),
                                   .position = (uint32_t)position,
                                   .sequence = (uint32_t)sequence,
                                   .want_logits = true};
}

/* A block: at most block tokens of positions begin to n - 1. Tokens take their ids from the
 * sequence called name, whatever place they have in the cache. Returns how many there are. */
static size_t take_block(struct sw_batch_token tokens[MAX_BATCH], const struct sw_model *model,
                         size_t name, uint32_t place, size_t begin, size_t n, size_t block)
{
    size_t m = n - begin < block ? n - begin : block;
    for (size_t i = 0; i < m; i++) {
        tokens[i] = token_of(model, name, begin + i);
        tokens[i].sequence = place;
    }
    return m;
}

/* Logits of positions 0 to n - 1 of one sequence, run in blocks of block tokens. */
static void run(float *logits, struct sw_backend *backend, const struct sw_model *model,
                size_t name, uint32_t place, size_t n, size_t block)
{
    struct sw_batch_token tokens[MAX_BATCH];
    struct sw_error err;
    size_t vocab_size = sw_model_config(model)->vocab_size;
    api()->reset(backend, place);
    for (size_t i = 0; i < n; i += block) {
        size_t m = take_block(tokens, model, name, place, i, n, block);
        if (api()->forward(backend, tokens, m, logits + i * vocab_size, &err) != SW_OK)
            fail_msg("%s", err.text);
    }
}

/* The same by greedy; logprobs (n) out, or NULL. */
static void check_greedy(const float *logits, double *logprobs, struct sw_backend *backend,
                         const struct sw_model *model, size_t n, size_t block)
{
    struct sw_batch_token tokens[MAX_BATCH];
    size_t vocab_size = sw_model_config(model)->vocab_size;
    api()->reset(backend, 0);
    for (size_t i = 0; i < n; i += block) {
        size_t m = take_block(tokens, model, 0, 0, i, n, block);
        sw_test_check_greedy(api(), backend, tokens, m, logits + i * vocab_size, vocab_size,
                             logprobs != NULL ? logprobs + i : NULL);
    }
}

/* The reference: one sequence, everything in double, no cache layout, no tricks. */

static void reference_norm(double *y, const double *x, const struct sw_tensor *weight, size_t n,
                           double eps)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] / sqrt(sum / (double)n + eps) * (double)sw_tensor_at(weight, i);
}

static void reference_product(double *y, const struct sw_tensor *matrix,
                              const struct sw_tensor *bias, const double *x)
{
    for (size_t r = 0; r < matrix->n_rows; r++) {
        y[r] = bias != NULL && bias->data_view != NULL ? (double)sw_tensor_at(bias, r) : 0;
        for (size_t c = 0; c < matrix->n_cols; c++)
            y[r] += (double)sw_tensor_at(matrix, r * matrix->n_cols + c) * x[c];
    }
}

static void reference_rotate(double *head, size_t head_dim, const float *frequency, size_t position)
{
    size_t half = head_dim / 2;
    for (size_t i = 0; i < half; i++) {
        double angle = (double)((float)position * frequency[i]);
        double a = head[i], b = head[half + i];
        head[i] = a * cos(angle) - b * sin(angle);
        head[half + i] = b * cos(angle) + a * sin(angle);
    }
}

enum { MAX_WIDTH = 1024, MAX_POSITIONS = 64 };

struct reference {
    const struct sw_config *c;
    const struct sw_weights *w;
    float frequency[MAX_WIDTH];
    double *keys, *values; /* (n_layers, MAX_POSITIONS, n_kv_heads * head_dim) */
};

static void reference_attend(double *out, const struct reference *r, const double *q, size_t layer,
                             size_t position)
{
    const struct sw_config *c = r->c;
    size_t width = c->n_kv_heads * c->head_dim, d = c->head_dim;
    const double *keys = r->keys + layer * MAX_POSITIONS * width;
    const double *values = r->values + layer * MAX_POSITIONS * width;
    for (size_t h = 0; h < c->n_heads; h++) {
        size_t kv = h / (c->n_heads / c->n_kv_heads);
        double weights[MAX_POSITIONS], sum = 0;
        for (size_t p = 0; p <= position; p++) {
            double score = 0;
            for (size_t i = 0; i < d; i++)
                score += q[h * d + i] * keys[p * width + kv * d + i];
            sum += weights[p] = exp(score / sqrt((double)d));
        }
        for (size_t i = 0; i < d; i++) {
            out[h * d + i] = 0;
            for (size_t p = 0; p <= position; p++)
                out[h * d + i] += weights[p] / sum * values[p * width + kv * d + i];
        }
    }
}

static void reference_token(double *logits, struct reference *r, int32_t id, size_t position)
{
    const struct sw_config *c = r->c;
    double x[MAX_WIDTH], y[MAX_WIDTH], q[MAX_WIDTH], out[MAX_WIDTH], up[MAX_WIDTH];
    size_t width = c->n_kv_heads * c->head_dim, d = c->head_dim;
    for (size_t i = 0; i < c->dim; i++)
        x[i] = (double)sw_tensor_at(&r->w->embedding, (size_t)id * c->dim + i);
    for (size_t l = 0; l < c->n_layers; l++) {
        const struct sw_layer_weights *w = &r->w->layers[l];
        double *key = r->keys + (l * MAX_POSITIONS + position) * width;
        double *value = r->values + (l * MAX_POSITIONS + position) * width;
        reference_norm(y, x, &w->attention_norm, c->dim, (double)c->rms_eps);
        reference_product(q, &w->q, &w->q_bias, y);
        reference_product(key, &w->k, &w->k_bias, y);
        reference_product(value, &w->v, &w->v_bias, y);
        for (size_t h = 0; h < c->n_heads; h++)
            reference_rotate(q + h * d, d, r->frequency, position);
        for (size_t h = 0; h < c->n_kv_heads; h++)
            reference_rotate(key + h * d, d, r->frequency, position);
        reference_attend(out, r, q, l, position);
        reference_product(y, &w->o, &w->o_bias, out);
        for (size_t i = 0; i < c->dim; i++)
            x[i] += y[i];
        reference_norm(y, x, &w->mlp_norm, c->dim, (double)c->rms_eps);
        reference_product(q, &w->gate, &w->gate_bias, y);
        reference_product(up, &w->up, &w->up_bias, y);
        for (size_t i = 0; i < c->hidden_dim; i++)
            q[i] = q[i] / (1 + exp(-q[i])) * up[i];
        reference_product(y, &w->down, &w->down_bias, q);
        for (size_t i = 0; i < c->dim; i++)
            x[i] += y[i];
    }
    reference_norm(y, x, &r->w->final_norm, c->dim, (double)c->rms_eps);
    reference_product(logits, &r->w->head, NULL, y);
}

/* Largest difference against the reference, relative to the largest logit of the sequence. */
static double difference_from_reference(const float *logits, const struct sw_model *model,
                                        size_t sequence, size_t n)
{
    const struct sw_config *c = sw_model_config(model);
    size_t cached = c->n_layers * MAX_POSITIONS * c->n_kv_heads * c->head_dim;
    struct reference r = {.c = c, .w = sw_model_weights(model)};
    double worst = 0, largest = 0, *expected = calloc(c->vocab_size, sizeof *expected);
    r.keys = calloc(cached, sizeof *r.keys);
    r.values = calloc(cached, sizeof *r.values);
    assert_true(expected != NULL && r.keys != NULL && r.values != NULL);
    sw_config_rope_frequencies(r.frequency, c);
    for (size_t p = 0; p < n; p++) {
        reference_token(expected, &r, token_id(sequence, p, c->vocab_size), p);
        for (size_t i = 0; i < c->vocab_size; i++) {
            double error = fabs((double)logits[p * c->vocab_size + i] - expected[i]);
            worst = error > worst || isnan(error) ? error : worst;
            largest = fmax(largest, fabs(expected[i]));
        }
    }
    free(expected);
    free(r.keys);
    free(r.values);
    assert_true(largest > 0);
    return worst / largest;
}

static float *logits_room(const struct sw_model *model, size_t n)
{
    float *logits = malloc(n * sw_model_config(model)->vocab_size * sizeof *logits);
    assert_non_null(logits);
    return logits;
}

static void logits_equal_a_plain_llama_in_double(void **state)
{
    (void)state;
    enum { N = 37 };
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct sw_model *model = open_model(shapes[s]);
        struct sw_backend *backend = open_backend(model, NULL, 1);
        float *logits = logits_room(model, N);
        run(logits, backend, model, 0, 0, N, N);
        double difference = difference_from_reference(logits, model, 0, N);
        print_message("# %s: largest difference %.2g of the largest logit\n", shapes[s],
                      difference);
        assert_true(difference < 1e-5);
        free(logits);
        api()->close(backend);
        sw_model_close(model);
    }
}

static void assert_same_bits(const float *a, const float *b, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("%s: float %zu is %a, not %a", what, i, (double)b[i], (double)a[i]);
    }
}

static void threads_and_blocks_change_no_bit(void **state)
{
    (void)state;
    enum { N = 41 };
    const int n_threads[] = {1, 2, 3, 5};
    const size_t blocks[] = {1, 2, 4, 5, 7, 16, 41};
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct sw_model *model = open_model(shapes[s]);
        size_t n_logits = N * sw_model_config(model)->vocab_size;
        float *expected = logits_room(model, N), *logits = logits_room(model, N);
        struct sw_backend *backend = open_backend(model, NULL, 1);
        run(expected, backend, model, 0, 0, N, 1);
        double logprobs[N], more_logprobs[N];
        check_greedy(expected, logprobs, backend, model, N, 1);
        api()->close(backend);
        for (size_t t = 0; t < 4; t++) {
            struct sw_pool *pool = open_pool(n_threads[t]);
            backend = open_backend(model, pool, 1);
            for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
                memset(logits, 0xff, n_logits * sizeof *logits);
                run(logits, backend, model, 0, 0, N, blocks[i]);
                assert_same_bits(expected, logits, n_logits, shapes[s]);
                bool wants_logprobs = i % 2 == 0;
                memset(more_logprobs, 0xff, sizeof more_logprobs);
                check_greedy(expected, wants_logprobs ? more_logprobs : NULL, backend, model, N,
                             blocks[i]);
                if (wants_logprobs)
                    assert_memory_equal(logprobs, more_logprobs, sizeof logprobs);
            }
            api()->close(backend);
            sw_pool_destroy(pool);
        }
        free(expected);
        free(logits);
        sw_model_close(model);
    }
}

#if defined(__x86_64__)
static void every_level_gives_the_same_bits(void **state)
{
    (void)state;
    enum { N = 21 };
    const char *const levels[] = {"scalar", "avx2",       "avxvnni",
                                  "avx512", "avx512vnni", "avx512bf16"};
    size_t n_levels = 0;
    double logprobs[N], more_logprobs[N];
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct sw_model *model = open_model(shapes[s]);
        size_t n_logits = N * sw_model_config(model)->vocab_size;
        float *expected = logits_room(model, N), *logits = logits_room(model, N);
        for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
            setenv("SMOLWATT_ISA", levels[l], 1);
            struct sw_backend *backend = open_backend(model, NULL, 1);
            struct sw_backend_info info;
            api()->describe(backend, &info);
            if (strcmp(info.isa, levels[l]) == 0) { /* else this machine lacks the level */
                n_levels++;
                run(l == 0 ? expected : logits, backend, model, 0, 0, N, 8);
                assert_same_bits(expected, l == 0 ? expected : logits, n_logits, levels[l]);
                check_greedy(expected, l == 0 ? logprobs : more_logprobs, backend, model, N, 8);
                if (l > 0)
                    assert_memory_equal(logprobs, more_logprobs, sizeof logprobs);
            }
            api()->close(backend);
        }
        unsetenv("SMOLWATT_ISA");
        free(expected);
        free(logits);
        sw_model_close(model);
    }
    print_message("# %zu engines compared\n", n_levels);
    assert_true(n_levels >= N_SHAPES);
}
#endif

/* One position after the other of one sequence, which is called name, in the place of that number;
 * another one in each place beside it. Bits as expected. */
static void check_decode(const float *expected, struct sw_backend *backend,
                         const struct sw_model *model, size_t name, size_t place, size_t n_places,
                         size_t n, float *row)
{
    size_t vocab_size = sw_model_config(model)->vocab_size;
    struct sw_error err;
    for (size_t p = 0; p < n_places; p++)
        api()->reset(backend, (uint32_t)p);
    for (size_t i = 0; i < n; i++) {
        struct sw_batch_token tokens[MAX_BATCH];
        for (size_t p = 0; p < n_places; p++) {
            tokens[p] = token_of(model, p == place ? name : name + 1 + p, i);
            tokens[p].sequence = (uint32_t)p;
            tokens[p].want_logits = p == place;
        }
        if (api()->forward(backend, tokens, n_places, row, &err) != SW_OK)
            fail_msg("%s", err.text);
        assert_same_bits(expected + i * vocab_size, row, vocab_size, "decode");
    }
}

/* Tiles of positions are filled, left in the middle and filled again by another sequence, prompts
 * of more rows than a pass of many sequences has, and enough positions and columns of a head for
 * four tiles at once: each against a backend that has seen nothing, in one thread. */
static void places_are_used_again(void **state)
{
    (void)state;
    enum { N = 110, N_PLACES = 6, JUNK = 23, NAME = 40 };
    static const char *const models[] = {"synthetic:2,192,64,3,1,64,160",
                                         "synthetic:1,36,50,3,3,97,160"};
    const size_t lengths[] = {N, 5, 16, 17, 33};
    for (size_t s = 0; s < sizeof models / sizeof *models; s++) {
        struct sw_model *model = open_model(models[s]);
        size_t vocab_size = sw_model_config(model)->vocab_size;
        float *expected = logits_room(model, N), *logits = logits_room(model, N);
        setenv("SMOLWATT_ISA", "scalar", 1);
        struct sw_backend *backend = open_backend(model, NULL, 1);
        unsetenv("SMOLWATT_ISA");
        run(expected, backend, model, NAME, 0, N, 7);
        api()->close(backend);
        for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
            struct sw_pool *pool = open_pool(n_threads);
            backend = open_backend(model, pool, N_PLACES);
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
                size_t n = lengths[i];
                for (uint32_t p = 0; p < N_PLACES; p++)
                    run(logits, backend, model, p, p, JUNK, 5);
                run(logits, backend, model, NAME, 2, n, MAX_BATCH);
                assert_same_bits(expected, logits, n * vocab_size, "prompt");
                check_decode(expected, backend, model, NAME, 0, 1, n, logits);
                check_decode(expected, backend, model, NAME, 3, N_PLACES, n, logits);
            }
            api()->close(backend);
            sw_pool_destroy(pool);
        }
        free(expected);
        free(logits);
        sw_model_close(model);
    }
}

/* Three sequences advance at random, in random order within a batch, prefill and decode alike. */
static void mixed_batches_equal_one_sequence_at_a_time(void **state)
{
    (void)state;
    enum { N = 40, N_SEQUENCES = 3 };
    struct sw_random random = {.seed = SEED};
    print_message("# seed %d\n", SEED);
    for (size_t s = 0; s < N_SHAPES; s++) {
        struct sw_model *model = open_model(shapes[s]);
        size_t vocab_size = sw_model_config(model)->vocab_size;
        struct sw_pool *pool = open_pool(2);
        struct sw_backend *backend = open_backend(model, pool, N_SEQUENCES);
        struct sw_backend *chooser = open_backend(model, pool, N_SEQUENCES); /* by greedy */
        float *expected = logits_room(model, N * N_SEQUENCES), *logits = logits_room(model, 64);
        for (size_t q = 0; q < N_SEQUENCES; q++)
            run(expected + q * N * vocab_size, backend, model, q, 0, N, 1);
        for (uint32_t q = 0; q < N_SEQUENCES; q++)
            api()->reset(backend, q);

        size_t n_seen[N_SEQUENCES] = {0}, n_left = N * N_SEQUENCES;
        while (n_left > 0) {
            struct sw_batch_token tokens[MAX_BATCH];
            size_t n = 0, n_most = 1 + sw_random_below(&random, 20);
            while (n < n_most && n_left > 0) {
                size_t q = sw_random_below(&random, N_SEQUENCES);
                size_t length = 1 + sw_random_below(&random, 6);
                for (; length > 0 && n < n_most && n_seen[q] < N; length--, n_left--) {
                    tokens[n] = token_of(model, q, n_seen[q]++);
                    tokens[n++].want_logits = sw_random_below(&random, 3) > 0;
                }
            }
            assert_int_equal(api()->forward(backend, tokens, n, logits, NULL), SW_OK);
            double logprobs[64];
            sw_test_check_greedy(api(), chooser, tokens, n, logits, vocab_size, logprobs);
            const float *next = logits;
            for (size_t i = 0; i < n; i++) {
                if (!tokens[i].want_logits)
                    continue;
                size_t at = tokens[i].sequence * N + tokens[i].position;
                assert_same_bits(expected + at * vocab_size, next, vocab_size, shapes[s]);
                next += vocab_size;
            }
        }
        free(expected);
        free(logits);
        api()->close(backend);
        api()->close(chooser);
        sw_pool_destroy(pool);
        sw_model_close(model);
    }
}

/* A head of its own: its rows repeat after some, and the first weight of others is changed. */
struct changed_head {
    size_t period, n_nan; /* that many rows from the first become NaN */
    size_t first, end;    /* rows whose first weight becomes: */
    float weight;
};

/* Equals in other pairs of tiles; a NaN or an infinity among other logits, or in place of all. */
static void greedy_passes_over_what_is_no_number(void **state)
{
    (void)state;
    enum { N = 41, VOCAB = 131, DIM = 64, PAIR = 2 * 16 };
    static float head[VOCAB * DIM], logits[N * VOCAB];
    static const struct changed_head cases[] = {
        {.period = 40}, /* a logit four times, in other pairs */
        {.period = 1},
        {.period = VOCAB, .first = 40, .end = 41, .weight = NAN},
        {.period = VOCAB, .n_nan = PAIR},
        {.period = VOCAB, .first = 100, .end = VOCAB, .weight = NAN},
        /* Infinite, with an activation's sign or the other one: a pair, one, all but a pair. */
        {.period = VOCAB, .first = PAIR, .end = 2 * PAIR, .weight = INFINITY},
        {.period = VOCAB, .first = 50, .end = 51, .weight = -INFINITY},
        {.period = VOCAB, .n_nan = PAIR, .first = PAIR, .end = VOCAB, .weight = INFINITY},
        {.period = VOCAB, .n_nan = PAIR, .first = PAIR, .end = VOCAB, .weight = -INFINITY},
        {.period = VOCAB, .n_nan = VOCAB},
    };
    size_t n_numbers = 0, n_nan = 0, n_none = 0;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct sw_model *model = open_model(shapes[0]);
        assert_true(sw_model_config(model)->vocab_size == VOCAB &&
                    sw_model_config(model)->dim == DIM);
        for (size_t i = 0; i < VOCAB * DIM; i++)
            head[i] = (float)(sw_random_at(SEED, i % (cases[c].period * DIM)) % 2001) / 1000 - 1;
        for (size_t r = cases[c].first; r < cases[c].end; r++)
            head[r * DIM] = cases[c].weight;
        for (size_t r = 0; r < cases[c].n_nan; r++)
            head[r * DIM] = NAN;
        ((struct sw_weights *)(uintptr_t)sw_model_weights(model))->head =
            (struct sw_tensor){head, VOCAB, DIM, SW_F32};
        struct sw_pool *pool = open_pool(2);
        struct sw_backend *backend = open_backend(model, pool, 1);
        double logprobs[N];
        run(logits, backend, model, 0, 0, N, N);
        check_greedy(logits, logprobs, backend, model, N, N);
        for (size_t i = 0; i < N; i++) {
            n_none += sw_argmax(logits + i * VOCAB, VOCAB) < 0 ? 1 : 0;
            n_nan += isnan(logprobs[i]) ? 1 : 0;
            n_numbers += isnan(logprobs[i]) ? 0 : 1;
        }
        api()->close(backend);
        sw_pool_destroy(pool);
        sw_model_close(model);
    }
    print_message("# %zu ids with a probability, %zu without; %zu times no id\n", n_numbers,
                  n_nan - n_none, n_none);
    assert_true(n_numbers > 2 * N + 10 && n_nan > 5 * N && n_none == N);
}

static void refused(struct sw_backend *backend, struct sw_batch_token token, const char *text)
{
    float logits[256];
    struct sw_error err = {0};
    assert_int_equal(api()->forward(backend, &token, 1, logits, &err), SW_EUSAGE);
    assert_string_equal(err.text, text);
    int32_t id;
    err.text[0] = 0;
    assert_int_equal(api()->greedy(backend, &token, 1, &id, NULL, &err), SW_EUSAGE);
    assert_string_equal(err.text, text);
}

static void bad_tokens_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct sw_model *model = open_model(shapes[0]);
    struct sw_backend *backend = open_backend(model, NULL, 2);
    float expected[131], logits[131];
    struct sw_batch_token good = {.id = 3, .want_logits = true}, bad = good;
    assert_int_equal(api()->forward(backend, &good, 1, expected, NULL), SW_OK);
    refused(backend, good, "token 0: position 0 of sequence 0: 1 comes next");
    bad.id = -1;
    refused(backend, bad, "token 0: id -1 is not in 0 to 130");
    bad.id = 131;
    refused(backend, bad, "token 0: id 131 is not in 0 to 130");
    bad = good;
    bad.sequence = 2;
    refused(backend, bad, "token 0: sequence 2 is not in 0 to 1");
    bad = good;
    bad.position = 64;
    refused(backend, bad, "token 0: position 64 is not in 0 to 63");
    bad.position = 2;
    refused(backend, bad, "token 0: position 2 of sequence 0: 1 comes next");

    struct sw_error err;
    struct sw_batch_token two[2] = {{.id = 1, .sequence = 1}, {.id = 999, .sequence = 1}};
    assert_int_equal(api()->forward(backend, two, 2, logits, &err), SW_EUSAGE);
    assert_string_equal(err.text, "token 1: id 999 is not in 0 to 130");
    assert_int_equal(api()->forward(backend, two, 0, logits, &err), SW_EUSAGE);
    assert_string_equal(err.text, "a batch of 0 tokens: from 1 to 128");
    assert_int_equal(api()->forward(backend, two, 129, logits, &err), SW_EUSAGE);
    assert_string_equal(err.text, "a batch of 129 tokens: from 1 to 128");

    /* Sequence 1 is as if nothing had been tried: the same token gives what sequence 0 got. */
    good.sequence = 1;
    assert_int_equal(api()->forward(backend, &good, 1, logits, &err), SW_OK);
    assert_same_bits(expected, logits, 131, "after refusals");
    api()->reset(backend, 0);
    good.sequence = 0;
    assert_int_equal(api()->forward(backend, &good, 1, logits, &err), SW_OK);
    assert_same_bits(expected, logits, 131, "after reset");
    api()->reset(backend, 77); /* no such sequence: nothing happens */
    api()->close(backend);
    sw_model_close(model);
}

static void more_logits_than_asked_for_at_open_are_refused(void **state)
{
    (void)state;
    struct sw_model *model = open_model(shapes[0]);
    struct sw_backend_options options = {
        .n_sequences = 1, .max_positions = 8, .max_batch = 4, .max_logits = 1};
    struct sw_backend *backend;
    struct sw_error err;
    assert_int_equal(api()->open(&backend, model, &options, &err), SW_OK);
    struct sw_batch_token tokens[2] = {token_of(model, 0, 0), token_of(model, 0, 1)};
    float logits[2 * 131];
    assert_int_equal(api()->forward(backend, tokens, 2, logits, &err), SW_EUSAGE);
    assert_string_equal(err.text, "logits of 2 tokens: room for 1");
    assert_int_equal(api()->forward(backend, tokens, 1, NULL, &err), SW_EUSAGE);
    assert_string_equal(err.text, "logits of 1 tokens: room for 0");
    int32_t ids[2];
    double logprobs[2];
    assert_int_equal(api()->greedy(backend, tokens, 2, ids, logprobs, &err), SW_EUSAGE);
    assert_string_equal(err.text, "logits of 2 tokens: room for 1");
    assert_int_equal(api()->greedy(backend, tokens, 1, NULL, logprobs, &err), SW_EUSAGE);
    assert_string_equal(err.text, "logits of 1 tokens: room for 0");
    /* Nobody has to take what nobody wants. */
    tokens[0].want_logits = false;
    assert_int_equal(api()->greedy(backend, tokens, 1, NULL, NULL, &err), SW_OK);
    assert_int_equal(api()->greedy(backend, tokens + 1, 1, ids, NULL, &err), SW_OK);
    api()->close(backend);
    sw_model_close(model);
}

static void what_cannot_run_is_refused_by_name(void **state)
{
    (void)state;
    struct sw_model *model = open_model(shapes[0]);
    struct sw_backend *backend;
    struct sw_error err;
    struct sw_backend_options options = {
        .n_sequences = 1, .max_positions = 64, .max_batch = 1, .max_logits = 1};
    const enum sw_strategy refused[] = {SW_STRATEGY_8BIT_W8A8, SW_STRATEGY_STUDY_FP4};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        options.strategy = refused[i];
        assert_int_equal(api()->open(&backend, model, &options, &err), SW_EUNSUPPORTED);
        assert_null(backend);
        assert_non_null(strstr(err.text, sw_strategy_name(options.strategy)));
    }
    options.strategy = SW_STRATEGY_NONE;
    options.max_positions = 65;
    assert_int_equal(api()->open(&backend, model, &options, &err), SW_EUSAGE);
    assert_string_equal(err.text, "base_cpu: 65 positions: the model has 1 to 64");
    options.max_positions = 64;
    options.max_batch = 0;
    assert_int_equal(api()->open(&backend, model, &options, &err), SW_EUSAGE);
    options.max_batch = SIZE_MAX / 8;
    assert_int_equal(api()->open(&backend, model, &options, &err), SW_ENOMEM);
    assert_non_null(strstr(err.text, "base_cpu: buffers of a batch"));
    options.max_batch = 1;
    options.n_sequences = UINT32_MAX;
    assert_int_equal(api()->open(&backend, model, &options, &err), SW_ENOMEM);
    assert_non_null(strstr(err.text, "base_cpu: KV cache"));
    sw_model_close(model);
}

static void names_are_the_studys(void **state)
{
    (void)state;
    enum sw_strategy strategy;
    struct sw_error err;
    assert_true(sw_strategy_parse(&strategy, "quantization8bit"));
    assert_int_equal(strategy, SW_STRATEGY_8BIT);
    assert_string_equal(sw_strategy_name(SW_STRATEGY_DYNAMIC_16BIT), "quantization");
    assert_false(sw_strategy_parse(&strategy, "quantization9bit"));
    assert_false(sw_strategy_parse(&strategy, ""));
    assert_string_equal(sw_backend_find("base_cpu", &err)->name, "base_cpu");
    assert_string_equal(sw_backend_find("base_gpu", &err)->name, "base_gpu");
    assert_string_equal(sw_backend_find("onnx_cpu", &err)->name, "onnx_cpu");
    assert_string_equal(sw_backend_find("onnx_gpu", &err)->name, "onnx_gpu");
    assert_null(sw_backend_find("tpu", &err));
    assert_int_equal(err.code, SW_EUSAGE);
    assert_string_equal(err.text, "unknown backend 'tpu' (base_cpu, base_gpu, onnx_cpu, onnx_gpu)");
}

static void what_runs_is_described(void **state)
{
    (void)state;
    struct sw_model *model = open_model("synthetic:2,64,96,2,1,128,64");
    struct sw_backend *backend = open_backend(model, NULL, 1);
    struct sw_backend_info info;
    api()->describe(backend, &info);
    /* No padding in this shape: all parameters once, the tied matrix as head, one row of it. */
    uint64_t n = sw_config_n_parameters(sw_model_config(model));
    assert_int_equal(info.weight_bytes_per_token, n * 4 + 64 * 4);
    assert_true(info.packed_bytes >= n * 4);
    /* Keys and values of 64 positions, and a tile of keys that are not packed yet. */
    assert_int_equal(info.cache_bytes, 2 * (2 * 64 + 16) * 32 * 4);
    assert_string_equal(info.backend, "base_cpu");
    assert_string_equal(info.arithmetic, "f32");
    api()->close(backend);
    sw_model_close(model);
}

/* Which of the two is faster is the machine's business; what was asked for is not. */
static void how_bf16_is_multiplied_can_be_said(void **state)
{
    (void)state;
    bool has_native = sw_cpu_level_machine() == SW_CPU_AVX512_BF16;
    struct sw_model *model = open_model(shapes[0]);
    struct sw_backend_options options = {.strategy = SW_STRATEGY_16BIT,
                                         .n_sequences = 1,
                                         .max_positions = 64,
                                         .max_batch = 1,
                                         .max_logits = 1};
    const char *const asked[] = {"widened", "native", ""};
    struct sw_backend *backend;
    struct sw_backend_info info;
    struct sw_error err;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        setenv("SMOLWATT_BF16", asked[i], 1);
        assert_int_equal(api()->open(&backend, model, &options, &err), SW_OK);
        api()->describe(backend, &info);
        if (i == 0 || !has_native)
            assert_string_equal(info.compute_dtype, "f32");
        else if (i == 1)
            assert_string_equal(info.compute_dtype, "bf16");
        else
            print_message("# faster here: %s\n", info.compute_dtype);
        api()->close(backend);
    }
    setenv("SMOLWATT_BF16", "yes", 1);
    assert_int_equal(api()->open(&backend, model, &options, &err), SW_EUSAGE);
    assert_null(backend);
    assert_string_equal(err.text, "SMOLWATT_BF16: 'yes' is neither native nor widened");
    options.strategy = SW_STRATEGY_NONE; /* to which it means nothing */
    assert_int_equal(api()->open(&backend, model, &options, &err), SW_OK);
    api()->close(backend);
    unsetenv("SMOLWATT_BF16");
    sw_model_close(model);
}

int main(void)
{
    unsetenv("SMOLWATT_ISA");
    unsetenv("SMOLWATT_BF16");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_equal_a_plain_llama_in_double),
        cmocka_unit_test(threads_and_blocks_change_no_bit),
#if defined(__x86_64__)
        cmocka_unit_test(every_level_gives_the_same_bits),
#endif
        cmocka_unit_test(places_are_used_again),
        cmocka_unit_test(mixed_batches_equal_one_sequence_at_a_time),
        cmocka_unit_test(greedy_passes_over_what_is_no_number),
        cmocka_unit_test(bad_tokens_are_refused_and_change_nothing),
        cmocka_unit_test(more_logits_than_asked_for_at_open_are_refused),
        cmocka_unit_test(what_cannot_run_is_refused_by_name),
        cmocka_unit_test(names_are_the_studys),
        cmocka_unit_test(what_runs_is_described),
        cmocka_unit_test(how_bf16_is_multiplied_can_be_said),
    };
    return cmocka_run_group_tests_name("backend_cpu", tests, NULL, NULL);
}
