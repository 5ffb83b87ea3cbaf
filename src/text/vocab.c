#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "text/byte_alphabet.h"

static uint64_t hash_word(const struct sw_vocab *vocab, const char *word, size_t size)
{
    uint64_t h = vocab->seed ^ (size * UINT64_C(0x9e3779b97f4a7c15));
    uint64_t part;
    for (; size > 8; size -= 8, word += 8) {
        memcpy(&part, word, 8);
        h = (h ^ part) * UINT64_C(0xbf58476d1ce4e5b9);
        h ^= h >> 29;
    }
    part = 0;
    for (size_t i = 0; i < size; i++)
        part = part << 8 | (unsigned char)word[i];
    h = (h ^ part) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 32);
}

int32_t sw_vocab_find(const struct sw_vocab *vocab, const char *word, size_t size)
{
    if (size > vocab->longest_word)
        return -1;
    size_t slot = hash_word(vocab, word, size) & vocab->mask;
    int32_t id;
    while ((id = vocab->slots[slot]) >= 0) {
        const struct sw_vocab_token *token = &vocab->tokens[id];
        if (token->word_size == size && memcmp(vocab->words + token->word_at, word, size) == 0)
            return id;
        slot = (slot + 1) & vocab->mask;
    }
    return -1;
}

static void insert(struct sw_vocab *vocab, int32_t id)
{
    const struct sw_vocab_token *token = &vocab->tokens[id];
    size_t slot = hash_word(vocab, vocab->words + token->word_at, token->word_size) & vocab->mask;
    while (vocab->slots[slot] >= 0)
        slot = (slot + 1) & vocab->mask;
    vocab->slots[slot] = id;
    if (token->word_size > vocab->longest_word)
        vocab->longest_word = token->word_size;
}

int32_t sw_vocab_entry(const json_t *entries, const char *name)
{
    const json_t *id = json_object_get(entries, name);
    return json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
}

/* Checks every id and counts what the tables must hold. */
static enum sw_code measure(struct sw_vocab *vocab, const json_t *entries, size_t *n_bytes,
                            const char *name, struct sw_error *err)
{
    const char *key;
    json_t *value;
    json_int_t highest = -1;
    *n_bytes = 0;
    vocab->n_tokens = json_object_size(entries);
    /* Gaps are allowed, but not so many that a small file asks for much memory. */
    json_int_t most = (json_int_t)vocab->n_tokens * 4 + 65536;
    if (most > SW_MAX_TOKEN_ID)
        most = SW_MAX_TOKEN_ID;
    json_object_foreach((json_t *)entries, key, value)
    {
        if (!json_is_integer(value))
            return sw_fail(err, SW_EFORMAT, "%s: model.vocab: the id of \"%.80s\" is no integer",
                           name, key);
        json_int_t id = json_integer_value(value);
        if (id < 0 || id > most)
            return sw_fail(err, SW_EFORMAT,
                           "%s: model.vocab: \"%.80s\" has id %" JSON_INTEGER_FORMAT
                           ", outside 0 to %" JSON_INTEGER_FORMAT " for %zu tokens",
                           name, key, id, most, vocab->n_tokens);
        if (id > highest)
            highest = id;
        *n_bytes += strlen(key);
    }
    vocab->n_ids = (size_t)(highest + 1);
    if (*n_bytes > UINT32_MAX)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: model.vocab: %zu bytes of tokens", name,
                       *n_bytes);
    return SW_OK;
}

enum sw_code sw_vocab_build(struct sw_vocab *vocab, const json_t *entries, bool byte_level,
                            const char *name, struct sw_error *err)
{
    const char *key;
    size_t n_bytes;
    json_t *value;
    enum sw_code code = measure(vocab, entries, &n_bytes, name, err);
    if (code != SW_OK)
        return code;
    size_t n_slots = 16;
    while (n_slots < vocab->n_tokens * 2)
        n_slots *= 2;
    vocab->mask = n_slots - 1;
    vocab->seed = sw_random_mix(sw_clock_ns() ^ (uint64_t)(uintptr_t)vocab);
    vocab->tokens = calloc(vocab->n_ids + 1, sizeof *vocab->tokens);
    vocab->names = malloc(n_bytes + 1);
    vocab->words = malloc(n_bytes + 1);
    vocab->slots = malloc(n_slots * sizeof *vocab->slots);
    if (vocab->tokens == NULL || vocab->names == NULL || vocab->words == NULL ||
        vocab->slots == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    for (size_t i = 0; i < n_slots; i++)
        vocab->slots[i] = -1;
    size_t name_at = 0, word_at = 0;
    json_object_foreach((json_t *)entries, key, value)
    {
        int32_t id = (int32_t)json_integer_value(value);
        size_t key_size = strlen(key);
        struct sw_vocab_token *token = &vocab->tokens[id];
        if (token->exists)
            return sw_fail(err, SW_EFORMAT, "%s: model.vocab: \"%.80s\" and \"%.*s\" share id %d",
                           name, key, token->name_size > 80 ? 80 : (int)token->name_size,
                           vocab->names + token->name_at, id);
        memcpy(vocab->names + name_at, key, key_size);
        size_t word_size = key_size;
        token->has_word = true;
        if (byte_level)
            token->has_word =
                sw_bytes_from_alphabet(vocab->words + word_at, &word_size, key, key_size);
        else
            memcpy(vocab->words + word_at, key, key_size);
        token->exists = true;
        token->name_at = (uint32_t)name_at;
        token->name_size = (uint32_t)key_size;
        token->word_at = (uint32_t)word_at;
        token->word_size = token->has_word ? (uint32_t)word_size : 0;
        name_at += key_size;
        word_at += token->word_size;
        if (token->word_size == 0)
            token->has_word = false; /* nobody asks for the empty word */
        if (token->has_word)
            insert(vocab, id);
    }
    return SW_OK;
}

void sw_vocab_free(struct sw_vocab *vocab)
{
    free(vocab->tokens);
    free(vocab->names);
    free(vocab->words);
    free(vocab->slots);
    *vocab = (struct sw_vocab){0};
}
