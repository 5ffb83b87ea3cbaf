/* The kernel for whole answers, where the layers' weights have 8 or 4 bits. */
#include "backend/cuda/persistent_kernel.cuh"

sw_persistent_function *sw_persistent_of_quantized(const sw_gpu_model &m)
{
    SW_PERSISTENT_CASE(SW_GPU_S8, SW_GPU_IN_LLM8, SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, true)
    SW_PERSISTENT_CASE(SW_GPU_S8, SW_GPU_IN_S8B64, SW_GPU_S8, SW_GPU_IN_S8B64, SW_GPU_F32, false)
    SW_PERSISTENT_CASE(SW_GPU_S4, SW_GPU_IN_F16, SW_GPU_S8, SW_GPU_IN_F16, SW_GPU_F16, false)
    SW_PERSISTENT_CASE(SW_GPU_FP4, SW_GPU_IN_F32, SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, true)
    return nullptr;
}
