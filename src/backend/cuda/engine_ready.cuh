/* From loaded matrices to a model that runs: buffers, a first pass through all kernels, graphs.
 * Part of engine.cu. */
#ifndef SW_BACKEND_CUDA_ENGINE_READY_CUH
#define SW_BACKEND_CUDA_ENGINE_READY_CUH

#include <math.h>

#include "backend/cuda/engine_pass.cuh"

namespace
{

/* Ready. */

enum sw_code check_loaded(sw_gpu *gpu, struct sw_error *err)
{
    sw_gpu_model &m = gpu->model;
    const sw_gpu_arithmetic &a = gpu->plan.arithmetic;
    const char *missing = m.embedding.rows == NULL ? "embedding"
                          : m.final_norm == NULL   ? "final norm"
                          : m.cosines == NULL      ? "cosines"
                          : m.sines == NULL        ? "sines"
                                                   : NULL;
    if (missing == NULL && m.head.rows != NULL)
        gpu->table_bytes = (uint64_t)m.embedding.n_rows * m.embedding.row_bytes;
    if (missing == NULL && m.head.rows == NULL) {
        if (a.head != a.embedding)
            missing = "head";
        m.head = m.embedding;
    }
    for (uint32_t i = 0; i < gpu->plan.n_layers && missing == NULL; i++) {
        const sw_gpu_layer &l = gpu->layers[i];
        missing = l.attention_norm == NULL ? "attention norm"
                  : l.qkv.rows == NULL     ? "qkv"
                  : l.o.rows == NULL       ? "o"
                  : l.mlp_norm == NULL     ? "mlp norm"
                  : l.gate_up.rows == NULL ? "gate and up"
                  : l.down.rows == NULL    ? "down"
                                           : NULL;
    }
    return missing == NULL ? SW_OK : fail(err, SW_EUSAGE, "%s was not loaded", missing);
}

/*
 * Parts that a context is cut into for few tokens. Each costs the product behind attention a read
 * of its values by every block, and makes attention's stretch shorter: a stretch of 64 positions is
 * about as long as a launch, and beyond eight parts the reads cost more than a longer stretch,
 * until contexts are long.
 */
uint32_t n_splits_of(uint32_t max_positions)
{
    uint32_t n = (max_positions + 63) / 64, most = max_positions > 1024 ? 16 : 8;
    return n < most ? n : most;
}

enum sw_code take_everything(sw_gpu *gpu, struct sw_error *err)
{
    const sw_gpu_plan &p = gpu->plan;
    sw_gpu_model &m = gpu->model;
    const size_t heads = (size_t)p.n_heads * p.head_dim, batch = p.max_batch;
    const uint32_t n_parts = (uint32_t)gpu->device.n_sms > MANY_PARTS ? (uint32_t)gpu->device.n_sms
                                                                      : (uint32_t)MANY_PARTS;
    const uint64_t cache = cache_elements(p) * element_bytes(p.arithmetic.cache);
    size_t n_candidates =
        (size_t)(p.max_logits < SW_FEW_TOKENS ? SW_FEW_TOKENS : p.max_logits) * MANY_PARTS;
    if (n_candidates < (size_t)SW_FEW_TOKENS * n_parts)
        n_candidates = (size_t)SW_FEW_TOKENS * n_parts;
    sw_gpu_layer *layers;
    char *many_scratch = NULL;
    enum sw_code code = take_scratch(gpu, &m.tokens, batch, "tokens", err);
#define TAKE(pointer, n)                                                                           \
    if (code == SW_OK)                                                                             \
    code = take_scratch(gpu, &pointer, n, #pointer, err)
    TAKE(m.wanted, p.max_logits);
    TAKE(m.x, batch * p.dim);
    TAKE(m.q, batch * heads);
    TAKE(m.parts, batch * p.n_heads * m.n_splits * (p.head_dim + 2));
    TAKE(m.attended, batch * heads);
    TAKE(m.hidden, batch * p.hidden_dim);
    TAKE(m.logits, (size_t)p.max_logits * p.vocab_size);
    TAKE(many_scratch, sw_gpu_many_bytes(m));
    TAKE(gpu->candidates, n_candidates);
    TAKE(gpu->state_device, 1);
    TAKE(layers, p.n_layers);
#undef TAKE
    if (code == SW_OK)
        code = take_memory(gpu, &m.keys, cache, "keys", err);
    if (code == SW_OK)
        code = take_memory(gpu, &m.values, cache, "values", err);
    if (code != SW_OK)
        return code;
    gpu->cache_bytes = 2 * cache;
    TRY(cudaMemsetAsync(m.keys, 0, cache, gpu->stream));
    TRY(cudaMemsetAsync(m.values, 0, cache, gpu->stream));
    TRY(cudaMemcpyAsync(layers, gpu->layers, p.n_layers * sizeof *layers, cudaMemcpyHostToDevice,
                        gpu->stream));
    TRY(cudaStreamSynchronize(gpu->stream));
    m.layers = layers;
    m.many_scratch = many_scratch;

    size_t n_logits = (size_t)p.max_logits * p.vocab_size;
    gpu->n_staged = n_logits < LOGITS_STAGED ? n_logits : (size_t)LOGITS_STAGED;
    code = take_pinned<sw_gpu_token>(gpu, &gpu->tokens, NULL, batch, err);
    if (code == SW_OK)
        code = take_pinned<uint32_t>(gpu, &gpu->wanted, NULL, p.max_logits, err);
    if (code == SW_OK)
        code = take_pinned<sw_answer_state>(gpu, &gpu->state, NULL, 1, err);
    if (code == SW_OK)
        code = take_pinned<float>(gpu, &gpu->logits, NULL, gpu->n_staged, err);
    if (code == SW_OK)
        code = take_pinned(gpu, &gpu->choices, &gpu->choices_device, p.max_logits, err);
    if (code == SW_OK)
        code = take_pinned(gpu, &gpu->n_ready, &gpu->record.n_ready, 1, err);
    if (code == SW_OK)
        code = take_pinned(gpu, &gpu->entries, &gpu->record.entries, p.max_positions, err);
    if (code == SW_OK)
        code = take_pinned(gpu, &gpu->clock_ns, &gpu->clock_device, 1, err);
    return code;
}

void fill_model(sw_gpu *gpu)
{
    const sw_gpu_plan &p = gpu->plan;
    sw_gpu_model &m = gpu->model;
    m.n_layers = p.n_layers;
    m.dim = p.dim;
    m.hidden_dim = p.hidden_dim;
    m.n_heads = p.n_heads;
    m.n_kv_heads = p.n_kv_heads;
    m.head_dim = p.head_dim;
    m.vocab_size = p.vocab_size;
    m.max_positions = p.max_positions;
    m.n_sequences = p.n_sequences;
    m.max_batch = p.max_batch;
    m.max_logits = p.max_logits;
    m.rms_eps = p.rms_eps;
    m.score_scale = 1.0f / sqrtf((float)p.head_dim);
    m.layer_form = p.arithmetic.layers;
    m.head_form = p.arithmetic.head;
    m.cache_form = p.arithmetic.cache;
    m.embedding_form = p.arithmetic.embedding;
    m.layer_input = p.arithmetic.layer_input;
    m.head_input = p.arithmetic.head_input;
    m.rounds_to_f16 = p.arithmetic.rounds_to_f16 != 0;
    m.n_splits = n_splits_of(p.max_positions);
    m.use_tf32 = p.use_tf32 != 0;
    m.n_sms = (uint32_t)gpu->device.n_sms;
    const char *asked = getenv("SMOLWATT_CUDA_OVERLAP"); /* 0: to compare */
    m.overlaps =
        gpu->device.sm >= (int)SM_WITH_OVERLAP && (asked == NULL || strcmp(asked, "0") != 0);
}

void fill_step(sw_gpu *gpu)
{
    sw_step &s = gpu->step;
    s.m = gpu->model;
    s.layers = gpu->layers;
    s.n_sms = s.m.n_sms;
    s.is_overlapped = s.m.overlaps;
    s.stream = gpu->stream;
    gpu->few_tokens = sw_step_most_tokens(s);
}

/* Steps are a power of two that divides a tile's tokens: rounding up adds no tile. */
void fill_batches(sw_gpu *gpu)
{
    const sw_gpu_plan &p = gpu->plan;
    uint32_t most = p.max_batch < p.max_logits ? p.max_batch : p.max_logits;
    most = most < p.n_sequences ? most : p.n_sequences;
    gpu->many_step = BATCH_STEP;
    while (gpu->many_step < BATCH_MOST_STEP && gpu->many_step * BATCH_GRAPHS < most)
        gpu->many_step *= 2;
    const uint32_t reached = gpu->many_step * BATCH_GRAPHS;
    gpu->n_many = most < reached ? most : reached;
}

/* Where the mode allows it, the answer of one kernel. */
enum sw_code prepare_persistent(sw_gpu *gpu, struct sw_error *err)
{
    const enum sw_gpu_mode mode = gpu->plan.mode;
    cudaError_t error = cudaSuccess;
    if (mode == SW_GPU_GRAPH)
        return SW_OK;
    /* For who times its variants; otherwise unset. */
    sw_gpu_persistent_options options;
    const char *reason = sw_gpu_persistent_options_read(&options, getenv("SMOLWATT_PERSISTENT"));
    if (reason == NULL)
        reason = sw_gpu_persistent_can(&gpu->model, gpu->device.sm, gpu->device.n_sms,
                                       gpu->step.shared_bytes, &options);
    if (reason == NULL)
        reason =
            sw_gpu_persistent_create(&gpu->persistent, &gpu->model, gpu->device.sm,
                                     gpu->device.n_sms, gpu->step.shared_bytes, &options, &error);
    if (reason == NULL)
        return SW_OK;
    if (mode == SW_GPU_PERSISTENT && error != cudaSuccess)
        return cuda_failed(error, reason, err);
    if (mode == SW_GPU_PERSISTENT)
        return fail(err, SW_EUNSUPPORTED, "mode persistent: %s", reason);
    snprintf(gpu->mode_reason, sizeof gpu->mode_reason, "%.100s", reason);
    return SW_OK;
}

/*
 * Once through all kernels, because CUDA loads their code when they are first launched: neither a
 * capture nor the first answer should pay for that. Tokens are all zeros, position 0 of sequence 0,
 * which no sequence has seen yet, and the answer is over.
 */
enum sw_code warm_up(sw_gpu *gpu, struct sw_error *err)
{
    *gpu->state = {};
    gpu->state->is_over = 1;
    TRY(cudaMemcpyAsync(gpu->state_device, gpu->state, sizeof *gpu->state, cudaMemcpyHostToDevice,
                        gpu->stream));
    TRY(run_answer_step(gpu));
    if (!gpu->device.is_emulated) { /* where a pass takes seconds, and loads nothing */
        TRY(for_batch_sizes(gpu, [&](uint32_t n) { return run_batch_of(gpu, n); }));
        TRY(run_layers(gpu, gpu->plan.max_batch));
    }
    TRY(cudaStreamSynchronize(gpu->stream));
    return SW_OK;
}

enum sw_code gpu_ready(struct sw_gpu *gpu, struct sw_error *err)
{
    if (gpu->is_ready)
        return fail(err, SW_EUSAGE, "ready already");
    TRY(cudaSetDevice(gpu->plan.gpu));
    enum sw_code code = check_loaded(gpu, err);
    if (code != SW_OK)
        return code;
    fill_model(gpu);
    code = take_everything(gpu, err);
    if (code != SW_OK)
        return code;
    fill_step(gpu);
    fill_batches(gpu);
    code = warm_up(gpu, err);
    if (code == SW_OK)
        code = capture_all(gpu, err);
    if (code != SW_OK)
        return code;
    code = prepare_persistent(gpu, err);
    if (code != SW_OK)
        return code;
    moment unused;
    code = read_clocks(gpu, &unused, err);
    gpu->is_ready = code == SW_OK;
    return code;
}

} // namespace

#endif
