/*
 * The program's side of the GPU: what may run is checked here, weights are packed one matrix after
 * another into one buffer on the host and copied, and calls are checked before they cross to the
 * plug-in, so that a kernel never sees an id, a position or a sequence outside its ranges.
 */
#include "backend/cuda/base_gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/batch_check.h"
#include "backend/cuda/arithmetic.h"
#include "backend/cuda/loader.h"

struct sw_backend {
    struct sw_config config;
    struct sw_backend_options options;
    struct sw_gpu_arithmetic arithmetic;
    struct sw_cuda_library library;
    struct sw_gpu *gpu; /* NULL: not open */
    struct sw_gpu_info gpu_info;
    uint32_t *n_seen, *n_seen_next; /* (n_sequences) */
    uint64_t weight_bytes_per_token;
    char isa[16]; /* "sm_90" */
};

/* The plug-in's result as ours: its text in front of nothing that it might have left out. */
static enum sw_code taken(enum sw_code code, struct sw_error *theirs, struct sw_error *err)
{
    if (code == SW_OK)
        return SW_OK;
    theirs->text[sizeof theirs->text - 1] = 0;
    return sw_fail(err, code, "base_gpu: %s",
                   theirs->text[0] != 0 ? theirs->text : sw_code_text(code));
}

static enum sw_code parse_mode(enum sw_gpu_mode *out, const char *text, struct sw_error *err)
{
    static const char *const names[] = {
        [SW_GPU_AUTO] = "auto", [SW_GPU_GRAPH] = "graph", [SW_GPU_PERSISTENT] = "persistent"};
    *out = SW_GPU_AUTO;
    for (size_t i = 0; text != NULL && i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum sw_gpu_mode)i;
            return SW_OK;
        }
    }
    return text == NULL ? SW_OK
                        : sw_fail(err, SW_EUSAGE,
                                  "base_gpu: mode \"%s\" is not auto, graph or persistent", text);
}

/* What can be told without a GPU. */
static enum sw_code check_options(const struct sw_config *config,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    struct sw_gpu_arithmetic any;
    enum sw_gpu_mode mode;
    enum sw_code code = sw_gpu_arithmetic_of(&any, options->strategy, 0, err);
    if (code == SW_OK)
        code = sw_batch_check_options("base_gpu", config, options, err);
    if (code == SW_OK)
        code = parse_mode(&mode, options->gpu.mode, err);
    if (code == SW_OK && options->gpu.use_tf32 && options->strategy != SW_STRATEGY_NONE)
        code = sw_fail(err, SW_EUSAGE, "base_gpu: TF32 is for strategy none, not %s",
                       sw_strategy_name(options->strategy));
    return code;
}

static void base_gpu_close(struct sw_backend *b)
{
    if (b == NULL)
        return;
    if (b->gpu != NULL)
        b->library.plugin->close(b->gpu);
    sw_cuda_library_close(&b->library);
    free(b->n_seen);
    free(b->n_seen_next);
    free(b);
}

/* Plug-in, driver and GPU. */
static enum sw_code find_device(struct sw_backend *b, struct sw_gpu_device *device,
                                struct sw_error *err)
{
    struct sw_error theirs = {0};
    int number;
    enum sw_code code = sw_cuda_library_open(&b->library, err);
    if (code == SW_OK)
        code = sw_cuda_device_of(&number, b->options.gpu.index, err);
    if (code != SW_OK)
        return sw_fail_prefix(err, "base_gpu"), code;
    *device = (struct sw_gpu_device){0};
    code = taken(b->library.plugin->probe(device, number, &theirs), &theirs, err);
    device->index = number;
    return code;
}

static enum sw_code base_gpu_open(struct sw_backend **out, const struct sw_model *model,
                                  const struct sw_backend_options *options, struct sw_error *err)
{
    const struct sw_config *config = sw_model_config(model);
    struct sw_gpu_device device;
    *out = NULL;
    enum sw_code code = check_options(config, options, err);
    if (code != SW_OK)
        return code;
    struct sw_backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        return sw_fail(err, SW_ENOMEM, "base_gpu: out of memory");
    b->config = *config;
    b->options = *options;
    code = find_device(b, &device, err);
    if (code == SW_OK)
        code = sw_gpu_arithmetic_of(&b->arithmetic, options->strategy, device.sm, err);
    if (code == SW_OK)
        code = sw_fail(err, SW_EUNSUPPORTED, "base_gpu: %s: this program cannot pack weights yet",
                       device.name);
    base_gpu_close(b);
    return code;
}

const struct sw_backend_api sw_base_gpu = {
    .name = "base_gpu",
    .open = base_gpu_open,
};
