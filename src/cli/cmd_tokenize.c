/* tokenize: the tokenizer by hand; standard input to ids, and back. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/exit_code.h"
#include "cli/sources.h"
#include "cli/terminal.h"

static const size_t max_input_bytes = (size_t)1 << 30;

static void append_ids(struct sw_buffer *out, const struct sw_ids *ids)
{
    sw_buffer_puts(out, "[");
    for (size_t i = 0; i < ids->n; i++)
        sw_buffer_printf(out, "%s%d", i > 0 ? "," : "", (int)ids->data[i]);
    sw_buffer_puts(out, "]\n");
}

static enum sw_code encode(const struct sw_tokenizer *tokenizer, const char *text, size_t size,
                           struct sw_buffer *out, struct sw_error *err)
{
    struct sw_ids ids = {0};
    enum sw_code code = sw_tokenizer_encode(tokenizer, text, size, SW_ENCODE_BARE, &ids, err);
    if (code == SW_OK)
        append_ids(out, &ids);
    sw_ids_free(&ids);
    return code;
}

/* One JSON array of ids to its text. */
static enum sw_code decode(const struct sw_tokenizer *tokenizer, const char *json, size_t size,
                           const char *where, struct sw_buffer *out, struct sw_error *err)
{
    json_t *array;
    enum sw_code code = sw_json_parse(&array, json, size, where, err);
    if (code != SW_OK)
        return code;
    size_t n = json_array_size(array);
    int32_t *ids = calloc(n + 1, sizeof *ids);
    if (ids == NULL)
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", where);
    else if (!json_is_array(array))
        code = sw_fail(err, SW_EFORMAT, "%s: not a JSON array of ids", where);
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        const json_t *id = json_array_get(array, i);
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value >= (json_int_t)sw_tokenizer_size(tokenizer))
            code = sw_fail(err, SW_EFORMAT, "%s: item %zu is not an id from 0 to %zu", where, i,
                           sw_tokenizer_size(tokenizer) - 1);
        else
            ids[i] = (int32_t)value;
    }
    if (code == SW_OK)
        code = sw_tokenizer_decode(tokenizer, ids, n, true, out, err);
    free(ids);
    json_decref(array);
    return code;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static enum sw_code unhex(struct sw_buffer *out, const char *hex, size_t size, const char *where,
                          struct sw_error *err)
{
    for (size_t i = 0; i < size; i += 2) {
        int high = hex_digit(hex[i]);
        int low = i + 1 < size ? hex_digit(hex[i + 1]) : -1;
        if (high < 0 || low < 0)
            return sw_fail(err, SW_EFORMAT, "%s: column %zu is no pair of hexadecimal digits",
                           where, i + 1);
        char byte = (char)(high * 16 + low);
        sw_buffer_append(out, &byte, 1);
    }
    return out->failed ? sw_fail(err, SW_ENOMEM, "%s: out of memory", where) : SW_OK;
}

/* One line of input to one line of output; both ways, text stands as hex. */
static enum sw_code convert_line(const struct sw_tokenizer *tokenizer, bool decoding,
                                 const char *line, size_t size, size_t number,
                                 struct sw_buffer *out, struct sw_error *err)
{
    char where[64];
    struct sw_buffer text = {0};
    snprintf(where, sizeof where, "standard input, line %zu", number);
    enum sw_code code;
    if (decoding) {
        code = decode(tokenizer, line, size, where, &text, err);
        for (size_t i = 0; i < text.size && code == SW_OK; i++)
            sw_buffer_printf(out, "%02x", (unsigned)(unsigned char)text.data[i]);
        sw_buffer_puts(out, "\n");
    } else {
        code = unhex(&text, line, size, where, err);
        if (code == SW_OK)
            code = encode(tokenizer, text.data != NULL ? text.data : "", text.size, out, err);
    }
    sw_buffer_free(&text);
    return code;
}

static enum sw_code convert(const struct sw_tokenizer *tokenizer, bool decoding, bool lines,
                            struct sw_error *err)
{
    struct sw_buffer in = {0};
    struct sw_buffer out = {0};
    enum sw_code code = sw_file_read_fd(&in, STDIN_FILENO, "standard input", max_input_bytes, err);
    const char *text = in.data != NULL ? in.data : "";
    if (code != SW_OK)
        return code;
    if (!lines && decoding)
        code = decode(tokenizer, text, in.size, "standard input", &out, err);
    else if (!lines)
        code = encode(tokenizer, text, in.size, &out, err);
    size_t number = 0;
    for (size_t at = 0; lines && at < in.size && code == SW_OK; at++) {
        const char *end = memchr(text + at, '\n', in.size - at);
        size_t size = end != NULL ? (size_t)(end - (text + at)) : in.size - at;
        code = convert_line(tokenizer, decoding, text + at, size, ++number, &out, err);
        at += size;
        if (out.size > 0)
            fwrite(out.data, 1, out.size, stdout);
        sw_buffer_clear(&out);
    }
    if (code == SW_OK && out.failed)
        code = sw_fail(err, SW_ENOMEM, "standard input: out of memory");
    if (code == SW_OK && out.size > 0)
        fwrite(out.data, 1, out.size, stdout);
    sw_buffer_free(&in);
    sw_buffer_free(&out);
    return code;
}

static int run_command(int argc, char **argv)
{
    struct sw_engine_choice choice = {0};
    bool decoding = false;
    bool lines = false;
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "Options"},
        SW_MODEL_OPTION(choice, "required"),
        {.kind = SW_OPTION_TEXT,
         .name = "revision",
         .value = &choice.revision,
         .argument = "REV",
         .help = "branch, tag or commit of a hub model (main)"},
        {.kind = SW_OPTION_FLAG,
         .name = "decode",
         .value = &decoding,
         .help = "read a JSON array of ids and write its text"},
        {.kind = SW_OPTION_FLAG,
         .name = "hex_lines",
         .value = &lines,
         .help = "one text per line, as hexadecimal bytes; one array per line comes out"},
    };
    int exit_code = sw_options_begin(&sw_command_tokenize, options,
                                     sizeof options / sizeof options[0], argc, argv, NULL, NULL);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    struct sw_progress progress;
    struct sw_tokenizer *tokenizer = NULL;
    char *path = NULL;
    char *name = NULL;
    enum sw_code code = SW_OK;
    sw_progress_begin(&progress, false);
    if (choice.model_name == NULL)
        code = sw_fail(&err, SW_EUSAGE, "--model_name is missing");
    else
        code = sw_resolve_model(&path, &name, choice.model_name, choice.revision, &progress, &err);
    if (code == SW_OK)
        code = sw_model_name_is_synthetic(path) ? sw_tokenizer_builtin(&tokenizer, &err)
                                                : sw_tokenizer_load(&tokenizer, path, &err);
    if (code == SW_OK)
        code = convert(tokenizer, decoding, lines, &err);
    if (code != SW_OK)
        sw_say("%s", err.text);
    sw_tokenizer_destroy(tokenizer);
    free(path);
    free(name);
    return sw_exit_for(code);
}

const struct sw_command sw_command_tokenize = {
    .name = "tokenize",
    .summary = "text on standard input to token ids, and back",
    .usage = "--model_name DIR [OPTION ...]",
    .description =
        "Reads standard input to its end as one text and prints one JSON array of ids, without "
        "added special tokens. A folder that holds only tokenizer.json is enough. Invalid UTF-8 "
        "is read as one U+FFFD per maximal invalid part.",
    .run = run_command,
};
