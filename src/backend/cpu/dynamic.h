/*
 * The arithmetic of a dynamically quantised ONNX graph: activations, queries, keys, attention
 * weights and values in 8 bits without a sign, each tensor with one scale and one zero point taken
 * from its own range. A tensor is what one call brings of one sequence; of keys and values, all
 * that the sequence has. So results depend on which tokens of a sequence come in one call, but not
 * on the other sequences in it, nor on threads or the kernel level.
 *
 * How a range becomes a scale and a zero point: backend/quantum.h. The embedding table is quantised
 * the same way at open, all of it with one scale.
 */
#ifndef SW_BACKEND_CPU_DYNAMIC_H
#define SW_BACKEND_CPU_DYNAMIC_H

#include "backend/cpu/engine.h"
#include "backend/quantum.h"

/* What has a range of its own. Activations and queries are never needed at once. */
enum sw_ranged { SW_RANGED_ROWS, SW_RANGED_KEYS, SW_RANGED_VALUES, SW_RANGED_WEIGHTS };
enum { SW_N_RANGED = SW_RANGED_WEIGHTS + 1 };

struct sw_dynamic_layer {
    /* Keys and values as integers (value - zero), laid out as packed keys and values are, so that
     * the same product of floats serves; its sums are exact below 2^24. */
    float *keys, *values;
    /* (n_sequences) what keys and values above are quantised with; written by thread 0 behind the
     * barrier at which all have read it. */
    struct sw_range *key_ranges, *value_ranges;
};

/* Owned by one thread. */
struct sw_dynamic_thread {
    struct sw_range *few[SW_N_RANGED];         /* (SW_FEW_TOKENS) of a token's part of a tensor */
    struct sw_range *of_sequence[SW_N_RANGED]; /* (n_sequences) of those in the batch */
    float *queries;                            /* (attention_rows, head_dim) integers */
    uint32_t *first;                           /* (n_sequences) first position in the batch */
    size_t *end;                               /* (n_sequences) 1 behind its last position */
};

struct sw_dynamic {
    bool has_table_head;                /* the head is the embedding table */
    struct sw_quantum table;            /* of the embedding */
    struct sw_range *parts;             /* (n_threads) of the table; until the weights are packed */
    struct sw_range *many[SW_N_RANGED]; /* (max_batch) as few; weights: (max_batch, n_kv_heads) */
    struct sw_dynamic_layer *layers;    /* (n_layers) */
    struct sw_dynamic_thread *threads;  /* (n_threads) */
};

/* A strategy of this kind: allocates b->dynamic, without the pieces of the arenas. */
enum sw_code sw_dynamic_open(struct sw_backend *b, struct sw_error *err);
void sw_dynamic_close(struct sw_backend *b);

/* Takes the pieces; part of sw_layout_take. */
void sw_dynamic_take(struct sw_backend *b);

/* The scale of the table, the table as head, and the sums of the rows of all matrices; the end of
 * sw_layout_pack, on every thread. Contains a barrier. */
void sw_dynamic_pack(struct sw_backend *b, float *row_scratch, int thread);

/* Replaces a row of the embedding by what its 8 bits stand for. */
void sw_dynamic_embed(const struct sw_backend *b, float *x);

/* The input rows of a product in 8 bits: n_rows rows of x, stride floats apart; rows: which of them
 * (NULL: 0, 1, ...), whereby the range is that of all the batch's rows; weight: of the norm they go
 * through, or NULL. Contains barriers where many tokens are shared out. */
struct sw_rows sw_dynamic_prepare(const struct sw_backend *b, const struct sw_matrix *matrix,
                                  const float *x, size_t stride, const float *weight,
                                  const size_t *rows, size_t n_rows, int thread);

/* Attention of the batch, as sw_cpu_attend. */
void sw_dynamic_attend(struct sw_backend *b, const struct sw_cpu_layer *layer, int thread);

#endif
