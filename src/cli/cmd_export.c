/* export: the graph that a backend runs, as files for other programs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/export.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/exit_code.h"
#include "cli/sources.h"
#include "cli/terminal.h"

struct export_options {
    struct sw_engine_choice engine;
    const char *folder;
    bool force;
};

static enum sw_code check(const struct export_options *o, const char *const *words, size_t n_words,
                          struct sw_error *err)
{
    if (n_words != 1 || strcmp(words[0], "onnx") != 0)
        return sw_fail(err, SW_EUSAGE, "export writes one format: smolwatt export onnx -o DIR");
    if (o->folder == NULL || o->folder[0] == 0)
        return sw_fail(err, SW_EUSAGE, "--output: name the folder that the files go to");
    if (o->engine.model_name == NULL)
        return sw_fail(err, SW_EUSAGE, "--model_name: name the model");
    if (strcmp(o->engine.backend, "onnx_cpu") != 0 && strcmp(o->engine.backend, "onnx_gpu") != 0)
        return sw_fail(err, SW_EUSAGE, "--backend: \"%s\" is neither onnx_cpu nor onnx_gpu",
                       o->engine.backend);
    return SW_OK;
}

/* The paths are the result; what they are is a remark. */
static void tell(const struct sw_export_facts *facts, const char *folder)
{
    sw_say("%s graph%s%s, %s: %s; %" PRIu64 " bytes of weights per token", facts->graph,
           facts->graph_reason[0] != 0 ? ", since " : "", facts->graph_reason, facts->arithmetic,
           facts->operators, facts->weight_bytes_per_token);
    printf("%s/%s\n%s/%s\n", folder, facts->graph_file, folder, facts->data_file);
}

static int run_command(int argc, char **argv)
{
    struct export_options o = {.engine = SW_ENGINE_CHOICE_DEFAULT};
    o.engine.backend = "onnx_cpu";
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "What is written"},
        SW_MODEL_OPTION(o.engine, "required"),
        SW_ENGINE_OPTIONS(o.engine),
        {.kind = SW_OPTION_GROUP, .name = "Output"},
        {.kind = SW_OPTION_TEXT,
         .name = "output",
         .letter = 'o',
         .value = &o.folder,
         .argument = "DIR",
         .help = "folder for model.onnx and model.onnx.data, made if it is missing"},
        {.kind = SW_OPTION_FLAG,
         .name = "force",
         .value = &o.force,
         .help = "replace such files that are there"},
    };
    const char *words[256];
    size_t n_words = 0;
    int exit_code =
        sw_options_begin(&sw_command_export, options, sizeof options / sizeof options[0], argc,
                         argv, words, &n_words);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    struct sw_progress progress;
    struct sw_engine_parts parts = {0};
    struct sw_export_facts facts;
    char *path = NULL;
    char *name = NULL;
    sw_progress_begin(&progress, false);
    enum sw_code code = check(&o, words, n_words, &err);
    if (code == SW_OK)
        code = sw_engine_parts_begin(&parts, &o.engine, &err);
    if (code == SW_OK)
        code =
            sw_resolve_model(&path, &name, o.engine.model_name, o.engine.revision, &progress, &err);
    if (code == SW_OK)
        code = sw_model_open(&parts.model, path, NULL, parts.pool, &err);
    if (code == SW_OK)
        code = sw_export_onnx(&facts, parts.model,
                              &(struct sw_export_choice){
                                  .strategy = parts.strategy,
                                  .graph = o.engine.onnx_graph,
                                  .for_gpu = strcmp(o.engine.backend, "onnx_gpu") == 0,
                                  .replaces = o.force,
                              },
                              o.folder, parts.pool, &err);
    if (code == SW_OK)
        tell(&facts, o.folder);
    else
        sw_say("%s", err.text);
    sw_engine_parts_close(&parts);
    free(path);
    free(name);
    return sw_exit_for(code);
}

const struct sw_command sw_command_export = {
    .name = "export",
    .summary = "the ONNX graph of a model and strategy, for other programs",
    .usage = "onnx -m NAME -o DIR [OPTION ...]",
    .description =
        "Writes model.onnx and model.onnx.data, the files that the backends onnx_cpu and onnx_gpu "
        "run (here onnx_cpu by default), for any program that loads ONNX. Prints their paths. ONNX "
        "Runtime need not be installed. Inputs, outputs and operators: docs/onnx.md.",
    .run = run_command,
};
