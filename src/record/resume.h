/* The last run of a journal and how far it came, for `run --resume`. */
#ifndef SW_RECORD_RESUME_H
#define SW_RECORD_RESUME_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct sw_resume {
    json_t *run;     /* the first `run` line of the last run; NULL: the journal has none */
    json_t *samples; /* array of its `sample` lines, in the order they ended */
    json_t *windows; /* array of its `window` lines (a batch has them), in order */
    json_t *end;     /* its last `end` line, or NULL */
    size_t n_skipped_lines;
    struct sw_error first_skipped; /* why the first of them was skipped */
};

/* SW_EABSENT where there is no such file. */
enum sw_code sw_resume_find(struct sw_resume *out, const char *journal_path, struct sw_error *err);

/* Keeps of samples the first line of each block and index from 0 to n - 1; a line without a block
 * is of block 0. Returns how many there are, SIZE_MAX if memory is out. */
size_t sw_resume_keep(struct sw_resume *resume, size_t n);

/* Marks which of a block's n samples are done. Lines that were lost leave their sample to be done
 * again. Returns how many are done. */
size_t sw_resume_mark(const struct sw_resume *resume, size_t block, bool *is_done, size_t n);
void sw_resume_free(struct sw_resume *resume);

#endif
