/*
 * One sample of a study: the watch over an answer under way, and the journal object it becomes.
 */
#ifndef SW_BENCH_SAMPLE_H
#define SW_BENCH_SAMPLE_H

#include "bench/study.h"

/* An answer under way: is asked at every token whether it goes on. */
struct sw_answer_watch {
    const struct sw_study *study;
    struct sw_text_stream *stream;
    struct sw_buffer text; /* generated so far; only kept up if the prompt has a stop rule */
    bool watch_text;
};

enum sw_code sw_answer_watch_begin(struct sw_answer_watch *out, const struct sw_study *study,
                                   struct sw_error *err);
void sw_answer_watch_reset(struct sw_answer_watch *watch); /* for the next answer */
void sw_answer_watch_end(struct sw_answer_watch *watch);

/* on_token of a struct sw_generate_request; ctx is the watch. */
enum sw_verdict_on_token sw_answer_watch_token(void *ctx, int32_t id);

/* The `sample` line of prompt index, the caller's, who adds what was measured (edges, energy). */
enum sw_code sw_sample_to_json(json_t **out, const struct sw_study *study, size_t index,
                               const struct sw_generation *g, struct sw_error *err);

#endif
