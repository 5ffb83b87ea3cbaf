/* What compilers are told about code that is to stay in registers. */
#ifndef SW_BACKEND_CPU_REGISTERS_H
#define SW_BACKEND_CPU_REGISTERS_H

#define INLINE static inline __attribute__((always_inline))

/* Loops over registers must be unrolled, or the registers live on the stack. Emulated ones live
 * there anyway. */
#if defined(SW_EMULATED)
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Says that a sum is in a register here, after this step: whole numbers may be added in any order,
 * and the compiler would rather keep products of many steps on the stack. */
#if defined(SW_EMULATED)
#define KEEP(sum) ((void)0)
#elif defined(__aarch64__)
#define KEEP(sum) __asm__("" : "+w"(sum))
#else
#define KEEP(sum) __asm__("" : "+v"(sum))
#endif

#endif
