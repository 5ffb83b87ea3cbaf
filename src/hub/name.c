#include "hub/name.h"

#include <ctype.h>
#include <string.h>

static bool id_part_is_good(const char *part, size_t size)
{
    if (size == 0 || strchr("-.", part[0]) != NULL || strchr("-.", part[size - 1]) != NULL)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)part[i];
        if (c >= 0x80 || (!isalnum(c) && strchr("-_.", c) == NULL))
            return false;
        if (i > 0 && (c == '-' || c == '.') && part[i - 1] == part[i])
            return false;
    }
    return true;
}

enum sw_code sw_hub_check_id(const char *id, struct sw_error *err)
{
    const char *slash = strchr(id, '/');
    bool good = strlen(id) <= 96;
    if (slash == NULL)
        good = good && id_part_is_good(id, strlen(id));
    else
        good = good && id_part_is_good(id, (size_t)(slash - id)) &&
               id_part_is_good(slash + 1, strlen(slash + 1));
    if (!good)
        return sw_fail(err, SW_EUSAGE,
                       "\"%.100s\": neither an existing folder nor a hub name (\"org/name\")", id);
    return SW_OK;
}

bool sw_hub_path_is_safe(const char *path)
{
    if (strlen(path) > 1024)
        return false;
    for (;;) {
        size_t size = strcspn(path, "/");
        if (size == 0 || size > 255 || (size == 1 && path[0] == '.') ||
            (size == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        for (size_t i = 0; i < size; i++) {
            unsigned char c = (unsigned char)path[i];
            if (c < 0x20 || c == 0x7f || c == '\\')
                return false;
        }
        if (path[size] == 0)
            return true;
        path += size + 1;
    }
}

bool sw_hub_is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}
