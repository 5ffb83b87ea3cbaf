/*
 * One pass of a few tokens (up to SW_FEW_TOKENS): embed, five kernels a layer, head. Norms, merging
 * of attention's parts and roundings are in the prologue of the product that reads them
 * (input.cuh), all else in the epilogue of the one that makes them:
 *
 *     embed       x = row of the table
 *     qkv         norm of x, product, rotation; query to q, key and value to the cache
 *     attend      q, cache -> parts (attention.cuh)
 *     o           merged parts, product, + x -> x
 *     gate_up     norm of x, product, silu(gate) * up -> hidden
 *     down        hidden, product, + x -> x
 *     head        final norm of x, product -> logits and candidates of the greatest
 *
 * Overlap (programmatic dependent launch). Every kernel, right after it has asked for its first
 * weights, says that its successor may begin (sw_dependents_launch), and then waits for its
 * predecessor (sw_dependency_wait) before it reads or writes anything but weights, norms, scales
 * and biases, which no kernel ever writes. Why that is safe:
 *   - The wait ends when the predecessor has ended, all of its blocks, and its writes are to be
 * seen. No block ends before its own wait does. So behind the wait of kernel n, kernels n - 1, n -
 * 2, ... have all ended, back to the first, which is launched plainly and so begins behind
 * everything before it: reads see all earlier writes, and no earlier kernel still reads what is
 * written.
 *   - Several kernels may stand at their waits at once. A kernel begins only when all blocks of its
 *     predecessor have begun, so one that waits never keeps the place of one that it waits for.
 *   - This holds as long as every thread of every kernel in the chain waits, also in blocks that
 * have nothing to do, and returns nowhere before.
 *
 * What it should take on an H100 (SmolLM-135M, bf16, one token), per layer: a phase is the wait's
 * end and the launch behind it (some 0.9 us as measured by others on graphs, less with overlap),
 * then one read of x or the parts from L2 (0.3 us), the sums of the norm (0.15), two barriers
 * (0.05), the product from registers (bf16: some 150 instructions a lane, 0.2) and a store (0.3
 * until seen). Five phases of 1.0 to 1.3 us, the weights of 3.5 M parameters being under way
 * meanwhile (7 MB, 2.1 us at 3.35 TB/s): 5 to 6.5 us a layer, 150 to 195 us for 30, head 57 MB 20
 * us, choice 2 us: 170 to 220 us.
 */
#ifndef SW_BACKEND_CUDA_STEP_CUH
#define SW_BACKEND_CUDA_STEP_CUH

#include "backend/cuda/attention.cuh"
#include "backend/cuda/choice.cuh"
#include "backend/cuda/launch.h"
#include "backend/cuda/model.cuh"
#include "backend/cuda/product.cuh"

enum : uint32_t {
    SW_FEW_TOKENS = 8,
    SW_STEP_THREADS = 512, /* of a block at most */
    SW_STEP_WARPS = SW_STEP_THREADS / SW_WARP,
    SW_STEP_LEAST_WARPS = 4, /* that prepare the input */
    SW_EMBED_THREADS = 128,
};

/* One block of an SM is enough: without the 1, the compiler would spill for two. */
#ifdef SW_EMULATED
#define SW_STEP_KERNEL SW_KERNEL(SW_STEP_THREADS)
#else
#define SW_STEP_KERNEL __global__ __launch_bounds__(SW_STEP_THREADS, 1)
#endif

/* Chunks of a row that a thread loads at once, so that registers suffice for a block of 512
 * threads, and a row of SmolLM-135M takes one turn with one token: 72 chunks of 16 lanes, 192
 * of 32. */
template <sw_gpu_form FORM, int R, int T> struct sw_step_loads {
    static constexpr bool is_nibbles = FORM == SW_GPU_S4 || FORM == SW_GPU_FP4;
    static constexpr int alone = R == 1 ? 8 : 5, together = R == 1 ? 4 : 3;
    static constexpr int steps = (T == 1 ? alone : together) - (is_nibbles ? 1 : 0);
};

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

/* A number into the cache. */
SW_DEVICE void sw_cache_put(void *cache, size_t at, float x, sw_gpu_form form)
{
    if (form == SW_GPU_F32)
        static_cast<float *>(cache)[at] = x;
    else
        static_cast<uint16_t *>(cache)[at] = form == SW_GPU_BF16 ? sw_to_bf16(x) : sw_to_f16(x);
}

/* Rows i and i + head_dim / 2 of a head: rotated to q, rotated to the keys, or to the values. */
struct sw_epilogue_qkv {
    struct extra {
        float cosine, sine;
        uint32_t position, sequence;
    };
    const sw_gpu_model &m;
    uint32_t layer;

    SW_MEMBER extra load(uint32_t unit, uint32_t token) const
    {
        const uint32_t half = m.head_dim / 2, head = unit / half, i = unit % half;
        const sw_gpu_token &t = m.tokens[token];
        extra e = {1.0f, 0.0f, t.position, t.sequence};
        if (head < m.n_heads + m.n_kv_heads) {
            e.cosine = m.cosines[(size_t)e.position * half + i];
            e.sine = m.sines[(size_t)e.position * half + i];
        }
        return e;
    }
    SW_MEMBER void store(int, uint32_t unit, uint32_t token, const float (&y)[2],
                         const extra &e) const
    {
        const uint32_t half = m.head_dim / 2, head = unit / half, i = unit % half;
        const float first = y[0] * e.cosine - y[1] * e.sine;
        const float second = y[1] * e.cosine + y[0] * e.sine;
        if (head < m.n_heads) {
            float *q = m.q + ((size_t)token * m.n_heads + head) * m.head_dim;
            q[i] = first;
            q[i + half] = second;
            return;
        }
        const bool is_key = head < m.n_heads + m.n_kv_heads;
        const uint32_t kv_head = head - m.n_heads - (is_key ? 0 : m.n_kv_heads);
        const size_t at = (((size_t)layer * m.n_sequences + e.sequence) * m.n_kv_heads + kv_head) *
                              m.max_positions * m.head_dim +
                          (size_t)e.position * m.head_dim + i;
        void *cache = is_key ? m.keys : m.values;
        sw_cache_put(cache, at, is_key ? first : y[0], m.cache_form);
        sw_cache_put(cache, at + half, is_key ? second : y[1], m.cache_form);
    }
    SW_MEMBER void end(uint32_t, uint32_t) const
    {
    }
};

/* Added to x (.., dim). */
struct sw_epilogue_residual {
    struct extra {
        float x;
    };
    const sw_gpu_model &m;

    SW_MEMBER extra load(uint32_t unit, uint32_t token) const
    {
        return {m.x[(size_t)token * m.dim + unit]};
    }
    SW_MEMBER void store(int, uint32_t unit, uint32_t token, const float (&y)[1],
                         const extra &e) const
    {
        const float x = e.x + y[0];
        m.x[(size_t)token * m.dim + unit] = m.rounds_to_f16 ? sw_round_f16(x) : x;
    }
    SW_MEMBER void end(uint32_t, uint32_t) const
    {
    }
};

SW_DEVICE float sw_silu_times(float gate, float up)
{
    return gate / (1.0f + expf(-gate)) * up;
}

struct sw_epilogue_gate_up {
    struct extra {
    };
    const sw_gpu_model &m;

    SW_MEMBER extra load(uint32_t, uint32_t) const
    {
        return {};
    }
    SW_MEMBER void store(int, uint32_t unit, uint32_t token, const float (&y)[2],
                         const extra &) const
    {
        const float h = sw_silu_times(y[0], y[1]);
        m.hidden[(size_t)token * m.hidden_dim + unit] = m.rounds_to_f16 ? sw_round_f16(h) : h;
    }
    SW_MEMBER void end(uint32_t, uint32_t) const
    {
    }
};

/* Where a head's results go. */
struct sw_head_out {
    float *logits;            /* (n_rows, vocab_size); NULL: nobody asks */
    sw_candidate *candidates; /* (n_rows, blocks of the grid); NULL: nobody asks */
};

struct sw_epilogue_head {
    struct extra {
    };
    const sw_gpu_model &m;
    sw_head_out out;
    uint32_t n_rows; /* of logits */
    sw_candidate best[2];

    SW_MEMBER extra load(uint32_t, uint32_t) const
    {
        return {};
    }
    SW_MEMBER void store(int own, uint32_t unit, uint32_t row, const float (&y)[2], const extra &)
    {
        for (uint32_t r = 0; r < 2; r++) {
            const uint32_t id = 2 * unit + r;
            if (id >= m.vocab_size)
                continue;
            if (out.logits != nullptr)
                out.logits[(size_t)row * m.vocab_size + id] = y[r];
            if (out.candidates != nullptr)
                sw_candidate_add(best[own], y[r], (int32_t)id);
        }
    }
    /* Lanes of the same token in a warp, then warps. */
    SW_MEMBER void end(uint32_t at, uint32_t lanes)
    {
        if (out.candidates == nullptr)
            return;
        const uint32_t warp = threadIdx.x / SW_WARP, lane = threadIdx.x % SW_WARP;
        const uint32_t n_warps = blockDim.x / SW_WARP;
        sw_shared<sw_candidate> of_warps = sw_shared_take<sw_candidate>(at); /* (rows, warps) */
        SW_UNROLL
        for (int own = 0; own < 2; own++) {
            const sw_candidate c = sw_candidate_of_lanes(best[own], lanes, SW_WARP);
            const uint32_t row = lane + (uint32_t)own * lanes;
            if (lane < lanes && row < n_rows)
                of_warps[row * n_warps + warp] = c;
            if (lanes >= n_rows)
                break;
        }
        sw_sync_block();
        for (uint32_t row = warp; row < n_rows; row += n_warps) {
            sw_candidate c = sw_candidate_none();
            if (lane < n_warps)
                c = of_warps[row * n_warps + lane];
            c = sw_candidate_of_lanes(c, 1, SW_STEP_WARPS);
            if (lane == 0)
                out.candidates[(size_t)row * gridDim.x + blockIdx.x] = c;
        }
    }
};

SW_DEVICE sw_input_source sw_source_norm(const sw_gpu_model &m, const float *weight)
{
    sw_input_source source = {};
    source.x = m.x;
    source.weight = weight;
    source.eps = m.rms_eps;
    source.rounds_to_f16 = m.rounds_to_f16;
    return source;
}

template <sw_gpu_form FORM, sw_gpu_input INPUT, int T>
static SW_STEP_KERNEL void sw_qkv_kernel(sw_gpu_model m, sw_gpu_matrix matrix, const float *norm,
                                         uint32_t layer, uint32_t n_tokens, uint32_t lanes)
{
    sw_epilogue_qkv epilogue = {m, layer};
    sw_product_run<FORM, INPUT, SW_INPUT_NORM, 2, sw_step_loads<FORM, 2, T>::steps, T,
                   SW_ROWS_HALVES>(matrix, sw_source_norm(m, norm), n_tokens, matrix.n_rows / 2,
                                   m.head_dim / 2, lanes, epilogue);
}

template <sw_gpu_form FORM, sw_gpu_input INPUT, int T>
static SW_STEP_KERNEL void sw_o_kernel(sw_gpu_model m, sw_gpu_matrix matrix, uint32_t n_tokens,
                                       uint32_t lanes)
{
    sw_epilogue_residual epilogue = {m};
    sw_input_source source = {};
    source.x = m.parts;
    source.head_dim = m.head_dim;
    source.n_splits = m.n_splits;
    source.rounds_to_f16 = m.rounds_to_f16;
    sw_product_run<FORM, INPUT, SW_INPUT_PARTS, 1, sw_step_loads<FORM, 1, T>::steps, T,
                   SW_ROWS_NEXT>(matrix, source, n_tokens, matrix.n_rows, 0, lanes, epilogue);
}

template <sw_gpu_form FORM, sw_gpu_input INPUT, int T>
static SW_STEP_KERNEL void sw_gate_up_kernel(sw_gpu_model m, sw_gpu_matrix matrix,
                                             const float *norm, uint32_t n_tokens, uint32_t lanes)
{
    sw_epilogue_gate_up epilogue = {m};
    sw_product_run<FORM, INPUT, SW_INPUT_NORM, 2, sw_step_loads<FORM, 2, T>::steps, T,
                   SW_ROWS_NEXT>(matrix, sw_source_norm(m, norm), n_tokens, matrix.n_rows / 2, 0,
                                 lanes, epilogue);
}

template <sw_gpu_form FORM, sw_gpu_input INPUT, int T>
static SW_STEP_KERNEL void sw_down_kernel(sw_gpu_model m, sw_gpu_matrix matrix, uint32_t n_tokens,
                                          uint32_t lanes)
{
    sw_epilogue_residual epilogue = {m};
    sw_input_source source = {};
    source.x = m.hidden;
    source.rounds_to_f16 = m.rounds_to_f16;
    sw_product_run<FORM, INPUT, SW_INPUT_ROWS, 1, sw_step_loads<FORM, 1, T>::steps, T,
                   SW_ROWS_NEXT>(matrix, source, n_tokens, matrix.n_rows, 0, lanes, epilogue);
}

/* Row i of the logits is token m.wanted[i]'s. */
template <sw_gpu_form FORM, sw_gpu_input INPUT, int T>
static SW_STEP_KERNEL void sw_head_kernel(sw_gpu_model m, sw_head_out out, uint32_t n_rows,
                                          uint32_t lanes)
{
    sw_epilogue_head epilogue = {m, out, n_rows, {sw_candidate_none(), sw_candidate_none()}};
    sw_input_source source = sw_source_norm(m, m.final_norm);
    source.rows = m.wanted;
    sw_product_run<FORM, INPUT, SW_INPUT_NORM, 2, sw_step_loads<FORM, 2, T>::steps, T,
                   SW_ROWS_NEXT>(m.head, source, n_rows, (m.head.n_rows + 1) / 2, 0, lanes,
                                 epilogue);
}

/* How kernels are launched. */
struct sw_step {
    sw_gpu_model m;
    const sw_gpu_layer *layers; /* (n_layers) the host's copy */
    uint32_t n_sms;
    size_t shared_bytes; /* that a block may have */
    cudaStream_t stream;
    bool is_overlapped;
};

/* Calls call(sw_pair<form, input>()) for the pair of the table; cudaErrorInvalidValue: no such
 * pair. */
#define SW_PAIR_CASE(FORM, INPUT)                                                                  \
    if (form == FORM && input == INPUT)                                                            \
        return call(sw_pair<FORM, INPUT>());
template <class CALL>
static inline cudaError_t sw_for_layer_pair(sw_gpu_form form, sw_gpu_input input, CALL call)
{
    SW_PAIR_CASE(SW_GPU_F32, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_BF16)
    SW_PAIR_CASE(SW_GPU_F16, SW_GPU_IN_F16)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_LLM8)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_S8B64)
    SW_PAIR_CASE(SW_GPU_S4, SW_GPU_IN_F16)
    SW_PAIR_CASE(SW_GPU_FP4, SW_GPU_IN_F32)
    return cudaErrorInvalidValue;
}
template <class CALL>
static inline cudaError_t sw_for_head_pair(sw_gpu_form form, sw_gpu_input input, CALL call)
{
    SW_PAIR_CASE(SW_GPU_F32, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_F32)
    SW_PAIR_CASE(SW_GPU_BF16, SW_GPU_IN_BF16)
    SW_PAIR_CASE(SW_GPU_F16, SW_GPU_IN_F16)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_S8B64)
    SW_PAIR_CASE(SW_GPU_S8, SW_GPU_IN_F16)
    return cudaErrorInvalidValue;
}
#undef SW_PAIR_CASE

/* Blocks and threads for n_units of `lanes` threads: one block for each SM, where there is work for
 * it, of as many warps as take everything in one turn. Results do not depend on it. */
struct sw_step_grid {
    uint32_t n_blocks, n_threads;
};
static inline sw_step_grid sw_step_grid_of(uint32_t n_units, uint32_t lanes, uint32_t n_sms)
{
    uint32_t units_of_warp = SW_WARP / lanes;
    uint32_t n_warps = (n_units + units_of_warp - 1) / units_of_warp;
    uint32_t n_blocks = n_warps < n_sms ? n_warps : n_sms;
    uint32_t of_block = (n_warps + n_blocks - 1) / n_blocks;
    if (of_block < SW_STEP_LEAST_WARPS)
        of_block = SW_STEP_LEAST_WARPS;
    if (of_block > SW_STEP_WARPS)
        of_block = SW_STEP_WARPS;
    return {n_blocks, of_block * SW_WARP};
}

/* Lanes of a row; S8B64's results are the same with any, and with several tokens those of a block
 * are fastest: four lanes need no exchange to add its sum. */
template <class PAIR>
static inline uint32_t sw_step_lanes(uint32_t n_cols, uint32_t n_units, uint32_t n_tokens)
{
    if (PAIR::input == SW_GPU_IN_S8B64 && n_tokens > 1)
        return 4;
    return sw_product_lanes((n_cols + PAIR::columns - 1) / PAIR::columns, n_units);
}

/* More than 48 KiB of shared memory are had for the asking only. */
template <class... P, class... A>
static inline cudaError_t sw_step_launch(const sw_step &step, void (*kernel)(P...),
                                         sw_step_grid grid, size_t shared_bytes, A... arguments)
{
    enum : size_t { UNASKED = 48 * 1024 };
    cudaError_t error = cudaSuccess;
    if (shared_bytes > UNASKED)
        error =
            cudaFuncSetAttribute(reinterpret_cast<const void *>(kernel),
                                 cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared_bytes);
    if (error != cudaSuccess)
        return error;
    return sw_launch(kernel, grid.n_blocks, grid.n_threads, shared_bytes, step.stream,
                     step.is_overlapped ? SW_LAUNCH_OVERLAPPED : SW_LAUNCH_PLAIN, arguments...);
}

static inline cudaError_t sw_step_embed(const sw_step &step, uint32_t n_tokens)
{
    void (*kernel)(sw_gpu_model) = step.m.embedding_form == SW_GPU_F32 ? sw_embed_kernel<SW_GPU_F32>
                                   : step.m.embedding_form == SW_GPU_BF16
                                       ? sw_embed_kernel<SW_GPU_BF16>
                                       : sw_embed_kernel<SW_GPU_F16>;
    return sw_launch(kernel, n_tokens, SW_EMBED_THREADS, 0, step.stream, SW_LAUNCH_PLAIN, step.m);
}

static inline cudaError_t sw_step_qkv(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    const sw_gpu_layer &l = step.layers[layer];
    return sw_for_layer_pair(step.m.layer_form, step.m.layer_input, [&](auto pair) {
        using P = decltype(pair);
        uint32_t n_units = l.qkv.n_rows / 2;
        uint32_t lanes = sw_step_lanes<P>(l.qkv.n_cols, n_units, n_tokens);
        size_t bytes = sw_input_layout_of<P::form, P::input>(l.qkv.n_cols).token_bytes * n_tokens;
        return sw_step_launch(step,
                              n_tokens == 1 ? sw_qkv_kernel<P::form, P::input, 1>
                                            : sw_qkv_kernel<P::form, P::input, SW_FEW_TOKENS>,
                              sw_step_grid_of(n_units, lanes, step.n_sms), bytes, step.m, l.qkv,
                              l.attention_norm, layer, n_tokens, lanes);
    });
}

static inline cudaError_t sw_step_o(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    const sw_gpu_layer &l = step.layers[layer];
    return sw_for_layer_pair(step.m.layer_form, step.m.layer_input, [&](auto pair) {
        using P = decltype(pair);
        uint32_t lanes = sw_step_lanes<P>(l.o.n_cols, l.o.n_rows, n_tokens);
        size_t bytes = sw_input_layout_of<P::form, P::input>(l.o.n_cols).token_bytes * n_tokens;
        return sw_step_launch(step,
                              n_tokens == 1 ? sw_o_kernel<P::form, P::input, 1>
                                            : sw_o_kernel<P::form, P::input, SW_FEW_TOKENS>,
                              sw_step_grid_of(l.o.n_rows, lanes, step.n_sms), bytes, step.m, l.o,
                              n_tokens, lanes);
    });
}

static inline cudaError_t sw_step_gate_up(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    const sw_gpu_layer &l = step.layers[layer];
    return sw_for_layer_pair(step.m.layer_form, step.m.layer_input, [&](auto pair) {
        using P = decltype(pair);
        uint32_t n_units = l.gate_up.n_rows / 2;
        uint32_t lanes = sw_step_lanes<P>(l.gate_up.n_cols, n_units, n_tokens);
        size_t bytes =
            sw_input_layout_of<P::form, P::input>(l.gate_up.n_cols).token_bytes * n_tokens;
        return sw_step_launch(step,
                              n_tokens == 1 ? sw_gate_up_kernel<P::form, P::input, 1>
                                            : sw_gate_up_kernel<P::form, P::input, SW_FEW_TOKENS>,
                              sw_step_grid_of(n_units, lanes, step.n_sms), bytes, step.m, l.gate_up,
                              l.mlp_norm, n_tokens, lanes);
    });
}

static inline cudaError_t sw_step_down(const sw_step &step, uint32_t layer, uint32_t n_tokens)
{
    const sw_gpu_layer &l = step.layers[layer];
    return sw_for_layer_pair(step.m.layer_form, step.m.layer_input, [&](auto pair) {
        using P = decltype(pair);
        uint32_t lanes = sw_step_lanes<P>(l.down.n_cols, l.down.n_rows, n_tokens);
        size_t bytes = sw_input_layout_of<P::form, P::input>(l.down.n_cols).token_bytes * n_tokens;
        return sw_step_launch(step,
                              n_tokens == 1 ? sw_down_kernel<P::form, P::input, 1>
                                            : sw_down_kernel<P::form, P::input, SW_FEW_TOKENS>,
                              sw_step_grid_of(l.down.n_rows, lanes, step.n_sms), bytes, step.m,
                              l.down, n_tokens, lanes);
    });
}

/* Rows of logits, candidates of each from n_parts blocks (NULL: not asked for). */
static inline cudaError_t sw_step_head(const sw_step &step, uint32_t n_rows, const sw_head_out &out,
                                       uint32_t *n_parts)
{
    return sw_for_head_pair(step.m.head_form, step.m.head_input, [&](auto pair) {
        using P = decltype(pair);
        uint32_t n_units = (step.m.head.n_rows + 1) / 2;
        uint32_t lanes = sw_step_lanes<P>(step.m.dim, n_units, n_rows);
        size_t bytes = sw_input_layout_of<P::form, P::input>(step.m.dim).token_bytes * n_rows;
        sw_step_grid grid = sw_step_grid_of(n_units, lanes, step.n_sms);
        bytes += (size_t)grid.n_threads / SW_WARP * n_rows * sizeof(sw_candidate);
        *n_parts = grid.n_blocks;
        return sw_step_launch(step,
                              n_rows == 1 ? sw_head_kernel<P::form, P::input, 1>
                                          : sw_head_kernel<P::form, P::input, SW_FEW_TOKENS>,
                              grid, bytes, step.m, out, n_rows, lanes);
    });
}

/* Blocks that a head's product can have at most, for who allocates candidates. */
static inline uint32_t sw_step_head_blocks(const sw_step &step)
{
    return step.n_sms;
}

/* Tokens, up to SW_FEW_TOKENS, whose inputs fit into a block's memory in every product; 0: not even
 * one's. */
static inline uint32_t sw_step_most_tokens(const sw_step &step)
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

/* All layers: from tokens to x. */
static inline cudaError_t sw_step_layers(const sw_step &step, uint32_t n_tokens)
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

#endif
