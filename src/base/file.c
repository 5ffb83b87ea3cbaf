#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum sw_code sw_map_open(struct sw_map *out, const char *path, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    *out = (struct sw_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return sw_fail(err, errno == ENOENT ? SW_EABSENT : SW_EFILE, "%s: %s", path,
                       strerror(errno));
    struct stat info;
    if (fstat(fd, &info) != 0) {
        code = sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        code = sw_fail(err, SW_EFILE, "%s: not a regular file", path);
        goto done;
    }
    if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            code = sw_fail(err, SW_EFILE, "%s: cannot be mapped: %s", path, strerror(errno));
            goto done;
        }
        out->data = data;
        out->size = (size_t)info.st_size;
    }
done:
    close(fd);
    return code;
}

void sw_map_close(struct sw_map *map)
{
    if (map->data != NULL)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct sw_map){0};
}

enum sw_code sw_file_read_fd(struct sw_buffer *out, int fd, const char *name, size_t max_bytes,
                             struct sw_error *err)
{
    enum sw_code code = SW_OK;
    *out = (struct sw_buffer){0};
    for (;;) {
        char chunk[65536];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            code = sw_fail(err, SW_EFILE, "%s: %s", name, strerror(errno));
            break;
        }
        if (n == 0)
            break;
        if ((size_t)n > max_bytes - out->size) {
            code =
                sw_fail(err, SW_EFORMAT, "%s: larger than the %zu bytes allowed", name, max_bytes);
            break;
        }
        sw_buffer_append(out, chunk, (size_t)n);
        if (out->failed) {
            code = sw_fail(err, SW_ENOMEM, "%s: out of memory after %zu bytes", name, out->size);
            break;
        }
    }
    if (code != SW_OK)
        sw_buffer_free(out);
    return code;
}

enum sw_code sw_file_read(struct sw_buffer *out, const char *path, size_t max_bytes,
                          struct sw_error *err)
{
    *out = (struct sw_buffer){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sw_fail(err, errno == ENOENT ? SW_EABSENT : SW_EFILE, "%s: %s", path,
                       strerror(errno));
    enum sw_code code = sw_file_read_fd(out, fd, path, max_bytes, err);
    close(fd);
    return code;
}

enum sw_code sw_file_first_line(char *line, size_t size, const char *path, struct sw_error *err)
{
    line[0] = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return sw_fail(err, errno == ENOENT ? SW_EABSENT : SW_EFILE, "%s: %s", path,
                       strerror(errno));
    ssize_t n;
    do
        n = read(fd, line, size - 1);
    while (n < 0 && errno == EINTR);
    int saved_errno = errno;
    close(fd);
    if (n < 0) {
        line[0] = 0;
        return sw_fail(err, SW_EFILE, "%s: %s", path, strerror(saved_errno));
    }
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    return SW_OK;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

enum sw_code sw_file_write_atomic(const char *path, const void *data, size_t size,
                                  struct sw_error *err)
{
    enum sw_code code = SW_OK;
    struct sw_buffer temporary = {0};
    sw_buffer_printf(&temporary, "%s.XXXXXX", path);
    if (temporary.failed)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    int fd = mkstemp(temporary.data);
    if (fd < 0) {
        code = sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!write_all(fd, data, size) || fchmod(fd, 0644) != 0 || fsync(fd) != 0 ||
        rename(temporary.data, path) != 0) {
        code = sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
        unlink(temporary.data);
    }
    close(fd);
done:
    sw_buffer_free(&temporary);
    return code;
}

bool sw_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool sw_file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum sw_code sw_folder_create(const char *path, struct sw_error *err)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return sw_fail(err, SW_ENOMEM, "%s: out of memory", path);
    enum sw_code code = SW_OK;
    for (char *c = copy + 1;; c++) {
        if (*c != '/' && *c != 0)
            continue;
        char kept = *c;
        *c = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            code = sw_fail(err, SW_EFILE, "%s: %s", copy, strerror(errno));
            break;
        }
        *c = kept;
        if (kept == 0)
            break;
    }
    free(copy);
    if (code == SW_OK && !sw_file_is_folder(path))
        code = sw_fail(err, SW_EFILE, "%s: not a folder", path);
    return code;
}

char *sw_path_join_dup(const char *folder, const char *name)
{
    struct sw_buffer path = {0};
    size_t length = strlen(folder);
    sw_buffer_puts(&path, folder);
    if (length > 0 && folder[length - 1] != '/' && name[0] != '/')
        sw_buffer_puts(&path, "/");
    sw_buffer_puts(&path, name);
    return sw_buffer_take(&path, NULL);
}
