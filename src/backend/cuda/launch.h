/*
 * The part of CUDA's runtime that the plug-in uses, and how it launches. With SW_EMULATED the same
 * names (cudaMalloc, cudaMemcpyAsync, streams, events, graphs, ...) come from emulation/runtime.h,
 * where a launch runs at once and capturing keeps it for later.
 */
#ifndef SW_BACKEND_CUDA_LAUNCH_H
#define SW_BACKEND_CUDA_LAUNCH_H

#include <stddef.h>
#include <stdint.h>

enum sw_launch_kind {
    SW_LAUNCH_PLAIN,
    SW_LAUNCH_OVERLAPPED,  /* may begin before the kernel in front has ended (sm_90): the kernel calls
                              sw_dependency_wait */
    SW_LAUNCH_COOPERATIVE, /* all blocks run at once, or the launch fails */
};

#ifdef SW_EMULATED
#include "backend/cuda/emulation/runtime.h"
#else
#include <cuda_runtime.h>

template <class... P, class... A>
static cudaError_t sw_launch(void (*kernel)(P...), uint32_t grid, uint32_t block,
                             size_t shared_bytes, cudaStream_t stream, sw_launch_kind kind,
                             A... arguments)
{
    cudaLaunchAttribute attribute = {};
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(grid);
    config.blockDim = dim3(block);
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    if (kind == SW_LAUNCH_OVERLAPPED) {
        attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attribute.val.programmaticStreamSerializationAllowed = 1;
    } else {
        attribute.id = cudaLaunchAttributeCooperative;
        attribute.val.cooperative = 1;
    }
    config.attrs = &attribute;
    config.numAttrs = kind == SW_LAUNCH_PLAIN ? 0 : 1;
    return cudaLaunchKernelEx(&config, kernel, static_cast<P>(arguments)...);
}
#endif
#endif
