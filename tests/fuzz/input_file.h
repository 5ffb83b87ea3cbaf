/* For fuzzers of what reads files: the input as a file of its own, which goes when the fuzzer does.
 */
#ifndef SW_TESTS_FUZZ_INPUT_FILE_H
#define SW_TESTS_FUZZ_INPUT_FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char input_path[64];

static inline void must(bool holds)
{
    if (!holds)
        abort();
}

static inline void remove_input_file(void)
{
    unlink(input_path);
}

/* Writes the input to input_path; a folder in memory, if there is one, spares the disk. */
static inline void put_input_file(const uint8_t *data, size_t size)
{
    if (input_path[0] == 0) {
        snprintf(input_path, sizeof input_path, "%s/sw-fuzz-%ld",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
        atexit(remove_input_file);
    }
    int fd = open(input_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

#endif
