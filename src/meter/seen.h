/* Folders met before: trees of sysfs are full of links to themselves. */
#ifndef SW_METER_SEEN_H
#define SW_METER_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SW_MAX_SEEN = 512 };

struct sw_seen {
    struct {
        dev_t device;
        ino_t inode;
    } folders[SW_MAX_SEEN];
    size_t n;
};

/* False for what is no folder, was met under any path, or is one more than there is room for. */
bool sw_seen_is_new(struct sw_seen *seen, const char *path);

#endif
