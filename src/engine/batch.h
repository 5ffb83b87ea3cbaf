/*
 * Many prompts through one engine, as many at once as it has sequences (continuous batching). A
 * prompt that ends makes room for the next one: its prefill runs, and then decoding goes on for
 * all. Prefill and decode never share a pass, so each has windows of its own, at whose edges meters
 * are read: a window ends where the phase changes or a sequence ends. Ids and stop reasons are
 * those of sw_engine_generate.
 */
#ifndef SW_ENGINE_BATCH_H
#define SW_ENGINE_BATCH_H

#include "engine/engine.h"

enum sw_window_phase { SW_WINDOW_PREFILL, SW_WINDOW_DECODE };

const char *sw_window_phase_name(enum sw_window_phase phase); /* "prefill", "decode" */

struct sw_window {
    enum sw_window_phase phase;
    uint64_t start_ns, end_ns;
    size_t n_sequences;        /* that took part, from the window's start to its end */
    size_t n_prompt_tokens;    /* run; 0 in decode */
    size_t n_generated_tokens; /* ids that became known, in prefill each prompt's first one */
};

struct sw_batch_request {
    /* Fills in the prompt for a free place, from 0 to the engine's sequences - 1; false: there is
     * none left. on_edge and want_logprobs of the request are not looked at; the prompt's ids are
     * borrowed until on_finished. Outside of windows. */
    bool (*next)(void *ctx, size_t place, struct sw_generate_request *request);

    /* Meters are read here, first; window is valid during the call. Both may be NULL. */
    void (*on_window_begin)(void *ctx);
    enum sw_code (*on_window_end)(void *ctx, const struct sw_window *window, struct sw_error *err);

    /* Right behind the end of the window in which the prompt ended; generation is valid during the
     * call. start_ns is the start of the prompt's prefill window, and decode_start_ns that of its
     * first decode window: both hold what the prompt waited for others. A code other than SW_OK
     * ends everything. */
    enum sw_code (*on_finished)(void *ctx, size_t place, const struct sw_generation *generation,
                                struct sw_error *err);
    void *ctx;
};

/* Runs until next has no prompt and all have ended. Where on_token of any prompt answers
 * SW_STOP_HERE_INTERRUPTED, the pass under way is finished, prompts that ended in it are told as
 * such, all others as SW_STOP_INTERRUPTED, and next is not asked again. Nothing is allocated
 * between the first window's begin and the last one's end. */
enum sw_code sw_engine_generate_batch(struct sw_engine *engine,
                                      const struct sw_batch_request *request, struct sw_error *err);

#endif
