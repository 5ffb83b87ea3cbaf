/*
 * An ONNX graph under construction: nodes, inputs, outputs and constants are appended in their
 * order, and come out as one model message. Small constants lie in the message; weights lie in the
 * data file, where each begins at a multiple of 4096 bytes, so that it can be mapped.
 *
 *     struct sw_onnx_builder g = {0};
 *     sw_onnx_input(&g, "x", SW_ONNX_FLOAT, (struct sw_onnx_dim[]){{"n"}, {NULL, 8}}, 2);
 *     struct sw_onnx_name y = SW_ONNX_OP(&g, "Neg", "x");
 *     ...
 *     sw_onnx_builder_finish(&message, &g, err);
 *
 * Failures are soft: the builder remembers that memory ran out, and finish says so.
 */
#ifndef SW_BACKEND_ONNX_GRAPH_H
#define SW_BACKEND_ONNX_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum sw_onnx_type {
    SW_ONNX_FLOAT = 1,
    SW_ONNX_UINT8 = 2,
    SW_ONNX_INT8 = 3,
    SW_ONNX_INT32 = 6,
    SW_ONNX_INT64 = 7,
    SW_ONNX_BOOL = 9,
    SW_ONNX_FLOAT16 = 10,
};

enum {
    SW_ONNX_MAX_INPUTS = 12,
    SW_ONNX_MAX_OUTPUTS = 4,
    SW_ONNX_MAX_ATTRIBUTES = 8,
    SW_ONNX_MAX_DIMS = 5,
    SW_ONNX_DATA_ALIGN = 4096, /* bytes */
};

/* Domain of the operators that ONNX Runtime adds. */
#define SW_ONNX_MS "com.microsoft"

struct sw_onnx_name {
    char text[80];
};

struct sw_onnx_dim {
    const char *name; /* of a dimension whose size is known when it runs, or NULL */
    int64_t size;
};

struct sw_onnx_attribute {
    const char *name; /* NULL ends the list */
    enum {
        SW_ONNX_IS_INT,
        SW_ONNX_IS_FLOAT,
        SW_ONNX_IS_INTS,
        SW_ONNX_IS_TENSOR, /* of one integer, i */
    } kind;
    int64_t i;
    float f;
    int64_t ints[SW_ONNX_MAX_DIMS];
    size_t n_ints;
};

struct sw_onnx_node {
    const char *type;
    const char *domain;                       /* NULL: ONNX's own */
    const char *inputs[SW_ONNX_MAX_INPUTS];   /* NULL ends the list, "" stands for an absent one */
    const char *outputs[SW_ONNX_MAX_OUTPUTS]; /* none: one, with a name of its own */
    struct sw_onnx_attribute attributes[SW_ONNX_MAX_ATTRIBUTES];
};

struct sw_onnx_builder {
    struct sw_buffer nodes, constants, inputs, outputs; /* fields of the graph's message */
    struct sw_buffer metadata;                          /* fields of the model's message */
    struct sw_buffer known;   /* names of small constants, a NUL behind each */
    struct sw_buffer part[3]; /* messages inside messages, while they grow */
    char scope[32];           /* in front of the names that are made up: "layers.3." */
    unsigned n_nodes;
    const char *next_output; /* name for the next node's only output, once; NULL: made up */
    uint64_t data_bytes;     /* of the data file so far */
};

/* Appends a node; returns the name of its first output. */
struct sw_onnx_name sw_onnx_add(struct sw_onnx_builder *g, const struct sw_onnx_node *node);

/* An operator of ONNX's own without attributes. */
#define SW_ONNX_OP(g, op_type, ...)                                                                \
    sw_onnx_add(g, &(struct sw_onnx_node){.type = (op_type), .inputs = {__VA_ARGS__}})

void sw_onnx_input(struct sw_onnx_builder *g, const char *name, enum sw_onnx_type type,
                   const struct sw_onnx_dim *dims, size_t n_dims);
void sw_onnx_output(struct sw_onnx_builder *g, const char *name, enum sw_onnx_type type,
                    const struct sw_onnx_dim *dims, size_t n_dims);

/* Small constants, each written once however often it is asked for: a vector of integers, an
 * integer and a number without dimensions. */
struct sw_onnx_name sw_onnx_ints(struct sw_onnx_builder *g, const int64_t *values, size_t n);
struct sw_onnx_name sw_onnx_int(struct sw_onnx_builder *g, int64_t value);
struct sw_onnx_name sw_onnx_number(struct sw_onnx_builder *g, enum sw_onnx_type type, float value);
struct sw_onnx_name sw_onnx_uint8(struct sw_onnx_builder *g, uint8_t value);

#define SW_ONNX_INTS(g, ...)                                                                       \
    sw_onnx_ints(g, (const int64_t[]){__VA_ARGS__},                                                \
                 sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* A constant of the data file; returns its offset there. n_dims 0: a single number. */
uint64_t sw_onnx_weight(struct sw_onnx_builder *g, const char *name, enum sw_onnx_type type,
                        const int64_t *dims, size_t n_dims, const char *data_file);

/* A line of the model's metadata. */
void sw_onnx_metadata(struct sw_onnx_builder *g, const char *key, const char *value);

size_t sw_onnx_type_size(enum sw_onnx_type type);

/* The model's message: IR version 10, operators of ONNX 21 and of ONNX Runtime 1. Frees what the
 * builder holds, on failure too. */
enum sw_code sw_onnx_builder_finish(struct sw_buffer *out, struct sw_onnx_builder *g,
                                    const char *producer_version, struct sw_error *err);
void sw_onnx_builder_free(struct sw_onnx_builder *g);

#endif
