/* The kernel for whole answers, where the layers' weights are floats of 32 or 16 bits. */
#include "backend/cuda/persistent_kernel.cuh"

sw_persistent_function *sw_persistent_of_floats(const sw_gpu_model &m)
{
    SW_PERSISTENT_CASE(SW_GPU_F32, SW_GPU_IN_F32, SW_GPU_F32, SW_GPU_IN_F32, SW_GPU_F32, false)
    SW_PERSISTENT_CASE(SW_GPU_BF16, SW_GPU_IN_F32, SW_GPU_BF16, SW_GPU_IN_F32, SW_GPU_F32, false)
    SW_PERSISTENT_CASE(SW_GPU_BF16, SW_GPU_IN_BF16, SW_GPU_BF16, SW_GPU_IN_BF16, SW_GPU_BF16, false)
    SW_PERSISTENT_CASE(SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, SW_GPU_IN_F16, SW_GPU_F16, false)
    return nullptr;
}
