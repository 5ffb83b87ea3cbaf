/* Data sets of the hub through its rows service, pages of 100 rows, as JSONL in our own cache. */
#ifndef SW_HUB_ROWS_H
#define SW_HUB_ROWS_H

#include "base/error.h"
#include "hub/hub.h"
#include "hub/settings.h"

enum { SW_HUB_MAX_ROWS = 10000 };

/* CACHE/datasets/org--name/<config>/<split>.jsonl. *path is the caller's to free; info is filled.
 */
enum sw_code sw_hub_rows(char **path, const char *name, const char *split,
                         const struct sw_hub_settings *settings, struct sw_hub_info *info,
                         struct sw_error *err);

#endif
