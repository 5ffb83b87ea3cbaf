/*
 * The 256 characters that stand for bytes in byte-level vocabularies (GPT-2's): printable Latin-1
 * bytes stand for themselves, the 68 others are U+0100 on, in order.
 */
#ifndef SW_TEXT_BYTE_ALPHABET_H
#define SW_TEXT_BYTE_ALPHABET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool sw_byte_is_printable(int32_t b)
{
    return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xff && b != 0xad);
}

/* Character for a byte, U+0021 to U+0143. */
int32_t sw_byte_to_char(unsigned char byte);

/* Byte for a character, or -1. */
int sw_char_to_byte(int32_t code_point);

/* Turns valid UTF-8 written in the alphabet into bytes; out holds size bytes. False if another
 * character occurs. */
bool sw_bytes_from_alphabet(char *out, size_t *n, const char *text, size_t size);

#endif
