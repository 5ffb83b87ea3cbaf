/* Files as the rest of the program wants them: mapped, read whole with a bound, or one line. */
#ifndef SW_BASE_FILE_H
#define SW_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* A regular file mapped read-only. data is page-aligned, NULL where size is 0. */
struct sw_map {
    const unsigned char *data;
    size_t size; /* bytes */
};

enum sw_code sw_map_open(struct sw_map *out, const char *path, struct sw_error *err);
void sw_map_close(struct sw_map *map);

/* Reads a file (pipes and /proc files too) to its end into out, which the caller frees; refuses
 * more than max_bytes. Directories are refused. */
enum sw_code sw_file_read(struct sw_buffer *out, const char *path, size_t max_bytes,
                          struct sw_error *err);

/* The same from an open descriptor, which stays open; name stands for it in messages. */
enum sw_code sw_file_read_fd(struct sw_buffer *out, int fd, const char *name, size_t max_bytes,
                             struct sw_error *err);

/* First line of a sysfs or procfs file, without its newline, cut to size - 1 bytes; what follows
 * the line is ignored. */
enum sw_code sw_file_first_line(char *line, size_t size, const char *path, struct sw_error *err);

/* Writes a whole file so that a reader sees the old or the new content, never a part: temporary
 * file beside it, fsync, rename. */
enum sw_code sw_file_write_atomic(const char *path, const void *data, size_t size,
                                  struct sw_error *err);

bool sw_file_exists(const char *path);
bool sw_file_is_folder(const char *path);

/* mkdir -p, mode 0777 less the umask. */
enum sw_code sw_folder_create(const char *path, struct sw_error *err);

/* "a/b" from "a" and "b", "b" alone where a is empty. Caller frees; NULL if out of memory. */
char *sw_path_join_dup(const char *folder, const char *name);

#endif
