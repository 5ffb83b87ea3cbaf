#include "model/synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/number.h"
#include "base/random.h"
#include "model/layout.h"

static const char prefix[] = "synthetic:";

bool sw_model_name_is_synthetic(const char *name)
{
    return strncmp(name, prefix, sizeof prefix - 1) == 0;
}

/* config.json of HuggingFaceTB/SmolLM-135M, -360M and -1.7B, as the study used them. */
static const struct {
    const char *name;
    size_t n_layers, dim, hidden_dim, n_heads, n_kv_heads;
} shapes[] = {
    {"smollm-135m", 30, 576, 1536, 9, 3},
    {"smollm-360m", 32, 960, 2560, 15, 5},
    {"smollm-1.7b", 24, 2048, 8192, 32, 32},
};

static enum sw_code parse_sizes(struct sw_config *out, const char *text, const char *name,
                                struct sw_error *err)
{
    static const char *const fields[] = {"layers",   "dim",   "hidden",   "heads",
                                         "kv_heads", "vocab", "positions"};
    static const uint64_t limits[] = {4096, 1 << 18, 1 << 18, 4096, 4096, 1 << 24, 1 << 26};
    enum { N_FIELDS = sizeof fields / sizeof *fields };
    uint64_t values[N_FIELDS] = {[N_FIELDS - 1] = 2048};
    size_t n = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        char number[24];
        if (n == N_FIELDS)
            return sw_fail(err, SW_EUSAGE, "%s: more than %d sizes", name, N_FIELDS);
        if (length >= sizeof number)
            return sw_fail(err, SW_EUSAGE, "%s: %s is not a number", name, fields[n]);
        memcpy(number, text, length);
        number[length] = 0;
        if (!sw_parse_u64(&values[n], number, 1, limits[n]))
            return sw_fail(err, SW_EUSAGE,
                           "%s: %s is \"%s\", not a whole number from 1 to %llu (a shape is "
                           "smollm-135m, smollm-360m, smollm-1.7b or "
                           "layers,dim,hidden,heads,kv_heads,vocab[,positions])",
                           name, fields[n], number, (unsigned long long)limits[n]);
        n++;
        if (text[length] == 0)
            break;
        text += length + 1;
    }
    if (n < N_FIELDS - 1)
        return sw_fail(err, SW_EUSAGE, "%s: %s is missing", name, fields[n]);
    out->n_layers = (size_t)values[0];
    out->dim = (size_t)values[1];
    out->hidden_dim = (size_t)values[2];
    out->n_heads = (size_t)values[3];
    out->n_kv_heads = (size_t)values[4];
    out->vocab_size = (size_t)values[5];
    out->max_positions = (size_t)values[6];
    if (out->dim % (2 * out->n_heads) != 0)
        return sw_fail(err, SW_EUSAGE, "%s: dim %zu is no even multiple of %zu heads", name,
                       out->dim, out->n_heads);
    if (out->n_heads % out->n_kv_heads != 0)
        return sw_fail(err, SW_EUSAGE, "%s: %zu heads are no multiple of %zu kv_heads", name,
                       out->n_heads, out->n_kv_heads);
    return SW_OK;
}

enum sw_code sw_synthetic_config(struct sw_config *out, const char *name, struct sw_error *err)
{
    *out = (struct sw_config){
        .max_positions = 2048,
        .vocab_size = 49152,
        .rms_eps = 1e-5f,
        .tied = true,
        .rope_theta = 10000.0,
        .rope_scaling = SW_ROPE_PLAIN,
        .rope_factor = 1.0,
        .bos_id = -1,
    };
    const char *shape = name + (sw_model_name_is_synthetic(name) ? sizeof prefix - 1 : 0);
    bool known = false;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && !known; i++) {
        known = strcmp(shape, shapes[i].name) == 0;
        if (known) {
            out->n_layers = shapes[i].n_layers;
            out->dim = shapes[i].dim;
            out->hidden_dim = shapes[i].hidden_dim;
            out->n_heads = shapes[i].n_heads;
            out->n_kv_heads = shapes[i].n_kv_heads;
        }
    }
    if (!known) {
        enum sw_code code = parse_sizes(out, shape, name, err);
        if (code != SW_OK)
            return code;
    }
    out->head_dim = out->dim / out->n_heads;
    return SW_OK;
}

/* Each tensor begins on a cache line of its own. */
static size_t padded(struct sw_shape shape)
{
    return (shape.n_rows * shape.n_cols + 15) / 16 * 16;
}

/* Walks over all tensors: counts their floats where memory is NULL, else sets the views. */
static size_t place(struct sw_synthetic *out, float *memory)
{
    size_t n = 0;
    struct sw_shape shape = sw_layout_embedding(&out->config);
    struct sw_shape norm = sw_layout_norm(&out->config);
    if (memory != NULL) {
        out->weights.embedding = (struct sw_tensor){memory, shape.n_rows, shape.n_cols, SW_F32};
        out->weights.head = out->weights.embedding;
    }
    n += padded(shape);
    if (memory != NULL)
        out->weights.final_norm = (struct sw_tensor){memory + n, 1, norm.n_cols, SW_F32};
    n += padded(norm);
    for (size_t layer = 0; layer < out->config.n_layers; layer++) {
        for (size_t i = 0; i < SW_LAYER_N_TENSORS; i++) {
            if (!sw_layout_layer(&shape, i, &out->config))
                continue;
            if (memory != NULL)
                *sw_layout_tensor(&out->layers[layer], i) =
                    (struct sw_tensor){memory + n, shape.n_rows, shape.n_cols, SW_F32};
            n += padded(shape);
        }
    }
    return n;
}

enum { CHUNK_FLOATS = 1 << 18 };

struct fill {
    float *memory;
    size_t n; /* floats, a multiple of 16 */
    uint64_t seed;
};

/* Uniform with standard deviation 0.02, near that of trained weights of this size; one 64-bit
 * number makes two values. */
static void fill_chunk(void *ctx, size_t chunk)
{
    const struct fill *fill = ctx;
    const float scale = 0.02f * 1.7320508f * 0x1p-31f; /* uniform in +-a has deviation a / sqrt 3 */
    size_t begin = chunk * CHUNK_FLOATS;
    size_t end = fill->n - begin < CHUNK_FLOATS ? fill->n : begin + CHUNK_FLOATS;
    for (size_t i = begin; i < end; i += 2) {
        uint64_t bits = sw_random_at(fill->seed, i / 2);
        fill->memory[i] = (float)(int32_t)(uint32_t)bits * scale;
        fill->memory[i + 1] = (float)(int32_t)(uint32_t)(bits >> 32) * scale;
    }
}

static void set_ones(const struct sw_tensor *vector)
{
    float *values = (float *)(uintptr_t)vector->data_view;
    for (size_t i = 0; i < vector->n_cols; i++)
        values[i] = 1.0f;
}

static enum sw_code map_memory(struct sw_synthetic *out, size_t n_floats, const char *name,
                               struct sw_error *err)
{
    size_t n_bytes = n_floats * sizeof(float);
    uint64_t machine_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (n_bytes > machine_bytes)
        return sw_fail(err, SW_ENOMEM, "%s: the weights take %zu MB, this machine has %zu MB", name,
                       n_bytes >> 20, (size_t)(machine_bytes >> 20));
    void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return sw_fail(err, SW_ENOMEM, "%s: %zu MB of weights: %s", name, n_bytes >> 20,
                       strerror(errno));
    madvise(memory, n_bytes, MADV_HUGEPAGE); /* a refusal costs time only */
    out->memory = memory;
    out->memory_bytes = n_bytes;
    return SW_OK;
}

enum sw_code sw_synthetic_open(struct sw_synthetic *out, const char *name, uint64_t seed,
                               struct sw_pool *pool, struct sw_error *err)
{
    *out = (struct sw_synthetic){0};
    enum sw_code code = sw_synthetic_config(&out->config, name, err);
    if (code != SW_OK)
        return code;
    size_t n_floats = place(out, NULL);
    code = map_memory(out, n_floats, name, err);
    if (code != SW_OK)
        return code;
    out->layers = calloc(out->config.n_layers, sizeof *out->layers);
    if (out->layers == NULL) {
        sw_synthetic_close(out);
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    }
    out->weights.layers = out->layers;
    place(out, out->memory);

    struct fill fill = {out->memory, n_floats, sw_random_mix(seed)};
    sw_pool_for(pool, (n_floats + CHUNK_FLOATS - 1) / CHUNK_FLOATS, fill_chunk, &fill);
    set_ones(&out->weights.final_norm);
    for (size_t i = 0; i < out->config.n_layers; i++) {
        set_ones(&out->layers[i].attention_norm);
        set_ones(&out->layers[i].mlp_norm);
    }
    return SW_OK;
}

void sw_synthetic_close(struct sw_synthetic *synthetic)
{
    if (synthetic->memory != NULL)
        munmap(synthetic->memory, synthetic->memory_bytes);
    free(synthetic->layers);
    *synthetic = (struct sw_synthetic){0};
}
