/*
 * Tokens by id and ids by token. Two spellings: the name in the file ("Ġthe"), and the word that
 * the model is asked for, which for byte-level tokenizers is the bytes themselves (" the").
 */
#ifndef SW_TEXT_VOCAB_H
#define SW_TEXT_VOCAB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Ids beyond this are refused, whatever the number of tokens. */
enum { SW_MAX_TOKEN_ID = (1 << 24) - 1 };

struct sw_vocab_token {
    uint32_t name_at, name_size; /* in names */
    uint32_t word_at, word_size; /* in words */
    bool exists;                 /* the id is in the model's vocabulary */
    bool has_word;               /* false: no input can spell it */
    bool whole;                  /* the model turns the word into this one token */
};

struct sw_vocab {
    struct sw_vocab_token *tokens; /* (n_ids), by id */
    size_t n_ids;                  /* highest id + 1 */
    size_t n_tokens;
    char *names, *words;
    int32_t *slots; /* (mask + 1): ids hashed by word, -1 free */
    size_t mask;
    uint64_t seed; /* of the hash: a file cannot be made to collide */
    size_t longest_word;
};

/* entries is the object token -> id of the file; byte_level chooses the words. */
enum sw_code sw_vocab_build(struct sw_vocab *vocab, const json_t *entries, bool byte_level,
                            const char *name, struct sw_error *err);
void sw_vocab_free(struct sw_vocab *vocab);

/* Id of a word, or -1. */
int32_t sw_vocab_find(const struct sw_vocab *vocab, const char *word, size_t size);

/* Integer id of an entry of the file, or -1. */
int32_t sw_vocab_entry(const json_t *entries, const char *name);

#endif
