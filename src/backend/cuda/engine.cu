/*
 * The plug-in: one model on one GPU behind the table of plugin.h.
 *
 * Memory is had once: matrices as they are loaded, everything else in ready. A call of forward or
 * greedy copies its tokens, runs the kernels of few tokens (step.cuh) or of many (gemm.cuh), and
 * waits. Passes whose shape comes again and again are captured as graphs in ready: one to
 * SW_FEW_TOKENS tokens that all want logits, as many tokens as there are sequences, and the step of
 * an answer.
 *
 * decode gives the device an answer's first token; each launch of the step's graph then runs the
 * token that the one before has chosen. The host stays a few launches ahead of what it has read, so
 * that the device never waits for it, and reads ids and stamps from memory that both see. Stamps
 * are of the device's clock; it is compared with the host's before and after the answer.
 */
#include "backend/cuda/plugin.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/cuda/gemm.cuh"
#include "backend/cuda/limits.cuh"
#include "backend/cuda/persistent.cuh"
#include "backend/cuda/step.cuh"

namespace
{

enum : uint32_t {
    LEAST_SM = 75,
    SM_WITH_BF16 = 80, /* tensor cores that take it */
    SM_WITH_OVERLAP = 90,
    /* Launches of a step beyond what the host has read: enough for the device never to wait (a
     * step takes 100 us and more, a launch some 10), few enough that what runs behind an answer's
     * end is soon over. */
    RUN_AHEAD = 4,
    LOGITS_STAGED = 1 << 20, /* floats of pinned memory at most */
    ALIGN = 256,             /* of each array on the device */
    MANY_PARTS = 8,          /* blocks that look for the greatest of a row of logits */
};

} // namespace

struct sw_gpu {
    sw_gpu_plan plan;
    sw_gpu_device device;
    sw_gpu_model model;
    sw_gpu_layer *layers; /* (n_layers) the host's copy, device pointers in it */
    sw_step step;
    uint32_t few_tokens; /* that step.cuh takes at once; 0: none */
    cudaStream_t stream;
    bool has_stream, is_ready;

    void **memory; /* of the device, to be freed */
    size_t n_memory, memory_room;
    uint64_t weight_bytes, cache_bytes, scratch_bytes, head_bytes;

    /* Pinned; what the device reads is copied, what it writes it writes through its mapping. */
    sw_gpu_token *tokens;   /* (max_batch) */
    uint32_t *wanted;       /* (max_logits) */
    sw_answer_state *state; /* as the next answer begins */
    float *logits;          /* (n_staged) */
    size_t n_staged;
    sw_choice *choices;       /* (max_logits) */
    uint32_t *n_ready;        /* of the answer */
    sw_answer_entry *entries; /* (max_positions) */
    uint64_t *clock_ns;       /* the device's */
    void *pinned[8];
    size_t n_pinned;

    /* The device's side of those, and what only it sees. */
    sw_choice *choices_device;
    sw_answer_record record;
    uint64_t *clock_device;
    sw_candidate *candidates; /* (max(max_logits, 1), most parts) */
    sw_answer_state *state_device;

    cudaGraphExec_t few[SW_FEW_TOKENS + 1]; /* [n]: n tokens, all of them want logits */
    cudaGraphExec_t many;                   /* n_many tokens, likewise */
    uint32_t n_many;
    cudaGraphExec_t answer_step;

    sw_gpu_limits limits;
    sw_gpu_persistent *persistent;
    char mode_reason[128];
};

namespace
{

enum sw_code fail(struct sw_error *err, enum sw_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum sw_code fail(struct sw_error *err, enum sw_code code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        err->code = code;
    }
    return code;
}

/* One line that names the call; only what stands before its '('. */
enum sw_code cuda_failed(cudaError_t error, const char *call, struct sw_error *err)
{
    enum sw_code code = error == cudaErrorMemoryAllocation ? SW_ENOMEM
                        : error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver
                            ? SW_EABSENT
                            : SW_ESYSTEM;
    return fail(err, code, "%.*s: %s (%s)", (int)strcspn(call, "("), call,
                cudaGetErrorString(error), cudaGetErrorName(error));
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        cudaError_t try_error = (call);                                                            \
        if (try_error != cudaSuccess)                                                              \
            return cuda_failed(try_error, #call, err);                                             \
    } while (0)

uint64_t host_ns()
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Device memory, freed by close. */
enum sw_code take_memory(sw_gpu *gpu, void **out, size_t bytes, const char *what,
                         struct sw_error *err)
{
    *out = NULL;
    if (gpu->n_memory == gpu->memory_room)
        return fail(err, SW_EFORMAT, "%s: more arrays than a model has", what);
    cudaError_t error = cudaMalloc(out, bytes > 0 ? bytes : 1);
    if (error != cudaSuccess)
        return fail(err, error == cudaErrorMemoryAllocation ? SW_ENOMEM : SW_ESYSTEM,
                    "cudaMalloc: %.1f MiB for %s: %s (%s)", (double)bytes / (1 << 20), what,
                    cudaGetErrorString(error), cudaGetErrorName(error));
    gpu->memory[gpu->n_memory++] = *out;
    return SW_OK;
}

template <class T>
enum sw_code take_scratch(sw_gpu *gpu, T **out, size_t n, const char *what, struct sw_error *err)
{
    void *memory;
    enum sw_code code = take_memory(gpu, &memory, n * sizeof(T), what, err);
    *out = static_cast<T *>(memory);
    if (code != SW_OK)
        return code;
    gpu->scratch_bytes += n * sizeof(T);
    TRY(cudaMemsetAsync(memory, 0, n * sizeof(T), gpu->stream));
    return SW_OK;
}

/* Pinned memory; device (or NULL) gets the address that kernels use. */
template <class T>
enum sw_code take_pinned(sw_gpu *gpu, T **out, T **device, size_t n, struct sw_error *err)
{
    void *memory = NULL;
    TRY(cudaHostAlloc(&memory, n * sizeof(T) > 0 ? n * sizeof(T) : 1, cudaHostAllocMapped));
    gpu->pinned[gpu->n_pinned++] = memory;
    memset(memory, 0, n * sizeof(T));
    *out = static_cast<T *>(memory);
    if (device != NULL) {
        void *mapped = NULL;
        TRY(cudaHostGetDevicePointer(&mapped, memory, 0));
        *device = static_cast<T *>(mapped);
    }
    return SW_OK;
}

/* Devices. */

enum sw_code gpu_probe(struct sw_gpu_device *out, int gpu, struct sw_error *err)
{
    int n = 0;
    memset(out, 0, sizeof *out);
    TRY(cudaGetDeviceCount(&n));
    if (gpu < 0 || gpu >= n)
        return fail(err, SW_EABSENT, "GPU %d: CUDA sees %d", gpu, n);
    struct cudaDeviceProp properties;
    TRY(cudaGetDeviceProperties(&properties, gpu));
    snprintf(out->name, sizeof out->name, "%.255s", properties.name);
    out->index = gpu;
    out->sm = properties.major * 10 + properties.minor;
    out->n_sms = properties.multiProcessorCount;
    TRY(cudaDriverGetVersion(&out->driver));
    TRY(cudaRuntimeGetVersion(&out->runtime));
    out->memory_bytes = properties.totalGlobalMem;
    out->l2_bytes = (uint64_t)properties.l2CacheSize;
#ifdef SW_EMULATED
    out->is_emulated = 1;
#endif
    return SW_OK;
}

enum sw_code check_plan(const struct sw_gpu_plan *p, struct sw_error *err)
{
    const uint32_t sizes[] = {p->n_layers,    p->dim,       p->hidden_dim, p->n_heads,
                              p->n_kv_heads,  p->head_dim,  p->vocab_size, p->max_positions,
                              p->n_sequences, p->max_batch, p->max_logits};
    for (uint32_t size : sizes) {
        if (size == 0 || size > INT32_MAX)
            return fail(err, SW_EUNSUPPORTED, "a size of the model is %u", size);
    }
    if (p->head_dim % 2 != 0 || p->n_heads % p->n_kv_heads != 0)
        return fail(err, SW_EUNSUPPORTED, "heads of %u numbers, %u for %u of keys", p->head_dim,
                    p->n_heads, p->n_kv_heads);
    if ((uint64_t)p->max_positions * p->head_dim > INT32_MAX)
        return fail(err, SW_EUNSUPPORTED, "%u positions of heads of %u", p->max_positions,
                    p->head_dim);
    uint64_t rows = ((uint64_t)p->n_heads + 2 * (uint64_t)p->n_kv_heads) * p->head_dim;
    if (rows > INT32_MAX || 2 * (uint64_t)p->hidden_dim > INT32_MAX)
        return fail(err, SW_EUNSUPPORTED, "a matrix of more than %d rows", INT32_MAX);
    return SW_OK;
}

size_t element_bytes(sw_gpu_form form)
{
    return form == SW_GPU_F32 ? 4 : 2;
}

/* Of keys, and of values. */
uint64_t cache_elements(const sw_gpu_plan &p)
{
    return (uint64_t)p.n_layers * p.n_sequences * p.n_kv_heads * p.max_positions * p.head_dim;
}

uint64_t matrix_bytes(sw_gpu_form form, uint64_t n_rows, uint32_t n_cols)
{
    return n_rows * sw_gpu_row_bytes(form, n_cols) +
           sw_gpu_scale_bytes(form, (uint32_t)n_rows, n_cols);
}

/* What must fit at least: weights and cache. */
uint64_t least_bytes(const sw_gpu_plan &p)
{
    const sw_gpu_form form = p.arithmetic.layers;
    uint64_t heads = (uint64_t)p.n_heads * p.head_dim;
    uint64_t layer = matrix_bytes(form, heads + 2 * (uint64_t)p.n_kv_heads * p.head_dim, p.dim) +
                     matrix_bytes(form, p.dim, (uint32_t)heads) +
                     matrix_bytes(form, 2 * (uint64_t)p.hidden_dim, p.dim) +
                     matrix_bytes(form, p.dim, p.hidden_dim);
    return p.n_layers * layer + matrix_bytes(p.arithmetic.embedding, p.vocab_size, p.dim) +
           2 * cache_elements(p) * element_bytes(p.arithmetic.cache);
}

void gpu_close(struct sw_gpu *gpu)
{
    if (gpu == NULL)
        return;
    cudaSetDevice(gpu->plan.gpu);
    if (gpu->has_stream)
        cudaStreamSynchronize(gpu->stream);
    sw_gpu_persistent_destroy(gpu->persistent);
    sw_gpu_limits_close(&gpu->limits);
    for (cudaGraphExec_t graph : gpu->few) {
        if (graph != NULL)
            cudaGraphExecDestroy(graph);
    }
    if (gpu->many != NULL)
        cudaGraphExecDestroy(gpu->many);
    if (gpu->answer_step != NULL)
        cudaGraphExecDestroy(gpu->answer_step);
    for (size_t i = 0; i < gpu->n_memory; i++)
        cudaFree(gpu->memory[i]);
    for (size_t i = 0; i < gpu->n_pinned; i++)
        cudaFreeHost(gpu->pinned[i]);
    if (gpu->has_stream)
        cudaStreamDestroy(gpu->stream);
    free(gpu->memory);
    free(gpu->layers);
    free(gpu);
}

enum sw_code open_device(sw_gpu *gpu, struct sw_error *err)
{
    const sw_gpu_plan &p = gpu->plan;
    enum sw_code code = gpu_probe(&gpu->device, p.gpu, err);
    if (code != SW_OK)
        return code;
    const char *name = gpu->device.name;
    int sm = gpu->device.sm;
    if (sm < (int)LEAST_SM)
        return fail(err, SW_EUNSUPPORTED, "%s: compute capability %d.%d; 7.5 is the least", name,
                    sm / 10, sm % 10);
    if (sm < (int)SM_WITH_BF16 && p.arithmetic.layer_input == SW_GPU_IN_BF16)
        return fail(err, SW_EUNSUPPORTED, "%s: compute capability %d.%d has no products in bf16",
                    name, sm / 10, sm % 10);
    TRY(cudaSetDevice(p.gpu));
    size_t free_bytes, total_bytes;
    TRY(cudaMemGetInfo(&free_bytes, &total_bytes));
    uint64_t needs = least_bytes(p);
    if (needs > free_bytes)
        return fail(err, SW_ENOMEM, "%s: weights and cache take %.0f MiB, %.0f of %.0f are free",
                    name, (double)needs / (1 << 20), (double)free_bytes / (1 << 20),
                    (double)total_bytes / (1 << 20));
    TRY(cudaStreamCreateWithFlags(&gpu->stream, cudaStreamNonBlocking));
    gpu->has_stream = true;
    int shared = 0;
    TRY(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, p.gpu));
    gpu->step.shared_bytes = (size_t)shared;
    /* Fails where the plug-in has no code for this GPU. */
    struct cudaFuncAttributes attributes;
    TRY(cudaFuncGetAttributes(&attributes, sw_next_kernel));
    return SW_OK;
}

enum sw_code gpu_open(struct sw_gpu **out, const struct sw_gpu_plan *plan, struct sw_error *err)
{
    enum : size_t { OF_LAYER = 8, OTHERS = 48 };
    *out = NULL;
    enum sw_code code = check_plan(plan, err);
    if (code != SW_OK)
        return code;
    sw_gpu *gpu = static_cast<sw_gpu *>(calloc(1, sizeof *gpu));
    if (gpu == NULL)
        return fail(err, SW_ENOMEM, "out of memory");
    gpu->plan = *plan;
    gpu->memory_room = plan->n_layers * OF_LAYER + OTHERS;
    gpu->memory = static_cast<void **>(calloc(gpu->memory_room, sizeof *gpu->memory));
    gpu->layers = static_cast<sw_gpu_layer *>(calloc(plan->n_layers, sizeof *gpu->layers));
    if (gpu->memory == NULL || gpu->layers == NULL)
        code = fail(err, SW_ENOMEM, "out of memory");
    if (code == SW_OK)
        code = open_device(gpu, err);
    if (code != SW_OK) {
        gpu_close(gpu);
        return code;
    }
    *out = gpu;
    return SW_OK;
}

/* Loading. */

/* What a slot's matrix must be. */
struct expected {
    const char *name;
    uint64_t n_rows;
    uint32_t n_cols;
    sw_gpu_form form;
    bool may_have_bias;
};

expected expected_of(const sw_gpu_plan &p, enum sw_gpu_slot slot)
{
    const uint32_t heads = p.n_heads * p.head_dim;
    const sw_gpu_form form = p.arithmetic.layers;
    switch (slot) {
    case SW_GPU_EMBEDDING:
        return {"embedding", p.vocab_size, p.dim, p.arithmetic.embedding, false};
    case SW_GPU_HEAD:
        return {"head", p.vocab_size, p.dim, p.arithmetic.head, true};
    case SW_GPU_FINAL_NORM:
        return {"final norm", 1, p.dim, SW_GPU_F32, false};
    case SW_GPU_ATTENTION_NORM:
        return {"attention norm", 1, p.dim, SW_GPU_F32, false};
    case SW_GPU_QKV:
        return {"qkv", heads + 2 * (uint64_t)p.n_kv_heads * p.head_dim, p.dim, form, true};
    case SW_GPU_O:
        return {"o", p.dim, heads, form, true};
    case SW_GPU_MLP_NORM:
        return {"mlp norm", 1, p.dim, SW_GPU_F32, false};
    case SW_GPU_GATE_UP:
        return {"gate and up", 2 * (uint64_t)p.hidden_dim, p.dim, form, true};
    case SW_GPU_DOWN:
        return {"down", p.dim, p.hidden_dim, form, true};
    case SW_GPU_COSINES:
        return {"cosines", 1, p.max_positions * (p.head_dim / 2), SW_GPU_F32, false};
    case SW_GPU_SINES:
        return {"sines", 1, p.max_positions * (p.head_dim / 2), SW_GPU_F32, false};
    case SW_GPU_N_SLOTS:
        break;
    }
    return {};
}

size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Rows, scales and bias into one block of the device's memory. */
enum sw_code load_matrix(sw_gpu *gpu, sw_gpu_matrix *out, const sw_gpu_matrix *matrix,
                         const char *name, struct sw_error *err)
{
    size_t row_bytes = (size_t)matrix->n_rows * matrix->row_bytes;
    size_t scale_bytes = sw_gpu_scale_bytes(matrix->form, matrix->n_rows, matrix->n_cols);
    size_t bias_bytes = matrix->bias != NULL ? matrix->n_rows * sizeof(float) : 0;
    size_t bytes = aligned(row_bytes) + aligned(scale_bytes) + bias_bytes;
    void *memory;
    enum sw_code code = take_memory(gpu, &memory, bytes, name, err);
    if (code != SW_OK)
        return code;
    char *at = static_cast<char *>(memory);
    *out = *matrix;
    TRY(cudaMemcpy(at, matrix->rows, row_bytes, cudaMemcpyHostToDevice));
    out->rows = at;
    out->scales = NULL;
    at += aligned(row_bytes);
    if (scale_bytes > 0) {
        TRY(cudaMemcpy(at, matrix->scales, scale_bytes, cudaMemcpyHostToDevice));
        out->scales = at;
    }
    at += aligned(scale_bytes);
    if (bias_bytes > 0) {
        TRY(cudaMemcpy(at, matrix->bias, bias_bytes, cudaMemcpyHostToDevice));
        out->bias = reinterpret_cast<float *>(at);
    }
    gpu->weight_bytes += row_bytes + scale_bytes + bias_bytes;
    return SW_OK;
}

/* Rows of floats without the padding between them. */
enum sw_code load_floats(sw_gpu *gpu, const float **out, const sw_gpu_matrix *matrix,
                         const char *name, struct sw_error *err)
{
    size_t width = matrix->n_cols * sizeof(float), bytes = matrix->n_rows * width;
    const char *rows = static_cast<const char *>(matrix->rows);
    void *memory;
    enum sw_code code = take_memory(gpu, &memory, bytes, name, err);
    if (code != SW_OK)
        return code;
    char *dense = static_cast<char *>(malloc(bytes));
    if (dense == NULL)
        return fail(err, SW_ENOMEM, "%s: out of memory", name);
    for (size_t r = 0; r < matrix->n_rows; r++)
        memcpy(dense + r * width, rows + r * matrix->row_bytes, width);
    cudaError_t error = cudaMemcpy(memory, dense, bytes, cudaMemcpyHostToDevice);
    free(dense);
    TRY(error);
    *out = static_cast<const float *>(memory);
    gpu->weight_bytes += bytes;
    return SW_OK;
}

enum sw_code gpu_load(struct sw_gpu *gpu, enum sw_gpu_slot slot, uint32_t layer,
                      const struct sw_gpu_matrix *matrix, struct sw_error *err)
{
    const expected e = expected_of(gpu->plan, slot);
    if (e.name == NULL || layer >= gpu->plan.n_layers || gpu->is_ready)
        return fail(err, SW_EUSAGE, "no slot %d of layer %u to load", (int)slot, layer);
    if (matrix->n_rows != e.n_rows || matrix->n_cols != e.n_cols || matrix->form != e.form ||
        matrix->row_bytes != sw_gpu_row_bytes(e.form, e.n_cols) ||
        (matrix->bias != NULL && !e.may_have_bias))
        return fail(err, SW_EFORMAT, "%s of layer %u: %u x %u in form %d, expected %u x %u in %d",
                    e.name, layer, matrix->n_rows, matrix->n_cols, (int)matrix->form,
                    (unsigned)e.n_rows, e.n_cols, (int)e.form);
    TRY(cudaSetDevice(gpu->plan.gpu));
    sw_gpu_model &m = gpu->model;
    sw_gpu_layer &l = gpu->layers[layer];
    sw_gpu_matrix *to = slot == SW_GPU_EMBEDDING ? &m.embedding
                        : slot == SW_GPU_HEAD    ? &m.head
                        : slot == SW_GPU_QKV     ? &l.qkv
                        : slot == SW_GPU_O       ? &l.o
                        : slot == SW_GPU_GATE_UP ? &l.gate_up
                        : slot == SW_GPU_DOWN    ? &l.down
                                                 : NULL;
    if (to != NULL) {
        if (to->rows != NULL)
            return fail(err, SW_EUSAGE, "%s of layer %u is loaded already", e.name, layer);
        return load_matrix(gpu, to, matrix, e.name, err);
    }
    const float **floats = slot == SW_GPU_FINAL_NORM       ? &m.final_norm
                           : slot == SW_GPU_ATTENTION_NORM ? &l.attention_norm
                           : slot == SW_GPU_MLP_NORM       ? &l.mlp_norm
                           : slot == SW_GPU_COSINES        ? &m.cosines
                                                           : &m.sines;
    if (*floats != NULL)
        return fail(err, SW_EUSAGE, "%s of layer %u is loaded already", e.name, layer);
    return load_floats(gpu, floats, matrix, e.name, err);
}

/* Kernels of a pass. */

/* From tokens to x. */
cudaError_t run_layers(const sw_gpu *gpu, uint32_t n_tokens)
{
    if (n_tokens <= gpu->few_tokens)
        return sw_step_layers(gpu->step, n_tokens);
    const sw_gpu_model &m = gpu->model;
    cudaStream_t stream = gpu->stream;
    cudaError_t error = sw_step_embed(gpu->step, n_tokens);
    for (uint32_t l = 0; l < m.n_layers && error == cudaSuccess; l++) {
        const sw_gpu_layer &layer = gpu->layers[l];
        error = sw_gpu_many_qkv(m, layer, l, n_tokens, stream);
        if (error == cudaSuccess)
            error = sw_gpu_attend_many(m, l, n_tokens, stream);
        if (error == cudaSuccess)
            error = sw_gpu_many_o(m, layer, l, n_tokens, stream);
        if (error == cudaSuccess)
            error = sw_gpu_many_gate_up(m, layer, l, n_tokens, stream);
        if (error == cudaSuccess)
            error = sw_gpu_many_down(m, layer, l, n_tokens, stream);
    }
    return error;
}

sw_launch_kind kind_of(const sw_gpu *gpu)
{
    return gpu->step.is_overlapped ? SW_LAUNCH_OVERLAPPED : SW_LAUNCH_PLAIN;
}

/* From x to candidates (n_rows, n_parts), and to rows of logits where they are asked for. */
cudaError_t run_candidates(const sw_gpu *gpu, uint32_t n_rows, bool has_logits, uint32_t *n_parts)
{
    const sw_gpu_model &m = gpu->model;
    if (n_rows <= gpu->few_tokens)
        return sw_step_head(gpu->step, n_rows, {has_logits ? m.logits : NULL, gpu->candidates},
                            n_parts);
    *n_parts = MANY_PARTS;
    cudaError_t error = sw_gpu_many_head(m, n_rows, gpu->stream);
    if (error != cudaSuccess)
        return error;
    return sw_launch(sw_candidates_kernel, n_rows * MANY_PARTS, SW_CHOICE_THREADS,
                     SW_CHOICE_THREADS / SW_WARP * sizeof(sw_candidate), gpu->stream, kind_of(gpu),
                     m.logits, m.vocab_size, (uint32_t)MANY_PARTS, gpu->candidates);
}

/* And to choices. */
cudaError_t run_head(const sw_gpu *gpu, uint32_t n_rows)
{
    uint32_t n_parts = 0;
    cudaError_t error = run_candidates(gpu, n_rows, true, &n_parts);
    if (error != cudaSuccess)
        return error;
    return sw_launch(sw_choose_kernel, n_rows, SW_WARP, 0, gpu->stream, kind_of(gpu),
                     gpu->candidates, n_parts, gpu->choices_device);
}

/* The step of an answer: m.tokens[0], which it replaces by the next one. */
cudaError_t run_answer_step(const sw_gpu *gpu)
{
    uint32_t n_parts = 0;
    cudaError_t error = run_layers(gpu, 1);
    if (error == cudaSuccess)
        error = run_candidates(gpu, 1, gpu->few_tokens == 0, &n_parts);
    if (error != cudaSuccess)
        return error;
    return sw_launch(sw_next_kernel, 1, SW_WARP, 0, gpu->stream, kind_of(gpu), gpu->candidates,
                     n_parts, gpu->model.tokens, gpu->state_device, gpu->record);
}

/* What a captured function launches becomes a graph. */
template <class RUN> cudaError_t capture(sw_gpu *gpu, cudaGraphExec_t *out, RUN run)
{
    cudaGraph_t graph = NULL;
    *out = NULL;
    cudaError_t error = cudaStreamBeginCapture(gpu->stream, cudaStreamCaptureModeThreadLocal);
    if (error != cudaSuccess)
        return error;
    error = run();
    cudaError_t ended = cudaStreamEndCapture(gpu->stream, &graph);
    if (error == cudaSuccess)
        error = ended;
    if (error == cudaSuccess)
        error = cudaGraphInstantiate(out, graph, 0);
    if (graph != NULL)
        cudaGraphDestroy(graph);
    if (error == cudaSuccess)
        error = cudaGraphUpload(*out, gpu->stream);
    return error;
}

enum sw_code capture_all(sw_gpu *gpu, struct sw_error *err)
{
    const sw_gpu_plan &p = gpu->plan;
    TRY(capture(gpu, &gpu->answer_step, [&] { return run_answer_step(gpu); }));
    uint32_t most = p.max_batch < p.max_logits ? p.max_batch : p.max_logits;
    for (uint32_t n = 1; n <= gpu->few_tokens && n <= most; n++) {
        TRY(capture(gpu, &gpu->few[n], [&] {
            cudaError_t error = run_layers(gpu, n);
            return error == cudaSuccess ? run_head(gpu, n) : error;
        }));
    }
    if (p.n_sequences > gpu->few_tokens && p.n_sequences <= most) {
        gpu->n_many = p.n_sequences;
        TRY(capture(gpu, &gpu->many, [&] {
            cudaError_t error = run_layers(gpu, gpu->n_many);
            return error == cudaSuccess ? run_head(gpu, gpu->n_many) : error;
        }));
    }
    return SW_OK;
}

/* The device's clock. */
static SW_KERNEL(SW_WARP) void clock_kernel(uint64_t *out)
{
    sw_dependency_wait();
    if (threadIdx.x == 0)
        *out = sw_device_ns();
}

/* A moment on both clocks, once everything in front has run. */
struct moment {
    uint64_t host_ns, device_ns;
};
enum sw_code read_clocks(sw_gpu *gpu, moment *out, struct sw_error *err)
{
    enum { TRIES = 2 }; /* the shorter one counts: what comes between only makes it longer */
    uint64_t shortest = UINT64_MAX;
    TRY(cudaStreamSynchronize(gpu->stream));
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = host_ns();
        TRY(sw_launch(clock_kernel, 1, SW_WARP, 0, gpu->stream, SW_LAUNCH_PLAIN,
                      gpu->clock_device));
        TRY(cudaStreamSynchronize(gpu->stream));
        uint64_t took = host_ns() - before;
        if (took < shortest) {
            shortest = took;
            *out = {before + took / 2, *gpu->clock_ns};
        }
    }
    return SW_OK;
}

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
    code = capture_all(gpu, err);
    if (code != SW_OK)
        return code;
    code = prepare_persistent(gpu, err);
    if (code != SW_OK)
        return code;
    /* Once through everything, so that the first answer does not pay for loading code: an answer
     * that is over, at position 0 of sequence 0, which is empty yet. */
    *gpu->state = {};
    gpu->state->is_over = 1;
    TRY(cudaMemcpyAsync(gpu->state_device, gpu->state, sizeof *gpu->state, cudaMemcpyHostToDevice,
                        gpu->stream));
    TRY(cudaGraphLaunch(gpu->answer_step, gpu->stream));
    moment unused;
    code = read_clocks(gpu, &unused, err);
    gpu->is_ready = code == SW_OK;
    return code;
}

/* Calls. */

/* A batch through the layers, and the head for n_wanted rows; waits for it. */
enum sw_code run_batch(sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                       uint32_t *n_wanted, struct sw_error *err)
{
    if (n_tokens == 0 || n_tokens > gpu->plan.max_batch || !gpu->is_ready)
        return fail(err, SW_EUSAGE, "a batch of %zu tokens", n_tokens);
    const uint32_t n = (uint32_t)n_tokens;
    uint32_t wanted = 0;
    TRY(cudaSetDevice(gpu->plan.gpu));
    for (uint32_t i = 0; i < n; i++) {
        const struct sw_batch_token &t = tokens[i];
        if (t.want_logits && wanted == gpu->plan.max_logits)
            return fail(err, SW_EUSAGE, "more than %u tokens want logits", wanted);
        gpu->tokens[i] = {t.id, t.position, t.sequence,
                          t.want_logits ? wanted : (uint32_t)SW_GPU_NO_LOGITS};
        if (t.want_logits)
            gpu->wanted[wanted++] = i;
    }
    TRY(cudaMemcpyAsync(gpu->model.tokens, gpu->tokens, n * sizeof *gpu->tokens,
                        cudaMemcpyHostToDevice, gpu->stream));
    if (wanted > 0)
        TRY(cudaMemcpyAsync(gpu->model.wanted, gpu->wanted, wanted * sizeof *gpu->wanted,
                            cudaMemcpyHostToDevice, gpu->stream));
    cudaGraphExec_t graph = NULL;
    if (wanted == n && n <= SW_FEW_TOKENS)
        graph = gpu->few[n];
    else if (wanted == n && n == gpu->n_many)
        graph = gpu->many;
    if (graph != NULL) {
        TRY(cudaGraphLaunch(graph, gpu->stream));
    } else {
        TRY(run_layers(gpu, n));
        if (wanted > 0)
            TRY(run_head(gpu, wanted));
    }
    *n_wanted = wanted;
    return SW_OK;
}

enum sw_code gpu_forward(struct sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                         float *logits, struct sw_error *err)
{
    uint32_t n_wanted = 0;
    enum sw_code code = run_batch(gpu, tokens, n_tokens, &n_wanted, err);
    if (code != SW_OK)
        return code;
    const size_t n = (size_t)n_wanted * gpu->plan.vocab_size;
    for (size_t at = 0; at < n; at += gpu->n_staged) {
        size_t bytes = (n - at < gpu->n_staged ? n - at : gpu->n_staged) * sizeof *logits;
        TRY(cudaMemcpyAsync(gpu->logits, gpu->model.logits + at, bytes, cudaMemcpyDeviceToHost,
                            gpu->stream));
        TRY(cudaStreamSynchronize(gpu->stream));
        memcpy(logits + at, gpu->logits, bytes);
    }
    TRY(cudaStreamSynchronize(gpu->stream));
    return SW_OK;
}

enum sw_code gpu_greedy(struct sw_gpu *gpu, const struct sw_batch_token *tokens, size_t n_tokens,
                        int32_t *ids, double *logprobs, struct sw_error *err)
{
    uint32_t n_wanted = 0;
    enum sw_code code = run_batch(gpu, tokens, n_tokens, &n_wanted, err);
    if (code != SW_OK)
        return code;
    TRY(cudaStreamSynchronize(gpu->stream));
    for (uint32_t i = 0; i < n_wanted; i++) {
        ids[i] = gpu->choices[i].id;
        if (logprobs != NULL)
            logprobs[i] = (double)gpu->choices[i].logprob;
    }
    return SW_OK;
}

/* The device's clock to the host's: a line through two moments. */
uint64_t host_time_of(const moment &a, const moment &b, uint64_t device_ns)
{
    double rate = 1;
    if (b.device_ns > a.device_ns)
        rate = (double)(b.host_ns - a.host_ns) / (double)(b.device_ns - a.device_ns);
    double ns = ((double)device_ns - (double)a.device_ns) * rate;
    return a.host_ns + (uint64_t)(ns > 0 ? ns : 0);
}

/* The answer's first token and its rules, to the device. */
enum sw_code begin_answer(sw_gpu *gpu, const struct sw_backend_answer *answer, struct sw_error *err)
{
    const sw_gpu_plan &p = gpu->plan;
    const uint32_t id = (uint32_t)answer->id;
    if (answer->n_stop_ids > SW_ANSWER_STOPS || answer->max_ids == 0 || id >= p.vocab_size ||
        answer->sequence >= p.n_sequences || answer->position >= p.max_positions ||
        answer->max_ids > p.max_positions - answer->position)
        return fail(err, SW_EUSAGE, "an answer of %zu ids from position %u of %u", answer->max_ids,
                    answer->position, p.max_positions);
    sw_answer_state *state = gpu->state;
    *state = {};
    for (size_t i = 0; i < answer->n_stop_ids; i++)
        state->stop_ids[i] = answer->stop_ids[i];
    state->n_stop_ids = (uint32_t)answer->n_stop_ids;
    state->max_ids = (uint32_t)answer->max_ids;
    gpu->tokens[0] = {answer->id, answer->position, answer->sequence, 0};
    gpu->wanted[0] = 0;
    __atomic_store_n(gpu->n_ready, 0, __ATOMIC_RELEASE);
    TRY(cudaMemcpyAsync(gpu->state_device, state, sizeof *state, cudaMemcpyHostToDevice,
                        gpu->stream));
    TRY(cudaMemcpyAsync(gpu->model.tokens, gpu->tokens, sizeof *gpu->tokens, cudaMemcpyHostToDevice,
                        gpu->stream));
    TRY(cudaMemcpyAsync(gpu->model.wanted, gpu->wanted, sizeof *gpu->wanted, cudaMemcpyHostToDevice,
                        gpu->stream));
    return SW_OK;
}

/* Until the device has more than n_read ids. Sleeps between looks: the device has work for several
 * steps, so a late look costs nothing, and spinning would cost joules. */
enum sw_code wait_for_id(sw_gpu *gpu, uint32_t n_read, uint32_t *n_ready, struct sw_error *err)
{
    enum { SLEEP_NS = 20000 };
    for (bool is_idle = false;;) {
        *n_ready = __atomic_load_n(gpu->n_ready, __ATOMIC_ACQUIRE);
        if (*n_ready > n_read)
            return SW_OK;
        if (is_idle)
            return fail(err, SW_ESYSTEM, "the GPU ran the step of an answer and chose no id");
        cudaError_t error = cudaStreamQuery(gpu->stream);
        if (error != cudaSuccess && error != cudaErrorNotReady)
            return cuda_failed(error, "cudaGraphLaunch", err);
        is_idle = error == cudaSuccess; /* then what it has written is to be seen: one more look */
        const struct timespec pause = {0, SLEEP_NS};
        if (!is_idle)
            nanosleep(&pause, NULL);
    }
}

bool is_stop(const struct sw_backend_answer *answer, int32_t id)
{
    for (size_t i = 0; i < answer->n_stop_ids; i++) {
        if (answer->stop_ids[i] == id)
            return true;
    }
    return id < 0;
}

enum sw_code decode_by_graph(sw_gpu *gpu, struct sw_backend_answer *answer, struct sw_error *err)
{
    moment begin, end;
    enum sw_code code = read_clocks(gpu, &begin, err);
    if (code == SW_OK)
        code = begin_answer(gpu, answer, err);
    if (code != SW_OK)
        return code;
    uint32_t n_launched = 0, n_read = 0, n_ready = 0;
    const uint32_t max_ids = (uint32_t)answer->max_ids;
    for (bool is_over = false; !is_over;) {
        for (; n_launched < max_ids && n_launched < n_read + RUN_AHEAD; n_launched++)
            TRY(cudaGraphLaunch(gpu->answer_step, gpu->stream));
        if (n_read == n_ready) {
            code = wait_for_id(gpu, n_read, &n_ready, err);
            if (code != SW_OK)
                return code;
        }
        const int32_t id = gpu->entries[n_read].id;
        answer->ids[n_read++] = id;
        answer->n_ids = n_read;
        is_over = n_read == max_ids || is_stop(answer, id);
        if (answer->on_id != NULL && !answer->on_id(answer->ctx, id))
            is_over = true;
    }
    code = read_clocks(gpu, &end, err); /* behind the steps that nobody reads */
    if (code != SW_OK)
        return code;
    uint64_t last = begin.host_ns;
    for (uint32_t i = 0; i < n_read; i++) {
        uint64_t at = host_time_of(begin, end, gpu->entries[i].stamp_ns);
        at = at < last ? last : at > end.host_ns ? end.host_ns : at;
        last = answer->stamps_ns[i] = at;
        if (answer->logprobs != NULL)
            answer->logprobs[i] = (double)gpu->entries[i].logprob;
    }
    return SW_OK;
}

enum sw_code gpu_decode(struct sw_gpu *gpu, struct sw_backend_answer *answer, struct sw_error *err)
{
    answer->n_ids = 0;
    if (!gpu->is_ready)
        return fail(err, SW_EUSAGE, "the model is not ready");
    TRY(cudaSetDevice(gpu->plan.gpu));
    if (gpu->persistent != NULL) {
        moment now;
        enum sw_code code = read_clocks(gpu, &now, err);
        if (code != SW_OK)
            return code;
        cudaError_t error = cudaSuccess;
        const char *failed = sw_gpu_persistent_decode(
            gpu->persistent, gpu->stream, (int64_t)(now.host_ns - now.device_ns), answer, &error);
        if (failed == NULL)
            return SW_OK;
        return error != cudaSuccess ? cuda_failed(error, failed, err)
                                    : fail(err, SW_ESYSTEM, "%s", failed);
    }
    return decode_by_graph(gpu, answer, err);
}

enum sw_compute_limit limit_of(const sw_gpu_plan &p)
{
    switch (p.arithmetic.layer_input) {
    case SW_GPU_IN_F32:
        return p.use_tf32 ? SW_COMPUTE_DOT_TF32 : SW_COMPUTE_FMA_F32;
    case SW_GPU_IN_BF16:
        return SW_COMPUTE_DOT_BF16;
    case SW_GPU_IN_F16:
        return SW_COMPUTE_DOT_F16;
    case SW_GPU_IN_S8B64:
    case SW_GPU_IN_LLM8:
        return SW_COMPUTE_DOT_S8;
    }
    return SW_COMPUTE_FMA_F32;
}

enum sw_code gpu_measure_limits(struct sw_gpu *gpu, struct sw_device_rates *out,
                                struct sw_error *err)
{
    if (!gpu->is_ready)
        return fail(err, SW_EUSAGE, "the model is not ready");
    TRY(cudaSetDevice(gpu->plan.gpu));
    TRY(sw_gpu_limits_measure(&gpu->limits, limit_of(gpu->plan), gpu->weight_bytes,
                              (uint32_t)gpu->device.n_sms, gpu->stream, out));
    return SW_OK;
}

void gpu_describe(const struct sw_gpu *gpu, struct sw_gpu_info *out)
{
    memset(out, 0, sizeof *out);
    out->device = gpu->device;
    out->mode = "graph";
    out->mode_reason = gpu->mode_reason;
    if (gpu->persistent != NULL)
        out->mode = "persistent";
    out->weight_bytes = gpu->weight_bytes;
    out->cache_bytes = gpu->cache_bytes;
    out->scratch_bytes = gpu->scratch_bytes;
    if (gpu->persistent != NULL)
        out->scratch_bytes += sw_gpu_persistent_bytes(gpu->persistent);
}

} // namespace

extern "C" const struct sw_cuda_plugin *sw_cuda_plugin(void)
{
    static const struct sw_cuda_plugin plugin = {
        SW_CUDA_ABI,
        {sizeof(struct sw_gpu_plan), sizeof(struct sw_gpu_info), sizeof(struct sw_batch_token),
         sizeof(struct sw_backend_answer)},
        gpu_probe,
        gpu_open,
        gpu_load,
        gpu_ready,
        gpu_forward,
        gpu_greedy,
        gpu_decode,
        gpu_measure_limits,
        gpu_describe,
        gpu_close,
    };
    return &plugin;
}
