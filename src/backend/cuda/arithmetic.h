/* Which arithmetic of base_gpu a strategy is (docs/strategies.md). */
#ifndef SW_BACKEND_CUDA_ARITHMETIC_H
#define SW_BACKEND_CUDA_ARITHMETIC_H

#include "backend/backend.h"
#include "backend/cuda/formats.h"

/* sm is the GPU's compute capability, 75 for 7.5: what 16 bits are depends on it. A strategy that
 * base_gpu does not compute is refused by name with SW_EUNSUPPORTED. The strings are constants. */
enum sw_code sw_gpu_arithmetic_of(struct sw_gpu_arithmetic *out, enum sw_strategy strategy, int sm,
                                  struct sw_error *err);

#endif
