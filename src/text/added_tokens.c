/*
 * The finder is a trie: from each byte that begins some token it is walked as far as the text goes
 * along. No token is longer than SW_ADDED_TOKEN_MAX_BYTES, so this is linear in the text.
 */
#include "text/added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "text/char_class.h"

struct edge {
    uint32_t from; /* 0: free slot; nodes count from 1, the root is 1 */
    uint32_t to;
    unsigned char byte;
};

struct sw_finder {
    struct edge *edges; /* (mask + 1), open addressing */
    size_t mask;
    int32_t *token_at; /* (n_nodes + 1): index of the token that ends at the node, or -1 */
    uint32_t n_nodes;
    bool begins[256]; /* bytes that some token begins with */
};

static size_t slot_of(const struct sw_finder *f, uint32_t from, unsigned char byte)
{
    uint64_t h = ((uint64_t)from << 8 | byte) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = (size_t)(h >> 32) & f->mask;
    while (f->edges[slot].from != 0 && (f->edges[slot].from != from || f->edges[slot].byte != byte))
        slot = (slot + 1) & f->mask;
    return slot;
}

static void finder_destroy(struct sw_finder *f)
{
    if (f == NULL)
        return;
    free(f->edges);
    free(f->token_at);
    free(f);
}

/* n_bytes bounds the number of edges. */
static struct sw_finder *finder_create(size_t n_bytes)
{
    struct sw_finder *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    size_t n_slots = 16;
    while (n_slots < n_bytes * 2)
        n_slots *= 2;
    f->mask = n_slots - 1;
    f->edges = calloc(n_slots, sizeof *f->edges);
    f->token_at = malloc((n_bytes + 2) * sizeof *f->token_at);
    if (f->edges == NULL || f->token_at == NULL) {
        finder_destroy(f);
        return NULL;
    }
    f->n_nodes = 1;
    f->token_at[1] = -1;
    return f;
}

/* False if another token is found by the same bytes. */
static bool finder_add(struct sw_finder *f, const char *bytes, size_t size, int32_t token)
{
    uint32_t node = 1;
    f->begins[(unsigned char)bytes[0]] = true;
    for (size_t i = 0; i < size; i++) {
        struct edge *edge = &f->edges[slot_of(f, node, (unsigned char)bytes[i])];
        if (edge->from == 0) {
            *edge = (struct edge){node, ++f->n_nodes, (unsigned char)bytes[i]};
            f->token_at[f->n_nodes] = -1;
        }
        node = edge->to;
    }
    if (f->token_at[node] >= 0)
        return false;
    f->token_at[node] = token;
    return true;
}

/* Longest token that begins at text[at]; -1 if none does. */
static int32_t finder_match(const struct sw_finder *f, const char *text, size_t at, size_t size)
{
    int32_t longest = -1;
    uint32_t node = 1;
    for (; at < size; at++) {
        const struct edge *edge = &f->edges[slot_of(f, node, (unsigned char)text[at])];
        if (edge->from == 0)
            break;
        node = edge->to;
        if (f->token_at[node] >= 0)
            longest = f->token_at[node];
    }
    return longest;
}

enum sw_code sw_added_tokens_build(struct sw_added_tokens *tokens, const char *name,
                                   struct sw_error *err)
{
    for (int normalized = 0; normalized < 2; normalized++) {
        size_t n_bytes = 0;
        for (size_t i = 0; i < tokens->n; i++) {
            if (tokens->items[i].normalized == (normalized != 0))
                n_bytes += tokens->items[i].found_size;
        }
        if (n_bytes == 0)
            continue;
        struct sw_finder *f = tokens->finders[normalized] = finder_create(n_bytes);
        if (f == NULL)
            return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
        for (size_t i = 0; i < tokens->n; i++) {
            const struct sw_added_token *t = &tokens->items[i];
            if (t->normalized == (normalized != 0) &&
                !finder_add(f, t->found_as, t->found_size, (int32_t)i))
                return sw_fail(err, SW_EFORMAT,
                               "%s: added_tokens[%zu] (\"%.80s\"): another one reads the same",
                               name, i, t->content);
        }
    }
    return SW_OK;
}

void sw_added_tokens_free(struct sw_added_tokens *tokens)
{
    for (size_t i = 0; i < tokens->n; i++) {
        free(tokens->items[i].content);
        free(tokens->items[i].found_as);
    }
    free(tokens->items);
    finder_destroy(tokens->finders[0]);
    finder_destroy(tokens->finders[1]);
    *tokens = (struct sw_added_tokens){0};
}

static bool stands_alone(const char *text, size_t size, size_t start, size_t stop)
{
    size_t length;
    size_t before = start;
    while (before > 0 && ((unsigned char)text[--before] & 0xc0) == 0x80)
        ;
    if (start > 0 && (sw_char_class_at(text, before, &length) & SW_CHAR_WORD))
        return false;
    return stop == size || !(sw_char_class_at(text, stop, &length) & SW_CHAR_WORD);
}

/* Start of the white space that ends at `end`, not below `floor`. */
static size_t white_start(const char *text, size_t floor, size_t end)
{
    size_t length;
    while (end > floor) {
        size_t before = end - 1;
        while (before > floor && ((unsigned char)text[before] & 0xc0) == 0x80)
            before--;
        if (!(sw_char_class_at(text, before, &length) & SW_CHAR_WHITE))
            break;
        end = before;
    }
    return end;
}

static size_t white_end(const char *text, size_t start, size_t size)
{
    size_t length;
    while (start < size && (sw_char_class_at(text, start, &length) & SW_CHAR_WHITE))
        start += length;
    return start;
}

void sw_added_tokens_split(const struct sw_added_tokens *tokens, bool normalized, const char *base,
                           size_t start, size_t size, bool at_start, struct sw_pieces *out)
{
    const struct sw_finder *f = tokens->finders[normalized];
    const char *text = base + start;
    size_t covered = 0; /* everything before is in a piece */
    size_t white_from = 1,
           white_to = 0; /* white space measured last, so that no run is walked twice */
    for (size_t at = 0; f != NULL && at < size;) {
        int32_t index = f->begins[(unsigned char)text[at]] ? finder_match(f, text, at, size) : -1;
        if (index < 0) {
            at++;
            continue;
        }
        const struct sw_added_token *t = &tokens->items[index];
        size_t from = at, to = at + t->found_size;
        at = to; /* the search goes on behind the bytes found, whatever is stripped */
        if (t->single_word && !stands_alone(text, size, from, to))
            continue;
        if (t->lstrip) {
            from = from > covered ? white_start(text, covered, from) : covered;
        }
        if (t->rstrip) {
            if (to < white_from || to > white_to) {
                white_from = to;
                white_to = white_end(text, to, size);
            }
            to = white_to;
        }
        if (covered < from)
            sw_pieces_add(out, start + covered, from - covered, -1, at_start && covered == 0);
        sw_pieces_add(out, start + from, 0, t->id, false);
        covered = to;
    }
    if (covered < size)
        sw_pieces_add(out, start + covered, size - covered, -1, at_start && covered == 0);
}
