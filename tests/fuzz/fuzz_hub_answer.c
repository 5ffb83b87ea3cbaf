/* The JSON that a hub and a rows service answer with. The first byte picks the reader. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hub/answer.h"
#include "hub/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a reader lets through becomes part of a path. */
static void require_safe(const struct sw_hub_names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!sw_hub_path_is_safe(names->names[i]))
            abort();
    }
}

static void read_listing(const char *bytes, size_t size, struct sw_error *err)
{
    struct sw_hub_listing listing;
    if (sw_hub_listing_parse(&listing, bytes, size, "fuzz", err) != SW_OK)
        return;
    if (!sw_hub_is_hex(listing.commit, 40))
        abort();
    require_safe(&listing.files);
    sw_hub_listing_free(&listing);
}

static void read_index(const char *bytes, size_t size, struct sw_error *err)
{
    struct sw_hub_names shards;
    if (sw_hub_index_parse(&shards, bytes, size, "fuzz", err) != SW_OK)
        return;
    require_safe(&shards);
    sw_hub_names_free(&shards);
}

static void read_splits(const char *bytes, size_t size, const char *config, struct sw_error *err)
{
    char *picked_config, *picked_split;
    bool is_other;
    if (sw_hub_splits_pick(&picked_config, &picked_split, &is_other, bytes, size, config, "test",
                           "fuzz", err) != SW_OK)
        return;
    if (config != NULL && strcmp(picked_config, config) != 0)
        abort();
    free(picked_config);
    free(picked_split);
}

static void read_page(const char *bytes, size_t size, struct sw_error *err)
{
    struct sw_hub_page page;
    struct sw_buffer lines = {0};
    size_t n_lines = 0;
    if (sw_hub_page_parse(&page, &lines, 0, bytes, size, "fuzz", err) == SW_OK) {
        for (size_t i = 0; i < lines.size; i++)
            n_lines += lines.data[i] == '\n';
        if (n_lines != page.n_rows)
            abort();
    }
    sw_buffer_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_error err;
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    switch (data[0] % 5) {
    case 0:
        read_listing(bytes, size - 1, &err);
        break;
    case 1:
        read_index(bytes, size - 1, &err);
        break;
    case 2:
        read_splits(bytes, size - 1, NULL, &err);
        break;
    case 3:
        read_splits(bytes, size - 1, "default", &err);
        break;
    default:
        read_page(bytes, size - 1, &err);
        break;
    }
    return 0;
}
