/*
 * What base_gpu stores: the arithmetic of each strategy, and every element of what packing leaves,
 * read back through the scalar definitions, against the checkpoint, against base_cpu's own packing,
 * and, for FP4, against values worked out from bitsandbytes' table.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/kernels.h"
#include "backend/cuda/arithmetic.h"
#include "backend/cuda/pack.h"
#include "backend/rotation.h"
#include "base/half.h"
#include "gpu/definition.h"
#include "gpu/definition_pass.h"

static const enum sw_strategy strategies[] = {
    SW_STRATEGY_NONE,      SW_STRATEGY_DYNAMIC_16BIT, SW_STRATEGY_16BIT,    SW_STRATEGY_8BIT,
    SW_STRATEGY_8BIT_W8A8, SW_STRATEGY_4BIT,          SW_STRATEGY_STUDY_FP4};
enum { N_STRATEGIES = sizeof strategies / sizeof *strategies };

/* Odd sizes in every way, biases, each storage type, heads of their own. */
static const char *const models[] = {"golden/biases",      "golden/odd-sizes",
                                     "golden/head-dim",    "golden/bf16",
                                     "golden/f16-sharded", "golden/gqa1-untied",
                                     "golden/one-of-each", "synthetic:2,90,100,9,1,131,64"};
enum { N_MODELS = sizeof models / sizeof *models, POSITIONS = 7 };

static struct sw_model *open_model(const char *name)
{
    struct sw_model *model;
    struct sw_error err;
    if (sw_model_open(&model, sw_model_name_is_synthetic(name) ? name : sw_fixture_path(name), NULL,
                      NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    return model;
}

static struct sw_gpu_arithmetic arithmetic_of(enum sw_strategy strategy, int sm)
{
    struct sw_gpu_arithmetic a;
    struct sw_error err;
    if (sw_gpu_arithmetic_of(&a, strategy, sm, &err) != SW_OK)
        fail_msg("%s", err.text);
    return a;
}

static void arithmetics_follow_the_table(void **state)
{
    (void)state;
    static const struct {
        enum sw_strategy strategy;
        int sm;
        const char *name;
        enum sw_gpu_form layers, head, cache, embedding;
        enum sw_gpu_input layer_input, head_input;
        int rounds;
    } rows[] = {
        {SW_STRATEGY_NONE, 75, "f32", SW_GPU_F32, SW_GPU_F32, SW_GPU_F32, SW_GPU_F32, SW_GPU_IN_F32,
         SW_GPU_IN_F32, 0},
        {SW_STRATEGY_DYNAMIC_16BIT, 75, "w16_a32", SW_GPU_BF16, SW_GPU_BF16, SW_GPU_F32,
         SW_GPU_BF16, SW_GPU_IN_F32, SW_GPU_IN_F32, 0},
        {SW_STRATEGY_16BIT, 80, "bf16", SW_GPU_BF16, SW_GPU_BF16, SW_GPU_BF16, SW_GPU_BF16,
         SW_GPU_IN_BF16, SW_GPU_IN_BF16, 0},
        {SW_STRATEGY_16BIT, 90, "bf16", SW_GPU_BF16, SW_GPU_BF16, SW_GPU_BF16, SW_GPU_BF16,
         SW_GPU_IN_BF16, SW_GPU_IN_BF16, 0},
        {SW_STRATEGY_16BIT, 75, "f16", SW_GPU_F16, SW_GPU_F16, SW_GPU_F16, SW_GPU_F16,
         SW_GPU_IN_F16, SW_GPU_IN_F16, 0},
        {SW_STRATEGY_8BIT, 75, "llm_int8", SW_GPU_S8, SW_GPU_F16, SW_GPU_F16, SW_GPU_F16,
         SW_GPU_IN_LLM8, SW_GPU_IN_F16, 1},
        {SW_STRATEGY_8BIT_W8A8, 90, "w8c_a8b64", SW_GPU_S8, SW_GPU_S8, SW_GPU_F32, SW_GPU_F32,
         SW_GPU_IN_S8B64, SW_GPU_IN_S8B64, 0},
        {SW_STRATEGY_4BIT, 90, "w4b32_a16", SW_GPU_S4, SW_GPU_S8, SW_GPU_F16, SW_GPU_F16,
         SW_GPU_IN_F16, SW_GPU_IN_F16, 0},
        {SW_STRATEGY_STUDY_FP4, 75, "fp4_a32", SW_GPU_FP4, SW_GPU_F16, SW_GPU_F16, SW_GPU_F16,
         SW_GPU_IN_F32, SW_GPU_IN_F16, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sw_gpu_arithmetic a = arithmetic_of(rows[i].strategy, rows[i].sm);
        assert_string_equal(a.name, rows[i].name);
        assert_int_equal(a.layers, rows[i].layers);
        assert_int_equal(a.head, rows[i].head);
        assert_int_equal(a.cache, rows[i].cache);
        assert_int_equal(a.embedding, rows[i].embedding);
        assert_int_equal(a.layer_input, rows[i].layer_input);
        assert_int_equal(a.head_input, rows[i].head_input);
        assert_int_equal(a.rounds_to_f16, rows[i].rounds);
        assert_true(a.weight_dtype != NULL && a.compute_dtype != NULL && a.kv_dtype != NULL);
    }
}

static void what_does_not_run_is_refused_by_name(void **state)
{
    (void)state;
    struct sw_gpu_arithmetic a;
    struct sw_error err;
    assert_int_equal(sw_gpu_arithmetic_of(&a, SW_STRATEGY_DYNAMIC_8BIT, 90, &err), SW_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "base_gpu: strategy quantization_dynamic8bit"));
    assert_non_null(strstr(err.text, "onnx_cpu"));
}

/* Which tensor a row of a slot comes from. */
struct origin {
    const struct sw_tensor *tensor, *bias;
    size_t row;
};

static struct origin stacked(const struct sw_tensor *const tensors[3],
                             const struct sw_tensor *const biases[3], size_t row)
{
    size_t i = 0;
    for (; row >= tensors[i]->n_rows; i++)
        row -= tensors[i]->n_rows;
    return (struct origin){tensors[i], biases[i], row};
}

static struct origin origin_of(const struct sw_model *model, enum sw_gpu_slot slot, size_t layer,
                               size_t row)
{
    const struct sw_weights *w = sw_model_weights(model);
    const struct sw_layer_weights *l = &w->layers[layer];
    switch (slot) {
    case SW_GPU_EMBEDDING:
        return (struct origin){&w->embedding, NULL, row};
    case SW_GPU_HEAD:
        return (struct origin){&w->head, NULL, row};
    case SW_GPU_FINAL_NORM:
        return (struct origin){&w->final_norm, NULL, row};
    case SW_GPU_ATTENTION_NORM:
        return (struct origin){&l->attention_norm, NULL, row};
    case SW_GPU_MLP_NORM:
        return (struct origin){&l->mlp_norm, NULL, row};
    case SW_GPU_QKV:
        return stacked((const struct sw_tensor *const[]){&l->q, &l->k, &l->v},
                       (const struct sw_tensor *const[]){&l->q_bias, &l->k_bias, &l->v_bias}, row);
    case SW_GPU_O:
        return (struct origin){&l->o, &l->o_bias, row};
    case SW_GPU_GATE_UP:
        return row % 2 == 0 ? (struct origin){&l->gate, &l->gate_bias, row / 2}
                            : (struct origin){&l->up, &l->up_bias, row / 2};
    default:
        return (struct origin){&l->down, &l->down_bias, row};
    }
}

/* The checkpoint's row as floats, rounded to f16 where the arithmetic does. */
static void read_row(float *out, struct origin from, size_t n_cols, bool is_f16)
{
    for (size_t i = 0; i < n_cols; i++) {
        out[i] = sw_tensor_at(from.tensor, from.row * n_cols + i);
        if (is_f16)
            out[i] = sw_f16_to_float(sw_float_to_f16(out[i]));
    }
}

/* n_rows (to 16) rows of the matrix against base_cpu's kernels, whose tiles have 16: four columns
 * of a row together, or bytes that hold columns j and j + 4 of 8. */
static void check_s8_rows(const struct sw_gpu_matrix *m, size_t row, size_t n_rows, const float *x,
                          bool has_scb)
{
    size_t n = m->n_cols, tile_bytes = (n + 7) / 8 * 8 * SW_TILE;
    uint8_t *tile = calloc(1, tile_bytes);
    float scales[SW_TILE];
    assert_non_null(tile);
    sw_kernels_of(SW_CPU_SCALAR)->pack_s8(tile, scales, x, n, n_rows, n);
    for (size_t r = 0; r < n_rows; r++) {
        float largest = 0;
        for (size_t c = 0; c < n; c++) {
            assert_int_equal(definition_code(m, row + r, c),
                             (int8_t)tile[(c / 4 * SW_TILE + r) * 4 + c % 4]);
            largest = fmaxf(largest, fabsf(x[r * n + c]));
        }
        float expected = has_scb ? largest : scales[r];
        assert_memory_equal((const float *)m->scales + row + r, &expected, sizeof expected);
    }
    free(tile);
}

static void check_s4_rows(const struct sw_gpu_matrix *m, size_t row, size_t n_rows, const float *x)
{
    size_t n = m->n_cols, n_groups = (n + SW_GROUP_S4 - 1) / SW_GROUP_S4;
    uint8_t *tile = calloc(n_groups, SW_GROUP_BYTES);
    assert_non_null(tile);
    sw_kernels_of(SW_CPU_SCALAR)->pack_s4(tile, x, n, n_rows, n);
    for (size_t i = 0; i < n_rows * n; i++) {
        size_t r = i / n, c = i % n, at = c % SW_GROUP_S4;
        const uint8_t *group = tile + c / SW_GROUP_S4 * SW_GROUP_BYTES;
        const uint16_t *scale = (const uint16_t *)m->scales + (row + r) * n_groups;
        int byte = group[(at / 8 * SW_TILE + r) * 4 + at % 4];
        assert_int_equal(definition_code(m, row + r, c), (at % 8 < 4 ? byte & 15 : byte >> 4) - 8);
        assert_memory_equal(&scale[c / SW_GROUP_S4],
                            group + SW_GROUP_BYTES - 2 * SW_TILE + r * sizeof *scale,
                            sizeof *scale);
    }
    free(tile);
}

/* A code is the nearest of the values but for bitsandbytes' digits of the middles (within 1e-6). */
static void check_fp4_row(const struct sw_gpu_matrix *m, size_t row, const float *x)
{
    static const double values[] = {0, 0.0625 / 12, 2. / 12, 3. / 12, 4. / 12, 6. / 12, 8. / 12, 1};
    size_t n = m->n_cols, n_blocks = (n + SW_GPU_FP4_BLOCK - 1) / SW_GPU_FP4_BLOCK;
    for (size_t block = 0; block < n_blocks; block++) {
        size_t begin = block * SW_GPU_FP4_BLOCK;
        size_t end = begin + SW_GPU_FP4_BLOCK < n ? begin + SW_GPU_FP4_BLOCK : n;
        float scale = ((const float *)m->scales)[row * n_blocks + block], largest = 0;
        for (size_t c = begin; c < end; c++)
            largest = fmaxf(largest, fabsf(x[c]));
        assert_true(scale == largest);
        for (size_t c = begin; c < end && largest > 0; c++) {
            double unit = fabs((double)x[c]) / (double)largest, error = INFINITY;
            double got = fabs(definition_weight(m, SW_GPU_IN_F32, row, c)) / (double)largest;
            for (size_t i = 0; i < sizeof values / sizeof *values; i++)
                error = fmin(error, fabs(values[i] - unit));
            assert_true(fabs(got - unit) <= error + 1e-6);
            assert_int_equal(definition_code(m, row, c) >> 3, x[c] < 0);
        }
    }
}

/* Bytes behind the last column: zeros, and for S4 codes of the value 0. */
static void check_padding(const struct sw_gpu_matrix *m, size_t row)
{
    const uint8_t *bytes = (const uint8_t *)m->rows + row * m->row_bytes;
    size_t n = m->n_cols, per_chunk = sw_gpu_columns_per_chunk(m->form);
    if (m->form == SW_GPU_S4 || m->form == SW_GPU_FP4) {
        for (size_t c = n; c < (n + 31) / 32 * 32; c++)
            assert_int_equal(definition_code(m, row, c), 0);
        return;
    }
    for (size_t i = n * SW_GPU_CHUNK / per_chunk; i < m->row_bytes; i++)
        assert_int_equal(bytes[i], 0);
}

static void check_rows(const struct sw_gpu_matrix *m, size_t row, size_t n_rows, const float *x,
                       bool has_scb)
{
    if (m->form == SW_GPU_S8)
        check_s8_rows(m, row, n_rows, x, has_scb);
    else if (m->form == SW_GPU_S4)
        check_s4_rows(m, row, n_rows, x);
    for (size_t r = 0; r < n_rows; r++, x += m->n_cols) {
        if (m->form == SW_GPU_FP4)
            check_fp4_row(m, row + r, x);
        for (size_t c = 0; c < m->n_cols && m->form < SW_GPU_S8; c++)
            assert_true(definition_weight(m, SW_GPU_IN_F32, row + r, c) ==
                        (double)definition_rounded(x[c], m->form));
    }
}

static void check_bias(const struct sw_gpu_matrix *m, size_t row, struct origin from, bool is_f16)
{
    float bias = 0;
    if (from.bias != NULL && from.bias->data_view != NULL)
        bias =
            definition_rounded(sw_tensor_at(from.bias, from.row), is_f16 ? SW_GPU_F16 : SW_GPU_F32);
    assert_true((m->bias != NULL ? m->bias[row] : 0) == bias);
}

static bool is_norm(enum sw_gpu_slot slot)
{
    return slot == SW_GPU_FINAL_NORM || slot == SW_GPU_ATTENTION_NORM || slot == SW_GPU_MLP_NORM;
}

static void check_slot(const struct definition_model *packed, const struct sw_model *model,
                       const struct sw_gpu_arithmetic *a, enum sw_gpu_slot slot, size_t layer)
{
    const struct sw_gpu_matrix *m = definition_matrix(packed, slot, layer);
    if (m->rows == NULL) {
        assert_true(slot == SW_GPU_HEAD && sw_model_config(model)->tied && a->head == a->embedding);
        return;
    }
    assert_int_equal((uintptr_t)m->rows % SW_GPU_CHUNK, 0);
    assert_int_equal(m->row_bytes, sw_gpu_row_bytes(m->form, m->n_cols));
    assert_int_equal(m->form, is_norm(slot)              ? SW_GPU_F32
                              : slot == SW_GPU_EMBEDDING ? a->embedding
                              : slot == SW_GPU_HEAD      ? a->head
                                                         : a->layers);
    bool is_f16 = a->rounds_to_f16 != 0;
    float *x = calloc(SW_TILE * (size_t)m->n_cols, sizeof *x);
    assert_non_null(x);
    for (size_t row = 0; row < m->n_rows; row += SW_TILE) {
        size_t n_rows = m->n_rows - row < SW_TILE ? m->n_rows - row : SW_TILE;
        for (size_t r = 0; r < n_rows; r++) {
            struct origin from = origin_of(model, slot, layer, row + r);
            read_row(x + r * m->n_cols, from, m->n_cols, is_f16);
            check_bias(m, row + r, from, is_f16);
            check_padding(m, row + r);
        }
        check_rows(m, row, n_rows, x, a->layer_input == SW_GPU_IN_LLM8);
    }
    free(x);
}

static void check_rotations(const struct definition_model *packed, const struct sw_config *c)
{
    size_t half = c->head_dim / 2, n = POSITIONS * half;
    float *tables = calloc(2 * n + half, sizeof *tables);
    assert_non_null(tables);
    sw_rotation_fill(tables, tables + n, half, POSITIONS, c, tables + 2 * n);
    assert_memory_equal(definition_matrix(packed, SW_GPU_COSINES, 0)->rows, tables,
                        n * sizeof *tables);
    assert_memory_equal(definition_matrix(packed, SW_GPU_SINES, 0)->rows, tables + n,
                        n * sizeof *tables);
    free(tables);
}

static void every_element_is_where_it_belongs(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        struct sw_model *model = open_model(models[i]);
        for (size_t s = 0; s < N_STRATEGIES; s++) {
            struct sw_gpu_arithmetic a = arithmetic_of(strategies[s], s % 2 == 0 ? 75 : 90);
            struct definition_model *packed = definition_open(model, &a, POSITIONS, 1, NULL);
            for (int slot = 0; slot < SW_GPU_COSINES; slot++) {
                bool is_of_layer = sw_gpu_slot_is_of_layer((enum sw_gpu_slot)slot);
                size_t n = is_of_layer ? sw_model_config(model)->n_layers : 1;
                for (size_t layer = 0; layer < n; layer++)
                    check_slot(packed, model, &a, (enum sw_gpu_slot)slot, layer);
            }
            check_rotations(packed, sw_model_config(model));
            definition_close(packed);
        }
        sw_model_close(model);
    }
}

static size_t bytes_of(const struct sw_gpu_matrix *m)
{
    return (size_t)m->n_rows * m->row_bytes;
}

/* n from 1 */
static bool is_filled_with(const uint8_t *bytes, size_t n, uint8_t byte)
{
    return bytes[0] == byte && memcmp(bytes, bytes + 1, n - 1) == 0;
}

/* The same bytes with any number of threads, in a buffer that held something else, and no byte
 * behind the one that was asked for. */
static void threads_and_buffers_change_nothing(void **state)
{
    (void)state;
    struct sw_model *model = open_model("golden/biases");
    struct sw_pool *pool;
    struct sw_error err;
    struct sw_pool_options options = {.n_threads = 3, .no_pinning = true, .wait = SW_WAIT_SLEEP};
    if (sw_pool_create(&pool, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    for (size_t s = 0; s < N_STRATEGIES; s++) {
        struct sw_gpu_arithmetic a = arithmetic_of(strategies[s], 90);
        struct definition_model *expected = definition_open(model, &a, POSITIONS, 1, NULL);
        struct sw_gpu_packer packer;
        if (sw_gpu_packer_open(&packer, model, &a, POSITIONS, pool, &err) != SW_OK)
            fail_msg("%s", err.text);
        size_t most = sw_gpu_packer_most_bytes(&packer);
        uint8_t *buffer = aligned_alloc(SW_GPU_PACK_ALIGN, most + SW_GPU_PACK_ALIGN);
        assert_non_null(buffer);
        for (int i = 0; i < SW_GPU_N_SLOTS; i++) {
            enum sw_gpu_slot slot = (enum sw_gpu_slot)i;
            if (!sw_gpu_packer_has(&packer, slot))
                continue;
            size_t size = sw_gpu_packer_bytes(&packer, slot, 0);
            assert_true(size <= most);
            struct sw_gpu_matrix m;
            const struct sw_gpu_matrix *other = definition_matrix(expected, slot, 0);
            memset(buffer, 0xa5, most + SW_GPU_PACK_ALIGN);
            sw_gpu_pack(&packer, slot, 0, buffer, &m);
            assert_true(is_filled_with(buffer + size, most + SW_GPU_PACK_ALIGN - size, 0xa5));
            assert_memory_equal(m.rows, other->rows, bytes_of(&m));
            size_t scales = sw_gpu_scale_bytes(m.form, m.n_rows, m.n_cols);
            assert_true((m.scales != NULL) == (scales > 0));
            if (scales > 0)
                assert_memory_equal(m.scales, other->scales, scales);
            assert_true((m.bias != NULL) == (other->bias != NULL));
            if (m.bias != NULL)
                assert_memory_equal(m.bias, other->bias, m.n_rows * sizeof *m.bias);
        }
        free(buffer);
        definition_close(expected);
    }
    sw_pool_destroy(pool);
    sw_model_close(model);
}

/* Writes numbers into the first row of a synthetic model's q. */
static void put_weights(struct sw_model *model, const float *x, size_t n)
{
    const struct sw_tensor *q = &sw_model_weights(model)->layers[0].q;
    assert_true(q->dtype == SW_F32 && n <= q->n_cols);
    memset((float *)(uintptr_t)q->data_view, 0, q->n_cols * sizeof *x);
    memcpy((float *)(uintptr_t)q->data_view, x, n * sizeof *x);
}

/* With a largest of 12 the values are 0, 1/16, 2, 3, 4, 6, 8, 12, and the middles 1/32, 33/32, 5/2,
 * 7/2, 5, 7, 10: bitsandbytes puts a middle itself to the lower value, but for 7, whose seventh
 * digit it cuts off. Signs come from x < 0, so that a small negative number is a zero with a sign.
 */
static void fp4_codes_are_those_of_bitsandbytes(void **state)
{
    (void)state;
    static const struct {
        float x;
        int code;
    } rows[] = {
        {12, 3},      {-12, 11},     {0, 0},       {-0.0f, 0},     {0.0625f, 1}, {-0.0625f, 9},
        {2, 6},       {-2, 14},      {3, 7},       {-3, 15},       {4, 4},       {-4, 12},
        {6, 5},       {-6, 13},      {8, 2},       {-8, 10},       {0.03f, 0},   {-0.03f, 8},
        {0.0325f, 1}, {1.03125f, 1}, {1.0322f, 6}, {-1.0322f, 14}, {2.498f, 6},  {2.502f, 7},
        {3.498f, 7},  {3.502f, 4},   {4.996f, 4},  {5.004f, 5},    {6.996f, 5},  {7, 2},
        {9.99f, 2},   {10.01f, 3},
    };
    enum { N = sizeof rows / sizeof *rows };
    float x[N];
    struct sw_model *model = open_model("synthetic:1,64,64,1,1,16,8");
    struct sw_gpu_arithmetic a = arithmetic_of(SW_STRATEGY_STUDY_FP4, 90);
    for (size_t i = 0; i < N; i++)
        x[i] = rows[i].x;
    put_weights(model, x, N);
    struct definition_model *packed = definition_open(model, &a, POSITIONS, 1, NULL);
    const struct sw_gpu_matrix *m = definition_matrix(packed, SW_GPU_QKV, 0);
    assert_true(*(const float *)m->scales == 12);
    for (size_t i = 0; i < N; i++) {
        if (definition_code(m, 0, i) != rows[i].code)
            fail_msg("%g: code %d, not %d", (double)x[i], definition_code(m, 0, i), rows[i].code);
    }
    definition_close(packed);
    sw_model_close(model);
}

/* A row, group or block that holds no number says so in its scale; zeros have the scale 0. */
static void odd_weights_are_told_by_their_scale(void **state)
{
    (void)state;
    static const float bad[] = {1, -2, NAN, 4}, infinite[] = {1, -INFINITY, 3, 4}, none[] = {0};
    struct sw_model *model = open_model("synthetic:1,64,64,1,1,16,8");
    for (size_t s = 0; s < N_STRATEGIES; s++) {
        struct sw_gpu_arithmetic a = arithmetic_of(strategies[s], 90);
        if (a.layers < SW_GPU_S8)
            continue;
        put_weights(model, bad, 4);
        struct definition_model *packed = definition_open(model, &a, POSITIONS, 1, NULL);
        assert_true(isnan(
            definition_weight(definition_matrix(packed, SW_GPU_QKV, 0), a.layer_input, 0, 3)));
        definition_close(packed);
        put_weights(model, infinite, 4);
        packed = definition_open(model, &a, POSITIONS, 1, NULL);
        assert_true(isnan(
            definition_weight(definition_matrix(packed, SW_GPU_QKV, 0), a.layer_input, 0, 3)));
        definition_close(packed);
        put_weights(model, none, 1);
        packed = definition_open(model, &a, POSITIONS, 1, NULL);
        for (size_t c = 0; c < 64; c++)
            assert_true(definition_weight(definition_matrix(packed, SW_GPU_QKV, 0), a.layer_input,
                                          0, c) == 0);
        definition_close(packed);
    }
    sw_model_close(model);
}

/* Two layers of SmolLM-135M, 3,538,944 weights each, a head of 1,024 rows, 5 norms of 576 in fp32,
 * one row of the embedding. */
static void bytes_per_token_are_counted(void **state)
{
    (void)state;
    enum { LAYERS = 2 * 3538944, HEAD_ROWS = 1024, HEAD = HEAD_ROWS * 576, NORMS = 5 * 576 * 4 };
    enum { LAYER_ROWS = 2 * (960 + 576 + 3072 + 576) };
    static const uint64_t expected[N_STRATEGIES] = {
        4 * (LAYERS + HEAD) + NORMS + 576 * 4,
        2 * (LAYERS + HEAD) + NORMS + 576 * 2,
        2 * (LAYERS + HEAD) + NORMS + 576 * 2,
        LAYERS + 4 * LAYER_ROWS + 2 * HEAD + NORMS + 576 * 2,
        LAYERS + HEAD + 4 * (LAYER_ROWS + HEAD_ROWS) + NORMS + 576 * 4,
        LAYERS / 2 + LAYERS / 32 * 2 + HEAD + 4 * HEAD_ROWS + NORMS + 576 * 2,
        LAYERS / 2 + LAYERS / 64 * 4 + 2 * HEAD + NORMS + 576 * 2};
    struct sw_model *model = open_model("synthetic:2,576,1536,9,3,1024,64");
    for (size_t s = 0; s < N_STRATEGIES; s++) {
        struct sw_gpu_arithmetic a = arithmetic_of(strategies[s], 90);
        struct sw_gpu_packer packer;
        struct sw_error err;
        if (sw_gpu_packer_open(&packer, model, &a, POSITIONS, NULL, &err) != SW_OK)
            fail_msg("%s", err.text);
        assert_int_equal(sw_gpu_packer_bytes_per_token(&packer), expected[s]);
    }
    sw_model_close(model);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetics_follow_the_table),
        cmocka_unit_test(what_does_not_run_is_refused_by_name),
        cmocka_unit_test(every_element_is_where_it_belongs),
        cmocka_unit_test(threads_and_buffers_change_nothing),
        cmocka_unit_test(fp4_codes_are_those_of_bitsandbytes),
        cmocka_unit_test(odd_weights_are_told_by_their_scale),
        cmocka_unit_test(bytes_per_token_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
