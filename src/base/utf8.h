/*
 * UTF-8, strictly: no overlong forms, no surrogates, nothing past U+10FFFF. Invalid input is split
 * as Unicode recommends (The Unicode Standard 15, section 3.9, "maximal subpart"): one U+FFFD per
 * maximal invalid part.
 */
#ifndef SW_BASE_UTF8_H
#define SW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* The character at bytes[0..size), size from 1. *length becomes the bytes that it, or the maximal
 * invalid part, takes (1 to 4). Returns the code point, or -1 for an invalid part. */
int32_t sw_utf8_decode(const unsigned char *bytes, size_t size, size_t *length);

/* Writes 1 to 4 bytes for a valid code point, and returns how many. */
size_t sw_utf8_encode(char out[4], int32_t code_point);

/* Bytes at the end of the text that begin a character but do not finish it (0 to 3). */
size_t sw_utf8_incomplete_tail(const char *bytes, size_t size);

bool sw_utf8_valid(const char *bytes, size_t size);

/* Appends text with every maximal invalid part replaced by U+FFFD. */
void sw_utf8_append_repaired(struct sw_buffer *out, const char *bytes, size_t size);

#endif
