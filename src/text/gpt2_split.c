#include "text/gpt2_split.h"

#include <string.h>

#include "text/char_class.h"

/* Bytes of 's, 't, 're, 've, 'm, 'll or 'd at text[at], which is an apostrophe; 0 for none. */
static size_t contraction(const char *text, size_t at, size_t size)
{
    size_t left = size - at - 1;
    const char *next = text + at + 1;
    if (left >= 2 &&
        (memcmp(next, "re", 2) == 0 || memcmp(next, "ve", 2) == 0 || memcmp(next, "ll", 2) == 0))
        return 3;
    return left >= 1 && next[0] != 0 && strchr("stmd", next[0]) != NULL ? 2 : 0;
}

/* One of the three kinds of run, or 0 for what is neither space, letter nor number. */
static unsigned kind_at(const char *text, size_t at, size_t *length)
{
    return sw_char_class_at(text, at, length) & (SW_CHAR_LETTER | SW_CHAR_NUMBER | SW_CHAR_SPACE);
}

/* The white space from text[at] on: all of it at the end of the text, else without its last
 * character, which the next word takes along, unless it is the only one. */
static size_t space_end(const char *text, size_t at, size_t size)
{
    size_t length, last = at, end = at;
    while (end < size && kind_at(text, end, &length) == SW_CHAR_SPACE) {
        last = end;
        end += length;
    }
    return end == size || last == at ? end : last;
}

size_t sw_gpt2_word_end(const char *text, size_t at, size_t size)
{
    size_t length, end = at;
    if (text[at] == '\'') {
        size_t n = contraction(text, at, size);
        if (n > 0)
            return at + n;
    }
    unsigned kind = kind_at(text, at, &length);
    end += length;
    if (kind == SW_CHAR_SPACE) {
        if (text[at] != ' ' || end == size)
            return space_end(text, at, size);
        kind = kind_at(text, end, &length);
        if (kind == SW_CHAR_SPACE)
            return space_end(text, at, size);
        end += length;
    }
    while (end < size && kind_at(text, end, &length) == kind)
        end += length;
    return end;
}
