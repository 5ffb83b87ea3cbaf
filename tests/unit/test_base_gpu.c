/*
 * base_gpu's side of the plug-in, through one that computes nothing (tests/support/fake_cuda): how
 * it is found and refused, what arrives of the weights, what crosses of a call, and how failures
 * come back.
 */
#include "support/skip.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

#include "backend/cuda/base_gpu.h"
#include "backend/cuda/loader.h"
#include "backend/cuda/pack.h"
#include "base/file.h"
#include "base/half.h"
#include "support/fake_cuda/fake_cuda.h"
#include "support/alloc.h"
#include "support/folder.h"

static char library[4096]; /* path of the stand-in */
static struct fake_cuda *fake;
static struct sw_model *model;

enum { N_SEQUENCES = 3, POSITIONS = 20, MAX_BATCH = 8, MAX_LOGITS = 5 };

static int set_up(void **state)
{
    (void)state;
    if (fake != NULL)
        *fake = (struct fake_cuda){.words = ""};
    setenv("SMOLWATT_CUDA", library, 1);
    unsetenv("CUDA_VISIBLE_DEVICES");
    return 0;
}

static struct sw_model *open_model(const char *fixture)
{
    struct sw_model *opened;
    struct sw_error err = {0};
    if (sw_model_open(&opened, sw_fixture_path(fixture), NULL, NULL, &err) != SW_OK)
        fail_msg("%s", err.text);
    return opened;
}

static struct sw_backend_options usual(void)
{
    return (struct sw_backend_options){.n_sequences = N_SEQUENCES,
                                       .max_positions = POSITIONS,
                                       .max_batch = MAX_BATCH,
                                       .max_logits = MAX_LOGITS};
}

static struct sw_backend *open_backend(struct sw_backend_options options)
{
    struct sw_backend *b;
    struct sw_error err = {0};
    if (sw_base_gpu.open(&b, model, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    return b;
}

/* Opening ends with this code and text. */
static void refused(struct sw_backend_options options, enum sw_code code, const char *format, ...)
    SW_PRINTF(3, 4);

static void refused(struct sw_backend_options options, enum sw_code code, const char *format, ...)
{
    struct sw_backend *b;
    struct sw_error err = {0};
    char expected[sizeof err.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(expected, sizeof expected, format, arguments);
    va_end(arguments);
    assert_int_equal(sw_base_gpu.open(&b, model, &options, &err), code);
    assert_null(b);
    assert_string_equal(err.text, expected);
    if (fake != NULL)
        assert_int_equal(fake->n_open, fake->n_close);
}

static void what_is_named_has_to_be_there(void **state)
{
    (void)state;
    char *folder = sw_test_folder_create();
    setenv("SMOLWATT_CUDA", "/no/such/plugin.so", 1);
    refused(usual(), SW_EABSENT,
            "base_gpu: SMOLWATT_CUDA: /no/such/plugin.so: No such file or directory");
    setenv("SMOLWATT_CUDA", folder, 1);
    refused(usual(), SW_EABSENT, "base_gpu: SMOLWATT_CUDA: %s: holds no libsmolwatt_cuda.so",
            folder);
    sw_test_folder_remove(folder);
    /* The tests' own folder has none. */
    setenv("SMOLWATT_CUDA", "", 1);
    refused(usual(), SW_EABSENT,
            "base_gpu: the CUDA plug-in, libsmolwatt_cuda.so, is not built: install NVIDIA's CUDA "
            "toolkit (nvcc) and run `make cuda`, or name the file in SMOLWATT_CUDA; base_cpu needs "
            "neither");
}

static void write_file(char *path, size_t size, const char *folder, const char *name,
                       const void *data, size_t n_bytes)
{
    struct sw_error err = {0};
    snprintf(path, size, "%s/%s", folder, name);
    if (sw_file_write_atomic(path, data, n_bytes, &err) != SW_OK)
        fail_msg("%s", err.text);
    setenv("SMOLWATT_CUDA", path, 1);
}

static void files_that_are_no_plugin(void **state)
{
    (void)state;
    char path[4096], foreign[4096];
    char *folder = sw_test_folder_create();
    struct sw_map map;
    struct sw_error err = {0};
    write_file(path, sizeof path, folder, "text.so", "hello", 5);
    refused(usual(), SW_EFORMAT, "base_gpu: %s: no shared library (5 bytes, no ELF header)", path);
    write_file(path, sizeof path, folder, "empty.so", "", 0);
    refused(usual(), SW_EFORMAT, "base_gpu: %s: no shared library (0 bytes, no ELF header)", path);
    if (sw_map_open(&map, library, &err) != SW_OK)
        fail_msg("%s", err.text);
    for (size_t size = 64; size < map.size; size += size < 4096 ? 331 : 2999) {
        write_file(path, sizeof path, folder, "libsmolwatt_cuda.so", map.data, size);
        setenv("SMOLWATT_CUDA", folder, 1); /* the folder stands for the file in it */
        refused(usual(), SW_EFORMAT, "base_gpu: %s: truncated: %zu bytes, its header names %zu",
                path, size, map.size);
    }
    sw_map_close(&map);
    snprintf(foreign, sizeof foreign, "%s", library);
    memcpy(strstr(foreign, "libfake_cuda.so"), "libfake_nvml.so", sizeof "libfake_nvml.so");
    setenv("SMOLWATT_CUDA", foreign, 1);
    refused(usual(), SW_EFORMAT,
            "base_gpu: %s: not smolwatt's CUDA plug-in: it has no sw_cuda_plugin", foreign);
    sw_test_folder_remove(folder);
}

static void plugins_of_another_source(void **state)
{
    (void)state;
    fake->words = "abi sizes incomplete"; /* the version is looked at first */
    refused(usual(), SW_EUNSUPPORTED,
            "base_gpu: %s: is of plug-in version %d, this program of %d: build both from the same "
            "source (`make cuda`)",
            library, SW_CUDA_ABI + 1, SW_CUDA_ABI);
    static const char *const words[] = {"sizes", "incomplete"};
    for (size_t i = 0; i < 2; i++) {
        fake->words = words[i];
        refused(usual(), SW_EUNSUPPORTED,
                "base_gpu: %s: is of plug-in version %d, but was built from another source than "
                "this program (`make cuda` builds it anew)",
                library, SW_CUDA_ABI);
    }
    fake->words = "nothing";
    refused(usual(), SW_EFORMAT,
            "base_gpu: %s: not smolwatt's CUDA plug-in: sw_cuda_plugin gives nothing", library);
}

static void options_are_refused_without_a_plugin(void **state)
{
    (void)state;
    setenv("SMOLWATT_CUDA", "/no/such/plugin.so", 1);
    struct sw_backend_options options = usual();
    options.strategy = SW_STRATEGY_DYNAMIC_8BIT;
    refused(
        options, SW_EUNSUPPORTED,
        "base_gpu: strategy quantization_dynamic8bit is what the study's int8 row on a CPU ran: "
        "onnx_cpu and base_cpu compute it");
    options = usual();
    options.strategy = SW_STRATEGY_16BIT;
    options.gpu.use_tf32 = true;
    refused(options, SW_EUSAGE, "base_gpu: TF32 is for strategy none, not quantization16bit");
    options = usual();
    options.gpu.mode = "fast";
    refused(options, SW_EUSAGE, "base_gpu: mode \"fast\" is not auto, graph or persistent");
    options = usual();
    options.max_positions = 1000000;
    refused(options, SW_EUSAGE, "base_gpu: 1000000 positions: the model has 1 to %zu",
            sw_model_config(model)->max_positions);
    options = usual();
    options.max_batch = (size_t)UINT32_MAX + 1;
    refused(options, SW_EUSAGE, "base_gpu: tokens and logits of a batch beyond 32 bits");
}

static void devices_have_the_meters_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *visible; /* NULL: not set */
        unsigned gpu;
        int device; /* -1: refused */
        const char *message;
    } cases[] = {
        {NULL, 0, 0, NULL},
        {NULL, 3, 3, NULL},
        {"", 0, 0, NULL},
        {"0", 0, 0, NULL},
        {"2,0,1", 2, 0, NULL},
        {"2,0,1", 1, 2, NULL},
        {"1", 0, -1, "base_gpu: GPU 0 is hidden: CUDA_VISIBLE_DEVICES is 1"},
        {"0,2,3", 1, -1, "base_gpu: GPU 1 is hidden: CUDA_VISIBLE_DEVICES is 0,2,3"},
        {"GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", 2, 0, NULL},
        {"GPU-8932f937,GPU-1", 0, -1,
         "base_gpu: GPU 0: CUDA_VISIBLE_DEVICES (GPU-8932f937,GPU-1) must hold numbers in "
         "nvidia-smi's order, or one UUID: which board's joules to count is not known"},
        {"1,-1,0", 0, -1,
         "base_gpu: GPU 0: CUDA_VISIBLE_DEVICES (1,-1,0) must hold numbers in nvidia-smi's order, "
         "or one UUID: which board's joules to count is not known"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_backend_options options = usual();
        options.gpu.index = cases[i].gpu;
        if (cases[i].visible != NULL)
            setenv("CUDA_VISIBLE_DEVICES", cases[i].visible, 1);
        else
            unsetenv("CUDA_VISIBLE_DEVICES");
        setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST", 1);
        if (cases[i].device < 0) {
            refused(options, SW_EABSENT, "%s", cases[i].message);
            continue;
        }
        struct sw_backend_info info;
        struct sw_backend *b = open_backend(options);
        assert_int_equal(fake->gpu, cases[i].device);
        assert_int_equal(fake->plan.gpu, cases[i].device);
        sw_base_gpu.describe(b, &info);
        assert_int_equal(info.device.index, cases[i].gpu);
        assert_string_equal(getenv("CUDA_DEVICE_ORDER"), "PCI_BUS_ID");
        sw_base_gpu.close(b);
    }
}

static void the_plan_is_the_models(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sw_gpu_mode mode;
    } modes[] = {{NULL, SW_GPU_AUTO},
                 {"auto", SW_GPU_AUTO},
                 {"graph", SW_GPU_GRAPH},
                 {"persistent", SW_GPU_PERSISTENT}};
    const struct sw_config *c = sw_model_config(model);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct sw_backend_options options = usual();
        struct sw_backend_info info;
        options.gpu.mode = modes[i].text;
        options.gpu.use_tf32 = i % 2 == 1;
        struct sw_backend *b = open_backend(options);
        const struct sw_gpu_plan *p = &fake->plan;
        assert_int_equal(p->n_layers, c->n_layers);
        assert_int_equal(p->dim, c->dim);
        assert_int_equal(p->hidden_dim, c->hidden_dim);
        assert_int_equal(p->n_heads, c->n_heads);
        assert_int_equal(p->n_kv_heads, c->n_kv_heads);
        assert_int_equal(p->head_dim, c->head_dim);
        assert_int_equal(p->vocab_size, c->vocab_size);
        assert_int_equal(p->max_positions, POSITIONS);
        assert_int_equal(p->n_sequences, N_SEQUENCES);
        assert_int_equal(p->max_batch, MAX_BATCH);
        assert_int_equal(p->max_logits, MAX_LOGITS);
        assert_true(p->rms_eps == c->rms_eps);
        assert_int_equal(p->mode, modes[i].mode);
        assert_int_equal(p->use_tf32, i % 2);
        assert_string_equal(p->arithmetic.name, "f32");
        sw_base_gpu.describe(b, &info);
        assert_string_equal(info.backend, "base_gpu");
        assert_string_equal(info.isa, "sm_90");
        assert_string_equal(info.device.name, "Fake GPU");
        assert_string_equal(info.device.plugin, library);
        assert_string_equal(info.device.mode,
                            modes[i].mode == SW_GPU_PERSISTENT ? "persistent" : "graph");
        assert_string_equal(info.device.mode_reason,
                            modes[i].mode == SW_GPU_AUTO ? "one is faster" : "");
        assert_int_equal(info.device.driver, 13000);
        assert_int_equal(info.device.runtime, 12080);
        assert_int_equal(info.device.uses_tf32, i % 2);
        assert_int_equal(info.compute_limit, i % 2 == 1 ? SW_COMPUTE_DOT_TF32 : SW_COMPUTE_FMA_F32);
        assert_int_equal(info.packed_bytes, 111);
        assert_int_equal(info.cache_bytes, 222);
        assert_int_equal(info.scratch_bytes, 333);
        assert_int_equal(fake->n_ready, i + 1);
        sw_base_gpu.close(b);
        assert_int_equal(fake->n_close, i + 1);
    }
}

/* sm_75 has no bf16; what is emulated says so. */
static void the_gpu_decides_what_16_bits_are(void **state)
{
    (void)state;
    struct sw_backend_info info;
    struct sw_backend_options options = usual();
    options.strategy = SW_STRATEGY_16BIT;
    struct sw_backend *b = open_backend(options);
    sw_base_gpu.describe(b, &info);
    assert_string_equal(info.arithmetic, "bf16");
    sw_base_gpu.close(b);
    fake->sm = 75;
    b = open_backend(options);
    sw_base_gpu.describe(b, &info);
    assert_string_equal(info.arithmetic, "f16");
    assert_string_equal(info.isa, "sm_75");
    assert_false(info.device.is_emulated);
    sw_base_gpu.close(b);
    fake->is_emulated = 1;
    b = open_backend(options);
    sw_base_gpu.describe(b, &info);
    assert_string_equal(info.isa, "emulated");
    assert_true(info.device.is_emulated);
    sw_base_gpu.close(b);
}

/* What arrived of a model, each slot and layer once. */
struct arrivals {
    enum sw_strategy strategy;
    int n_times[SW_GPU_N_SLOTS][8];
    size_t n_values;
    double worst; /* of all values: error over the bound that the format promises */
};

/* Row r of a layer's matrix, as a list of the checkpoint's tensors has it. */
static const struct sw_tensor *source_of(enum sw_gpu_slot slot, const struct sw_layer_weights *l,
                                         size_t r, size_t *row, const struct sw_tensor **bias)
{
    *row = r;
    *bias = NULL;
    switch (slot) {
    case SW_GPU_ATTENTION_NORM:
        return &l->attention_norm;
    case SW_GPU_MLP_NORM:
        return &l->mlp_norm;
    case SW_GPU_O:
        *bias = &l->o_bias;
        return &l->o;
    case SW_GPU_DOWN:
        *bias = &l->down_bias;
        return &l->down;
    case SW_GPU_GATE_UP:
        *row = r / 2;
        *bias = r % 2 == 0 ? &l->gate_bias : &l->up_bias;
        return r % 2 == 0 ? &l->gate : &l->up;
    default:
        break;
    }
    if (r < l->q.n_rows) {
        *bias = &l->q_bias;
        return &l->q;
    }
    *row = r - l->q.n_rows;
    *bias = *row < l->k.n_rows ? &l->k_bias : &l->v_bias;
    if (*row < l->k.n_rows)
        return &l->k;
    *row -= l->k.n_rows;
    return &l->v;
}

/* The number that the format stores at row r, column c, and how far the rounding to it may go. */
static double stored(const struct sw_gpu_matrix *m, size_t r, size_t c, double *bound)
{
    const unsigned char *row = (const unsigned char *)m->rows + r * m->row_bytes;
    uint16_t half;
    float single;
    switch (m->form) {
    case SW_GPU_F32:
        memcpy(&single, row + c * 4, 4);
        *bound = 0;
        return (double)single;
    case SW_GPU_BF16:
        memcpy(&half, row + c * 2, 2);
        *bound = fabs((double)sw_bf16_to_float(half)) / 256; /* half of the last of 8 bits */
        return (double)sw_bf16_to_float(half);
    case SW_GPU_S8:
        memcpy(&single, (const float *)m->scales + r, 4);
        *bound = 0.5 * (double)single * (1 + 1e-5);
        return (double)single * (double)(signed char)row[c];
    default:
        fail_msg("form %d", (int)m->form);
    }
    return 0;
}

static void look_at(void *ctx, enum sw_gpu_slot slot, uint32_t layer, const struct sw_gpu_matrix *m)
{
    struct arrivals *a = ctx;
    const struct sw_config *config = sw_model_config(model);
    const struct sw_weights *w = sw_model_weights(model);
    assert_in_range(slot, 0, SW_GPU_N_SLOTS - 1);
    assert_in_range(layer, 0, 7);
    a->n_times[slot][layer]++;
    assert_int_equal(m->row_bytes, sw_gpu_row_bytes(m->form, m->n_cols));
    assert_int_equal(m->scales != NULL, sw_gpu_scale_bytes(m->form, m->n_rows, m->n_cols) > 0);
    if (slot == SW_GPU_COSINES || slot == SW_GPU_SINES) {
        float frequencies[64];
        size_t half = config->head_dim / 2;
        assert_in_range(half, 1, 64);
        sw_config_rope_frequencies(frequencies, config);
        assert_int_equal(m->n_rows, 1);
        assert_int_equal(m->n_cols, POSITIONS * half);
        for (size_t i = 0; i < POSITIONS * half; i++) {
            double angle = (double)((float)(i / half) * frequencies[i % half]);
            double wanted = slot == SW_GPU_COSINES ? cos(angle) : sin(angle);
            assert_true(((const float *)m->rows)[i] == (float)wanted);
        }
        return;
    }
    for (size_t r = 0; r < m->n_rows; r++) {
        size_t row = r;
        const struct sw_tensor *bias = NULL;
        const struct sw_tensor *t = slot == SW_GPU_EMBEDDING    ? &w->embedding
                                    : slot == SW_GPU_HEAD       ? &w->head
                                    : slot == SW_GPU_FINAL_NORM ? &w->final_norm
                                                                : NULL;
        if (t == NULL)
            t = source_of(slot, &w->layers[layer], r, &row, &bias);
        assert_int_equal(m->n_cols, t->n_cols);
        for (size_t c = 0; c < m->n_cols; c++) {
            double bound, value = stored(m, r, c, &bound);
            double error = fabs(value - (double)sw_tensor_at(t, row * t->n_cols + c));
            if (!(error <= bound))
                fail_msg("slot %d, layer %u, row %zu, column %zu: %g is %g off, bound %g",
                         (int)slot, layer, r, c, value, error, bound);
            a->n_values++;
        }
        assert_int_equal(m->bias != NULL, bias != NULL && bias->data_view != NULL);
        if (m->bias != NULL)
            assert_true(m->bias[r] == sw_tensor_at(bias, row));
    }
}

static void every_matrix_arrives_once(void **state)
{
    (void)state;
    static const char *const fixtures[] = {"golden/biases", "golden/odd-sizes", "golden/gqa3-tied",
                                           "golden/gqa1-untied", "golden/head-dim"};
    static const enum sw_strategy strategies[] = {SW_STRATEGY_NONE, SW_STRATEGY_DYNAMIC_16BIT,
                                                  SW_STRATEGY_8BIT_W8A8};
    struct sw_model *usual_model = model;
    for (size_t i = 0; i < 5 * 3; i++) {
        struct arrivals arrivals = {.strategy = strategies[i % 3]};
        struct sw_backend_options options = usual();
        struct sw_backend_info info;
        options.strategy = arrivals.strategy;
        model = open_model(fixtures[i / 3]);
        const struct sw_config *c = sw_model_config(model);
        fake->on_load = look_at;
        fake->ctx = &arrivals;
        struct sw_backend *b = open_backend(options);
        bool is_copy = c->tied && fake->plan.arithmetic.head == fake->plan.arithmetic.embedding;
        for (size_t slot = 0; slot < SW_GPU_N_SLOTS; slot++) {
            size_t n = sw_gpu_slot_is_of_layer((enum sw_gpu_slot)slot) ? c->n_layers : 1;
            for (size_t layer = 0; layer < 8; layer++)
                assert_int_equal(arrivals.n_times[slot][layer],
                                 layer < n && !(slot == SW_GPU_HEAD && is_copy));
        }
        size_t rows = c->n_heads + 2 * c->n_kv_heads;
        size_t n_values =
            c->vocab_size * c->dim * (is_copy ? 1 : 2) + c->dim +
            c->n_layers * (2 * c->dim + rows * c->head_dim * c->dim +
                           c->n_heads * c->head_dim * c->dim + 3 * c->hidden_dim * c->dim);
        assert_int_equal(arrivals.n_values, n_values);
        sw_base_gpu.describe(b, &info);
        assert_true(info.weight_bytes_per_token > 0);
        sw_base_gpu.close(b);
        sw_model_close(model);
    }
    model = usual_model;
}

static void failures_of_opening(void **state)
{
    (void)state;
    size_t n_loads;
    fake->words = "absent";
    refused(
        usual(), SW_EABSENT,
        "base_gpu: no CUDA driver is installed: it takes an NVIDIA GPU (compute capability 7.5 or "
        "newer) and its driver");
    fake->words = "probe";
    refused(usual(), SW_ESYSTEM, "base_gpu: probe: the device said no?and no again");
    fake->words = "open";
    refused(usual(), SW_ENOMEM, "base_gpu: open: the device said no?and no again");
    assert_int_equal(fake->n_open, 0);
    fake->words = "open mute";
    refused(usual(), SW_ENOMEM, "base_gpu: out of memory");
    fake->words = "ready";
    refused(usual(), SW_ESYSTEM, "base_gpu: ready: the device said no?and no again");
    n_loads = fake->n_loads;
    assert_int_equal(fake->n_close, 1);
    for (size_t n = 0; n < n_loads; n += n < 3 ? 1 : n_loads / 3) {
        *fake = (struct fake_cuda){.words = "load", .fail_load = n};
        refused(usual(), SW_ENOMEM, "base_gpu: load: the device said no?and no again");
        assert_int_equal(fake->n_loads, n + 1); /* none after the one that failed */
        assert_int_equal(fake->n_ready, 0);
        assert_int_equal(fake->n_close, 1);
    }
}

static void no_memory(void **state)
{
    (void)state;
    enum sw_code code = SW_ENOMEM;
    long n = 0;
    for (; code != SW_OK; n++) {
        struct sw_backend *b;
        struct sw_error err = {0};
        struct sw_backend_options options = usual();
        sw_test_alloc_fail_from(n);
        code = sw_base_gpu.open(&b, model, &options, &err);
        sw_test_alloc_normal();
        if (code == SW_OK)
            sw_base_gpu.close(b);
        else
            assert_true(b == NULL && code == SW_ENOMEM && strlen(err.text) > 0);
        assert_int_equal(fake->n_open, fake->n_close);
    }
    assert_true(n > 3); /* the backend, two lists, the path */
}

static struct sw_batch_token token(int32_t id, uint32_t position, uint32_t sequence, bool wants)
{
    return (struct sw_batch_token){
        .id = id, .position = position, .sequence = sequence, .want_logits = wants};
}

static int32_t next_id(int32_t id, size_t position, size_t sequence)
{
    return (int32_t)((7 * (size_t)id + position + sequence + 1) %
                     sw_model_config(model)->vocab_size);
}

static void calls_cross_as_they_are(void **state)
{
    (void)state;
    size_t vocab_size = sw_model_config(model)->vocab_size;
    struct sw_backend *b = open_backend(usual());
    struct sw_error err = {0};
    const struct sw_batch_token tokens[] = {token(3, 0, 1, false), token(4, 1, 1, true),
                                            token(5, 0, 0, true), token(6, 0, 2, false)};
    float *logits = calloc(2 * vocab_size, sizeof *logits);
    int32_t ids[MAX_LOGITS];
    double logprobs[MAX_LOGITS];
    assert_non_null(logits);
    assert_int_equal(sw_base_gpu.forward(b, tokens, 4, logits, &err), SW_OK);
    assert_int_equal(fake->n_tokens, 4);
    assert_memory_equal(fake->tokens, tokens, sizeof tokens);
    assert_true(logits[next_id(4, 1, 1)] == 4 &&
                logits[vocab_size + (size_t)next_id(5, 0, 0)] == 4);
    free(logits);

    const struct sw_batch_token more[] = {token(9, 2, 1, true), token(8, 1, 2, true)};
    assert_int_equal(sw_base_gpu.greedy(b, more, 2, ids, NULL, &err), SW_OK);
    assert_int_equal(ids[0], next_id(9, 2, 1));
    assert_int_equal(ids[1], next_id(8, 1, 2));
    assert_int_equal(sw_base_gpu.greedy(b, (struct sw_batch_token[]){token(1, 1, 0, true)}, 1, ids,
                                        logprobs, &err),
                     SW_OK);
    assert_true(logprobs[0] < 0);

    /* An answer goes on where the sequence stands, and moves it by as many as came back. */
    uint64_t stamps[POSITIONS];
    int32_t answer_ids[POSITIONS];
    int32_t stop = next_id(next_id(9, 3, 1), 4, 1);
    struct sw_backend_answer answer = {.id = 9,
                                       .position = 3,
                                       .sequence = 1,
                                       .max_ids = 6,
                                       .stop_ids = &stop,
                                       .n_stop_ids = 1,
                                       .ids = answer_ids,
                                       .stamps_ns = stamps};
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_OK);
    assert_int_equal(answer.n_ids, 2);
    assert_int_equal(answer_ids[0], next_id(9, 3, 1));
    assert_int_equal(answer_ids[1], stop);
    assert_int_equal(sw_base_gpu.greedy(b, (struct sw_batch_token[]){token(stop, 5, 1, true)}, 1,
                                        ids, NULL, &err),
                     SW_OK);
    /* The last position is run, and no more. */
    answer = (struct sw_backend_answer){.id = 1,
                                        .position = 6,
                                        .sequence = 1,
                                        .max_ids = POSITIONS - 6,
                                        .ids = answer_ids,
                                        .stamps_ns = stamps};
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_OK);
    assert_int_equal(answer.n_ids, POSITIONS - 6);

    struct sw_device_rates rates;
    assert_int_equal(sw_base_gpu.measure_limits(b, &rates, &err), SW_OK);
    assert_true(rates.read_bytes_per_second == 3e12 && rates.operations_per_second == 4e14);
    sw_base_gpu.close(b);
    assert_int_equal(fake->n_close, 1);
}

static void calls_are_checked_before_they_cross(void **state)
{
    (void)state;
    size_t vocab_size = sw_model_config(model)->vocab_size;
    struct sw_backend *b = open_backend(usual());
    int32_t ids[POSITIONS];
    uint64_t stamps[POSITIONS];
    struct sw_error err = {0};
    const struct sw_batch_token bad[] = {
        token((int32_t)vocab_size, 0, 0, true), token(-1, 0, 0, true),
        token(1, 0, N_SEQUENCES, true),         token(1, 1, 0, true),
        token(1, POSITIONS, 0, true),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sw_backend_answer answer = {.id = bad[i].id,
                                           .position = bad[i].position,
                                           .sequence = bad[i].sequence,
                                           .max_ids = 1,
                                           .ids = ids,
                                           .stamps_ns = stamps};
        assert_int_equal(sw_base_gpu.forward(b, &bad[i], 1, (float[1]){0}, &err), SW_EUSAGE);
        assert_int_equal(sw_base_gpu.greedy(b, &bad[i], 1, ids, NULL, &err), SW_EUSAGE);
        assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_EUSAGE);
        assert_int_equal(answer.n_ids, 0);
    }
    static const size_t numbers[] = {0, POSITIONS + 1, SIZE_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct sw_backend_answer answer = {
            .id = 1, .max_ids = numbers[i], .ids = ids, .stamps_ns = stamps};
        assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_EUSAGE);
    }
    struct sw_backend_answer answer = {
        .id = 1, .max_ids = 1, .n_stop_ids = SW_MAX_EOS + 1, .ids = ids, .stamps_ns = stamps};
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_EUSAGE);
    const struct sw_batch_token good = token(1, 0, 0, true);
    assert_int_equal(sw_base_gpu.greedy(b, &good, 1, NULL, NULL, &err), SW_EUSAGE);
    assert_int_equal(sw_base_gpu.forward(b, &good, 1, NULL, &err), SW_EUSAGE);
    assert_int_equal(fake->n_forward + fake->n_greedy + fake->n_decode, 0);
    /* None of it has moved the sequence. */
    assert_int_equal(sw_base_gpu.greedy(b, &good, 1, ids, NULL, &err), SW_OK);
    sw_base_gpu.reset(b, 0);
    sw_base_gpu.reset(b, N_SEQUENCES);
    assert_int_equal(sw_base_gpu.greedy(b, &good, 1, ids, NULL, &err), SW_OK);
    sw_base_gpu.close(b);
}

static void failures_of_calls(void **state)
{
    (void)state;
    struct sw_backend *b = open_backend(usual());
    size_t vocab_size = sw_model_config(model)->vocab_size;
    const struct sw_batch_token good = token(1, 0, 0, true);
    float *logits = calloc(vocab_size, sizeof *logits);
    int32_t ids[POSITIONS];
    uint64_t stamps[POSITIONS];
    char expected[96];
    struct sw_device_rates rates;
    struct sw_error err = {0};
    struct sw_backend_answer answer = {.id = 1, .max_ids = 4, .ids = ids, .stamps_ns = stamps};
    assert_non_null(logits);
    fake->words = "forward greedy decode limits";
    assert_int_equal(sw_base_gpu.forward(b, &good, 1, logits, &err), SW_ESYSTEM);
    assert_string_equal(err.text, "base_gpu: forward: the device said no?and no again");
    sw_base_gpu.reset(b, 0);
    assert_int_equal(sw_base_gpu.greedy(b, &good, 1, ids, NULL, &err), SW_ESYSTEM);
    assert_string_equal(err.text, "base_gpu: greedy: the device said no?and no again");
    sw_base_gpu.reset(b, 0);
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_ESYSTEM);
    assert_string_equal(err.text, "base_gpu: decode: the device said no?and no again");
    assert_int_equal(sw_base_gpu.measure_limits(b, &rates, &err), SW_ESYSTEM);
    assert_int_equal(sw_base_gpu.decode(b, &answer, NULL), SW_ESYSTEM); /* nobody wants the text */
    fake->words = "decode mute";
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_ESYSTEM);
    assert_string_equal(err.text, "base_gpu: system call failed");

    fake->words = "wild";
    snprintf(expected, sizeof expected, "base_gpu: the GPU chose id %zu of %zu", vocab_size,
             vocab_size);
    assert_int_equal(sw_base_gpu.greedy(b, &good, 1, ids, NULL, &err), SW_ESYSTEM);
    assert_string_equal(err.text, expected);
    sw_base_gpu.reset(b, 0);
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_ESYSTEM);
    assert_string_equal(err.text, expected);
    sw_base_gpu.reset(b, 0);
    fake->words = "none";
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_ESYSTEM);
    assert_string_equal(err.text, "base_gpu: the GPU gave 0 ids of 4");
    fake->words = "many";
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_ESYSTEM);
    assert_string_equal(err.text, "base_gpu: the GPU gave 5 ids of 4");
    fake->words = "no_number"; /* that is the model's fault, and the engine's to tell */
    assert_int_equal(sw_base_gpu.decode(b, &answer, &err), SW_OK);
    assert_int_equal(answer.n_ids, 1);
    assert_int_equal(ids[0], -1);
    free(logits);
    sw_base_gpu.close(b);
}

/* The library stays in memory for the tests to look into it. */
static int open_library(void **state)
{
    (void)state;
    struct fake_cuda *(*get)(void) = NULL;
    const char *build = getenv("BUILD");
    char relative[512];
    snprintf(relative, sizeof relative, "%s/tests/support/libfake_cuda.so",
             build != NULL ? build : "build");
    void *handle = realpath(relative, library) != NULL ? dlopen(library, RTLD_NOW) : NULL;
    void *symbol = handle != NULL ? dlsym(handle, "fake_cuda") : NULL;
    memcpy(&get, &symbol, sizeof symbol);
    if (get == NULL) {
        print_error("%s is not built\n", relative);
        return -1;
    }
    fake = get();
    model = open_model("golden/gqa3-tied");
    return 0;
}

static int close_library(void **state)
{
    (void)state;
    sw_model_close(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_named_has_to_be_there, set_up),
        cmocka_unit_test_setup(files_that_are_no_plugin, set_up),
        cmocka_unit_test_setup(plugins_of_another_source, set_up),
        cmocka_unit_test_setup(options_are_refused_without_a_plugin, set_up),
        cmocka_unit_test_setup(devices_have_the_meters_numbers, set_up),
        cmocka_unit_test_setup(the_plan_is_the_models, set_up),
        cmocka_unit_test_setup(the_gpu_decides_what_16_bits_are, set_up),
        cmocka_unit_test_setup(every_matrix_arrives_once, set_up),
        cmocka_unit_test_setup(failures_of_opening, set_up),
        cmocka_unit_test_setup(no_memory, set_up),
        cmocka_unit_test_setup(calls_cross_as_they_are, set_up),
        cmocka_unit_test_setup(calls_are_checked_before_they_cross, set_up),
        cmocka_unit_test_setup(failures_of_calls, set_up),
    };
    return cmocka_run_group_tests_name("base_gpu", tests, open_library, close_library);
}
