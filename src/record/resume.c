#include "record/resume.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "record/journal.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void drop(struct sw_resume *r)
{
    json_decref(r->run);
    json_decref(r->samples);
    json_decref(r->windows);
    json_decref(r->end);
    r->run = r->samples = r->windows = r->end = NULL;
}

static bool take_line(void *ctx, const json_t *object, size_t line)
{
    (void)line;
    struct sw_resume *r = ctx;
    const char *type = text_of(object, "type");
    bool same_run = r->run != NULL && text_of(object, "run_id")[0] != 0 &&
                    strcmp(text_of(object, "run_id"), text_of(r->run, "run_id")) == 0;
    if (strcmp(type, "run") == 0 && !same_run) {
        drop(r);
        r->run = json_incref((json_t *)(uintptr_t)object);
        r->samples = json_array();
        r->windows = json_array();
    } else if (strcmp(type, "sample") == 0 && same_run) {
        json_array_append(r->samples, (json_t *)(uintptr_t)object);
    } else if (strcmp(type, "window") == 0 && same_run) {
        json_array_append(r->windows, (json_t *)(uintptr_t)object);
    } else if (strcmp(type, "end") == 0 && same_run) {
        json_decref(r->end);
        r->end = json_incref((json_t *)(uintptr_t)object);
    }
    return true;
}

enum sw_code sw_resume_find(struct sw_resume *out, const char *journal_path, struct sw_error *err)
{
    *out = (struct sw_resume){0};
    enum sw_code code = sw_journal_read(journal_path, take_line, out, &out->n_skipped_lines,
                                        &out->first_skipped, err);
    if (code != SW_OK)
        drop(out);
    return code;
}

/* Where a sample belongs; false where its line does not tell. */
static bool place_of(const json_t *sample, json_int_t *block, json_int_t *index)
{
    const json_t *b = json_object_get(sample, "block");
    const json_t *i = json_object_get(sample, "index");
    *block = json_integer_value(b);
    *index = json_integer_value(i);
    return json_is_integer(i) && *index >= 0 && (b == NULL || (json_is_integer(b) && *block >= 0));
}

size_t sw_resume_keep(struct sw_resume *resume, size_t n)
{
    json_t *kept = json_array();
    json_t *places = json_object(); /* those that have a sample */
    bool failed = kept == NULL || places == NULL;
    size_t i;
    json_t *sample;
    json_array_foreach(resume->samples, i, sample)
    {
        json_int_t block, index;
        char key[48];
        if (!place_of(sample, &block, &index) || index >= (json_int_t)n)
            continue;
        snprintf(key, sizeof key, "%lld/%lld", (long long)block, (long long)index);
        if (json_object_get(places, key) != NULL)
            continue;
        failed = failed || json_array_append(kept, sample) != 0 ||
                 json_object_set_new(places, key, json_true()) != 0;
    }
    json_decref(places);
    json_decref(resume->samples);
    resume->samples = kept;
    return failed ? SIZE_MAX : json_array_size(kept);
}

size_t sw_resume_mark(const struct sw_resume *resume, size_t block, bool *is_done, size_t n)
{
    size_t i, n_done = 0;
    json_t *sample;
    memset(is_done, 0, n * sizeof *is_done);
    json_array_foreach(resume->samples, i, sample)
    {
        json_int_t of, index;
        if (!place_of(sample, &of, &index) || (size_t)of != block || index >= (json_int_t)n ||
            is_done[index])
            continue;
        is_done[index] = true;
        n_done++;
    }
    return n_done;
}

void sw_resume_free(struct sw_resume *resume)
{
    drop(resume);
}
