/* Attention: one operator of ONNX Runtime's own, or plain operators. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "backend/onnx/decoder.h"

#define INT(key, value)                                                                            \
    {                                                                                              \
        .name = (key), .kind = SW_ONNX_IS_INT, .i = (int64_t)(value)                               \
    }
#define FLOAT(key, value)                                                                          \
    {                                                                                              \
        .name = (key), .kind = SW_ONNX_IS_FLOAT, .f = (float)(value)                               \
    }

/* The names of a layer's cache, and its values as inputs and outputs of the graph. */
struct cache {
    struct sw_onnx_name past[2], present[2]; /* keys, values */
};

static struct cache cache_of(struct sw_onnx_decoder *d, size_t layer)
{
    static const char *const kinds[] = {"key", "value"};
    bool is_fused = d->variant.graph == SW_ONNX_FUSED;
    struct cache cache;
    for (size_t i = 0; i < 2; i++) {
        struct sw_onnx_dim dims[] = {{"batch", 0},
                                     {NULL, (int64_t)d->config->n_kv_heads},
                                     {is_fused ? "capacity" : "past", 0},
                                     {NULL, (int64_t)d->config->head_dim}};
        snprintf(cache.past[i].text, sizeof cache.past[i].text, "past_key_values.%zu.%s", layer,
                 kinds[i]);
        snprintf(cache.present[i].text, sizeof cache.present[i].text, "present.%zu.%s", layer,
                 kinds[i]);
        sw_onnx_input(&d->g, cache.past[i].text, d->real, dims, 4);
        if (!is_fused)
            dims[2].name = "total";
        sw_onnx_output(&d->g, cache.present[i].text, d->real, dims, 4);
    }
    return cache;
}

static struct sw_onnx_name concat(struct sw_onnx_decoder *d, const char *a, const char *b, int axis)
{
    return sw_onnx_add(&d->g, &(struct sw_onnx_node){.type = "Concat",
                                                     .inputs = {a, b},
                                                     .attributes = {INT("axis", axis)}});
}

static struct sw_onnx_name transpose(struct sw_onnx_decoder *d, const char *x, int a, int b, int c,
                                     int e)
{
    return sw_onnx_add(&d->g, &(struct sw_onnx_node){.type = "Transpose",
                                                     .inputs = {x},
                                                     .attributes = {{.name = "perm",
                                                                     .kind = SW_ONNX_IS_INTS,
                                                                     .ints = {a, b, c, e},
                                                                     .n_ints = 4}}});
}

static struct sw_onnx_name unsqueeze(struct sw_onnx_decoder *d, const char *x, int64_t axis)
{
    struct sw_onnx_name axes = SW_ONNX_INTS(&d->g, axis);
    return SW_ONNX_OP(&d->g, "Unsqueeze", x, axes.text);
}

/* Length of an axis, as an integer without dimensions. */
static struct sw_onnx_name length_of(struct sw_onnx_decoder *d, const char *x, int64_t axis)
{
    struct sw_onnx_name shape = SW_ONNX_OP(&d->g, "Shape", x);
    struct sw_onnx_name index = sw_onnx_int(&d->g, axis);
    return SW_ONNX_OP(&d->g, "Gather", shape.text, index.text);
}

/* The same as a vector of one, the form in which shapes are put together. */
static struct sw_onnx_name unsqueezed_length_of(struct sw_onnx_decoder *d, const char *x,
                                                int64_t axis)
{
    struct sw_onnx_name length = length_of(d, x, axis);
    return unsqueeze(d, length.text, 0);
}

/* (batch, sequence, n * head_dim) to (batch, n, sequence, head_dim). An exporter takes the lengths
 * from the layer's input, of which like is the name. */
static struct sw_onnx_name split_heads(struct sw_onnx_decoder *d, const char *x, const char *like,
                                       size_t n)
{
    struct sw_onnx_builder *g = &d->g;
    int64_t heads = (int64_t)n, width = (int64_t)d->config->head_dim;
    struct sw_onnx_name shape;
    if (d->variant.graph == SW_ONNX_EXPORTER) {
        struct sw_onnx_name batch = unsqueezed_length_of(d, like, 0);
        struct sw_onnx_name length = unsqueezed_length_of(d, like, 1);
        struct sw_onnx_name one_head = SW_ONNX_INTS(g, heads, width);
        shape = sw_onnx_add(
            g, &(struct sw_onnx_node){.type = "Concat",
                                      .inputs = {batch.text, length.text, one_head.text},
                                      .attributes = {INT("axis", 0)}});
    } else {
        shape = SW_ONNX_INTS(g, 0, 0, heads, width);
    }
    struct sw_onnx_name y = SW_ONNX_OP(g, "Reshape", x, shape.text);
    return transpose(d, y.text, 0, 2, 1, 3);
}

static struct sw_onnx_name slice(struct sw_onnx_decoder *d, const char *x, const char *begin,
                                 const char *end)
{
    struct sw_onnx_name axis = SW_ONNX_INTS(&d->g, 3);
    return SW_ONNX_OP(&d->g, "Slice", x, begin, end, axis.text);
}

/* Half of a head's width, which an exporter works out in every run. */
static struct sw_onnx_name half_width(struct sw_onnx_decoder *d, const char *x)
{
    struct sw_onnx_builder *g = &d->g;
    if (d->variant.graph != SW_ONNX_EXPORTER)
        return SW_ONNX_INTS(g, (int64_t)(d->config->head_dim / 2));
    struct sw_onnx_name two = sw_onnx_int(g, 2), half = length_of(d, x, 3);
    half = SW_ONNX_OP(g, "Div", half.text, two.text);
    half = sw_onnx_cast(d, half.text, SW_ONNX_INT64);
    half = sw_onnx_cast(d, half.text, SW_ONNX_INT64);
    return unsqueeze(d, half.text, 0);
}

/* x cos + (second half negated, first half) sin. */
static struct sw_onnx_name rotate(struct sw_onnx_decoder *d, const char *x)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_name begin = SW_ONNX_INTS(g, 0), end = SW_ONNX_INTS(g, INT64_MAX);
    struct sw_onnx_name half = half_width(d, x);
    struct sw_onnx_name first = slice(d, x, begin.text, half.text);
    struct sw_onnx_name second = slice(d, x, half.text, end.text);
    second = SW_ONNX_OP(g, "Neg", second.text);
    struct sw_onnx_name turned = concat(d, second.text, first.text, -1);
    struct sw_onnx_name a = SW_ONNX_OP(g, "Mul", x, d->cosines.text);
    struct sw_onnx_name b = SW_ONNX_OP(g, "Mul", turned.text, d->sines.text);
    return SW_ONNX_OP(g, "Add", a.text, b.text);
}

/* Past with the new behind it. */
static void extend(struct sw_onnx_decoder *d, const struct cache *cache, size_t kind,
                   const char *added)
{
    sw_onnx_add(&d->g, &(struct sw_onnx_node){.type = "Concat",
                                              .inputs = {cache->past[kind].text, added},
                                              .outputs = {cache->present[kind].text},
                                              .attributes = {INT("axis", 2)}});
}

/* Each head of keys or values once for every query head that reads it. All shapes are worked out
 * in every run, and a length of -1, which never comes, is looked for. */
static struct sw_onnx_name repeat(struct sw_onnx_decoder *d, const char *x)
{
    struct sw_onnx_builder *g = &d->g;
    int64_t group = (int64_t)(d->config->n_heads / d->config->n_kv_heads);
    struct sw_onnx_name batch = unsqueezed_length_of(d, x, 0), kv_heads = length_of(d, x, 1);
    struct sw_onnx_name length = unsqueezed_length_of(d, x, 2);
    struct sw_onnx_name width = unsqueezed_length_of(d, x, 3);
    struct sw_onnx_name one_head = unsqueeze(d, kv_heads.text, 0);
    struct sw_onnx_name times = SW_ONNX_INTS(g, group), all = SW_ONNX_INTS(g, -1);
    struct sw_onnx_name factor = sw_onnx_int(g, group), minus_one = sw_onnx_int(g, -1);
    struct sw_onnx_name wide = unsqueeze(d, x, 2);
    struct sw_onnx_name shape =
        sw_onnx_add(g, &(struct sw_onnx_node){.type = "Concat",
                                              .inputs = {batch.text, one_head.text, times.text,
                                                         length.text, width.text},
                                              .attributes = {INT("axis", 0)}});
    shape = SW_ONNX_OP(g, "Reshape", shape.text, all.text);
    struct sw_onnx_name n_dims = SW_ONNX_OP(g, "Shape", shape.text);
    struct sw_onnx_name ones =
        sw_onnx_add(g, &(struct sw_onnx_node){
                           .type = "ConstantOfShape",
                           .inputs = {n_dims.text},
                           .attributes = {{.name = "value", .kind = SW_ONNX_IS_TENSOR, .i = 1}}});
    struct sw_onnx_name unknown = SW_ONNX_OP(g, "Mul", ones.text, minus_one.text);
    unknown = SW_ONNX_OP(g, "Equal", shape.text, unknown.text);
    shape = SW_ONNX_OP(g, "Where", unknown.text, ones.text, shape.text);
    wide = SW_ONNX_OP(g, "Expand", wide.text, shape.text);
    struct sw_onnx_name heads = SW_ONNX_OP(g, "Mul", kv_heads.text, factor.text);
    heads = unsqueeze(d, heads.text, 0);
    shape = sw_onnx_add(
        g, &(struct sw_onnx_node){.type = "Concat",
                                  .inputs = {batch.text, heads.text, length.text, width.text},
                                  .attributes = {INT("axis", 0)}});
    return SW_ONNX_OP(g, "Reshape", wide.text, shape.text);
}

static struct sw_onnx_name softmax(struct sw_onnx_decoder *d, const char *scores, const char *mask)
{
    struct sw_onnx_name masked = SW_ONNX_OP(&d->g, "Add", scores, mask);
    return sw_onnx_add(&d->g, &(struct sw_onnx_node){.type = "Softmax",
                                                     .inputs = {masked.text},
                                                     .attributes = {INT("axis", -1)}});
}

/* 1 / sqrt(head_dim), from the queries' own shape. */
static struct sw_onnx_name scale_as_exported(struct sw_onnx_decoder *d, const char *q)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_name last = SW_ONNX_INTS(g, -1), end = SW_ONNX_INTS(g, INT64_MAX);
    struct sw_onnx_name one = sw_onnx_number(g, SW_ONNX_FLOAT, 1);
    struct sw_onnx_name x = SW_ONNX_OP(g, "Shape", q);
    x = SW_ONNX_OP(g, "Slice", x.text, last.text, end.text);
    x = sw_onnx_cast(d, x.text, SW_ONNX_FLOAT);
    x = SW_ONNX_OP(g, "Sqrt", x.text);
    x = SW_ONNX_OP(g, "Div", one.text, x.text);
    return sw_onnx_cast(d, x.text, SW_ONNX_FLOAT);
}

/* As torch.onnx writes scaled_dot_product_attention: the root of the scale goes to queries and
 * keys, and the mask is cut to the keys' length in each layer. */
static struct sw_onnx_name attend_as_exported(struct sw_onnx_decoder *d, const struct cache *cache,
                                              const char *q, const char *like)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_name keys = repeat(d, cache->present[0].text);
    struct sw_onnx_name values = repeat(d, cache->present[1].text);
    struct sw_onnx_name zero = SW_ONNX_INTS(g, 0), total = unsqueezed_length_of(d, keys.text, 2);
    struct sw_onnx_name mask = slice(d, d->mask.text, zero.text, total.text);
    struct sw_onnx_name scale = scale_as_exported(d, q);
    struct sw_onnx_name root = SW_ONNX_OP(g, "Sqrt", scale.text);
    struct sw_onnx_name queries = SW_ONNX_OP(g, "Mul", q, root.text);
    root = SW_ONNX_OP(g, "Sqrt", scale.text);
    keys = transpose(d, keys.text, 0, 1, 3, 2);
    keys = SW_ONNX_OP(g, "Mul", keys.text, root.text);
    struct sw_onnx_name x = sw_onnx_product_of_activations(d, queries.text, keys.text);
    x = softmax(d, x.text, mask.text);
    x = sw_onnx_product_of_activations(d, x.text, values.text);
    x = transpose(d, x.text, 0, 2, 1, 3);
    struct sw_onnx_name batch = unsqueezed_length_of(d, like, 0);
    struct sw_onnx_name length = unsqueezed_length_of(d, like, 1), rest = SW_ONNX_INTS(g, -1);
    struct sw_onnx_name shape =
        sw_onnx_add(g, &(struct sw_onnx_node){.type = "Concat",
                                              .inputs = {batch.text, length.text, rest.text},
                                              .attributes = {INT("axis", 0)}});
    return SW_ONNX_OP(g, "Reshape", x.text, shape.text);
}

/* The query heads of a group become rows of one product, so keys and values are not repeated. */
static struct sw_onnx_name attend_plainly(struct sw_onnx_decoder *d, const struct cache *cache,
                                          const char *q)
{
    struct sw_onnx_builder *g = &d->g;
    const struct sw_config *c = d->config;
    int64_t n = (int64_t)c->n_heads, n_kv = (int64_t)c->n_kv_heads, width = (int64_t)c->head_dim;
    struct sw_onnx_name scale = sw_onnx_number(g, d->real, 1 / sqrtf((float)width));
    struct sw_onnx_name grouped = SW_ONNX_INTS(g, 0, n_kv, -1, width);
    struct sw_onnx_name apart = SW_ONNX_INTS(g, 0, n, -1, width);
    struct sw_onnx_name together = SW_ONNX_INTS(g, 0, 0, n * width);
    struct sw_onnx_name x = SW_ONNX_OP(g, "Mul", q, scale.text);
    x = SW_ONNX_OP(g, "Reshape", x.text, grouped.text);
    struct sw_onnx_name keys = transpose(d, cache->present[0].text, 0, 1, 3, 2);
    x = SW_ONNX_OP(g, "MatMul", x.text, keys.text);
    x = softmax(d, x.text, d->mask.text);
    x = SW_ONNX_OP(g, "MatMul", x.text, cache->present[1].text);
    x = SW_ONNX_OP(g, "Reshape", x.text, apart.text);
    x = transpose(d, x.text, 0, 2, 1, 3);
    return SW_ONNX_OP(g, "Reshape", x.text, together.text);
}

static struct sw_onnx_name attend_fused(struct sw_onnx_decoder *d, const struct cache *cache,
                                        const struct sw_layer_weights *w, const char *x)
{
    const struct sw_config *c = d->config;
    const struct sw_tensor *const matrices[] = {&w->q, &w->k, &w->v};
    const struct sw_tensor *const biases[] = {&w->q_bias, &w->k_bias, &w->v_bias};
    struct sw_onnx_name qkv = sw_onnx_product(d, x, "qkv", matrices, biases, 3), y;
    snprintf(y.text, sizeof y.text, "%sattention.output", d->g.scope);
    return sw_onnx_add(
        &d->g, &(struct sw_onnx_node){
                   .type = "GroupQueryAttention",
                   .domain = SW_ONNX_MS,
                   .inputs = {qkv.text, "", "", cache->past[0].text, cache->past[1].text,
                              "seqlens_k", "total_sequence_length", d->cosines.text, d->sines.text},
                   .outputs = {y.text, cache->present[0].text, cache->present[1].text},
                   .attributes = {INT("num_heads", c->n_heads), INT("kv_num_heads", c->n_kv_heads),
                                  INT("do_rotary", 1), INT("rotary_interleaved", 0),
                                  FLOAT("scale", 1 / sqrtf((float)c->head_dim)),
                                  INT("local_window_size", -1)}});
}

static struct sw_onnx_name attend_by_operators(struct sw_onnx_decoder *d, const struct cache *cache,
                                               const struct sw_layer_weights *w, const char *x)
{
    const struct sw_config *c = d->config;
    static const char *const names[] = {"q", "k", "v"};
    const struct sw_tensor *const matrices[] = {&w->q, &w->k, &w->v};
    const struct sw_tensor *const biases[] = {&w->q_bias, &w->k_bias, &w->v_bias};
    struct sw_onnx_name heads[3];
    for (size_t i = 0; i < 3; i++) {
        heads[i] = sw_onnx_product(d, x, names[i], &matrices[i], &biases[i], 1);
        heads[i] = split_heads(d, heads[i].text, x, i == 0 ? c->n_heads : c->n_kv_heads);
        if (i < 2)
            heads[i] = rotate(d, heads[i].text);
        if (i > 0)
            extend(d, cache, i - 1, heads[i].text);
    }
    return d->variant.graph == SW_ONNX_EXPORTER ? attend_as_exported(d, cache, heads[0].text, x)
                                                : attend_plainly(d, cache, heads[0].text);
}

struct sw_onnx_name sw_onnx_attention(struct sw_onnx_decoder *d, size_t layer, const char *x)
{
    const struct sw_layer_weights *w = &d->weights->layers[layer];
    const struct sw_tensor *const matrices[] = {&w->o}, *const biases[] = {&w->o_bias};
    struct cache cache = cache_of(d, layer);
    struct sw_onnx_name y = d->variant.graph == SW_ONNX_FUSED
                                ? attend_fused(d, &cache, w, x)
                                : attend_by_operators(d, &cache, w, x);
    return sw_onnx_product(d, y.text, "o", matrices, biases, 1);
}

/* Nodes that all layers share. */

static struct sw_onnx_name rotary_constant(struct sw_onnx_decoder *d, const char *name,
                                           enum sw_onnx_form form)
{
    struct sw_onnx_source source = {.form = form,
                                    .half = d->variant.half,
                                    .n_rows =
                                        form == SW_ONNX_FREQUENCIES ? 1 : d->config->max_positions,
                                    .n_columns = d->config->head_dim / 2};
    return sw_onnx_place(&d->g, &d->jobs, name, &source).values;
}

/* (batch, sequence, head_dim / 2) to (batch, 1, sequence, head_dim), the halves equal. */
static struct sw_onnx_name spread(struct sw_onnx_decoder *d, const char *x)
{
    struct sw_onnx_name y = concat(d, x, x, -1);
    return unsqueeze(d, y.text, 1);
}

static struct sw_onnx_name range(struct sw_onnx_decoder *d, const char *begin, const char *end)
{
    struct sw_onnx_name one = sw_onnx_int(&d->g, 1);
    return SW_ONNX_OP(&d->g, "Range", begin, end, one.text);
}

/* The lowest number where a key is hidden, else 0. */
static void place_mask(struct sw_onnx_decoder *d, const char *hidden)
{
    float lowest_number = d->variant.half ? -65504 : -FLT_MAX;
    struct sw_onnx_name lowest = sw_onnx_number(&d->g, d->real, lowest_number);
    struct sw_onnx_name zero = sw_onnx_number(&d->g, d->real, 0);
    d->mask = SW_ONNX_OP(&d->g, "Where", hidden, lowest.text, zero.text);
}

static void begin_plain(struct sw_onnx_decoder *d)
{
    struct sw_onnx_builder *g = &d->g;
    int64_t group = (int64_t)(d->config->n_heads / d->config->n_kv_heads);
    struct sw_onnx_name table = rotary_constant(d, "cosines", SW_ONNX_COSINES);
    struct sw_onnx_name x = SW_ONNX_OP(g, "Gather", table.text, "position_ids");
    d->cosines = spread(d, x.text);
    table = rotary_constant(d, "sines", SW_ONNX_SINES);
    x = SW_ONNX_OP(g, "Gather", table.text, "position_ids");
    d->sines = spread(d, x.text);
    struct sw_onnx_name past = length_of(d, "past_key_values.0.key", 2);
    struct sw_onnx_name added = length_of(d, "input_ids", 1), zero = sw_onnx_int(g, 0);
    struct sw_onnx_name total = SW_ONNX_OP(g, "Add", past.text, added.text);
    struct sw_onnx_name keys = range(d, zero.text, total.text);
    struct sw_onnx_name queries = unsqueeze(d, "position_ids", 1);
    queries = unsqueeze(d, queries.text, 3);
    struct sw_onnx_name hidden = SW_ONNX_OP(g, "Greater", keys.text, queries.text);
    struct sw_onnx_name times = SW_ONNX_INTS(g, 1, 1, group, 1);
    place_mask(d, hidden.text);
    if (group > 1)
        d->mask = SW_ONNX_OP(g, "Tile", d->mask.text, times.text);
}

static void begin_exporter(struct sw_onnx_decoder *d)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_dim dims[] = {{"batch", 0}, {"total", 0}};
    sw_onnx_input(g, "attention_mask", SW_ONNX_INT64, dims, 2);
    struct sw_onnx_name frequencies = rotary_constant(d, "frequencies", SW_ONNX_FREQUENCIES);
    struct sw_onnx_name x = sw_onnx_cast(d, "position_ids", SW_ONNX_FLOAT);
    x = unsqueeze(d, x.text, 2);
    x = SW_ONNX_OP(g, "Mul", x.text, frequencies.text);
    x = spread(d, x.text);
    d->cosines = SW_ONNX_OP(g, "Cos", x.text);
    d->sines = SW_ONNX_OP(g, "Sin", x.text);
    struct sw_onnx_name total = length_of(d, "attention_mask", 1), zero = sw_onnx_int(g, 0);
    struct sw_onnx_name added = length_of(d, "input_ids", 1);
    struct sw_onnx_name past = SW_ONNX_OP(g, "Sub", total.text, added.text);
    struct sw_onnx_name keys = range(d, zero.text, total.text);
    struct sw_onnx_name queries = range(d, past.text, total.text);
    queries = unsqueeze(d, queries.text, 1);
    struct sw_onnx_name hidden = SW_ONNX_OP(g, "Greater", keys.text, queries.text);
    struct sw_onnx_name padding = SW_ONNX_OP(g, "Equal", "attention_mask", zero.text);
    padding = unsqueeze(d, padding.text, 1);
    padding = unsqueeze(d, padding.text, 1);
    hidden = SW_ONNX_OP(g, "Or", hidden.text, padding.text);
    place_mask(d, hidden.text);
}

void sw_onnx_attention_begin(struct sw_onnx_decoder *d)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_dim dims[] = {{"batch", 0}, {"sequence", 0}};
    if (d->variant.graph == SW_ONNX_FUSED) {
        sw_onnx_input(g, "seqlens_k", SW_ONNX_INT32, dims, 1);
        sw_onnx_input(g, "total_sequence_length", SW_ONNX_INT32, NULL, 0);
        d->cosines = rotary_constant(d, "cosines", SW_ONNX_COSINES);
        d->sines = rotary_constant(d, "sines", SW_ONNX_SINES);
        return;
    }
    sw_onnx_input(g, "position_ids", SW_ONNX_INT64, dims, 2);
    if (d->variant.graph == SW_ONNX_PLAIN)
        begin_plain(d);
    else
        begin_exporter(d);
}
