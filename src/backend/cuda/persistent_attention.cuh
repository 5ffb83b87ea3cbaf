/*
 * Attention of one token within the one kernel: a block takes a stretch of a KV head's context for
 * all query heads of the group, so that they share one pass over keys and values.
 *
 * Stretches are fixed: stretch s of the cache is positions [s n, (s + 1) n) for all tokens of an
 * answer, and always the same block's. So whoever appends a key and a value is who reads them
 * later, behind a barrier of its own, and nothing has to be made visible to other blocks. (In the
 * form with four exchanges all blocks of a KV head read what one of them appends;
 * persistent_kernel.cuh has the fences for that.) Keys and values of earlier tokens are asked for
 * before the block waits for the query; the token's own come from the exchange.
 *
 * Sums: as attention.cu, but its stretches follow the length of the context, so the last bits
 * differ from the step's where a context has more than one stretch, and where blocks differ in
 * threads.
 */
#ifndef SW_BACKEND_CUDA_PERSISTENT_ATTENTION_CUH
#define SW_BACKEND_CUDA_PERSISTENT_ATTENTION_CUH

#include "backend/cuda/cache.cuh"
#include "backend/cuda/parts.cuh"
#include "backend/cuda/persistent_exchange.cuh"

enum : uint32_t {
    SW_STRETCH_HEADS = 4, /* query heads that share a pass; larger groups take several */
    SW_STRETCH_KEYS = 2,  /* of a stream, under way at once */
};

/* What a block attends to with. In shared memory: */
struct sw_stretch_memory {
    sw_shared<float> q;     /* (group, head_dim) rotated */
    sw_shared<float> key;   /* (head_dim) of the token, rotated, as the cache rounds it */
    sw_shared<float> value; /* (head_dim) */
    sw_shared<float> lists; /* (warps, group, head_dim + 2): largest, sum, values */
};

/* Which part of the cache, and how threads share it. */
struct sw_stretch {
    uint32_t begin, end; /* positions */
    uint32_t position;   /* of the token; in the stretch or behind it */
    uint32_t n_lanes;    /* threads of a key, a power of 2 */
    bool is_chunked;     /* a thread has 16 bytes of a row; else columns lane, lane + 32, ... */
    unsigned char *keys, *values; /* of the KV head, position 0 */
};

SW_DEVICE uint32_t sw_stretch_column(const sw_stretch &s, uint32_t lane, uint32_t width, uint32_t i)
{
    return s.is_chunked ? lane * width + i : lane + i * SW_WARP;
}

/* Keys and values of one batch of positions, where whole chunks are read. */
struct sw_stretch_batch {
    sw_chunk keys[SW_STRETCH_KEYS], values[SW_STRETCH_KEYS];
};

template <sw_gpu_form CACHE>
SW_DEVICE void sw_stretch_load(sw_stretch_batch &b, const sw_stretch &s, uint32_t head_dim,
                               uint32_t at)
{
    constexpr uint32_t WIDTH = sw_cache<CACHE>::width;
    const uint32_t n_streams = blockDim.x / s.n_lanes, stream = threadIdx.x / s.n_lanes;
    const uint32_t column = threadIdx.x % s.n_lanes * WIDTH;
    const size_t row_bytes = static_cast<size_t>(head_dim) * sw_cache<CACHE>::bytes;
    SW_UNROLL
    for (uint32_t k = 0; k < SW_STRETCH_KEYS; k++) {
        uint32_t p = at + k * n_streams + stream;
        b.keys[k] = b.values[k] = {};
        if (s.is_chunked && p < s.end && p < s.position && column < head_dim) {
            size_t from = p * row_bytes + column * sw_cache<CACHE>::bytes;
            b.keys[k] = *reinterpret_cast<const sw_chunk *>(s.keys + from);
            b.values[k] = *reinterpret_cast<const sw_chunk *>(s.values + from);
        }
    }
}

/* The columns of one position that this thread has, as floats; zeros where it has none. */
template <sw_gpu_form CACHE>
SW_DEVICE void sw_stretch_row(float (&row)[sw_cache<CACHE>::width], const sw_stretch &s,
                              const sw_chunk &chunk, const unsigned char *cache,
                              sw_shared<float> fresh, uint32_t head_dim, uint32_t p)
{
    constexpr uint32_t WIDTH = sw_cache<CACHE>::width;
    const uint32_t lane = threadIdx.x % s.n_lanes;
    if (s.is_chunked && p != s.position) {
        sw_cache_widen<CACHE>(row, chunk);
        return;
    }
    for (uint32_t i = 0; i < WIDTH; i++) {
        uint32_t column = sw_stretch_column(s, lane, WIDTH, i);
        row[i] = 0;
        if (column < head_dim && p < s.end)
            row[i] = p == s.position
                         ? static_cast<float>(fresh[column])
                         : sw_cache_read<CACHE>(cache + static_cast<size_t>(p) * head_dim *
                                                            sw_cache<CACHE>::bytes,
                                                column);
    }
}

/*
 * The stretch for query heads [first, first + SW_STRETCH_HEADS) of the group, into the warp's
 * lists; a barrier must follow. ahead: the batch at s.begin, loaded.
 */
template <sw_gpu_form CACHE>
SW_DEVICE void sw_stretch_attend(const sw_gpu_model &m, const sw_stretch &s,
                                 const sw_stretch_memory &memory, const sw_stretch_batch &ahead,
                                 uint32_t first, uint32_t group)
{
    constexpr uint32_t WIDTH = sw_cache<CACHE>::width, HEADS = SW_STRETCH_HEADS,
                       KEYS = SW_STRETCH_KEYS;
    const uint32_t head_dim = m.head_dim, stride = head_dim + 2;
    const uint32_t warp = threadIdx.x / SW_WARP, lane = threadIdx.x % s.n_lanes;
    const uint32_t n_streams = blockDim.x / s.n_lanes, stream = threadIdx.x / s.n_lanes;
    const uint32_t n_heads = group - first < HEADS ? group - first : HEADS;

    float q[HEADS][WIDTH], mixed[HEADS][WIDTH], largest[HEADS], sum[HEADS];
    SW_UNROLL
    for (uint32_t h = 0; h < HEADS; h++) {
        SW_UNROLL
        for (uint32_t i = 0; i < WIDTH; i++) {
            uint32_t column = sw_stretch_column(s, lane, WIDTH, i);
            q[h][i] = 0;
            if (h < n_heads && column < head_dim)
                q[h][i] = memory.q[(first + h) * head_dim + column];
            mixed[h][i] = 0;
        }
        largest[h] = -INFINITY;
        sum[h] = 0;
    }

    for (uint32_t at = s.begin; at < s.end; at += KEYS * n_streams) {
        sw_stretch_batch batch = ahead;
        if (at != s.begin)
            sw_stretch_load<CACHE>(batch, s, head_dim, at);
        float scores[KEYS][HEADS];
        SW_UNROLL
        for (uint32_t k = 0; k < KEYS; k++) {
            float key[WIDTH];
            sw_stretch_row<CACHE>(key, s, batch.keys[k], s.keys, memory.key, head_dim,
                                  at + k * n_streams + stream);
            SW_UNROLL
            for (uint32_t h = 0; h < HEADS; h++) {
                float dot = 0;
                SW_UNROLL
                for (uint32_t i = 0; i < WIDTH; i++)
                    dot = fmaf(q[h][i], key[i], dot);
                scores[k][h] = dot;
            }
        }
        for (uint32_t mask = 1; mask < s.n_lanes; mask *= 2) {
            SW_UNROLL
            for (uint32_t k = 0; k < KEYS; k++) {
                SW_UNROLL
                for (uint32_t h = 0; h < HEADS; h++) {
                    if (h < n_heads)
                        scores[k][h] += sw_shuffle_xor(scores[k][h], static_cast<int>(mask));
                }
            }
        }
        SW_UNROLL
        for (uint32_t h = 0; h < HEADS; h++) {
            if (h >= n_heads)
                continue;
            float next = largest[h];
            SW_UNROLL
            for (uint32_t k = 0; k < KEYS; k++) {
                bool is_live = at + k * n_streams + stream < s.end;
                scores[k][h] = is_live ? scores[k][h] * m.score_scale : -INFINITY;
                next = sw_attention_larger(next, scores[k][h]);
            }
            const float base = sw_attention_base(next), factor = expf(largest[h] - base);
            largest[h] = next;
            sum[h] *= factor;
            SW_UNROLL
            for (uint32_t i = 0; i < WIDTH; i++)
                mixed[h][i] *= factor;
            SW_UNROLL
            for (uint32_t k = 0; k < KEYS; k++) {
                scores[k][h] = expf(scores[k][h] - base); /* now the weight */
                sum[h] += scores[k][h];
            }
        }
        SW_UNROLL
        for (uint32_t k = 0; k < KEYS; k++) {
            float value[WIDTH];
            sw_stretch_row<CACHE>(value, s, batch.values[k], s.values, memory.value, head_dim,
                                  at + k * n_streams + stream);
            SW_UNROLL
            for (uint32_t h = 0; h < HEADS; h++) {
                SW_UNROLL
                for (uint32_t i = 0; i < WIDTH; i++)
                    mixed[h][i] = fmaf(scores[k][h], value[i], mixed[h][i]);
            }
        }
    }

    SW_UNROLL
    for (uint32_t h = 0; h < HEADS; h++) {
        if (h >= n_heads)
            continue;
        float next = largest[h];
        for (uint32_t mask = s.n_lanes; mask < SW_WARP; mask *= 2)
            next = sw_attention_larger(next, sw_shuffle_xor(next, static_cast<int>(mask)));
        const float factor = expf(largest[h] - sw_attention_base(next));
        sum[h] *= factor;
        SW_UNROLL
        for (uint32_t i = 0; i < WIDTH; i++)
            mixed[h][i] *= factor;
        for (uint32_t mask = s.n_lanes; mask < SW_WARP; mask *= 2) {
            sum[h] += sw_shuffle_xor(sum[h], static_cast<int>(mask));
            SW_UNROLL
            for (uint32_t i = 0; i < WIDTH; i++)
                mixed[h][i] += sw_shuffle_xor(mixed[h][i], static_cast<int>(mask));
        }
        const uint32_t to = (warp * group + first + h) * stride;
        if (threadIdx.x % SW_WARP < s.n_lanes) {
            SW_UNROLL
            for (uint32_t i = 0; i < WIDTH; i++) {
                uint32_t column = sw_stretch_column(s, lane, WIDTH, i);
                if (column < head_dim)
                    memory.lists[to + 2 + column] = mixed[h][i];
            }
        }
        if (threadIdx.x % SW_WARP == 0) {
            memory.lists[to] = next;
            memory.lists[to + 1] = sum[h];
        }
    }
}

/* One column of several lists of (largest, sum, values), `apart` numbers from each other, in their
 * order: not divided yet. */
struct sw_mixed {
    float largest, sum, value;
};
SW_DEVICE sw_mixed sw_mix_lists(sw_shared<float> lists, uint32_t n, uint32_t apart, uint32_t column)
{
    sw_mixed all = {-INFINITY, 0, 0};
    for (uint32_t i = 0; i < n; i++)
        all.largest = sw_attention_larger(all.largest, lists[i * apart]);
    const float base = sw_attention_base(all.largest);
    for (uint32_t i = 0; i < n; i++) {
        const float factor = expf(static_cast<float>(lists[i * apart]) - base);
        all.sum = fmaf(lists[i * apart + 1], factor, all.sum);
        all.value = fmaf(lists[i * apart + 2 + column], factor, all.value);
    }
    return all;
}

/* Four columns of one head at once, the first of them a multiple of 2, divided; the same numbers.
 */
SW_DEVICE void sw_mix_quad(float (&v)[4], sw_shared<float> lists, uint32_t n, uint32_t apart,
                           uint32_t column)
{
    float largest = -INFINITY, sum = 0;
    for (int i = 0; i < 4; i++)
        v[i] = 0;
    for (uint32_t i = 0; i < n; i++)
        largest = sw_attention_larger(largest, lists[i * apart]);
    const float base = sw_attention_base(largest);
    for (uint32_t i = 0; i < n; i++) {
        const float factor = expf(static_cast<float>(lists[i * apart]) - base);
        sum = fmaf(lists[i * apart + 1], factor, sum);
        for (uint32_t k = 0; k < 4; k++)
            v[k] = fmaf(lists[i * apart + 2 + column + k], factor, v[k]);
    }
    for (int i = 0; i < 4; i++)
        v[i] /= sum;
}

#endif
