/* The lock of hub/download.h. */
#include "base/lock.h"

#include "hub/download.h"

enum sw_code sw_hub_lock(int *fd, const char *path, const struct sw_hub_settings *settings,
                         struct sw_error *err)
{
    return sw_lock_take(fd, path, settings->options.is_interrupted, settings->options.ctx, err);
}

void sw_hub_unlock(int fd)
{
    sw_lock_release(fd);
}
