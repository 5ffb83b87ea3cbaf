/*
 * Journals: any file is read; where the writer takes it, a line is appended, every line that could
 * be read before is still there, and the new one comes last.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "input_file.h"
#include "record/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Objects seen, and a sum over them that depends on their order. */
struct seen {
    size_t n;
    uint64_t sum;        /* of all */
    uint64_t sum_before; /* of all but the last */
    bool last_is_ours;
};

static bool see(void *ctx, const json_t *object, size_t line)
{
    struct seen *seen = ctx;
    must(line > 0);
    char *text = json_dumps(object, JSON_COMPACT);
    must(text != NULL);
    seen->n++;
    seen->sum_before = seen->sum;
    for (const char *c = text; *c != 0; c++)
        seen->sum = seen->sum * 1099511628211u + (unsigned char)*c;
    seen->last_is_ours = strcmp(text, "{\"schema_version\":1,\"type\":\"fuzz\"}") == 0;
    free(text);
    return true;
}

static void read_all(struct seen *seen, size_t *n_skipped)
{
    struct sw_error skipped = {0};
    *seen = (struct seen){0};
    must(sw_journal_read(input_path, see, seen, n_skipped, &skipped, NULL) == SW_OK);
    must((*n_skipped > 0) == (skipped.text[0] != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    put_input_file(data, size);
    struct seen before;
    size_t n_skipped_before;
    read_all(&before, &n_skipped_before);

    struct sw_journal *journal;
    struct sw_error err = {0};
    bool torn = false;
    if (sw_journal_open(&journal, input_path, &torn, &err) != SW_OK) {
        must(err.code == SW_EFORMAT);
        return 0;
    }
    json_t *object = json_pack("{s:i, s:s}", "schema_version", SW_SCHEMA_VERSION, "type", "fuzz");
    must(object != NULL && sw_journal_append(journal, object, &err) == SW_OK);
    json_decref(object);
    sw_journal_close(journal);
    struct seen after;
    size_t n_skipped;
    read_all(&after, &n_skipped);
    must(after.n == before.n + 1 && after.sum_before == before.sum && after.last_is_ours);
    must(n_skipped == n_skipped_before && (!torn || n_skipped > 0));
    return 0;
}
