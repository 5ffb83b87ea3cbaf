#include "backend/backend.h"

#include <string.h>

#include "backend/cpu/base_cpu.h"
#include "backend/cuda/base_gpu.h"
#include "backend/onnx/onnx_cpu.h"

static const struct {
    enum sw_strategy strategy;
    const char *text;
} strategies[] = {
#define X(name, text) {name, text},
    SW_STRATEGIES(X)
#undef X
};

bool sw_strategy_parse(enum sw_strategy *out, const char *text)
{
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        if (strcmp(text, strategies[i].text) == 0) {
            *out = strategies[i].strategy;
            return true;
        }
    }
    return false;
}

const char *sw_strategy_name(enum sw_strategy strategy)
{
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
        if (strategies[i].strategy == strategy)
            return strategies[i].text;
    }
    return "unknown";
}

bool sw_strategy_needs_whole_prompts(enum sw_strategy strategy)
{
    return strategy == SW_STRATEGY_DYNAMIC_8BIT;
}

/* Every backend of the study. What one of them needs and lacks, its open says. */
static const struct sw_backend_api *const backends[] = {
    &sw_base_cpu,
    &sw_base_gpu,
    &sw_onnx_cpu,
    &sw_onnx_gpu,
};

const struct sw_backend_api *sw_backend_find(const char *name, struct sw_error *err)
{
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (strcmp(name, backends[i]->name) == 0)
            return backends[i];
    }
    sw_fail(err, SW_EUSAGE, "unknown backend '%s' (base_cpu, base_gpu, onnx_cpu, onnx_gpu)", name);
    return NULL;
}
