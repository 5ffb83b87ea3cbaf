#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { POLL_MS = 50 };

/* Some lock libraries remove the file when they let go: then the lock taken is on a file that
 * nobody else will find. */
static bool is_still_at(int fd, const char *path)
{
    struct stat ours, theirs;
    return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
           ours.st_dev == theirs.st_dev;
}

enum sw_code sw_lock_take(int *fd, const char *path, bool (*is_interrupted)(void *ctx), void *ctx,
                          struct sw_error *err)
{
    *fd = -1;
    for (;;) {
        if (*fd < 0)
            *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0664);
        if (*fd < 0)
            return sw_fail(err, SW_EFILE, "%s: %s", path, strerror(errno));
        if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
            if (is_still_at(*fd, path))
                return SW_OK;
            close(*fd);
            *fd = -1;
            continue;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            enum sw_code code =
                sw_fail(err, SW_EFILE, "%s: cannot be locked: %s", path, strerror(errno));
            sw_lock_release(*fd);
            *fd = -1;
            return code;
        }
        if (is_interrupted != NULL && is_interrupted(ctx)) {
            sw_lock_release(*fd);
            *fd = -1;
            return sw_fail(err, SW_EINTERRUPTED, "%s: interrupted while another process holds it",
                           path);
        }
        sw_clock_sleep_until(sw_clock_ns() + POLL_MS * UINT64_C(1000000));
    }
}

void sw_lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
