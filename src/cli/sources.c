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

static enum sw_code from_hub(char **folder, const char *name, const char *revision, bool refresh,
                             struct sw_progress *progress, struct sw_error *err)
{
    struct download download = {.progress = progress};
    struct sw_hub_options options = {.revision = revision,
                                     .progress = show_download,
                                     .is_interrupted = is_interrupted,
                                     .ctx = &download,
                                     .refresh = refresh};
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
    } else if (named != NULL && sw_file_exists(named)) {
        code = sw_fail(err, SW_EUSAGE, "%s: a file; a model is a folder, a hub id or synthetic:...",
                       named);
    } else if (named != NULL) {
        code = from_hub(resolved, named, revision, false, progress, err);
    } else {
        named = SW_DEFAULT_MODEL;
        code = from_hub(resolved, named, revision, false, progress, err);
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

static enum sw_code dataset_file_from_hub(char **path, const char *name, const char *split,
                                          bool refresh, struct sw_hub_info *info,
                                          struct sw_progress *progress, struct sw_error *err)
{
    struct download download = {.progress = progress};
    struct sw_hub_options hub = {.progress = show_download,
                                 .is_interrupted = is_interrupted,
                                 .ctx = &download,
                                 .refresh = refresh,
                                 .info = info};
    enum sw_code code = sw_hub_dataset(path, name, split, &hub, err);
    sw_progress_end(progress);
    if (code == SW_OK && info->note[0] != 0)
        sw_say("%s", info->note);
    return code;
}

static enum sw_code dataset_from_hub(struct sw_dataset *out, const char *name, const char *split,
                                     const struct sw_dataset_options *options,
                                     struct sw_progress *progress, struct sw_error *err)
{
    char *path = NULL;
    struct sw_hub_info info = {0};
    enum sw_code code = dataset_file_from_hub(&path, name, split, false, &info, progress, err);
    if (code == SW_OK)
        code = sw_dataset_load(out, path, options, err);
    if (code == SW_OK)
        code = sw_dataset_label(out, name, info.split[0] != 0 ? info.split : NULL, err);
    free(path);
    return code;
}

enum sw_code sw_pull(char **path, const char *name, bool is_dataset, const char *revision,
                     const char *split, struct sw_progress *progress, struct sw_error *err)
{
    struct sw_hub_info info = {0};
    if (is_dataset)
        return dataset_file_from_hub(path, name, split, true, &info, progress, err);
    return from_hub(path, name, revision, true, progress, err);
}

/* "questions.jsonl" or "./squad" is a file that is not there, and no hub id. */
static bool looks_like_file(const char *name)
{
    static const char *const endings[] = {".json", ".jsonl", ".csv", ".txt"};
    if (name[0] == '/' || strncmp(name, "./", 2) == 0 || strncmp(name, "../", 3) == 0)
        return true;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t size = strlen(endings[i]);
        if (strlen(name) > size && strcmp(name + strlen(name) - size, endings[i]) == 0)
            return true;
    }
    return false;
}

enum sw_code sw_resolve_dataset(struct sw_dataset *out, const char *named, const char *split,
                                const struct sw_dataset_options *options, bool model_is_synthetic,
                                struct sw_progress *progress, struct sw_error *err)
{
    enum sw_code code;
    if (named != NULL && strcmp(named, SW_BUILTIN_QUESTIONS) == 0)
        return sw_dataset_builtin(out, err);
    if (named == NULL && model_is_synthetic) {
        sw_say("no data set was named: asking the %s questions", SW_BUILTIN_QUESTIONS);
        return sw_dataset_builtin(out, err);
    }
    if (named != NULL && sw_file_exists(named)) {
        code = sw_dataset_load(out, named, options, err);
        if (code == SW_OK && strcmp(split, "test") == 0 && strcmp(out->split, "validation") == 0)
            sw_say("%s has no test split: its validation split is read", out->name);
    } else if (named != NULL && looks_like_file(named)) {
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
    return code;
}
