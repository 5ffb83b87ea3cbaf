/* A lock between processes: flock on a file, which is made where it is missing. */
#ifndef SW_BASE_LOCK_H
#define SW_BASE_LOCK_H

#include <stdbool.h>

#include "base/error.h"

/* Waits for it, asking is_interrupted (NULL: never) meanwhile. *fd goes to sw_lock_release. */
enum sw_code sw_lock_take(int *fd, const char *path, bool (*is_interrupted)(void *ctx), void *ctx,
                          struct sw_error *err);
void sw_lock_release(int fd); /* -1: none */

#endif
