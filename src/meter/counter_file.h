/* One integer in a sysfs file, read again and again through a descriptor that stays open. */
#ifndef SW_METER_COUNTER_FILE_H
#define SW_METER_COUNTER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sw_counter_file {
    int fd;        /* -1: not open */
    bool plain;    /* not of sysfs: a replayed tree's, which may be seen half written */
    char *path;    /* owned */
    char last[64]; /* its text at the latest reading, last_size bytes; of plain files */
    ptrdiff_t last_size;
};

/* Opens and reads once. Fails with the file and why: missing, denied (with its mode and owner),
 * not a number. denied (may be NULL) tells whether a permission would help. */
enum sw_code sw_counter_file_open(struct sw_counter_file *out, const char *path,
                                  uint64_t *first_value, bool *denied, struct sw_error *err);
void sw_counter_file_close(struct sw_counter_file *file);

/* False if the file vanished or holds no number now. A file that was replaced is opened anew. */
bool sw_counter_file_read(struct sw_counter_file *file, uint64_t *value);

/* First line of size bytes as a decimal count, at most INT64_MAX, which is what a JSON integer
 * holds (a counter of a kilowatt takes 292,000 years to get there). White space at its end is
 * ignored. */
bool sw_counter_parse(uint64_t *value, const char *bytes, size_t size);

#endif
