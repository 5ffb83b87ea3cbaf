/*
 * The model of tokenizer.json: byte pair encoding. A word starts as its characters (or bytes) and
 * the pair that was learned first is merged, leftmost first, until no pair of the list is left.
 */
#ifndef SW_TEXT_BPE_H
#define SW_TEXT_BPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

struct sw_merge; /* a slot of the table of merges */

struct sw_bpe {
    struct sw_vocab vocab;
    struct sw_merge *merges; /* (merge_mask + 1), hashed by pair */
    size_t merge_mask;
    int32_t *result_of; /* (n_merges): id that the merge of that rank makes */
    uint64_t *joins;    /* (join_mask + 1), hashed: start symbols that some merge brings side by
                           side, left << 32 | right; UINT64_MAX free */
    size_t join_mask;
    bool irregular; /* a merge names the unknown or a byte token, which are start symbols too: then
                       only the queue is exact */
    size_t n_merges;
    bool byte_level;    /* words are bytes, not characters */
    bool ignore_merges; /* a word of the vocabulary is its token, whatever the merges */
    bool byte_fallback, fuse_unk, has_unk;
    int32_t unk_id;         /* -1: not in the vocabulary, an error once it is needed */
    int32_t byte_ids[256];  /* of "<0x00>" to "<0xFF>", -1 */
    int32_t start_ids[256]; /* of a byte, or of an ASCII character; -1 */
    char *unk_token;        /* owned */
};

/* Working memory of one thread; zero-initialise. */
struct sw_bpe_scratch {
    int32_t *ids; /* (n) symbols of the word */
    size_t n, capacity;
    uint32_t *prev, *next; /* (link_capacity) */
    uint64_t *queue;       /* (2 link_capacity) */
    size_t link_capacity;
};

/* model is the file's "model"; byte_level: the pre-tokenizer ends with bytes. */
enum sw_code sw_bpe_build(struct sw_bpe *bpe, const json_t *model, bool byte_level,
                          const char *name, struct sw_error *err);
void sw_bpe_free(struct sw_bpe *bpe);
void sw_bpe_scratch_free(struct sw_bpe_scratch *scratch);

/* Appends the ids of one word: valid UTF-8, or any bytes where byte_level. */
enum sw_code sw_bpe_encode(const struct sw_bpe *bpe, const char *word, size_t size,
                           struct sw_bpe_scratch *scratch, struct sw_ids *ids,
                           struct sw_error *err);

/* Room for n more ids; false if out of memory. */
bool sw_ids_reserve(struct sw_ids *ids, size_t n);

/* Used by the loader: puts a pair into the table; a pair given again gets the later rank. */
enum sw_code sw_bpe_merges_create(struct sw_bpe *bpe, size_t n_merges);
void sw_bpe_merges_put(struct sw_bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t id);

/* Used by the loader: notes that a merge joins these start symbols. */
void sw_bpe_joins_put(struct sw_bpe *bpe, int32_t left, int32_t right);

#endif
