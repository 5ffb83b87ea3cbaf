#include "backend/onnx/variant.h"

#include <string.h>

static const char *const graph_names[] = {[SW_ONNX_FUSED] = "fused",
                                          [SW_ONNX_PLAIN] = "plain",
                                          [SW_ONNX_EXPORTER] = "exporter",
                                          [SW_ONNX_DEFAULT] = "default"};

const char *sw_onnx_graph_name(enum sw_onnx_graph graph)
{
    return graph_names[graph];
}

bool sw_onnx_graph_parse(enum sw_onnx_graph *out, const char *text)
{
    for (size_t i = 0; i < sizeof graph_names / sizeof *graph_names; i++) {
        if (strcmp(text, graph_names[i]) == 0) {
            *out = (enum sw_onnx_graph)i;
            return true;
        }
    }
    return false;
}

/* Why ONNX Runtime has no such strategy; NULL where it has. */
static const char *refusal(enum sw_strategy strategy, bool on_gpu)
{
    switch (strategy) {
    case SW_STRATEGY_16BIT:
        return on_gpu ? NULL
                      : "ONNX Runtime has no 16-bit kernels on the CPU: it would insert casts and "
                        "compute in fp32";
    case SW_STRATEGY_DYNAMIC_16BIT:
        return "ONNX Runtime has no product of 16-bit weights with fp32 activations: it would "
               "widen every weight in every call";
    case SW_STRATEGY_8BIT_W8A8:
        return "is an arithmetic of base_gpu; ONNX Runtime's int8 is quantization8bit";
    case SW_STRATEGY_STUDY_FP4:
        return "is what the study's GPU rows ran; only base_gpu computes it";
    case SW_STRATEGY_DYNAMIC_8BIT:
        return on_gpu ? "the CUDA provider has no kernels for a dynamically quantised graph" : NULL;
    default:
        return NULL;
    }
}

enum sw_code sw_onnx_variant_choose(struct sw_onnx_variant *out, const struct sw_config *config,
                                    enum sw_strategy strategy, enum sw_onnx_graph wanted,
                                    bool on_gpu, struct sw_error *err)
{
    const char *backend = on_gpu ? "onnx_gpu" : "onnx_cpu", *name = sw_strategy_name(strategy);
    const char *why_not = refusal(strategy, on_gpu);
    *out = (struct sw_onnx_variant){.strategy = strategy,
                                    .half = strategy == SW_STRATEGY_16BIT,
                                    .on_gpu = on_gpu,
                                    .reason = ""};
    if (why_not != NULL)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: strategy %s: %s", backend, name, why_not);
    if (strategy == SW_STRATEGY_DYNAMIC_8BIT) {
        if (wanted == SW_ONNX_FUSED || wanted == SW_ONNX_PLAIN)
            return sw_fail(err, SW_EUNSUPPORTED,
                           "%s: strategy %s: only in the exporter's graph: its attention is "
                           "quantised, too, which the %s one has no operator for",
                           backend, name, sw_onnx_graph_name(wanted));
        out->graph = SW_ONNX_EXPORTER;
        out->reason = "the study's form quantises the products of the attention, too";
        return SW_OK;
    }
    if (wanted == SW_ONNX_EXPORTER && strategy != SW_STRATEGY_NONE)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: strategy %s: the exporter's graph is written for none and "
                       "quantization_dynamic8bit only",
                       backend, name);
    bool fits = config->head_dim % 16 == 0, has_kernel = !on_gpu || out->half;
    if (wanted == SW_ONNX_FUSED && !fits)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: fused graph: the head size is %zu, and the fused attention's rotary "
                       "takes multiples of 16 only",
                       backend, config->head_dim);
    if (wanted == SW_ONNX_FUSED && !has_kernel)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: fused graph: strategy %s: the CUDA provider's fused attention takes 16 "
                       "bits only: in fp32 it would run on the CPU",
                       backend, name);
    out->graph = wanted;
    if (wanted == SW_ONNX_DEFAULT)
        out->graph = fits && has_kernel ? SW_ONNX_FUSED : SW_ONNX_PLAIN;
    if (out->graph == SW_ONNX_FUSED)
        return SW_OK;
    out->reason = wanted != SW_ONNX_DEFAULT ? "asked for"
                  : !fits ? "the head size is no multiple of 16, which the fused attention asks for"
                          : "the CUDA provider's fused attention takes 16 bits only";
    return SW_OK;
}

const char *sw_onnx_variant_arithmetic(const struct sw_onnx_variant *variant)
{
    switch (variant->strategy) {
    case SW_STRATEGY_8BIT:
        return variant->on_gpu ? "w8b64_a32" : variant->prefill ? "w8c_a8" : "w8b64_a8b64";
    case SW_STRATEGY_4BIT:
        return variant->on_gpu ? "w4b32_a32" : "w4b32_a8b32";
    case SW_STRATEGY_DYNAMIC_8BIT:
        return "dynamic_u8s8";
    default:
        return variant->half ? "f16" : "f32";
    }
}

const char *sw_onnx_variant_weight_dtype(const struct sw_onnx_variant *variant)
{
    switch (variant->strategy) {
    case SW_STRATEGY_8BIT:
        return "s8";
    case SW_STRATEGY_4BIT:
        return "s4, head s8";
    case SW_STRATEGY_DYNAMIC_8BIT:
        return "s8, embedding and head u8";
    default:
        return variant->half ? "f16" : "f32";
    }
}

const char *sw_onnx_variant_compute_dtype(const struct sw_onnx_variant *variant)
{
    switch (variant->strategy) {
    case SW_STRATEGY_8BIT:
    case SW_STRATEGY_4BIT:
        return variant->on_gpu ? "f32" : variant->prefill ? "u8 x u8" : "s8";
    case SW_STRATEGY_DYNAMIC_8BIT:
        return "u8 x s8";
    default:
        return variant->half ? "f16" : "f32";
    }
}

const char *sw_onnx_variant_operators(const struct sw_onnx_variant *variant)
{
    bool fused = variant->graph == SW_ONNX_FUSED;
    switch (variant->strategy) {
    case SW_STRATEGY_8BIT:
        if (variant->on_gpu) /* whose products know no accuracy level */
            return "MatMulNBits (8 bits, block 64), MatMul";
        if (variant->prefill)
            return fused ? "DynamicQuantizeMatMul, GroupQueryAttention"
                         : "DynamicQuantizeMatMul, MatMul";
        return fused ? "MatMulNBits (8 bits, block 64, accuracy level 4), GroupQueryAttention"
                     : "MatMulNBits (8 bits, block 64, accuracy level 4), MatMul";
    case SW_STRATEGY_4BIT:
        if (variant->on_gpu)
            return "MatMulNBits (4 bits, block 32; head 8 bits, block 64), MatMul";
        return fused ? "MatMulNBits (4 bits, block 32; head 8 bits, block 64; accuracy level 4), "
                       "GroupQueryAttention"
                     : "MatMulNBits (4 bits, block 32; head 8 bits, block 64; accuracy level 4), "
                       "MatMul";
    case SW_STRATEGY_DYNAMIC_8BIT:
        return "DynamicQuantizeMatMul, MatMulIntegerToFloat (which ONNX Runtime makes of the "
               "graph's "
               "DynamicQuantizeLinear, MatMulInteger, Cast and Mul)";
    default:
        return fused ? "MatMul, FusedMatMul, GroupQueryAttention" : "MatMul";
    }
}
