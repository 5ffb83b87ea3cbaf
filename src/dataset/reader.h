/*
 * What the readers of all formats share: a growing list of questions, their texts in blocks,
 * limits, and fields of a row. Private to dataset/. A reader fails with the file's name and a place
 * ("line 7") in front of the reason.
 */
#ifndef SW_DATASET_READER_H
#define SW_DATASET_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/json.h"
#include "dataset/dataset.h"

struct sw_reader {
    struct sw_dataset *dataset; /* being filled */
    size_t capacity;            /* questions that its array has room for */
    const char *name;           /* the file, for messages */
    const struct sw_dataset_options *options;
    char place[96]; /* where the row being read stands, for messages */
    struct sw_error *err;
};

/* Fails with "name: place: " in front. */
enum sw_code sw_reader_fail(const struct sw_reader *reader, enum sw_code code, const char *format,
                            ...) SW_PRINTF(3, 4);

void sw_reader_set_line(struct sw_reader *reader, size_t line);

/* A copy of a text within the data set. what names it in messages ("the question"). */
enum sw_code sw_reader_text(struct sw_reader *reader, char **out, const char *bytes, size_t size,
                            const char *what);

/* The next question, its number as id, everything else empty; *out is valid until the next call. */
enum sw_code sw_reader_add(struct sw_reader *reader, struct sw_question **out);

/* Texts into a question; the question's own must not be empty, an empty id keeps the number. */
enum sw_code sw_reader_set_question(struct sw_reader *reader, struct sw_question *question,
                                    const char *bytes, size_t size);
enum sw_code sw_reader_set_id(struct sw_reader *reader, struct sw_question *question,
                              const char *bytes, size_t size);

/* Room for n answers, to be filled by sw_reader_text. */
enum sw_code sw_reader_set_n_answers(struct sw_reader *reader, struct sw_question *question,
                                     size_t n);

/* Answers in any of the JSON shapes of dataset.h. */
enum sw_code sw_reader_set_answers(struct sw_reader *reader, struct sw_question *question,
                                   const json_t *value, const char *field);

/* A string member's text as sw_reader_text gives it. */
enum sw_code sw_reader_string(struct sw_reader *reader, char **out, const json_t *value,
                              const char *what);

/* "a string", "an array", ... for messages; "missing" for NULL. */
const char *sw_reader_type_name(const json_t *value);

/* "no field "a" or "b" (fields there: ...)". wanted ends with NULL; there was filled name by name,
 * and is freed. */
void sw_reader_list_name(struct sw_buffer *there, const char *name, size_t size);
enum sw_code sw_reader_fail_no_field(const struct sw_reader *reader, const char *const *wanted,
                                     struct sw_buffer *there);

/* Walks through lines ended by LF or CRLF, the last one perhaps by the end of the text. Begin with
 * at and number 0. line becomes a view without its end. */
struct sw_reader_lines {
    size_t at;
    size_t number; /* of the line given last, from 1 */
};
bool sw_reader_next_line(struct sw_reader_lines *lines, const char *bytes, size_t size,
                         const char **line, size_t *line_size);
bool sw_reader_is_blank(const char *bytes, size_t size);

/* Names tried for the question where no option gives one, in order; ends with NULL. The same for
 * answers. */
extern const char *const sw_reader_question_fields[];
extern const char *const sw_reader_answers_fields[];

/* One reader per format: bytes without byte order mark, valid UTF-8 without NUL. */
enum sw_code sw_reader_read_squad(struct sw_reader *reader, const char *bytes, size_t size);
enum sw_code sw_reader_read_jsonl(struct sw_reader *reader, const char *bytes, size_t size);
enum sw_code sw_reader_read_csv(struct sw_reader *reader, const char *bytes, size_t size);
enum sw_code sw_reader_read_txt(struct sw_reader *reader, const char *bytes, size_t size);

#endif
