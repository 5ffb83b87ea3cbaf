/*
 * A text under way to ids: pieces of one buffer, each either text that the next step may split or
 * rewrite, or an added token that no step touches any more.
 */
#ifndef SW_TEXT_PIECES_H
#define SW_TEXT_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct sw_piece {
    size_t start, size; /* bytes of the text */
    int32_t id;         /* an added token's id, or -1 for text */
    bool at_start;      /* holds the first character of the whole input */
};

struct sw_pieces {
    const char *text;       /* what start and size refer to: borrowed, or own.data */
    struct sw_buffer own;   /* the text if a step rewrote it */
    struct sw_piece *items; /* (n), owned */
    size_t n, capacity;
    bool failed; /* out of memory; checked once at the end, like a buffer's */
};

/* Text that is empty is dropped, as the reference does after every step. */
void sw_pieces_add(struct sw_pieces *pieces, size_t start, size_t size, int32_t id, bool at_start);

/* Appends bytes to own and a piece for them. text is set by sw_pieces_finish. */
void sw_pieces_add_text(struct sw_pieces *pieces, const char *bytes, size_t size, int32_t id,
                        bool at_start);
void sw_pieces_finish(struct sw_pieces *pieces);

void sw_pieces_free(struct sw_pieces *pieces);

#endif
