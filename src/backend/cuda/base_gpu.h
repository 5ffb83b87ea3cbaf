/* Our own engine on an NVIDIA GPU, through the CUDA plug-in (loader.h). Where that, a driver or the
 * GPU is missing, opening fails with SW_EABSENT and what to do; nothing else runs in its place. */
#ifndef SW_BACKEND_CUDA_BASE_GPU_H
#define SW_BACKEND_CUDA_BASE_GPU_H

#include "backend/backend.h"

extern const struct sw_backend_api sw_base_gpu;

#endif
