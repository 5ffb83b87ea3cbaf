/*
 * The quantised products of the graphs, one operator at a time in ONNX Runtime, against the same
 * arithmetic written out in scalar integers. Bounds are derived: integer sums are exact, so what
 * may differ is the rounding of the float sums of blocks, and an input that lies on the edge
 * between two integers. Skips, by name, where there is no ONNX Runtime.
 */
#include "support/skip.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "backend/onnx/graph.h"
#include "backend/onnx/session.h"
#include "base/file.h"
#include "base/random.h"
#include "support/folder.h"

enum { SEED = 20261124, MAX_ROWS = 5 };

#define DATA "w.data"

/* (n, k) weights as integers, and a scale for each row's block. */
struct weights {
    size_t n, k, block;
    int bits;
    int *value;   /* (n, k) around 0 */
    float *scale; /* (n, blocks) */
};

static size_t blocks_of(const struct weights *w)
{
    return (w->k + w->block - 1) / w->block;
}

static double uniform(uint64_t i)
{
    return (double)(sw_random_at(SEED, i) >> 11) / 9007199254740992.0 * 2 - 1;
}

static struct weights make_weights(size_t n, size_t k, size_t block, int bits)
{
    struct weights w = {.n = n, .k = k, .block = block, .bits = bits};
    int top = (1 << (bits - 1)) - 1;
    w.value = calloc(n * k, sizeof *w.value);
    w.scale = calloc(n * blocks_of(&w), sizeof *w.scale);
    assert_true(w.value != NULL && w.scale != NULL);
    for (size_t i = 0; i < n * k; i++)
        w.value[i] = (int)lrint(uniform(i + 1000) * top);
    for (size_t i = 0; i < n * blocks_of(&w); i++)
        w.scale[i] = (float)(0.01 + 0.005 * uniform(i + 7));
    return w;
}

/* Inputs with outliers, as a model's are. */
static void make_inputs(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(uniform(i + 5000000) * (i % 97 == 3 ? 20 : 1));
}

static void add_weight(struct sw_onnx_builder *g, struct sw_buffer *data, const char *name,
                       enum sw_onnx_type type, const int64_t *dims, size_t n_dims,
                       const void *bytes, size_t size)
{
    uint64_t offset = sw_onnx_weight(g, name, type, dims, n_dims, DATA);
    while (data->size < offset)
        sw_buffer_append(data, "", 1);
    sw_buffer_append(data, bytes, size);
}

static void add_nbits_weights(struct sw_onnx_builder *g, struct sw_buffer *data,
                              const struct weights *w)
{
    size_t blocks = blocks_of(w), bytes = w->block * (size_t)w->bits / 8;
    unsigned char *packed = calloc(w->n * blocks, bytes);
    assert_non_null(packed);
    for (size_t i = 0; i < w->n * w->k; i++) {
        size_t place = i / w->k * blocks * w->block + i % w->k;
        unsigned u = (unsigned)(w->value[i] + (1 << (w->bits - 1)));
        if (w->bits == 8)
            packed[place] = (unsigned char)u;
        else
            packed[place / 2] |= (unsigned char)(u << (place % 2 * 4));
    }
    add_weight(g, data, "w", SW_ONNX_UINT8,
               (const int64_t[]){(int64_t)w->n, (int64_t)blocks, (int64_t)bytes}, 3, packed,
               w->n * blocks * bytes);
    add_weight(g, data, "s", SW_ONNX_FLOAT, (const int64_t[]){(int64_t)w->n, (int64_t)blocks}, 2,
               w->scale, w->n * blocks * sizeof(float));
    free(packed);
}

static struct sw_onnx_attribute integer(const char *name, size_t value)
{
    return (struct sw_onnx_attribute){.name = name, .kind = SW_ONNX_IS_INT, .i = (int64_t)value};
}

static void build_nbits(struct sw_onnx_builder *g, struct sw_buffer *data, const struct weights *w)
{
    add_nbits_weights(g, data, w);
    sw_onnx_add(g, &(struct sw_onnx_node){.type = "MatMulNBits",
                                          .domain = SW_ONNX_MS,
                                          .inputs = {"x", "w", "s"},
                                          .outputs = {"y"},
                                          .attributes = {integer("K", w->k), integer("N", w->n),
                                                         integer("bits", (size_t)w->bits),
                                                         integer("block_size", w->block),
                                                         integer("accuracy_level", 4)}});
}

/* Dynamic quantisation as the study's graph writes it; one scale a column. */
static void build_dynamic(struct sw_onnx_builder *g, struct sw_buffer *data,
                          const struct weights *w)
{
    signed char *columns = calloc(w->k, w->n);
    assert_non_null(columns);
    for (size_t i = 0; i < w->n * w->k; i++)
        columns[i % w->k * w->n + i / w->k] = (signed char)w->value[i];
    add_weight(g, data, "w", SW_ONNX_INT8, (const int64_t[]){(int64_t)w->k, (int64_t)w->n}, 2,
               columns, w->k * w->n);
    add_weight(g, data, "s", SW_ONNX_FLOAT, (const int64_t[]){(int64_t)w->n}, 1, w->scale,
               w->n * sizeof(float));
    free(columns);
    sw_onnx_add(g, &(struct sw_onnx_node){.type = "DynamicQuantizeLinear",
                                          .inputs = {"x"},
                                          .outputs = {"q", "qs", "qz"}});
    sw_onnx_add(g, &(struct sw_onnx_node){
                       .type = "MatMulInteger", .inputs = {"q", "w", "qz"}, .outputs = {"i"}});
    sw_onnx_add(g, &(struct sw_onnx_node){.type = "Cast",
                                          .inputs = {"i"},
                                          .outputs = {"f"},
                                          .attributes = {integer("to", SW_ONNX_FLOAT)}});
    sw_onnx_add(g,
                &(struct sw_onnx_node){.type = "Mul", .inputs = {"qs", "s"}, .outputs = {"both"}});
    sw_onnx_add(g,
                &(struct sw_onnx_node){.type = "Mul", .inputs = {"f", "both"}, .outputs = {"y"}});
}

/* y (m, n) by the runtime. */
static void run_graph(float *y, float *x, size_t m, const struct weights *w,
                      void (*build)(struct sw_onnx_builder *g, struct sw_buffer *data,
                                    const struct weights *w))
{
    struct sw_ort *ort;
    struct sw_ort_session *session;
    struct sw_ort_binding *binding = NULL;
    struct sw_error err = {0};
    struct sw_onnx_builder g = {0};
    struct sw_buffer message = {0}, data = {0};
    char path[4096];
    enum sw_code code = sw_ort_open(&ort, &err);
    if (code == SW_EABSENT)
        SW_SKIP("%s", err.text);
    if (code != SW_OK)
        fail_msg("%s", err.text);
    if (w->bits == 8 && build == build_nbits && sw_ort_need(ort, 1, 30, "it", &err) != SW_OK) {
        sw_ort_close(ort);
        SW_SKIP("%s", err.text);
    }
    struct sw_onnx_dim in[] = {{.name = "m"}, {.size = (int64_t)w->k}};
    struct sw_onnx_dim out[] = {{.name = "m"}, {.size = (int64_t)w->n}};
    char *folder = sw_test_folder_create();
    sw_onnx_input(&g, "x", SW_ONNX_FLOAT, in, 2);
    sw_onnx_output(&g, "y", SW_ONNX_FLOAT, out, 2);
    build(&g, &data, w);
    assert_int_equal(sw_onnx_builder_finish(&message, &g, "test", &err), SW_OK);
    sw_test_folder_write(folder, "model.onnx", message.data, message.size);
    sw_test_folder_write(folder, DATA, data.data, data.size);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    struct sw_ort_session_options options = {.n_threads = 2, .exact_u8s8 = true};
    if (sw_ort_session_open(&session, ort, path, &options, &err) != SW_OK ||
        sw_ort_binding_open(&binding, session, &err) != SW_OK)
        fail_msg("%s", err.text);
    struct sw_ort_view x_view = {
        .type = SW_ORT_F32, .data = x, .n_dims = 2, .dims = {(int64_t)m, (int64_t)w->k}};
    struct sw_ort_view y_view = {
        .type = SW_ORT_F32, .data = y, .n_dims = 2, .dims = {(int64_t)m, (int64_t)w->n}};
    if (sw_ort_bind(binding, SW_ORT_INPUT, "x", &x_view, &err) != SW_OK ||
        sw_ort_bind(binding, SW_ORT_OUTPUT, "y", &y_view, &err) != SW_OK ||
        sw_ort_run(binding, &err) != SW_OK)
        fail_msg("%s", err.text);
    sw_ort_binding_close(binding);
    sw_ort_session_close(session);
    sw_ort_close(ort);
    sw_buffer_free(&message);
    sw_buffer_free(&data);
    sw_test_folder_remove(folder);
}

/* A number as the integer it is rounded to; *edge: another way of dividing may give a neighbour. */
static int rounded(double value, int low, int high, bool *edge)
{
    double below = floor(value);
    *edge = fabs(value - below - 0.5) < 1e-5 * (fabs(value) + 1);
    double r = rint(value);
    return (int)fmin(fmax(r, low), high);
}

/* Row of inputs times row of weights, activations in s8, a scale for each block of them; *bound is
 * what a sum in another order, and inputs on an edge, may make of it. */
static double blocks_model(double *bound, const float *x, const struct weights *w, size_t row)
{
    double sum = 0, absolute = 0, edges = 0, middle = 1 << (w->bits - 1);
    size_t blocks = blocks_of(w);
    for (size_t b = 0; b < blocks; b++) {
        size_t begin = b * w->block, end = begin + w->block < w->k ? begin + w->block : w->k;
        double greatest = 0, part = 0, inputs = 0, scale = (double)w->scale[row * blocks + b];
        for (size_t i = begin; i < end; i++)
            greatest = fmax(greatest, fabs((double)x[i]));
        double step = greatest / 127;
        for (size_t i = begin; i < end; i++) {
            bool edge;
            int q = rounded((double)x[i] / step, -127, 127, &edge), v = w->value[row * w->k + i];
            part += q * v;
            inputs += q;
            if (edge)
                edges += step * scale * abs(v);
        }
        sum += part * step * scale;
        /* Weights are stored around middle, and middle times the inputs comes off as a float. */
        absolute += (fabs(part + middle * inputs) + fabs(middle * inputs)) * step * scale;
    }
    *bound = (double)(blocks + 4) * FLT_EPSILON * absolute + edges;
    return sum;
}

/* The same with one scale and zero point for all rows of inputs. */
static double tensor_model(double *bound, const float *x, float low, float high,
                           const struct weights *w, size_t row)
{
    double step = (double)((high - low) / 255), sum = 0, edges = 0;
    double scale = (double)w->scale[row];
    bool edge;
    int zero = rounded(-(double)low / step, 0, 255, &edge);
    assert_false(edge);
    for (size_t i = 0; i < w->k; i++) {
        double value = rint((double)x[i] / step);
        rounded((double)x[i] / step, -255, 255, &edge);
        value = fmin(fmax(value + zero, 0), 255);
        sum += (value - zero) * w->value[row * w->k + i];
        if (edge)
            edges += step * scale * abs(w->value[row * w->k + i]);
    }
    *bound = 6 * FLT_EPSILON * fabs(sum) * step * scale + edges;
    return sum * step * scale;
}

static void check_shape(size_t n, size_t k, size_t block, int bits, size_t m, bool is_dynamic)
{
    struct weights w = make_weights(n, k, is_dynamic ? k : block, bits);
    float *x = calloc(m * k, sizeof *x), *y = calloc(m * n, sizeof *y), low = 0, high = 0;
    double worst = 0;
    assert_true(x != NULL && y != NULL);
    make_inputs(x, m * k);
    for (size_t i = 0; i < m * k; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    run_graph(y, x, m, &w, is_dynamic ? build_dynamic : build_nbits);
    for (size_t i = 0; i < m * n; i++) {
        double bound, expected = is_dynamic
                                     ? tensor_model(&bound, x + i / n * k, low, high, &w, i % n)
                                     : blocks_model(&bound, x + i / n * k, &w, i % n);
        double off = fabs((double)y[i] - expected);
        if (!(off <= bound))
            fail_msg("%d bits, block %zu, %zu x %zu, row %zu: output %zu is %.9g, the model's is "
                     "%.9g, bound %.3g (seed %d)",
                     bits, w.block, n, k, i / n, i % n, (double)y[i], expected, bound, (int)SEED);
        worst = fmax(worst, off / bound);
    }
    printf("# %d bits, block %zu, %zu x %zu, %zu rows: worst %.2f of the bound\n", bits, w.block, n,
           k, m, worst);
    free(x);
    free(y);
    free(w.value);
    free(w.scale);
}

static const size_t shapes[][2] = {{576, 576}, {192, 576}, {64, 1536},
                                   {33, 128},  {17, 90},   {5, 64}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void check_shapes(size_t block, int bits, bool is_dynamic)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        for (size_t m = 1; m <= MAX_ROWS; m += MAX_ROWS - 1)
            check_shape(shapes[i][0], shapes[i][1], block, bits, m, is_dynamic);
    }
}

static void eight_bits_in_blocks_of_64(void **state)
{
    (void)state;
    check_shapes(64, 8, false);
}

static void four_bits_in_blocks_of_32(void **state)
{
    (void)state;
    check_shapes(32, 4, false);
}

static void dynamic_eight_bits(void **state)
{
    (void)state;
    check_shapes(0, 8, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_bits_in_blocks_of_64),
        cmocka_unit_test(four_bits_in_blocks_of_32),
        cmocka_unit_test(dynamic_eight_bits),
    };
    return cmocka_run_group_tests_name("onnx_products", tests, NULL, NULL);
}
