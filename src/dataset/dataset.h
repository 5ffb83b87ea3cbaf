/* Questions to ask, with contexts and reference answers where the data set has them. */
#ifndef SW_DATASET_DATASET_H
#define SW_DATASET_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What a file may hold at most; more is refused with the limit named. */
#define SW_DATASET_MAX_FILE_BYTES ((size_t)256 << 20)
#define SW_DATASET_MAX_TEXT_BYTES ((size_t)1 << 20) /* one question, context or answer */
#define SW_DATASET_MAX_QUESTIONS  ((size_t)4 << 20)

/* All texts belong to the data set, and live until sw_dataset_free; questions of one paragraph
 * share their context. */
struct sw_question {
    char *id;       /* never NULL: from the data, else the question's number from 1 */
    char *question; /* UTF-8, never NULL or empty */
    char *context;  /* NULL where there is none */
    char **answers; /* (n_answers) */
    size_t n_answers;
};

struct sw_dataset_text; /* blocks of memory that the texts live in */

struct sw_dataset {
    char *name;    /* owned: "squad" (known by its hash), "builtin", or the file's name */
    char *source;  /* owned: path, URL or "embedded" */
    char *split;   /* owned: split really read: "validation" for SQuAD, "all" for a plain file */
    char hash[72]; /* "sha256:..." of the bytes read, byte order mark included */
    struct sw_question *questions; /* owned (n_questions) */
    size_t n_questions;
    struct sw_dataset_text *texts; /* owned */
};

/* Fields of JSONL and CSV. One that is named must be in every row. Of the defaults, the question's
 * is settled by the first row and must then be in every row; the others may be missing. An "id"
 * (text or integer) is taken where there is one. */
struct sw_dataset_options {
    const char *question_field; /* default "question", else "text", else "prompt" */
    const char *answers_field;  /* default "answers", else "answer" */
    const char *context_field;  /* default "context" */
};

/*
 * The format goes by the extension, upper or lower case; any other is refused. options may be NULL.
 * All formats: UTF-8, a byte order mark skipped; invalid UTF-8 and NUL are refused with their line,
 * and so is a file without a question. Only regular files are read.
 *
 *   .json   SQuAD v1.1; messages count articles, paragraphs and questions from 1. Offsets of
 * answers are not needed, and not read. Ids are unique. A question may have no answers. .jsonl  an
 * object a line, blank lines skipped. Answers are a string, an array of strings or of
 *           {"text": string}, or {"text": [strings]} as the hub's rows have them; null is none.
 *   .csv    RFC 4180 with a header row, lines ended by LF or CRLF, blank lines skipped. One answer:
 *           the text of its cell as it is, none where that is empty.
 *   .txt    a question a line, lines of white space skipped; LF or CRLF.
 */
enum sw_code sw_dataset_load(struct sw_dataset *out, const char *path,
                             const struct sw_dataset_options *options, struct sw_error *err);

/* The same from bytes; name (with its extension) stands for the file. */
enum sw_code sw_dataset_parse(struct sw_dataset *out, const char *bytes, size_t size,
                              const char *name, const struct sw_dataset_options *options,
                              struct sw_error *err);

/* The 50 embedded questions of our own making. */
enum sw_code sw_dataset_builtin(struct sw_dataset *out, struct sw_error *err);

/* Says what the bytes really are, where the caller knows better than the file's name does: the
 * name of a hub data set and its split. NULL keeps what is there. */
enum sw_code sw_dataset_label(struct sw_dataset *dataset, const char *name, const char *split,
                              struct sw_error *err);

void sw_dataset_free(struct sw_dataset *dataset);

/* Picks n questions: the first n, or, with a seed, a random subset in data order. Writes indices
 * (n). n not above n_questions. */
void sw_dataset_select(size_t *indices, size_t n, size_t n_questions, bool random, uint64_t seed);

#endif
