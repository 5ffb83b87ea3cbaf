/*
 * The kernels of attention (attention.cuh).
 *
 * Few tokens: the context of each token is split in stretches, a block each; what a block leaves is
 * one part of m.parts, and who reads them merges (FlashDecoding's split: Dao and others 2023,
 * crfm.stanford.edu/2023/10/12/flashdecoding.html). Many tokens: blocks of query rows go through
 * the keys. Both keep the softmax online (Milakov and Gimelshein, arXiv 1805.02867): the largest
 * score so far, the sum of exp(score - largest), and the values mixed with those weights.
 * What becomes of scores that are no numbers: parts.cuh.
 */
#include "backend/cuda/attention.cuh"

#include <math.h>

#include "backend/cuda/cache.cuh"
#include "backend/cuda/device.h"
#include "backend/cuda/input.cuh"
#include "backend/cuda/many.cuh"
#include "backend/cuda/parts.cuh"

enum : uint32_t {
    SW_ATTEND_THREADS = 128,
    SW_ATTEND_WARPS = SW_ATTEND_THREADS / SW_WARP,
};

/* Where a block's results go. */
struct sw_attend_out {
    float *parts; /* (n_tokens, n_heads, n_splits, head_dim + 2); NULL: merged and divided */
    uint32_t n_splits;
    sw_many_left left; /* rows for O; rows NULL: to m.attended */
};

/* A result, merged and divided. */
SW_DEVICE void sw_attend_put(const sw_gpu_model &m, const sw_attend_out &out, uint32_t token,
                             uint32_t head, uint32_t column, float x)
{
    const uint32_t at = head * m.head_dim + column;
    x = m.rounds_to_f16 ? sw_round_f16(x) : x;
    if (out.left.rows != nullptr)
        sw_many_put(out.left, token, at, x);
    else
        m.attended[(size_t)token * m.n_heads * m.head_dim + at] = x;
}

SW_DEVICE void sw_attend_write(const sw_gpu_model &m, const sw_attend_out &out, uint32_t token,
                               uint32_t head, uint32_t split, uint32_t column, float largest,
                               float sum, float mixed)
{
    size_t row = (size_t)token * m.n_heads + head;
    if (out.parts == NULL) {
        sw_attend_put(m, out, token, head, column, mixed / sum);
        return;
    }
    float *part = out.parts + (row * out.n_splits + split) * (m.head_dim + 2);
    part[2 + column] = mixed;
    if (column == 0) {
        part[0] = largest;
        part[1] = sum;
    }
}

/*
 * One stretch of one token's context for HEADS query heads of a group. n_lanes threads (a power of
 * 2, to 32) share a key, 16 bytes each, so that the block has 128 / n_lanes keys at once, each of
 * these streams with a softmax of its own; they are merged at the end, by shuffles in a warp and
 * through shared memory between warps: the only barrier.
 */
template <sw_gpu_form FORM, int HEADS>
static SW_KERNEL(SW_ATTEND_THREADS) void sw_attend_few_kernel(sw_gpu_model m, uint32_t layer,
                                                              uint32_t n_lanes, sw_attend_out out)
{
    constexpr uint32_t WIDTH = sw_cache<FORM>::width;
    constexpr int KEYS = 2; /* of a stream, under way at once */
    const uint32_t group = m.n_heads / m.n_kv_heads, n_passes = (group + HEADS - 1) / HEADS;
    uint32_t unit = blockIdx.x;
    const uint32_t split = unit % out.n_splits;
    unit /= out.n_splits;
    const uint32_t pass = unit % n_passes;
    unit /= n_passes;
    const uint32_t kv_head = unit % m.n_kv_heads, t = unit / m.n_kv_heads;
    const uint32_t first_head = kv_head * group + pass * HEADS;
    const uint32_t n_heads = group - pass * HEADS < HEADS ? group - pass * HEADS : HEADS;
    const uint32_t warp = threadIdx.x / SW_WARP, lane = threadIdx.x % SW_WARP;
    const uint32_t stream = threadIdx.x / n_lanes, n_streams = SW_ATTEND_THREADS / n_lanes;
    const uint32_t column = threadIdx.x % n_lanes * WIDTH;
    const bool has_columns = column < m.head_dim;
    sw_shared<float> merged = sw_shared_take<float>(0); /* (warps, HEADS, head_dim + 2) */
    const uint32_t stride = m.head_dim + 2;

    sw_dependents_launch();
    sw_dependency_wait();

    const sw_gpu_token token = m.tokens[t];
    const sw_part part = sw_attention_part(token.position + 1, out.n_splits, split);
    const uint32_t begin = part.begin, end = part.end;
    const size_t row_bytes = (size_t)m.head_dim * sw_cache<FORM>::bytes;
    const size_t offset =
        sw_cache_offset<FORM>(m, layer, token.sequence, kv_head) + column * sw_cache<FORM>::bytes;
    const char *keys = static_cast<const char *>(m.keys) + offset;
    const char *values = static_cast<const char *>(m.values) + offset;

    float q[HEADS][WIDTH], mixed[HEADS][WIDTH], largest[HEADS], sum[HEADS];
    for (int h = 0; h < HEADS; h++) {
        const float *from = m.q + ((size_t)t * m.n_heads + first_head + (uint32_t)h) * m.head_dim;
        for (uint32_t i = 0; i < WIDTH; i += 4) { /* whole chunks, as the cache's */
            sw_chunk chunk = {};
            if ((uint32_t)h < n_heads && has_columns)
                chunk = *reinterpret_cast<const sw_chunk *>(from + column + i);
            for (uint32_t j = 0; j < 4; j++) {
                q[h][i + j] = sw_as_float(chunk.w[j]);
                mixed[h][i + j] = 0;
            }
        }
        largest[h] = -INFINITY;
        sum[h] = 0;
    }

    for (uint32_t at = begin; at < end; at += KEYS * n_streams) {
        sw_chunk key_chunks[KEYS], value_chunks[KEYS];
        float scores[KEYS][HEADS];
        for (int k = 0; k < KEYS; k++) {
            const uint32_t position = at + (uint32_t)k * n_streams + stream;
            key_chunks[k] = value_chunks[k] = {};
            if (position < end && has_columns) {
                key_chunks[k] = *reinterpret_cast<const sw_chunk *>(keys + position * row_bytes);
                value_chunks[k] =
                    *reinterpret_cast<const sw_chunk *>(values + position * row_bytes);
            }
        }
        for (int k = 0; k < KEYS; k++) {
            float key[WIDTH];
            sw_cache_widen<FORM>(key, key_chunks[k]);
            for (int h = 0; h < HEADS; h++) {
                float dot = 0;
                for (uint32_t i = 0; i < WIDTH; i++)
                    dot = fmaf(q[h][i], key[i], dot);
                scores[k][h] = dot;
            }
        }
        for (uint32_t mask = 1; mask < n_lanes; mask *= 2) {
            for (int k = 0; k < KEYS; k++) {
                for (int h = 0; h < HEADS; h++)
                    scores[k][h] += sw_shuffle_xor(scores[k][h], (int)mask);
            }
        }
        float value[KEYS][WIDTH];
        for (int k = 0; k < KEYS; k++) {
            const bool is_live = at + (uint32_t)k * n_streams + stream < end;
            sw_cache_widen<FORM>(value[k], value_chunks[k]);
            for (int h = 0; h < HEADS; h++)
                scores[k][h] = is_live ? scores[k][h] * m.score_scale : -INFINITY;
        }
        for (int h = 0; h < HEADS; h++) {
            float next = largest[h];
            for (int k = 0; k < KEYS; k++)
                next = sw_attention_larger(next, scores[k][h]);
            const float base = sw_attention_base(next), factor = expf(largest[h] - base);
            largest[h] = next;
            sum[h] *= factor;
            for (uint32_t i = 0; i < WIDTH; i++)
                mixed[h][i] *= factor;
            for (int k = 0; k < KEYS; k++) {
                const float weight = expf(scores[k][h] - base);
                sum[h] += weight;
                for (uint32_t i = 0; i < WIDTH; i++)
                    mixed[h][i] = fmaf(weight, value[k][i], mixed[h][i]);
            }
        }
    }

    for (int h = 0; h < HEADS; h++) {
        float next = largest[h];
        for (uint32_t mask = n_lanes; mask < SW_WARP; mask *= 2)
            next = sw_attention_larger(next, sw_shuffle_xor(next, (int)mask));
        const float factor = expf(largest[h] - sw_attention_base(next));
        largest[h] = next;
        sum[h] *= factor;
        for (uint32_t i = 0; i < WIDTH; i++)
            mixed[h][i] *= factor;
        for (uint32_t mask = n_lanes; mask < SW_WARP; mask *= 2) {
            sum[h] += sw_shuffle_xor(sum[h], (int)mask);
            for (uint32_t i = 0; i < WIDTH; i++)
                mixed[h][i] += sw_shuffle_xor(mixed[h][i], (int)mask);
        }
        const uint32_t to = (warp * HEADS + (uint32_t)h) * stride;
        if (lane < n_lanes && has_columns) {
            for (uint32_t i = 0; i < WIDTH; i++)
                merged[to + 2 + column + i] = mixed[h][i];
        }
        if (lane == 0) {
            merged[to] = largest[h];
            merged[to + 1] = sum[h];
        }
    }
    sw_sync_block();

    for (uint32_t i = threadIdx.x; i < n_heads * m.head_dim; i += SW_ATTEND_THREADS) {
        const uint32_t h = i / m.head_dim, c = i % m.head_dim;
        float all_largest = -INFINITY, all_sum = 0, all_mixed = 0;
        for (uint32_t w = 0; w < SW_ATTEND_WARPS; w++) {
            const float of_warp = merged[(w * HEADS + h) * stride];
            all_largest = sw_attention_larger(all_largest, of_warp);
        }
        const float base = sw_attention_base(all_largest);
        for (uint32_t w = 0; w < SW_ATTEND_WARPS; w++) {
            const uint32_t from = (w * HEADS + h) * stride;
            const float of_warp = merged[from], sum_of_warp = merged[from + 1];
            const float mixed_of_warp = merged[from + 2 + c], factor = expf(of_warp - base);
            all_sum = fmaf(sum_of_warp, factor, all_sum);
            all_mixed = fmaf(mixed_of_warp, factor, all_mixed);
        }
        sw_attend_write(m, out, t, first_head + h, split, c, all_largest, all_sum, all_mixed);
    }
}

/* The same for one query head, rows of any size: heads whose rows are no whole chunks, or too long
 * for the registers of a warp. */
template <sw_gpu_form FORM>
static SW_KERNEL(SW_ATTEND_THREADS) void sw_attend_any_kernel(sw_gpu_model m, uint32_t layer,
                                                              sw_attend_out out)
{
    uint32_t unit = blockIdx.x;
    const uint32_t split = unit % out.n_splits;
    unit /= out.n_splits;
    const uint32_t head = unit % m.n_heads, t = unit / m.n_heads;
    const uint32_t kv_head = head / (m.n_heads / m.n_kv_heads);
    const uint32_t warp = threadIdx.x / SW_WARP, lane = threadIdx.x % SW_WARP;
    sw_shared<float> scores = sw_shared_take<float>(0); /* (SW_ATTEND_THREADS) */
    sw_shared<float> weights = scores + SW_ATTEND_THREADS;
    sw_shared<float> mixed = weights + SW_ATTEND_THREADS; /* (head_dim), each by its thread */

    sw_dependents_launch();
    sw_dependency_wait();

    const sw_gpu_token token = m.tokens[t];
    const sw_part part = sw_attention_part(token.position + 1, out.n_splits, split);
    const uint32_t begin = part.begin, end = part.end;
    const size_t row_bytes = (size_t)m.head_dim * sw_cache<FORM>::bytes;
    const size_t offset = sw_cache_offset<FORM>(m, layer, token.sequence, kv_head);
    const char *keys = static_cast<const char *>(m.keys) + offset;
    const char *values = static_cast<const char *>(m.values) + offset;
    const float *q = m.q + ((size_t)t * m.n_heads + head) * m.head_dim;

    for (uint32_t c = threadIdx.x; c < m.head_dim; c += SW_ATTEND_THREADS)
        mixed[c] = 0;
    float largest = -INFINITY, sum = 0;
    for (uint32_t at = begin; at < end; at += SW_ATTEND_THREADS) {
        const uint32_t n = end - at < SW_ATTEND_THREADS ? end - at : SW_ATTEND_THREADS;
        for (uint32_t k = warp; k < n; k += SW_ATTEND_WARPS) {
            float dot = 0;
            for (uint32_t c = lane; c < m.head_dim; c += SW_WARP)
                dot = fmaf(q[c], sw_cache_read<FORM>(keys + (at + k) * row_bytes, c), dot);
            dot = sw_warp_sum(dot);
            if (lane == 0)
                scores[k] = dot * m.score_scale;
        }
        sw_sync_block();
        float next = largest;
        for (uint32_t k = 0; k < n; k++) {
            const float score = scores[k];
            next = sw_attention_larger(next, score);
        }
        const float base = sw_attention_base(next), factor = expf(largest - base);
        largest = next;
        if (threadIdx.x < n) {
            const float score = scores[threadIdx.x];
            weights[threadIdx.x] = expf(score - base);
        }
        sw_sync_block();
        sum *= factor;
        for (uint32_t k = 0; k < n; k++) {
            const float weight = weights[k];
            sum += weight;
        }
        for (uint32_t c = threadIdx.x; c < m.head_dim; c += SW_ATTEND_THREADS) {
            float of_column = mixed[c];
            of_column *= factor;
            for (uint32_t k = 0; k < n; k++) {
                const float weight = weights[k];
                of_column =
                    fmaf(weight, sw_cache_read<FORM>(values + (at + k) * row_bytes, c), of_column);
            }
            mixed[c] = of_column;
        }
    }
    for (uint32_t c = threadIdx.x; c < m.head_dim; c += SW_ATTEND_THREADS) {
        const float of_column = mixed[c];
        sw_attend_write(m, out, t, head, split, c, largest, sum, of_column);
    }
}

/* One token and query head from its parts. */
static SW_KERNEL(SW_ATTEND_THREADS) void sw_attend_merge_kernel(sw_gpu_model m, sw_attend_out from)
{
    const uint32_t head = blockIdx.x % m.n_heads, t = blockIdx.x / m.n_heads;
    const size_t row = (size_t)t * m.n_heads + head;
    sw_dependents_launch();
    sw_dependency_wait();
    const float *parts = from.parts + row * from.n_splits * (m.head_dim + 2);
    const uint32_t n_parts = sw_attention_parts(m.tokens[t].position + 1, from.n_splits);
    for (uint32_t c = threadIdx.x; c < m.head_dim; c += SW_ATTEND_THREADS) {
        float merged;
        sw_parts_merge<1>(&merged, parts, c, n_parts, m.head_dim);
        sw_attend_put(m, from, t, head, c, merged);
    }
}

template <sw_gpu_form FORM, int HEADS>
static cudaError_t sw_attend_few_launch(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                                        const sw_attend_out &out, cudaStream_t stream,
                                        sw_launch_kind kind)
{
    const uint32_t group = m.n_heads / m.n_kv_heads, n_passes = (group + HEADS - 1) / HEADS;
    const uint32_t n_chunks = m.head_dim / sw_cache<FORM>::width;
    uint32_t n_lanes = 1;
    while (n_lanes < n_chunks)
        n_lanes *= 2;
    const size_t shared = SW_ATTEND_WARPS * HEADS * (m.head_dim + 2) * sizeof(float);
    return sw_launch(sw_attend_few_kernel<FORM, HEADS>,
                     n_tokens * m.n_kv_heads * n_passes * out.n_splits, SW_ATTEND_THREADS, shared,
                     stream, kind, m, layer, n_lanes, out);
}

template <sw_gpu_form FORM>
static cudaError_t sw_attend_split(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                                   const sw_attend_out &out, cudaStream_t stream,
                                   sw_launch_kind kind)
{
    if (m.head_dim % sw_cache<FORM>::width != 0 || m.head_dim > SW_WARP * sw_cache<FORM>::width)
        return sw_launch(sw_attend_any_kernel<FORM>, n_tokens * m.n_heads * out.n_splits,
                         SW_ATTEND_THREADS, (2 * SW_ATTEND_THREADS + m.head_dim) * sizeof(float),
                         stream, kind, m, layer, out);
    switch (m.n_heads / m.n_kv_heads) {
    case 1:
        return sw_attend_few_launch<FORM, 1>(m, layer, n_tokens, out, stream, kind);
    case 2:
        return sw_attend_few_launch<FORM, 2>(m, layer, n_tokens, out, stream, kind);
    case 3:
        return sw_attend_few_launch<FORM, 3>(m, layer, n_tokens, out, stream, kind);
    default:
        return sw_attend_few_launch<FORM, 4>(m, layer, n_tokens, out, stream, kind);
    }
}

static cudaError_t sw_attend_split_any(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                                       const sw_attend_out &out, cudaStream_t stream,
                                       sw_launch_kind kind)
{
    switch (m.cache_form) {
    case SW_GPU_F32:
        return sw_attend_split<SW_GPU_F32>(m, layer, n_tokens, out, stream, kind);
    case SW_GPU_BF16:
        return sw_attend_split<SW_GPU_BF16>(m, layer, n_tokens, out, stream, kind);
    default:
        return sw_attend_split<SW_GPU_F16>(m, layer, n_tokens, out, stream, kind);
    }
}

template <sw_gpu_form FORM>
SW_DEVICE void sw_attend_mma(sw_tile_f32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    if constexpr (FORM == SW_GPU_BF16)
        sw_mma_bf16(c, a, b);
    else
        sw_mma_f16(c, a, b);
}

/*
 * Blocks of a prompt, 16-bit cache: 16 query rows a block, that is as many tokens of the batch as
 * have their heads of one group among 16 rows, against all keys of their sequence. Warps share the
 * keys, 16 at a time: tile i belongs to warp i % n, which copies it for itself, two in flight, so
 * that no warp waits for another before the end. Tokens of several sequences go one sequence after
 * the other; rows of the others are masked and nothing of them is written.
 *
 * Fragments (device.h). Scores: a key's 16 neighbouring bytes are two steps' operands, the query's
 * columns are taken in the same order; keys lie by planes of 64 bytes, so that eight lanes read 128
 * neighbouring bytes. Mixing: weights are already where the second product wants them (two keys of
 * a lane side by side); of the values a lane takes chunk g of the rows of its four keys, 8 columns,
 * and pairs them up by key; column g of output tile j is then 8 g + j of 64. Lines of values are 16
 * bytes longer than their numbers: rows 0, 2, 4, 6 are then 32 bytes apart within 128.
 *
 * The query and the weights are rounded to the cache's form. A value that is infinite or no number
 * makes tokens in front of its own none, too, where both are among the same 16 keys: a masked
 * weight is 0, and 0 times it is no number.
 */
enum : uint32_t { SW_ATTEND_ROWS = 16, SW_ATTEND_KEYS = 16 };

/* Bytes of a warp: two buffers of keys and values; its results at the end, (16, head_dim + 2). */
SW_DEVICE uint32_t sw_attend_buffer_bytes(uint32_t head_dim)
{
    return SW_ATTEND_KEYS * head_dim * 2 + SW_ATTEND_KEYS * (head_dim * 2 + 16);
}

template <sw_gpu_form FORM>
SW_DEVICE void sw_attend_copy(uint32_t at, const char *keys, const char *values, uint32_t first_key,
                              uint32_t n_keys, uint32_t head_dim)
{
    const uint32_t n_chunks = head_dim / 8, row_bytes = head_dim * 2;
    const uint32_t values_at = at + SW_ATTEND_KEYS * row_bytes;
    sw_shared<sw_chunk> k = sw_shared_take<sw_chunk>(at), v = sw_shared_take<sw_chunk>(values_at);
    for (uint32_t i = threadIdx.x % SW_WARP; i < SW_ATTEND_KEYS * n_chunks; i += SW_WARP) {
        const uint32_t row = i / n_chunks, c = i % n_chunks;
        const uint32_t to_key = (c / 4 * SW_ATTEND_KEYS + row) * 4 + c % 4;
        const uint32_t to_value = row * (n_chunks + 1) + c;
        if (first_key + row < n_keys) {
            const size_t from = (size_t)(first_key + row) * row_bytes + c * 16;
            sw_copy16(k, to_key, keys + from);
            sw_copy16(v, to_value, values + from);
        } else {
            const sw_chunk zero = {};
            sw_shared_store16(k, to_key, zero);
            sw_shared_store16(v, to_value, zero);
        }
    }
    sw_copy_commit();
}

template <sw_gpu_form FORM, int SETS>
static SW_KERNEL(SW_ATTEND_THREADS) void sw_attend_tensor_kernel(sw_gpu_model m, uint32_t layer,
                                                                 uint32_t n_tokens,
                                                                 sw_attend_out out)
{
    constexpr int PLANES = 2 * SETS; /* of 32 columns */
    const uint32_t group_heads = m.n_heads / m.n_kv_heads;
    const uint32_t n_passes = (group_heads + SW_ATTEND_ROWS - 1) / SW_ATTEND_ROWS;
    const uint32_t most_heads = group_heads < SW_ATTEND_ROWS ? group_heads : SW_ATTEND_ROWS;
    const uint32_t tile_tokens = SW_ATTEND_ROWS / most_heads;
    uint32_t unit = blockIdx.x;
    const uint32_t kv_head = unit % m.n_kv_heads;
    unit /= m.n_kv_heads;
    const uint32_t pass = unit % n_passes, first_token = unit / n_passes * tile_tokens;
    const uint32_t first_head = kv_head * group_heads + pass * SW_ATTEND_ROWS;
    const uint32_t left = group_heads - pass * SW_ATTEND_ROWS;
    const uint32_t n_heads = left < most_heads ? left : most_heads;
    const uint32_t end_token =
        first_token + tile_tokens < n_tokens ? first_token + tile_tokens : n_tokens;
    const uint32_t warp = threadIdx.x / SW_WARP, lane = threadIdx.x % SW_WARP;
    const uint32_t n_warps = blockDim.x / SW_WARP;
    const uint32_t g = lane / 4, t = lane % 4;
    const uint32_t buffer_bytes = sw_attend_buffer_bytes(m.head_dim);
    const uint32_t own = warp * 2 * buffer_bytes; /* byte of the warp's memory */
    const uint32_t stride = m.head_dim + 2;

    sw_dependents_launch();
    sw_dependency_wait();

    /* The thread's rows, g and g + 8: their token and head. */
    uint32_t row_token[2], row_head[2];
    bool is_row[2];
    uint32_t q[PLANES][2][4];
    for (uint32_t h = 0; h < 2; h++) {
        const uint32_t row = g + 8 * h;
        row_token[h] = first_token + row / most_heads;
        row_head[h] = row % most_heads;
        is_row[h] =
            row < tile_tokens * most_heads && row_token[h] < end_token && row_head[h] < n_heads;
    }
    for (uint32_t p = 0; p < PLANES; p++) {
        for (uint32_t h = 0; h < 2; h++) {
            const uint32_t column = p * 32 + 8 * t;
            sw_chunk of_row[2] = {};
            if (is_row[h] && column < m.head_dim) {
                const float *from =
                    m.q +
                    ((size_t)row_token[h] * m.n_heads + first_head + row_head[h]) * m.head_dim +
                    column;
                of_row[0] = reinterpret_cast<const sw_chunk *>(from)[0];
                of_row[1] = reinterpret_cast<const sw_chunk *>(from)[1];
            }
            for (uint32_t s = 0; s < 2; s++) {
                for (uint32_t i = 0; i < 2; i++)
                    q[p][s][2 * i + h] = sw_cache_pack<FORM>(sw_as_float(of_row[s].w[2 * i]),
                                                             sw_as_float(of_row[s].w[2 * i + 1]));
            }
        }
    }

    for (uint32_t first = first_token; first < end_token;) {
        const uint32_t sequence = m.tokens[first].sequence;
        uint32_t next = first + 1;
        while (next < end_token && m.tokens[next].sequence == sequence)
            next++;
        const uint32_t n_keys = m.tokens[next - 1].position + 1;
        const uint32_t n_tiles = (n_keys + SW_ATTEND_KEYS - 1) / SW_ATTEND_KEYS;
        const size_t offset = sw_cache_offset<FORM>(m, layer, sequence, kv_head);
        const char *keys = static_cast<const char *>(m.keys) + offset;
        const char *values = static_cast<const char *>(m.values) + offset;
        uint32_t limit[2]; /* keys that a row sees; none of a row of another sequence */
        for (int h = 0; h < 2; h++)
            limit[h] = is_row[h] && row_token[h] >= first && row_token[h] < next
                           ? m.tokens[row_token[h]].position + 1
                           : 0;

        float largest[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
        sw_tile_f32 mixed[SETS][8] = {};
        if (warp < n_tiles)
            sw_attend_copy<FORM>(own, keys, values, warp * SW_ATTEND_KEYS, n_keys, m.head_dim);
        for (uint32_t tile = warp, turn = 0; tile < n_tiles; tile += n_warps, turn ^= 1) {
            const uint32_t keys_at = own + turn * buffer_bytes;
            const uint32_t values_at = keys_at + SW_ATTEND_KEYS * m.head_dim * 2;
            if (tile + n_warps < n_tiles) {
                sw_attend_copy<FORM>(own + (turn ^ 1) * buffer_bytes, keys, values,
                                     (tile + n_warps) * SW_ATTEND_KEYS, n_keys, m.head_dim);
                sw_copy_wait<1>();
            } else {
                sw_copy_wait<0>();
            }
            sw_sync_warp();

            sw_shared<sw_chunk> k = sw_shared_take<sw_chunk>(keys_at);
            sw_tile_f32 scores[2] = {};
            SW_UNROLL
            for (uint32_t p = 0; p < PLANES; p++) {
                if (p * 32 >= m.head_dim)
                    continue;
                for (uint32_t j = 0; j < 2; j++) {
                    const sw_chunk chunk =
                        sw_shared_load16(k, (p * SW_ATTEND_KEYS + 8 * j + g) * 4 + t);
                    for (int s = 0; s < 2; s++) {
                        const uint32_t b[2] = {chunk.w[2 * s], chunk.w[2 * s + 1]};
                        sw_attend_mma<FORM>(scores[j], q[p][s], b);
                    }
                }
            }

            uint32_t weights[4];
            SW_UNROLL
            for (uint32_t h = 0; h < 2; h++) { /* row g + 8 h */
                float of_row[4], after = largest[h];
                for (uint32_t i = 0; i < 4; i++) {
                    const uint32_t key = tile * SW_ATTEND_KEYS + i / 2 * 8 + 2 * t + i % 2;
                    of_row[i] =
                        key < limit[h] ? scores[i / 2].v[2 * h + i % 2] * m.score_scale : -INFINITY;
                    after = sw_attention_larger(after, of_row[i]);
                }
                after = sw_attention_larger(after, sw_shuffle_xor(after, 1));
                after = sw_attention_larger(after, sw_shuffle_xor(after, 2));
                const float base = sw_attention_base(after);
                const float factor = expf(largest[h] - base);
                largest[h] = after;
                sum[h] *= factor;
                for (int s = 0; s < SETS; s++) {
                    for (int j = 0; j < 8; j++) {
                        mixed[s][j].v[2 * h] *= factor;
                        mixed[s][j].v[2 * h + 1] *= factor;
                    }
                }
                for (int i = 0; i < 4; i++) {
                    of_row[i] = expf(of_row[i] - base);
                    sum[h] += of_row[i];
                }
                weights[h] = sw_cache_pack<FORM>(of_row[0], of_row[1]);
                weights[h + 2] = sw_cache_pack<FORM>(of_row[2], of_row[3]);
            }

            sw_shared<sw_chunk> v = sw_shared_take<sw_chunk>(values_at);
            const uint32_t line = m.head_dim / 8 + 1;
            SW_UNROLL
            for (uint32_t s = 0; s < SETS; s++) {
                const uint32_t c = 8 * s + g;
                sw_chunk of_keys[4] = {};
                if (c * 8 < m.head_dim) {
                    for (uint32_t i = 0; i < 4; i++)
                        of_keys[i] = sw_shared_load16(v, (i / 2 * 8 + 2 * t + i % 2) * line + c);
                }
                for (int w = 0; w < 4; w++) {
                    uint32_t low[2], high[2];
                    for (int i = 0; i < 2; i++) {
                        const uint32_t a = of_keys[2 * i].w[w], b = of_keys[2 * i + 1].w[w];
                        low[i] = (a & 0xffff) | b << 16;
                        high[i] = a >> 16 | (b & 0xffff0000u);
                    }
                    sw_attend_mma<FORM>(mixed[s][2 * w], weights, low);
                    sw_attend_mma<FORM>(mixed[s][2 * w + 1], weights, high);
                }
            }
            sw_sync_warp(); /* the buffer is free again */
        }

        sw_shared<float> results = sw_shared_take<float>(own);
        for (uint32_t h = 0; h < 2; h++) {
            sum[h] += sw_shuffle_xor(sum[h], 1);
            sum[h] += sw_shuffle_xor(sum[h], 2);
            const uint32_t at = (g + 8 * h) * stride;
            if (t == 0) {
                results[at] = largest[h];
                results[at + 1] = sum[h];
            }
            SW_UNROLL
            for (uint32_t s = 0; s < SETS; s++) {
                for (uint32_t i = 0; i < 2; i++) {
                    const uint32_t column = 8 * (8 * s + 2 * t + i);
                    if (column >= m.head_dim)
                        continue;
                    for (uint32_t j = 0; j < 8; j++)
                        results[at + 2 + column + j] = mixed[s][j].v[2 * h + i];
                }
            }
        }
        sw_sync_block();
        const uint32_t begin_row = (first - first_token) * most_heads;
        const uint32_t n_numbers = (next - first) * most_heads * m.head_dim;
        for (uint32_t i = threadIdx.x; i < n_numbers; i += blockDim.x) {
            const uint32_t row = begin_row + i / m.head_dim, column = i % m.head_dim;
            if (row % most_heads >= n_heads)
                continue;
            float all_largest = -INFINITY, all_sum = 0, all_mixed = 0;
            for (uint32_t w = 0; w < n_warps; w++) {
                sw_shared<float> of_warp = sw_shared_take<float>(w * 2 * buffer_bytes);
                const float of_row = of_warp[row * stride];
                all_largest = sw_attention_larger(all_largest, of_row);
            }
            const float base = sw_attention_base(all_largest);
            for (uint32_t w = 0; w < n_warps; w++) {
                sw_shared<float> of_warp = sw_shared_take<float>(w * 2 * buffer_bytes);
                const float of_row = of_warp[row * stride], of_sum = of_warp[row * stride + 1];
                const float of_mixed = of_warp[row * stride + 2 + column];
                const float factor = expf(of_row - base);
                all_sum = fmaf(of_sum, factor, all_sum);
                all_mixed = fmaf(of_mixed, factor, all_mixed);
            }
            const uint32_t head = first_head + row % most_heads;
            sw_attend_put(m, out, first_token + row / most_heads, head, column,
                          all_mixed / all_sum);
        }
        sw_sync_block();
        first = next;
    }
}

template <sw_gpu_form FORM>
static cudaError_t sw_attend_tensor(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                                    const sw_attend_out &out, cudaStream_t stream,
                                    sw_launch_kind kind)
{
    const uint32_t group = m.n_heads / m.n_kv_heads;
    const uint32_t n_passes = (group + SW_ATTEND_ROWS - 1) / SW_ATTEND_ROWS;
    const uint32_t tile_tokens = group < SW_ATTEND_ROWS ? SW_ATTEND_ROWS / group : 1;
    const uint32_t n_blocks = (n_tokens + tile_tokens - 1) / tile_tokens * n_passes * m.n_kv_heads;
    const uint32_t buffer_bytes =
        SW_ATTEND_KEYS * m.head_dim * 2 + SW_ATTEND_KEYS * (m.head_dim * 2 + 16);
    /* 4 warps of 64 columns or 2 of 128: within 48 KiB. */
    if (m.head_dim <= 64)
        return sw_launch(sw_attend_tensor_kernel<FORM, 1>, n_blocks, SW_ATTEND_THREADS,
                         SW_ATTEND_WARPS * 2 * buffer_bytes, stream, kind, m, layer, n_tokens, out);
    return sw_launch(sw_attend_tensor_kernel<FORM, 2>, n_blocks, SW_ATTEND_THREADS / 2,
                     SW_ATTEND_WARPS / 2 * 2 * buffer_bytes, stream, kind, m, layer, n_tokens, out);
}

cudaError_t sw_gpu_attend_few(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                              cudaStream_t stream, bool overlapped)
{
    return sw_attend_split_any(m, layer, n_tokens, {m.parts, m.n_splits, {}}, stream,
                               overlapped ? SW_LAUNCH_OVERLAPPED : SW_LAUNCH_PLAIN);
}

cudaError_t sw_gpu_attend_many(const sw_gpu_model &m, uint32_t layer, uint32_t n_tokens,
                               cudaStream_t stream)
{
    const sw_launch_kind kind = m.overlaps ? SW_LAUNCH_OVERLAPPED : SW_LAUNCH_PLAIN;
    sw_attend_out out = {NULL, 1, sw_many_left_of(m, m.n_heads * m.head_dim)};
    if (sw_attend_is_tensor(m, n_tokens))
        return m.cache_form == SW_GPU_BF16
                   ? sw_attend_tensor<SW_GPU_BF16>(m, layer, n_tokens, out, stream, kind)
                   : sw_attend_tensor<SW_GPU_F16>(m, layer, n_tokens, out, stream, kind);
    /* Merging takes a launch more: only where not even every SM had a block. */
    const uint32_t n_blocks = n_tokens * m.n_kv_heads;
    const uint32_t n_wanted = n_blocks < m.n_sms ? (2 * m.n_sms + n_blocks - 1) / n_blocks : 1;
    const uint32_t n_splits = n_wanted < m.n_splits ? n_wanted : m.n_splits;
    if (n_splits > 1) {
        out.parts = m.parts;
        out.n_splits = n_splits;
    }
    cudaError_t code = sw_attend_split_any(m, layer, n_tokens, out, stream, kind);
    if (code != cudaSuccess || out.parts == NULL)
        return code;
    return sw_launch(sw_attend_merge_kernel, n_tokens * m.n_heads, SW_ATTEND_THREADS, 0, stream,
                     kind, m, out);
}
