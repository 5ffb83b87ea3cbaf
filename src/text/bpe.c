/*
 * Short words are merged by looking over all their pairs; long ones through a queue of pairs and a
 * linked list of symbols, in n log n: a megabyte of one letter is no trap. Long words are first cut
 * where no merge ever joins the two symbols, so that text without a pre-tokenizer is many short
 * words. All of it does what the reference's queue does.
 */
#include "text/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/byte_alphabet.h"

struct sw_merge {
    int32_t left, right; /* left -1: free */
    uint32_t rank;
    int32_t id;
};

enum { SHORT_WORD = 48 };
static const uint32_t no_rank = UINT32_MAX;

static size_t hash_pair(const struct sw_bpe *bpe, int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) ^ bpe->vocab.seed;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    h *= UINT64_C(0xbf58476d1ce4e5b9);
    return (size_t)(h >> 32);
}

static size_t merge_slot(const struct sw_bpe *bpe, int32_t left, int32_t right)
{
    size_t slot = hash_pair(bpe, left, right) & bpe->merge_mask;
    for (;; slot = (slot + 1) & bpe->merge_mask) {
        const struct sw_merge *m = &bpe->merges[slot];
        if (m->left < 0 || (m->left == left && m->right == right))
            return slot;
    }
}

static size_t join_slot(const struct sw_bpe *bpe, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t slot = hash_pair(bpe, left, right) & bpe->join_mask;
    while (bpe->joins[slot] != UINT64_MAX && bpe->joins[slot] != key)
        slot = (slot + 1) & bpe->join_mask;
    return slot;
}

void sw_bpe_joins_put(struct sw_bpe *bpe, int32_t left, int32_t right)
{
    bpe->joins[join_slot(bpe, left, right)] = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static inline uint32_t rank_of(const struct sw_bpe *bpe, int32_t left, int32_t right)
{
    return bpe->merges[merge_slot(bpe, left, right)].rank;
}

enum sw_code sw_bpe_merges_create(struct sw_bpe *bpe, size_t n_merges)
{
    size_t n_slots = 16;
    while (n_slots < n_merges * 2)
        n_slots *= 2;
    bpe->merge_mask = bpe->join_mask = n_slots - 1;
    bpe->merges = malloc(n_slots * sizeof *bpe->merges);
    bpe->joins = malloc(n_slots * sizeof *bpe->joins);
    bpe->result_of = malloc((n_merges + 1) * sizeof *bpe->result_of);
    if (bpe->merges == NULL || bpe->joins == NULL || bpe->result_of == NULL)
        return SW_ENOMEM;
    memset(bpe->joins, 0xff, n_slots * sizeof *bpe->joins);
    for (size_t i = 0; i < n_slots; i++)
        bpe->merges[i] = (struct sw_merge){-1, -1, no_rank, -1};
    bpe->n_merges = n_merges;
    return SW_OK;
}

void sw_bpe_merges_put(struct sw_bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t id)
{
    bpe->merges[merge_slot(bpe, left, right)] = (struct sw_merge){left, right, rank, id};
    bpe->result_of[rank] = id;
}

void sw_bpe_free(struct sw_bpe *bpe)
{
    sw_vocab_free(&bpe->vocab);
    free(bpe->merges);
    free(bpe->joins);
    free(bpe->result_of);
    free(bpe->unk_token);
    *bpe = (struct sw_bpe){0};
}

void sw_bpe_scratch_free(struct sw_bpe_scratch *scratch)
{
    free(scratch->ids);
    free(scratch->prev);
    free(scratch->next);
    free(scratch->queue);
    *scratch = (struct sw_bpe_scratch){0};
}

/* Room for a word of n symbols. */
static bool reserve_symbols(struct sw_bpe_scratch *s, size_t n)
{
    if (n <= s->capacity)
        return true;
    free(s->ids);
    s->capacity = n + n / 2;
    s->ids = malloc(s->capacity * sizeof *s->ids);
    if (s->ids == NULL)
        s->capacity = 0;
    return s->ids != NULL;
}

/* Room for merging n symbols through the queue. */
static bool reserve_links(struct sw_bpe_scratch *s, size_t n)
{
    if (n <= s->link_capacity)
        return true;
    free(s->prev);
    free(s->next);
    free(s->queue);
    n += n / 2;
    s->prev = malloc(n * sizeof *s->prev);
    s->next = malloc(n * sizeof *s->next);
    s->queue = malloc(2 * n * sizeof *s->queue);
    bool ok = s->prev != NULL && s->next != NULL && s->queue != NULL;
    s->link_capacity = ok ? n : 0;
    return ok;
}

bool sw_ids_reserve(struct sw_ids *ids, size_t n)
{
    if (n <= ids->capacity - ids->n)
        return true;
    if (n > SIZE_MAX / 16 - ids->n)
        return false;
    size_t capacity = ids->capacity < 16 ? 16 : ids->capacity * 2;
    if (capacity < ids->n + n)
        capacity = ids->n + n;
    int32_t *data = realloc(ids->data, capacity * sizeof *data);
    if (data == NULL)
        return false;
    ids->data = data;
    ids->capacity = capacity;
    return true;
}

/* Ids of the bytes of a character that has no token; false unless all have one. */
static bool fall_back(const struct sw_bpe *bpe, struct sw_bpe_scratch *s, const char *bytes,
                      size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bpe->byte_ids[(unsigned char)bytes[i]] < 0)
            return false;
    }
    for (size_t i = 0; i < size; i++)
        s->ids[s->n++] = bpe->byte_ids[(unsigned char)bytes[i]];
    return true;
}

/* The characters of a word as symbols. A character without token becomes its bytes, else the
 * unknown token, else nothing. As in the reference, an unknown that waits to be fused is placed
 * behind bytes that fell back. */
static enum sw_code start_symbols(const struct sw_bpe *bpe, const char *word, size_t size,
                                  struct sw_bpe_scratch *s, struct sw_error *err)
{
    bool pending = false;
    size_t length = 1;
    s->n = 0;
    for (size_t i = 0; i < size; i += length) {
        unsigned char first = (unsigned char)word[i];
        int32_t id = bpe->start_ids[first];
        if (!bpe->byte_level && first >= 0x80) {
            sw_utf8_decode((const unsigned char *)word + i, size - i, &length);
            id = sw_vocab_find(&bpe->vocab, word + i, length);
        } else {
            length = 1;
        }
        if (id >= 0) {
            if (pending)
                s->ids[s->n++] = bpe->unk_id;
            pending = false;
            s->ids[s->n++] = id;
            continue;
        }
        if (bpe->byte_fallback) {
            char alphabet[4];
            bool done =
                bpe->byte_level
                    ? fall_back(bpe, s, alphabet, sw_utf8_encode(alphabet, sw_byte_to_char(first)))
                    : fall_back(bpe, s, word + i, length);
            if (done)
                continue;
        }
        if (!bpe->has_unk)
            continue;
        if (bpe->unk_id < 0)
            return sw_fail(err, SW_EFORMAT,
                           "model.unk_token \"%.80s\" is needed but not in the vocabulary",
                           bpe->unk_token);
        if (pending && !bpe->fuse_unk)
            s->ids[s->n++] = bpe->unk_id;
        pending = true;
    }
    if (pending)
        s->ids[s->n++] = bpe->unk_id;
    return SW_OK;
}

/* Merges in place; returns how many symbols are left. */
static size_t merge_short(const struct sw_bpe *bpe, int32_t *ids, size_t n)
{
    uint32_t rank[SHORT_WORD]; /* of the pair that begins at the symbol */
    for (size_t i = 0; i + 1 < n; i++)
        rank[i] = rank_of(bpe, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++) {
            if (rank[i] < rank[best])
                best = i;
        }
        if (rank[best] == no_rank)
            break;
        ids[best] = bpe->result_of[rank[best]];
        n--;
        memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
        memmove(rank + best, rank + best + 1, (n - best - 1) * sizeof *rank);
        if (best > 0)
            rank[best - 1] = rank_of(bpe, ids[best - 1], ids[best]);
        if (best + 1 < n)
            rank[best] = rank_of(bpe, ids[best], ids[best + 1]);
    }
    return n;
}

/* The queue: a heap with four children a node, least first; entries are rank << 32 | position. */
static void queue_sink(uint64_t *queue, size_t n, size_t at)
{
    uint64_t entry = queue[at];
    for (;;) {
        size_t child = 4 * at + 1;
        if (child >= n)
            break;
        size_t end = child + 4 < n ? child + 4 : n, least = child;
        for (size_t i = child + 1; i < end; i++) {
            if (queue[i] < queue[least])
                least = i;
        }
        if (queue[least] >= entry)
            break;
        queue[at] = queue[least];
        at = least;
    }
    queue[at] = entry;
}

static void queue_push(uint64_t *queue, size_t *n, uint64_t entry)
{
    size_t at = (*n)++;
    while (at > 0 && queue[(at - 1) / 4] > entry) {
        queue[at] = queue[(at - 1) / 4];
        at = (at - 1) / 4;
    }
    queue[at] = entry;
}

static const uint32_t nowhere = UINT32_MAX;

/* The same through the queue. An entry whose symbols have changed since counts only if what stands
 * there now makes the same token, as in the reference. */
static size_t merge_long(const struct sw_bpe *bpe, struct sw_bpe_scratch *s, int32_t *ids, size_t n)
{
    size_t n_queue = 0;
    uint32_t *prev = s->prev, *next = s->next;
    for (size_t i = 0; i < n; i++) {
        prev[i] = i == 0 ? nowhere : (uint32_t)(i - 1);
        next[i] = i + 1 == n ? nowhere : (uint32_t)(i + 1);
        uint32_t rank = i + 1 == n ? no_rank : rank_of(bpe, ids[i], ids[i + 1]);
        if (rank != no_rank)
            s->queue[n_queue++] = (uint64_t)rank << 32 | i;
    }
    for (size_t i = n_queue / 4 + 1; i-- > 0 && n_queue > 0;)
        queue_sink(s->queue, n_queue, i);
    while (n_queue > 0) {
        uint32_t at = (uint32_t)s->queue[0];
        int32_t id = bpe->result_of[s->queue[0] >> 32];
        s->queue[0] = s->queue[--n_queue];
        if (n_queue > 0)
            queue_sink(s->queue, n_queue, 0);
        if (ids[at] < 0 || next[at] == nowhere)
            continue;
        uint32_t right = next[at];
        if (bpe->merges[merge_slot(bpe, ids[at], ids[right])].id != id)
            continue;
        ids[at] = id;
        ids[right] = -1;
        next[at] = next[right];
        if (next[at] != nowhere)
            prev[next[at]] = at;
        uint32_t rank;
        if (prev[at] != nowhere && (rank = rank_of(bpe, ids[prev[at]], id)) != no_rank)
            queue_push(s->queue, &n_queue, (uint64_t)rank << 32 | prev[at]);
        if (next[at] != nowhere && (rank = rank_of(bpe, id, ids[next[at]])) != no_rank)
            queue_push(s->queue, &n_queue, (uint64_t)rank << 32 | at);
    }
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] >= 0)
            ids[left++] = ids[i];
    }
    return left;
}

/* Merges the symbols of scratch; what is left of them moves to the front. */
static enum sw_code merge_all(const struct sw_bpe *bpe, struct sw_bpe_scratch *s,
                              struct sw_error *err)
{
    int32_t *ids = s->ids;
    size_t n = s->n, left = 0;
    for (size_t start = 0, end; start < n; start = end) {
        end = start + 1;
        if (n <= SHORT_WORD || bpe->irregular)
            end = n;
        while (end < n && bpe->joins[join_slot(bpe, ids[end - 1], ids[end])] != UINT64_MAX)
            end++;
        size_t n_merged = end - start;
        if (n_merged <= SHORT_WORD && !bpe->irregular)
            n_merged = merge_short(bpe, ids + start, n_merged);
        else if (reserve_links(s, n_merged))
            n_merged = merge_long(bpe, s, ids + start, n_merged);
        else
            return sw_fail(err, SW_ENOMEM, "out of memory");
        memmove(ids + left, ids + start, n_merged * sizeof *ids);
        left += n_merged;
    }
    s->n = left;
    return SW_OK;
}

enum sw_code sw_bpe_encode(const struct sw_bpe *bpe, const char *word, size_t size,
                           struct sw_bpe_scratch *scratch, struct sw_ids *ids, struct sw_error *err)
{
    int32_t id = sw_vocab_find(&bpe->vocab, word, size);
    if (id >= 0 && (bpe->vocab.tokens[id].whole || bpe->ignore_merges)) {
        if (!sw_ids_reserve(ids, 1))
            return sw_fail(err, SW_ENOMEM, "out of memory");
        ids->data[ids->n++] = id;
        return SW_OK;
    }
    /* A byte-level byte may fall back to the two bytes of its character. */
    if (size > UINT32_MAX / 4)
        return sw_fail(err, SW_EUNSUPPORTED, "a word of %zu bytes", size);
    size_t most = bpe->byte_level && bpe->byte_fallback ? 2 * size : size;
    if (!reserve_symbols(scratch, most + 1))
        return sw_fail(err, SW_ENOMEM, "out of memory");
    enum sw_code code = start_symbols(bpe, word, size, scratch, err);
    if (code == SW_OK)
        code = merge_all(bpe, scratch, err);
    if (code != SW_OK)
        return code;
    if (!sw_ids_reserve(ids, scratch->n))
        return sw_fail(err, SW_ENOMEM, "out of memory");
    if (scratch->n > 0)
        memcpy(ids->data + ids->n, scratch->ids, scratch->n * sizeof *ids->data);
    ids->n += scratch->n;
    return SW_OK;
}
