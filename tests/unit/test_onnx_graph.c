/* The files of an ONNX graph: their bytes, and the weights against their scalar definitions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/kernels.h"
#include "backend/onnx/graph.h"
#include "backend/onnx/protobuf.h"
#include "backend/onnx/weights.h"
#include "backend/onnx/write.h"
#include "base/file.h"
#include "base/half.h"
#include "support/folder.h"
#include "support/onnx_reader.h"
#include "support/skip.h"

static struct sw_error err;

static void assert_ok(enum sw_code code)
{
    if (code != SW_OK)
        fail_msg("%s", err.text);
}

static void assert_bytes(struct sw_buffer *message, const char *expected, size_t size)
{
    assert_false(message->failed);
    assert_int_equal(message->size, size);
    assert_memory_equal(message->data, expected, size);
    sw_buffer_clear(message);
}

static void wire_format(void **state)
{
    (void)state;
    struct sw_buffer message = {0}, inner = {0};
    sw_protobuf_int(&message, 1, 0);
    assert_bytes(&message, "\x08\x00", 2);
    sw_protobuf_int(&message, 3, 127);
    assert_bytes(&message, "\x18\x7f", 2);
    sw_protobuf_int(&message, 20, 300); /* the tag, too, takes two bytes */
    assert_bytes(&message, "\xa0\x01\xac\x02", 4);
    sw_protobuf_int(&message, 1, -1);
    assert_bytes(&message, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    sw_protobuf_int(&message, 1, INT64_MIN);
    assert_bytes(&message, "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11);
    sw_protobuf_float(&message, 2, 1.5f);
    assert_bytes(&message, "\x15\x00\x00\xc0\x3f", 5);
    sw_protobuf_text(&message, 1, "");
    assert_bytes(&message, "\x0a\x00", 2);
    sw_protobuf_bytes(&message, 9, "a\0b", 3);
    assert_bytes(&message,
                 "\x4a\x03"
                 "a\0b",
                 5);
    sw_protobuf_text(&inner, 1, "x");
    sw_protobuf_message(&message, 7, &inner);
    assert_int_equal(inner.size, 0);
    assert_bytes(&message, "\x3a\x03\x0a\x01x", 5);
    char long_text[200];
    memset(long_text, 'y', sizeof long_text);
    sw_protobuf_bytes(&message, 1, long_text, sizeof long_text);
    assert_int_equal(message.size, 203);
    assert_memory_equal(message.data, "\x0a\xc8\x01yy", 5);
    sw_buffer_free(&message);
    sw_buffer_free(&inner);
}

static struct onnx_message message_of(const struct sw_buffer *bytes)
{
    const unsigned char *data = (const unsigned char *)bytes->data;
    return (struct onnx_message){data, data + bytes->size};
}

static void assert_text(struct onnx_message m, unsigned number, size_t index, const char *expected)
{
    struct onnx_field field;
    if (!onnx_find(m, number, index, &field) || !onnx_is_text(&field, expected))
        fail_msg("field %u is not \"%s\"", number, expected);
}

static uint64_t number_of(struct onnx_message m, unsigned number, size_t index)
{
    struct onnx_field field;
    if (!onnx_find(m, number, index, &field))
        fail_msg("field %u [%zu] is missing", number, index);
    return field.value;
}

static struct onnx_message inside(struct onnx_message m, unsigned number, size_t index)
{
    struct onnx_field field;
    if (!onnx_find(m, number, index, &field))
        fail_msg("field %u [%zu] is missing", number, index);
    return onnx_inside(&field);
}

static void small_graph(void **state)
{
    (void)state;
    struct sw_onnx_builder g = {0};
    struct sw_buffer bytes;
    struct sw_onnx_dim dims[] = {{"batch", 0}, {NULL, 8}};
    sw_onnx_input(&g, "x", SW_ONNX_FLOAT, dims, 2);
    snprintf(g.scope, sizeof g.scope, "layers.3.");
    struct sw_onnx_name one = sw_onnx_number(&g, SW_ONNX_FLOAT, 1);
    assert_string_equal(sw_onnx_number(&g, SW_ONNX_FLOAT, 1).text, one.text); /* written once */
    struct sw_onnx_name y = SW_ONNX_OP(&g, "Add", "x", one.text);
    assert_string_equal(y.text, "layers.3.Add_0");
    assert_int_equal(sw_onnx_weight(&g, "w", SW_ONNX_INT8, (int64_t[]){3, 5}, 2, "data"), 0);
    assert_int_equal(sw_onnx_weight(&g, "v", SW_ONNX_FLOAT, NULL, 0, "data"), 4096);
    assert_int_equal(g.data_bytes, 4100);
    sw_onnx_add(&g, &(struct sw_onnx_node){
                        .type = "Gelu",
                        .domain = SW_ONNX_MS,
                        .inputs = {y.text, "", "w"},
                        .outputs = {"z", "", "s"},
                        .attributes = {
                            {.name = "i", .kind = SW_ONNX_IS_INT, .i = -2},
                            {.name = "f", .kind = SW_ONNX_IS_FLOAT, .f = 2},
                            {.name = "n", .kind = SW_ONNX_IS_INTS, .ints = {4, 5}, .n_ints = 2}}});
    sw_onnx_output(&g, "z", SW_ONNX_FLOAT, dims, 2);
    sw_onnx_metadata(&g, "key", "value");
    assert_ok(sw_onnx_builder_finish(&bytes, &g, "1.2", &err));

    struct onnx_message model = message_of(&bytes), graph = inside(model, 7, 0);
    assert_int_equal(number_of(model, 1, 0), 10);
    assert_text(model, 2, 0, "smolwatt");
    assert_text(model, 3, 0, "1.2");
    assert_text(inside(model, 8, 0), 1, 0, "");
    assert_int_equal(number_of(inside(model, 8, 0), 2, 0), 21);
    assert_text(inside(model, 8, 1), 1, 0, "com.microsoft");
    assert_int_equal(number_of(inside(model, 8, 1), 2, 0), 1);
    assert_text(inside(model, 14, 0), 1, 0, "key");
    assert_text(inside(model, 14, 0), 2, 0, "value");

    struct onnx_message node = inside(graph, 1, 1);
    assert_text(node, 1, 1, "");
    assert_text(node, 1, 2, "w");
    assert_text(node, 2, 2, "s");
    assert_text(node, 3, 0, "layers.3.Gelu_1");
    assert_text(node, 4, 0, "Gelu");
    assert_text(node, 7, 0, "com.microsoft");
    assert_int_equal(number_of(inside(node, 5, 0), 3, 0), (uint64_t)-2);
    assert_int_equal(number_of(inside(node, 5, 0), 20, 0), 2);
    assert_int_equal(number_of(inside(node, 5, 1), 20, 0), 1);
    assert_int_equal(number_of(inside(node, 5, 2), 8, 1), 5);
    assert_int_equal(number_of(inside(node, 5, 2), 20, 0), 7);

    struct onnx_message constant = inside(graph, 5, 0), weight = inside(graph, 5, 1);
    struct onnx_field field;
    assert_false(onnx_find(constant, 1, 0, &field)); /* no dimensions */
    assert_true(onnx_find(constant, 9, 0, &field));
    assert_int_equal(field.size, 4);
    assert_int_equal(number_of(weight, 1, 1), 5);
    assert_int_equal(number_of(weight, 2, 0), SW_ONNX_INT8);
    assert_int_equal(number_of(weight, 14, 0), 1);
    assert_text(inside(weight, 13, 0), 2, 0, "data");
    assert_text(inside(weight, 13, 2), 1, 0, "length");
    assert_text(inside(weight, 13, 2), 2, 0, "15");
    struct onnx_message shape = inside(inside(inside(inside(graph, 11, 0), 2, 0), 1, 0), 2, 0);
    assert_text(inside(shape, 1, 0), 2, 0, "batch");
    assert_int_equal(number_of(inside(shape, 1, 1), 1, 0), 8);
    sw_buffer_free(&bytes);
}

/* A written graph, read back. */
struct written {
    struct sw_model *model;
    char *folder;
    struct sw_buffer graph;
    struct sw_map data;
};

static void write_graph(struct written *w, const char *model, enum sw_strategy strategy,
                        enum sw_onnx_graph graph, bool prefill, struct sw_pool *pool)
{
    char path[1024];
    struct sw_onnx_variant variant;
    struct sw_onnx_sizes sizes;
    w->folder = sw_test_folder_create();
    assert_ok(sw_model_open(&w->model, model, NULL, NULL, &err));
    const struct sw_config *config = sw_model_config(w->model);
    bool half = strategy == SW_STRATEGY_16BIT;
    assert_ok(sw_onnx_variant_choose(&variant, config, strategy, graph, half, &err));
    variant.prefill = prefill;
    assert_ok(sw_onnx_write(&sizes, w->model, &variant, w->folder, pool, &err));
    snprintf(path, sizeof path, "%s/" SW_ONNX_FILE, w->folder);
    assert_ok(sw_file_read(&w->graph, path, 1 << 24, &err));
    snprintf(path, sizeof path, "%s/" SW_ONNX_DATA_FILE, w->folder);
    assert_ok(sw_map_open(&w->data, path, &err));
    assert_int_equal(w->graph.size, sizes.graph_bytes);
    assert_int_equal(w->data.size, sizes.data_bytes);
}

static void close_graph(struct written *w)
{
    sw_map_close(&w->data);
    sw_buffer_free(&w->graph);
    sw_test_folder_remove(w->folder);
    sw_model_close(w->model);
}

/* A constant of the data file by its name, which must have this many bytes. */
static const void *data_of(const struct written *w, const char *name, size_t size)
{
    struct onnx_message graph = inside(message_of(&w->graph), 7, 0);
    struct onnx_field field, key;
    for (size_t i = 0; onnx_find(graph, 5, i, &field); i++) {
        struct onnx_message tensor = onnx_inside(&field);
        if (!onnx_find(tensor, 8, 0, &key) || !onnx_is_text(&key, name))
            continue;
        char text[24] = "";
        assert_true(onnx_find(inside(tensor, 13, 1), 2, 0, &key));
        memcpy(text, key.bytes, key.size);
        size_t offset = (size_t)strtoull(text, NULL, 10);
        assert_true(onnx_find(inside(tensor, 13, 2), 2, 0, &key));
        memset(text, 0, sizeof text);
        memcpy(text, key.bytes, key.size);
        assert_int_equal(strtoull(text, NULL, 10), size);
        assert_int_equal(offset % 4096, 0);
        assert_in_range(offset + size, 1, w->data.size);
        return w->data.data + offset;
    }
    fail_msg("the graph has no constant %s", name);
    return NULL;
}

static float largest(const struct sw_tensor *t, size_t row, size_t begin, size_t end)
{
    float most = 0;
    for (size_t c = begin; c < end && c < t->n_cols; c++)
        most = fmaxf(most, fabsf(sw_tensor_at(t, row * t->n_cols + c)));
    return most;
}

/* Models with shapes that fit nothing, in each storage type, and one wider than a piece of work. */
static const char *const models[] = {"odd-sizes", "bf16", "f16-sharded", "one-of-each", NULL};

static const char *model_path(size_t i)
{
    static char name[256];
    if (models[i] == NULL)
        return "synthetic:1,640,1100,5,5,700,40";
    snprintf(name, sizeof name, "golden/%s", models[i]);
    return sw_fixture_path(name);
}

enum { N_MODELS = sizeof models / sizeof *models };

static void floats_are_the_models(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        struct written w = {0};
        write_graph(&w, model_path(m), SW_STRATEGY_NONE, SW_ONNX_PLAIN, false, NULL);
        const struct sw_config *c = sw_model_config(w.model);
        const struct sw_weights *weights = sw_model_weights(w.model);
        const struct sw_tensor *down = &weights->layers[0].down, *table = &weights->embedding;
        const float *got = data_of(&w, "layers.0.down.weight", c->dim * c->hidden_dim * 4);
        for (size_t n = 0; n < down->n_rows; n++) {
            for (size_t k = 0; k < down->n_cols; k++)
                assert_float_equal(got[k * down->n_rows + n],
                                   sw_tensor_at(down, n * down->n_cols + k), 0);
        }
        got = data_of(&w, "embedding", table->n_rows * table->n_cols * 4);
        for (size_t i = 0; i < table->n_rows * table->n_cols; i++)
            assert_float_equal(got[i], sw_tensor_at(table, i), 0);
        got = data_of(&w, "final_norm", c->dim * 4);
        assert_float_equal(got[c->dim - 1], sw_tensor_at(&weights->final_norm, c->dim - 1), 0);
        size_t half = c->head_dim / 2;
        float *frequencies = calloc(half, sizeof *frequencies);
        sw_config_rope_frequencies(frequencies, c);
        got = data_of(&w, "sines", c->max_positions * half * 4);
        for (size_t i = 0; i < c->max_positions * half; i++)
            assert_float_equal(got[i], sin((double)((float)(i / half) * frequencies[i % half])),
                               1e-7);
        free(frequencies);
        close_graph(&w);
    }
}

static void blocks_of_eight_bits(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        struct written w = {0};
        write_graph(&w, model_path(m), SW_STRATEGY_8BIT, SW_ONNX_DEFAULT, false, NULL);
        const struct sw_tensor *t = &sw_model_weights(w.model)->layers[0].down;
        size_t blocks = (t->n_cols + 63) / 64;
        const uint8_t *values = data_of(&w, "layers.0.down.weight", t->n_rows * blocks * 64);
        const float *scales = data_of(&w, "layers.0.down.weight.scale", t->n_rows * blocks * 4);
        for (size_t i = 0; i < t->n_rows * blocks; i++) {
            size_t row = i / blocks, first = i % blocks * 64;
            assert_float_equal(scales[i], largest(t, row, first, first + 64) / 127, 0);
            for (size_t c = 0; c < 64; c++) {
                float x = first + c < t->n_cols ? sw_tensor_at(t, row * t->n_cols + first + c) : 0;
                assert_int_equal(values[i * 64 + c], 128 + (int)nearbyintf(x / scales[i]));
            }
        }
        close_graph(&w);
    }
}

/* Against the CPU engine's own tiles, laid out as backend/cpu/kernels.h says. */
static void blocks_of_four_bits(void **state)
{
    (void)state;
    const struct sw_kernels *kernels = sw_kernels_of(SW_CPU_SCALAR);
    for (size_t m = 0; m < N_MODELS; m++) {
        struct written w = {0};
        write_graph(&w, model_path(m), SW_STRATEGY_4BIT, SW_ONNX_DEFAULT, false, NULL);
        const struct sw_tensor *t = &sw_model_weights(w.model)->layers[0].up;
        size_t k = t->n_cols, blocks = (k + 31) / 32;
        size_t before = t->n_rows * blocks; /* of the gate */
        const uint8_t *values = data_of(&w, "layers.0.gate_up.weight", 2 * before * 16);
        const float *scales = data_of(&w, "layers.0.gate_up.weight.scale", 2 * before * 4);
        values += before * 16;
        scales += before;
        uint8_t *tile = malloc(blocks * SW_GROUP_BYTES);
        float *rows = malloc(SW_TILE * k * sizeof *rows), error = 0, most = 0;
        for (size_t r = 0; r < t->n_rows; r++) {
            size_t lane = r % SW_TILE, n = t->n_rows - r;
            if (lane == 0) {
                n = n < SW_TILE ? n : SW_TILE;
                sw_tensor_read(rows, t, r * k, n * k);
                kernels->pack_s4(tile, rows, k, n, k);
            }
            for (size_t b = 0; b < blocks; b++) {
                const uint8_t *group = tile + b * SW_GROUP_BYTES;
                float scale = scales[r * blocks + b], block = largest(t, r, b * 32, b * 32 + 32);
                uint16_t half;
                memcpy(&half, group + SW_TILE * 16 + lane * sizeof half, sizeof half);
                assert_float_equal(scale, sw_f16_to_float(half), 0);
                for (size_t c = 0; c < 32; c++) {
                    uint8_t packed = group[(c / 8 * SW_TILE + lane) * 4 + c % 4];
                    int expected = c % 8 < 4 ? packed & 15 : packed >> 4;
                    uint8_t both = values[(r * blocks + b) * 16 + c / 2];
                    int got = c % 2 == 0 ? both & 15 : both >> 4;
                    assert_int_equal(got, expected);
                    if (b * 32 + c < k) {
                        float x = rows[lane * k + b * 32 + c];
                        error = fmaxf(error, fabsf((float)(got - 8) * scale - x) / block);
                        most = fmaxf(most, fabsf(x));
                    }
                }
            }
        }
        /* Steps of 1/7 to 1/8 of a block's largest number, rounded, and a scale that is searched:
         * a number at the other end may be clipped. */
        assert_true(most > 0 && error > 0.01f && error < 0.2f);
        free(tile);
        free(rows);
        close_graph(&w);
    }
}

static void columns_and_table(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        for (int prefill = 0; prefill < 2; prefill++) {
            struct written w = {0};
            write_graph(&w, model_path(m), prefill ? SW_STRATEGY_8BIT : SW_STRATEGY_DYNAMIC_8BIT,
                        SW_ONNX_DEFAULT, prefill, NULL);
            const struct sw_layer_weights *layer = &sw_model_weights(w.model)->layers[0];
            const struct sw_tensor *t = &layer->gate, *parts[] = {&layer->gate, &layer->up};
            const char *name = prefill ? "layers.0.gate_up.weight" : "layers.0.gate.weight";
            const char *scale_name =
                prefill ? "layers.0.gate_up.weight.scale" : "layers.0.gate.weight.scale";
            size_t n_parts = prefill ? 2 : 1, n = t->n_rows * n_parts, k = t->n_cols;
            const uint8_t *values = data_of(&w, name, n * k);
            const float *scales = data_of(&w, scale_name, n * 4);
            for (size_t i = 0; i < n; i++) {
                size_t row = i % t->n_rows;
                const struct sw_tensor *part = parts[i / t->n_rows];
                assert_float_equal(scales[i], largest(part, row, 0, k) / 127, 0);
                for (size_t column = 0; column < k; column++) {
                    int q = (int)nearbyintf(sw_tensor_at(part, row * k + column) / scales[i]);
                    assert_int_equal(values[column * n + i], (uint8_t)(prefill ? q + 128 : q));
                }
            }
            if (prefill) {
                close_graph(&w);
                continue;
            }
            t = &sw_model_weights(w.model)->embedding;
            values = data_of(&w, "embedding", t->n_rows * t->n_cols);
            const float *scale = data_of(&w, "embedding.scale", 4);
            const uint8_t *zero = data_of(&w, "embedding.zero_point", 1);
            float min = 0, max = 0;
            for (size_t i = 0; i < t->n_rows * t->n_cols; i++) {
                min = fminf(min, sw_tensor_at(t, i));
                max = fmaxf(max, sw_tensor_at(t, i));
            }
            assert_float_equal(*scale, (max - min) / 255, 0);
            assert_int_equal(*zero, (int)nearbyintf(-min / *scale));
            for (size_t i = 0; i < t->n_rows * t->n_cols; i++) {
                float q = nearbyintf(sw_tensor_at(t, i) / *scale) + *zero;
                assert_int_equal(values[i], (int)fmaxf(0, fminf(255, q)));
            }
            close_graph(&w);
        }
    }
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    static const enum sw_strategy strategies[] = {SW_STRATEGY_NONE, SW_STRATEGY_8BIT,
                                                  SW_STRATEGY_4BIT, SW_STRATEGY_DYNAMIC_8BIT,
                                                  SW_STRATEGY_16BIT};
    struct sw_pool *pool;
    assert_ok(
        sw_pool_create(&pool, &(struct sw_pool_options){.n_threads = 3, .no_pinning = true}, &err));
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        struct written one = {0}, three = {0};
        write_graph(&one, model_path(N_MODELS - 1), strategies[i], SW_ONNX_DEFAULT, false, NULL);
        write_graph(&three, model_path(N_MODELS - 1), strategies[i], SW_ONNX_DEFAULT, false, pool);
        assert_int_equal(one.graph.size, three.graph.size);
        assert_memory_equal(one.graph.data, three.graph.data, one.graph.size);
        assert_int_equal(one.data.size, three.data.size);
        assert_memory_equal(one.data.data, three.data.data, one.data.size);
        close_graph(&one);
        close_graph(&three);
    }
    sw_pool_destroy(pool);
}

/* A head that shares the table is not written twice; one that is quantised, is. */
static void bytes_per_token(void **state)
{
    (void)state;
    struct sw_model *model;
    struct sw_onnx_variant variant;
    struct sw_onnx_sizes sizes;
    struct sw_buffer graph;
    assert_ok(sw_model_open(&model, "synthetic:1,64,128,4,2,100,32", NULL, NULL, &err));
    const struct sw_config *c = sw_model_config(model);
    /* q, k, v: 128 x 64, o: 64 x 64, gate, up, down: 3 x 128 x 64, head 100 x 64, three norms. */
    uint64_t matrices = 128 * 64 + 64 * 64 + 3 * 128 * 64, head = 100 * 64, norms = 3 * 64 * 4;
    assert_ok(sw_onnx_variant_choose(&variant, c, SW_STRATEGY_NONE, SW_ONNX_DEFAULT, false, &err));
    assert_int_equal(variant.graph, SW_ONNX_FUSED);
    assert_ok(sw_onnx_describe(&graph, &sizes, model, &variant, &err));
    sw_buffer_free(&graph);
    assert_int_equal(sizes.weight_bytes_per_token, 4 * (matrices + head) + norms + 64 * 4);
    assert_ok(sw_onnx_variant_choose(&variant, c, SW_STRATEGY_8BIT, SW_ONNX_DEFAULT, false, &err));
    assert_ok(sw_onnx_describe(&graph, &sizes, model, &variant, &err));
    sw_buffer_free(&graph);
    assert_int_equal(sizes.weight_bytes_per_token, (matrices + head) * 68 / 64 + norms + 64 * 4);
    sw_model_close(model);
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        enum sw_strategy strategy;
        enum sw_onnx_graph graph;
        bool on_gpu;
        size_t head_dim;
        const char *text;
    } cases[] = {
        {SW_STRATEGY_16BIT, SW_ONNX_DEFAULT, false, 64,
         "onnx_cpu: strategy quantization16bit: ONNX Runtime has no 16-bit kernels on the CPU: it "
         "would insert casts and compute in fp32"},
        {SW_STRATEGY_DYNAMIC_16BIT, SW_ONNX_DEFAULT, false, 64,
         "onnx_cpu: strategy quantization: ONNX Runtime has no product of 16-bit weights with fp32 "
         "activations: it would widen every weight in every call"},
        {SW_STRATEGY_STUDY_FP4, SW_ONNX_DEFAULT, true, 64,
         "onnx_gpu: strategy study_fp4: is what the study's GPU rows ran; only base_gpu computes "
         "it"},
        {SW_STRATEGY_NONE, SW_ONNX_FUSED, false, 24,
         "onnx_cpu: fused graph: the head size is 24, and the fused attention's rotary takes "
         "multiples of 16 only"},
        {SW_STRATEGY_NONE, SW_ONNX_FUSED, true, 64,
         "onnx_gpu: fused graph: strategy none: the CUDA provider's fused attention takes 16 bits "
         "only: in fp32 it would run on the CPU"},
        {SW_STRATEGY_8BIT, SW_ONNX_EXPORTER, false, 64,
         "onnx_cpu: strategy quantization8bit: the exporter's graph is written for none and "
         "quantization_dynamic8bit only"},
        {SW_STRATEGY_DYNAMIC_8BIT, SW_ONNX_FUSED, false, 64,
         "onnx_cpu: strategy quantization_dynamic8bit: only in the exporter's graph: its attention "
         "is quantised, too, which the fused one has no operator for"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_onnx_variant variant;
        struct sw_config config = {.head_dim = cases[i].head_dim};
        assert_int_equal(sw_onnx_variant_choose(&variant, &config, cases[i].strategy,
                                                cases[i].graph, cases[i].on_gpu, &err),
                         SW_EUNSUPPORTED);
        assert_string_equal(err.text, cases[i].text);
    }
}

/* On a GPU what has no kernel there takes another graph, and another arithmetic its own name. */
static void variants_of_a_gpu(void **state)
{
    (void)state;
    static const struct {
        enum sw_strategy strategy;
        enum sw_onnx_graph graph;
        const char *arithmetic, *compute_dtype;
    } cases[] = {
        {SW_STRATEGY_NONE, SW_ONNX_PLAIN, "f32", "f32"},
        {SW_STRATEGY_8BIT, SW_ONNX_PLAIN, "w8b64_a32", "f32"},
        {SW_STRATEGY_4BIT, SW_ONNX_PLAIN, "w4b32_a32", "f32"},
        {SW_STRATEGY_16BIT, SW_ONNX_FUSED, "f16", "f16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_onnx_variant variant;
        struct sw_config config = {.head_dim = 64};
        assert_ok(sw_onnx_variant_choose(&variant, &config, cases[i].strategy, SW_ONNX_DEFAULT,
                                         true, &err));
        assert_int_equal(variant.graph, cases[i].graph);
        assert_string_equal(sw_onnx_variant_arithmetic(&variant), cases[i].arithmetic);
        assert_string_equal(sw_onnx_variant_compute_dtype(&variant), cases[i].compute_dtype);
        assert_null(strstr(sw_onnx_variant_operators(&variant), "accuracy"));
        assert_int_equal(variant.reason[0] == 0, variant.graph == SW_ONNX_FUSED);
    }
}

/* A folder that is a file is refused, and stays. */
static void no_folder(void **state)
{
    (void)state;
    struct sw_model *model;
    struct sw_onnx_variant variant;
    char path[1024], text[1200], *folder = sw_test_folder_create();
    sw_test_folder_write(folder, "file", "x", 1);
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(text, sizeof text, "%s: not a folder", path);
    assert_ok(sw_model_open(&model, model_path(0), NULL, NULL, &err));
    assert_ok(sw_onnx_variant_choose(&variant, sw_model_config(model), SW_STRATEGY_NONE,
                                     SW_ONNX_DEFAULT, false, &err));
    assert_int_equal(variant.graph, SW_ONNX_PLAIN);
    assert_string_equal(variant.reason,
                        "the head size is no multiple of 16, which the fused attention asks for");
    assert_int_equal(sw_onnx_write(NULL, model, &variant, path, NULL, &err), SW_EFILE);
    assert_string_equal(err.text, text);
    sw_model_close(model);
    sw_test_folder_remove(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_format),
        cmocka_unit_test(small_graph),
        cmocka_unit_test(floats_are_the_models),
        cmocka_unit_test(blocks_of_eight_bits),
        cmocka_unit_test(blocks_of_four_bits),
        cmocka_unit_test(columns_and_table),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(bytes_per_token),
        cmocka_unit_test(refusals),
        cmocka_unit_test(variants_of_a_gpu),
        cmocka_unit_test(no_folder),
    };
    return cmocka_run_group_tests_name("onnx_graph", tests, NULL, NULL);
}
