/*
 * Where the inputs of products of many tokens lie in m.many_scratch: rows of whole planes, a plane
 * 64 bytes, in the form that the matrix wants, zero behind the last column. Two places:
 *   - what gemm.cu's small kernel prepares in front of a product: norms, and whatever takes a
 * scale from many numbers (S8B64, LLM8);
 *   - what the kernel in front leaves in that form by itself, which spares a launch: attention for
 *     O, silu(gate) * up for down, where the form is that of single numbers (F32, BF16, F16).
 */
#ifndef SW_BACKEND_CUDA_MANY_CUH
#define SW_BACKEND_CUDA_MANY_CUH

#include "backend/cuda/device.h"
#include "backend/cuda/input.cuh"
#include "backend/cuda/model.cuh"

enum : uint32_t {
    SW_MANY_PLANE = 64,       /* bytes */
    SW_MANY_F32_COLUMNS = 32, /* of a tile of gemm.cu's fp32 kernel */
};

struct sw_many_outlier {
    uint32_t column, half; /* f16 */
};

struct sw_many_rows {
    uint8_t *rows;             /* (n, row_bytes) */
    float *scales;             /* (n, n_scales): S8B64 of each plane, LLM8 the row's one */
    uint32_t *n_outliers;      /* (n) LLM8 */
    sw_many_outlier *outliers; /* (n, most_outliers) LLM8, in order of the columns */
    uint32_t row_bytes, n_scales, most_outliers;
};

/* Rows that a kernel leaves for the product behind it; rows NULL: it does not. */
struct sw_many_left {
    uint8_t *rows; /* (n, row_bytes) */
    uint32_t row_bytes, n_cols;
    sw_gpu_input input; /* F32, BF16 or F16 */
    bool use_tf32;
};

SW_ANYWHERE uint32_t sw_many_align(size_t x, uint32_t to)
{
    return (uint32_t)((x + to - 1) / to * to);
}

/* Forms of single numbers. */
SW_ANYWHERE bool sw_many_is_plain(sw_gpu_input input)
{
    return input == SW_GPU_IN_F32 || input == SW_GPU_IN_BF16 || input == SW_GPU_IN_F16;
}

/* Bytes of a row: whole planes; of fp32 two, for gemm.cu's fp32 kernel. */
static inline uint32_t sw_many_row_bytes(sw_gpu_input input, uint32_t n_cols)
{
    switch (input) {
    case SW_GPU_IN_F32:
        return sw_many_align((size_t)n_cols * 4, SW_MANY_F32_COLUMNS * 4);
    case SW_GPU_IN_BF16:
    case SW_GPU_IN_F16:
        return sw_many_align((size_t)n_cols * 2, SW_MANY_PLANE);
    default:
        return sw_many_align(n_cols, SW_MANY_PLANE);
    }
}

static inline size_t sw_many_most_rows(const sw_gpu_model &m)
{
    return m.max_batch > m.max_logits ? m.max_batch : m.max_logits;
}

/* The first place, for inputs of n_cols columns; bytes: what it takes, or NULL. */
static inline sw_many_rows sw_many_rows_of(const sw_gpu_model &m, sw_gpu_input input,
                                           uint32_t n_cols, size_t *bytes)
{
    const size_t n = sw_many_most_rows(m);
    sw_many_rows r = {};
    uint8_t *at = static_cast<uint8_t *>(m.many_scratch);
    size_t outliers_at, end;
    r.row_bytes = sw_many_row_bytes(input, n_cols);
    r.n_scales = input == SW_GPU_IN_S8B64 ? r.row_bytes / SW_MANY_PLANE : 1;
    r.most_outliers = n_cols;
    const size_t scales_at = n * r.row_bytes;
    const size_t counts_at = scales_at + (n * r.n_scales * sizeof(float) + 15) / 16 * 16;
    outliers_at = end = counts_at + (n * sizeof(uint32_t) + 15) / 16 * 16;
    if (input == SW_GPU_IN_LLM8)
        end += (n * r.most_outliers * sizeof(sw_many_outlier) + 15) / 16 * 16;
    if (at != NULL) {
        r.rows = at;
        r.scales = reinterpret_cast<float *>(at + scales_at);
        r.n_outliers = reinterpret_cast<uint32_t *>(at + counts_at);
        r.outliers = reinterpret_cast<sw_many_outlier *>(at + outliers_at);
    }
    if (bytes != NULL)
        *bytes = end;
    return r;
}

/* Bytes of the first place. */
static inline size_t sw_many_prepared_bytes(const sw_gpu_model &m)
{
    const uint32_t columns[] = {m.dim, m.n_heads * m.head_dim, m.hidden_dim};
    size_t most = 0, bytes;
    for (uint32_t n_cols : columns) {
        sw_many_rows_of(m, m.layer_input, n_cols, &bytes);
        most = most > bytes ? most : bytes;
    }
    sw_many_rows_of(m, m.head_input, m.dim, &bytes);
    return most > bytes ? most : bytes;
}

/* The second place, for a layer's input of n_cols columns; rows is NULL where it has none. */
static inline sw_many_left sw_many_left_of(const sw_gpu_model &m, uint32_t n_cols)
{
    sw_many_left left = {};
    if (!sw_many_is_plain(m.layer_input))
        return left;
    left.rows = static_cast<uint8_t *>(m.many_scratch) + sw_many_prepared_bytes(m);
    left.row_bytes = sw_many_row_bytes(m.layer_input, n_cols);
    left.n_cols = n_cols;
    left.input = m.layer_input;
    left.use_tf32 = m.use_tf32 && m.layer_form == SW_GPU_F32;
    return left;
}

/* Bytes that m.many_scratch must have; everything else of m is filled in. */
static inline size_t sw_gpu_many_bytes(const sw_gpu_model &m)
{
    const uint32_t heads = m.n_heads * m.head_dim;
    const uint32_t widest = heads > m.hidden_dim ? heads : m.hidden_dim;
    size_t bytes = sw_many_prepared_bytes(m);
    if (sw_many_is_plain(m.layer_input))
        bytes += sw_many_most_rows(m) * sw_many_row_bytes(m.layer_input, widest);
    return bytes;
}

/* Nearest, ties away from zero, as cvt.rna.tf32 does; what is no number stays so. */
SW_DEVICE uint32_t sw_many_tf32(uint32_t bits)
{
    return (bits & 0x7f800000u) == 0x7f800000u ? bits : (bits + 0x1000u) & 0xffffe000u;
}

/* One number of row t; with the last one the zeros behind it. */
SW_DEVICE void sw_many_put(const sw_many_left &left, uint32_t t, uint32_t column, float x)
{
    uint8_t *row = left.rows + (size_t)t * left.row_bytes;
    const uint32_t bits = sw_as_bits(x), width = left.input == SW_GPU_IN_F32 ? 4 : 2;
    if (left.input == SW_GPU_IN_F32)
        reinterpret_cast<uint32_t *>(row)[column] = left.use_tf32 ? sw_many_tf32(bits) : bits;
    else
        reinterpret_cast<uint16_t *>(row)[column] =
            left.input == SW_GPU_IN_BF16 ? sw_to_bf16(x) : sw_to_f16(x);
    if (column + 1 == left.n_cols) {
        for (uint32_t at = left.n_cols * width; at < left.row_bytes; at += 2)
            *reinterpret_cast<uint16_t *>(row + at) = 0;
    }
}

#endif
