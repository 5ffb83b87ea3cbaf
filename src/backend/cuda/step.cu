/* The step on the host's side, and the kernel in front of it. */
#include "backend/cuda/step.cuh"

#include "backend/cuda/attention.cuh"
#include "backend/cuda/step_job.cuh"

enum : uint32_t { SW_EMBED_THREADS = 128 };

/* Rows of the table as floats. A block for each token. */
template <sw_gpu_form FORM> static SW_KERNEL(SW_EMBED_THREADS) void sw_embed_kernel(sw_gpu_model m)
{
    sw_dependents_launch();
    sw_dependency_wait();
    constexpr int n = sw_unit<FORM>::size;
    const uint32_t row = (uint32_t)m.tokens[blockIdx.x].id;
    float *x = m.x + (size_t)blockIdx.x * m.dim;
    for (uint32_t c = threadIdx.x; c * SW_GPU_CHUNK < m.embedding.row_bytes; c += blockDim.x) {
        float f[n];
        sw_unit_widen<FORM>(f, sw_weights_load<FORM>(m.embedding, row, c), 0);
        for (uint32_t i = 0; i < n; i++) {
            if (c * n + i < m.dim)
                x[c * n + i] = f[i];
        }
    }
}

cudaError_t sw_step_embed(const sw_step &step, uint32_t n_tokens)
{
    void (*kernel)(sw_gpu_model) = step.m.embedding_form == SW_GPU_F32 ? sw_embed_kernel<SW_GPU_F32>
                                   : step.m.embedding_form == SW_GPU_BF16
                                       ? sw_embed_kernel<SW_GPU_BF16>
                                       : sw_embed_kernel<SW_GPU_F16>;
    return sw_launch(kernel, n_tokens, SW_EMBED_THREADS, 0, step.stream, SW_LAUNCH_PLAIN, step.m);
}

static cudaError_t sw_step_multiply(const sw_step &step, sw_step_part part, const sw_step_job &job,
                                    uint32_t *n_blocks)
{
    return job.n_tokens == 1 ? sw_step_multiply_one(step, part, job, n_blocks)
                             : sw_step_multiply_few(step, part, job, n_blocks);
}

static cudaError_t sw_step_of_layer(const sw_step &step, sw_step_part part, uint32_t layer,
                                    uint32_t n_tokens, const sw_gpu_matrix &matrix,
                                    const float *norm)
{
    uint32_t n_blocks;
    return sw_step_multiply(step, part, {matrix, norm, layer, n_tokens, 0, {}}, &n_blocks);
}

cudaError_t sw_step_qkv(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    const sw_gpu_layer &l = step.layers[layer];
    return sw_step_of_layer(step, SW_STEP_QKV, layer, n_tokens, l.qkv, l.attention_norm);
}

cudaError_t sw_step_o(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    return sw_step_of_layer(step, SW_STEP_O, layer, n_tokens, step.layers[layer].o, NULL);
}

cudaError_t sw_step_gate_up(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    const sw_gpu_layer &l = step.layers[layer];
    return sw_step_of_layer(step, SW_STEP_GATE_UP, layer, n_tokens, l.gate_up, l.mlp_norm);
}

cudaError_t sw_step_down(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    return sw_step_of_layer(step, SW_STEP_DOWN, layer, n_tokens, step.layers[layer].down, NULL);
}

cudaError_t sw_step_head(const sw_step &step, uint32_t n_rows, const sw_head_out &out,
                         uint32_t *n_parts)
{
    return sw_step_multiply(step, SW_STEP_HEAD, {step.m.head, step.m.final_norm, 0, n_rows, 0, out},
                            n_parts);
}

cudaError_t sw_step_layers(const sw_step &step, uint32_t n_tokens)
{
    cudaError_t error = sw_step_embed(step, n_tokens);
    for (uint32_t l = 0; l < step.m.n_layers && error == cudaSuccess; l++) {
        error = sw_step_qkv(step, l, n_tokens);
        if (error == cudaSuccess)
            error = sw_gpu_attend_few(step.m, l, n_tokens, step.stream, step.is_overlapped);
        if (error == cudaSuccess)
            error = sw_step_o(step, l, n_tokens);
        if (error == cudaSuccess)
            error = sw_step_gate_up(step, l, n_tokens);
        if (error == cudaSuccess)
            error = sw_step_down(step, l, n_tokens);
    }
    return error;
}

uint32_t sw_step_most_tokens(const sw_step &step)
{
    const sw_gpu_model &m = step.m;
    size_t most = 0;
    sw_for_layer_pair(m.layer_form, m.layer_input, [&](auto pair) {
        using P = decltype(pair);
        const uint32_t n_cols[] = {m.dim, m.n_heads * m.head_dim, m.hidden_dim};
        for (uint32_t n : n_cols) {
            size_t bytes = sw_input_layout_of<P::form, P::input>(n).token_bytes;
            most = bytes > most ? bytes : most;
        }
        return cudaSuccess;
    });
    sw_for_head_pair(m.head_form, m.head_input, [&](auto pair) {
        using P = decltype(pair);
        size_t bytes = sw_input_layout_of<P::form, P::input>(m.dim).token_bytes +
                       SW_STEP_WARPS * sizeof(sw_candidate);
        most = bytes > most ? bytes : most;
        return cudaSuccess;
    });
    if (most == 0)
        return 0;
    size_t n = step.shared_bytes / most;
    return n < SW_FEW_TOKENS ? (uint32_t)n : SW_FEW_TOKENS;
}
