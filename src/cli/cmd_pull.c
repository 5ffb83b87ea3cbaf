/* pull: a model or data set into the cache, ahead of a run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/sources.h"
#include "cli/terminal.h"

static int run_command(int argc, char **argv)
{
    const char *revision = NULL;
    const char *split = "test";
    bool is_dataset = false;
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "Options"},
        {.kind = SW_OPTION_FLAG,
         .name = "dataset",
         .value = &is_dataset,
         .help = "NAME is a data set: squad, or any of the hub's"},
        {.kind = SW_OPTION_TEXT,
         .name = "revision",
         .value = &revision,
         .argument = "REV",
         .help = "branch, tag or commit of a model (main)"},
        {.kind = SW_OPTION_TEXT,
         .name = "dataset_split",
         .value = &split,
         .argument = "NAME",
         .help = "split of a data set (test; SQuAD has none, its validation split is read)"},
    };
    const char *names[256];
    size_t n_names = 0;
    int exit_code = sw_options_begin(&sw_command_pull, options, sizeof options / sizeof options[0],
                                     argc, argv, names, &n_names);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    struct sw_progress progress;
    enum sw_code code = SW_OK;
    sw_progress_begin(&progress, false);
    if (n_names != 1)
        code = sw_fail(&err, SW_EUSAGE, "pull takes one NAME, not %zu", n_names);
    char *path = NULL;
    if (code == SW_OK)
        code = sw_pull(&path, names[0], is_dataset, revision, split, &progress, &err);
    if (code == SW_OK)
        printf("%s\n", path);
    else
        sw_say("%s", err.text);
    free(path);
    return sw_exit_for(code);
}

const struct sw_command sw_command_pull = {
    .name = "pull",
    .summary = "get a model or data set into the cache",
    .usage = "NAME [OPTION ...]",
    .description =
        "Downloads a model from the hub into the user's Hugging Face cache, where the Python tools "
        "find it too, or a data set into smolwatt's own cache, and prints where it is. A broken "
        "download goes on where it stopped. HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and "
        "HF_HUB_OFFLINE are respected.",
    .run = run_command,
};
