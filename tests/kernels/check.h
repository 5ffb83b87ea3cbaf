/*
 * What the checks of the kernels share. A check is a function check_<kernel> for each line of the
 * lists in kernels.h: it runs one level's kernel on many operands, counts them in n_cases, and says
 * with failed what went wrong first.
 */
#ifndef SW_TESTS_KERNELS_CHECK_H
#define SW_TESTS_KERNELS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/cpu/kernels.h"
#include "base/random.h"

/* Of all numbers of rows every n-th, and of depths of what is slow to pack: emulated, a check takes
 * many times as long. Together they still meet every tail. */
#ifdef SW_SLOW
enum { ROWS_STEP = 3 };
#define DEPTH_STEP(k) 5
#else
enum { ROWS_STEP = 1 };
#define DEPTH_STEP(k) (1 + (k) % 3)
#endif

extern struct sw_random rng;
extern size_t n_cases;          /* of the check under way */
extern char first_failure[256]; /* "" while all is well */

__attribute__((format(printf, 1, 2))) void failed(const char *format, ...);

/* Memory of size bytes whose last is the last before an unreadable page: one byte too far is a
 * crash. Filled with 0xff, which is NaN as float, bf16 and f16, and -1. Freed by free_arrays, or,
 * what was taken since n_arrays was kept, by free_arrays_from(kept). */
void *bytes(size_t size);
float *array(size_t n); /* n floats of it */
extern size_t n_arrays;
void free_arrays_from(size_t kept);
void free_arrays(void);

/* Signed, over some powers of two, now and then an exact zero. */
float number(void);

/* Operands beyond what number gives. */
enum operands {
    OPERANDS_NUMBERS,  /* number() */
    OPERANDS_EXTREMES, /* all of one row's block of one size, zero, tiny, huge or ordinary */
    OPERANDS_INVALID,  /* numbers, with NaN and infinities here and there */
    N_OPERANDS
};
void fill_row(float *row, size_t n, enum operands operands);

/* NaNs are the same whatever they carry. */
bool same_bits(float a, float b);

const struct sw_kernels *definition(void); /* the scalar table */

void check_exp(void); /* the exponential itself */
#define X(type, kernel, arguments) void check_##kernel(const struct sw_kernels *kernels);
SW_KERNELS(X)
#undef X

/* Prints the speed of each kernel of a level. */
void bench_level(const struct sw_kernels *kernels);

#endif
