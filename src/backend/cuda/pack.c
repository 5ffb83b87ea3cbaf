#include "backend/cuda/pack.h"

#include <string.h>

#include "backend/cpu/kernels.h"
#include "backend/quantum.h"
#include "backend/rotation.h"
#include "base/arena.h"
#include "base/half.h"

/* Rows of a tensor, and where they go: row i becomes row first + i * step of the matrix. */
struct source {
    const struct sw_tensor *tensor, *bias; /* bias->data_view is NULL without one */
    size_t first, step;
};

enum { MAX_SOURCES = 3 };

static const struct sw_tensor none = {0};

/* A slot's matrix and what it is made of. */
struct plan {
    struct sw_gpu_matrix matrix; /* without pointers */
    uint8_t *rows, *scales;      /* pieces of the buffer */
    float *bias;
    struct source sources[MAX_SOURCES];
    size_t n_sources;
    bool is_f16;  /* weights and biases are rounded to f16 first */
    bool has_scb; /* scales of S8 as LLM.int8() takes them */
};

/* Of one thread, while it packs. */
struct scratch {
    float *rows;   /* (16, n_cols) */
    uint8_t *tile; /* base_cpu's, of 4 bits */
};

bool sw_gpu_slot_is_of_layer(enum sw_gpu_slot slot)
{
    return slot == SW_GPU_ATTENTION_NORM || slot == SW_GPU_QKV || slot == SW_GPU_O ||
           slot == SW_GPU_MLP_NORM || slot == SW_GPU_GATE_UP || slot == SW_GPU_DOWN;
}

bool sw_gpu_packer_has(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot)
{
    const struct sw_gpu_arithmetic *a = &packer->arithmetic;
    return slot != SW_GPU_HEAD || !sw_model_config(packer->model)->tied || a->head != a->embedding;
}

/* Stacks the tensors' rows, or takes them in turn. */
static void add_source(struct plan *plan, const struct sw_tensor *tensor,
                       const struct sw_tensor *bias, size_t first, size_t step)
{
    plan->sources[plan->n_sources++] = (struct source){tensor, bias, first, step};
    plan->matrix.n_rows += (uint32_t)tensor->n_rows;
    plan->matrix.n_cols = (uint32_t)tensor->n_cols;
}

static void add_layer_sources(struct plan *plan, enum sw_gpu_slot slot,
                              const struct sw_layer_weights *from)
{
    switch (slot) {
    case SW_GPU_ATTENTION_NORM:
        add_source(plan, &from->attention_norm, &none, 0, 1);
        break;
    case SW_GPU_MLP_NORM:
        add_source(plan, &from->mlp_norm, &none, 0, 1);
        break;
    case SW_GPU_QKV:
        add_source(plan, &from->q, &from->q_bias, 0, 1);
        add_source(plan, &from->k, &from->k_bias, from->q.n_rows, 1);
        add_source(plan, &from->v, &from->v_bias, from->q.n_rows + from->k.n_rows, 1);
        break;
    case SW_GPU_O:
        add_source(plan, &from->o, &from->o_bias, 0, 1);
        break;
    case SW_GPU_GATE_UP:
        add_source(plan, &from->gate, &from->gate_bias, 0, 2);
        add_source(plan, &from->up, &from->up_bias, 1, 2);
        break;
    default:
        add_source(plan, &from->down, &from->down_bias, 0, 1);
        break;
    }
}

static struct plan plan_of(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot, size_t layer)
{
    const struct sw_weights *from = sw_model_weights(packer->model);
    const struct sw_gpu_arithmetic *a = &packer->arithmetic;
    struct plan plan = {.is_f16 = a->rounds_to_f16 != 0};
    enum sw_gpu_input input = SW_GPU_IN_F32;
    plan.matrix.form = SW_GPU_F32;
    if (slot == SW_GPU_COSINES || slot == SW_GPU_SINES) {
        size_t half = sw_model_config(packer->model)->head_dim / 2;
        plan.matrix.n_rows = 1;
        plan.matrix.n_cols = (uint32_t)(packer->max_positions * half);
    } else if (slot == SW_GPU_EMBEDDING) {
        add_source(&plan, &from->embedding, &none, 0, 1);
        plan.matrix.form = a->embedding;
    } else if (slot == SW_GPU_HEAD) {
        add_source(&plan, &from->head, &none, 0, 1);
        plan.matrix.form = a->head;
        input = a->head_input;
    } else if (slot == SW_GPU_FINAL_NORM) {
        add_source(&plan, &from->final_norm, &none, 0, 1);
    } else {
        add_layer_sources(&plan, slot, &from->layers[layer]);
        if (slot != SW_GPU_ATTENTION_NORM && slot != SW_GPU_MLP_NORM) {
            plan.matrix.form = a->layers;
            input = a->layer_input;
        }
    }
    plan.has_scb = input == SW_GPU_IN_LLM8;
    plan.matrix.row_bytes = sw_gpu_row_bytes(plan.matrix.form, plan.matrix.n_cols);
    return plan;
}

static size_t scale_bytes(const struct sw_gpu_matrix *matrix)
{
    return sw_gpu_scale_bytes(matrix->form, matrix->n_rows, matrix->n_cols);
}

static bool has_bias(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_sources; i++) {
        if (plan->sources[i].bias->data_view != NULL)
            return true;
    }
    return false;
}

/* Takes the pieces of a slot from the buffer, which is an arena; one without a base counts. */
static void take_matrix(struct plan *plan, struct sw_arena *arena)
{
    const struct sw_gpu_matrix *m = &plan->matrix;
    size_t n = scale_bytes(m);
    plan->rows = sw_arena_take(arena, m->n_rows, m->row_bytes);
    plan->scales = n > 0 ? sw_arena_take(arena, 1, n) : NULL;
    plan->bias = has_bias(plan) ? sw_arena_take(arena, m->n_rows, sizeof(float)) : NULL;
}

static size_t groups_of(const struct sw_gpu_matrix *matrix)
{
    return (matrix->n_cols + SW_GPU_S4_GROUP - 1) / SW_GPU_S4_GROUP;
}

static struct scratch take_scratch(const struct plan *plan, struct sw_arena *arena)
{
    struct scratch own = {0};
    own.rows = sw_arena_take(arena, SW_TILE, plan->matrix.n_cols * sizeof *own.rows);
    if (plan->matrix.form == SW_GPU_S4)
        own.tile = sw_arena_take(arena, groups_of(&plan->matrix), SW_GROUP_BYTES);
    return own;
}

static float *take_frequencies(const struct sw_gpu_packer *packer, struct sw_arena *arena)
{
    return sw_arena_take(arena, sw_model_config(packer->model)->head_dim / 2, sizeof(float));
}

size_t sw_gpu_packer_bytes(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot, size_t layer)
{
    struct plan plan = plan_of(packer, slot, layer);
    struct sw_arena arena = {0};
    take_matrix(&plan, &arena);
    if (plan.n_sources == 0)
        take_frequencies(packer, &arena);
    for (int t = 0; t < sw_pool_size(packer->pool) && plan.n_sources > 0; t++)
        take_scratch(&plan, &arena);
    return arena.used;
}

/* All layers have the same sizes, but for biases that one may lack. */
static size_t layers_of(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot)
{
    return sw_gpu_slot_is_of_layer(slot) ? sw_model_config(packer->model)->n_layers : 1;
}

size_t sw_gpu_packer_most_bytes(const struct sw_gpu_packer *packer)
{
    size_t most = 0;
    for (int s = 0; s < SW_GPU_N_SLOTS; s++) {
        enum sw_gpu_slot slot = (enum sw_gpu_slot)s;
        for (size_t l = 0; l < layers_of(packer, slot); l++) {
            size_t bytes = sw_gpu_packer_bytes(packer, slot, l);
            most = most > bytes ? most : bytes;
        }
    }
    return most;
}

uint64_t sw_gpu_packer_bytes_per_token(const struct sw_gpu_packer *packer)
{
    uint64_t bytes = 0;
    for (int s = 0; s < SW_GPU_N_SLOTS; s++) {
        enum sw_gpu_slot slot = (enum sw_gpu_slot)s;
        if (slot == SW_GPU_COSINES || slot == SW_GPU_SINES)
            continue;
        for (size_t l = 0; l < layers_of(packer, slot); l++) {
            struct plan plan = plan_of(packer, slot, l);
            const struct sw_gpu_matrix *m = &plan.matrix;
            uint64_t n_rows = slot == SW_GPU_EMBEDDING ? 1 : m->n_rows;
            bytes += n_rows * m->row_bytes + scale_bytes(m) +
                     (has_bias(&plan) ? m->n_rows * sizeof(float) : 0);
        }
    }
    return bytes;
}

enum sw_code sw_gpu_packer_open(struct sw_gpu_packer *out, const struct sw_model *model,
                                const struct sw_gpu_arithmetic *arithmetic, size_t max_positions,
                                struct sw_pool *pool, struct sw_error *err)
{
    const struct sw_config *c = sw_model_config(model);
    /* Kernels count rows, columns and bytes of a row in 32 bits. */
    const size_t most = UINT32_MAX / sizeof(float) - SW_GPU_CHUNK;
    size_t heads = c->n_heads + 2 * c->n_kv_heads, half = c->head_dim / 2;
    enum sw_cpu_level level;
    enum sw_code code = sw_cpu_level_detect(&level, err);
    if (code != SW_OK)
        return code;
    if (c->dim > most || c->hidden_dim > most / 2 || c->vocab_size > most ||
        heads > most / c->head_dim || max_positions > most / half)
        return sw_fail(err, SW_EUNSUPPORTED, "base_gpu: the model's sizes exceed 32 bits");
    *out = (struct sw_gpu_packer){.model = model,
                                  .arithmetic = *arithmetic,
                                  .max_positions = (uint32_t)max_positions,
                                  .pool = pool,
                                  .kernels = sw_kernels_of(level)};
    return SW_OK;
}

static void round_to_f16(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = sw_f16_rounded(x[i]);
}

static void pack_f32(uint8_t *out, const float *x, size_t n)
{
    memcpy(out, x, n * sizeof *x);
}

static void pack_bf16(uint8_t *out, const float *x, size_t n)
{
    uint16_t *halves = (uint16_t *)(void *)out;
    for (size_t i = 0; i < n; i++)
        halves[i] = sw_float_to_bf16(x[i]);
}

static void pack_f16(uint8_t *out, const float *x, size_t n)
{
    uint16_t *halves = (uint16_t *)(void *)out;
    for (size_t i = 0; i < n; i++)
        halves[i] = sw_float_to_f16(x[i]);
}

/* The largest |x|; NaN or infinity if there is one among them. Floats without a sign are ordered as
 * integers, whose maximum the compiler can take many at a time. */
static float largest_of(const float *x, size_t n)
{
    int32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t bits = (int32_t)(sw_bits_of_float(x[i]) & 0x7fffffff);
        largest = largest > bits ? largest : bits;
    }
    return sw_float_of_bits((uint32_t)largest);
}

/* The values of base_cpu's pack_s8. A row that holds a NaN or an infinity has the scale NaN. */
static void pack_s8(uint8_t *out, float *scale, const float *x, size_t n, bool has_scb)
{
    float largest = largest_of(x, n);
    bool is_bad = !isfinite(largest);
    float inverse = sw_s8_inverse(&largest);
    int8_t *values = (int8_t *)out;
    for (size_t i = 0; i < n; i++)
        values[i] = sw_s8_byte(sw_s8_rounded(x[i], inverse));
    *scale = is_bad ? NAN : has_scb ? largest : largest / 127.0f;
}

/* bitsandbytes 0.45.0, csrc/kernels.cu, dQuantizeFP4: a number in units of the block's largest is
 * the lower one of two neighbouring values up to their middle, in these digits. Of the eight values
 * by size, rank r has the code r, with its highest bit turned where the middle one is set: 0, 1, 6,
 * 7, 4, 5, 2, 3. A NaN is zero here; its block's scale tells of it. */
static uint8_t fp4_of(float x)
{
    float size = fabsf(x);
    int rank = (size > 0.00260417f) + (size > 0.0859375f) + (size > 0.20833333f) +
               (size > 0.29166667f) + (size > 0.4166667f) + (size > 0.583333f) +
               (size > 0.8333333f);
    return (uint8_t)((rank ^ (rank & 2) << 1) | (x < 0 ? 8 : 0));
}

/* One block to codes, a byte each; returns the scale. (bitsandbytes compiles its division to a fast
 * one: a number within some 1e-7 of a middle may fall on the other side there.) */
static float fp4_block(uint8_t codes[SW_GPU_FP4_BLOCK], const float *x, size_t n)
{
    float largest = largest_of(x, n);
    float inverse = largest > 0 ? 1.0f / largest : 0;
    for (size_t i = 0; i < n; i++)
        codes[i] = fp4_of(x[i] * inverse);
    memset(codes + n, 0, SW_GPU_FP4_BLOCK - n);
    return isfinite(largest) ? largest : NAN;
}

static void pack_fp4(uint8_t *out, float *scales, const float *x, size_t n)
{
    uint8_t codes[SW_GPU_FP4_BLOCK];
    for (size_t begin = 0; begin < n; begin += SW_GPU_FP4_BLOCK) {
        size_t width = n - begin < SW_GPU_FP4_BLOCK ? n - begin : SW_GPU_FP4_BLOCK;
        *scales++ = fp4_block(codes, x + begin, width);
        for (const uint8_t *c = codes; c < codes + width; c += 2 * SW_GPU_CHUNK) {
            for (size_t j = 0; j < SW_GPU_CHUNK; j++)
                *out++ = (uint8_t)(c[j] | c[j + SW_GPU_CHUNK] << 4);
        }
    }
}

/* Row r of base_cpu's tile (backend/cpu/kernels.h), whose bytes hold columns j and j + 4 of 8. */
static void take_s4(uint8_t *out, uint16_t *scales, const uint8_t *tile, size_t r, size_t n_groups)
{
    const uint32_t low = 0x0f0f0f0f;
    for (size_t g = 0; g < n_groups; g++, tile += SW_GROUP_BYTES, out += SW_GPU_CHUNK) {
        uint32_t words[SW_GROUP_S4 / 8], own[SW_GPU_CHUNK / sizeof(uint32_t)];
        for (size_t s = 0; s < SW_GROUP_S4 / 8; s++)
            memcpy(&words[s], tile + (s * SW_TILE + r) * sizeof *words, sizeof *words);
        for (size_t s = 0; s < 2; s++) {
            own[2 * s] = (words[s] & low) | (words[s + 2] & low) << 4;
            own[2 * s + 1] = (words[s] >> 4 & low) | (words[s + 2] & ~low);
        }
        memcpy(out, own, sizeof own);
        memcpy(&scales[g], tile + SW_TILE * SW_GROUP_S4 / 2 + r * sizeof *scales, sizeof *scales);
    }
}

/* A row that is stored as the checkpoint has it. */
static bool is_stored_alike(const struct plan *plan, const struct sw_tensor *tensor)
{
    enum sw_gpu_form form = plan->matrix.form;
    return (form == SW_GPU_F32 && tensor->dtype == SW_F32 && !plan->is_f16) ||
           (form == SW_GPU_BF16 && tensor->dtype == SW_BF16) ||
           (form == SW_GPU_F16 && tensor->dtype == SW_F16);
}

/* Rows [row, row + n) of a source, n up to 16. */
static void pack_rows(const struct sw_gpu_packer *packer, const struct plan *plan,
                      const struct source *source, size_t row, size_t n, struct scratch own)
{
    const struct sw_gpu_matrix *m = &plan->matrix;
    const struct sw_tensor *tensor = source->tensor;
    size_t n_cols = m->n_cols, scale_stride = scale_bytes(m) / m->n_rows;
    size_t stored = n_cols * sw_dtype_size(tensor->dtype);
    bool is_alike = is_stored_alike(plan, tensor);
    if (!is_alike)
        sw_tensor_read(own.rows, tensor, row * n_cols, n * n_cols);
    if (plan->is_f16 && m->form != SW_GPU_F16 && !is_alike)
        round_to_f16(own.rows, n * n_cols);
    if (m->form == SW_GPU_S4)
        packer->kernels->pack_s4(own.tile, own.rows, n_cols, n, n_cols);
    for (size_t r = 0; r < n; r++) {
        size_t to = source->first + (row + r) * source->step;
        uint8_t *out = plan->rows + to * m->row_bytes;
        void *scales = scale_stride > 0 ? plan->scales + to * scale_stride : NULL;
        const float *x = own.rows + r * n_cols;
        if (is_alike) {
            memcpy(out, (const uint8_t *)tensor->data_view + (row + r) * stored, stored);
            memset(out + stored, 0, m->row_bytes - stored);
            continue;
        }
        memset(out + m->row_bytes - SW_GPU_CHUNK, 0, SW_GPU_CHUNK);
        switch (m->form) {
        case SW_GPU_F32:
            pack_f32(out, x, n_cols);
            break;
        case SW_GPU_BF16:
            pack_bf16(out, x, n_cols);
            break;
        case SW_GPU_F16:
            pack_f16(out, x, n_cols);
            break;
        case SW_GPU_S8:
            pack_s8(out, scales, x, n_cols, plan->has_scb);
            break;
        case SW_GPU_S4:
            take_s4(out, scales, own.tile, r, groups_of(m));
            break;
        case SW_GPU_FP4:
            pack_fp4(out, scales, x, n_cols);
            break;
        }
    }
}

struct job {
    const struct sw_gpu_packer *packer;
    struct plan plan;
    struct sw_arena scratch; /* what is left of the buffer; each thread takes its own part */
};

static size_t strips_of(const struct source *source)
{
    return (source->tensor->n_rows + SW_TILE - 1) / SW_TILE;
}

static void pack_strips(void *ctx, int thread)
{
    struct job *job = ctx;
    const struct plan *plan = &job->plan;
    struct sw_arena arena = job->scratch;
    struct scratch own = {0};
    size_t n = 0, begin, end;
    for (int t = 0; t <= thread; t++)
        own = take_scratch(plan, &arena);
    for (size_t i = 0; i < plan->n_sources; i++)
        n += strips_of(&plan->sources[i]);
    sw_pool_part(&begin, &end, n, thread, sw_pool_size(job->packer->pool));
    const struct source *source = plan->sources;
    for (size_t strip = 0; strip < end; source++) {
        size_t n_rows = source->tensor->n_rows;
        for (size_t row = 0; row < n_rows && strip < end; row += SW_TILE, strip++) {
            if (strip >= begin)
                pack_rows(job->packer, plan, source, row,
                          n_rows - row < SW_TILE ? n_rows - row : SW_TILE, own);
        }
    }
}

static void pack_bias(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_sources && plan->bias != NULL; i++) {
        const struct source *source = &plan->sources[i];
        for (size_t row = 0; row < source->tensor->n_rows; row++) {
            float x = source->bias->data_view != NULL ? sw_tensor_at(source->bias, row) : 0;
            plan->bias[source->first + row * source->step] = plan->is_f16 ? sw_f16_rounded(x) : x;
        }
    }
}

void sw_gpu_pack(const struct sw_gpu_packer *packer, enum sw_gpu_slot slot, size_t layer,
                 void *buffer, struct sw_gpu_matrix *out)
{
    const struct sw_config *c = sw_model_config(packer->model);
    struct job job = {.packer = packer, .plan = plan_of(packer, slot, layer)};
    struct sw_arena arena = {.base = buffer, .size = sw_gpu_packer_bytes(packer, slot, layer)};
    take_matrix(&job.plan, &arena);
    if (job.plan.n_sources > 0) {
        job.scratch = arena;
        sw_pool_run(packer->pool, pack_strips, &job);
        pack_bias(&job.plan);
    } else {
        const struct sw_gpu_matrix *m = &job.plan.matrix;
        float *table = (float *)(void *)job.plan.rows;
        memset(job.plan.rows + m->row_bytes - SW_GPU_CHUNK, 0, SW_GPU_CHUNK);
        sw_rotation_fill(slot == SW_GPU_COSINES ? table : NULL, slot == SW_GPU_SINES ? table : NULL,
                         c->head_dim / 2, packer->max_positions, c,
                         take_frequencies(packer, &arena));
    }
    *out = job.plan.matrix;
    out->rows = job.plan.rows;
    out->scales = job.plan.scales;
    out->bias = job.plan.bias;
}
