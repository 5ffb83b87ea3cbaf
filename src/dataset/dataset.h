/* Questions to ask, with contexts and reference answers where the data set has them. */
#ifndef SW_DATASET_DATASET_H
#define SW_DATASET_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sw_question {
    char *id;       /* owned, never NULL: from the data, else the row number */
    char *question; /* owned UTF-8, never NULL */
    char *context;  /* owned, NULL where there is none */
    char **answers; /* owned (n_answers) */
    size_t n_answers;
};

struct sw_dataset {
    char *name;    /* "squad", "builtin", or the file's name */
    char *source;  /* path, URL or "embedded" */
    char *split;   /* split really read, "validation" for SQuAD */
    char hash[72]; /* "sha256:..." of the bytes read */
    struct sw_question *questions;
    size_t n_questions;
};

struct sw_dataset_options {
    const char *question_field; /* JSONL and CSV; default "question", else "text", else "prompt" */
    const char *answers_field;  /* default "answers", else "answer" */
    const char *context_field;  /* default "context" */
};

/* The format goes by the extension: .json (SQuAD v1.1), .jsonl, .csv, .txt (a question a line);
 * any other is refused. options may be NULL. */
enum sw_code sw_dataset_load(struct sw_dataset *out, const char *path,
                             const struct sw_dataset_options *options, struct sw_error *err);

/* The same from bytes; name (with its extension) stands for the file. */
enum sw_code sw_dataset_parse(struct sw_dataset *out, const char *bytes, size_t size,
                              const char *name, const struct sw_dataset_options *options,
                              struct sw_error *err);

/* The 50 embedded questions of our own making. */
enum sw_code sw_dataset_builtin(struct sw_dataset *out, struct sw_error *err);

void sw_dataset_free(struct sw_dataset *dataset);

/* Picks n questions: the first n, or, with a seed, a random subset in data order. Writes indices
 * (n). n not above n_questions. */
void sw_dataset_select(size_t *indices, size_t n, size_t n_questions, bool random, uint64_t seed);

#endif
