/* Reads tokenizer.json, as the Hugging Face library `tokenizers` writes it, into its parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "text/step_list.h"
#include "text/tokenizer_parts.h"

/* The largest in use are about 35 MB (256,000 tokens). */
static const size_t max_file_bytes = (size_t)128 << 20;

static enum sw_code check_frame(const json_t *file, const char *name, struct sw_error *err)
{
    static const char *const refused[] = {"truncation", "padding"};
    if (!json_is_object(file))
        return sw_fail(err, SW_EFORMAT, "%s: not a JSON object", name);
    const json_t *version = json_object_get(file, "version");
    if (version != NULL &&
        (!json_is_string(version) || strcmp(json_string_value(version), "1.0") != 0))
        return sw_fail(err, SW_EUNSUPPORTED, "%s: \"version\" is not \"1.0\"", name);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const json_t *value = json_object_get(file, refused[i]);
        if (value != NULL && !json_is_null(value))
            return sw_fail(err, SW_EUNSUPPORTED, "%s: \"%s\" other than null is not supported",
                           name, refused[i]);
    }
    return SW_OK;
}

static char *bytes_dup(const char *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy != NULL) {
        if (size > 0)
            memcpy(copy, bytes, size);
        copy[size] = 0;
    }
    return copy;
}

/* What an added token is looked for as: its content, normalized where it asks for that. */
static enum sw_code spell_added(const struct sw_tokenizer *t, struct sw_added_token *token,
                                const char *where, struct sw_error *err)
{
    struct sw_buffer text = {0};
    struct sw_spans spans = {0};
    enum sw_code code = SW_OK;
    if (token->normalized)
        code = sw_normalizer_apply(t->normalizer, token->content, token->size, &text, &spans, err);
    else
        sw_buffer_append(&text, token->content, token->size);
    sw_spans_free(&spans);
    token->found_as = sw_buffer_take(&text, &token->found_size);
    if (code != SW_OK)
        return code;
    if (token->found_as == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    if (token->found_size == 0 || token->found_size > SW_ADDED_TOKEN_MAX_BYTES)
        return sw_fail(err, SW_EUNSUPPORTED, "%s: the normalizer makes it %zu bytes long", where,
                       token->found_size);
    return SW_OK;
}

/* The reference gives an added token the id of its name in the vocabulary, else the next one behind
 * the vocabulary; a file that says otherwise contradicts itself. */
static enum sw_code read_added(struct sw_tokenizer *t, const json_t *value, const json_t *entries,
                               int32_t *next_id, const char *where, struct sw_error *err)
{
    struct sw_added_token *token = &t->added.items[t->added.n];
    const struct {
        const char *key;
        bool *out;
    } flags[] = {{"special", &token->special},
                 {"lstrip", &token->lstrip},
                 {"rstrip", &token->rstrip},
                 {"single_word", &token->single_word},
                 {"normalized", &token->normalized}};
    const char *content;
    size_t size;
    enum sw_code code = sw_step_string(&content, &size, value, "content", where, err);
    for (size_t i = 0; code == SW_OK && i < sizeof flags / sizeof flags[0]; i++)
        code = sw_step_bool(flags[i].out, value, flags[i].key, where, err);
    if (code != SW_OK)
        return code;
    const json_t *id = json_object_get(value, "id");
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        json_integer_value(id) > SW_MAX_TOKEN_ID)
        return sw_fail(err, SW_EFORMAT, "%s: \"id\" is no integer from 0 to %d", where,
                       SW_MAX_TOKEN_ID);
    if (size == 0 || size > SW_ADDED_TOKEN_MAX_BYTES || strlen(content) != size)
        return sw_fail(err, SW_EUNSUPPORTED,
                       "%s: \"content\" of %zu bytes (1 to %d without NUL are supported)", where,
                       size, SW_ADDED_TOKEN_MAX_BYTES);
    int32_t expected = sw_vocab_entry(entries, content);
    if (expected < 0)
        expected = (*next_id)++;
    token->id = (int32_t)json_integer_value(id);
    if (token->id != expected)
        return sw_fail(err, SW_EFORMAT, "%s: \"%.80s\" has id %d, but the vocabulary makes it %d",
                       where, content, token->id, expected);
    token->content = bytes_dup(content, size);
    token->size = size;
    t->added.n++; /* from here on freed with the rest */
    if (token->content == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    return spell_added(t, token, where, err);
}

static enum sw_code read_all_added(struct sw_tokenizer *t, const json_t *file, const char *name,
                                   struct sw_error *err)
{
    const json_t *list = json_object_get(file, "added_tokens");
    const json_t *entries = json_object_get(json_object_get(file, "model"), "vocab");
    size_t n = json_array_size(list);
    if (list != NULL && !json_is_null(list) && !json_is_array(list))
        return sw_fail(err, SW_EFORMAT, "%s: \"added_tokens\" is no list", name);
    t->added.items = calloc(n + 1, sizeof *t->added.items);
    if (t->added.items == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    int32_t next_id = (int32_t)t->bpe.vocab.n_tokens;
    t->n_ids = t->bpe.vocab.n_ids;
    for (size_t i = 0; i < n; i++) {
        char where[512];
        snprintf(where, sizeof where, "%.400s: added_tokens[%zu]", name, i);
        enum sw_code code = read_added(t, json_array_get(list, i), entries, &next_id, where, err);
        if (code != SW_OK)
            return code;
        if ((size_t)t->added.items[i].id >= t->n_ids)
            t->n_ids = (size_t)t->added.items[i].id + 1;
    }
    t->added_of_id = malloc((t->n_ids + 1) * sizeof *t->added_of_id);
    if (t->added_of_id == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    for (size_t id = 0; id < t->n_ids; id++)
        t->added_of_id[id] = -1;
    for (size_t i = 0; i < n; i++) {
        int32_t *index = &t->added_of_id[t->added.items[i].id];
        if (*index >= 0)
            return sw_fail(err, SW_EFORMAT, "%s: added_tokens[%zu] and [%d] share id %d", name, i,
                           *index, t->added.items[i].id);
        *index = (int32_t)i;
    }
    return sw_added_tokens_build(&t->added, name, err);
}

static enum sw_code check_template(const struct sw_tokenizer *t, const char *name,
                                   struct sw_error *err)
{
    for (size_t i = 0; i < t->template.n; i++) {
        int32_t id = t->template.items[i];
        if (id != SW_TEMPLATE_TEXT && (size_t)id >= t->n_ids)
            return sw_fail(err, SW_EFORMAT, "%s: post_processor: id %d is beyond the vocabulary",
                           name, id);
    }
    return SW_OK;
}

static enum sw_code read_parts(struct sw_tokenizer *t, const json_t *file, const char *name,
                               struct sw_error *err)
{
    enum sw_code code = check_frame(file, name, err);
    if (code == SW_OK)
        code = sw_normalizer_parse(&t->normalizer, json_object_get(file, "normalizer"), name, err);
    if (code == SW_OK)
        code = sw_pretokenizer_parse(&t->pretokenizer, json_object_get(file, "pre_tokenizer"), name,
                                     err);
    if (code == SW_OK && t->normalizer != NULL && sw_pretokenizer_asks_for_start(t->pretokenizer))
        code = sw_fail(err, SW_EUNSUPPORTED,
                       "%s: pre_tokenizer: Metaspace with prepend_scheme \"first\" behind a "
                       "normalizer is not supported",
                       name);
    if (code == SW_OK)
        code = sw_bpe_build(&t->bpe, json_object_get(file, "model"),
                            sw_pretokenizer_ends_in_bytes(t->pretokenizer), name, err);
    if (code == SW_OK)
        code = read_all_added(t, file, name, err);
    if (code == SW_OK)
        code = sw_template_parse(&t->template, json_object_get(file, "post_processor"), name, err);
    if (code == SW_OK)
        code = check_template(t, name, err);
    if (code == SW_OK)
        code = sw_decoder_parse(&t->decoder, json_object_get(file, "decoder"), name, err);
    return code;
}

enum sw_code sw_tokenizer_parse(struct sw_tokenizer **out, const char *json, size_t size,
                                const char *name, struct sw_error *err)
{
    json_t *file = NULL;
    *out = NULL;
    struct sw_tokenizer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", name);
    enum sw_code code = sw_json_parse(&file, json, size, name, err);
    if (code == SW_OK)
        code = read_parts(t, file, name, err);
    json_decref(file);
    if (code != SW_OK) {
        sw_tokenizer_destroy(t);
        return code;
    }
    memcpy(t->hash, "sha256:", 7);
    sw_sha256_hex(t->hash + 7, json, size);
    *out = t;
    return SW_OK;
}

enum sw_code sw_tokenizer_load(struct sw_tokenizer **out, const char *folder, struct sw_error *err)
{
    struct sw_buffer text = {0};
    *out = NULL;
    char *path = sw_path_join_dup(folder, "tokenizer.json");
    if (path == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    enum sw_code code;
    if (!sw_file_exists(path))
        code = sw_fail(err, SW_EABSENT, "%s: not found", path);
    else
        code = sw_file_read(&text, path, max_file_bytes, err);
    if (code == SW_OK)
        code = sw_tokenizer_parse(out, text.data != NULL ? text.data : "", text.size, path, err);
    sw_buffer_free(&text);
    free(path);
    return code;
}

void sw_tokenizer_destroy(struct sw_tokenizer *tokenizer)
{
    if (tokenizer == NULL)
        return;
    sw_added_tokens_free(&tokenizer->added);
    sw_normalizer_destroy(tokenizer->normalizer);
    sw_pretokenizer_destroy(tokenizer->pretokenizer);
    sw_bpe_free(&tokenizer->bpe);
    sw_template_free(&tokenizer->template);
    sw_decoder_destroy(tokenizer->decoder);
    free(tokenizer->added_of_id);
    free(tokenizer);
}
