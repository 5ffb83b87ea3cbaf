/*
 * What base_gpu stores, and what it multiplies with what: read by the host that packs, by the
 * kernels, and by the tests' definitions. Plain C and C++; no type of a device.
 *
 * A matrix is stored row by row, each output row padded with zeros to a whole number of 16-byte
 * chunks: a decode kernel streams rows, a product of many tokens takes tiles of them, and the
 * persistent kernel's share of a matrix is one contiguous range of bytes.
 *
 *   form      16 bytes hold          scales
 *   F32        4 columns             none
 *   BF16, F16  8 columns             none
 *   S8        16 columns             float a row: largest |w| / 127; where the input is LLM8,
 *                                    largest |w| itself (bitsandbytes' SCB), of the row in f16
 *   S4        32 columns, a group:   f16 a group: (n_rows, n_groups); a value is nibble - 8
 *             byte j has column j in its low and column j + 16 in its high nibble
 *   FP4       32 columns, as S4, the nibble is a code of SW_GPU_FP4_VALUES
 *                                    float for 64 columns of a row, the last ones fewer:
 *                                    (n_rows, n_blocks): largest |w|, of the row in f16
 *
 * bitsandbytes takes FP4's 64 neighbours from each linear layer's matrix as one long row. Where 64
 * divides the columns, as in every model it is used for, that is the same; for other sizes ours
 * begin anew in each row, so that rows can be stored in any order.
 * gate_up has the rows of gate and up in turn: gate 0, up 0, gate 1, up 1, ...
 */
#ifndef SW_BACKEND_CUDA_FORMATS_H
#define SW_BACKEND_CUDA_FORMATS_H

#include <stddef.h>
#include <stdint.h>

enum sw_gpu_form {
    SW_GPU_F32,
    SW_GPU_BF16,
    SW_GPU_F16,
    SW_GPU_S8,
    SW_GPU_S4,
    SW_GPU_FP4,
};

/* The form that a product's input takes first. */
enum sw_gpu_input {
    SW_GPU_IN_F32,   /* as it is */
    SW_GPU_IN_BF16,  /* rounded to bf16, products summed in fp32 */
    SW_GPU_IN_F16,   /* rounded to f16, products summed in fp32 */
    SW_GPU_IN_S8B64, /* s8, a scale per token and block of 64 columns (largest |x| / 127), exact
                        int32 sums of a block, blocks in fp32; as base_cpu's w8c_a8b64 */
    SW_GPU_IN_LLM8,  /* LLM.int8(): f16; columns of |x| >= SW_GPU_OUTLIER apart, the rest s8 with
                        one scale per token (below) */
};

enum {
    SW_GPU_CHUNK = 16,    /* bytes */
    SW_GPU_S8_BLOCK = 64, /* columns that share an activation's scale */
    SW_GPU_S4_GROUP = 32,
    SW_GPU_FP4_BLOCK = 64,
};

/* Times the largest |w| of the block: what a code stands for. bitsandbytes 0.45.0, functional.py,
 * get_4bit_type: 0, 1/16, 8, 12, 4, 6, 2, 3, then the same below zero, divided by 12. */
#define SW_GPU_FP4_VALUES                                                                          \
    {0.0f,  0.0625f / 12,  8.0f / 12,  1.0f,  4.0f / 12,  0.5f,  2.0f / 12,  0.25f,                \
     -0.0f, -0.0625f / 12, -8.0f / 12, -1.0f, -4.0f / 12, -0.5f, -2.0f / 12, -0.25f}

/*
 * LLM.int8() as bitsandbytes 0.45.0 computes one row of activations (autograd/_functions.py,
 * MatMul8bitLt; csrc/kernels.cu, kInt8VectorQuant and kdequant_mm_int32_fp16):
 *     x in f16; s = largest |x| below OUTLIER; q[j] = x[j] * (127 / s) to nearest even, 0 where
 *     |x[j]| is not below OUTLIER
 *     y = f16(fma(((float)(sum of q[j] w[j], exact) * s) * scale, UNIT, bias))
 *     and, if there are outliers: y = f16(y + sum over them of
 *     x[j] * f16(((float)w[j] * scale) * PART)), products and sum in fp32
 * It takes a column apart for all rows of a call if one row has an outlier there; here each row
 * looks after itself, so that no answer depends on its neighbours in the batch. With one row, as in
 * decoding, that is the same.
 *
 * OUTLIER: transformers' BitsAndBytesConfig. UNIT: 1 / 127^2, PART: 1 / 127, as bitsandbytes rounds
 * them.
 */
#define SW_GPU_OUTLIER   6.0f
#define SW_GPU_LLM8_UNIT 6.200012e-05f
#define SW_GPU_LLM8_PART 7.874015718698502e-3f

/* One matrix. On the host the pointers are the host's, in a kernel the device's. */
struct sw_gpu_matrix {
    const void *rows;   /* (n_rows, row_bytes) */
    const void *scales; /* as the form says; NULL: none */
    const float *bias;  /* (n_rows); NULL: none */
    uint32_t n_rows, n_cols;
    uint32_t row_bytes; /* sw_gpu_row_bytes(form, n_cols) */
    enum sw_gpu_form form;
};

static inline uint32_t sw_gpu_columns_per_chunk(enum sw_gpu_form form)
{
    switch (form) {
    case SW_GPU_F32:
        return 4;
    case SW_GPU_BF16:
    case SW_GPU_F16:
        return 8;
    case SW_GPU_S8:
        return 16;
    case SW_GPU_S4:
    case SW_GPU_FP4:
        return 32;
    }
    return 4;
}

static inline uint32_t sw_gpu_row_bytes(enum sw_gpu_form form, uint32_t n_cols)
{
    uint32_t columns = sw_gpu_columns_per_chunk(form);
    return (n_cols + columns - 1) / columns * SW_GPU_CHUNK;
}

/* Bytes of the scales; 0: none. */
static inline size_t sw_gpu_scale_bytes(enum sw_gpu_form form, uint32_t n_rows, uint32_t n_cols)
{
    switch (form) {
    case SW_GPU_S8:
        return (size_t)n_rows * sizeof(float);
    case SW_GPU_S4:
        return (size_t)n_rows * ((n_cols + SW_GPU_S4_GROUP - 1) / SW_GPU_S4_GROUP) *
               sizeof(uint16_t);
    case SW_GPU_FP4:
        return (size_t)n_rows * ((n_cols + SW_GPU_FP4_BLOCK - 1) / SW_GPU_FP4_BLOCK) *
               sizeof(float);
    default:
        return 0;
    }
}

/* What a strategy computes with; one row of the table in arithmetic.c. */
struct sw_gpu_arithmetic {
    const char *name, *weight_dtype, *compute_dtype, *kv_dtype; /* for the record */
    enum sw_gpu_form layers, head;
    enum sw_gpu_input layer_input, head_input;
    enum sw_gpu_form cache;     /* F32, BF16 or F16: keys and values as they are kept */
    enum sw_gpu_form embedding; /* F32, BF16 or F16: rows of the table */
    int rounds_to_f16;          /* norms, products, activations and residual are f16 numbers, kept in
                                   floats: what the study's quantised models were */
};

#endif
