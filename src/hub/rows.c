#include "hub/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "hub/answer.h"
#include "hub/cache.h"
#include "hub/download.h"
#include "hub/http.h"
#include "hub/name.h"

enum { PAGE_ROWS = 100 };

/* All rows of a data set together: what 10,000 rows of 25 KiB need. */
static const size_t max_total_bytes = (size_t)256 << 20;

/* One data set under way. */
struct rows {
    const struct sw_hub_settings *settings;
    struct sw_http *http; /* NULL until needed */
    struct sw_hub_info *info;
    const char *name;
    char *folder;           /* owned: CACHE/datasets/org--name */
    char *splits_path;      /* owned: folder/splits.json, the service's last answer */
    char *config, *split;   /* owned: what is read */
    char *path, *note_path; /* owned: folder/<config>/<split>.jsonl and .note beside it */
};

/* A GET at the rows service; the token goes there over https only. */
static enum sw_code get(struct rows *rows, const char *url, size_t max_bytes,
                        struct sw_http_answer *answer, struct sw_error *err)
{
    if (rows->http == NULL) {
        enum sw_code code = sw_http_create(&rows->http, rows->settings, err);
        if (code != SW_OK)
            return code;
    }
    struct sw_http_request request = {.url = url,
                                      .token = sw_hub_token_for_view(rows->settings, url, false),
                                      .max_bytes = max_bytes};
    return sw_http_fetch(rows->http, &request, answer, err);
}

/* The list of splits, from the last time or from the service. */
static enum sw_code get_splits(struct rows *rows, struct sw_buffer *text, bool *is_fresh,
                               struct sw_error *err)
{
    const struct sw_hub_settings *settings = rows->settings;
    struct sw_buffer url = {0};
    struct sw_http_answer answer = {0};
    *is_fresh = false;
    if (!settings->options.refresh || settings->offline) {
        enum sw_code cached = sw_file_read(text, rows->splits_path, SW_HUB_MAX_SPLITS_BYTES, err);
        if (cached == SW_OK)
            return SW_OK;
        if (settings->offline)
            return sw_fail_prefix(err, "%s is not in the cache, and offline nothing is fetched",
                                  rows->name);
    }
    sw_buffer_printf(&url, "%s/splits?dataset=", settings->rows_endpoint);
    sw_url_append_escaped(&url, rows->name, false);
    enum sw_code code = url.failed ? sw_fail(err, SW_ENOMEM, "%s: out of memory", rows->name)
                                   : get(rows, url.data, SW_HUB_MAX_SPLITS_BYTES, &answer, err);
    if (code == SW_OK) {
        *text = answer.body;
        answer.body = (struct sw_buffer){0};
        *is_fresh = true;
    } else {
        code = sw_fail_prefix(err, "data set %s", rows->name);
    }
    sw_http_answer_free(&answer);
    sw_buffer_free(&url);
    return code;
}

/* A name of the service as one component of a path: "..", "a/b" and the like cannot leave the
 * folder once escaped; names of dots alone are refused. */
static char *component_dup(const char *name)
{
    struct sw_buffer text = {0};
    sw_url_append_escaped(&text, name, false);
    if (strspn(name, ".") == strlen(name) || text.size > 200) {
        sw_buffer_free(&text);
        return NULL;
    }
    return sw_buffer_take(&text, NULL);
}

/* Which configuration and split, and where they are kept. */
static enum sw_code choose(struct rows *rows, const char *wanted_split, struct sw_error *err)
{
    struct sw_buffer text = {0};
    char *config = NULL, *split = NULL;
    bool is_other = false, is_fresh = false;
    enum sw_code code = get_splits(rows, &text, &is_fresh, err);
    if (code != SW_OK)
        goto done;
    char where[160];
    snprintf(where, sizeof where, "data set %s: list of splits", rows->name);
    code = sw_hub_splits_pick(&rows->config, &rows->split, &is_other, text.data, text.size,
                              rows->settings->options.dataset_config, wanted_split, where, err);
    if (code != SW_OK)
        goto done;
    if (is_fresh) {
        code = sw_folder_create(rows->folder, err);
        if (code == SW_OK)
            code = sw_file_write_atomic(rows->splits_path, text.data, text.size, err);
        if (code != SW_OK)
            goto done;
    }
    config = component_dup(rows->config);
    split = component_dup(rows->split);
    if (config == NULL || split == NULL) {
        code = sw_fail(err, SW_EFORMAT, "%s: \"%.100s\" or \"%.100s\" cannot name a file", where,
                       rows->config, rows->split);
        goto done;
    }
    if (asprintf(&rows->path, "%s/%s/%s.jsonl", rows->folder, config, split) < 0)
        rows->path = NULL;
    if (asprintf(&rows->note_path, "%s/%s/%s.note", rows->folder, config, split) < 0)
        rows->note_path = NULL;
    if (rows->path == NULL || rows->note_path == NULL) {
        code = sw_fail(err, SW_ENOMEM, "%s: out of memory", rows->name);
        goto done;
    }
    snprintf(rows->info->config, sizeof rows->info->config, "%s", rows->config);
    snprintf(rows->info->split, sizeof rows->info->split, "%s", rows->split);
    if (is_other)
        snprintf(rows->info->note, sizeof rows->info->note,
                 "data set %.100s has no split \"%.40s\"; \"%.40s\" is read", rows->name,
                 wanted_split, rows->split);
done:
    free(config);
    free(split);
    sw_buffer_free(&text);
    return code;
}

static void add_note(struct sw_hub_info *info, const char *text)
{
    size_t used = strlen(info->note);
    snprintf(info->note + used, sizeof info->note - used, "%s%s", used > 0 ? "; " : "", text);
}

static enum sw_code fetch_page(struct rows *rows, struct sw_hub_page *page, struct sw_buffer *lines,
                               uint64_t first, uint64_t n, struct sw_error *err)
{
    struct sw_buffer url = {0};
    struct sw_http_answer answer = {0};
    char where[200];
    snprintf(where, sizeof where, "data set %s: rows from %" PRIu64, rows->name, first);
    sw_buffer_printf(&url, "%s/rows?dataset=", rows->settings->rows_endpoint);
    sw_url_append_escaped(&url, rows->name, false);
    sw_buffer_puts(&url, "&config=");
    sw_url_append_escaped(&url, rows->config, false);
    sw_buffer_puts(&url, "&split=");
    sw_url_append_escaped(&url, rows->split, false);
    sw_buffer_printf(&url, "&offset=%" PRIu64 "&length=%" PRIu64, first, n);
    enum sw_code code = url.failed ? sw_fail(err, SW_ENOMEM, "%s: out of memory", where)
                                   : get(rows, url.data, SW_HUB_MAX_PAGE_BYTES, &answer, err);
    if (code != SW_OK)
        code = sw_fail_prefix(err, "%s", where);
    else
        code =
            sw_hub_page_parse(page, lines, first, answer.body.data, answer.body.size, where, err);
    sw_http_answer_free(&answer);
    sw_buffer_free(&url);
    return code;
}

/* All pages into lines; what is left out goes into note. */
static enum sw_code fetch_rows(struct rows *rows, struct sw_buffer *lines, char note[160],
                               struct sw_error *err)
{
    const struct sw_hub_options *options = &rows->settings->options;
    uint64_t began_ns = sw_clock_ns();
    uint64_t n_rows = 0, n_truncated = 0, n_wanted = SW_HUB_MAX_ROWS;
    struct sw_hub_page page = {0};
    for (uint64_t n_left = n_wanted; n_left > 0; n_left = n_wanted - n_rows) {
        enum sw_code code =
            fetch_page(rows, &page, lines, n_rows, n_left < PAGE_ROWS ? n_left : PAGE_ROWS, err);
        if (code != SW_OK)
            return code;
        n_wanted = page.n_total < SW_HUB_MAX_ROWS ? page.n_total : SW_HUB_MAX_ROWS;
        n_rows += page.n_rows;
        n_truncated += page.n_truncated;
        if (page.n_rows == 0 || n_rows > n_wanted)
            return sw_fail(err, page.n_total == 0 ? SW_EABSENT : SW_EFORMAT,
                           "data set %s: %" PRIu64 " rows, where the service promises %" PRIu64,
                           rows->name, n_rows, page.n_total);
        if (lines->size > max_total_bytes)
            return sw_fail(err, SW_EFORMAT,
                           "data set %s: %" PRIu64 " rows take more than %zu bytes", rows->name,
                           n_rows, max_total_bytes);
        double seconds = (double)(sw_clock_ns() - began_ns) * 1e-9;
        if (options->progress != NULL)
            options->progress(options->ctx, "rows", n_rows, n_wanted,
                              seconds > 0 ? (double)n_rows / seconds : 0);
    }
    int used = 0;
    note[0] = 0;
    if (page.n_total > n_rows)
        used = snprintf(note, 160, "the first %" PRIu64 " of %" PRIu64 " rows are read", n_rows,
                        page.n_total);
    if (page.is_partial)
        used += snprintf(note + used, (size_t)(160 - used),
                         "%sthe service holds a part of the data", used > 0 ? "; " : "");
    if (n_truncated > 0)
        snprintf(note + used, (size_t)(160 - used), "%s%" PRIu64 " rows have cells cut by it",
                 used > 0 ? "; " : "", n_truncated);
    return SW_OK;
}

/* Fetches and writes, note first: who finds the data finds what must be said of it. */
static enum sw_code fetch_to_file(struct rows *rows, struct sw_error *err)
{
    struct sw_buffer lines = {0};
    char note[160];
    enum sw_code code = fetch_rows(rows, &lines, note, err);
    if (code == SW_OK)
        code = sw_hub_parent_create(rows->path, err);
    if (code == SW_OK)
        code = sw_file_write_atomic(rows->note_path, note, strlen(note), err);
    if (code == SW_OK)
        code = sw_file_write_atomic(rows->path, lines.data, lines.size, err);
    sw_buffer_free(&lines);
    return code;
}

static enum sw_code fetch_locked(struct rows *rows, struct sw_error *err)
{
    int lock = -1;
    char *lock_path = sw_hub_path_dup(rows->folder, ".lock", NULL);
    enum sw_code code = lock_path != NULL
                            ? sw_folder_create(rows->folder, err)
                            : sw_fail(err, SW_ENOMEM, "%s: out of memory", rows->name);
    if (code == SW_OK)
        code = sw_hub_lock(&lock, lock_path, rows->settings, err);
    /* Another process may have fetched it while we waited. */
    if (code == SW_OK && (rows->settings->options.refresh || !sw_file_exists(rows->path)))
        code = fetch_to_file(rows, err);
    sw_hub_unlock(lock);
    free(lock_path);
    return code;
}

static enum sw_code prepare(struct rows *rows, struct sw_error *err)
{
    enum sw_code code = sw_hub_check_id(rows->name, err);
    if (code != SW_OK)
        return code;
    char *folder = sw_hub_repo_folder_dup(rows->name);
    if (folder != NULL)
        rows->folder = sw_hub_path_dup(rows->settings->own_cache, "datasets",
                                       folder + strlen("models--"), NULL);
    if (rows->folder != NULL)
        rows->splits_path = sw_hub_path_dup(rows->folder, "splits.json", NULL);
    free(folder);
    return rows->splits_path != NULL ? SW_OK
                                     : sw_fail(err, SW_ENOMEM, "%s: out of memory", rows->name);
}

enum sw_code sw_hub_rows(char **path, const char *name, const char *split,
                         const struct sw_hub_settings *settings, struct sw_hub_info *info,
                         struct sw_error *err)
{
    struct rows rows = {.settings = settings, .info = info, .name = name};
    char note[160] = "";
    *path = NULL;
    enum sw_code code = prepare(&rows, err);
    if (code == SW_OK)
        code = choose(&rows, split, err);
    if (code != SW_OK)
        goto done;
    bool is_cached = sw_file_exists(rows.path);
    if (!is_cached && settings->offline) {
        code = sw_fail(err, SW_EABSENT,
                       "%s: not in the cache, and offline nothing is fetched (data set %s)",
                       rows.path, name);
        goto done;
    }
    if (!is_cached || (settings->options.refresh && !settings->offline))
        code = fetch_locked(&rows, err);
    if (code != SW_OK)
        goto done;
    info->from_cache = rows.http == NULL;
    if (sw_file_first_line(note, sizeof note, rows.note_path, NULL) == SW_OK && note[0] != 0)
        add_note(info, note);
    *path = rows.path;
    rows.path = NULL;
done:
    if (rows.http != NULL)
        info->downloaded_bytes = sw_http_received_bytes(rows.http);
    sw_http_destroy(rows.http);
    free(rows.folder);
    free(rows.splits_path);
    free(rows.config);
    free(rows.split);
    free(rows.path);
    free(rows.note_path);
    return code;
}
