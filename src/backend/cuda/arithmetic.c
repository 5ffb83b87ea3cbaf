#include "backend/cuda/arithmetic.h"

static const struct sw_gpu_arithmetic f32 = {
    .name = "f32",
    .weight_dtype = "f32",
    .compute_dtype = "f32",
    .kv_dtype = "f32",
    .layers = SW_GPU_F32,
    .head = SW_GPU_F32,
    .layer_input = SW_GPU_IN_F32,
    .head_input = SW_GPU_IN_F32,
    .cache = SW_GPU_F32,
    .embedding = SW_GPU_F32,
};

static const struct sw_gpu_arithmetic w16_a32 = {
    .name = "w16_a32",
    .weight_dtype = "bf16",
    .compute_dtype = "f32",
    .kv_dtype = "f32",
    .layers = SW_GPU_BF16,
    .head = SW_GPU_BF16,
    .layer_input = SW_GPU_IN_F32,
    .head_input = SW_GPU_IN_F32,
    .cache = SW_GPU_F32,
    .embedding = SW_GPU_BF16,
};

static const struct sw_gpu_arithmetic bf16 = {
    .name = "bf16",
    .weight_dtype = "bf16",
    .compute_dtype = "bf16",
    .kv_dtype = "bf16",
    .layers = SW_GPU_BF16,
    .head = SW_GPU_BF16,
    .layer_input = SW_GPU_IN_BF16,
    .head_input = SW_GPU_IN_BF16,
    .cache = SW_GPU_BF16,
    .embedding = SW_GPU_BF16,
};

/* Where tensor cores have no bf16. */
static const struct sw_gpu_arithmetic f16 = {
    .name = "f16",
    .weight_dtype = "f16",
    .compute_dtype = "f16",
    .kv_dtype = "f16",
    .layers = SW_GPU_F16,
    .head = SW_GPU_F16,
    .layer_input = SW_GPU_IN_F16,
    .head_input = SW_GPU_IN_F16,
    .cache = SW_GPU_F16,
    .embedding = SW_GPU_F16,
};

static const struct sw_gpu_arithmetic llm_int8 = {
    .name = "llm_int8",
    .weight_dtype = "s8, head f16",
    .compute_dtype = "s8, outliers f16",
    .kv_dtype = "f16",
    .layers = SW_GPU_S8,
    .head = SW_GPU_F16,
    .layer_input = SW_GPU_IN_LLM8,
    .head_input = SW_GPU_IN_F16,
    .cache = SW_GPU_F16,
    .embedding = SW_GPU_F16,
    .rounds_to_f16 = 1,
};

static const struct sw_gpu_arithmetic w8c_a8b64 = {
    .name = "w8c_a8b64",
    .weight_dtype = "s8",
    .compute_dtype = "s8",
    .kv_dtype = "f32",
    .layers = SW_GPU_S8,
    .head = SW_GPU_S8,
    .layer_input = SW_GPU_IN_S8B64,
    .head_input = SW_GPU_IN_S8B64,
    .cache = SW_GPU_F32,
    .embedding = SW_GPU_F32,
};

static const struct sw_gpu_arithmetic w4b32_a16 = {
    .name = "w4b32_a16",
    .weight_dtype = "s4, head s8",
    .compute_dtype = "f16",
    .kv_dtype = "f16",
    .layers = SW_GPU_S4,
    .head = SW_GPU_S8,
    .layer_input = SW_GPU_IN_F16,
    .head_input = SW_GPU_IN_F16,
    .cache = SW_GPU_F16,
    .embedding = SW_GPU_F16,
};

static const struct sw_gpu_arithmetic fp4_a32 = {
    .name = "fp4_a32",
    .weight_dtype = "fp4, head f16",
    .compute_dtype = "f32, head f16",
    .kv_dtype = "f16",
    .layers = SW_GPU_FP4,
    .head = SW_GPU_F16,
    .layer_input = SW_GPU_IN_F32,
    .head_input = SW_GPU_IN_F16,
    .cache = SW_GPU_F16,
    .embedding = SW_GPU_F16,
    .rounds_to_f16 = 1,
};

enum { SM_WITH_BF16 = 80 };

enum sw_code sw_gpu_arithmetic_of(struct sw_gpu_arithmetic *out, enum sw_strategy strategy, int sm,
                                  struct sw_error *err)
{
    const char *reason = "is unknown";
    switch (strategy) {
    case SW_STRATEGY_NONE:
        *out = f32;
        return SW_OK;
    case SW_STRATEGY_DYNAMIC_16BIT:
        *out = w16_a32;
        return SW_OK;
    case SW_STRATEGY_16BIT:
        *out = sm >= SM_WITH_BF16 ? bf16 : f16;
        return SW_OK;
    case SW_STRATEGY_8BIT:
        *out = llm_int8;
        return SW_OK;
    case SW_STRATEGY_8BIT_W8A8:
        *out = w8c_a8b64;
        return SW_OK;
    case SW_STRATEGY_4BIT:
        *out = w4b32_a16;
        return SW_OK;
    case SW_STRATEGY_STUDY_FP4:
        *out = fp4_a32;
        return SW_OK;
    case SW_STRATEGY_DYNAMIC_8BIT:
        reason = "is what the study's int8 row on a CPU ran: onnx_cpu and base_cpu compute it";
        break;
    }
    return sw_fail(err, SW_EUNSUPPORTED, "base_gpu: strategy %s %s", sw_strategy_name(strategy),
                   reason);
}
