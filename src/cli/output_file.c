#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum sw_code sw_output_file_open(struct sw_output_file *out, const char *path, struct sw_error *err)
{
    *out = (struct sw_output_file){.path = path, .fd = -1};
    if (path == NULL || strcmp(path, "-") == 0)
        return SW_OK;
    out->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    return out->fd >= 0 ? SW_OK : sw_fail(err, SW_EFILE, "--output: %s: %s", path, strerror(errno));
}

enum sw_code sw_output_file_write(const struct sw_output_file *file, const struct sw_buffer *text,
                                  struct sw_error *err)
{
    struct stat info;
    if (text->failed)
        return sw_fail(err, SW_ENOMEM, "out of memory");
    if (file->fd < 0) { /* main looks at its errors */
        fwrite(text->data, 1, text->size, stdout);
        return SW_OK;
    }
    if (fstat(file->fd, &info) == 0 && S_ISREG(info.st_mode) && ftruncate(file->fd, 0) != 0)
        return sw_fail(err, SW_EFILE, "--output: %s: %s", file->path, strerror(errno));
    for (size_t done = 0; done < text->size;) {
        ssize_t n = write(file->fd, text->data + done, text->size - done);
        if (n < 0 && errno != EINTR)
            return sw_fail(err, SW_EFILE, "--output: %s: %s", file->path, strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return SW_OK;
}

void sw_output_file_close(struct sw_output_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}
