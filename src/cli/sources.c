#include "cli/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/interrupt.h"
#include "hub/hub.h"
#include "model/model.h"

/* Bar on a terminal; otherwise a line when a file begins. */
struct download {
    struct sw_progress *progress;
    char file[256];
};

static void show_download(void *ctx, const char *file, uint64_t done, uint64_t total, double rate)
{
    struct download *download = ctx;
    if (strncmp(download->file, file, sizeof download->file - 1) != 0) {
        snprintf(download->file, sizeof download->file, "%s", file);
        download->progress->start_ns = sw_clock_ns();
        if (!download->progress->is_terminal)
            sw_progress_line(download->progress, "downloading %s (%s)", file,
                             total > 0 ? sw_text_bytes(total) : "size unknown");
    }
    char tail[320];
    snprintf(tail, sizeof tail, "bytes of %s, %s/s", file, sw_text_bytes((uint64_t)rate));
    sw_progress_bar(download->progress, done, total, tail);
}

static bool is_interrupted(void *ctx)
{
    (void)ctx;
    return sw_interrupted();
}

static enum sw_code dup_into(char **out, const char *text, struct sw_error *err)
{
    *out = strdup(text);
    return *out != NULL ? SW_OK : sw_fail(err, SW_ENOMEM, "%s: out of memory", text);
}

static enum sw_code from_hub(char **folder, const char *name, const char *revision,
                             struct sw_progress *progress, struct sw_error *err)
{
    struct download download = {.progress = progress};
    struct sw_hub_options options = {.revision = revision,
                                     .progress = show_download,
                                     .is_interrupted = is_interrupted,
                                     .ctx = &download};
    enum sw_code code = sw_hub_model(folder, name, &options, err);
    sw_progress_end(progress);
    return code;
}

enum sw_code sw_resolve_model(char **resolved, char **name, const char *named, const char *revision,
                              struct sw_progress *progress, struct sw_error *err)
{
    enum sw_code code;
    *resolved = NULL;
    *name = NULL;
    if (named != NULL && (sw_model_name_is_synthetic(named) || sw_file_is_folder(named))) {
        code = dup_into(resolved, named, err);
    } else if (named != NULL) {
        code = from_hub(resolved, named, revision, progress, err);
    } else {
        named = SW_DEFAULT_MODEL;
        code = from_hub(resolved, named, revision, progress, err);
        if (code != SW_OK && code != SW_EINTERRUPTED) {
            sw_say("%s cannot be had: %s", named, err->text);
            sw_say("running %s instead: seeded random weights of the same shape; seconds and "
                   "joules are real, the text is noise",
                   SW_FALLBACK_MODEL);
            named = SW_FALLBACK_MODEL;
            code = dup_into(resolved, named, err);
        }
    }
    if (code == SW_OK)
        code = dup_into(name, named, err);
    return code;
}

static enum sw_code dataset_from_hub(struct sw_dataset *out, const char *name, const char *split,
                                     const struct sw_dataset_options *options,
                                     struct sw_progress *progress, struct sw_error *err)
{
    struct download download = {.progress = progress};
    struct sw_hub_options hub = {
        .progress = show_download, .is_interrupted = is_interrupted, .ctx = &download};
    char *path = NULL;
    enum sw_code code = sw_hub_dataset(&path, name, split, &hub, err);
    sw_progress_end(progress);
    if (code == SW_OK)
        code = sw_dataset_load(out, path, options, err);
    free(path);
    if (code == SW_OK) {
        char *copy = strdup(name);
        if (copy != NULL) {
            free(out->name);
            out->name = copy;
        }
    }
    return code;
}

enum sw_code sw_resolve_dataset(struct sw_dataset *out, const char *named, const char *split,
                                const struct sw_dataset_options *options, bool model_is_synthetic,
                                struct sw_progress *progress, struct sw_error *err)
{
    enum sw_code code;
    bool is_squad = named == NULL || strcmp(named, "squad") == 0;
    if (named != NULL && strcmp(named, SW_BUILTIN_QUESTIONS) == 0)
        return sw_dataset_builtin(out, err);
    if (named == NULL && model_is_synthetic) {
        sw_say("no data set was named: asking the %s questions", SW_BUILTIN_QUESTIONS);
        return sw_dataset_builtin(out, err);
    }
    if (named != NULL && sw_file_exists(named)) {
        code = sw_dataset_load(out, named, options, err);
    } else if (named != NULL && (strchr(named, '.') != NULL || named[0] == '/') &&
               strchr(named, ' ') == NULL && strrchr(named, '.') > strrchr(named, '/')) {
        /* "questions.jsonl" is a file that is not there, no hub id. */
        return sw_fail(err, SW_EABSENT, "%s: no such file", named);
    } else {
        code =
            dataset_from_hub(out, named != NULL ? named : "squad", split, options, progress, err);
        if (named == NULL && code != SW_OK && code != SW_EINTERRUPTED) {
            sw_say("SQuAD cannot be had: %s", err->text);
            sw_say("asking the %s questions instead", SW_BUILTIN_QUESTIONS);
            return sw_dataset_builtin(out, err);
        }
    }
    if (code == SW_OK && is_squad && strcmp(split, "test") == 0)
        sw_say("SQuAD has no test split: its validation split is read");
    return code;
}
