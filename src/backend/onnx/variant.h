/*
 * Which graph is written for a model: a strategy's arithmetic in one of three shapes. All take
 * input_ids int64 (batch, sequence) and logits_rows int64 (n), rows of the flattened (batch *
 * sequence), and give logits float (n, vocab_size): a block of a prompt, a decode step and scoring
 * are one graph. For each layer L there is past_key_values.L.key and .value (batch, n_kv_heads,
 * past, head_dim), and present.L.key and .value. Further inputs:
 *
 *     fused     seqlens_k int32 (batch), positions so far with this call's, less 1;
 *               total_sequence_length int32, no dimensions: the greatest of them, not less 1. Past
 *               and present are the same memory, whose length is the capacity.
 *     plain     position_ids int64 (batch, sequence). Past and present are two; present is past
 *               with the new positions behind it.
 *     exporter  as plain, and attention_mask int64 (batch, past + sequence), 1 where a position is
 *               no padding.
 *
 * half turns weights, activations, past and present to 16 bits (f16); logits stay float.
 */
#ifndef SW_BACKEND_ONNX_VARIANT_H
#define SW_BACKEND_ONNX_VARIANT_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "model/config.h"

enum sw_onnx_graph {
    SW_ONNX_FUSED,    /* GroupQueryAttention, norms with the sum in them, QuickGelu */
    SW_ONNX_PLAIN,    /* the same norms, attention of plain operators; any head size */
    SW_ONNX_EXPORTER, /* plain operators throughout, as the exporter of Transformers writes them */
    SW_ONNX_DEFAULT,  /* only as a wish: the best graph that can run */
};

struct sw_onnx_variant {
    enum sw_strategy strategy;
    enum sw_onnx_graph graph;
    bool half;          /* f16, which only the CUDA provider computes with */
    bool on_gpu;        /* for the CUDA provider: its products of blocks take fp32 activations */
    bool prefill;       /* quantization8bit: DynamicQuantizeMatMul, a column's weights sharing a
                           scale; faster over many rows */
    const char *reason; /* why the graph is not the fused one; "" where it is */
};

/* What a backend may run for a strategy; on_gpu: with the CUDA provider. Refuses by name what has
 * no honest form. */
enum sw_code sw_onnx_variant_choose(struct sw_onnx_variant *out, const struct sw_config *config,
                                    enum sw_strategy strategy, enum sw_onnx_graph wanted,
                                    bool on_gpu, struct sw_error *err);

/* "fused", "plain", "exporter", "default" */
const char *sw_onnx_graph_name(enum sw_onnx_graph graph);
bool sw_onnx_graph_parse(enum sw_onnx_graph *out, const char *text);

/* "f32", "f16", "w8b64_a8b64", "w8c_a8", "dynamic_u8s8", "w4b32_a8b32"; on a GPU "w8b64_a32",
 * "w4b32_a32" */
const char *sw_onnx_variant_arithmetic(const struct sw_onnx_variant *variant);

/* Types of the matrices and of what they are multiplied in: "s8", "s4, head s8", ... */
const char *sw_onnx_variant_weight_dtype(const struct sw_onnx_variant *variant);
const char *sw_onnx_variant_compute_dtype(const struct sw_onnx_variant *variant);

/* The operators that do its products and its attention, for the record. */
const char *sw_onnx_variant_operators(const struct sw_onnx_variant *variant);

#endif
