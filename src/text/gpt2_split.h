/*
 * The word pattern of GPT-2 that the step ByteLevel cuts text with, written out by hand:
 *
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
#ifndef SW_TEXT_GPT2_SPLIT_H
#define SW_TEXT_GPT2_SPLIT_H

#include <stddef.h>

/* End of the word that begins at text[at]; at < size, valid UTF-8. Every character is in a word. */
size_t sw_gpt2_word_end(const char *text, size_t at, size_t size);

#endif
