/*
 * How a model's tensors become constants of a graph: which form each takes, and where in the data
 * file it goes. Placing one only writes down its name, shape and offset; the conversion
 * (backend/onnx/convert.h) fills the file later.
 */
#ifndef SW_BACKEND_ONNX_WEIGHTS_H
#define SW_BACKEND_ONNX_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/onnx/graph.h"
#include "model/model.h"

/* N rows (outputs) of K columns (inputs), as the model has them, become: */
enum sw_onnx_form {
    SW_ONNX_ROWS,       /* floats (N, K); a vector where it is one */
    SW_ONNX_TRANSPOSED, /* floats (K, N) */
    /* u8 (N, ceil(K / 64), 64): 128 + w / scale to the nearest, scales (N, ceil(K / 64)), each the
     * largest |w| of its block / 127. What lies behind K is 128. */
    SW_ONNX_BLOCKS8,
    /* Two to a byte, the first in the low half, (N, ceil(K / 32), 16): 8 + value as the CPU
     * engine's own 4 bits, scales (N, ceil(K / 32)) (backend/cpu/kernels.h, pack_s4). */
    SW_ONNX_BLOCKS4,
    SW_ONNX_COLUMNS_S8, /* s8 (K, N): w / scale to the nearest, scales (N): largest |w| / 127 */
    SW_ONNX_COLUMNS_U8, /* the same values plus 128, as u8 */
    SW_ONNX_TABLE_U8,   /* u8 (N, K), one scale and one zero point (backend/quantum.h) */
    SW_ONNX_COSINES,    /* floats (N positions, K frequencies): of position * frequency */
    SW_ONNX_SINES,
    SW_ONNX_FREQUENCIES, /* floats (1, 1, K) */
};

enum { SW_ONNX_BLOCK8 = 64, SW_ONNX_BLOCK4 = 32, SW_ONNX_MAX_PARTS = 3 };

struct sw_onnx_source {
    enum sw_onnx_form form;
    bool half; /* f16 in place of floats */
    bool is_vector;
    const struct sw_tensor *parts[SW_ONNX_MAX_PARTS]; /* one below the other; borrowed */
    size_t n_parts;
    size_t n_rows, n_columns; /* of all parts together */
};

/* The source of some of a model's matrices, or of vectors (which follow one another). */
struct sw_onnx_source sw_onnx_source_of(enum sw_onnx_form form, bool half,
                                        const struct sw_tensor *const *parts, size_t n_parts);

struct sw_onnx_job {
    struct sw_onnx_source source;
    uint64_t values, scales, zero; /* offsets in the data file */
};

struct sw_onnx_jobs {
    struct sw_onnx_job *list; /* (n); owned */
    size_t n, capacity;
    bool failed; /* out of memory */
};

void sw_onnx_jobs_free(struct sw_onnx_jobs *jobs);

/* A constant's names in the graph; those that its form has not are empty. */
struct sw_onnx_constant {
    struct sw_onnx_name values, scales, zero;
};

struct sw_onnx_constant sw_onnx_place(struct sw_onnx_builder *g, struct sw_onnx_jobs *jobs,
                                      const char *name, const struct sw_onnx_source *source);

/* Bytes that it takes in the data file, scales and zero point included. */
uint64_t sw_onnx_source_bytes(const struct sw_onnx_source *source);

#endif
