/*
 * The input of a product of few tokens: rows of floats in global memory (as they are, or RMSNorm'd,
 * or merged from the parts that attention left) become what the matrix is multiplied with (enum
 * sw_gpu_input), in shared memory. Every block does this for itself: a norm of a thousand numbers
 * costs less than a kernel that would write it down.
 *
 * How it lies there. A thread of product.cuh takes a chunk of a row, 16 bytes of weights, and needs
 * the input of the same columns, 16 bytes at a time ("pieces"; 8 columns of bf16 against fp32 are
 * two). Piece p of chunk c is at 16 (p n_chunks + c), so that neighbouring threads, which have
 * neighbouring chunks, read neighbouring 16 bytes and no two of them the same bank. Of S4 and FP4,
 * whose word q has columns 4q.. in its low and 16 + 4q.. in its high nibbles, columns within a
 * chunk are put into that order. What is behind the last column is zero.
 *
 * Who does what. A warp serves one token (warp % n_tokens) or, where there are fewer warps than
 * tokens, several in turn; the warps of a token share its columns, 128 at a time, but each sums the
 * squares of the whole row for itself: no barrier is needed for that, and the order of the sum
 * depends on nothing but the row. One barrier at the end (LLM8: one more, for the largest number).
 */
#ifndef SW_BACKEND_CUDA_INPUT_CUH
#define SW_BACKEND_CUDA_INPUT_CUH

#include <math.h>

#include "backend/cuda/device.h"
#include "backend/cuda/formats.h"
#include "backend/cuda/parts.cuh"

/* A block of activations whose largest number is below this is zero (backend/quantum.h). */
#define SW_GPU_S8_LEAST 0x1p-100f

enum sw_input_kind {
    SW_INPUT_ROWS,  /* x */
    SW_INPUT_NORM,  /* RMSNorm of x */
    SW_INPUT_PARTS, /* what attention's parts merge to */
};

/* The numbers that SW_INPUT_... says; alignment of x and weight: 16 bytes. */
struct sw_input_source {
    const float *x;       /* (n, n_cols), or the parts, model.cuh */
    const uint32_t *rows; /* the row of token i; NULL: i itself */
    const float *weight;  /* (n_cols) of the norm */
    float eps;
    uint32_t head_dim, n_splits; /* of the parts; n_cols is n_heads * head_dim */
    bool rounds_to_f16;          /* the norm's and attention's results */
};

/* Facts of a pair that are known when compiling. */
template <sw_gpu_form FORM, sw_gpu_input INPUT> struct sw_pair {
    static constexpr sw_gpu_form form = FORM;
    static constexpr sw_gpu_input input = INPUT;
    static constexpr uint32_t columns = FORM == SW_GPU_F32                          ? 4
                                        : FORM == SW_GPU_BF16 || FORM == SW_GPU_F16 ? 8
                                        : FORM == SW_GPU_S8                         ? 16
                                                                                    : 32;
    static constexpr bool is_nibbles = FORM == SW_GPU_S4 || FORM == SW_GPU_FP4;
    static constexpr bool is_s8 = INPUT == SW_GPU_IN_S8B64 || INPUT == SW_GPU_IN_LLM8;
    /* Bytes of a column of input, and pieces of a chunk's columns. */
    static constexpr uint32_t width = INPUT == SW_GPU_IN_F32 ? 4 : is_s8 ? 1 : 2;
    static constexpr uint32_t pieces = columns * width / SW_GPU_CHUNK;
};

/* Of one token's input; offsets in bytes from its first. Tokens follow each other. */
struct sw_input_layout {
    uint32_t n_cols, n_chunks;
    uint32_t n_quads;     /* fours of columns, padding included */
    uint32_t scales_at;   /* S8B64: float a block; LLM8: the row's one */
    uint32_t halves_at;   /* LLM8: all columns in f16, pieces of 8 */
    uint32_t marks_at;    /* LLM8: byte a chunk: has an outlier */
    uint32_t token_bytes; /* a multiple of 16 */
};

template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_ANYWHERE sw_input_layout sw_input_layout_of(uint32_t n_cols)
{
    using pair = sw_pair<FORM, INPUT>;
    sw_input_layout l = {};
    l.n_cols = n_cols;
    l.n_chunks = (n_cols + pair::columns - 1) / pair::columns;
    l.n_quads = l.n_chunks * (pair::columns / 4);
    uint32_t end = l.n_chunks * pair::pieces * SW_GPU_CHUNK;
    if (INPUT == SW_GPU_IN_S8B64) {
        l.scales_at = end;
        end += ((n_cols + SW_GPU_S8_BLOCK - 1) / SW_GPU_S8_BLOCK + 3) / 4 * 16;
    }
    if (INPUT == SW_GPU_IN_LLM8) {
        l.scales_at = end;
        l.halves_at = end + 16;
        l.marks_at = l.halves_at + l.n_chunks * 32;
        end = l.marks_at + (l.n_chunks + 15) / 16 * 16;
    }
    l.token_bytes = end;
    return l;
}

/* Sums over so many neighbouring lanes, a power of two; every one gets it. */
SW_DEVICE float sw_lanes_largest(float x, uint32_t n)
{
    for (uint32_t mask = n / 2; mask > 0; mask /= 2)
        x = fmaxf(x, sw_shuffle_xor(x, (int)mask));
    return x;
}

SW_DEVICE float sw_round_f16(float x)
{
    return sw_from_f16(sw_to_f16(x));
}
SW_DEVICE uint32_t sw_two_halves(uint16_t low, uint16_t high)
{
    return (uint32_t)low | (uint32_t)high << 16;
}
/* To the nearest integer, ties to even, held to a byte. */
SW_DEVICE uint32_t sw_byte_of(float x)
{
    float r = fminf(fmaxf(rintf(x), -128.0f), 127.0f);
    return (uint32_t)(uint8_t)(int8_t)(int32_t)r;
}

/* Columns 4 quad to 4 quad + 3; zeros behind the last one. */
SW_DEVICE void sw_quad_load(float (&v)[4], const float *row, uint32_t quad, uint32_t n_cols)
{
    uint32_t k = 4 * quad;
    if (n_cols % 4 == 0) {
        sw_chunk c = {};
        if (k < n_cols)
            c = *reinterpret_cast<const sw_chunk *>(row + k);
        for (int i = 0; i < 4; i++)
            v[i] = sw_as_float(c.w[i]);
    } else {
        for (uint32_t i = 0; i < 4; i++)
            v[i] = k + i < n_cols ? row[k + i] : 0.0f;
    }
}

/* 1 / sqrt(mean of squares + eps) of one row, by one warp. */
SW_DEVICE float sw_norm_scale(const float *row, uint32_t n_cols, float eps)
{
    float sum[4] = {0, 0, 0, 0};
    uint32_t lane = threadIdx.x % SW_WARP;
    for (uint32_t quad = lane; 4 * quad < n_cols; quad += SW_WARP) {
        float v[4];
        sw_quad_load(v, row, quad, n_cols);
        for (int i = 0; i < 4; i++)
            sum[i] = fmaf(v[i], v[i], sum[i]);
    }
    float total = sw_warp_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
    return 1.0f / sqrtf(total / (float)n_cols + eps);
}

/* v[i] = x, where i is not known when compiling: registers have no index. */
SW_DEVICE void sw_quad_put(float (&v)[4], uint32_t i, float x)
{
    v[0] = i == 0 ? x : v[0];
    v[1] = i == 1 ? x : v[1];
    v[2] = i == 2 ? x : v[2];
    v[3] = i == 3 ? x : v[3];
}

/* Columns 4 quad.. of a token's input. */
template <sw_input_kind KIND>
SW_DEVICE void sw_source_quad(float (&v)[4], const sw_input_source &source, uint32_t row,
                              uint32_t quad, uint32_t n_cols, float norm_scale)
{
    if constexpr (KIND == SW_INPUT_PARTS) {
        const uint32_t head_dim = source.head_dim, n_splits = source.n_splits;
        const size_t head_size = (size_t)n_splits * (head_dim + 2);
        const float *parts = source.x + (size_t)row * (n_cols / head_dim) * head_size;
        uint32_t k = 4 * quad, head = k / head_dim, at = k - head * head_dim;
        parts += head * head_size;
        if (k < n_cols && at + 4 <= head_dim) {
            sw_parts_merge<4>(v, parts, at, n_splits, head_dim);
        } else {
            /* A head's columns are no fours: seldom, so that its code is there once only. */
            SW_NO_UNROLL
            for (uint32_t i = 0; i < 4; i++) {
                float merged = 0;
                if (k + i < n_cols)
                    sw_parts_merge<1>(&merged, parts, at, n_splits, head_dim);
                sw_quad_put(v, i, merged);
                if (++at == head_dim) {
                    at = 0;
                    parts += head_size;
                }
            }
        }
    } else {
        sw_quad_load(v, source.x + (size_t)row * n_cols, quad, n_cols);
        if constexpr (KIND == SW_INPUT_NORM) {
            float weight[4];
            sw_quad_load(weight, source.weight, quad, n_cols);
            for (int i = 0; i < 4; i++)
                v[i] = v[i] * norm_scale * weight[i];
        }
    }
}

/* Where column 4 quad lies: byte from the token's first, for inputs other than f16 of LLM8. */
template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE uint32_t sw_quad_place(const sw_input_layout &l, uint32_t quad)
{
    using pair = sw_pair<FORM, INPUT>;
    constexpr uint32_t quads = pair::columns / 4; /* of a chunk */
    uint32_t chunk = quad / quads, q = quad % quads;
    if (pair::is_nibbles) /* low nibbles of word 0, high ones of word 0, low ones of word 1, ... */
        q = q < 4 ? 2 * q : 2 * (q - 4) + 1;
    uint32_t byte = q * 4 * pair::width; /* among the chunk's */
    return (byte / 16 * l.n_chunks + chunk) * 16 + byte % 16;
}

/*
 * A quad of every lane (those of a warp begin at a multiple of 32) into the input of the token that
 * begins at byte `at` of the block's memory. All lanes call; those behind the last quad bring zeros
 * and store nothing. LLM8 is not done then: sw_input_finish.
 */
template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE void sw_input_store(uint32_t at, const sw_input_layout &l, uint32_t quad,
                              const float (&v)[4])
{
    bool is_there = quad < l.n_quads;
    uint32_t place = at + sw_quad_place<FORM, INPUT>(l, quad);
    if constexpr (INPUT == SW_GPU_IN_F32) {
        sw_chunk c;
        for (int i = 0; i < 4; i++)
            c.w[i] = sw_as_bits(v[i]);
        if (is_there)
            sw_shared_store16(sw_shared_take<sw_chunk>(place), 0, c);
    } else if constexpr (INPUT == SW_GPU_IN_BF16 || INPUT == SW_GPU_IN_F16) {
        uint32_t low, high;
        if constexpr (INPUT == SW_GPU_IN_BF16) {
            low = sw_two_halves(sw_to_bf16(v[0]), sw_to_bf16(v[1]));
            high = sw_two_halves(sw_to_bf16(v[2]), sw_to_bf16(v[3]));
        } else {
            low = sw_two_halves(sw_to_f16(v[0]), sw_to_f16(v[1]));
            high = sw_two_halves(sw_to_f16(v[2]), sw_to_f16(v[3]));
        }
        if (is_there) {
            sw_shared<uint32_t> words = sw_shared_take<uint32_t>(place);
            words[0] = low;
            words[1] = high;
        }
    } else if constexpr (INPUT == SW_GPU_IN_LLM8) {
        if (is_there) {
            sw_shared<uint32_t> words = sw_shared_take<uint32_t>(
                at + l.halves_at + (quad / 2 % 2 * l.n_chunks + quad / 4) * 16 + quad % 2 * 8);
            words[0] = sw_two_halves(sw_to_f16(v[0]), sw_to_f16(v[1]));
            words[1] = sw_two_halves(sw_to_f16(v[2]), sw_to_f16(v[3]));
        }
    } else { /* S8B64: a block is 16 lanes */
        float largest = fmaxf(fmaxf(fabsf(v[0]), fabsf(v[1])), fmaxf(fabsf(v[2]), fabsf(v[3])));
        largest = sw_lanes_largest(largest, 16);
        bool is_zero = !(largest > SW_GPU_S8_LEAST);
        float inverse = is_zero ? 0.0f : 127.0f / largest, check = 0;
        uint32_t bytes = 0;
        for (int i = 0; i < 4; i++) {
            float x = v[i] * inverse;
            bytes |= sw_byte_of(x) << 8 * i;
            check += x;
        }
        /* A block with a NaN or an infinity says so by its scale. */
        uint32_t lane = threadIdx.x % SW_WARP;
        bool is_bad = (sw_ballot(!(fabsf(check) < INFINITY)) >> lane / 16 * 16 & 0xffff) != 0;
        if (is_there) {
            sw_shared_take<uint32_t>(place)[0] = bytes;
            if (lane % 16 == 0)
                sw_shared_take<float>(at + l.scales_at)[quad / 16] = is_bad    ? NAN
                                                                     : is_zero ? 0.0f
                                                                               : largest / 127.0f;
        }
    }
}

/*
 * LLM8's second half, behind a barrier: the largest number that is no outlier, by every warp for
 * itself, then bytes and marks of the warp's share of the quads: first, first + step, ... times 32.
 * What is not below the threshold, NaN too, is an outlier: 0 among the bytes, its chunk marked.
 */
template <sw_gpu_form FORM, sw_gpu_input INPUT>
SW_DEVICE void sw_input_finish(uint32_t at, const sw_input_layout &l, uint32_t first, uint32_t step)
{
    if constexpr (INPUT == SW_GPU_IN_LLM8) {
        uint32_t lane = threadIdx.x % SW_WARP;
        sw_shared<uint32_t> halves = sw_shared_take<uint32_t>(at + l.halves_at);
        float largest = 0;
        for (uint32_t i = lane; i < l.n_chunks * 8; i += SW_WARP) {
            uint32_t two = halves[i];
            float a = fabsf(sw_from_f16((uint16_t)two));
            float b = fabsf(sw_from_f16((uint16_t)(two >> 16)));
            largest =
                fmaxf(largest, fmaxf(a < SW_GPU_OUTLIER ? a : 0.0f, b < SW_GPU_OUTLIER ? b : 0.0f));
        }
        largest = sw_warp_max(largest);
        float inverse = largest > 0 ? 127.0f / largest : 0.0f;
        if (first == 0 && lane == 0)
            sw_shared_take<float>(at + l.scales_at)[0] = largest;
        for (uint32_t stretch = first; stretch * SW_WARP < l.n_quads; stretch += step) {
            uint32_t quad = stretch * SW_WARP + lane, bytes = 0;
            bool has_outlier = false, is_there = quad < l.n_quads;
            if (is_there) {
                uint32_t word = (quad / 2 % 2 * l.n_chunks + quad / 4) * 4 + quad % 2 * 2;
                for (uint32_t i = 0; i < 4; i++) {
                    float x = sw_from_f16((uint16_t)(halves[word + i / 2] >> i % 2 * 16));
                    bool is_outlier = !(fabsf(x) < SW_GPU_OUTLIER);
                    has_outlier |= is_outlier;
                    bytes |= (is_outlier ? 0 : sw_byte_of(x * inverse)) << 8 * i;
                }
                sw_shared_take<uint32_t>(at + sw_quad_place<FORM, INPUT>(l, quad))[0] = bytes;
            }
            uint32_t marks = sw_ballot(has_outlier) >> lane / 4 * 4 & 15; /* of a chunk's lanes */
            if (is_there && lane % 4 == 0)
                sw_shared_take<uint8_t>(at + l.marks_at)[quad / 4] = marks != 0;
        }
    }
}

/* All of it: n_tokens rows to byte `at` of the block's memory; every thread calls. The barrier at
 * the end is in it. */
template <sw_gpu_form FORM, sw_gpu_input INPUT, sw_input_kind KIND>
SW_DEVICE void sw_input_prepare(uint32_t at, const sw_input_layout &l,
                                const sw_input_source &source, uint32_t n_tokens)
{
    const uint32_t lane = threadIdx.x % SW_WARP, warp = threadIdx.x / SW_WARP;
    const uint32_t n_warps = blockDim.x / SW_WARP;
    const bool has_many_warps = n_warps >= n_tokens;
    const uint32_t step = has_many_warps ? n_warps / n_tokens : 1; /* warps of a token */
    const uint32_t first = has_many_warps ? warp / n_tokens : 0;   /* which of them this one is */
    if (first < step) {
        for (uint32_t token = warp % n_tokens; token < n_tokens; token += n_warps) {
            uint32_t row = source.rows != nullptr ? source.rows[token] : token;
            float scale = 1;
            if constexpr (KIND == SW_INPUT_NORM)
                scale = sw_norm_scale(source.x + (size_t)row * l.n_cols, l.n_cols, source.eps);
            for (uint32_t stretch = first; stretch * SW_WARP < l.n_quads; stretch += step) {
                float v[4];
                sw_source_quad<KIND>(v, source, row, stretch * SW_WARP + lane, l.n_cols, scale);
                if (source.rounds_to_f16) {
                    for (int i = 0; i < 4; i++)
                        v[i] = sw_round_f16(v[i]);
                }
                sw_input_store<FORM, INPUT>(at + token * l.token_bytes, l, stretch * SW_WARP + lane,
                                            v);
            }
        }
    }
    if constexpr (INPUT == SW_GPU_IN_LLM8) {
        sw_sync_block();
        if (first < step) {
            for (uint32_t token = warp % n_tokens; token < n_tokens; token += n_warps)
                sw_input_finish<FORM, INPUT>(at + token * l.token_bytes, l, first, step);
        }
    }
    sw_sync_block();
}

#endif
