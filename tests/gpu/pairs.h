/* The pairs of matrix and input that products have kernels for, and what goes with them in a model.
 */
#ifndef SW_TESTS_GPU_PAIRS_H
#define SW_TESTS_GPU_PAIRS_H

#include <stdlib.h>
#include <string.h>

#include "backend/cuda/formats.h"

struct pair_case {
    const char *name;
    sw_gpu_form form;
    sw_gpu_input input;
    sw_gpu_form cache;
    bool rounds;
    bool is_layer, is_head; /* which matrices come so */
    bool tf32; /* the same pair as f32, by another kernel where there are many tokens */
};

static const pair_case PAIRS[] = {
    {"f32", SW_GPU_F32, SW_GPU_IN_F32, SW_GPU_F32, false, true, true, false},
    {"tf32", SW_GPU_F32, SW_GPU_IN_F32, SW_GPU_F32, false, true, true, true},
    {"bf16 x f32", SW_GPU_BF16, SW_GPU_IN_F32, SW_GPU_F32, false, true, true, false},
    {"bf16", SW_GPU_BF16, SW_GPU_IN_BF16, SW_GPU_BF16, false, true, true, false},
    {"f16", SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, false, true, true, false},
    {"s8 x s8b64", SW_GPU_S8, SW_GPU_IN_S8B64, SW_GPU_F32, false, true, true, false},
    {"s8 x llm8", SW_GPU_S8, SW_GPU_IN_LLM8, SW_GPU_F16, true, true, false, false},
    {"s4 x f16", SW_GPU_S4, SW_GPU_IN_F16, SW_GPU_F16, false, true, false, false},
    {"s8 x f16", SW_GPU_S8, SW_GPU_IN_F16, SW_GPU_F16, false, false, true, false},
    {"fp4 x f32", SW_GPU_FP4, SW_GPU_IN_F32, SW_GPU_F16, true, true, false, false},
};

/* The pair of that name; there is one. */
static inline const pair_case &pair_of(const char *name)
{
    for (const pair_case &p : PAIRS) {
        if (strcmp(p.name, name) == 0)
            return p;
    }
    abort();
}

#endif
