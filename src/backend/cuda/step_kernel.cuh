/*
 * The kernel of a step's products (step.cuh), and its launch: one template, of which step_one.cu
 * has the instances for one token and step_few.cu those for several.
 */
#ifndef SW_BACKEND_CUDA_STEP_KERNEL_CUH
#define SW_BACKEND_CUDA_STEP_KERNEL_CUH

#include "backend/cuda/cache.cuh"
#include "backend/cuda/silu.cuh"
#include "backend/cuda/step_job.cuh"

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

/* Row i of the logits is token m.wanted[i]'s. */
template <sw_step_part PART>
SW_DEVICE sw_input_source sw_step_source(const sw_gpu_model &m, const sw_step_job &job)
{
    sw_input_source source = {};
    source.rounds_to_f16 = m.rounds_to_f16;
    if constexpr (PART == SW_STEP_O) {
        source.x = m.parts;
        source.head_dim = m.head_dim;
        source.n_splits = m.n_splits;
    } else if constexpr (PART == SW_STEP_DOWN) {
        source.x = m.hidden;
    } else {
        source.x = m.x;
        source.weight = job.norm;
        source.eps = m.rms_eps;
        source.rows = PART == SW_STEP_HEAD ? m.wanted : nullptr;
    }
    return source;
}

template <sw_step_part PART, sw_gpu_form FORM, sw_gpu_input INPUT, int T>
static SW_STEP_KERNEL void sw_step_kernel(sw_gpu_model m, sw_step_job job)
{
    constexpr int R = PART == SW_STEP_O || PART == SW_STEP_DOWN ? 1 : 2;
    constexpr sw_input_kind KIND = PART == SW_STEP_O      ? SW_INPUT_PARTS
                                   : PART == SW_STEP_DOWN ? SW_INPUT_ROWS
                                                          : SW_INPUT_NORM;
    constexpr sw_product_rows ROWS = PART == SW_STEP_QKV ? SW_ROWS_HALVES : SW_ROWS_NEXT;
    /* Known when compiling, code for any other number is left out. */
    const uint32_t lanes = INPUT == SW_GPU_IN_S8B64 && T > 1 ? SW_STEP_S8_LANES : job.lanes;
    auto run = [&](auto epilogue) {
        sw_product_run<FORM, INPUT, KIND, R, sw_step_loads<FORM, R, T>::steps, T, ROWS>(
            job.matrix, sw_step_source<PART>(m, job), job.n_tokens, (job.matrix.n_rows + R - 1) / R,
            m.head_dim / 2, lanes, epilogue);
    };
    if constexpr (PART == SW_STEP_QKV)
        run(sw_epilogue_qkv{m, job.layer});
    else if constexpr (PART == SW_STEP_GATE_UP)
        run(sw_epilogue_gate_up{m});
    else if constexpr (PART == SW_STEP_HEAD)
        run(sw_epilogue_head{m, job.out, job.n_tokens, {sw_candidate_none(), sw_candidate_none()}});
    else
        run(sw_epilogue_residual{m});
}

/* More than 48 KiB of shared memory are had for the asking only. */
template <class... P, class... A>
static cudaError_t sw_step_launch(const sw_step &step, void (*kernel)(P...), sw_step_grid grid,
                                  size_t shared_bytes, A... arguments)
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

template <sw_step_part PART, int T>
static cudaError_t sw_step_multiply_part(const sw_step &step, sw_step_job job, uint32_t *n_blocks)
{
    auto multiply = [&](auto pair) {
        using P = decltype(pair);
        constexpr uint32_t R = PART == SW_STEP_O || PART == SW_STEP_DOWN ? 1 : 2;
        const uint32_t n_units = (job.matrix.n_rows + R - 1) / R;
        job.lanes = sw_step_lanes<P>(job.matrix.n_cols, n_units, job.n_tokens);
        const sw_step_grid grid = sw_step_grid_of(n_units, job.lanes, step.n_sms);
        size_t bytes = sw_input_layout_of<P::form, P::input>(job.matrix.n_cols).token_bytes;
        if (PART == SW_STEP_HEAD)
            bytes += grid.n_threads / SW_WARP * sizeof(sw_candidate);
        *n_blocks = grid.n_blocks;
        return sw_step_launch(step, sw_step_kernel<PART, P::form, P::input, T>, grid,
                              bytes * job.n_tokens, step.m, job);
    };
    if constexpr (PART == SW_STEP_HEAD)
        return sw_for_head_pair(step.m.head_form, step.m.head_input, multiply);
    else
        return sw_for_layer_pair(step.m.layer_form, step.m.layer_input, multiply);
}

/* A product of up to T tokens; n_blocks: of the grid. */
template <int T>
static cudaError_t sw_step_multiply(const sw_step &step, sw_step_part part, const sw_step_job &job,
                                    uint32_t *n_blocks)
{
    switch (part) {
    case SW_STEP_QKV:
        return sw_step_multiply_part<SW_STEP_QKV, T>(step, job, n_blocks);
    case SW_STEP_O:
        return sw_step_multiply_part<SW_STEP_O, T>(step, job, n_blocks);
    case SW_STEP_GATE_UP:
        return sw_step_multiply_part<SW_STEP_GATE_UP, T>(step, job, n_blocks);
    case SW_STEP_DOWN:
        return sw_step_multiply_part<SW_STEP_DOWN, T>(step, job, n_blocks);
    case SW_STEP_HEAD:
        return sw_step_multiply_part<SW_STEP_HEAD, T>(step, job, n_blocks);
    }
    return cudaErrorInvalidValue;
}

#endif
