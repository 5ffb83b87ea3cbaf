#include "bench/warm_up.h"

#include <math.h>
#include <stdlib.h>

#include "bench/profile.h"
#include "bench/sample.h"

/* Durations are those of prefill and decode: no meter is read here. */
static enum sw_code answer_once(struct sw_answer_watch *watch, double *seconds,
                                struct sw_error *err)
{
    const struct sw_study *study = watch->study;
    struct sw_generation generation = {0};
    sw_answer_watch_reset(watch);
    struct sw_generate_request request = {
        .prompt_ids = study->prompts[0].ids.data,
        .n_prompt = study->prompts[0].ids.n,
        .max_new_tokens = study->max_new_tokens,
        .ignore_eos = study->ignore_eos,
        .on_token = sw_answer_watch_token,
        .ctx = watch,
    };
    enum sw_code code = sw_engine_generate(study->engine, &request, &generation, err);
    if (code == SW_OK && generation.stop_reason == SW_STOP_INTERRUPTED)
        code = sw_fail(err, SW_EINTERRUPTED, "interrupted in the warm-up");
    *seconds = (double)(generation.end_ns - generation.start_ns) * 1e-9;
    sw_generation_free(&generation);
    return code;
}

static json_t *to_json(const double *seconds, size_t n, size_t most)
{
    double spread = sw_warm_up_spread(seconds, n);
    json_t *each = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(each, json_real(seconds[i]));
    return json_pack("{s:I, s:I, s:b, s:o, s:f, s:o}", "n", (json_int_t)n, "most", (json_int_t)most,
                     "agreed", (int)(spread <= SW_WARM_UP_SPREAD), "spread",
                     isfinite(spread) ? json_real(spread) : json_null(), "limit", SW_WARM_UP_SPREAD,
                     "seconds", each);
}

enum sw_code sw_warm_up_run(const struct sw_study *study, size_t most, json_t **out,
                            struct sw_error *err)
{
    struct sw_answer_watch watch = {0};
    size_t n = 0;
    *out = NULL;
    double *seconds = calloc(most, sizeof *seconds);
    if (seconds == NULL)
        return sw_fail(err, SW_ENOMEM, "warm-up: out of memory");
    enum sw_code code = sw_answer_watch_begin(&watch, study, err);
    while (code == SW_OK && n < most && !(sw_warm_up_spread(seconds, n) <= SW_WARM_UP_SPREAD)) {
        code = answer_once(&watch, &seconds[n], err);
        n++;
    }
    if (code == SW_OK) {
        *out = to_json(seconds, n, most);
        if (*out == NULL)
            code = sw_fail(err, SW_ENOMEM, "warm-up: out of memory");
    }
    sw_answer_watch_end(&watch);
    free(seconds);
    return code;
}
