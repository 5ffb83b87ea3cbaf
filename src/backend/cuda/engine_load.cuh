/* Finding a GPU, opening a model on it, and loading its matrices. Part of engine.cu. */
#ifndef SW_BACKEND_CUDA_ENGINE_LOAD_CUH
#define SW_BACKEND_CUDA_ENGINE_LOAD_CUH

#include "backend/cuda/engine.cuh"

namespace
{

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
    for (cudaGraphExec_t graph : gpu->many) {
        if (graph != NULL)
            cudaGraphExecDestroy(graph);
    }
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

} // namespace

#endif
