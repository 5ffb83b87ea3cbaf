#include "support/alloc.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static atomic_long calls_left = -1; /* below 0: never fail */
static atomic_bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
    if (atomic_load(&calls_left) < 0)
        return false;
    if (atomic_fetch_sub(&calls_left, 1) > 0)
        return false;
    atomic_store(&calls_left, 0);
    atomic_store(&failed, true);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void sw_test_alloc_fail_from(long n)
{
    atomic_store(&failed, false);
    atomic_store(&calls_left, n);
}

bool sw_test_alloc_normal(void)
{
    atomic_store(&calls_left, -1);
    return atomic_load(&failed);
}

void sw_test_alloc_count_json(void)
{
    json_set_alloc_funcs(__wrap_malloc, free);
}
