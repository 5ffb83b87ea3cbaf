/* The activation between gate and up, and down. */
#ifndef SW_BACKEND_CUDA_SILU_CUH
#define SW_BACKEND_CUDA_SILU_CUH

#include <math.h>

#include "backend/cuda/device.h"

SW_DEVICE float sw_silu_times(float gate, float up)
{
    return gate / (1.0f + expf(-gate)) * up;
}

#endif
