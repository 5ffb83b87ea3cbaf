/* What the address sanitizer is told, where it is built in. */
#ifndef SW_BACKEND_CUDA_EMULATION_SANITIZER_H
#define SW_BACKEND_CUDA_EMULATION_SANITIZER_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define SW_WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SW_WITH_ASAN 1
#endif
#endif

#ifdef SW_WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* No one may touch the bytes. */
static inline void sw_sanitizer_poison(const void *at, size_t bytes)
{
#ifdef SW_WITH_ASAN
    __asan_poison_memory_region(at, bytes);
#else
    (void)at, (void)bytes;
#endif
}

static inline void sw_sanitizer_unpoison(const void *at, size_t bytes)
{
#ifdef SW_WITH_ASAN
    __asan_unpoison_memory_region(at, bytes);
#else
    (void)at, (void)bytes;
#endif
}

#endif
