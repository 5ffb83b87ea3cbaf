/*
 * What kernels are written with, so that one source runs on a GPU and, for tests, on the host.
 * Compiled by nvcc this is CUDA; compiled with SW_EMULATED it is emulation/device.h, which defines
 * the same names over blocks of fibers. Kernels use these names, threadIdx, blockIdx, blockDim and
 * gridDim (all in .x only), and nothing else of CUDA.
 *
 *   static SW_KERNEL(256) void twice(float *x, uint32_t n)
 *   {
 *       sw_shared<float> own = sw_shared_take<float>(0);    byte offset into the block's memory
 *       ...
 *       sw_sync_block();
 *   }
 *   sw_launch(twice, grid, block, shared_bytes, stream, SW_LAUNCH_PLAIN, x, n);    launch.h
 *
 * A warp has 32 threads; every warp function is called by all of them. Block sizes are multiples of
 * 32.
 */
#ifndef SW_BACKEND_CUDA_DEVICE_H
#define SW_BACKEND_CUDA_DEVICE_H

#include <stdint.h>
#include <string.h>

/* 16 bytes, as they are loaded. */
struct alignas(16) sw_chunk {
    uint32_t w[4];
};

/* What a tensor-core product adds to: a tile of 16 x 8, of which a thread of the warp holds rows
 * lane / 4 and lane / 4 + 8, columns lane % 4 * 2 and + 1: {r0c0, r0c1, r8c0, r8c1}. */
struct sw_tile_f32 {
    float v[4];
};
struct sw_tile_s32 {
    int32_t v[4];
};

enum { SW_WARP = 32 };

#ifdef SW_EMULATED
#include "backend/cuda/emulation/device.h"
#else

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define SW_KERNEL(max_threads) __global__ __launch_bounds__(max_threads)
#define SW_DEVICE static __device__ __forceinline__
/* For both sides of a launch, and for tests. */
#define SW_ANYWHERE static __host__ __device__ __forceinline__
/* Members of a struct that kernels use. */
#define SW_MEMBER    __device__ __forceinline__
#define SW_UNROLL    _Pragma("unroll")
#define SW_NO_UNROLL _Pragma("unroll 1")

extern __shared__ __align__(16) unsigned char sw_shared_memory[];

/* An array in the block's shared memory. In the emulation, access through it is checked for bounds
 * and for races. */
template <class T> struct sw_shared {
    T *data;
    __device__ __forceinline__ T &operator[](uint32_t i) const { return data[i]; }
    __device__ __forceinline__ sw_shared operator+(uint32_t n) const { return {data + n}; }
};

/* The array that begins at a byte of the memory that the launch gave; aligned for T. */
template <class T> __device__ __forceinline__ sw_shared<T> sw_shared_take(uint32_t offset_bytes)
{
    return {reinterpret_cast<T *>(sw_shared_memory + offset_bytes)};
}

/* 16 bytes of shared memory at once; array + i is a multiple of 16 bytes. */
template <class T> SW_DEVICE sw_chunk sw_shared_load16(sw_shared<T> array, uint32_t i)
{
    return *reinterpret_cast<const sw_chunk *>(array.data + i);
}
template <class T> SW_DEVICE void sw_shared_store16(sw_shared<T> array, uint32_t i, sw_chunk chunk)
{
    *reinterpret_cast<sw_chunk *>(array.data + i) = chunk;
}

SW_DEVICE void sw_sync_block() { __syncthreads(); }
SW_DEVICE void sw_sync_warp() { __syncwarp(); }

/* Of 4-byte types. */
template <class T> SW_DEVICE T sw_shuffle_xor(T value, int mask)
{
    return __shfl_xor_sync(0xffffffffu, value, mask);
}
template <class T> SW_DEVICE T sw_shuffle(T value, int lane)
{
    return __shfl_sync(0xffffffffu, value, lane);
}
SW_DEVICE uint32_t sw_ballot(bool bit) { return __ballot_sync(0xffffffffu, bit); }

/* Memory of the device that no kernel writes while this one runs: weights. Not kept in L1. */
SW_DEVICE sw_chunk sw_load_weights(const void *from)
{
    sw_chunk c;
    asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
        : "=r"(c.w[0]), "=r"(c.w[1]), "=r"(c.w[2]), "=r"(c.w[3])
        : "l"(from));
    return c;
}
SW_DEVICE void sw_prefetch_l2(const void *at)
{
    asm volatile("prefetch.global.L2 [%0];" ::"l"(at));
}

/* 16 bytes from global to shared memory while the thread goes on; sm_80 and later, else at once.
 * Pending copies are counted in groups: sw_copy_wait<N> returns when all but the newest N groups
 * of this thread are there; other threads need a barrier behind it. */
template <class T> SW_DEVICE void sw_copy16(sw_shared<T> to, uint32_t i, const void *from)
{
#if __CUDA_ARCH__ >= 800
    uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(to.data + i));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at), "l"(from) : "memory");
#else
    sw_shared_store16(to, i, *static_cast<const sw_chunk *>(from));
#endif
}
SW_DEVICE void sw_copy_commit()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int N> SW_DEVICE void sw_copy_wait()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

/* Between blocks of a running kernel. A flagged number is 8 bytes that come and go as one: the
 * reader who sees the flag has the number, without a barrier or a fence. */
SW_DEVICE void sw_store_flagged(uint64_t *to, float value, uint32_t flag)
{
    uint64_t word = static_cast<uint64_t>(flag) << 32 | __float_as_uint(value);
    asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(to), "l"(word) : "memory");
}
SW_DEVICE uint64_t sw_load_flagged(const uint64_t *from)
{
    uint64_t word;
    asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(word) : "l"(from) : "memory");
    return word;
}
SW_DEVICE uint32_t sw_load_relaxed(const uint32_t *from)
{
    uint32_t word;
    asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(word) : "l"(from) : "memory");
    return word;
}
SW_DEVICE uint32_t sw_load_acquire(const uint32_t *from)
{
    uint32_t word;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(word) : "l"(from) : "memory");
    return word;
}
SW_DEVICE void sw_store_release(uint32_t *to, uint32_t value)
{
    asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(to), "r"(value) : "memory");
}
/* Memory that the host maps: seen by it once the flag behind it is. */
SW_DEVICE void sw_store_release_system(uint32_t *to, uint32_t value)
{
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(to), "r"(value) : "memory");
}
SW_DEVICE uint32_t sw_load_acquire_system(const uint32_t *from)
{
    uint32_t word;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(word) : "l"(from) : "memory");
    return word;
}
SW_DEVICE uint32_t sw_atomic_add(uint32_t *to, uint32_t value) { return atomicAdd(to, value); }
SW_DEVICE uint64_t sw_atomic_max(uint64_t *to, uint64_t value)
{
    return atomicMax(reinterpret_cast<unsigned long long *>(to), value);
}
SW_DEVICE void sw_fence() { __threadfence(); }

/* While waiting for another block. */
SW_DEVICE void sw_relax() { __nanosleep(20); }

/* Nanoseconds of the GPU's own clock. */
SW_DEVICE uint64_t sw_device_ns()
{
    uint64_t ns;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(ns));
    return ns;
}

/* Programmatic dependent launch, sm_90: what comes before sw_dependency_wait may run while the
 * kernel before in the stream still does, so it must touch nothing that any of those writes. */
SW_DEVICE void sw_dependency_wait()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
SW_DEVICE void sw_dependents_launch()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

SW_ANYWHERE float sw_as_float(uint32_t bits)
{
#ifdef __CUDA_ARCH__
    return __uint_as_float(bits);
#else
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
#endif
}
SW_ANYWHERE uint32_t sw_as_bits(float x)
{
#ifdef __CUDA_ARCH__
    return __float_as_uint(x);
#else
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
#endif
}
SW_ANYWHERE float sw_from_bf16(uint16_t bits) { return sw_as_float(uint32_t(bits) << 16); }
SW_ANYWHERE uint16_t sw_to_bf16(float x) { return __bfloat16_as_ushort(__float2bfloat16_rn(x)); }
SW_ANYWHERE float sw_from_f16(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
SW_ANYWHERE uint16_t sw_to_f16(float x) { return __half_as_ushort(__float2half_rn(x)); }

/* sum + the four products of signed bytes, exact. */
SW_DEVICE int32_t sw_dot4(uint32_t a, uint32_t b, int32_t sum)
{
    return __dp4a(static_cast<int>(a), static_cast<int>(b), sum);
}

/*
 * Tensor cores: c += a times b, a (16, k) by rows, b (k, 8) by columns, that is (8, k) by rows. The
 * fragments, lane = thread of the warp, g = lane / 4, t = lane % 4:
 *   bf16, f16, k 16: a[0] = (g, 2t..2t+1), a[1] = (g + 8, same), a[2] = (g, 2t + 8..), a[3] = (g + 8,
 *     2t + 8..); b[0] = (g, 2t..2t+1), b[1] = (g, 2t + 8..)
 *   s8, k 32: the same with four bytes for two halves: 4t..4t+3, and 4t + 16..
 *   tf32, k 8: a[0] = (g, t), a[1] = (g + 8, t), a[2] = (g, t + 4), a[3] = (g + 8, t + 4); b[0] = (g,
 *     t), b[1] = (g, t + 4)
 * bf16 and tf32 exist from sm_80 on; f16 and s8 on sm_75 are made of its smaller products.
 */
SW_DEVICE void sw_mma_f16(sw_tile_f32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c.v[0]), "+f"(c.v[1]), "+f"(c.v[2]), "+f"(c.v[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    for (int i = 0; i < 2; i++)
        asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
            "{%0,%1,%2,%3};"
            : "+f"(c.v[0]), "+f"(c.v[1]), "+f"(c.v[2]), "+f"(c.v[3])
            : "r"(a[2 * i]), "r"(a[2 * i + 1]), "r"(b[i]));
#endif
}
SW_DEVICE void sw_mma_bf16(sw_tile_f32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c.v[0]), "+f"(c.v[1]), "+f"(c.v[2]), "+f"(c.v[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    (void)c, (void)a, (void)b; /* the strategy takes f16 there (arithmetic.c) */
#endif
}
SW_DEVICE void sw_mma_tf32(sw_tile_f32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c.v[0]), "+f"(c.v[1]), "+f"(c.v[2]), "+f"(c.v[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    (void)c, (void)a, (void)b; /* not asked for there */
#endif
}
SW_DEVICE void sw_mma_s8(sw_tile_s32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+r"(c.v[0]), "+r"(c.v[1]), "+r"(c.v[2]), "+r"(c.v[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    for (int i = 0; i < 4; i++) /* rows 0 to 7 and 8 to 15, columns 0 to 15 and 16 to 31 */
        asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%3}, {%0,%1};"
            : "+r"(c.v[i % 2 * 2]), "+r"(c.v[i % 2 * 2 + 1])
            : "r"(a[i]), "r"(b[i / 2]));
#endif
}

#endif /* SW_EMULATED */

/* Sums and maxima over a warp; every thread gets them. The order is that of a butterfly. */
SW_DEVICE float sw_warp_sum(float x)
{
    for (int mask = SW_WARP / 2; mask > 0; mask /= 2)
        x += sw_shuffle_xor(x, mask);
    return x;
}
SW_DEVICE float sw_warp_max(float x)
{
    for (int mask = SW_WARP / 2; mask > 0; mask /= 2) {
        float other = sw_shuffle_xor(x, mask);
        x = x > other ? x : other;
    }
    return x;
}

#endif
