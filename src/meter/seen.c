#include "meter/seen.h"

#include <sys/stat.h>

bool sw_seen_is_new(struct sw_seen *seen, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return false;
    for (size_t i = 0; i < seen->n; i++)
        if (seen->folders[i].device == info.st_dev && seen->folders[i].inode == info.st_ino)
            return false;
    if (seen->n == SW_MAX_SEEN)
        return false;
    seen->folders[seen->n].device = info.st_dev;
    seen->folders[seen->n].inode = info.st_ino;
    seen->n++;
    return true;
}
