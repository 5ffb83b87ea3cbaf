/*
 * Regular expressions of tokenizer.json are written for Oniguruma (Ruby's syntax). This turns one
 * into the PCRE2 pattern that matches the same, and refuses by name what has no equal.
 */
#ifndef SW_TEXT_REGEX_SYNTAX_H
#define SW_TEXT_REGEX_SYNTAX_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

/* To be compiled with PCRE2_UTF, PCRE2_UCP, PCRE2_MULTILINE and newline LF. where is file and place
 * for messages. */
enum sw_code sw_regex_translate(struct sw_buffer *out, const char *regex, size_t size,
                                const char *where, struct sw_error *err);

#endif
