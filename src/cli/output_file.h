/* --output FILE: opened before anything is measured, so that a wrong path costs nobody a long run;
 * nothing of an older file is lost before there is something to write. */
#ifndef SW_CLI_OUTPUT_FILE_H
#define SW_CLI_OUTPUT_FILE_H

#include "base/buffer.h"
#include "base/error.h"

struct sw_output_file {
    const char *path; /* borrowed; NULL or "-": standard output */
    int fd;           /* -1: not open, or standard output */
};

enum sw_code sw_output_file_open(struct sw_output_file *out, const char *path,
                                 struct sw_error *err);

/* All of text, in place of what the file held. */
enum sw_code sw_output_file_write(const struct sw_output_file *file, const struct sw_buffer *text,
                                  struct sw_error *err);
void sw_output_file_close(struct sw_output_file *file);

#endif
