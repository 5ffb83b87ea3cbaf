#include "record/resume.h"

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

size_t sw_resume_mark(struct sw_resume *resume, bool *is_done, size_t n)
{
    json_t *kept = json_array();
    size_t i;
    json_t *sample;
    memset(is_done, 0, n * sizeof *is_done);
    json_array_foreach(resume->samples, i, sample)
    {
        const json_t *index = json_object_get(sample, "index");
        json_int_t at = json_is_integer(index) ? json_integer_value(index) : -1;
        if (at < 0 || (json_int_t)n <= at || is_done[at] || json_array_append(kept, sample) != 0)
            continue;
        is_done[at] = true;
    }
    json_decref(resume->samples);
    resume->samples = kept;
    return json_array_size(kept);
}

void sw_resume_free(struct sw_resume *resume)
{
    drop(resume);
}
