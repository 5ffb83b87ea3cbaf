#include "backend/backend.h"

#include <string.h>

#include "backend/cpu/base_cpu.h"
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

/* Every backend of the study; api is NULL where this build has none, and missing says what. */
static const struct {
    const char *name;
    const struct sw_backend_api *api;
    const char *missing;
} backends[] = {
    {"base_cpu", &sw_base_cpu, ""},
    {"base_gpu", NULL, "the CUDA engine is not part of this build"},
    {"onnx_cpu", &sw_onnx_cpu, ""},
    {"onnx_gpu", &sw_onnx_gpu, ""},
};

const struct sw_backend_api *sw_backend_find(const char *name, struct sw_error *err)
{
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        if (strcmp(name, backends[i].name) != 0)
            continue;
        if (backends[i].api == NULL)
            sw_fail(err, SW_EUNSUPPORTED, "backend %s: %s (base_cpu is)", name,
                    backends[i].missing);
        return backends[i].api;
    }
    sw_fail(err, SW_EUSAGE, "unknown backend '%s' (base_cpu, base_gpu, onnx_cpu, onnx_gpu)", name);
    return NULL;
}
