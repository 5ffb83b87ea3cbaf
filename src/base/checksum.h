/*
 * A fast checksum against accidents, at the speed of memory: not a digest that withstands an
 * attacker. It is taken over blocks of SW_CHECKSUM_BLOCK bytes, so that threads share the work, and
 * SHA-256 over the blocks' sums makes one text of them. One changed word of 8 bytes always changes
 * the sum of its block; several pass with a chance of 2^-64.
 */
#ifndef SW_BASE_CHECKSUM_H
#define SW_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"

enum { SW_CHECKSUM_BLOCK = 1 << 20 };

/* Of one block. */
uint64_t sw_checksum_block(const void *bytes, size_t size);

struct sw_checksum_span {
    const void *bytes;
    size_t size;
};

/* Over all spans, one behind the other, each in blocks of its own. pool may be NULL. */
enum sw_code sw_checksum_memory(char hex[65], const struct sw_checksum_span *spans, size_t n_spans,
                                struct sw_pool *pool, struct sw_error *err);

/* Over a file, read and not mapped, so that one cut short meanwhile is an error and no signal.
 * *size becomes its bytes. */
enum sw_code sw_checksum_file(char hex[65], uint64_t *size, const char *path, struct sw_pool *pool,
                              struct sw_error *err);

#endif
