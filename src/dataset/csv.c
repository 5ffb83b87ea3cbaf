/*
 * CSV as RFC 4180 defines it, with a header row. Bare CR and quotes inside unquoted fields are
 * refused, as the standard's grammar has neither; LF alone ends a row too.
 */
#include <stdlib.h>
#include <string.h>

#include "dataset/reader.h"

enum { MAX_COLUMNS = 4096 };

/* One row, quotes taken off. */
struct row {
    struct sw_buffer text;    /* the fields' bytes, one behind the other */
    size_t ends[MAX_COLUMNS]; /* (n) where each field ends in text */
    size_t n;
    size_t line; /* the row's first line, from 1 */
};

struct csv {
    const char *bytes;
    size_t size;
    size_t at;
    size_t line; /* of bytes[at], from 1 */
};

enum { NO_COLUMN = -1 };

static const char *field(const struct row *row, size_t i, size_t *size)
{
    size_t begin = i == 0 ? 0 : row->ends[i - 1];
    *size = row->ends[i] - begin;
    return row->text.data != NULL ? row->text.data + begin : "";
}

/* Behind an opening quote: appends up to the closing one. */
static enum sw_code read_quoted(struct sw_reader *reader, struct csv *csv, struct row *row)
{
    size_t began = csv->line;
    for (;;) {
        const char *begin = csv->bytes + csv->at;
        const char *quote = memchr(begin, '"', csv->size - csv->at);
        if (quote == NULL) {
            sw_reader_set_line(reader, began);
            return sw_reader_fail(reader, SW_EFORMAT, "the quote that begins here never ends");
        }
        size_t length = (size_t)(quote - begin);
        for (const char *c = begin; (c = memchr(c, '\n', (size_t)(quote - c))) != NULL; c++)
            csv->line++;
        sw_buffer_append(&row->text, begin, length);
        csv->at += length + 1;
        if (csv->at == csv->size || csv->bytes[csv->at] != '"')
            break;
        sw_buffer_append(&row->text, "\"", 1);
        csv->at++;
    }
    if (csv->at < csv->size && strchr(",\r\n", csv->bytes[csv->at]) == NULL) {
        sw_reader_set_line(reader, csv->line);
        return sw_reader_fail(reader, SW_EFORMAT,
                              "text behind a closing quote (a quote within quotes is doubled)");
    }
    return SW_OK;
}

static enum sw_code read_unquoted(struct sw_reader *reader, struct csv *csv, struct row *row)
{
    size_t begin = csv->at;
    while (csv->at < csv->size && strchr(",\r\n\"", csv->bytes[csv->at]) == NULL)
        csv->at++;
    if (csv->at < csv->size && csv->bytes[csv->at] == '"') {
        sw_reader_set_line(reader, csv->line);
        return sw_reader_fail(reader, SW_EFORMAT,
                              "a quote inside a field that does not begin with one");
    }
    sw_buffer_append(&row->text, csv->bytes + begin, csv->at - begin);
    return SW_OK;
}

/* The next row, its line end included. */
static enum sw_code read_row(struct sw_reader *reader, struct csv *csv, struct row *row)
{
    sw_buffer_clear(&row->text);
    row->n = 0;
    row->line = csv->line;
    for (;;) {
        enum sw_code code;
        if (csv->at < csv->size && csv->bytes[csv->at] == '"') {
            csv->at++;
            code = read_quoted(reader, csv, row);
        } else {
            code = read_unquoted(reader, csv, row);
        }
        if (code != SW_OK)
            return code;
        sw_reader_set_line(reader, row->line);
        if (row->text.failed)
            return sw_reader_fail(reader, SW_ENOMEM, "out of memory");
        if (row->n == MAX_COLUMNS)
            return sw_reader_fail(reader, SW_EFORMAT, "more than %d columns", MAX_COLUMNS);
        row->ends[row->n++] = row->text.size;
        if (csv->at == csv->size)
            return SW_OK;
        char end = csv->bytes[csv->at++];
        if (end == ',')
            continue;
        if (end == '\r') {
            if (csv->at == csv->size || csv->bytes[csv->at] != '\n') {
                sw_reader_set_line(reader, csv->line);
                return sw_reader_fail(reader, SW_EFORMAT,
                                      "a carriage return without a line feed outside of quotes");
            }
            csv->at++;
        }
        csv->line++;
        return SW_OK;
    }
}

static enum sw_code fail_missing(const struct sw_reader *reader, const struct row *header,
                                 const char *const *wanted)
{
    struct sw_buffer there = {0};
    for (size_t i = 0; i < header->n; i++) {
        size_t size;
        const char *name = field(header, i, &size);
        sw_reader_list_name(&there, name, size);
    }
    return sw_reader_fail_no_field(reader, wanted, &there);
}

/* Column of the first of names that the header has; NO_COLUMN where it has none. */
static enum sw_code find_column(const struct sw_reader *reader, int *column,
                                const struct row *header, const char *const *names)
{
    *column = NO_COLUMN;
    for (; *names != NULL && *column == NO_COLUMN; names++) {
        for (size_t i = 0; i < header->n; i++) {
            size_t size;
            const char *name = field(header, i, &size);
            if (size != strlen(*names) || memcmp(name, *names, size) != 0)
                continue;
            if (*column != NO_COLUMN)
                return sw_reader_fail(reader, SW_EFORMAT, "two columns are named \"%.64s\"",
                                      *names);
            *column = (int)i;
        }
    }
    return SW_OK;
}

struct columns {
    int id;
    int question;
    int context;
    int answer;
};

static enum sw_code find_columns(struct sw_reader *reader, struct columns *out,
                                 const struct row *header)
{
    const struct sw_dataset_options *options = reader->options;
    const struct {
        int *column;
        const char *named;           /* the user's choice, or NULL */
        const char *const *defaults; /* ends with NULL */
        bool required;
    } wanted[] = {
        {&out->question, options->question_field, sw_reader_question_fields, true},
        {&out->answer, options->answers_field, sw_reader_answers_fields, false},
        {&out->context, options->context_field, (const char *const[]){"context", NULL}, false},
        {&out->id, NULL, (const char *const[]){"id", NULL}, false},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *const named[] = {wanted[i].named, NULL};
        const char *const *names = wanted[i].named != NULL ? named : wanted[i].defaults;
        enum sw_code code = find_column(reader, wanted[i].column, header, names);
        if (code != SW_OK)
            return code;
        if (*wanted[i].column == NO_COLUMN && (wanted[i].required || wanted[i].named != NULL))
            return fail_missing(reader, header, names);
    }
    return SW_OK;
}

static enum sw_code take_row(struct sw_reader *reader, const struct columns *columns,
                             const struct row *row)
{
    struct sw_question *question;
    size_t size;
    enum sw_code code = sw_reader_add(reader, &question);
    if (code != SW_OK)
        return code;
    const char *text = field(row, (size_t)columns->question, &size);
    code = sw_reader_set_question(reader, question, text, size);
    if (code == SW_OK && columns->id != NO_COLUMN) {
        text = field(row, (size_t)columns->id, &size);
        code = sw_reader_set_id(reader, question, text, size);
    }
    if (code == SW_OK && columns->context != NO_COLUMN) {
        text = field(row, (size_t)columns->context, &size);
        code = sw_reader_text(reader, &question->context, text, size, "the context");
    }
    if (code == SW_OK && columns->answer != NO_COLUMN) {
        text = field(row, (size_t)columns->answer, &size);
        if (size > 0)
            code = sw_reader_set_n_answers(reader, question, 1);
        if (code == SW_OK && size > 0)
            code = sw_reader_text(reader, &question->answers[0], text, size, "the answer");
    }
    return code;
}

/* An empty line reads as one empty field. */
static bool is_blank(const struct row *row)
{
    return row->n == 1 && row->text.size == 0;
}

static enum sw_code read_rows(struct sw_reader *reader, struct csv *csv, struct row *row)
{
    struct columns columns = {NO_COLUMN, NO_COLUMN, NO_COLUMN, NO_COLUMN};
    size_t n_columns = 0; /* of the header; 0 before it was read */
    while (csv->at < csv->size) {
        enum sw_code code = read_row(reader, csv, row);
        if (code != SW_OK)
            return code;
        if (is_blank(row))
            continue;
        if (n_columns == 0) {
            n_columns = row->n;
            code = find_columns(reader, &columns, row);
        } else if (row->n != n_columns) {
            code = sw_reader_fail(reader, SW_EFORMAT, "%zu fields where the header row has %zu",
                                  row->n, n_columns);
        } else {
            code = take_row(reader, &columns, row);
        }
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

enum sw_code sw_reader_read_csv(struct sw_reader *reader, const char *bytes, size_t size)
{
    struct csv csv = {.bytes = bytes, .size = size, .line = 1};
    struct row *row = calloc(1, sizeof *row);
    if (row == NULL)
        return sw_reader_fail(reader, SW_ENOMEM, "out of memory");
    enum sw_code code = read_rows(reader, &csv, row);
    sw_buffer_free(&row->text);
    free(row);
    return code;
}
