#include "text/pieces.h"

#include <stdint.h>
#include <stdlib.h>

void sw_pieces_add(struct sw_pieces *pieces, size_t start, size_t size, int32_t id, bool at_start)
{
    if (size == 0 && id < 0)
        return;
    if (pieces->n == pieces->capacity) {
        size_t capacity = pieces->capacity == 0 ? 64 : pieces->capacity * 2;
        struct sw_piece *items = capacity > SIZE_MAX / sizeof *items
                                     ? NULL
                                     : realloc(pieces->items, capacity * sizeof *items);
        if (items == NULL) {
            pieces->failed = true;
            return;
        }
        pieces->items = items;
        pieces->capacity = capacity;
    }
    pieces->items[pieces->n++] =
        (struct sw_piece){.start = start, .size = size, .id = id, .at_start = at_start};
}

void sw_pieces_add_text(struct sw_pieces *pieces, const char *bytes, size_t size, int32_t id,
                        bool at_start)
{
    size_t start = pieces->own.size;
    sw_buffer_append(&pieces->own, bytes, size);
    sw_pieces_add(pieces, start, size, id, at_start);
}

void sw_pieces_finish(struct sw_pieces *pieces)
{
    if (pieces->own.failed)
        pieces->failed = true;
    pieces->text = pieces->own.data != NULL ? pieces->own.data : "";
}

void sw_pieces_free(struct sw_pieces *pieces)
{
    free(pieces->items);
    sw_buffer_free(&pieces->own);
    *pieces = (struct sw_pieces){0};
}
