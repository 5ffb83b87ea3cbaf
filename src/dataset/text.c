#include "dataset/text.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

struct sw_dataset_text {
    struct sw_dataset_text *next;
    size_t used; /* bytes of data taken */
    size_t capacity;
    alignas(char *) char data[];
};

enum { BLOCK_BYTES = 64 << 10 };

static char *take(struct sw_dataset_text **texts, size_t size, size_t alignment)
{
    struct sw_dataset_text *block = *texts;
    if (block != NULL) {
        size_t start = (block->used + alignment - 1) / alignment * alignment;
        if (start <= block->capacity && size <= block->capacity - start) {
            block->used = start + size;
            return block->data + start;
        }
    }
    /* A large text gets a block of its own behind the current one, which has room left. */
    bool is_large = size > BLOCK_BYTES / 4;
    size_t capacity = is_large ? size : BLOCK_BYTES;
    size_t total;
    if (!sw_size_add(&total, sizeof *block, capacity))
        return NULL;
    struct sw_dataset_text *fresh = malloc(total);
    if (fresh == NULL)
        return NULL;
    fresh->capacity = capacity;
    fresh->used = size;
    if (block != NULL && is_large) {
        fresh->next = block->next;
        block->next = fresh;
    } else {
        fresh->next = block;
        *texts = fresh;
    }
    return fresh->data;
}

char *sw_dataset_text_add(struct sw_dataset_text **texts, const char *bytes, size_t size)
{
    char *text = take(texts, size + 1, 1);
    if (text == NULL)
        return NULL;
    memcpy(text, bytes, size);
    text[size] = 0;
    return text;
}

char **sw_dataset_text_add_pointers(struct sw_dataset_text **texts, size_t n)
{
    size_t size;
    if (!sw_size_mul(&size, n, sizeof(char *)))
        return NULL;
    void *pointers = take(texts, size, alignof(char *));
    if (pointers != NULL)
        memset(pointers, 0, size);
    return pointers;
}

void sw_dataset_text_free(struct sw_dataset_text *texts)
{
    while (texts != NULL) {
        struct sw_dataset_text *next = texts->next;
        free(texts);
        texts = next;
    }
}
