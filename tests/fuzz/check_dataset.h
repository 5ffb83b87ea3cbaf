/* What must hold of a data set however hostile the file was; shared by the data-set fuzzers. */
#ifndef SW_TESTS_FUZZ_CHECK_DATASET_H
#define SW_TESTS_FUZZ_CHECK_DATASET_H

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dataset/dataset.h"

static inline void must(bool holds)
{
    if (!holds)
        abort();
}

static inline void check_text(const char *text, size_t min_bytes)
{
    size_t size = strlen(text);
    must(size >= min_bytes && size <= SW_DATASET_MAX_TEXT_BYTES && sw_utf8_valid(text, size));
}

/* Parses a file of that name and frees what came of it. */
static inline void check_dataset(const char *name, const char *bytes, size_t size,
                                 const struct sw_dataset_options *options)
{
    struct sw_dataset dataset;
    struct sw_error err = {0};
    enum sw_code code = sw_dataset_parse(&dataset, bytes, size, name, options, &err);
    if (code != SW_OK) {
        must(err.code == code && strncmp(err.text, name, strlen(name)) == 0);
        must(err.text[strcspn(err.text, "\n\r\t\x1b")] == 0);
        must(dataset.questions == NULL && dataset.texts == NULL);
        return;
    }
    must(dataset.n_questions > 0);
    for (size_t i = 0; i < dataset.n_questions; i++) {
        const struct sw_question *q = &dataset.questions[i];
        check_text(q->id, 1);
        check_text(q->question, 1);
        if (q->context != NULL)
            check_text(q->context, 0);
        for (size_t k = 0; k < q->n_answers; k++)
            check_text(q->answers[k], 0);
    }
    sw_dataset_free(&dataset);
}

#endif
