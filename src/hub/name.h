/* Checks of what becomes part of a path or URL: repository ids, revisions, file names, hashes. */
#ifndef SW_HUB_NAME_H
#define SW_HUB_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* "name" or "org/name" by the hub's rules: letters, digits, '-', '_', '.', no "--" or "..", at
 * most 96 characters. */
enum sw_code sw_hub_check_id(const char *id, struct sw_error *err);

/* A relative path whose components are not empty, ".", ".." and at most 255 bytes, without control
 * characters or backslashes; at most 1024 bytes in all. */
bool sw_hub_path_is_safe(const char *path);

/* Exactly n lower-case hexadecimal digits. */
bool sw_hub_is_hex(const char *text, size_t n);

#endif
