#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer_parts.h"

void sw_ids_free(struct sw_ids *ids)
{
    free(ids->data);
    *ids = (struct sw_ids){0};
}

size_t sw_tokenizer_size(const struct sw_tokenizer *tokenizer)
{
    return tokenizer->n_ids;
}

const char *sw_tokenizer_hash(const struct sw_tokenizer *tokenizer)
{
    return tokenizer->hash;
}

/* The input cut at the added tokens that are looked for as they stand. */
static void cut_raw(const struct sw_tokenizer *t, const char *text, size_t size,
                    struct sw_pieces *pieces)
{
    pieces->text = text;
    sw_added_tokens_split(&t->added, false, text, 0, size, true, pieces);
}

/* What lies between is normalized, and cut again at the other added tokens. */
static enum sw_code cut_normalized(const struct sw_tokenizer *t, struct sw_pieces *pieces,
                                   struct sw_spans *spans, struct sw_error *err)
{
    if (t->normalizer == NULL && t->added.finders[1] == NULL)
        return SW_OK;
    struct sw_pieces out = {0};
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < pieces->n && code == SW_OK; i++) {
        const struct sw_piece *piece = &pieces->items[i];
        if (piece->id >= 0) {
            sw_pieces_add(&out, 0, 0, piece->id, false);
            continue;
        }
        size_t start = out.own.size;
        code = sw_normalizer_apply(t->normalizer, pieces->text + piece->start, piece->size,
                                   &out.own, spans, err);
        if (code == SW_OK && out.own.data != NULL)
            sw_added_tokens_split(&t->added, true, out.own.data, start, out.own.size - start,
                                  piece->at_start, &out);
    }
    sw_pieces_finish(&out);
    if (code == SW_OK && out.failed)
        code = sw_fail(err, SW_ENOMEM, "out of memory");
    sw_pieces_free(pieces);
    *pieces = out;
    return code;
}

static enum sw_code encode_pieces(const struct sw_tokenizer *t, const struct sw_pieces *pieces,
                                  struct sw_ids *ids, struct sw_error *err)
{
    struct sw_bpe_scratch scratch = {0};
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < pieces->n && code == SW_OK; i++) {
        const struct sw_piece *piece = &pieces->items[i];
        if (piece->id < 0)
            code = sw_bpe_encode(&t->bpe, pieces->text + piece->start, piece->size, &scratch, ids,
                                 err);
        else if (sw_ids_reserve(ids, 1))
            ids->data[ids->n++] = piece->id;
        else
            code = sw_fail(err, SW_ENOMEM, "out of memory");
    }
    sw_bpe_scratch_free(&scratch);
    return code;
}

static enum sw_code encode_text(const struct sw_tokenizer *t, const char *text, size_t size,
                                struct sw_ids *ids, struct sw_error *err)
{
    struct sw_buffer repaired = {0};
    struct sw_pieces pieces = {0};
    struct sw_spans spans = {0};
    enum sw_code code = SW_OK;
    if (!sw_utf8_valid(text, size)) {
        sw_utf8_append_repaired(&repaired, text, size);
        text = repaired.data;
        size = repaired.size;
    }
    if (!repaired.failed)
        cut_raw(t, text, size, &pieces);
    if (repaired.failed || pieces.failed)
        code = sw_fail(err, SW_ENOMEM, "out of memory");
    if (code == SW_OK)
        code = cut_normalized(t, &pieces, &spans, err);
    if (code == SW_OK)
        code = sw_pretokenizer_apply(t->pretokenizer, &pieces, &spans, err);
    if (code == SW_OK)
        code = encode_pieces(t, &pieces, ids, err);
    sw_spans_free(&spans);
    sw_pieces_free(&pieces);
    sw_buffer_free(&repaired);
    return code;
}

enum sw_code sw_tokenizer_encode(const struct sw_tokenizer *tokenizer, const char *text,
                                 size_t size, enum sw_encode_mode mode, struct sw_ids *ids,
                                 struct sw_error *err)
{
    const struct sw_template *template = &tokenizer->template;
    size_t before = ids->n;
    for (size_t i = 0; i < template->n; i++) {
        enum sw_code code = SW_OK;
        if (template->items[i] == SW_TEMPLATE_TEXT)
            code = encode_text(tokenizer, text, size, ids, err);
        else if (mode == SW_ENCODE_BARE)
            continue;
        else if (sw_ids_reserve(ids, 1))
            ids->data[ids->n++] = template->items[i];
        else
            code = sw_fail(err, SW_ENOMEM, "out of memory");
        if (code != SW_OK) {
            ids->n = before;
            return code;
        }
    }
    return SW_OK;
}

const char *sw_tokenizer_token_view(const struct sw_tokenizer *tokenizer, int32_t id,
                                    bool keep_special, size_t *size)
{
    if (id < 0 || (size_t)id >= tokenizer->n_ids)
        return NULL;
    int32_t index = tokenizer->added_of_id[id];
    if (index >= 0) {
        const struct sw_added_token *token = &tokenizer->added.items[index];
        *size = token->found_size;
        return token->special && !keep_special ? NULL : token->found_as;
    }
    const struct sw_vocab *vocab = &tokenizer->bpe.vocab;
    if ((size_t)id >= vocab->n_ids || !vocab->tokens[id].exists)
        return NULL;
    *size = vocab->tokens[id].name_size;
    return vocab->names + vocab->tokens[id].name_at;
}

enum sw_code sw_tokenizer_decode(const struct sw_tokenizer *tokenizer, const int32_t *ids, size_t n,
                                 bool keep_special, struct sw_buffer *text, struct sw_error *err)
{
    struct sw_decoding *decoding;
    enum sw_code code = sw_decoding_create(&decoding, tokenizer->decoder, err);
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        size_t size;
        const char *token = sw_tokenizer_token_view(tokenizer, ids[i], keep_special, &size);
        if (token != NULL)
            code = sw_decoding_push(decoding, token, size, text, err);
    }
    if (code == SW_OK)
        code = sw_decoding_finish(decoding, text, err);
    sw_decoding_destroy(decoding);
    return code;
}

struct sw_text_stream {
    const struct sw_tokenizer *tokenizer;
    struct sw_decoding *decoding;
};

enum sw_code sw_text_stream_create(struct sw_text_stream **out,
                                   const struct sw_tokenizer *tokenizer, struct sw_error *err)
{
    struct sw_text_stream *stream = calloc(1, sizeof *stream);
    *out = NULL;
    if (stream == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    stream->tokenizer = tokenizer;
    enum sw_code code = sw_decoding_create(&stream->decoding, tokenizer->decoder, err);
    if (code == SW_OK)
        *out = stream;
    else
        free(stream);
    return code;
}

enum sw_code sw_text_stream_push(struct sw_text_stream *stream, int32_t id, struct sw_buffer *text,
                                 struct sw_error *err)
{
    if (id == -1) {
        enum sw_code code = sw_decoding_finish(stream->decoding, text, err);
        sw_decoding_reset(stream->decoding);
        return code;
    }
    size_t size;
    const char *token = sw_tokenizer_token_view(stream->tokenizer, id, false, &size);
    return token == NULL ? SW_OK : sw_decoding_push(stream->decoding, token, size, text, err);
}

void sw_text_stream_reset(struct sw_text_stream *stream)
{
    sw_decoding_reset(stream->decoding);
}

void sw_text_stream_destroy(struct sw_text_stream *stream)
{
    if (stream == NULL)
        return;
    sw_decoding_destroy(stream->decoding);
    free(stream);
}
