#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct sw_random rng = {.seed = 20261123};
size_t n_cases;
char first_failure[256];

void failed(const char *format, ...)
{
    if (first_failure[0] != 0)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(first_failure, sizeof first_failure, format, args);
    va_end(args);
}

enum { MOST_ARRAYS = 24 };
static struct {
    void *map;
    size_t size;
} arrays[MOST_ARRAYS];
size_t n_arrays;

void *bytes(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (n + page - 1) / page * page;
    unsigned char *map =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || n_arrays == MOST_ARRAYS ||
        mprotect(map + size, page, PROT_NONE) != 0) {
        printf("Bail out! no memory\n");
        exit(1);
    }
    arrays[n_arrays].map = map;
    arrays[n_arrays++].size = size + page;
    return memset(map + size - n, 0xff, n);
}

float *array(size_t n)
{
    return bytes(n * sizeof(float));
}

void free_arrays_from(size_t kept)
{
    while (n_arrays > kept) {
        n_arrays--;
        munmap(arrays[n_arrays].map, arrays[n_arrays].size);
    }
}

void free_arrays(void)
{
    free_arrays_from(0);
}

float number(void)
{
    if (sw_random_below(&rng, 50) == 0)
        return sw_random_below(&rng, 2) ? 0.0f : -0.0f;
    float x = (float)(2 * sw_random_unit(&rng) - 1);
    return ldexpf(x, (int)sw_random_below(&rng, 5) - 2);
}

void fill_row(float *row, size_t n, enum operands operands)
{
    const float sizes[] = {0,        1,     0x1p-120f, 0x1p-100f, 0x1.000002p-100f,
                           0x1p-90f, 1e-9f, 3e-7f,     0x1p-14f,  0.0003f,
                           127,      1e5f,  1e9f,      1e18f,     3e30f};
    const float invalid[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++)
        row[i] = number();
    if (operands == OPERANDS_EXTREMES) {
        float size = 0;
        bool is_signed = false;
        for (size_t i = 0; i < n; i++) {
            if (i % 32 == 0) {
                size = sizes[sw_random_below(&rng, sizeof sizes / sizeof *sizes)];
                is_signed = sw_random_below(&rng, 2) == 0;
            }
            row[i] = is_signed && sw_random_below(&rng, 2) == 0 ? -size : size;
        }
    }
    if (operands == OPERANDS_INVALID && n > 0 && sw_random_below(&rng, 2) == 0)
        row[sw_random_below(&rng, (uint32_t)n)] = invalid[sw_random_below(&rng, 4)];
}

bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

const struct sw_kernels *definition(void)
{
    return sw_kernels_of(SW_CPU_SCALAR);
}
