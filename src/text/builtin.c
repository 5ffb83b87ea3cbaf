/*
 * The embedded tokenizer: <|endoftext|> is id 0, the 256 bytes follow, then what the merges make.
 * It is written out as tokenizer.json and read like any other, so that there is one way to load.
 */
#include <string.h>

#include "base/utf8.h"
#include "text/builtin_merges.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

static const char before_vocab[] =
    "{\"version\": \"1.0\", \"added_tokens\": [{\"id\": 0, \"content\": \"<|endoftext|>\", "
    "\"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
    "\"special\": true}], \"normalizer\": null, \"pre_tokenizer\": {\"type\": \"Sequence\", "
    "\"pretokenizers\": [{\"type\": \"Digits\", \"individual_digits\": true}, {\"type\": "
    "\"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}]}, "
    "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
    "\"trim_offsets\": true, \"use_regex\": true}, \"model\": {\"type\": \"BPE\", \"unk_token\": "
    "null, \"vocab\": {\"<|endoftext|>\": 0";

/* Text within a JSON string; the alphabet has no control characters. */
static void put_quoted(struct sw_buffer *json, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            sw_buffer_puts(json, "\\");
        sw_buffer_append(json, text + i, 1);
    }
}

static void put_vocab(struct sw_buffer *json)
{
    int id = 1;
    for (int byte = 0; byte < 256; byte++) {
        char text[4];
        size_t size = sw_utf8_encode(text, sw_byte_to_char((unsigned char)byte));
        sw_buffer_puts(json, ", \"");
        put_quoted(json, text, size);
        sw_buffer_printf(json, "\": %d", id++);
    }
    for (const char *line = sw_builtin_merges; *line != 0;) {
        const char *space = strchr(line, ' '), *end = strchr(line, '\n');
        sw_buffer_puts(json, ", \"");
        put_quoted(json, line, (size_t)(space - line));
        put_quoted(json, space + 1, (size_t)(end - space - 1));
        sw_buffer_printf(json, "\": %d", id++);
        line = end + 1;
    }
}

static void put_merges(struct sw_buffer *json)
{
    for (const char *line = sw_builtin_merges; *line != 0;) {
        const char *end = strchr(line, '\n');
        sw_buffer_puts(json, line == sw_builtin_merges ? "\"" : ", \"");
        put_quoted(json, line, (size_t)(end - line));
        sw_buffer_puts(json, "\"");
        line = end + 1;
    }
}

enum sw_code sw_tokenizer_builtin(struct sw_tokenizer **out, struct sw_error *err)
{
    struct sw_buffer json = {0};
    *out = NULL;
    sw_buffer_puts(&json, before_vocab);
    put_vocab(&json);
    sw_buffer_puts(&json, "}, \"merges\": [");
    put_merges(&json);
    sw_buffer_puts(&json, "]}}");
    enum sw_code code =
        json.failed ? sw_fail(err, SW_ENOMEM, "out of memory")
                    : sw_tokenizer_parse(out, json.data, json.size, "builtin tokenizer", err);
    sw_buffer_free(&json);
    return code;
}
