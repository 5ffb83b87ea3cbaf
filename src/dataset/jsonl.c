/* JSON lines: an object a line. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dataset/reader.h"

/* A hub row of one question is a few KB; a line is parsed whole in memory. */
#define MAX_LINE_BYTES ((size_t)16 << 20)

static enum sw_code fail_missing(const struct sw_reader *reader, const json_t *row,
                                 const char *const *wanted)
{
    struct sw_buffer there = {0};
    /* jansson's iterators take no const, but change nothing. */
    json_t *object = (json_t *)(uintptr_t)row;
    for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i))
        sw_reader_list_name(&there, json_object_iter_key(i), strlen(json_object_iter_key(i)));
    return sw_reader_fail_no_field(reader, wanted, &there);
}

static const char *first_present(const json_t *row, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (json_object_get(row, *names) != NULL)
            return *names;
    }
    return NULL;
}

static enum sw_code read_id(struct sw_reader *reader, struct sw_question *question,
                            const json_t *value)
{
    if (value == NULL || json_is_null(value))
        return SW_OK;
    if (json_is_string(value))
        return sw_reader_set_id(reader, question, json_string_value(value),
                                json_string_length(value));
    if (!json_is_integer(value))
        return sw_reader_fail(reader, SW_EFORMAT, "\"id\" is %s, not a string or an integer",
                              sw_reader_type_name(value));
    char text[32];
    int size = snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return sw_reader_set_id(reader, question, text, (size_t)size);
}

/* An optional field: named by the user it must be there. */
static enum sw_code find_optional(const struct sw_reader *reader, const json_t **value,
                                  const char **name, const json_t *row, const char *named,
                                  const char *const *defaults)
{
    *name = named != NULL ? named : first_present(row, defaults);
    *value = *name != NULL ? json_object_get(row, *name) : NULL;
    if (named != NULL && *value == NULL)
        return fail_missing(reader, row, (const char *const[]){named, NULL});
    return SW_OK;
}

static enum sw_code read_row(struct sw_reader *reader, const json_t *row, const char **field)
{
    const struct sw_dataset_options *options = reader->options;
    struct sw_question *question;
    if (!json_is_object(row))
        return sw_reader_fail(reader, SW_EFORMAT, "the row is %s, not an object",
                              sw_reader_type_name(row));
    if (*field == NULL)
        *field = first_present(row, sw_reader_question_fields);
    if (*field == NULL)
        return fail_missing(reader, row, sw_reader_question_fields);
    const json_t *text = json_object_get(row, *field);
    if (text == NULL)
        return fail_missing(reader, row, (const char *const[]){*field, NULL});
    char what[80];
    snprintf(what, sizeof what, "\"%.64s\"", *field);

    enum sw_code code = sw_reader_add(reader, &question);
    if (code == SW_OK)
        code = sw_reader_string(reader, &question->question, text, what);
    if (code == SW_OK && question->question[0] == 0)
        code = sw_reader_fail(reader, SW_EFORMAT, "%s is empty", what);
    if (code == SW_OK)
        code = read_id(reader, question, json_object_get(row, "id"));

    const json_t *value;
    const char *name;
    if (code == SW_OK)
        code = find_optional(reader, &value, &name, row, options->context_field,
                             (const char *const[]){"context", NULL});
    if (code == SW_OK && value != NULL && !json_is_null(value)) {
        snprintf(what, sizeof what, "\"%.64s\"", name);
        code = sw_reader_string(reader, &question->context, value, what);
    }
    if (code == SW_OK)
        code = find_optional(reader, &value, &name, row, options->answers_field,
                             sw_reader_answers_fields);
    if (code == SW_OK && value != NULL)
        code = sw_reader_set_answers(reader, question, value, name);
    return code;
}

enum sw_code sw_reader_read_jsonl(struct sw_reader *reader, const char *bytes, size_t size)
{
    struct sw_reader_lines lines = {0};
    const char *field = reader->options->question_field;
    const char *line;
    size_t line_size;
    enum sw_code code = SW_OK;
    while (code == SW_OK && sw_reader_next_line(&lines, bytes, size, &line, &line_size)) {
        if (sw_reader_is_blank(line, line_size))
            continue;
        sw_reader_set_line(reader, lines.number);
        if (line_size > MAX_LINE_BYTES)
            return sw_reader_fail(reader, SW_EFORMAT,
                                  "the line takes %zu bytes, more than the %zu allowed", line_size,
                                  MAX_LINE_BYTES);
        json_t *row = NULL;
        code = sw_json_parse_line(&row, line, line_size, reader->name, lines.number, reader->err);
        if (code == SW_OK)
            code = read_row(reader, row, &field);
        json_decref(row);
    }
    return code;
}
