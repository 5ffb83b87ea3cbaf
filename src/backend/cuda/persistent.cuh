/* What the host keeps for the kernel for whole answers; persistent.h is what the engine calls. */
#ifndef SW_BACKEND_CUDA_PERSISTENT_CUH
#define SW_BACKEND_CUDA_PERSISTENT_CUH

#include "backend/cuda/persistent.h"
#include "backend/cuda/persistent_launch.cuh"

struct sw_gpu_persistent {
    sw_persistent_launch launch; /* what all answers have in common */
    sw_persistent_function *kernel;
    uint32_t n_blocks, n_threads;
    uint32_t stretch, most_stretches; /* 0: by the context */
    unsigned char *device;            /* words, then abandoned */
    size_t device_bytes;
    unsigned char *host; /* mapped: told, then stop */
    size_t host_bytes;
};

/* Whether the host has all words of token t. */
bool sw_persistent_heard(const sw_gpu_persistent *p, size_t t, uint32_t epoch,
                         uint32_t (&numbers)[SW_TOLD_WORDS]);

#endif
