/* generate: the engine by hand; one prompt to its continuation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/commands.h"
#include "cli/engine_options.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/sources.h"
#include "cli/terminal.h"
#include "engine/engine.h"
#include "report/table.h"

struct generate_options {
    struct sw_engine_choice engine;
    const char *prompt, *prompt_ids, *format;
    uint64_t max_new_tokens, top_k, seed;
    double temperature, top_p;
    bool ignore_eos;
};

/* What the token callback needs: text goes out as soon as it is certain. */
struct stream {
    struct sw_text_stream *text; /* NULL: print ids */
    struct sw_buffer piece;
    bool is_on;
};

static enum sw_verdict_on_token show_token(void *ctx, int32_t id)
{
    struct stream *stream = ctx;
    if (sw_interrupted())
        return SW_STOP_HERE_INTERRUPTED;
    if (!stream->is_on)
        return SW_GO_ON;
    if (stream->text == NULL) {
        if (id >= 0)
            printf("%d ", (int)id);
    } else {
        sw_buffer_clear(&stream->piece);
        if (sw_text_stream_push(stream->text, id, &stream->piece, NULL) == SW_OK &&
            stream->piece.size > 0)
            fwrite(stream->piece.data, 1, stream->piece.size, stdout);
    }
    fflush(stdout);
    return SW_GO_ON;
}

static enum sw_code append_id(struct sw_ids *ids, int32_t id, struct sw_error *err)
{
    if (ids->n == ids->capacity) {
        size_t capacity = ids->capacity == 0 ? 64 : ids->capacity * 2;
        int32_t *data = realloc(ids->data, capacity * sizeof *data);
        if (data == NULL)
            return sw_fail(err, SW_ENOMEM, "--prompt-ids: out of memory");
        ids->data = data;
        ids->capacity = capacity;
    }
    ids->data[ids->n++] = id;
    return SW_OK;
}

static enum sw_code parse_prompt_ids(struct sw_ids *ids, const char *text, size_t vocab_size,
                                     struct sw_error *err)
{
    for (const char *at = text;; at++) {
        char number[16];
        uint64_t id;
        size_t size = strcspn(at, ",");
        snprintf(number, sizeof number, "%.*s", (int)(size < 15 ? size : 15), at);
        if (!sw_parse_u64(&id, number, 0, vocab_size - 1))
            return sw_fail(err, SW_EUSAGE, "--prompt-ids: \"%s\" is not an id from 0 to %zu",
                           number, vocab_size - 1);
        enum sw_code code = append_id(ids, (int32_t)id, err);
        if (code != SW_OK)
            return code;
        at += size;
        if (*at == 0)
            return SW_OK;
    }
}

static enum sw_code make_prompt(struct sw_ids *ids, const struct generate_options *o,
                                const struct sw_engine_parts *parts, struct sw_error *err)
{
    size_t vocab_size = sw_model_config(parts->model)->vocab_size;
    if (o->prompt_ids != NULL)
        return parse_prompt_ids(ids, o->prompt_ids, vocab_size, err);
    if (parts->tokenizer == NULL)
        return sw_fail(err, SW_EABSENT, "%s: there is no tokenizer.json; give --prompt-ids",
                       o->engine.model_name);
    enum sw_code code = sw_tokenizer_encode(parts->tokenizer, o->prompt, strlen(o->prompt),
                                            SW_ENCODE_PLAIN, ids, err);
    if (code == SW_OK && ids->n == 0)
        code = sw_fail(err, SW_EUSAGE, "--prompt: the text has no tokens");
    for (size_t i = 0; i < ids->n && code == SW_OK; i++) {
        if (ids->data[i] < 0 || (size_t)ids->data[i] >= vocab_size)
            code = sw_fail(err, SW_EFORMAT,
                           "tokenizer.json gives id %d, the model has %zu ids: they do not belong "
                           "together",
                           (int)ids->data[i], vocab_size);
    }
    return code;
}

static json_t *ids_to_json(const int32_t *ids, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer(ids[i]));
    return array;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* The object of `-o json`. */
static enum sw_code result_to_json(json_t **out, const struct sw_ids *prompt,
                                   const struct sw_generation *g,
                                   const struct sw_tokenizer *tokenizer, struct sw_error *err)
{
    struct sw_buffer text = {0};
    json_t *logprobs = json_array();
    enum sw_code code = SW_OK;
    if (tokenizer != NULL)
        code = sw_tokenizer_decode(tokenizer, g->ids, g->n_ids, false, &text, err);
    for (size_t i = 0; i < g->n_ids; i++)
        json_array_append_new(logprobs, real_or_null(g->logprobs[i]));
    *out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:I}", "prompt_ids",
                     ids_to_json(prompt->data, prompt->n), "ids", ids_to_json(g->ids, g->n_ids),
                     "text",
                     tokenizer != NULL ? json_stringn(text.data != NULL ? text.data : "", text.size)
                                       : json_null(),
                     "logprobs", logprobs, "prompt_nll", real_or_null(g->prompt_nll), "stop_reason",
                     sw_stop_reason_name(g->stop_reason), "prefill_ns",
                     (json_int_t)(g->prefill_end_ns - g->start_ns), "decode_ns",
                     (json_int_t)(g->end_ns - g->decode_start_ns));
    sw_buffer_free(&text);
    if (code == SW_OK && *out == NULL)
        code = sw_fail(err, SW_ENOMEM, "result: out of memory");
    return code;
}

static enum sw_code print_result(enum sw_format format, json_t *result)
{
    static const struct sw_table_column columns[] = {
        {"text", "Text", 0, 0},
        {"stop_reason", "Stop", 0, 0},
        {"prompt_nll", "Prompt NLL", 5, 0},
        {"prefill_ns", "Prefill ms", 4, 1e-6},
        {"decode_ns", "Decode ms", 4, 1e-6},
    };
    struct sw_buffer out = {0};
    json_t *rows = json_array();
    if (format == SW_FORMAT_JSON) {
        sw_json_write(&out, result, true);
    } else {
        json_array_append(rows, result);
        sw_table_write(&out, format, rows, columns, sizeof columns / sizeof columns[0]);
    }
    json_decref(rows);
    bool failed = out.failed;
    if (!failed)
        fwrite(out.data, 1, out.size, stdout);
    sw_buffer_free(&out);
    return failed ? SW_ENOMEM : SW_OK;
}

static enum sw_code generate(const struct generate_options *o, enum sw_format format,
                             const struct sw_engine_parts *parts, struct sw_error *err)
{
    struct sw_ids prompt = {0};
    struct sw_engine *engine = NULL;
    struct sw_sampler *sampler = NULL;
    struct sw_generation g = {0};
    struct stream stream = {.is_on = format == SW_FORMAT_TABLE};
    json_t *result = NULL;
    enum sw_code code = make_prompt(&prompt, o, parts, err);
    if (code == SW_OK)
        code = sw_engine_open(&engine, parts->model,
                              &(struct sw_engine_options){.api = parts->api,
                                                          .strategy = parts->strategy,
                                                          .onnx_graph = parts->onnx_graph,
                                                          .gpu = parts->gpu,
                                                          .pool = parts->pool,
                                                          .max_prompt_tokens = prompt.n,
                                                          .max_new_tokens = o->max_new_tokens,
                                                          .score_prompt = !stream.is_on},
                              err);
    if (code == SW_OK)
        code = sw_sampler_create(&sampler,
                                 &(struct sw_sampler_options){.temperature = (float)o->temperature,
                                                              .top_k = (size_t)o->top_k,
                                                              .top_p = (float)o->top_p,
                                                              .seed = o->seed},
                                 sw_model_config(parts->model)->vocab_size, err);
    if (code == SW_OK && stream.is_on && parts->tokenizer != NULL)
        code = sw_text_stream_create(&stream.text, parts->tokenizer, err);
    if (code == SW_OK)
        code = sw_engine_generate(
            engine,
            &(struct sw_generate_request){.prompt_ids = prompt.data,
                                          .n_prompt = prompt.n,
                                          .max_new_tokens = o->max_new_tokens,
                                          .ignore_eos = o->ignore_eos,
                                          .sampler = o->temperature > 0 ? sampler : NULL,
                                          .on_token = show_token,
                                          .ctx = &stream,
                                          .want_logprobs = !stream.is_on},
            &g, err);
    if (code == SW_OK && stream.is_on) {
        show_token(&stream, -1);
        printf("\n");
    } else if (code == SW_OK) {
        code = result_to_json(&result, &prompt, &g, parts->tokenizer, err);
        if (code == SW_OK)
            code = print_result(format, result);
    }
    if (code == SW_OK && g.stop_reason == SW_STOP_INTERRUPTED)
        code = sw_fail(err, SW_EINTERRUPTED, "interrupted after %zu tokens", g.n_ids);
    json_decref(result);
    sw_generation_free(&g);
    sw_text_stream_destroy(stream.text);
    sw_buffer_free(&stream.piece);
    sw_sampler_destroy(sampler);
    sw_engine_close(engine);
    sw_ids_free(&prompt);
    return code;
}

static int run_command(int argc, char **argv)
{
    struct generate_options o = {
        .engine = SW_ENGINE_CHOICE_DEFAULT, .format = "table", .max_new_tokens = 50};
    const struct sw_option options[] = {
        {.kind = SW_OPTION_GROUP, .name = "What runs"},
        SW_MODEL_OPTION(o.engine, SW_DEFAULT_MODEL),
        SW_ENGINE_OPTIONS(o.engine),
        {.kind = SW_OPTION_COUNT,
         .name = "gpu",
         .value = &o.engine.gpu,
         .argument = "N",
         .help = "GPU of base_gpu (0)",
         .max = SW_MAX_GPU},
        {.kind = SW_OPTION_GROUP, .name = "Prompt and answer"},
        {.kind = SW_OPTION_TEXT,
         .name = "prompt",
         .letter = 'p',
         .value = &o.prompt,
         .argument = "TEXT",
         .help = "text to go on with"},
        {.kind = SW_OPTION_TEXT,
         .name = "prompt_ids",
         .value = &o.prompt_ids,
         .argument = "IDS",
         .help = "token ids instead, such as 5,9,2; needs no tokenizer"},
        {.kind = SW_OPTION_COUNT,
         .name = "max_new_tokens",
         .letter = 'n',
         .value = &o.max_new_tokens,
         .argument = "N",
         .help = "most tokens generated (50)",
         .min = 1,
         .max = 1 << 20},
        {.kind = SW_OPTION_FLAG,
         .name = "ignore_eos",
         .value = &o.ignore_eos,
         .help = "go on after the end-of-sequence token"},
        {.kind = SW_OPTION_REAL,
         .name = "temperature",
         .value = &o.temperature,
         .argument = "T",
         .help = "0: greedy (default); above: sample",
         .max = 100},
        {.kind = SW_OPTION_COUNT,
         .name = "top_k",
         .value = &o.top_k,
         .argument = "K",
         .help = "sample among the K likeliest (0: all)",
         .max = 1e9},
        {.kind = SW_OPTION_REAL,
         .name = "top_p",
         .value = &o.top_p,
         .argument = "P",
         .help = "sample among the smallest set that reaches this probability (0: all)",
         .max = 1},
        {.kind = SW_OPTION_COUNT,
         .name = "seed",
         .value = &o.seed,
         .argument = "N",
         .help = "of the sampling (0)",
         .max = 1e15},
        {.kind = SW_OPTION_GROUP, .name = "Output"},
        {.kind = SW_OPTION_TEXT,
         .name = "output_format",
         .letter = 'o',
         .value = &o.format,
         .argument = "FORMAT",
         .help = "table: the text as it comes (default); json, jsonl, csv or md: ids, text, "
                 "logprobs and the prompt's mean negative log-likelihood"},
    };
    int exit_code = sw_options_begin(&sw_command_generate, options,
                                     sizeof options / sizeof options[0], argc, argv, NULL, NULL);
    if (exit_code >= 0)
        return exit_code;
    struct sw_error err = {0};
    struct sw_progress progress;
    struct sw_engine_parts parts = {0};
    enum sw_format format = SW_FORMAT_TABLE;
    char *path = NULL;
    char *name = NULL;
    sw_progress_begin(&progress, false);
    enum sw_code code = sw_format_parse(&format, o.format, &err);
    if (code == SW_OK && (o.prompt == NULL) == (o.prompt_ids == NULL))
        code = sw_fail(&err, SW_EUSAGE, "give either --prompt or --prompt-ids");
    if (code == SW_OK)
        code = sw_engine_parts_begin(&parts, &o.engine, &err);
    if (code == SW_OK)
        code =
            sw_resolve_model(&path, &name, o.engine.model_name, o.engine.revision, &progress, &err);
    if (code == SW_OK)
        code = sw_engine_parts_load(&parts, path, false, &err);
    if (code == SW_OK)
        code = generate(&o, format, &parts, &err);
    if (code != SW_OK)
        sw_say("%s", err.text);
    sw_engine_parts_close(&parts);
    free(path);
    free(name);
    return sw_exit_for(code);
}

const struct sw_command sw_command_generate = {
    .name = "generate",
    .summary = "go on with one prompt",
    .usage = "(--prompt TEXT | --prompt-ids IDS) [OPTION ...]",
    .description = "Continues a prompt and prints the text as it comes, or, with -o json, one "
                   "object with ids, text, log-probabilities and the prompt's likelihood.",
    .run = run_command,
};
