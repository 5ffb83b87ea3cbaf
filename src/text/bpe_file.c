/* Reads the "model" of tokenizer.json into a struct sw_bpe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "text/bpe.h"

/* Settings that change ids and that we do not compute. */
static enum sw_code refuse_settings(const json_t *model, const char *name, struct sw_error *err)
{
    static const char *const texts[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    char where[512];
    const char *type, *text;
    double dropout;
    snprintf(where, sizeof where, "%s: model", name);
    if (!json_is_object(model))
        return sw_fail(err, SW_EFORMAT, "%s is missing or no object", where);
    enum sw_code code = sw_json_string_or(&type, model, "type", "BPE", where, err);
    if (code != SW_OK)
        return code;
    if (strcmp(type, "BPE") != 0)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: kind \"%.40s\" is not supported (BPE is)", where,
                       type);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        code = sw_json_string_or(&text, model, texts[i], "", where, err);
        if (code == SW_OK && text[0] != 0)
            code = sw_fail(err, SW_EUNSUPPORTED, "%s: \"%s\" is not supported", where, texts[i]);
        if (code != SW_OK)
            return code;
    }
    code = sw_json_double_or(&dropout, model, "dropout", 0, 0, 1, where, err);
    if (code == SW_OK && dropout > 0)
        code =
            sw_fail(err, SW_EUNSUPPORTED, "%s: \"dropout\" other than 0 is not supported", where);
    return code;
}

/* Whether a merge names a token that stands for characters without one: its name is not what it was
 * made of then. */
static bool stands_for_unknown(const struct sw_bpe *bpe, int32_t id)
{
    if (bpe->has_unk && id == bpe->unk_id)
        return true;
    const struct sw_vocab_token *token = &bpe->vocab.tokens[id];
    const char *name = bpe->vocab.names + token->name_at;
    return bpe->byte_fallback && token->name_size == 6 && memcmp(name, "<0x", 3) == 0;
}

/* Start symbol of the last or first character of a token's word; -1 if it has none. */
static int32_t start_symbol(const struct sw_bpe *bpe, int32_t id, bool last)
{
    const struct sw_vocab_token *token = &bpe->vocab.tokens[id];
    const char *word = bpe->vocab.words + token->word_at;
    size_t at = 0, size = 1;
    if (!token->has_word)
        return -1;
    if (last) {
        at = token->word_size - 1;
        while (!bpe->byte_level && at > 0 && ((unsigned char)word[at] & 0xc0) == 0x80)
            at--;
        size = token->word_size - at;
    } else {
        while (!bpe->byte_level && size < token->word_size &&
               ((unsigned char)word[size] & 0xc0) == 0x80)
            size++;
    }
    return sw_vocab_find(&bpe->vocab, word + at, size);
}

static void note_join(struct sw_bpe *bpe, int32_t left, int32_t right, int32_t result)
{
    if (stands_for_unknown(bpe, left) || stands_for_unknown(bpe, right) ||
        stands_for_unknown(bpe, result))
        bpe->irregular = true;
    int32_t last = start_symbol(bpe, left, true), first = start_symbol(bpe, right, false);
    if (last >= 0 && first >= 0)
        sw_bpe_joins_put(bpe, last, first);
}

/* Views of both halves; scratch keeps the text of the "a b" form. */
static bool split_merge(const json_t *merge, struct sw_buffer *scratch, const char **left,
                        const char **right)
{
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        *left = json_string_value(json_array_get(merge, 0));
        *right = json_string_value(json_array_get(merge, 1));
        return *left != NULL && *right != NULL;
    }
    if (!json_is_string(merge))
        return false;
    sw_buffer_clear(scratch);
    sw_buffer_append(scratch, json_string_value(merge), json_string_length(merge));
    char *space = scratch->failed ? NULL : memchr(scratch->data, ' ', scratch->size);
    if (space == NULL || strchr(space + 1, ' ') != NULL)
        return false;
    *space = 0;
    *left = scratch->data;
    *right = space + 1;
    return true;
}

static enum sw_code read_merge(struct sw_bpe *bpe, const json_t *entries, const json_t *merge,
                               uint32_t rank, size_t i, struct sw_buffer scratch[2],
                               const char *name, struct sw_error *err)
{
    const char *left, *right;
    if (!split_merge(merge, &scratch[0], &left, &right))
        return sw_fail(err, SW_EFORMAT,
                       "%s: model.merges[%zu] is neither \"a b\" nor [\"a\", \"b\"]", name, i);
    sw_buffer_clear(&scratch[1]);
    sw_buffer_puts(&scratch[1], left);
    sw_buffer_puts(&scratch[1], right);
    if (scratch[1].failed)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    const char *const tokens[3] = {left, right, scratch[1].data};
    int32_t ids[3];
    for (int k = 0; k < 3; k++) {
        ids[k] = sw_vocab_entry(entries, tokens[k]);
        if (ids[k] < 0)
            return sw_fail(err, SW_EFORMAT,
                           "%s: model.merges[%zu] (\"%.60s\" and \"%.60s\"): the vocabulary has no "
                           "\"%.120s\"",
                           name, i, left, right, tokens[k]);
    }
    sw_bpe_merges_put(bpe, ids[0], ids[1], rank, ids[2]);
    note_join(bpe, ids[0], ids[1], ids[2]);
    return SW_OK;
}

static enum sw_code read_merges(struct sw_bpe *bpe, const json_t *model, const json_t *entries,
                                const char *name, struct sw_error *err)
{
    const json_t *merges = json_object_get(model, "merges");
    if (!json_is_array(merges))
        return sw_fail(err, SW_EFORMAT, "%s: model.merges is missing or no list", name);
    size_t n = json_array_size(merges);
    if (n >= UINT32_MAX || sw_bpe_merges_create(bpe, n) != SW_OK)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    struct sw_buffer scratch[2] = {{0}, {0}};
    enum sw_code code = SW_OK;
    uint32_t rank = 0;
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        const json_t *merge = json_array_get(merges, i);
        /* A header line that some files keep from merges.txt. */
        const char *text = json_string_value(merge);
        if (text != NULL && strncmp(text, "#version", 8) == 0)
            continue;
        code = read_merge(bpe, entries, merge, rank++, i, scratch, name, err);
    }
    bpe->n_merges = rank;
    sw_buffer_free(&scratch[0]);
    sw_buffer_free(&scratch[1]);
    return code;
}

static enum sw_code read_settings(struct sw_bpe *bpe, const json_t *model, const json_t *entries,
                                  const char *name, struct sw_error *err)
{
    char where[512];
    const char *unk;
    snprintf(where, sizeof where, "%s: model", name);
    enum sw_code code = sw_json_bool_or(&bpe->fuse_unk, model, "fuse_unk", false, where, err);
    if (code == SW_OK)
        code = sw_json_bool_or(&bpe->byte_fallback, model, "byte_fallback", false, where, err);
    if (code == SW_OK)
        code = sw_json_bool_or(&bpe->ignore_merges, model, "ignore_merges", false, where, err);
    if (code == SW_OK)
        code = sw_json_string_or(&unk, model, "unk_token", NULL, where, err);
    if (code != SW_OK || unk == NULL)
        return code;
    bpe->has_unk = true;
    bpe->unk_id = sw_vocab_entry(entries, unk);
    bpe->unk_token = strdup(unk);
    return bpe->unk_token == NULL ? sw_fail(err, SW_ENOMEM, "%s: out of memory", name) : SW_OK;
}

static void find_single_bytes(struct sw_bpe *bpe, const json_t *entries)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", byte);
        bpe->byte_ids[byte] = sw_vocab_entry(entries, text);
        char c = (char)byte;
        bool asked_by_byte = bpe->byte_level || byte < 0x80;
        bpe->start_ids[byte] = asked_by_byte ? sw_vocab_find(&bpe->vocab, &c, 1) : -1;
    }
}

/* Marks the tokens that their own word is turned into: most words of a text are one token, and need
 * no merging then. */
static enum sw_code find_whole_words(struct sw_bpe *bpe, const char *name, struct sw_error *err)
{
    struct sw_bpe_scratch scratch = {0};
    struct sw_ids ids = {0};
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < bpe->vocab.n_ids && code == SW_OK; i++) {
        struct sw_vocab_token *token = &bpe->vocab.tokens[i];
        if (!token->has_word || bpe->ignore_merges)
            continue;
        ids.n = 0;
        struct sw_error ignored;
        code = sw_bpe_encode(bpe, bpe->vocab.words + token->word_at, token->word_size, &scratch,
                             &ids, &ignored);
        if (code == SW_OK)
            token->whole = ids.n == 1 && ids.data[0] == (int32_t)i;
        else if (code == SW_EFORMAT)
            code = SW_OK; /* the unknown token is missing: told when a text needs it */
        else
            sw_fail(err, code, "%s: %s", name, ignored.text);
    }
    sw_bpe_scratch_free(&scratch);
    sw_ids_free(&ids);
    return code;
}

enum sw_code sw_bpe_build(struct sw_bpe *bpe, const json_t *model, bool byte_level,
                          const char *name, struct sw_error *err)
{
    *bpe = (struct sw_bpe){.byte_level = byte_level, .unk_id = -1};
    enum sw_code code = refuse_settings(model, name, err);
    if (code != SW_OK)
        return code;
    const json_t *entries = json_object_get(model, "vocab");
    if (!json_is_object(entries))
        return sw_fail(err, SW_EFORMAT, "%s: model.vocab is missing or no object", name);
    code = sw_vocab_build(&bpe->vocab, entries, byte_level, name, err);
    if (code == SW_OK)
        code = read_settings(bpe, model, entries, name, err);
    if (code == SW_OK)
        code = read_merges(bpe, model, entries, name, err);
    if (code != SW_OK)
        return code;
    find_single_bytes(bpe, entries);
    return find_whole_words(bpe, name, err);
}
