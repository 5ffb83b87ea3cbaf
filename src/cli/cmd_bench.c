/* bench: speed and energy alone, no data set, in the manner of llama-bench. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/speed.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/meter_options.h"
#include "cli/sources.h"
#include "cli/terminal.h"
#include "report/table.h"

struct bench_options {
    struct sw_engine_choice engine;
    struct sw_meter_choice meter;
    const char *format, *batches;
    uint64_t n_prompt, n_gen, n_repetitions;
};

static const struct sw_table_column columns[] = {
    {"test", "Test", 0, 0},
    {"backend", "Backend", 0, 0},
    {"strategy", "Strategy", 0, 0},
    {"batch", "Batch", 0, 0},
    {"threads", "Threads", 0, 0},
    {"isa", "ISA", 0, 0},
    {"tokens_per_second", "Tokens/s", 5, 0},
    {"limit_fraction", "Of limit", 3, 0},
    {"energy_j_per_token.total.value", "mJ/token", 4, 1e3},
    {"energy_j_per_token.total.source", "Source", 0, 0},
    {"weights", "Weights", 0, 0},
    {"wait", NULL, 0, 0},
    {"cpu_ns_per_token", NULL, 0, 0},
    {"weight_bytes_per_token", NULL, 0, 0},
    {"read_limit_bytes_per_second", NULL, 0, 0},
    {"compute_limit", NULL, 0, 0},
    {"compute_limit_operations_per_second", NULL, 0, 0},
    {"runtime.version", NULL, 0, 0},
    {"runtime.graph", NULL, 0, 0},
    {"device.name", NULL, 0, 0},
    {"device.mode", NULL, 0, 0},
};

static bool is_interrupted(void *ctx)
{
    (void)ctx;
    return sw_interrupted();
}

static enum sw_code measure(const struct bench_options *o, const struct sw_engine_parts *parts,
                            struct sw_meter_set *meters, json_t *rows, struct sw_error *err)
{
    uint64_t batches[16];
    size_t n_batches;
    enum sw_code code =
        sw_parse_counts(batches, &n_batches, 16, o->batches, 1, 4096, "--batch", err);
    for (size_t i = 0; i < n_batches && code == SW_OK; i++)
        code = sw_speed_measure(&(struct sw_speed_plan){.api = parts->api,
                                                        .strategy = parts->strategy,
                                                        .onnx_graph = parts->onnx_graph,
                                                        .gpu = parts->gpu,
                                                        .model = parts->model,
                                                        .pool = parts->pool,
                                                        .meters = meters,
                                                        .n_prompt = (size_t)o->n_prompt,
                                                        .n_gen = (size_t)o->n_gen,
                                                        .batch = (size_t)batches[i],
                                                        .n_repetitions = (size_t)o->n_repetitions,
                                                        .is_interrupted = is_interrupted},
                                rows, err);
    return code;
}

static int run_command(int argc, char **argv)
{
    struct bench_options o = {
        .engine = SW_ENGINE_CHOICE_DEFAULT,
        .meter = SW_METER_CHOICE_DEFAULT,
        .format = "table",
        .batches = "1",
        .n_prompt = 256,
        .n_gen = 50,
        .n_repetitions = 5,
    };
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "What runs"},
        SW_MODEL_OPTION(o.engine, SW_FALLBACK_MODEL),
        SW_ENGINE_OPTIONS(o.engine),
        {.kind = SW_OPTION_COUNT,
         .name = "n_prompt",
         .letter = 'p',
         .value = &o.n_prompt,
         .argument = "N",
         .help = "tokens of the prefill row (256); 0 leaves it out",
         .max = 1 << 20},
        {.kind = SW_OPTION_COUNT,
         .name = "n_gen",
         .letter = 'n',
         .value = &o.n_gen,
         .argument = "N",
         .help = "tokens of the decode row (50); 0 leaves it out",
         .max = 1 << 20},
        {.kind = SW_OPTION_TEXT,
         .name = "batch",
         .letter = 'b',
         .value = &o.batches,
         .argument = "LIST",
         .help = "sequences at once, such as 1,16 (1); a row for each"},
        {.kind = SW_OPTION_COUNT,
         .name = "repetitions",
         .letter = 'r',
         .value = &o.n_repetitions,
         .argument = "N",
         .help = "counted repetitions after one that warms up (5); the median is told",
         .min = 1,
         .max = SW_SPEED_MAX_REPETITIONS},
        {.kind = SW_OPTION_GROUP, .name = "Energy"},
        SW_METER_OPTIONS(o.meter),
        {.kind = SW_OPTION_GROUP, .name = "Output"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &o.format,
         .argument = "FORMAT",
         .help = "table (default), json, jsonl, csv or md"},
    };
    int exit_code = sw_options_begin(&sw_command_bench, options, sizeof options / sizeof options[0],
                                     argc, argv, NULL, NULL);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    struct sw_progress progress;
    struct sw_engine_parts parts = {0};
    struct sw_meter_set *meters = NULL;
    enum sw_format format = SW_FORMAT_TABLE;
    char *path = NULL;
    char *name = NULL;
    json_t *rows = json_array();
    struct sw_buffer out = {0};
    sw_progress_begin(&progress, false);
    enum sw_code code = sw_format_parse(&format, o.format, &err);
    o.engine.gpu = o.meter.gpu;
    if (code == SW_OK)
        code = sw_engine_parts_begin(&parts, &o.engine, &err);
    if (code == SW_OK)
        code = sw_meter_choice_open(&meters, &o.meter, sw_engine_choice_uses_gpu(&o.engine), &err);
    if (code == SW_OK)
        code = sw_resolve_model(
            &path, &name, o.engine.model_name != NULL ? o.engine.model_name : SW_FALLBACK_MODEL,
            o.engine.revision, &progress, &err);
    if (code == SW_OK)
        code = sw_model_open(&parts.model, path, NULL, parts.pool, &err);
    if (code == SW_OK)
        code = measure(&o, &parts, meters, rows, &err);
    if (code == SW_OK || json_array_size(rows) > 0) {
        sw_table_write(&out, format, rows, columns, sizeof columns / sizeof columns[0]);
        if (out.size > 0)
            fwrite(out.data, 1, out.size, stdout);
    }
    if (code != SW_OK)
        sw_say("%s", err.text);
    sw_buffer_free(&out);
    json_decref(rows);
    sw_meter_set_close(meters);
    sw_engine_parts_close(&parts);
    free(path);
    free(name);
    return sw_exit_for(code);
}

const struct sw_command sw_command_bench = {
    .name = "bench",
    .summary = "speed and energy alone, beside the machine's own limits",
    .usage = "[OPTION ...]",
    .description =
        "Measures prefill (pp) and decode (tg) without a data set: tokens per second, joules per "
        "token, and the fraction of this machine's own limit, which is measured between the "
        "repetitions: reading the weights for decode, multiply-adds for prefill.",
    .run = run_command,
};
