#include "backend/onnx/onnx_cpu.h"

#include <stdlib.h>
#include <string.h>

#include "backend/batch_check.h"
#include "backend/onnx/engine.h"
#include "base/clock.h"
#include "base/cores.h"

enum { NEEDS_MAJOR = 1, NEEDS_MINOR_8BIT = 30 };

/* Products of 8-bit weights: its head has them, too. */
static bool needs_8bit_products(enum sw_strategy strategy)
{
    return strategy == SW_STRATEGY_8BIT || strategy == SW_STRATEGY_4BIT;
}

static void onnx_close(struct sw_backend *b)
{
    if (b == NULL)
        return;
    sw_ort_binding_close(b->decode.binding);
    sw_ort_binding_close(b->prefill.binding);
    sw_ort_session_close(b->session);
    sw_ort_close(b->ort);
    sw_arena_unmap(&b->cache_arena);
    sw_arena_unmap(&b->scratch);
    free(b);
}

/* Every buffer that forward uses. */
static void take_buffers(struct sw_backend *b)
{
    const struct sw_backend_options *o = &b->options;
    size_t n_ids = o->max_batch > o->n_sequences ? o->max_batch : o->n_sequences;
    if (!b->cache_is_on_gpu)
        b->cache =
            sw_arena_take(&b->cache_arena, 2 * b->config.n_layers * o->n_sequences * b->n_sides,
                          b->cache_bytes_each);
    b->ids = sw_arena_take(&b->scratch, n_ids, sizeof *b->ids);
    b->positions = sw_arena_take(&b->scratch, n_ids, sizeof *b->positions);
    b->mask = sw_arena_take(&b->scratch, o->max_positions, sizeof *b->mask);
    b->rows = sw_arena_take(&b->scratch, o->max_logits, sizeof *b->rows);
    b->lengths = sw_arena_take(&b->scratch, o->n_sequences, sizeof *b->lengths);
    b->total = sw_arena_take(&b->scratch, 1, sizeof *b->total);
    b->unwanted = sw_arena_take(&b->scratch, b->config.vocab_size, sizeof *b->unwanted);
    b->n_seen = sw_arena_take(&b->scratch, o->n_sequences, sizeof *b->n_seen);
    b->n_seen_next = sw_arena_take(&b->scratch, o->n_sequences, sizeof *b->n_seen_next);
    b->side = sw_arena_take(&b->scratch, o->n_sequences, sizeof *b->side);
}

static enum sw_code map_buffers(struct sw_backend *b, struct sw_error *err)
{
    size_t total = b->cache_bytes_each;
    enum sw_code code = SW_OK;
    take_buffers(b);
    if (b->cache_is_on_gpu) {
        void *data = NULL;
        if (__builtin_mul_overflow(total, 2 * b->config.n_layers * b->n_sides, &total) ||
            __builtin_mul_overflow(total, b->options.n_sequences, &total))
            return sw_fail(err, SW_ENOMEM, "%s: KV cache: the size overflows", b->name);
        code = sw_ort_device_alloc(&data, b->session, total, err);
        b->cache = data;
    } else {
        code = sw_arena_map(&b->cache_arena, "ONNX Runtime: KV cache", err);
    }
    if (code == SW_OK)
        code = sw_arena_map(&b->scratch, "ONNX Runtime: buffers of a batch", err);
    if (code != SW_OK)
        return code;
    take_buffers(b);
    for (size_t i = 0; i < b->options.max_positions; i++)
        b->mask[i] = 1;
    b->info.cache_bytes = b->cache_is_on_gpu ? total : b->cache_arena.size;
    b->info.scratch_bytes = b->scratch.size;
    return SW_OK;
}

/* The runtime's threads wait as the pool's would, and stand where they would. */
static enum sw_code open_session(struct sw_backend *b, const char *path, bool use_cuda,
                                 struct sw_error *err)
{
    struct sw_cores cores;
    struct sw_pool *pool = b->options.pool;
    struct sw_ort_session_options options = {
        .n_threads = sw_pool_size(pool),
        .allow_spinning = sw_pool_wait_policy(pool) != SW_WAIT_SLEEP,
        .use_cuda = use_cuda,
        .exact_u8s8 = b->options.strategy == SW_STRATEGY_DYNAMIC_8BIT,
    };
    sw_cores_read(&cores);
    if (sw_pool_is_pinned(pool))
        options.cpus = cores.cpus;
    b->info.runtime.spins = options.allow_spinning;
    b->info.runtime.is_pinned = options.cpus != NULL;
    enum sw_code code = sw_ort_session_open(&b->session, b->ort, path, &options, err);
    if (code == SW_OK)
        code = sw_ort_binding_open(&b->decode.binding, b->session, err);
    if (code == SW_OK)
        code = sw_ort_binding_open(&b->prefill.binding, b->session, err);
    if (code != SW_OK)
        return code;
    b->has_positions = sw_ort_session_has_input(b->session, "position_ids");
    b->has_mask = sw_ort_session_has_input(b->session, "attention_mask");
    return SW_OK;
}

static void fill_info(struct sw_backend *b)
{
    const struct sw_onnx_variant *variant = &b->variant;
    struct sw_backend_info *info = &b->info;
    bool is_integer = b->options.strategy != SW_STRATEGY_NONE && !variant->half;
    info->backend = b->name;
    info->arithmetic = sw_onnx_variant_arithmetic(variant);
    info->isa = "onnxruntime";
    info->weight_dtype = sw_onnx_variant_weight_dtype(variant);
    info->compute_dtype = sw_onnx_variant_compute_dtype(variant);
    info->kv_dtype = variant->half ? "f16" : "f32";
    info->compute_limit = is_integer ? SW_COMPUTE_DOT_S8 : SW_COMPUTE_FMA_F32;
    info->weight_bytes_per_token = b->conversion.sizes.weight_bytes_per_token;
    info->packed_bytes = b->conversion.sizes.data_bytes;
    info->runtime.name = "onnxruntime";
    info->runtime.version = sw_ort_version_view(b->ort);
    info->runtime.path = sw_ort_path_view(b->ort);
    info->runtime.graph = sw_onnx_graph_name(variant->graph);
    info->runtime.graph_reason = variant->reason;
    info->runtime.operators = sw_onnx_variant_operators(variant);
    info->runtime.conversion = b->conversion.was_built ? b->conversion.why : "";
}

/* What of the runtime the variant needs. */
static enum sw_code open_runtime(struct sw_backend *b, bool use_cuda, struct sw_error *err)
{
    enum sw_code code = sw_ort_open(&b->ort, err);
    if (code != SW_OK)
        return code;
    if (use_cuda && !sw_ort_has_provider(b->ort, "CUDAExecutionProvider"))
        return sw_fail(err, SW_EUNSUPPORTED,
                       "ONNX Runtime %s (%s) has no CUDA provider: install the Python package "
                       "onnxruntime-gpu and name its library in SMOLWATT_ONNXRUNTIME",
                       sw_ort_version_view(b->ort), sw_ort_path_view(b->ort));
    if (needs_8bit_products(b->options.strategy))
        code = sw_ort_need(b->ort, NEEDS_MAJOR, NEEDS_MINOR_8BIT, "8-bit MatMulNBits", err);
    return code;
}

static enum sw_code choose_variant(struct sw_backend *b, bool use_cuda, struct sw_error *err)
{
    enum sw_onnx_graph wanted = SW_ONNX_DEFAULT;
    const char *text = b->options.onnx_graph;
    if (text != NULL && !sw_onnx_graph_parse(&wanted, text))
        return sw_fail(err, SW_EUSAGE, "unknown graph '%s' (fused, plain, exporter)", text);
    return sw_onnx_variant_choose(&b->variant, &b->config, b->options.strategy, wanted, use_cuda,
                                  err);
}

static void tell_stage(const struct sw_backend *b, enum sw_open_stage stage, bool is_end)
{
    if (b->options.on_stage != NULL)
        b->options.on_stage(b->options.stage_ctx, stage, is_end);
}

static enum sw_code open_backend(struct sw_backend *b, const struct sw_model *model, bool use_cuda,
                                 struct sw_error *err)
{
    struct sw_runtime_info *times = &b->info.runtime;
    char *path = NULL;
    enum sw_code code = sw_batch_check_options(b->name, &b->config, &b->options, err);
    if (code == SW_OK)
        code = choose_variant(b, use_cuda, err);
    if (code == SW_OK)
        code = open_runtime(b, use_cuda, err);
    if (code != SW_OK)
        return code;
    b->is_fused = b->variant.graph == SW_ONNX_FUSED;
    b->n_sides = b->is_fused ? 1 : 2;
    b->cache_type = b->variant.half ? SW_ORT_F16 : SW_ORT_F32;
    b->cache_is_on_gpu = use_cuda;
    if (__builtin_mul_overflow(b->config.n_kv_heads * b->config.head_dim *
                                   (b->variant.half ? sizeof(uint16_t) : sizeof(float)),
                               b->options.max_positions, &b->cache_bytes_each))
        return sw_fail(err, SW_ENOMEM, "KV cache: the size overflows");

    tell_stage(b, SW_OPEN_CONVERSION, false);
    times->conversion_start_ns = sw_clock_ns();
    code = sw_onnx_cache_get(&path, &b->conversion, model, &b->variant, b->options.pool, err);
    times->conversion_end_ns = sw_clock_ns();
    tell_stage(b, SW_OPEN_CONVERSION, true);
    if (code != SW_OK)
        return code;
    sw_pool_park(b->options.pool);
    tell_stage(b, SW_OPEN_SESSION, false);
    times->session_start_ns = sw_clock_ns();
    code = open_session(b, path, use_cuda, err);
    times->session_end_ns = sw_clock_ns();
    tell_stage(b, SW_OPEN_SESSION, true);
    free(path);
    fill_info(b);
    return code == SW_OK ? map_buffers(b, err) : code;
}

static enum sw_code open_as(const char *name, bool use_cuda, struct sw_backend **out,
                            const struct sw_model *model, const struct sw_backend_options *options,
                            struct sw_error *err)
{
    *out = NULL;
    struct sw_backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    b->name = name;
    b->config = *sw_model_config(model);
    b->options = *options;
    enum sw_code code = open_backend(b, model, use_cuda, err);
    if (code != SW_OK) {
        onnx_close(b);
        if (err != NULL && strncmp(err->text, name, strlen(name)) != 0)
            sw_fail_prefix(err, "%s", name);
        return code;
    }
    *out = b;
    return SW_OK;
}

static enum sw_code onnx_cpu_open(struct sw_backend **out, const struct sw_model *model,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    return open_as("onnx_cpu", false, out, model, options, err);
}

static enum sw_code onnx_gpu_open(struct sw_backend **out, const struct sw_model *model,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    return open_as("onnx_gpu", true, out, model, options, err);
}

static enum sw_code onnx_forward(struct sw_backend *b, const struct sw_batch_token *tokens,
                                 size_t n_tokens, float *logits, struct sw_error *err)
{
    size_t n_wanted;
    sw_pool_park(b->options.pool);
    enum sw_code code = sw_batch_check(&n_wanted, b->n_seen, b->n_seen_next, tokens, n_tokens,
                                       logits != NULL, &b->options, b->config.vocab_size, err);
    return code == SW_OK ? sw_onnx_forward(b, tokens, n_tokens, logits, err) : code;
}

static void onnx_reset(struct sw_backend *b, uint32_t sequence)
{
    if (sequence < b->options.n_sequences)
        b->n_seen[sequence] = 0;
}

static void onnx_describe(const struct sw_backend *b, struct sw_backend_info *out)
{
    *out = b->info;
}

const struct sw_backend_api sw_onnx_cpu = {
    .name = "onnx_cpu",
    .open = onnx_cpu_open,
    .forward = onnx_forward,
    .reset = onnx_reset,
    .describe = onnx_describe,
    .close = onnx_close,
};

const struct sw_backend_api sw_onnx_gpu = {
    .name = "onnx_gpu",
    .open = onnx_gpu_open,
    .forward = onnx_forward,
    .reset = onnx_reset,
    .describe = onnx_describe,
    .close = onnx_close,
};
