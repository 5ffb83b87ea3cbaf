/*
 * The phases of the one kernel: what a block does between two exchanges. Arithmetic, and the order
 * of its sums, is that of input.cuh and product.cuh; only where numbers come from differs.
 */
#ifndef SW_BACKEND_CUDA_PERSISTENT_PHASES_CUH
#define SW_BACKEND_CUDA_PERSISTENT_PHASES_CUH

#include "backend/cuda/candidate.cuh"
#include "backend/cuda/persistent_attention.cuh"
#include "backend/cuda/persistent_exchange.cuh"
#include "backend/cuda/persistent_launch.cuh"
#include "backend/cuda/persistent_ring.cuh"
#include "backend/cuda/product.cuh"
#include "backend/cuda/silu.cuh"

/* There is one block on an SM, so each thread may have 255 registers; the compiler must be told. */
#ifdef SW_EMULATED
#define SW_PERSISTENT_BOUNDS SW_PERSISTENT_MOST_THREADS
#else
#define SW_PERSISTENT_BOUNDS SW_PERSISTENT_MOST_THREADS, 1
#endif

/* Columns 4 quad to 4 quad + 3 of an array in the block's memory; as sw_quad_load. */
SW_DEVICE void sw_quad_of(float (&v)[4], sw_shared<float> row, uint32_t quad, uint32_t n_cols)
{
    uint32_t k = 4 * quad;
    if (n_cols % 4 == 0) {
        sw_chunk c = {};
        if (k < n_cols)
            c = sw_shared_load16(row, k);
        for (int i = 0; i < 4; i++)
            v[i] = sw_as_float(c.w[i]);
    } else {
        for (uint32_t i = 0; i < 4; i++)
            v[i] = k + i < n_cols ? static_cast<float>(row[k + i]) : 0.0f;
    }
}

/* As sw_norm_scale, by every warp for itself. */
SW_DEVICE float sw_norm_scale_of(sw_shared<float> row, uint32_t n_cols, float eps)
{
    float sum[4] = {0, 0, 0, 0};
    SW_UNROLL
    for (uint32_t quad = threadIdx.x % SW_WARP; 4 * quad < n_cols; quad += SW_WARP) {
        float v[4];
        sw_quad_of(v, row, quad, n_cols);
        for (int i = 0; i < 4; i++)
            sum[i] = fmaf(v[i], v[i], sum[i]);
    }
    float total = sw_warp_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
    return 1.0f / sqrtf(total / static_cast<float>(n_cols) + eps);
}

/* The quads of a row that `value` gives, as a product's input; behind a barrier, the barrier behind
 * it included. */
template <sw_gpu_form FORM, sw_gpu_input INPUT, bool ROUNDS, class VALUE>
SW_DEVICE void sw_persistent_input(uint32_t at, const sw_input_layout &l, VALUE value)
{
    const uint32_t warp = threadIdx.x / SW_WARP, n_warps = blockDim.x / SW_WARP;
    for (uint32_t stretch = warp; stretch * SW_WARP < l.n_quads; stretch += n_warps) {
        uint32_t quad = stretch * SW_WARP + threadIdx.x % SW_WARP;
        float v[4];
        value(v, quad);
        if (ROUNDS) {
            for (int i = 0; i < 4; i++)
                v[i] = sw_round_f16(v[i]);
        }
        sw_input_store<FORM, INPUT>(at, l, quad, v);
    }
    if constexpr (INPUT == SW_GPU_IN_LLM8) {
        sw_sync_block();
        sw_input_finish<FORM, INPUT>(at, l, warp, n_warps);
    }
    sw_sync_block();
}

template <sw_gpu_form FORM, sw_gpu_input INPUT, bool ROUNDS>
SW_DEVICE void sw_persistent_norm(uint32_t at, const sw_input_layout &l, sw_shared<float> x,
                                  sw_shared<float> weight, float eps)
{
    const float scale = sw_norm_scale_of(x, l.n_cols, eps);
    sw_persistent_input<FORM, INPUT, ROUNDS>(at, l, [&](float(&v)[4], uint32_t quad) {
        float w[4];
        sw_quad_of(v, x, quad, l.n_cols);
        sw_quad_of(w, weight, quad, l.n_cols);
        for (int i = 0; i < 4; i++)
            v[i] = v[i] * scale * w[i];
    });
}

/* Chunk c of a row of a piece. */
template <sw_gpu_form FORM>
SW_DEVICE sw_weight_chunk<FORM> sw_ring_weights(const sw_ring &ring, const sw_ring_work &work,
                                                uint32_t row, uint32_t c)
{
    sw_weight_chunk<FORM> w;
    w.chunk = sw_shared_load16(ring.data, work.piece.rows_at + row * work.used_bytes + 16 * c);
    uint32_t scales_at = ring.data_at + work.piece.scales_at + row * work.scale_bytes;
    if constexpr (FORM == SW_GPU_S4)
        w.scale = sw_shared_take<uint16_t>(scales_at)[c];
    if constexpr (FORM == SW_GPU_FP4)
        w.scale = sw_shared_take<float>(scales_at)[c / 2];
    (void)scales_at;
    return w;
}

/*
 * The block's rows of a matrix, R at a time, times the input at input_at. `work` is the first
 * piece, ready; the others are taken as they come. finish(unit, y, own) is called for each R rows
 * by the first n_finishing of their lanes, own among them; y[R] are the products. adds_bias is
 * false where another block adds it.
 */
template <sw_gpu_form FORM, sw_gpu_input INPUT, int R, bool ROUNDS, class FINISH>
SW_DEVICE void sw_persistent_product(sw_ring &ring, sw_ring_work work, uint32_t input_at,
                                     const sw_input_layout &l, uint32_t lanes, bool adds_bias,
                                     uint32_t n_finishing, FINISH finish)
{
    constexpr int STEPS = 3;
    const bool has_bias = adds_bias && work.has_bias;
    const uint32_t lane = threadIdx.x % SW_WARP, own = lane % lanes;
    const uint32_t warp = threadIdx.x / SW_WARP, n_warps = blockDim.x / SW_WARP;
    const uint32_t units_at_once = n_warps * (SW_WARP / lanes);
    const uint32_t at[1] = {input_at};
    for (;;) {
        const sw_ring_piece piece = work.piece;
        const uint32_t n_units = (piece.end - piece.begin) / R;
        /* Units go to warps in turn, so that few of them use all schedulers. */
        for (uint32_t base = warp; base < n_units; base += units_at_once) {
            const uint32_t unit = base + lane / lanes * n_warps;
            const bool is_mine = unit < n_units;
            sw_row_facts facts[R];
            sw_sum<INPUT> sums[R][1] = {};
            for (int r = 0; r < R; r++) {
                const uint32_t row = unit * R + static_cast<uint32_t>(r);
                facts[r] = {1.0f, 0.0f};
                if constexpr (FORM == SW_GPU_S8) {
                    if (is_mine)
                        facts[r].scale = sw_shared_take<float>(ring.data_at + piece.scales_at)[row];
                }
                if (is_mine && has_bias)
                    facts[r].bias = sw_shared_take<float>(ring.data_at + piece.bias_at)[row];
            }
            for (uint32_t first = 0; first < l.n_chunks; first += STEPS * lanes) {
                sw_weight_chunk<FORM> w[STEPS][R];
                SW_UNROLL
                for (int s = 0; s < STEPS; s++) {
                    const uint32_t c = first + static_cast<uint32_t>(s) * lanes + own;
                    SW_UNROLL
                    for (int r = 0; r < R; r++) {
                        w[s][r] = {};
                        if (is_mine && c < l.n_chunks)
                            w[s][r] = sw_ring_weights<FORM>(ring, work,
                                                            unit * R + static_cast<uint32_t>(r), c);
                    }
                }
                SW_UNROLL
                for (int s = 0; s < STEPS; s++) {
                    const uint32_t c = first + static_cast<uint32_t>(s) * lanes;
                    if (c < l.n_chunks)
                        sw_dot_add<FORM, INPUT, R, 1>(sums, w[s], at, l, c + own, lanes,
                                                      c + own < l.n_chunks, facts);
                }
            }
            float y[R];
            for (int r = 0; r < R; r++) {
                sw_sum<INPUT> total = sw_sum_of_lanes<INPUT>(sums[r][0], lanes);
                y[r] = sw_product_of<FORM, INPUT>(total, facts[r], input_at, l, ROUNDS);
            }
            if (is_mine && own < n_finishing)
                finish(piece.begin / R + unit, y, own);
        }
        if (piece.end == work.end)
            return;
        sw_ring_fill(ring);
        work = sw_ring_take(ring, work.source, piece.end);
        sw_ring_ready(ring);
        sw_sync_block();
        sw_ring_release(ring);
    }
}

/* Between an exchange and its product: the gathered numbers and the piece are everyone's. */
SW_DEVICE void sw_persistent_enter(sw_ring &ring)
{
    sw_ring_ready(ring);
    sw_sync_block();
    sw_ring_release(ring);
}

/* Room for copies, and the first piece of a source. */
SW_DEVICE sw_ring_work sw_persistent_ahead(sw_ring &ring, uint32_t source)
{
    sw_ring_fill(ring);
    const sw_persistent_share share = ring.shares[sw_ring_part(ring, source)];
    return sw_ring_take(ring, source, share.begin);
}

/* A number as the cache keeps it; stored there, too. */
template <sw_gpu_form CACHE>
SW_DEVICE float sw_stretch_keep(unsigned char *row, uint32_t column, float x, bool stores)
{
    if constexpr (CACHE == SW_GPU_F32) {
        if (stores)
            reinterpret_cast<float *>(row)[column] = x;
        return x;
    } else {
        uint16_t half = CACHE == SW_GPU_BF16 ? sw_to_bf16(x) : sw_to_f16(x);
        if (stores)
            reinterpret_cast<uint16_t *>(row)[column] = half;
        return CACHE == SW_GPU_BF16 ? sw_from_bf16(half) : sw_from_f16(half);
    }
}

/*
 * What a stretch is attended to with, from the words of the QKV product: the group's query heads,
 * rotated, and, where has_token, the token's own key and value, which go to the cache if `appends`.
 * A barrier must follow.
 */
template <sw_gpu_form CACHE>
SW_DEVICE void sw_stretch_gather(const sw_gpu_model &m, const sw_stretch &s,
                                 const sw_stretch_memory &memory, sw_shared<float> cosines,
                                 sw_shared<float> sines, const uint64_t *words, uint32_t kv_head,
                                 bool has_token, bool appends, uint32_t epoch,
                                 sw_patience &patience)
{
    const uint32_t group = m.n_heads / m.n_kv_heads, head_dim = m.head_dim, half = head_dim / 2;
    const uint32_t n_pairs = (group + (has_token ? 1 : 0)) * half;
    const uint32_t n_items = n_pairs + (has_token ? head_dim : 0);
    const uint64_t *queries = words + static_cast<size_t>(kv_head) * group * head_dim;
    const uint64_t *key = words + static_cast<size_t>(m.n_heads + kv_head) * head_dim;
    const uint64_t *value = key + static_cast<size_t>(m.n_kv_heads) * head_dim;
    const size_t row = static_cast<size_t>(s.position) * head_dim * sw_cache<CACHE>::bytes;
    for (uint32_t i = threadIdx.x; i < n_items; i += blockDim.x) {
        const bool is_value = i >= n_pairs;
        const uint32_t head = i / half, r = is_value ? i - n_pairs : i - head * half;
        const uint64_t *word = (is_value       ? value
                                : head < group ? queries + head * head_dim
                                               : key) +
                               r;
        float y[2];
        sw_await(y, word, is_value ? word : word + half, epoch, patience);
        if (is_value) {
            memory.value[r] = sw_stretch_keep<CACHE>(s.values + row, r, y[0], appends);
            continue;
        }
        const float cosine = cosines[r], sine = sines[r];
        const float first = y[0] * cosine - y[1] * sine; /* as sw_epilogue_qkv */
        const float second = y[1] * cosine + y[0] * sine;
        if (head < group) {
            memory.q[head * head_dim + r] = first;
            memory.q[head * head_dim + half + r] = second;
        } else {
            memory.key[r] = sw_stretch_keep<CACHE>(s.keys + row, r, first, appends);
            memory.key[half + r] = sw_stretch_keep<CACHE>(s.keys + row, half + r, second, appends);
        }
    }
}

#endif
