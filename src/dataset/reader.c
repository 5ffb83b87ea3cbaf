#include "dataset/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/text.h"

const char *const sw_reader_question_fields[] = {"question", "text", "prompt", NULL};
const char *const sw_reader_answers_fields[] = {"answers", "answer", NULL};

enum sw_code sw_reader_fail(const struct sw_reader *reader, enum sw_code code, const char *format,
                            ...)
{
    char reason[sizeof reader->err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    if (reader->place[0] == 0)
        return sw_fail(reader->err, code, "%s: %s", reader->name, reason);
    return sw_fail(reader->err, code, "%s: %s: %s", reader->name, reader->place, reason);
}

void sw_reader_set_line(struct sw_reader *reader, size_t line)
{
    snprintf(reader->place, sizeof reader->place, "line %zu", line);
}

enum sw_code sw_reader_text(struct sw_reader *reader, char **out, const char *bytes, size_t size,
                            const char *what)
{
    if (size > SW_DATASET_MAX_TEXT_BYTES)
        return sw_reader_fail(reader, SW_EFORMAT, "%s takes %zu bytes, more than the %zu allowed",
                              what, size, SW_DATASET_MAX_TEXT_BYTES);
    if (memchr(bytes, 0, size) != NULL)
        return sw_reader_fail(reader, SW_EFORMAT, "%s holds a NUL character", what);
    *out = sw_dataset_text_add(&reader->dataset->texts, bytes, size);
    if (*out == NULL)
        return sw_reader_fail(reader, SW_ENOMEM, "out of memory");
    return SW_OK;
}

enum sw_code sw_reader_add(struct sw_reader *reader, struct sw_question **out)
{
    struct sw_dataset *dataset = reader->dataset;
    if (dataset->n_questions == SW_DATASET_MAX_QUESTIONS)
        return sw_reader_fail(reader, SW_EFORMAT, "more than the %zu questions allowed",
                              SW_DATASET_MAX_QUESTIONS);
    if (dataset->n_questions == reader->capacity) {
        size_t capacity = reader->capacity == 0 ? 64 : reader->capacity * 2;
        struct sw_question *grown = realloc(dataset->questions, capacity * sizeof *grown);
        if (grown == NULL)
            return sw_reader_fail(reader, SW_ENOMEM, "out of memory");
        dataset->questions = grown;
        reader->capacity = capacity;
    }
    struct sw_question *question = &dataset->questions[dataset->n_questions++];
    *question = (struct sw_question){0};
    char number[32];
    int length = snprintf(number, sizeof number, "%zu", dataset->n_questions);
    *out = question;
    return sw_reader_text(reader, &question->id, number, (size_t)length, "the id");
}

enum sw_code sw_reader_set_question(struct sw_reader *reader, struct sw_question *question,
                                    const char *bytes, size_t size)
{
    if (size == 0)
        return sw_reader_fail(reader, SW_EFORMAT, "the question is empty");
    return sw_reader_text(reader, &question->question, bytes, size, "the question");
}

enum sw_code sw_reader_set_id(struct sw_reader *reader, struct sw_question *question,
                              const char *bytes, size_t size)
{
    if (size == 0)
        return SW_OK;
    return sw_reader_text(reader, &question->id, bytes, size, "the id");
}

enum sw_code sw_reader_set_n_answers(struct sw_reader *reader, struct sw_question *question,
                                     size_t n)
{
    question->answers = NULL;
    question->n_answers = 0;
    if (n == 0)
        return SW_OK;
    question->answers = sw_dataset_text_add_pointers(&reader->dataset->texts, n);
    if (question->answers == NULL)
        return sw_reader_fail(reader, SW_ENOMEM, "out of memory");
    question->n_answers = n;
    return SW_OK;
}

const char *sw_reader_type_name(const json_t *value)
{
    if (value == NULL)
        return "missing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

enum sw_code sw_reader_string(struct sw_reader *reader, char **out, const json_t *value,
                              const char *what)
{
    if (!json_is_string(value))
        return sw_reader_fail(reader, SW_EFORMAT, "%s is %s, not a string", what,
                              sw_reader_type_name(value));
    return sw_reader_text(reader, out, json_string_value(value), json_string_length(value), what);
}

void sw_reader_list_name(struct sw_buffer *there, const char *name, size_t size)
{
    enum { LIST_BYTES = 300 };
    if (there->size > LIST_BYTES)
        return;
    if (there->size > 0)
        sw_buffer_puts(there, ", ");
    if (there->size > LIST_BYTES)
        sw_buffer_puts(there, "...");
    else
        sw_buffer_printf(there, "\"%.*s\"", (int)(size < 64 ? size : 64), name);
}

enum sw_code sw_reader_fail_no_field(const struct sw_reader *reader, const char *const *wanted,
                                     struct sw_buffer *there)
{
    struct sw_buffer names = {0};
    for (size_t i = 0; wanted[i] != NULL; i++)
        sw_buffer_printf(&names, "%s\"%.64s\"", i > 0 ? " or " : "", wanted[i]);
    enum sw_code code = sw_reader_fail(reader, SW_EFORMAT, "no field %s (fields there: %s)",
                                       names.data != NULL ? names.data : "",
                                       there->data != NULL ? there->data : "none");
    sw_buffer_free(&names);
    sw_buffer_free(there);
    return code;
}

bool sw_reader_next_line(struct sw_reader_lines *lines, const char *bytes, size_t size,
                         const char **line, size_t *line_size)
{
    if (lines->at >= size)
        return false;
    const char *begin = bytes + lines->at;
    const char *end = memchr(begin, '\n', size - lines->at);
    size_t length = end != NULL ? (size_t)(end - begin) : size - lines->at;
    lines->at += length + 1;
    lines->number++;
    if (end != NULL && length > 0 && begin[length - 1] == '\r')
        length--;
    *line = begin;
    *line_size = length;
    return true;
}

bool sw_reader_is_blank(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r')
            return false;
    }
    return true;
}

enum sw_code sw_reader_set_answers(struct sw_reader *reader, struct sw_question *question,
                                   const json_t *value, const char *field)
{
    char what[128];
    snprintf(what, sizeof what, "\"%.64s\"", field);
    if (json_is_null(value))
        return SW_OK;
    if (json_is_object(value)) {
        value = json_object_get(value, "text");
        snprintf(what, sizeof what, "\"text\" of \"%.64s\"", field);
    }
    bool is_array = json_is_array(value);
    if (!is_array && !json_is_string(value))
        return sw_reader_fail(reader, SW_EFORMAT, "%s is %s, not a string or an array of strings",
                              what, sw_reader_type_name(value));
    size_t n = is_array ? json_array_size(value) : 1;
    enum sw_code code = sw_reader_set_n_answers(reader, question, n);
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        const json_t *answer = is_array ? json_array_get(value, i) : value;
        if (json_is_object(answer))
            answer = json_object_get(answer, "text");
        char element[192];
        snprintf(element, sizeof element, "answer %zu of %s", i + 1, what);
        code = sw_reader_string(reader, &question->answers[i], answer, element);
    }
    return code;
}
