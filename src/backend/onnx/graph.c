/* Field numbers are those of onnx.proto (ONNX 1.17). */
#include "backend/onnx/graph.h"

#include <stdio.h>
#include <string.h>

#include "backend/onnx/protobuf.h"
#include "base/half.h"

enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7 };
enum { MODEL_OPSETS = 8, MODEL_METADATA = 14 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODES = 1, GRAPH_NAME = 2, GRAPH_CONSTANTS = 5, GRAPH_INPUTS = 11, GRAPH_OUTPUTS };
enum { NODE_INPUTS = 1, NODE_OUTPUTS, NODE_NAME, NODE_TYPE, NODE_ATTRIBUTES, NODE_DOMAIN = 7 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_TENSOR = 5 };
enum { ATTRIBUTE_INTS = 8, ATTRIBUTE_KIND = 20 };
enum { KIND_FLOAT = 1, KIND_INT = 2, KIND_TENSOR = 4, KIND_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE, TENSOR_NAME = 8, TENSOR_BYTES, TENSOR_EXTERNAL = 13 };
enum { TENSOR_LOCATION = 14, LOCATION_EXTERNAL = 1 };
enum { ENTRY_KEY = 1, ENTRY_VALUE };
enum { VALUE_NAME = 1, VALUE_TYPE, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE };
enum { SHAPE_DIM = 1, DIM_SIZE = 1, DIM_NAME };

static void put_attribute(struct sw_buffer *node, struct sw_buffer *inner, struct sw_buffer *tensor,
                          const struct sw_onnx_attribute *a)
{
    static const int kinds[] = {[SW_ONNX_IS_INT] = KIND_INT,
                                [SW_ONNX_IS_FLOAT] = KIND_FLOAT,
                                [SW_ONNX_IS_INTS] = KIND_INTS,
                                [SW_ONNX_IS_TENSOR] = KIND_TENSOR};
    sw_protobuf_text(inner, ATTRIBUTE_NAME, a->name);
    switch (a->kind) {
    case SW_ONNX_IS_INT:
        sw_protobuf_int(inner, ATTRIBUTE_INT, a->i);
        break;
    case SW_ONNX_IS_FLOAT:
        sw_protobuf_float(inner, ATTRIBUTE_FLOAT, a->f);
        break;
    case SW_ONNX_IS_INTS:
        for (size_t i = 0; i < a->n_ints; i++)
            sw_protobuf_int(inner, ATTRIBUTE_INTS, a->ints[i]);
        break;
    case SW_ONNX_IS_TENSOR:
        sw_protobuf_int(tensor, TENSOR_DIMS, 1);
        sw_protobuf_int(tensor, TENSOR_TYPE, SW_ONNX_INT64);
        sw_protobuf_bytes(tensor, TENSOR_BYTES, &a->i, sizeof a->i);
        sw_protobuf_message(inner, ATTRIBUTE_TENSOR, tensor);
        break;
    }
    sw_protobuf_int(inner, ATTRIBUTE_KIND, kinds[a->kind]);
    sw_protobuf_message(node, NODE_ATTRIBUTES, inner);
}

struct sw_onnx_name sw_onnx_add(struct sw_onnx_builder *g, const struct sw_onnx_node *node)
{
    struct sw_buffer *message = &g->part[0];
    struct sw_onnx_name name, first;
    snprintf(name.text, sizeof name.text, "%s%s_%u", g->scope, node->type, g->n_nodes++);
    first = name;
    if (g->next_output != NULL)
        snprintf(first.text, sizeof first.text, "%s", g->next_output);
    g->next_output = NULL;
    for (size_t i = 0; i < SW_ONNX_MAX_INPUTS && node->inputs[i] != NULL; i++)
        sw_protobuf_text(message, NODE_INPUTS, node->inputs[i]);
    if (node->outputs[0] == NULL)
        sw_protobuf_text(message, NODE_OUTPUTS, first.text);
    else
        snprintf(first.text, sizeof first.text, "%s", node->outputs[0]);
    for (size_t i = 0; i < SW_ONNX_MAX_OUTPUTS && node->outputs[i] != NULL; i++)
        sw_protobuf_text(message, NODE_OUTPUTS, node->outputs[i]);
    sw_protobuf_text(message, NODE_NAME, name.text);
    sw_protobuf_text(message, NODE_TYPE, node->type);
    for (size_t i = 0; i < SW_ONNX_MAX_ATTRIBUTES && node->attributes[i].name != NULL; i++)
        put_attribute(message, &g->part[1], &g->part[2], &node->attributes[i]);
    if (node->domain != NULL)
        sw_protobuf_text(message, NODE_DOMAIN, node->domain);
    sw_protobuf_message(&g->nodes, GRAPH_NODES, message);
    return first;
}

static void put_value(struct sw_onnx_builder *g, struct sw_buffer *list, unsigned field,
                      const char *name, enum sw_onnx_type type, const struct sw_onnx_dim *dims,
                      size_t n_dims)
{
    struct sw_buffer *outer = &g->part[0], *inner = &g->part[1], *dim = &g->part[2];
    for (size_t i = 0; i < n_dims; i++) {
        if (dims[i].name != NULL)
            sw_protobuf_text(dim, DIM_NAME, dims[i].name);
        else
            sw_protobuf_int(dim, DIM_SIZE, dims[i].size);
        sw_protobuf_message(inner, SHAPE_DIM, dim);
    }
    sw_protobuf_int(outer, TENSOR_ELEMENT, type);
    sw_protobuf_message(outer, TENSOR_SHAPE, inner);
    sw_protobuf_message(inner, TYPE_TENSOR, outer);
    sw_protobuf_text(outer, VALUE_NAME, name);
    sw_protobuf_message(outer, VALUE_TYPE, inner);
    sw_protobuf_message(list, field, outer);
}

void sw_onnx_input(struct sw_onnx_builder *g, const char *name, enum sw_onnx_type type,
                   const struct sw_onnx_dim *dims, size_t n_dims)
{
    put_value(g, &g->inputs, GRAPH_INPUTS, name, type, dims, n_dims);
}

void sw_onnx_output(struct sw_onnx_builder *g, const char *name, enum sw_onnx_type type,
                    const struct sw_onnx_dim *dims, size_t n_dims)
{
    put_value(g, &g->outputs, GRAPH_OUTPUTS, name, type, dims, n_dims);
}

static bool is_known(struct sw_onnx_builder *g, const char *name)
{
    const char *end = g->known.data + g->known.size;
    for (const char *k = g->known.data; k != NULL && k < end; k += strlen(k) + 1) {
        if (strcmp(k, name) == 0)
            return true;
    }
    sw_buffer_append(&g->known, name, strlen(name) + 1);
    return false;
}

/* A constant in the message itself, unless it is there already. */
static void put_constant(struct sw_onnx_builder *g, const char *name, enum sw_onnx_type type,
                         const int64_t *n_elements, const void *bytes, size_t size)
{
    struct sw_buffer *message = &g->part[0];
    if (is_known(g, name))
        return;
    if (n_elements != NULL)
        sw_protobuf_int(message, TENSOR_DIMS, *n_elements);
    sw_protobuf_int(message, TENSOR_TYPE, type);
    sw_protobuf_text(message, TENSOR_NAME, name);
    sw_protobuf_bytes(message, TENSOR_BYTES, bytes, size);
    sw_protobuf_message(&g->constants, GRAPH_CONSTANTS, message);
}

struct sw_onnx_name sw_onnx_ints(struct sw_onnx_builder *g, const int64_t *values, size_t n)
{
    struct sw_onnx_name name = {"ints"};
    int64_t n_elements = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(name.text);
        snprintf(name.text + length, sizeof name.text - length, ".%lld", (long long)values[i]);
    }
    put_constant(g, name.text, SW_ONNX_INT64, &n_elements, values, n * sizeof *values);
    return name;
}

struct sw_onnx_name sw_onnx_int(struct sw_onnx_builder *g, int64_t value)
{
    struct sw_onnx_name name;
    snprintf(name.text, sizeof name.text, "int.%lld", (long long)value);
    put_constant(g, name.text, SW_ONNX_INT64, NULL, &value, sizeof value);
    return name;
}

struct sw_onnx_name sw_onnx_number(struct sw_onnx_builder *g, enum sw_onnx_type type, float value)
{
    struct sw_onnx_name name;
    uint16_t half = sw_float_to_f16(value);
    bool is_half = type == SW_ONNX_FLOAT16;
    snprintf(name.text, sizeof name.text, "%s.%.9g", is_half ? "half" : "float", (double)value);
    put_constant(g, name.text, type, NULL, is_half ? (const void *)&half : &value,
                 sw_onnx_type_size(type));
    return name;
}

struct sw_onnx_name sw_onnx_uint8(struct sw_onnx_builder *g, uint8_t value)
{
    struct sw_onnx_name name;
    snprintf(name.text, sizeof name.text, "uint8.%d", value);
    put_constant(g, name.text, SW_ONNX_UINT8, NULL, &value, sizeof value);
    return name;
}

size_t sw_onnx_type_size(enum sw_onnx_type type)
{
    switch (type) {
    case SW_ONNX_INT64:
        return 8;
    case SW_ONNX_FLOAT:
    case SW_ONNX_INT32:
        return 4;
    case SW_ONNX_FLOAT16:
        return 2;
    default:
        return 1;
    }
}

static void put_entry(struct sw_buffer *list, unsigned field, struct sw_buffer *inner,
                      const char *key, const char *value)
{
    sw_protobuf_text(inner, ENTRY_KEY, key);
    sw_protobuf_text(inner, ENTRY_VALUE, value);
    sw_protobuf_message(list, field, inner);
}

uint64_t sw_onnx_weight(struct sw_onnx_builder *g, const char *name, enum sw_onnx_type type,
                        const int64_t *dims, size_t n_dims, const char *data_file)
{
    struct sw_buffer *message = &g->part[0];
    uint64_t size = sw_onnx_type_size(type), align = SW_ONNX_DATA_ALIGN;
    uint64_t offset = (g->data_bytes + align - 1) / align * align;
    char text[24];
    for (size_t i = 0; i < n_dims; i++) {
        size *= (uint64_t)dims[i];
        sw_protobuf_int(message, TENSOR_DIMS, dims[i]);
    }
    sw_protobuf_int(message, TENSOR_TYPE, type);
    sw_protobuf_text(message, TENSOR_NAME, name);
    put_entry(message, TENSOR_EXTERNAL, &g->part[1], "location", data_file);
    snprintf(text, sizeof text, "%llu", (unsigned long long)offset);
    put_entry(message, TENSOR_EXTERNAL, &g->part[1], "offset", text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)size);
    put_entry(message, TENSOR_EXTERNAL, &g->part[1], "length", text);
    sw_protobuf_int(message, TENSOR_LOCATION, LOCATION_EXTERNAL);
    sw_protobuf_message(&g->constants, GRAPH_CONSTANTS, message);
    g->data_bytes = offset + size;
    return offset;
}

void sw_onnx_metadata(struct sw_onnx_builder *g, const char *key, const char *value)
{
    put_entry(&g->metadata, MODEL_METADATA, &g->part[0], key, value);
}

static void put_opset(struct sw_buffer *model, struct sw_buffer *inner, const char *domain,
                      int version)
{
    sw_protobuf_text(inner, OPSET_DOMAIN, domain);
    sw_protobuf_int(inner, OPSET_VERSION, version);
    sw_protobuf_message(model, MODEL_OPSETS, inner);
}

static bool has_failed(const struct sw_onnx_builder *g)
{
    return g->nodes.failed || g->constants.failed || g->inputs.failed || g->outputs.failed ||
           g->metadata.failed || g->known.failed;
}

enum sw_code sw_onnx_builder_finish(struct sw_buffer *out, struct sw_onnx_builder *g,
                                    const char *producer_version, struct sw_error *err)
{
    struct sw_buffer *graph = &g->nodes;
    *out = (struct sw_buffer){0};
    bool failed = has_failed(g);
    sw_protobuf_text(graph, GRAPH_NAME, "decoder");
    sw_buffer_append(graph, g->constants.data, g->constants.size);
    sw_buffer_append(graph, g->inputs.data, g->inputs.size);
    sw_buffer_append(graph, g->outputs.data, g->outputs.size);
    sw_protobuf_int(out, MODEL_IR_VERSION, 10);
    sw_protobuf_text(out, MODEL_PRODUCER, "smolwatt");
    sw_protobuf_text(out, MODEL_PRODUCER_VERSION, producer_version);
    sw_protobuf_message(out, MODEL_GRAPH, graph);
    put_opset(out, &g->part[0], "", 21);
    put_opset(out, &g->part[0], SW_ONNX_MS, 1);
    sw_buffer_append(out, g->metadata.data, g->metadata.size);
    sw_onnx_builder_free(g);
    if (!failed && !out->failed)
        return SW_OK;
    sw_buffer_free(out);
    return sw_fail(err, SW_ENOMEM, "ONNX graph: out of memory");
}

void sw_onnx_builder_free(struct sw_onnx_builder *g)
{
    sw_buffer_free(&g->nodes);
    sw_buffer_free(&g->constants);
    sw_buffer_free(&g->inputs);
    sw_buffer_free(&g->outputs);
    sw_buffer_free(&g->metadata);
    sw_buffer_free(&g->known);
    for (size_t i = 0; i < 3; i++)
        sw_buffer_free(&g->part[i]);
}
