/* The kernels of a pass and of an answer's step, captured as graphs where they come again; the two
 * clocks. Part of engine.cu. */
#ifndef SW_BACKEND_CUDA_ENGINE_PASS_CUH
#define SW_BACKEND_CUDA_ENGINE_PASS_CUH

#include "backend/cuda/engine.cuh"

namespace
{

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

/*
 * Batches. What sequences want at once comes again and again, in any number up to n_many as answers
 * end and others take their places; beyond SW_FEW_TOKENS the number is rounded up, so that few
 * graphs serve all. The tokens that fill it up repeat the last one: same sequence, same position,
 * so the same key and value once more, to the same place; their rows are not read. Tiles of
 * products have 32 or 64 tokens, so that it costs attention alone, and neither the tiles chosen nor
 * any sum of a product depends on it.
 */
uint32_t batch_size_of(const sw_gpu *gpu, uint32_t n_tokens)
{
    if (n_tokens <= SW_FEW_TOKENS || n_tokens > gpu->n_many)
        return n_tokens;
    const uint32_t up = (n_tokens + gpu->many_step - 1) / gpu->many_step * gpu->many_step;
    return up < gpu->n_many ? up : gpu->n_many;
}

/* Where the graph of a batch of that size is kept; NULL: there is no such. */
cudaGraphExec_t *batch_graph_of(sw_gpu *gpu, uint32_t size)
{
    if (size <= SW_FEW_TOKENS)
        return &gpu->few[size];
    return size <= gpu->n_many ? &gpu->many[(size - 1) / gpu->many_step] : NULL;
}

/* Calls call(size) for all sizes that a batch is run with, until one fails. */
template <class CALL> cudaError_t for_batch_sizes(const sw_gpu *gpu, CALL call)
{
    const sw_gpu_plan &p = gpu->plan;
    const uint32_t most = p.max_batch < p.max_logits ? p.max_batch : p.max_logits;
    cudaError_t error = cudaSuccess;
    for (uint32_t n = 1; n <= SW_FEW_TOKENS && n <= most && error == cudaSuccess; n++) {
        if (n <= gpu->few_tokens || n <= gpu->n_many)
            error = call(n);
    }
    for (uint32_t n = SW_FEW_TOKENS + 1; n <= gpu->n_many && error == cudaSuccess; n++) {
        if (batch_size_of(gpu, n) == n)
            error = call(n);
    }
    return error;
}

cudaError_t run_batch_of(const sw_gpu *gpu, uint32_t n_tokens)
{
    cudaError_t error = run_layers(gpu, n_tokens);
    return error == cudaSuccess ? run_head(gpu, n_tokens) : error;
}

enum sw_code capture_all(sw_gpu *gpu, struct sw_error *err)
{
    const char *asked = getenv("SMOLWATT_CUDA_GRAPHS"); /* 0: batches without, to compare */
    TRY(capture(gpu, &gpu->answer_step, [&] { return run_answer_step(gpu); }));
    if (asked != NULL && strcmp(asked, "0") == 0)
        return SW_OK;
    TRY(for_batch_sizes(gpu, [&](uint32_t n) {
        return capture(gpu, batch_graph_of(gpu, n), [&] { return run_batch_of(gpu, n); });
    }));
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

} // namespace

#endif
