/*
 * The names of backend/cuda/device.h on the host: a thread of a block is a fiber, shared memory
 * knows who wrote each byte and when, and what CUDA leaves undefined is reported (runtime.h) and
 * ends the launch.
 *
 * Reported with kernel, block and thread:
 *   - access to shared memory out of the launch's bytes, unaligned, never written, or not ordered
 *     behind another thread's write by a barrier; a write that is not ordered behind another
 * thread's read; memory that an asynchronous copy not waited for writes. What orders:
 * sw_sync_block, and sw_sync_warp among the threads of a warp. Shuffles, ballots and matrix
 * products order nothing, as in CUDA.
 *   - a warp function that not all 32 threads call alike, a barrier that not all threads reach, and
 *     waiting without end.
 *   - loads and stores of the functions below out of the memory that the runtime gave, or
 * unaligned.
 *
 * Other global memory is accessed through plain pointers, so there only the address sanitizer and
 * the runtime's margins (runtime.h) see overruns, and only different orders (sw_emulated_seed) show
 * races.
 */
#ifndef SW_BACKEND_CUDA_DEVICE_H
#include "backend/cuda/device.h" /* which includes this behind what it defines */
#elif !defined(SW_BACKEND_CUDA_EMULATION_DEVICE_H)
#define SW_BACKEND_CUDA_EMULATION_DEVICE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

#include "base/half.h"

/* g++ leaves a note of where each kernel begins and of its largest block (runtime.cpp reads it):
 * as many no-ops in front of it as it has warps. */
#ifdef __clang__
#define SW_KERNEL(max_threads) __attribute__((unused))
#else
#define SW_KERNEL(max_threads)                                                                     \
    __attribute__((                                                                                \
        unused, noinline,                                                                          \
        patchable_function_entry(((max_threads) + 31) / 32, ((max_threads) + 31) / 32)))
#endif
#define SW_DEVICE static inline
#define SW_ANYWHERE static inline
#define SW_MEMBER inline
/* Unrolling is nvcc's. */
#define SW_UNROLL
#define SW_NO_UNROLL

struct sw_emulated_index {
    uint32_t x;
};
extern sw_emulated_index threadIdx, blockIdx, blockDim, gridDim;

/* What follows with sw_emulated_ is for this header alone. */

enum sw_emulated_access {
    SW_EMULATED_READ,
    SW_EMULATED_WRITE,
};
/* Where the bytes are, once the running thread may access them so; else the launch ends. */
unsigned char *sw_emulated_shared(uint32_t offset, uint32_t bytes, uint32_t alignment,
                                  sw_emulated_access access);
/* offset, once it is within the block's memory or right behind it. */
uint32_t sw_emulated_shared_offset(uint64_t offset, uint32_t alignment);
void sw_emulated_copy16(uint32_t offset, const void *from);
void sw_emulated_copy_commit();
void sw_emulated_copy_wait(uint32_t n_newest);

enum sw_emulated_warp_function {
    SW_EMULATED_NO_WARP_FUNCTION,
    SW_EMULATED_SYNC_WARP,
    SW_EMULATED_SHUFFLE_XOR,
    SW_EMULATED_SHUFFLE,
    SW_EMULATED_BALLOT,
    SW_EMULATED_MMA_F16,
    SW_EMULATED_MMA_BF16,
    SW_EMULATED_MMA_TF32,
    SW_EMULATED_MMA_S8,
};
void sw_emulated_sync_block();
/* operand: the mask or the lane. */
uint32_t sw_emulated_warp(sw_emulated_warp_function function, uint32_t value, int operand);
void sw_emulated_mma(sw_emulated_warp_function function, uint32_t (&c)[4], const uint32_t (&a)[4],
                     const uint32_t (&b)[2]);

/* address, once it is aligned and the bytes are memory of the device or mapped for it. */
const void *sw_emulated_global(const void *address, uint32_t bytes, const char *function);
/* The same of 16 bytes that no kernel may have written since this one began. */
const void *sw_emulated_weights(const void *address);
/* A point where other threads may go first: at times, by the seed; after many in a row, always. */
void sw_emulated_poll(bool of_system);
void sw_emulated_stored(); /* what others may wait for has changed */

/* An item of shared memory, in place of the reference that CUDA has. Use it as a number at once:
 * `auto` would keep the item, not the value. */
template <class T> struct sw_emulated_item {
    uint32_t offset;

    operator T() const
    {
        T value;
        memcpy(&value, sw_emulated_shared(offset, sizeof value, alignof(T), SW_EMULATED_READ),
               sizeof value);
        return value;
    }
    T operator=(T value) const
    {
        memcpy(sw_emulated_shared(offset, sizeof value, alignof(T), SW_EMULATED_WRITE), &value,
               sizeof value);
        return value;
    }
    T operator=(const sw_emulated_item &from) const
    {
        return *this = static_cast<T>(from);
    }
    sw_emulated_item(const sw_emulated_item &) = default;
    explicit sw_emulated_item(uint32_t at) : offset(at)
    {
    }
    void operator&() const = delete;

    template <class U> T operator+=(U x) const
    {
        return *this = static_cast<T>(T(*this) + x);
    }
    template <class U> T operator-=(U x) const
    {
        return *this = static_cast<T>(T(*this) - x);
    }
    template <class U> T operator*=(U x) const
    {
        return *this = static_cast<T>(T(*this) * x);
    }
    template <class U> T operator/=(U x) const
    {
        return *this = static_cast<T>(T(*this) / x);
    }
    template <class U> T operator|=(U x) const
    {
        return *this = static_cast<T>(T(*this) | x);
    }
    template <class U> T operator&=(U x) const
    {
        return *this = static_cast<T>(T(*this) & x);
    }
    template <class U> T operator^=(U x) const
    {
        return *this = static_cast<T>(T(*this) ^ x);
    }
    T operator++() const
    {
        return *this = static_cast<T>(T(*this) + 1);
    }
    T operator--() const
    {
        return *this = static_cast<T>(T(*this) - 1);
    }
    T operator++(int) const
    {
        T before = *this;
        *this = static_cast<T>(before + 1);
        return before;
    }
};

template <class T> struct sw_shared {
    static_assert(std::is_trivially_copyable<T>::value, "shared memory holds plain data");
    uint32_t offset; /* bytes */

    sw_emulated_item<T> operator[](uint32_t i) const
    {
        return sw_emulated_item<T>(
            sw_emulated_shared_offset(offset + uint64_t(i) * sizeof(T), alignof(T)));
    }
    sw_shared operator+(uint32_t n) const
    {
        return {sw_emulated_shared_offset(offset + uint64_t(n) * sizeof(T), alignof(T))};
    }
};

template <class T> static inline sw_shared<T> sw_shared_take(uint32_t offset_bytes)
{
    return {sw_emulated_shared_offset(offset_bytes, alignof(T))};
}

template <class T> SW_DEVICE sw_chunk sw_shared_load16(sw_shared<T> array, uint32_t i)
{
    sw_chunk chunk;
    uint32_t at = sw_emulated_shared_offset(array.offset + uint64_t(i) * sizeof(T), alignof(T));
    memcpy(&chunk, sw_emulated_shared(at, 16, 16, SW_EMULATED_READ), 16);
    return chunk;
}
template <class T> SW_DEVICE void sw_shared_store16(sw_shared<T> array, uint32_t i, sw_chunk chunk)
{
    uint32_t at = sw_emulated_shared_offset(array.offset + uint64_t(i) * sizeof(T), alignof(T));
    memcpy(sw_emulated_shared(at, 16, 16, SW_EMULATED_WRITE), &chunk, 16);
}

SW_DEVICE void sw_sync_block()
{
    sw_emulated_sync_block();
}
SW_DEVICE void sw_sync_warp()
{
    sw_emulated_warp(SW_EMULATED_SYNC_WARP, 0, 0);
}

template <class T>
SW_DEVICE T sw_emulated_shuffle(sw_emulated_warp_function f, T value, int operand)
{
    static_assert(sizeof(T) == 4 && std::is_arithmetic<T>::value,
                  "shuffles are of 4-byte numbers; an item of shared memory is read first");
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bits = sw_emulated_warp(f, bits, operand);
    memcpy(&value, &bits, 4);
    return value;
}
template <class T> SW_DEVICE T sw_shuffle_xor(T value, int mask)
{
    return sw_emulated_shuffle(SW_EMULATED_SHUFFLE_XOR, value, mask);
}
template <class T> SW_DEVICE T sw_shuffle(T value, int lane)
{
    return sw_emulated_shuffle(SW_EMULATED_SHUFFLE, value, lane);
}
SW_DEVICE uint32_t sw_ballot(bool bit)
{
    return sw_emulated_warp(SW_EMULATED_BALLOT, bit, 0);
}

SW_DEVICE sw_chunk sw_load_weights(const void *from)
{
    sw_chunk chunk;
    memcpy(&chunk, sw_emulated_weights(from), 16);
    return chunk;
}
/* An address out of all memory is allowed: nothing is loaded. */
SW_DEVICE void sw_prefetch_l2(const void *at)
{
    (void)at;
}

template <class T> SW_DEVICE void sw_copy16(sw_shared<T> to, uint32_t i, const void *from)
{
    uint32_t at = sw_emulated_shared_offset(to.offset + uint64_t(i) * sizeof(T), alignof(T));
    sw_emulated_copy16(at, sw_emulated_global(from, 16, "sw_copy16"));
}
SW_DEVICE void sw_copy_commit()
{
    sw_emulated_copy_commit();
}
template <int N> SW_DEVICE void sw_copy_wait()
{
    static_assert(N >= 0, "a number of groups");
    sw_emulated_copy_wait(N);
}

/* One fiber runs at a time, so plain accesses come and go as one; sequentially consistent, which is
 * more than CUDA promises: a missing release or acquire is not seen. */
template <class T> SW_DEVICE T sw_emulated_load(const T *from, const char *function, bool of_system)
{
    sw_emulated_poll(of_system);
    return *static_cast<const volatile T *>(
        static_cast<const T *>(sw_emulated_global(from, sizeof(T), function)));
}
template <class T> SW_DEVICE void sw_emulated_store(T *to, T value, const char *function)
{
    sw_emulated_global(to, sizeof(T), function);
    *static_cast<volatile T *>(to) = value;
    sw_emulated_stored();
}

SW_DEVICE void sw_store_flagged(uint64_t *to, float value, uint32_t flag)
{
    uint64_t word = static_cast<uint64_t>(flag) << 32 | sw_bits_of_float(value);
    sw_emulated_store(to, word, "sw_store_flagged");
}
SW_DEVICE uint64_t sw_load_flagged(const uint64_t *from)
{
    return sw_emulated_load(from, "sw_load_flagged", false);
}
SW_DEVICE uint32_t sw_load_relaxed(const uint32_t *from)
{
    return sw_emulated_load(from, "sw_load_relaxed", false);
}
SW_DEVICE uint32_t sw_load_acquire(const uint32_t *from)
{
    return sw_emulated_load(from, "sw_load_acquire", false);
}
SW_DEVICE void sw_store_release(uint32_t *to, uint32_t value)
{
    sw_emulated_store(to, value, "sw_store_release");
}
/* The host may read on another thread. */
SW_DEVICE void sw_store_release_system(uint32_t *to, uint32_t value)
{
    sw_emulated_global(to, 4, "sw_store_release_system");
    __atomic_store_n(to, value, __ATOMIC_RELEASE);
    sw_emulated_stored();
}
SW_DEVICE uint32_t sw_load_acquire_system(const uint32_t *from)
{
    sw_emulated_poll(true);
    sw_emulated_global(from, 4, "sw_load_acquire_system");
    return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}
SW_DEVICE uint32_t sw_atomic_add(uint32_t *to, uint32_t value)
{
    uint32_t before = sw_emulated_load(to, "sw_atomic_add", false);
    sw_emulated_store(to, before + value, "sw_atomic_add");
    return before;
}
SW_DEVICE uint64_t sw_atomic_max(uint64_t *to, uint64_t value)
{
    uint64_t before = sw_emulated_load(to, "sw_atomic_max", false);
    sw_emulated_store(to, before > value ? before : value, "sw_atomic_max");
    return before;
}
SW_DEVICE void sw_fence()
{
}
void sw_relax(); /* other threads go first */

uint64_t sw_device_ns();

void sw_dependency_wait();
void sw_dependents_launch();

SW_DEVICE float sw_from_bf16(uint16_t half)
{
    return sw_bf16_to_float(half);
}
SW_DEVICE uint16_t sw_to_bf16(float x)
{
    return sw_float_to_bf16(x);
}
SW_DEVICE float sw_from_f16(uint16_t half)
{
    return sw_f16_to_float(half);
}
SW_DEVICE uint16_t sw_to_f16(float x)
{
    return sw_float_to_f16(x);
}
SW_DEVICE float sw_as_float(uint32_t bits)
{
    return sw_float_of_bits(bits);
}
SW_DEVICE uint32_t sw_as_bits(float x)
{
    return sw_bits_of_float(x);
}

SW_DEVICE int32_t sw_dot4(uint32_t a, uint32_t b, int32_t sum)
{
    uint32_t total = static_cast<uint32_t>(sum); /* wraps, as the device's does */
    for (int i = 0; i < 4; i++)
        total += static_cast<uint32_t>(static_cast<int8_t>(a >> 8 * i & 0xff) *
                                       static_cast<int8_t>(b >> 8 * i & 0xff));
    return static_cast<int32_t>(total);
}

/* Sums of floats begin with c and go on by k, each product exact, each sum rounded: an order that
 * no device promises. */
template <class Tile>
SW_DEVICE void sw_emulated_mma_tile(sw_emulated_warp_function f, Tile &c, const uint32_t (&a)[4],
                                    const uint32_t (&b)[2])
{
    uint32_t bits[4];
    static_assert(sizeof bits == sizeof c.v, "four words");
    memcpy(bits, c.v, sizeof bits);
    sw_emulated_mma(f, bits, a, b);
    memcpy(c.v, bits, sizeof bits);
}
SW_DEVICE void sw_mma_f16(sw_tile_f32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    sw_emulated_mma_tile(SW_EMULATED_MMA_F16, c, a, b);
}
SW_DEVICE void sw_mma_bf16(sw_tile_f32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    sw_emulated_mma_tile(SW_EMULATED_MMA_BF16, c, a, b);
}
/* The 13 lowest bits of an operand are not looked at. */
SW_DEVICE void sw_mma_tf32(sw_tile_f32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    sw_emulated_mma_tile(SW_EMULATED_MMA_TF32, c, a, b);
}
SW_DEVICE void sw_mma_s8(sw_tile_s32 &c, const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    sw_emulated_mma_tile(SW_EMULATED_MMA_S8, c, a, b);
}

#endif
