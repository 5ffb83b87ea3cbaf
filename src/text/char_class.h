/*
 * What the reference library takes a character for. Its regex engine (letters, numbers, white space
 * of patterns) and its own language (digits, word characters, white space beside added tokens)
 * follow Unicode versions of their own, so the table is asked of the library itself
 * (scripts/make-char-classes.py).
 */
#ifndef SW_TEXT_CHAR_CLASS_H
#define SW_TEXT_CHAR_CLASS_H

#include <stddef.h>
#include <stdint.h>

enum {
    SW_CHAR_LETTER = 1,  /* \p{L} of the reference's regex engine */
    SW_CHAR_NUMBER = 2,  /* \p{N} of the same */
    SW_CHAR_SPACE = 4,   /* \s of the same */
    SW_CHAR_NUMERIC = 8, /* what its step Digits splits at */
    SW_CHAR_WORD = 16,   /* beside it, a single_word token does not stand alone */
    SW_CHAR_WHITE = 32,  /* what lstrip and rstrip tokens take along */
};

extern const uint8_t sw_char_class_ascii[128];
extern const uint32_t sw_char_class_runs[]; /* first code point << 8 | classes, rising */
extern const size_t sw_char_class_n_runs;

/* Classes of a code point from 0x80. */
unsigned sw_char_class_wide(int32_t code_point);

static inline unsigned sw_char_class(int32_t code_point)
{
    return code_point < 0x80 ? sw_char_class_ascii[code_point] : sw_char_class_wide(code_point);
}

/* Classes of the character at text[at], which is valid UTF-8, and the bytes it takes. */
unsigned sw_char_class_at(const char *text, size_t at, size_t *length);

#endif
