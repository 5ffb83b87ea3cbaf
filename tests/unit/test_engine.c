/* The generation loop over a backend that follows a rule one can compute by hand: after id x at
 * position p, the most probable id is (3 x + p + 1) mod V. */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/forced.h"
#include "support/alloc.h"
#include "support/generation.h"

enum { V = 23, POSITIONS = 40, EOS = 7 };

/* What the fake backend saw, for assertions; one backend is open at a time. */
static struct {
    struct sw_backend_options options;
    size_t n_calls, call_sizes[64], n_open;
    uint32_t n_seen; /* positions of sequence 0 */
    long fail_at;    /* call that fails, or -1 */
    bool all_nan;
} fake;

struct sw_backend {
    struct sw_backend_options options;
};

static int32_t next_id(int32_t id, size_t position)
{
    return (int32_t)((3 * (size_t)id + position + 1) % V);
}

static float logit_of(int32_t id, size_t position, int32_t candidate)
{
    return candidate == next_id(id, position) ? 4.0f : (float)(candidate % 3);
}

static enum sw_code fake_open(struct sw_backend **out, const struct sw_model *model,
                              const struct sw_backend_options *options, struct sw_error *err)
{
    (void)model;
    *out = NULL;
    if (options->strategy != SW_STRATEGY_NONE)
        return sw_fail(err, SW_EUNSUPPORTED, "fake: no strategy but none");
    static struct sw_backend backend;
    backend.options = *options;
    fake.options = *options;
    fake.n_open++;
    *out = &backend;
    return SW_OK;
}

static enum sw_code fake_forward(struct sw_backend *backend, const struct sw_batch_token *tokens,
                                 size_t n_tokens, float *logits, struct sw_error *err)
{
    assert_in_range(n_tokens, 1, backend->options.max_batch);
    if (fake.fail_at == (long)fake.n_calls)
        return sw_fail(err, SW_ESYSTEM, "fake: device lost");
    if (fake.n_calls < 64)
        fake.call_sizes[fake.n_calls] = n_tokens;
    fake.n_calls++;
    size_t n_wanted = 0;
    for (size_t i = 0; i < n_tokens; i++) {
        assert_in_range(tokens[i].id, 0, V - 1);
        assert_int_equal(tokens[i].sequence, 0);
        assert_int_equal(tokens[i].position, fake.n_seen++);
        assert_true(tokens[i].position < backend->options.max_positions);
        if (!tokens[i].want_logits)
            continue;
        assert_true(n_wanted < backend->options.max_logits);
        for (int32_t j = 0; j < V; j++)
            logits[n_wanted * V + (size_t)j] =
                fake.all_nan ? NAN : logit_of(tokens[i].id, tokens[i].position, j);
        n_wanted++;
    }
    return SW_OK;
}

static void fake_reset(struct sw_backend *backend, uint32_t sequence)
{
    (void)backend;
    assert_int_equal(sequence, 0);
    fake.n_seen = 0;
}

static void fake_describe(const struct sw_backend *backend, struct sw_backend_info *out)
{
    (void)backend;
    *out = (struct sw_backend_info){.backend = "fake", .scratch_bytes = 1000};
}

static void fake_close(struct sw_backend *backend)
{
    (void)backend;
    fake.n_open--;
}

static const struct sw_backend_api api = {
    .name = "fake",
    .open = fake_open,
    .forward = fake_forward,
    .reset = fake_reset,
    .describe = fake_describe,
    .close = fake_close,
};

static struct sw_model *model;

static int open_model(void **state)
{
    (void)state;
    return sw_model_open(&model, "synthetic:1,8,8,2,1,23,40", NULL, NULL, NULL) == SW_OK ? 0 : -1;
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
    memset(&fake, 0, sizeof fake);
    fake.fail_at = -1;
    sw_test_set_eos(model, 0, 0, 0);
    return 0;
}

static struct sw_engine *open_engine(struct sw_engine_options options)
{
    struct sw_engine *engine;
    struct sw_error err = {0};
    options.api = &api;
    if (options.max_prompt_tokens == 0)
        options.max_prompt_tokens = 20;
    if (sw_engine_open(&engine, model, &options, &err) != SW_OK)
        fail_msg("%s", err.text);
    return engine;
}

static const int32_t prompt[11] = {1, 5, 2, 9, 22, 0, 4, 4, 8, 1, 6};

static void greedy_ids_follow_the_logits(void **state)
{
    (void)state;
    struct sw_engine *engine =
        open_engine((struct sw_engine_options){.max_new_tokens = 9, .prefill_block = 4});
    assert_int_equal(fake.options.max_positions, 20 + 9 - 1);
    assert_int_equal(fake.options.max_batch, 4);
    assert_int_equal(fake.options.max_logits, 1);
    for (int round = 0; round < 2; round++) { /* a second generation starts afresh */
        struct sw_generation g;
        struct sw_error err = {0};
        struct sw_generate_request request = {
            .prompt_ids = prompt, .n_prompt = 11, .max_new_tokens = 9, .want_logprobs = true};
        fake.n_calls = 0;
        assert_int_equal(sw_engine_generate(engine, &request, &g, &err), SW_OK);
        assert_int_equal(g.n_ids, 9);
        assert_int_equal(g.stop_reason, SW_STOP_LENGTH);
        assert_true(isnan(g.prompt_nll));
        int32_t id = prompt[10];
        uint64_t last_ns = g.start_ns;
        for (size_t i = 0; i < 9; i++) {
            float row[V];
            for (int32_t j = 0; j < V; j++)
                row[j] = logit_of(id, 10 + i, j);
            id = next_id(id, 10 + i);
            assert_int_equal(g.ids[i], id);
            assert_true(g.logprobs[i] == sw_logprob(row, V, id));
            assert_true(g.stamps_ns[i] >= last_ns);
            last_ns = g.stamps_ns[i];
        }
        assert_true(g.prefill_end_ns == g.stamps_ns[0]);
        assert_true(g.decode_start_ns >= g.prefill_end_ns);
        assert_true(g.end_ns == g.stamps_ns[8] && g.end_ns >= g.decode_start_ns);
        /* Three blocks of prompt, then one token at a time; the ninth id is never run. */
        assert_int_equal(fake.n_calls, 3 + 8);
        assert_int_equal(fake.call_sizes[0], 4);
        assert_int_equal(fake.call_sizes[2], 3);
        assert_int_equal(fake.call_sizes[3], 1);
        sw_generation_free(&g);
    }
    struct sw_backend_info info;
    sw_engine_describe(engine, &info);
    assert_string_equal(info.backend, "fake");
    assert_int_equal(info.scratch_bytes, 1000 + V * 4 + 4 * sizeof(struct sw_batch_token));
    sw_engine_close(engine);
    assert_int_equal(fake.n_open, 0);
}

static void prompt_score_is_the_same_for_any_block(void **state)
{
    (void)state;
    double expected = 0;
    for (size_t i = 0; i + 1 < 11; i++) {
        float row[V];
        for (int32_t j = 0; j < V; j++)
            row[j] = logit_of(prompt[i], i, j);
        expected -= sw_logprob(row, V, prompt[i + 1]);
    }
    expected /= 10;
    static const size_t blocks[] = {1, 2, 3, 5, 10, 11, 64, 0};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        struct sw_generation g;
        struct sw_engine *engine = open_engine((struct sw_engine_options){
            .max_new_tokens = 2, .prefill_block = blocks[i], .score_prompt = true});
        struct sw_generate_request request = {
            .prompt_ids = prompt, .n_prompt = 11, .max_new_tokens = 2};
        assert_int_equal(sw_engine_generate(engine, &request, &g, NULL), SW_OK);
        assert_true(g.prompt_nll == expected);
        assert_int_equal(g.ids[0], next_id(6, 10));
        assert_null(g.logprobs);
        sw_generation_free(&g);
        request.n_prompt = 1;
        assert_int_equal(sw_engine_generate(engine, &request, &g, NULL), SW_OK);
        assert_true(isnan(g.prompt_nll));
        assert_int_equal(g.ids[0], next_id(1, 0));
        sw_generation_free(&g);
        sw_engine_close(engine);
    }
}

static void a_given_text_is_run_token_by_token(void **state)
{
    (void)state;
    static const size_t contexts[] = {1, 3, 4, 5, 10};
    struct sw_engine *engine =
        open_engine((struct sw_engine_options){.max_new_tokens = 9, .prefill_block = 4});
    for (size_t c = 0; c < sizeof contexts / sizeof *contexts; c++) {
        struct sw_forced forced;
        struct sw_error err = {0};
        const float *logits;
        size_t n_context = contexts[c];
        fake.n_calls = 0;
        assert_int_equal(sw_forced_begin(&forced, engine, prompt, n_context, &logits, &err), SW_OK);
        for (size_t i = n_context; i < 11; i++) {
            for (int32_t j = 0; j < V; j++)
                assert_true(logits[j] == logit_of(prompt[i - 1], i - 1, j));
            assert_int_equal(sw_forced_next(&forced, prompt[i], &logits, &err), SW_OK);
        }
        assert_int_equal(fake.n_calls, (n_context + 3) / 4 + 11 - n_context);
    }
    /* 28 positions: the last of them is run, one more is not. */
    struct sw_forced forced;
    struct sw_error err = {0};
    const float *logits;
    assert_int_equal(sw_forced_begin(&forced, engine, prompt, 11, &logits, &err), SW_OK);
    for (size_t i = 11; i < 28; i++)
        assert_int_equal(sw_forced_next(&forced, 1, &logits, &err), SW_OK);
    assert_int_equal(sw_forced_next(&forced, 1, &logits, &err), SW_EUNSUPPORTED);
    assert_string_equal(err.text, "the engine was opened for 28 positions");
    assert_int_equal(sw_forced_begin(&forced, engine, prompt, 0, &logits, &err), SW_EUSAGE);
    static const int32_t outside[] = {1, V};
    assert_int_equal(sw_forced_begin(&forced, engine, outside, 2, &logits, &err), SW_EUSAGE);
    /* Generating goes on as before. */
    struct sw_generation g;
    struct sw_generate_request request = {
        .prompt_ids = prompt, .n_prompt = 11, .max_new_tokens = 9};
    assert_int_equal(sw_engine_generate(engine, &request, &g, &err), SW_OK);
    assert_int_equal(g.ids[0], next_id(6, 10));
    sw_generation_free(&g);
    sw_engine_close(engine);
}

static void divergence_is_that_of_the_softmaxes(void **state)
{
    (void)state;
    /* Probabilities 1/2, 1/4, 1/4 against 1/4, 1/4, 1/2: 1/2 ln 2 - 1/4 ln 2. A shift of all logits
     * changes nothing. */
    const float p[] = {0.6931471805599453f, 0, 0};
    const float q[] = {100, 100, 100.6931471805599453f};
    assert_true(fabs(sw_divergence(p, q, 3) - 0.25 * log(2)) < 1e-5);
    assert_true(sw_divergence(p, p, 3) == 0);
    /* What p never says may be anything in q. */
    const float sure[] = {0, -INFINITY, -2000};
    const float other[] = {0, -INFINITY, -INFINITY};
    assert_true(fabs(sw_divergence(sure, other, 3)) < 1e-12);
    const float none[] = {NAN, NAN, NAN};
    assert_true(isnan(sw_divergence(p, none, 3)) && isnan(sw_divergence(none, p, 3)));
}

static void eos_stops_unless_ignored(void **state)
{
    (void)state;
    struct sw_engine *engine = open_engine((struct sw_engine_options){.max_new_tokens = 15});
    struct sw_generate_request request = {
        .prompt_ids = prompt, .n_prompt = 4, .max_new_tokens = 15, .ignore_eos = true};
    struct sw_generation all, g;
    sw_test_set_eos(model, 2, 3, EOS);
    assert_int_equal(sw_engine_generate(engine, &request, &all, NULL), SW_OK);
    assert_int_equal(all.n_ids, 15);
    assert_int_equal(all.stop_reason, SW_STOP_LENGTH);
    size_t at = 0;
    while (at < 15 && all.ids[at] != EOS && all.ids[at] != 3)
        at++;
    assert_in_range(at, 1, 13); /* the rule does come by an EOS, or this test shows nothing */
    request.ignore_eos = false;
    assert_int_equal(sw_engine_generate(engine, &request, &g, NULL), SW_OK);
    assert_int_equal(g.n_ids, at + 1);
    assert_int_equal(g.stop_reason, SW_STOP_EOS);
    assert_memory_equal(g.ids, all.ids, g.n_ids * sizeof *g.ids);
    assert_string_equal(sw_stop_reason_name(g.stop_reason), "eos");
    sw_generation_free(&g);
    sw_generation_free(&all);
    sw_engine_close(engine);
}

static void last_position_ends_generation(void **state)
{
    (void)state;
    struct sw_engine *engine =
        open_engine((struct sw_engine_options){.max_prompt_tokens = 1000, .max_new_tokens = 1000});
    assert_int_equal(fake.options.max_positions, POSITIONS);
    int32_t ids[POSITIONS + 1] = {0};
    static const size_t lengths[] = {1, 30, POSITIONS - 1, POSITIONS};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct sw_generation g;
        struct sw_generate_request request = {
            .prompt_ids = ids, .n_prompt = lengths[i], .max_new_tokens = 1000};
        assert_int_equal(sw_engine_generate(engine, &request, &g, NULL), SW_OK);
        /* The id behind the last position is still known, though it has no place. */
        assert_int_equal(g.n_ids, POSITIONS - lengths[i] + 1);
        assert_int_equal(g.stop_reason, SW_STOP_LENGTH);
        assert_int_equal(fake.n_seen, POSITIONS);
        sw_generation_free(&g);
    }
    struct sw_generation g;
    struct sw_error err;
    struct sw_generate_request request = {
        .prompt_ids = ids, .n_prompt = POSITIONS + 1, .max_new_tokens = 1};
    assert_int_equal(sw_engine_generate(engine, &request, &g, &err), SW_EUNSUPPORTED);
    assert_string_equal(err.text, "the prompt has 41 tokens, the model has positions for 40");
    assert_null(g.ids);
    sw_engine_close(engine);
}

static void requests_are_checked(void **state)
{
    (void)state;
    struct sw_engine *engine = open_engine((struct sw_engine_options){.max_new_tokens = 5});
    int32_t ids[21] = {0};
    struct {
        struct sw_generate_request request;
        int32_t id;
        const char *message;
    } cases[] = {
        {{.n_prompt = 0, .max_new_tokens = 1}, 0, "the prompt has no tokens"},
        {{.n_prompt = 21, .max_new_tokens = 1},
         0,
         "the prompt has 21 tokens, the engine was opened for 20"},
        {{.n_prompt = 1, .max_new_tokens = 6},
         0,
         "6 new tokens were asked for, the engine was opened for 5"},
        {{.n_prompt = 3, .max_new_tokens = 1}, V, "prompt id 23 at place 1 is outside 0 to 22"},
        {{.n_prompt = 3, .max_new_tokens = 1}, -1, "prompt id -1 at place 1 is outside 0 to 22"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_generation g;
        struct sw_error err;
        ids[1] = cases[i].id;
        cases[i].request.prompt_ids = ids;
        assert_int_equal(sw_engine_generate(engine, &cases[i].request, &g, &err), SW_EUSAGE);
        assert_string_equal(err.text, cases[i].message);
    }
    assert_int_equal(fake.n_calls, 0);
    sw_engine_close(engine);
}

static void no_new_token_is_a_prefill_alone(void **state)
{
    (void)state;
    struct sw_engine *engine = open_engine((struct sw_engine_options){.max_new_tokens = 0});
    struct sw_generation g;
    struct sw_generate_request request = {.prompt_ids = prompt, .n_prompt = 11};
    assert_int_equal(sw_engine_generate(engine, &request, &g, NULL), SW_OK);
    assert_int_equal(g.n_ids, 0);
    assert_int_equal(fake.n_calls, 1);
    assert_true(g.prefill_end_ns > g.start_ns && g.end_ns == g.decode_start_ns);
    sw_generation_free(&g);
    sw_engine_close(engine);
}

/* Events in the order they come: B, P, D edges; t a token. */
struct story {
    char events[64];
    size_t n, n_tokens, stop_after;
    enum sw_verdict_on_token verdict;
};

static void note_edge(void *ctx, enum sw_edge edge)
{
    struct story *story = ctx;
    story->events[story->n++] = "BPD"[edge];
}

static enum sw_verdict_on_token note_token(void *ctx, int32_t id)
{
    struct story *story = ctx;
    (void)id;
    story->events[story->n++] = 't';
    return ++story->n_tokens == story->stop_after ? story->verdict : SW_GO_ON;
}

static void edges_enclose_their_phases(void **state)
{
    (void)state;
    static const struct {
        size_t stop_after;
        enum sw_verdict_on_token verdict;
        const char *events;
        enum sw_stop_reason reason;
    } cases[] = {
        {0, SW_GO_ON, "BPttttD", SW_STOP_LENGTH},
        {1, SW_STOP_HERE_TEXT, "BPtD", SW_STOP_TEXT},
        {3, SW_STOP_HERE_TEXT, "BPtttD", SW_STOP_TEXT},
        {2, SW_STOP_HERE_INTERRUPTED, "BPttD", SW_STOP_INTERRUPTED},
        {4, SW_STOP_HERE_TEXT, "BPttttD", SW_STOP_TEXT},
    };
    struct sw_engine *engine = open_engine((struct sw_engine_options){.max_new_tokens = 4});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct story story = {.stop_after = cases[i].stop_after, .verdict = cases[i].verdict};
        struct sw_generation g;
        struct sw_generate_request request = {.prompt_ids = prompt,
                                              .n_prompt = 2,
                                              .max_new_tokens = 4,
                                              .on_edge = note_edge,
                                              .on_token = note_token,
                                              .ctx = &story};
        assert_int_equal(sw_engine_generate(engine, &request, &g, NULL), SW_OK);
        assert_string_equal(story.events, cases[i].events);
        assert_int_equal(g.stop_reason, cases[i].reason);
        assert_int_equal(g.n_ids, strlen(cases[i].events) - 3);
        sw_generation_free(&g);
    }
    sw_engine_close(engine);
}

static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    struct sw_engine *engine;
    struct sw_generation g;
    struct sw_error err;
    struct sw_engine_options options = {
        .api = &api, .strategy = SW_STRATEGY_4BIT, .max_prompt_tokens = 20, .max_new_tokens = 5};
    assert_int_equal(sw_engine_open(&engine, model, &options, &err), SW_EUNSUPPORTED);
    assert_string_equal(err.text, "fake: no strategy but none");
    assert_null(engine);
    options.strategy = SW_STRATEGY_NONE;
    options.max_prompt_tokens = 0;
    assert_int_equal(sw_engine_open(&engine, model, &options, &err), SW_EUSAGE);
    options.max_prompt_tokens = 20;
    for (long n = 0; n < 3; n++) {
        sw_test_alloc_fail_from(n);
        enum sw_code code = sw_engine_open(&engine, model, &options, &err);
        sw_test_alloc_normal();
        assert_int_equal(code, SW_ENOMEM);
        assert_null(engine);
    }
    engine = open_engine((struct sw_engine_options){.max_new_tokens = 5});
    struct sw_generate_request request = {
        .prompt_ids = prompt, .n_prompt = 2, .max_new_tokens = 5, .want_logprobs = true};
    for (fake.fail_at = 0; fake.fail_at < 2; fake.fail_at++) {
        fake.n_calls = 0;
        assert_int_equal(sw_engine_generate(engine, &request, &g, &err), SW_ESYSTEM);
        assert_string_equal(err.text, "fake: device lost");
        assert_null(g.ids);
    }
    fake.fail_at = -1;
    for (long n = 0; n < 3; n++) {
        sw_test_alloc_fail_from(n);
        enum sw_code code = sw_engine_generate(engine, &request, &g, &err);
        sw_test_alloc_normal();
        assert_int_equal(code, SW_ENOMEM);
        assert_null(g.ids);
    }
    /* Three allocations, all before the first token. */
    sw_test_alloc_fail_from(3);
    assert_int_equal(sw_engine_generate(engine, &request, &g, &err), SW_OK);
    assert_false(sw_test_alloc_normal());
    sw_generation_free(&g);
    fake.all_nan = true;
    assert_int_equal(sw_engine_generate(engine, &request, &g, &err), SW_EFORMAT);
    assert_string_equal(
        err.text, "the model gives no number for new token 1 (weights that are NaN or too large)");
    sw_engine_close(engine);
    assert_int_equal(fake.n_open, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(greedy_ids_follow_the_logits, set_up),
        cmocka_unit_test_setup(prompt_score_is_the_same_for_any_block, set_up),
        cmocka_unit_test_setup(eos_stops_unless_ignored, set_up),
        cmocka_unit_test_setup(a_given_text_is_run_token_by_token, set_up),
        cmocka_unit_test(divergence_is_that_of_the_softmaxes),
        cmocka_unit_test_setup(last_position_ends_generation, set_up),
        cmocka_unit_test_setup(requests_are_checked, set_up),
        cmocka_unit_test_setup(no_new_token_is_a_prefill_alone, set_up),
        cmocka_unit_test_setup(edges_enclose_their_phases, set_up),
        cmocka_unit_test_setup(failures_leave_nothing_behind, set_up),
    };
    return cmocka_run_group_tests_name("engine", tests, open_model, close_model);
}
