/*
 * A backend that chooses ids by itself, one call at a time (greedy) or whole answers (decode),
 * against the very same backend that only gives logits: the same answers, the same calls back.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/sampler.h"
#include "support/alloc.h"
#include "support/generation.h"

enum { V = 23, POSITIONS = 30, MAX_NEW = 16, NO_NUMBER_FROM = 1000 };

/* How the backend behaves; one is open at a time. */
static struct {
    size_t chunk;          /* ids of one call of decode; 0: all */
    size_t n_ahead;        /* ids made behind the one where the host said stop */
    size_t n_untold;       /* ids at the end of a call that on_id is not told of */
    uint32_t no_number_at; /* position from which logits are NaN */
    int64_t skew_ns;       /* of the device's clock */
    size_t wrong_n_ids;    /* returned instead; 0: not */
    bool fails;
} as;

static struct {
    size_t n_forward, n_greedy, n_decode, n_told;
    uint32_t n_seen; /* positions of sequence 0 */
} saw;

struct sw_backend {
    struct sw_backend_options options;
};

static float logit_of(int32_t id, uint32_t position, int32_t candidate)
{
    if (position >= as.no_number_at)
        return NAN;
    int32_t next = (int32_t)((5 * (uint32_t)id + position * position + 3) % V);
    return candidate == next ? 4.0f : (float)(candidate % 3);
}

static void row_of(float row[V], int32_t id, uint32_t position)
{
    for (int32_t j = 0; j < V; j++)
        row[j] = logit_of(id, position, j);
}

static enum sw_code fake_open(struct sw_backend **out, const struct sw_model *model,
                              const struct sw_backend_options *options, struct sw_error *err)
{
    static struct sw_backend backend;
    (void)model, (void)err;
    backend.options = *options;
    *out = &backend;
    return SW_OK;
}

/* Rows of those tokens that want them, through write. */
static enum sw_code run(struct sw_backend *b, const struct sw_batch_token *tokens, size_t n_tokens,
                        float *logits, int32_t *ids, double *logprobs, struct sw_error *err)
{
    size_t n = 0;
    assert_in_range(n_tokens, 1, b->options.max_batch);
    if (as.fails)
        return sw_fail(err, SW_ESYSTEM, "fake: device lost");
    for (size_t i = 0; i < n_tokens; i++) {
        float row[V];
        assert_int_equal(tokens[i].position, saw.n_seen++);
        assert_true(tokens[i].position < b->options.max_positions);
        if (!tokens[i].want_logits)
            continue;
        assert_true(n < b->options.max_logits);
        row_of(row, tokens[i].id, tokens[i].position);
        if (logits != NULL)
            memcpy(logits + n * V, row, sizeof row);
        if (ids != NULL)
            ids[n] = sw_argmax(row, V);
        if (logprobs != NULL)
            logprobs[n] = ids[n] < 0 ? NAN : sw_logprob(row, V, ids[n]);
        n++;
    }
    return SW_OK;
}

static enum sw_code fake_forward(struct sw_backend *b, const struct sw_batch_token *tokens,
                                 size_t n_tokens, float *logits, struct sw_error *err)
{
    saw.n_forward++;
    return run(b, tokens, n_tokens, logits, NULL, NULL, err);
}

static enum sw_code fake_greedy(struct sw_backend *b, const struct sw_batch_token *tokens,
                                size_t n_tokens, int32_t *ids, double *logprobs,
                                struct sw_error *err)
{
    saw.n_greedy++;
    return run(b, tokens, n_tokens, NULL, ids, logprobs, err);
}

static bool is_among(int32_t id, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id)
            return true;
    }
    return false;
}

static enum sw_code fake_decode(struct sw_backend *b, struct sw_backend_answer *a,
                                struct sw_error *err)
{
    saw.n_decode++;
    if (as.fails)
        return sw_fail(err, SW_ESYSTEM, "fake: device lost");
    assert_int_equal(a->position, saw.n_seen);
    assert_true(a->max_ids >= 1 && a->position + a->max_ids <= b->options.max_positions);
    assert_true(a->n_stop_ids <= SW_MAX_EOS);
    size_t most = as.chunk > 0 && as.chunk < a->max_ids ? as.chunk : a->max_ids, n_ahead = 0;
    bool is_told = a->on_id != NULL, has_ended = false;
    int32_t id = a->id;
    for (a->n_ids = 0; a->n_ids < most && (!has_ended || n_ahead++ < as.n_ahead);) {
        size_t i = a->n_ids++;
        float row[V];
        row_of(row, id, a->position + (uint32_t)i);
        id = sw_argmax(row, V);
        a->ids[i] = id;
        a->stamps_ns[i] = (uint64_t)((int64_t)sw_clock_ns() + as.skew_ns);
        if (a->logprobs != NULL)
            a->logprobs[i] = id < 0 ? NAN : sw_logprob(row, V, id);
        if (has_ended)
            continue;
        has_ended = id < 0 || is_among(id, a->stop_ids, a->n_stop_ids);
        if (is_told && id >= 0 && most - i > as.n_untold) {
            saw.n_told++;
            has_ended |= !a->on_id(a->ctx, id);
        }
        if (id < 0)
            break;
    }
    saw.n_seen += (uint32_t)a->n_ids;
    if (as.wrong_n_ids > 0)
        a->n_ids = as.wrong_n_ids - 1;
    return SW_OK;
}

static void fake_reset(struct sw_backend *b, uint32_t sequence)
{
    (void)b;
    assert_int_equal(sequence, 0);
    saw.n_seen = 0;
}

static void fake_describe(const struct sw_backend *b, struct sw_backend_info *out)
{
    (void)b;
    *out = (struct sw_backend_info){.backend = "fake"};
}

static void fake_close(struct sw_backend *b)
{
    (void)b;
}

#define FAKE_API                                                                                   \
    .name = "fake", .open = fake_open, .forward = fake_forward, .reset = fake_reset,               \
    .describe = fake_describe, .close = fake_close

static const struct sw_backend_api with_logits = {FAKE_API};
static const struct sw_backend_api with_greedy = {FAKE_API, .greedy = fake_greedy};
static const struct sw_backend_api with_decode = {FAKE_API, .decode = fake_decode};
static const struct sw_backend_api with_both = {FAKE_API, .greedy = fake_greedy,
                                                .decode = fake_decode};

static struct sw_model *model;

static int open_model(void **state)
{
    (void)state;
    return sw_model_open(&model, "synthetic:1,8,8,2,1,23,30", NULL, NULL, NULL) == SW_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    sw_model_close(model);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    memset(&as, 0, sizeof as);
    memset(&saw, 0, sizeof saw);
    as.no_number_at = NO_NUMBER_FROM;
    sw_test_set_eos(model, 0, 0, 0);
    return 0;
}

static const int32_t prompt[11] = {1, 5, 2, 9, 22, 0, 4, 4, 8, 1, 6};

/* What a request asks, and what comes of it. */
struct story {
    size_t n_prompt, max_new_tokens, stop_after; /* 0: nobody asks for the end */
    enum sw_verdict_on_token verdict;
    bool ignore_eos, is_watched, want_logprobs, score, samples;
    char events[64]; /* B, P, D: edges; a to w: ids 0 to 22 */
    size_t n_events, n_tokens;
    struct sw_generation g;
    struct sw_error err;
    enum sw_code code;
};

static void note_edge(void *ctx, enum sw_edge edge)
{
    struct story *story = ctx;
    story->events[story->n_events++] = "BPD"[edge];
}

static enum sw_verdict_on_token note_token(void *ctx, int32_t id)
{
    struct story *story = ctx;
    assert_true(story->n_events < sizeof story->events - 1);
    story->events[story->n_events++] = (char)('a' + id);
    return ++story->n_tokens == story->stop_after ? story->verdict : SW_GO_ON;
}

static struct story tell(const struct sw_backend_api *api, struct story story)
{
    struct sw_engine *engine;
    struct sw_sampler *sampler = NULL;
    struct sw_engine_options options = {.api = api,
                                        .max_prompt_tokens = 11,
                                        .max_new_tokens = 30,
                                        .prefill_block = 4,
                                        .score_prompt = story.score};
    if (sw_engine_open(&engine, model, &options, &story.err) != SW_OK)
        fail_msg("%s", story.err.text);
    if (story.samples &&
        sw_sampler_create(&sampler, &(struct sw_sampler_options){0}, V, NULL) != SW_OK)
        fail_msg("no sampler");
    struct sw_generate_request request = {
        .prompt_ids = prompt,
        .n_prompt = story.n_prompt,
        .max_new_tokens = story.max_new_tokens,
        .ignore_eos = story.ignore_eos,
        .sampler = sampler,
        .on_edge = note_edge,
        .on_token = story.is_watched ? note_token : NULL,
        .ctx = &story,
        .want_logprobs = story.want_logprobs,
    };
    story.code = sw_engine_generate(engine, &request, &story.g, &story.err);
    sw_sampler_destroy(sampler);
    sw_engine_close(engine);
    return story;
}

static void check_clock(const struct sw_generation *g)
{
    sw_test_check_times(g);
    assert_true(g->n_ids == 0 || g->stamps_ns[g->n_ids - 1] <= sw_clock_ns());
}

static void check_equal(const struct story *got, const struct story *expected)
{
    assert_int_equal(got->code, expected->code);
    assert_string_equal(got->events, expected->events);
    if (got->code != SW_OK) {
        assert_string_equal(got->err.text, expected->err.text);
        return;
    }
    assert_int_equal(got->g.n_ids, expected->g.n_ids);
    assert_memory_equal(got->g.ids, expected->g.ids, got->g.n_ids * sizeof *got->g.ids);
    assert_int_equal(got->g.stop_reason, expected->g.stop_reason);
    assert_int_equal(got->g.logprobs != NULL, expected->g.logprobs != NULL);
    for (size_t i = 0; i < got->g.n_ids && got->g.logprobs != NULL; i++)
        assert_true(got->g.logprobs[i] == expected->g.logprobs[i]);
    assert_true(got->g.prompt_nll == expected->g.prompt_nll ||
                (isnan(got->g.prompt_nll) && isnan(expected->g.prompt_nll)));
    check_clock(&got->g);
}

/* Every way of choosing against logits alone; how often each call came is summed up in saw. */
static void check_story(const struct story *story)
{
    static const struct sw_backend_api *const apis[] = {&with_greedy, &with_decode, &with_both};
    static const size_t chunks[] = {0, 1, 3}, aheads[] = {0, 5}, untold[] = {0, 1, 2};
    struct story expected = tell(&with_logits, *story);
    for (size_t i = 0; i < 3 * 3 * 2 * 3; i++) {
        as.chunk = chunks[i / 3 % 3];
        as.n_ahead = aheads[i / 9 % 2];
        as.n_untold = untold[i / 18];
        struct story got = tell(apis[i % 3], *story);
        check_equal(&got, &expected);
        sw_generation_free(&got.g);
    }
    sw_generation_free(&expected.g);
    as.chunk = as.n_ahead = as.n_untold = 0;
}

static void every_end_is_the_same(void **state)
{
    (void)state;
    static const struct story stories[] = {
        {.n_prompt = 11, .max_new_tokens = 9},
        {.n_prompt = 11, .max_new_tokens = 9, .is_watched = true, .want_logprobs = true},
        {.n_prompt = 11, .max_new_tokens = 9, .score = true, .want_logprobs = true},
        {.n_prompt = 3, .max_new_tokens = 0, .is_watched = true},
        {.n_prompt = 4, .max_new_tokens = 1, .is_watched = true, .want_logprobs = true},
        {.n_prompt = 5, .max_new_tokens = 2, .is_watched = true},
        {.n_prompt = 1, .max_new_tokens = 30, .is_watched = true}, /* to the last position */
        {.n_prompt = 2, .max_new_tokens = 30},
        {.n_prompt = 4,
         .max_new_tokens = 9,
         .is_watched = true,
         .stop_after = 1,
         .verdict = SW_STOP_HERE_TEXT},
        {.n_prompt = 4,
         .max_new_tokens = 9,
         .is_watched = true,
         .stop_after = 4,
         .verdict = SW_STOP_HERE_TEXT},
        {.n_prompt = 4,
         .max_new_tokens = 9,
         .is_watched = true,
         .stop_after = 3,
         .verdict = SW_STOP_HERE_INTERRUPTED},
        {.n_prompt = 4,
         .max_new_tokens = 9,
         .is_watched = true,
         .stop_after = 9,
         .verdict = SW_STOP_HERE_TEXT},
    };
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++)
        check_story(&stories[i]);
    assert_true(saw.n_decode > 100 && saw.n_greedy > 100 && saw.n_told > 100);
}

static void eos_ends_it_unless_ignored(void **state)
{
    (void)state;
    struct story story = {.n_prompt = 4, .max_new_tokens = MAX_NEW, .ignore_eos = true};
    struct story all = tell(&with_logits, story);
    assert_int_equal(all.g.n_ids, MAX_NEW);
    size_t n_stopped = 0;
    for (size_t at = 0; at < MAX_NEW; at++) {
        sw_test_set_eos(model, 2, V - 1, all.g.ids[at]);
        for (int watched = 0; watched < 2; watched++) {
            story.is_watched = watched;
            story.ignore_eos = false;
            check_story(&story);
            struct story stopped = tell(&with_both, story);
            n_stopped += stopped.g.stop_reason == SW_STOP_EOS && stopped.g.n_ids > 1;
            sw_generation_free(&stopped.g);
            story.ignore_eos = true;
            check_story(&story);
        }
    }
    assert_true(n_stopped > MAX_NEW / 2); /* the rule does come by more than one id */
    /* Stop text and interruption at the very id that is EOS. */
    sw_test_set_eos(model, 1, all.g.ids[2], 0);
    story.ignore_eos = false;
    story.is_watched = true;
    story.stop_after = 3;
    story.verdict = SW_STOP_HERE_TEXT;
    check_story(&story);
    story.verdict = SW_STOP_HERE_INTERRUPTED;
    check_story(&story);
    sw_generation_free(&all.g);
}

static void logits_that_are_no_numbers(void **state)
{
    (void)state;
    for (uint32_t position = 3; position < 9; position++) {
        for (int watched = 0; watched < 2; watched++) {
            as.no_number_at = position;
            struct story story = {.n_prompt = 4,
                                  .max_new_tokens = 9,
                                  .is_watched = watched,
                                  .want_logprobs = watched};
            check_story(&story);
            struct story got = tell(&with_both, story);
            char expected[96];
            snprintf(expected, sizeof expected, "the model gives no number for new token %u ",
                     position - 2);
            assert_int_equal(got.code, SW_EFORMAT);
            assert_ptr_equal(strstr(got.err.text, expected), got.err.text);
            assert_null(got.g.ids);
        }
    }
}

static void who_wants_logits_gets_them(void **state)
{
    (void)state;
    struct story story = {.n_prompt = 11, .max_new_tokens = 6, .samples = true};
    check_story(&story);
    memset(&saw, 0, sizeof saw);
    struct story got = tell(&with_both, story); /* a sampler: logits, always */
    assert_int_equal(saw.n_greedy + saw.n_decode, 0);
    assert_int_equal(saw.n_forward, 3 + 5);
    sw_generation_free(&got.g);
    memset(&saw, 0, sizeof saw);
    story = (struct story){.n_prompt = 11, .max_new_tokens = 6, .score = true};
    got = tell(&with_both, story); /* the prompt's alone */
    assert_int_equal(saw.n_forward, 3);
    assert_int_equal(saw.n_greedy, 0);
    assert_int_equal(saw.n_decode, 1);
    sw_generation_free(&got.g);
    memset(&saw, 0, sizeof saw);
    story.score = false;
    got = tell(&with_both, story);
    assert_int_equal(saw.n_forward, 0);
    assert_int_equal(saw.n_greedy, 3);
    assert_int_equal(saw.n_decode, 1);
    sw_generation_free(&got.g);
}

static void clocks_that_differ(void **state)
{
    (void)state;
    static const int64_t skews[] = {-1000000000, -30000, 30000, 1000000000};
    struct story story = {.n_prompt = 4, .max_new_tokens = 9, .is_watched = true};
    for (size_t i = 0; i < sizeof skews / sizeof *skews; i++) {
        as.skew_ns = skews[i];
        check_story(&story);
    }
}

static void failures_of_the_backend(void **state)
{
    (void)state;
    struct story story = {.n_prompt = 4, .max_new_tokens = 9};
    as.fails = true;
    check_story(&story);
    as.fails = false;
    as.wrong_n_ids = 1; /* none */
    struct story got = tell(&with_decode, story);
    assert_int_equal(got.code, SW_ESYSTEM);
    assert_string_equal(got.err.text, "fake: 0 ids came back, 0 were told of, 1 to 8 fit");
    as.wrong_n_ids = 10; /* nine */
    got = tell(&with_decode, story);
    assert_string_equal(got.err.text, "fake: 9 ids came back, 0 were told of, 1 to 8 fit");
    story.is_watched = true;
    as.wrong_n_ids = 8; /* seven */
    got = tell(&with_decode, story);
    assert_string_equal(got.err.text, "fake: 7 ids came back, 8 were told of, 1 to 8 fit");
    struct sw_engine *engine;
    struct sw_engine_options options = {
        .api = &with_both, .max_prompt_tokens = 20, .max_new_tokens = 5};
    long n = 0;
    for (enum sw_code code = SW_ENOMEM; code != SW_OK; n++) {
        sw_test_alloc_fail_from(n);
        code = sw_engine_open(&engine, model, &options, NULL);
        sw_test_alloc_normal();
        assert_true(code == SW_OK || (code == SW_ENOMEM && engine == NULL));
    }
    assert_int_equal(n, 5 + 1); /* engine, logits, tokens, ids, logprobs */
    sw_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_end_is_the_same, set_up),
        cmocka_unit_test_setup(eos_ends_it_unless_ignored, set_up),
        cmocka_unit_test_setup(logits_that_are_no_numbers, set_up),
        cmocka_unit_test_setup(who_wants_logits_gets_them, set_up),
        cmocka_unit_test_setup(clocks_that_differ, set_up),
        cmocka_unit_test_setup(failures_of_the_backend, set_up),
    };
    return cmocka_run_group_tests_name("choosing", tests, open_model, close_model);
}
