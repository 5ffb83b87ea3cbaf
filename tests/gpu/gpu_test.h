/* What every test of this folder begins with: cmocka from C++, kernels and runtime. */
#ifndef SW_TESTS_GPU_GPU_TEST_H
#define SW_TESTS_GPU_GPU_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
#include <cmocka.h>
}

#include "backend/cuda/device.h"
#include "backend/cuda/launch.h"

#ifndef SW_EMULATED
/* A GPU has its own order of threads and number of multiprocessors; tests that need an allocation
 * to fail, or another GPU, are skipped on it. */
static inline const char *sw_emulated_report()
{
    return "";
}
static inline void sw_emulated_seed(uint64_t) {}
static inline void sw_emulated_sms(uint32_t) {}
static inline uint32_t sw_emulated_n_allocations()
{
    return 0;
}
static inline void sw_emulated_capability(int, int)
{
    skip();
}
static inline void sw_emulated_fail_allocation(uint32_t n)
{
    if (n != 0)
        skip();
}
#endif

/* A runtime call that must work; what the emulation found is shown. */
#define GPU_OK(call)                                                                               \
    do {                                                                                           \
        cudaError_t gpu_code = (call);                                                             \
        if (gpu_code != cudaSuccess)                                                               \
            print_error("%s: %s\n", cudaGetErrorName(gpu_code), sw_emulated_report());             \
        assert_int_equal(gpu_code, cudaSuccess);                                                   \
    } while (0)

#endif
