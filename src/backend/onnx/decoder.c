#include "backend/onnx/decoder.h"

#include <stdio.h>
#include <string.h>

#include "backend/onnx/write.h"

#define INT(key, value)                                                                            \
    {                                                                                              \
        .name = (key), .kind = SW_ONNX_IS_INT, .i = (int64_t)(value)                               \
    }
#define FLOAT(key, value)                                                                          \
    {                                                                                              \
        .name = (key), .kind = SW_ONNX_IS_FLOAT, .f = (float)(value)                               \
    }

static struct sw_onnx_constant place(struct sw_onnx_decoder *d, const char *name,
                                     const struct sw_onnx_source *source)
{
    d->weight_bytes_per_token += sw_onnx_source_bytes(source);
    return sw_onnx_place(&d->g, &d->jobs, name, source);
}

struct sw_onnx_name sw_onnx_real(struct sw_onnx_decoder *d, const char *name,
                                 const struct sw_tensor *const *parts, size_t n)
{
    struct sw_onnx_source source = sw_onnx_source_of(SW_ONNX_ROWS, d->variant.half, parts, n);
    return place(d, name, &source).values;
}

struct sw_onnx_name sw_onnx_cast(struct sw_onnx_decoder *d, const char *x, enum sw_onnx_type type)
{
    return sw_onnx_add(&d->g, &(struct sw_onnx_node){
                                  .type = "Cast", .inputs = {x}, .attributes = {INT("to", type)}});
}

/* Products. */

/* DynamicQuantizeLinear of x, once for all products that follow with the same x. */
static const struct sw_onnx_quantised *quantise(struct sw_onnx_decoder *d, const char *x)
{
    struct sw_onnx_quantised *q = &d->quantised;
    if (strcmp(q->of.text, x) == 0)
        return q;
    snprintf(q->of.text, sizeof q->of.text, "%s", x);
    snprintf(q->values.text, sizeof q->values.text, "%.60s_quantized", x);
    snprintf(q->scale.text, sizeof q->scale.text, "%.60s_scale", x);
    snprintf(q->zero.text, sizeof q->zero.text, "%.60s_zero_point", x);
    sw_onnx_add(&d->g,
                &(struct sw_onnx_node){.type = "DynamicQuantizeLinear",
                                       .inputs = {x},
                                       .outputs = {q->values.text, q->scale.text, q->zero.text}});
    return q;
}

/* MatMulInteger, and its sums turned into floats; b_zero NULL: 0. */
static struct sw_onnx_name multiply_integers(struct sw_onnx_decoder *d,
                                             const struct sw_onnx_quantised *a, const char *b,
                                             const char *b_scale, const char *b_zero)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_name sums =
        SW_ONNX_OP(g, "MatMulInteger", a->values.text, b, a->zero.text, b_zero);
    struct sw_onnx_name reals = sw_onnx_cast(d, sums.text, SW_ONNX_FLOAT);
    struct sw_onnx_name scale = SW_ONNX_OP(g, "Mul", a->scale.text, b_scale);
    return SW_ONNX_OP(g, "Mul", reals.text, scale.text);
}

static struct sw_onnx_name multiply_blocks(struct sw_onnx_decoder *d, const char *x,
                                           const struct sw_onnx_constant *w,
                                           const struct sw_onnx_source *source)
{
    bool is_8 = source->form == SW_ONNX_BLOCKS8;
    return sw_onnx_add(&d->g,
                       &(struct sw_onnx_node){
                           .type = "MatMulNBits",
                           .domain = SW_ONNX_MS,
                           .inputs = {x, w->values.text, w->scales.text},
                           .attributes = {INT("K", source->n_columns), INT("N", source->n_rows),
                                          INT("bits", is_8 ? 8 : 4),
                                          INT("block_size", is_8 ? SW_ONNX_BLOCK8 : SW_ONNX_BLOCK4),
                                          INT("accuracy_level", 4)}});
}

static struct sw_onnx_name multiply(struct sw_onnx_decoder *d, const char *x, const char *name,
                                    const struct sw_onnx_source *source)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_constant w = place(d, name, source);
    struct sw_onnx_name middle;
    switch (source->form) {
    case SW_ONNX_BLOCKS8:
    case SW_ONNX_BLOCKS4:
        return multiply_blocks(d, x, &w, source);
    case SW_ONNX_COLUMNS_U8:
        middle = sw_onnx_uint8(g, 128);
        return sw_onnx_add(
            g, &(struct sw_onnx_node){.type = "DynamicQuantizeMatMul",
                                      .domain = SW_ONNX_MS,
                                      .inputs = {x, w.values.text, w.scales.text, middle.text}});
    case SW_ONNX_COLUMNS_S8:
        return multiply_integers(d, quantise(d, x), w.values.text, w.scales.text, NULL);
    case SW_ONNX_ROWS:
        return sw_onnx_add(g, &(struct sw_onnx_node){.type = "FusedMatMul",
                                                     .domain = SW_ONNX_MS,
                                                     .inputs = {x, w.values.text},
                                                     .attributes = {INT("transB", 1)}});
    default:
        return SW_ONNX_OP(g, "MatMul", x, w.values.text);
    }
}

struct sw_onnx_name sw_onnx_product(struct sw_onnx_decoder *d, const char *x, const char *name,
                                    const struct sw_tensor *const *matrices,
                                    const struct sw_tensor *const *biases, size_t n)
{
    struct sw_onnx_name constant;
    struct sw_onnx_source source = sw_onnx_source_of(d->layer_form, d->variant.half, matrices, n);
    snprintf(constant.text, sizeof constant.text, "%s%s.weight", d->g.scope, name);
    struct sw_onnx_name y = multiply(d, x, constant.text, &source);
    if (biases == NULL || biases[0]->data_view == NULL)
        return y;
    snprintf(constant.text, sizeof constant.text, "%s%s.bias", d->g.scope, name);
    constant = sw_onnx_real(d, constant.text, biases, n);
    return SW_ONNX_OP(&d->g, "Add", y.text, constant.text);
}

struct sw_onnx_name sw_onnx_product_of_activations(struct sw_onnx_decoder *d, const char *a,
                                                   const char *b)
{
    if (d->variant.strategy != SW_STRATEGY_DYNAMIC_8BIT)
        return SW_ONNX_OP(&d->g, "MatMul", a, b);
    struct sw_onnx_quantised left = *quantise(d, a), right = *quantise(d, b);
    return multiply_integers(d, &left, right.values.text, right.scale.text, right.zero.text);
}

/* Norms. */

/* Root mean square norm of plain operators. ONNX Runtime makes one operator of those that divide x
 * by the root; an exporter's multiply by its inverse. */
static struct sw_onnx_name norm(struct sw_onnx_decoder *d, const char *x, const char *name,
                                const struct sw_tensor *weight)
{
    struct sw_onnx_builder *g = &d->g;
    struct sw_onnx_name gamma = sw_onnx_real(d, name, &weight, 1), wide;
    struct sw_onnx_name last = SW_ONNX_INTS(g, -1);
    struct sw_onnx_name epsilon = sw_onnx_number(g, SW_ONNX_FLOAT, d->config->rms_eps);
    struct sw_onnx_name two = sw_onnx_number(g, SW_ONNX_FLOAT, 2);
    if (d->variant.half) { /* squares overflow 16 bits */
        wide = sw_onnx_cast(d, x, SW_ONNX_FLOAT);
        x = wide.text;
    }
    struct sw_onnx_name square = SW_ONNX_OP(g, "Pow", x, two.text);
    struct sw_onnx_name mean =
        sw_onnx_add(g, &(struct sw_onnx_node){.type = "ReduceMean",
                                              .inputs = {square.text, last.text},
                                              .attributes = {INT("keepdims", 1)}});
    struct sw_onnx_name sum = SW_ONNX_OP(g, "Add", mean.text, epsilon.text);
    struct sw_onnx_name root = SW_ONNX_OP(g, "Sqrt", sum.text), y;
    if (d->variant.graph == SW_ONNX_EXPORTER) {
        struct sw_onnx_name one = sw_onnx_number(g, SW_ONNX_FLOAT, 1);
        struct sw_onnx_name inverse = SW_ONNX_OP(g, "Div", one.text, root.text);
        y = SW_ONNX_OP(g, "Mul", x, inverse.text);
        return SW_ONNX_OP(g, "Mul", gamma.text, y.text);
    }
    y = SW_ONNX_OP(g, "Div", x, root.text);
    if (d->variant.half)
        y = sw_onnx_cast(d, y.text, SW_ONNX_FLOAT16);
    return SW_ONNX_OP(g, "Mul", y.text, gamma.text);
}

/* Residual plus what a half layer gave: *h becomes the sum; returns its norm. */
static struct sw_onnx_name add_and_norm(struct sw_onnx_decoder *d, struct sw_onnx_name *h,
                                        const char *added, const char *name,
                                        const struct sw_tensor *weight, bool is_last)
{
    struct sw_onnx_builder *g = &d->g;
    if (d->variant.graph == SW_ONNX_EXPORTER) {
        *h = SW_ONNX_OP(g, "Add", h->text, added);
        return norm(d, h->text, name, weight);
    }
    struct sw_onnx_name gamma = sw_onnx_real(d, name, &weight, 1), y, sum;
    snprintf(y.text, sizeof y.text, "%.60s.output", name);
    snprintf(sum.text, sizeof sum.text, "%.60s.residual", name);
    struct sw_onnx_node node = {.type = "SkipSimplifiedLayerNormalization",
                                .domain = SW_ONNX_MS,
                                .inputs = {h->text, added, gamma.text},
                                .outputs = {y.text, "", "", sum.text},
                                .attributes = {FLOAT("epsilon", d->config->rms_eps)}};
    if (is_last)
        node.outputs[1] = NULL;
    sw_onnx_add(g, &node);
    *h = sum;
    return y;
}

/* Parts of the model. */

static struct sw_onnx_name embed(struct sw_onnx_decoder *d)
{
    struct sw_onnx_builder *g = &d->g;
    const struct sw_tensor *table = &d->weights->embedding;
    bool is_dynamic = d->variant.strategy == SW_STRATEGY_DYNAMIC_8BIT;
    struct sw_onnx_source source =
        sw_onnx_source_of(is_dynamic ? SW_ONNX_TABLE_U8 : SW_ONNX_ROWS, d->variant.half, &table, 1);
    d->table = sw_onnx_place(g, &d->jobs, "embedding", &source);
    d->weight_bytes_per_token += sw_onnx_source_bytes(&source) / d->config->vocab_size;
    struct sw_onnx_name h = SW_ONNX_OP(g, "Gather", d->table.values.text, "input_ids");
    if (!is_dynamic)
        return h;
    return SW_ONNX_OP(g, "DequantizeLinear", h.text, d->table.scales.text, d->table.zero.text);
}

/* Gate and up as one product where the graph is ours: one node less to wait for, and both threads
 * have twice the columns to share. The exporter's has two. */
static struct sw_onnx_name gate_and_up(struct sw_onnx_decoder *d, const struct sw_layer_weights *w,
                                       const char *x, struct sw_onnx_name *up)
{
    const struct sw_tensor *const both[] = {&w->gate, &w->up};
    const struct sw_tensor *const biases[] = {&w->gate_bias, &w->up_bias};
    if (d->variant.graph == SW_ONNX_EXPORTER) {
        struct sw_onnx_name gate = sw_onnx_product(d, x, "gate", both, biases, 1);
        *up = sw_onnx_product(d, x, "up", both + 1, biases + 1, 1);
        return gate;
    }
    struct sw_onnx_name product = sw_onnx_product(d, x, "gate_up", both, biases, 2), gate;
    snprintf(gate.text, sizeof gate.text, "%sgate.output", d->g.scope);
    snprintf(up->text, sizeof up->text, "%sup.output", d->g.scope);
    return sw_onnx_add(
        &d->g, &(struct sw_onnx_node){.type = "Split",
                                      .inputs = {product.text},
                                      .outputs = {gate.text, up->text},
                                      .attributes = {INT("axis", -1), INT("num_outputs", 2)}});
}

static struct sw_onnx_name feed_forward(struct sw_onnx_decoder *d, const struct sw_layer_weights *w,
                                        const char *x)
{
    struct sw_onnx_builder *g = &d->g;
    const struct sw_tensor *const downs[] = {&w->down}, *const down_biases[] = {&w->down_bias};
    struct sw_onnx_name up, silu, gate = gate_and_up(d, w, x, &up);
    if (d->variant.graph == SW_ONNX_EXPORTER) {
        silu = SW_ONNX_OP(g, "Sigmoid", gate.text);
        silu = SW_ONNX_OP(g, "Mul", gate.text, silu.text);
    } else {
        silu = sw_onnx_add(g, &(struct sw_onnx_node){.type = "QuickGelu",
                                                     .domain = SW_ONNX_MS,
                                                     .inputs = {gate.text},
                                                     .attributes = {FLOAT("alpha", 1)}});
    }
    struct sw_onnx_name both = SW_ONNX_OP(g, "Mul", silu.text, up.text);
    return sw_onnx_product(d, both.text, "down", downs, down_biases, 1);
}

/* A head that shares the embedding's table. */
static struct sw_onnx_name multiply_table(struct sw_onnx_decoder *d, const char *x)
{
    struct sw_onnx_builder *g = &d->g;
    const char *table = d->table.values.text;
    if (d->variant.graph != SW_ONNX_EXPORTER)
        return sw_onnx_add(g, &(struct sw_onnx_node){.type = "FusedMatMul",
                                                     .domain = SW_ONNX_MS,
                                                     .inputs = {x, table},
                                                     .attributes = {INT("transB", 1)}});
    struct sw_onnx_name turned = sw_onnx_add(
        g, &(struct sw_onnx_node){
               .type = "Transpose",
               .inputs = {table},
               .attributes = {
                   {.name = "perm", .kind = SW_ONNX_IS_INTS, .ints = {1, 0}, .n_ints = 2}}});
    if (d->variant.strategy == SW_STRATEGY_DYNAMIC_8BIT)
        return multiply_integers(d, quantise(d, x), turned.text, d->table.scales.text,
                                 d->table.zero.text);
    return SW_ONNX_OP(g, "MatMul", x, turned.text);
}

static struct sw_onnx_name predict(struct sw_onnx_decoder *d, const char *x)
{
    const struct sw_weights *w = d->weights;
    const struct sw_tensor *head = &w->head;
    struct sw_onnx_source source = sw_onnx_source_of(d->head_form, d->variant.half, &head, 1);
    bool shares = head->data_view == w->embedding.data_view &&
                  (d->head_form == SW_ONNX_ROWS || d->variant.graph == SW_ONNX_EXPORTER);
    if (!shares)
        return multiply(d, x, "head.weight", &source);
    d->weight_bytes_per_token += (uint64_t)d->config->vocab_size * d->config->dim *
                                 (d->variant.strategy == SW_STRATEGY_DYNAMIC_8BIT ? 1
                                  : d->variant.half                               ? 2
                                                                                  : 4);
    return multiply_table(d, x);
}

/* Logits of the wanted rows. An exporter's graph computes those of every row, so what is asked for
 * is taken from them; the scale of a dynamically quantised row is that of all rows, too. */
static void finish(struct sw_onnx_decoder *d, const char *x)
{
    struct sw_onnx_builder *g = &d->g;
    bool after = d->variant.graph == SW_ONNX_EXPORTER;
    size_t width = after ? d->config->vocab_size : d->config->dim;
    struct sw_onnx_name y, flat = SW_ONNX_INTS(g, -1, (int64_t)width);
    if (after)
        y = predict(d, x);
    else
        snprintf(y.text, sizeof y.text, "%s", x);
    y = SW_ONNX_OP(g, "Reshape", y.text, flat.text);
    const char *name = d->variant.half ? NULL : "logits";
    if (after)
        g->next_output = name;
    y = SW_ONNX_OP(g, "Gather", y.text, "logits_rows");
    if (after)
        return;
    g->next_output = name;
    y = predict(d, y.text); /* one node */
    if (d->variant.half) {
        g->next_output = "logits";
        sw_onnx_cast(d, y.text, SW_ONNX_FLOAT);
    }
}

static void choose_forms(struct sw_onnx_decoder *d)
{
    bool is_exporter = d->variant.graph == SW_ONNX_EXPORTER;
    d->layer_form = SW_ONNX_TRANSPOSED;
    d->head_form = is_exporter ? SW_ONNX_TRANSPOSED : SW_ONNX_ROWS;
    switch (d->variant.strategy) {
    case SW_STRATEGY_8BIT:
        d->layer_form = d->variant.prefill ? SW_ONNX_COLUMNS_U8 : SW_ONNX_BLOCKS8;
        d->head_form = SW_ONNX_BLOCKS8;
        break;
    case SW_STRATEGY_4BIT:
        d->layer_form = SW_ONNX_BLOCKS4;
        d->head_form = SW_ONNX_BLOCKS8;
        break;
    case SW_STRATEGY_DYNAMIC_8BIT:
        d->layer_form = d->head_form = SW_ONNX_COLUMNS_S8;
        break;
    default:
        break;
    }
}

void sw_onnx_decoder_build(struct sw_onnx_decoder *d, const struct sw_model *model,
                           const struct sw_onnx_variant *variant)
{
    *d = (struct sw_onnx_decoder){.config = sw_model_config(model),
                                  .weights = sw_model_weights(model),
                                  .variant = *variant,
                                  .real = variant->half ? SW_ONNX_FLOAT16 : SW_ONNX_FLOAT};
    struct sw_onnx_builder *g = &d->g;
    const struct sw_config *c = d->config;
    struct sw_onnx_dim tokens[] = {{"batch", 0}, {"sequence", 0}}, rows[] = {{"rows", 0}};
    struct sw_onnx_dim logits[] = {{"rows", 0}, {NULL, (int64_t)c->vocab_size}};
    choose_forms(d);
    sw_onnx_input(g, "input_ids", SW_ONNX_INT64, tokens, 2);
    sw_onnx_output(g, "logits", SW_ONNX_FLOAT, logits, 2);
    sw_onnx_attention_begin(d);
    struct sw_onnx_name h = embed(d);
    struct sw_onnx_name y =
        norm(d, h.text, "layers.0.attention_norm", &d->weights->layers[0].attention_norm);
    for (size_t l = 0; l < c->n_layers; l++) {
        const struct sw_layer_weights *w = &d->weights->layers[l];
        bool is_last = l + 1 == c->n_layers;
        struct sw_onnx_name label, added;
        snprintf(g->scope, sizeof g->scope, "layers.%zu.", l);
        snprintf(label.text, sizeof label.text, "layers.%zu.mlp_norm", l);
        added = sw_onnx_attention(d, l, y.text);
        y = add_and_norm(d, &h, added.text, label.text, &w->mlp_norm, false);
        added = feed_forward(d, w, y.text);
        g->scope[0] = 0;
        snprintf(label.text, sizeof label.text, "layers.%zu.attention_norm", l + 1);
        y = add_and_norm(d, &h, added.text, is_last ? "final_norm" : label.text,
                         is_last ? &d->weights->final_norm : &w[1].attention_norm, is_last);
    }
    sw_onnx_input(g, "logits_rows", SW_ONNX_INT64, rows, 1);
    finish(d, y.text);
}
