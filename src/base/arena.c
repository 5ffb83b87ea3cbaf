#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/number.h"

void *sw_arena_take(struct sw_arena *arena, size_t n, size_t size)
{
    size_t bytes, end;
    if (!sw_size_mul(&bytes, n, size) || !sw_size_add(&bytes, bytes, SW_ARENA_ALIGN - 1) ||
        !sw_size_add(&end, arena->used, bytes / SW_ARENA_ALIGN * SW_ARENA_ALIGN)) {
        arena->is_too_large = true;
        return NULL;
    }
    void *piece = arena->base != NULL ? arena->base + arena->used : NULL;
    arena->used = end;
    assert(arena->base == NULL || end <= arena->size);
    return piece;
}

enum sw_code sw_arena_map(struct sw_arena *arena, const char *what, struct sw_error *err)
{
    if (arena->is_too_large)
        return sw_fail(err, SW_ENOMEM, "%s: more memory than an address can name", what);
    size_t size = arena->used > 0 ? arena->used : 1;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return sw_fail(err, SW_ENOMEM, "%s: no memory for %zu bytes: %s", what, size,
                       strerror(errno));
    madvise(base, size, MADV_HUGEPAGE);
    *arena = (struct sw_arena){.base = base, .size = size};
    return SW_OK;
}

void sw_arena_unmap(struct sw_arena *arena)
{
    if (arena->base != NULL)
        munmap(arena->base, arena->size);
    *arena = (struct sw_arena){0};
}
