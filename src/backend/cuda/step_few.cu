/* The products of a step of two to SW_FEW_TOKENS tokens. */
#include "backend/cuda/step_job.cuh"
#include "backend/cuda/step_kernel.cuh"

cudaError_t sw_step_multiply_few(const sw_step &step, sw_step_part part, const sw_step_job &job,
                                 uint32_t *n_blocks)
{
    return sw_step_multiply<SW_FEW_TOKENS>(step, part, job, n_blocks);
}
