/*
 * Added tokens: strings that are found in the text before anything else is done with it, longest
 * first from the left. Those with normalized false are looked for in the text as it came, the
 * others in normalized text.
 */
#ifndef SW_TEXT_ADDED_TOKENS_H
#define SW_TEXT_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/pieces.h"

enum { SW_ADDED_TOKEN_MAX_BYTES = 1024 };

struct sw_added_token {
    char *content; /* (size) and NUL, owned */
    size_t size;
    char
        *found_as; /* (found_size), owned: what is looked for and decoded, normalized where asked */
    size_t found_size;
    int32_t id;
    bool special, lstrip, rstrip, single_word, normalized;
};

struct sw_added_tokens {
    struct sw_added_token *items; /* (n), owned */
    size_t n;
    struct sw_finder *finders[2]; /* owned; by normalized; NULL where there is no such token */
};

/* Builds the finders once items are complete. name is the file for messages. */
enum sw_code sw_added_tokens_build(struct sw_added_tokens *tokens, const char *name,
                                   struct sw_error *err);
void sw_added_tokens_free(struct sw_added_tokens *tokens);

/* Cuts text, which is base[start .. start + size), at the tokens with that value of normalized, and
 * adds the pieces. */
void sw_added_tokens_split(const struct sw_added_tokens *tokens, bool normalized, const char *base,
                           size_t start, size_t size, bool at_start, struct sw_pieces *out);

#endif
