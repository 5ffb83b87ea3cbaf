/*
 * Memory sized once and taken in pieces. The same layout function runs twice: first on an empty
 * arena, which only counts, then, after sw_arena_map, for real.
 *
 *     struct sw_arena arena = {0};
 *     layout(&arena);             every sw_arena_take returns NULL and adds up
 *     sw_arena_map(&arena, &err); one mapping of that size, zeroed
 *     layout(&arena);             the pieces
 *     sw_arena_unmap(&arena);
 */
#ifndef SW_BASE_ARENA_H
#define SW_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { SW_ARENA_ALIGN = 128 }; /* bytes: two cache lines, so that no two pieces share one */

struct sw_arena {
    unsigned char *base; /* NULL while counting */
    size_t size;         /* bytes mapped */
    size_t used;         /* bytes taken so far */
    bool is_too_large;   /* a size overflowed */
};

/* n elements of size bytes each, zero, aligned to SW_ARENA_ALIGN; NULL while counting. */
void *sw_arena_take(struct sw_arena *arena, size_t n, size_t size);

/* Maps what was counted, on huge pages where the system gives them, and starts again at 0. what
 * names the memory in the message. Pages are touched by whoever writes them first. */
enum sw_code sw_arena_map(struct sw_arena *arena, const char *what, struct sw_error *err);
void sw_arena_unmap(struct sw_arena *arena);

#endif
