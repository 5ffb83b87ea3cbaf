/* Arrays on the device for a test; all are freed at once. */
#ifndef SW_TESTS_GPU_MEMORY_H
#define SW_TESTS_GPU_MEMORY_H

#include <vector>

#include "gpu/gpu_test.h"

struct memory {
    std::vector<void *> all;
};

template <class T> static T *memory_take(memory &of, size_t n)
{
    void *at = NULL;
    GPU_OK(cudaMalloc(&at, n * sizeof(T) + 16));
    of.all.push_back(at);
    return static_cast<T *>(at);
}

template <class T> static T *memory_put(memory &of, const std::vector<T> &values)
{
    T *at = memory_take<T>(of, values.size());
    GPU_OK(cudaMemcpy(at, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    return at;
}

template <class T> static std::vector<T> memory_get(const T *from, size_t n)
{
    std::vector<T> values(n);
    GPU_OK(cudaMemcpy(values.data(), from, n * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
}

static inline void memory_free(memory &of)
{
    for (void *at : of.all)
        GPU_OK(cudaFree(at));
    of.all.clear();
}

/* -1 to 1; the same in every run. */
struct noise {
    uint32_t state;
};
static inline uint32_t noise_bits(noise &n)
{
    n.state = n.state * 1664525u + 1013904223u;
    return n.state >> 8;
}
static inline float noise_next(noise &n)
{
    return (float)(int32_t)(noise_bits(n) - 0x800000u) * 0x1p-23f;
}

/* Unit roundoff of a form. */
static inline double round_off(sw_gpu_form form)
{
    return form == SW_GPU_F32 ? 0x1p-24 : form == SW_GPU_BF16 ? 0x1p-8 : 0x1p-11;
}

#endif
