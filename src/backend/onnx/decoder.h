/*
 * A decoder of the Llama kind as an ONNX graph. decoder.c holds what all three shapes share,
 * attention.c the attention of each.
 */
#ifndef SW_BACKEND_ONNX_DECODER_H
#define SW_BACKEND_ONNX_DECODER_H

#include "backend/onnx/graph.h"
#include "backend/onnx/variant.h"
#include "backend/onnx/weights.h"
#include "model/model.h"

/* A product's input in 8 bits, kept for the other products of the same input. */
struct sw_onnx_quantised {
    struct sw_onnx_name of, values, scale, zero;
};

struct sw_onnx_decoder {
    struct sw_onnx_builder g;
    struct sw_onnx_jobs jobs;
    const struct sw_config *config;
    const struct sw_weights *weights;
    struct sw_onnx_variant variant;
    enum sw_onnx_type real;                  /* of activations, past and present */
    enum sw_onnx_form layer_form, head_form; /* of the matrices */
    uint64_t weight_bytes_per_token;

    struct sw_onnx_constant table; /* the embedding */
    struct sw_onnx_quantised quantised;
    struct sw_onnx_name cosines, sines; /* fused: tables of all positions; else of this call's */
    struct sw_onnx_name mask;           /* plain, exporter: to be added to scores */
};

/* Appends inputs, nodes and outputs of the whole model to d->g, and its weights to d->jobs. d->g
 * and d->jobs are the caller's to free. */
void sw_onnx_decoder_build(struct sw_onnx_decoder *d, const struct sw_model *model,
                           const struct sw_onnx_variant *variant);

/* x times the transpose of the stacked matrices, plus their biases where they have some (biases may
 * be NULL). name is the constant's. */
struct sw_onnx_name sw_onnx_product(struct sw_onnx_decoder *d, const char *x, const char *name,
                                    const struct sw_tensor *const *matrices,
                                    const struct sw_tensor *const *biases, size_t n);

/* Product of two activations: quantised, too, where the variant says so. */
struct sw_onnx_name sw_onnx_product_of_activations(struct sw_onnx_decoder *d, const char *a,
                                                   const char *b);

/* Inputs and nodes that all layers' attention shares. */
void sw_onnx_attention_begin(struct sw_onnx_decoder *d);

/* The attention of a layer with its output product, from the normed input. */
struct sw_onnx_name sw_onnx_attention(struct sw_onnx_decoder *d, size_t layer, const char *x);

/* Converts to another type. */
struct sw_onnx_name sw_onnx_cast(struct sw_onnx_decoder *d, const char *x, enum sw_onnx_type type);

/* A vector or a table of the model, in the data file. */
struct sw_onnx_name sw_onnx_real(struct sw_onnx_decoder *d, const char *name,
                                 const struct sw_tensor *const *parts, size_t n);

#endif
