#include "engine/batch.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/sequence.h"

struct batch {
    struct sw_engine *engine;
    const struct sw_batch_request *request;
    struct sw_sequence *places;        /* (n_sequences) */
    struct sw_generation *generations; /* (n_sequences), arrays for the engine's max_new_tokens */
    struct sw_sequence **running;      /* (n_sequences), n_running, in order of their places */
    struct sw_sequence **starting;     /* (n_sequences), n_starting */
    size_t n_running, n_starting;
    bool has_next, is_interrupted;
};

const char *sw_window_phase_name(enum sw_window_phase phase)
{
    return phase == SW_WINDOW_PREFILL ? "prefill" : "decode";
}

static void free_batch(struct batch *b)
{
    for (size_t i = 0; b->generations != NULL && i < b->engine->n_sequences; i++)
        sw_generation_free(&b->generations[i]);
    free(b->generations);
    free(b->places);
    free(b->running);
    free(b->starting);
}

static enum sw_code make_batch(struct batch *b, struct sw_error *err)
{
    size_t n = b->engine->n_sequences;
    b->places = calloc(n, sizeof *b->places);
    b->generations = calloc(n, sizeof *b->generations);
    b->running = calloc(n, sizeof *b->running);
    b->starting = calloc(n, sizeof *b->starting);
    if (b->places == NULL || b->generations == NULL || b->running == NULL || b->starting == NULL)
        return sw_fail(err, SW_ENOMEM, "out of memory for %zu sequences", n);
    for (size_t i = 0; i < n; i++) {
        enum sw_code code =
            sw_generation_allocate(&b->generations[i], b->engine->max_new_tokens, false, err);
        if (code != SW_OK)
            return code;
        b->places[i] = (struct sw_sequence){.place = (uint32_t)i, .generation = &b->generations[i]};
    }
    return SW_OK;
}

/* A prompt for each free place, as long as there are any. */
static enum sw_code fill_places(struct batch *b, struct sw_error *err)
{
    b->n_starting = 0;
    for (size_t place = 0; place < b->engine->n_sequences && b->has_next; place++) {
        struct sw_sequence *sequence = &b->places[place];
        struct sw_generation *out = sequence->generation;
        if (sequence->is_running)
            continue;
        sequence->request = (struct sw_generate_request){0};
        b->has_next = b->request->next(b->request->ctx, place, &sequence->request);
        if (!b->has_next)
            break;
        enum sw_code code = sw_sequence_check(b->engine, &sequence->request, err);
        if (code != SW_OK)
            return code;
        *out = (struct sw_generation){.ids = out->ids,
                                      .stamps_ns = out->stamps_ns,
                                      .stop_reason = SW_STOP_LENGTH,
                                      .prompt_nll = NAN};
        b->engine->api->reset(b->engine->backend, (uint32_t)place);
        sequence->is_running = true;
        b->starting[b->n_starting++] = sequence;
    }
    return SW_OK;
}

/* Asks each of n sequences, which has a new id, whether it ends; true if one did. */
static bool look_for_ends(struct batch *b, struct sw_sequence *const *sequences, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        struct sw_sequence *sequence = sequences[i];
        sequence->is_over = sw_sequence_is_over(b->engine, sequence);
        any = any || sequence->is_over;
        if (sequence->generation->stop_reason == SW_STOP_INTERRUPTED)
            b->is_interrupted = true;
    }
    return any;
}

static void begin_window(const struct batch *b)
{
    if (b->request->on_window_begin != NULL)
        b->request->on_window_begin(b->request->ctx);
}

static enum sw_code end_window(const struct batch *b, const struct sw_window *window,
                               struct sw_error *err)
{
    if (b->request->on_window_end == NULL)
        return SW_OK;
    return b->request->on_window_end(b->request->ctx, window, err);
}

/* Puts those that start among those that run, in order of their places. */
static void merge_starting(struct batch *b)
{
    size_t i = b->n_running, j = b->n_starting, k = i + j;
    b->n_running = k;
    while (j > 0) {
        bool from_running = i > 0 && b->running[i - 1]->place > b->starting[j - 1]->place;
        b->running[--k] = from_running ? b->running[--i] : b->starting[--j];
    }
}

/* The starting prompts, up to the first id of each. */
static enum sw_code run_prefill(struct batch *b, struct sw_error *err)
{
    struct sw_window window = {.phase = SW_WINDOW_PREFILL, .n_sequences = b->n_starting};
    for (size_t i = 0; i < b->n_starting; i++)
        window.n_prompt_tokens += b->starting[i]->request.n_prompt;
    begin_window(b);
    window.start_ns = sw_clock_ns();
    enum sw_code code = sw_sequences_prefill(b->engine, b->starting, b->n_starting, err);
    if (code != SW_OK)
        return code;
    look_for_ends(b, b->starting, b->n_starting);
    window.end_ns = sw_clock_ns();
    for (size_t i = 0; i < b->n_starting; i++) {
        struct sw_generation *out = b->starting[i]->generation;
        out->start_ns = window.start_ns;
        out->decode_start_ns = out->end_ns = out->prefill_end_ns;
        window.n_generated_tokens += out->n_ids;
    }
    merge_starting(b);
    return end_window(b, &window, err);
}

/* Ids of all running sequences, until one of them ends. */
static enum sw_code run_decode(struct batch *b, struct sw_error *err)
{
    struct sw_window window = {.phase = SW_WINDOW_DECODE, .n_sequences = b->n_running};
    begin_window(b);
    window.start_ns = sw_clock_ns();
    for (size_t i = 0; i < b->n_running; i++) {
        if (b->running[i]->generation->n_ids == 1)
            b->running[i]->generation->decode_start_ns = window.start_ns;
    }
    do {
        enum sw_code code = sw_sequences_decode(b->engine, b->running, b->n_running, err);
        if (code != SW_OK)
            return code;
        window.n_generated_tokens += b->n_running;
    } while (!look_for_ends(b, b->running, b->n_running));
    window.end_ns = sw_clock_ns();
    return end_window(b, &window, err);
}

static enum sw_code tell_end(struct batch *b, struct sw_sequence *sequence, struct sw_error *err)
{
    sequence->is_running = false;
    return b->request->on_finished(b->request->ctx, sequence->place, sequence->generation, err);
}

/* Tells those that ended, and after an interruption all others, and keeps the rest running. */
static enum sw_code tell_ends(struct batch *b, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    size_t n_kept = 0;
    for (size_t i = 0; i < b->n_running && code == SW_OK; i++) {
        struct sw_sequence *sequence = b->running[i];
        if (sequence->is_over && sequence->generation->stop_reason != SW_STOP_INTERRUPTED)
            code = tell_end(b, sequence, err);
        else
            b->running[n_kept++] = sequence;
    }
    b->n_running = n_kept;
    if (!b->is_interrupted)
        return code;
    for (size_t i = 0; i < n_kept && code == SW_OK; i++) {
        b->running[i]->generation->stop_reason = SW_STOP_INTERRUPTED;
        code = tell_end(b, b->running[i], err);
    }
    b->n_running = 0;
    b->has_next = false;
    return code;
}

static enum sw_code run(struct batch *b, struct sw_error *err)
{
    for (;;) {
        enum sw_code code = fill_places(b, err);
        if (code == SW_OK && b->n_starting == 0 && b->n_running == 0)
            return SW_OK;
        if (code == SW_OK)
            code = b->n_starting > 0 ? run_prefill(b, err) : run_decode(b, err);
        if (code == SW_OK)
            code = tell_ends(b, err);
        if (code != SW_OK)
            return code;
    }
}

enum sw_code sw_engine_generate_batch(struct sw_engine *engine,
                                      const struct sw_batch_request *request, struct sw_error *err)
{
    struct batch b = {.engine = engine, .request = request, .has_next = true};
    enum sw_code code = make_batch(&b, err);
    if (code == SW_OK)
        code = run(&b, err);
    free_batch(&b);
    return code;
}
