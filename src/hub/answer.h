/* The JSON that the hub and the rows service answer with, read with bounds. Nothing here touches
 * the network; where names the URL or file in messages. */
#ifndef SW_HUB_ANSWER_H
#define SW_HUB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Bounds on the answers. The hub's largest model listings are some hundred KiB. */
enum {
    SW_HUB_MAX_LISTING_BYTES = 4 << 20,
    SW_HUB_MAX_SPLITS_BYTES = 1 << 20,
    SW_HUB_MAX_INDEX_BYTES = 8 << 20,
    SW_HUB_MAX_PAGE_BYTES = 16 << 20,
    SW_HUB_MAX_SHARDS = 1000,
};

struct sw_hub_names {
    char **names; /* owned (n), each owned */
    size_t n;
};

void sw_hub_names_free(struct sw_hub_names *names);
bool sw_hub_names_has(const struct sw_hub_names *names, const char *name);

/* GET /api/models/{id}/revision/{revision}: the commit and the names of the repository's files. */
struct sw_hub_listing {
    char commit[41];
    struct sw_hub_names files; /* each a safe relative path */
};

enum sw_code sw_hub_listing_parse(struct sw_hub_listing *out, const char *bytes, size_t size,
                                  const char *where, struct sw_error *err);
void sw_hub_listing_free(struct sw_hub_listing *listing);

/* model.safetensors.index.json: the names of the shards, sorted as met, each once. */
enum sw_code sw_hub_index_parse(struct sw_hub_names *out, const char *bytes, size_t size,
                                const char *where, struct sw_error *err);

/* GET /splits?dataset=: picks configuration and split. config NULL: the only one, or "default".
 * "test", "validation", "dev" stand in for each other as hub.h says; *is_other becomes true where
 * split itself does not exist and validation is used. The texts are the caller's to free. */
enum sw_code sw_hub_splits_pick(char **config, char **split, bool *is_other, const char *bytes,
                                size_t size, const char *wanted_config, const char *wanted_split,
                                const char *where, struct sw_error *err);

/* GET /rows?...: appends each row as one line of JSON. first is the number of the first row. */
struct sw_hub_page {
    uint64_t n_rows;      /* of this page */
    uint64_t n_total;     /* of the split */
    uint64_t n_truncated; /* rows of this page with cells that the service cut */
    bool is_partial;      /* the service holds only a part of the split */
};

enum sw_code sw_hub_page_parse(struct sw_hub_page *out, struct sw_buffer *lines, uint64_t first,
                               const char *bytes, size_t size, const char *where,
                               struct sw_error *err);

#endif
