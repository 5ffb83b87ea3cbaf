/*
 * Many prompts at once against one at a time, on base_cpu: the same ids, stop reasons and scores,
 * whatever the number of sequences and threads; and windows that account for every token.
 */
#include "support/skip.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "engine/batch.h"
#include "support/alloc.h"
#include "support/generation.h"

enum {
    SEED = 20261124,
    MAX_PROMPTS = 24,
    MAX_PROMPT = 30,
    MAX_NEW = 12,
    MAX_WINDOWS = 400,
    VOCAB = 101
};

/* A checkpoint: synthetic weights repeat the prompt's last id, and a mistake might go unseen. */
static struct sw_model *model;

static int open_model(void **state)
{
    (void)state;
    struct sw_error err = {0};
    if (sw_model_open(&model, sw_fixture_path("golden/odd-sizes"), NULL, NULL, &err) != SW_OK) {
        print_error("%s\n", err.text);
        return -1;
    }
    /* So few that the longest prompts reach the end. */
    ((struct sw_config *)(uintptr_t)sw_model_config(model))->max_positions = 38;
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    sw_model_close(model);
    return 0;
}

/* A list of prompts, and what became of them. */
struct job {
    struct prompt {
        struct job *job;
        int32_t ids[MAX_PROMPT];
        size_t n, max_new_tokens, stop_after; /* 0: no stop by text */
        bool ignore_eos;
        size_t n_told; /* tokens on_token was asked about */
        struct sw_generation result;
        int n_ends;
    } prompts[MAX_PROMPTS];
    size_t n, next, at_place[8], order[MAX_PROMPTS], n_ended;
    size_t n_tokens_told, interrupt_after; /* over all prompts; 0: never */
    struct sw_window windows[MAX_WINDOWS];
    size_t n_windows, fail_window;
    bool is_open, fail_end;
    char story[MAX_WINDOWS * 8]; /* "P2 D2 e0 " */
};

static void tell(struct job *job, char what, size_t number)
{
    size_t used = strlen(job->story);
    snprintf(job->story + used, sizeof job->story - used, "%c%zu ", what, number);
}

static enum sw_verdict_on_token on_token(void *ctx, int32_t id)
{
    struct prompt *prompt = ctx;
    assert_true(id >= 0);
    prompt->n_told++;
    if (prompt->job->interrupt_after > 0 &&
        ++prompt->job->n_tokens_told >= prompt->job->interrupt_after)
        return SW_STOP_HERE_INTERRUPTED;
    return prompt->n_told == prompt->stop_after ? SW_STOP_HERE_TEXT : SW_GO_ON;
}

static struct sw_generate_request request_of(struct prompt *prompt)
{
    return (struct sw_generate_request){.prompt_ids = prompt->ids,
                                        .n_prompt = prompt->n,
                                        .max_new_tokens = prompt->max_new_tokens,
                                        .ignore_eos = prompt->ignore_eos,
                                        .on_token = on_token,
                                        .ctx = prompt};
}

static bool next(void *ctx, size_t place, struct sw_generate_request *request)
{
    struct job *job = ctx;
    assert_false(job->is_open);
    if (job->next == job->n)
        return false;
    job->at_place[place] = job->next;
    *request = request_of(&job->prompts[job->next++]);
    return true;
}

static void on_window_begin(void *ctx)
{
    struct job *job = ctx;
    assert_false(job->is_open);
    job->is_open = true;
}

static enum sw_code on_window_end(void *ctx, const struct sw_window *window, struct sw_error *err)
{
    struct job *job = ctx;
    assert_true(job->is_open);
    assert_true(job->n_windows < MAX_WINDOWS);
    job->is_open = false;
    job->windows[job->n_windows++] = *window;
    tell(job, window->phase == SW_WINDOW_PREFILL ? 'P' : 'D', window->n_sequences);
    return job->n_windows == job->fail_window ? sw_fail(err, SW_EFILE, "disk full") : SW_OK;
}

/* Keeps ids and stamps in arrays of the test's own: nothing may be allocated here. */
static int32_t kept_ids[MAX_PROMPTS][MAX_NEW];
static uint64_t kept_stamps[MAX_PROMPTS][MAX_NEW];

static enum sw_code on_finished(void *ctx, size_t place, const struct sw_generation *g,
                                struct sw_error *err)
{
    struct job *job = ctx;
    size_t index = job->at_place[place];
    struct prompt *prompt = &job->prompts[index];
    assert_false(job->is_open);
    assert_in_range(g->n_ids, 0, MAX_NEW);
    prompt->result = *g;
    memcpy(kept_ids[index], g->ids, g->n_ids * sizeof *g->ids);
    memcpy(kept_stamps[index], g->stamps_ns, g->n_ids * sizeof *g->stamps_ns);
    prompt->result.ids = kept_ids[index];
    prompt->result.stamps_ns = kept_stamps[index];
    prompt->n_ends++;
    job->order[job->n_ended++] = index;
    tell(job, g->stop_reason == SW_STOP_INTERRUPTED ? 'i' : 'e', index);
    return job->fail_end ? sw_fail(err, SW_ENOMEM, "no room for the answer") : SW_OK;
}

static struct sw_batch_request batch_of(struct job *job)
{
    return (struct sw_batch_request){.next = next,
                                     .on_window_begin = on_window_begin,
                                     .on_window_end = on_window_end,
                                     .on_finished = on_finished,
                                     .ctx = job};
}

/* base_cpu, as if it gave logits alone, and as it is: it chooses ids by itself. */
static struct sw_backend_api telling, choosing;
static bool chooses; /* the next engine's backend */
static size_t n_greedy;

static enum sw_code greedy(struct sw_backend *backend, const struct sw_batch_token *tokens,
                           size_t n_tokens, int32_t *ids, double *logprobs, struct sw_error *err)
{
    assert_null(logprobs); /* nobody asks for them in a batch */
    n_greedy++;
    return sw_backend_find("base_cpu", NULL)->greedy(backend, tokens, n_tokens, ids, NULL, err);
}

/* NULL where base_cpu refuses the strategy. */
static struct sw_engine *open_strategy(enum sw_strategy strategy, size_t n_sequences,
                                       struct sw_pool *pool, size_t block, bool score)
{
    struct sw_engine *engine;
    struct sw_error err = {0};
    telling = choosing = *sw_backend_find("base_cpu", NULL);
    telling.greedy = NULL;
    choosing.greedy = greedy;
    struct sw_engine_options options = {.api = chooses ? &choosing : &telling,
                                        .strategy = strategy,
                                        .pool = pool,
                                        .n_sequences = n_sequences,
                                        .max_prompt_tokens = MAX_PROMPT,
                                        .max_new_tokens = MAX_NEW,
                                        .prefill_block = block,
                                        .score_prompt = score};
    enum sw_code code = sw_engine_open(&engine, model, &options, &err);
    if (code != SW_OK && code != SW_EUNSUPPORTED)
        fail_msg("%s", err.text);
    return engine;
}

static struct sw_engine *open_engine(size_t n_sequences, struct sw_pool *pool, size_t block,
                                     bool score)
{
    struct sw_engine *engine = open_strategy(SW_STRATEGY_NONE, n_sequences, pool, block, score);
    assert_non_null(engine);
    return engine;
}

static size_t below(uint64_t *counter, size_t n)
{
    return (size_t)(sw_random_at(SEED, (*counter)++) % n);
}

/* Random prompts; some end at once, by EOS, by text, or at the last position. */
static void fill_job(struct job *job, uint64_t *counter)
{
    memset(job, 0, sizeof *job);
    job->n = 1 + below(counter, MAX_PROMPTS);
    for (size_t i = 0; i < job->n; i++) {
        struct prompt *p = &job->prompts[i];
        p->job = job;
        p->n = 1 + below(counter, MAX_PROMPT);
        for (size_t j = 0; j < p->n; j++)
            p->ids[j] = (int32_t)below(counter, VOCAB);
        p->max_new_tokens =
            below(counter, 8) == 0 ? below(counter, 2) : 1 + below(counter, MAX_NEW);
        p->stop_after = below(counter, 4) == 0 ? 1 + below(counter, MAX_NEW) : 0;
        p->ignore_eos = below(counter, 3) == 0;
    }
}

static void run_batch(struct job *job, struct sw_engine *engine)
{
    struct sw_error err = {0};
    struct sw_batch_request request = batch_of(job);
    job->next = job->n_ended = job->n_windows = 0;
    job->story[0] = 0;
    for (size_t i = 0; i < job->n; i++)
        job->prompts[i].n_told = 0, job->prompts[i].n_ends = 0;
    if (sw_engine_generate_batch(engine, &request, &err) != SW_OK)
        fail_msg("%s", err.text);
    assert_false(job->is_open);
}

/* Windows come one behind the other, differ in phase or lost a sequence, and hold every token. */
static void check_windows(const struct job *job, size_t n_sequences)
{
    size_t n_prompt = 0, n_generated = 0, n_expected_prompt = 0, n_expected = 0;
    for (size_t w = 0; w < job->n_windows; w++) {
        const struct sw_window *window = &job->windows[w];
        size_t n_stamps = 0;
        assert_in_range(window->n_sequences, 1, n_sequences);
        assert_true(window->start_ns <= window->end_ns);
        assert_true(w == 0 || job->windows[w - 1].end_ns <= window->start_ns);
        if (window->phase == SW_WINDOW_DECODE)
            assert_int_equal(window->n_prompt_tokens, 0);
        for (size_t i = 0; i < job->n; i++) {
            const struct sw_generation *g = &job->prompts[i].result;
            for (size_t t = 0; t < g->n_ids; t++)
                n_stamps +=
                    g->stamps_ns[t] >= window->start_ns && g->stamps_ns[t] <= window->end_ns;
        }
        assert_int_equal(n_stamps, window->n_generated_tokens);
        n_prompt += window->n_prompt_tokens;
        n_generated += window->n_generated_tokens;
    }
    for (size_t i = 0; i < job->n; i++) {
        const struct sw_generation *g = &job->prompts[i].result;
        n_expected_prompt += job->prompts[i].n;
        n_expected += g->n_ids;
        assert_int_equal(job->prompts[i].n_ends, 1);
        sw_test_check_times(g);
        assert_true(g->n_ids == 0 || g->end_ns == g->stamps_ns[g->n_ids - 1]);
    }
    assert_int_equal(n_prompt, n_expected_prompt);
    assert_int_equal(n_generated, n_expected);
}

/* What a comparison came by. */
struct ends {
    size_t n_by_reason[4], n_different;
};

static void compare_with_single(struct job *job, struct sw_engine *single, bool score,
                                struct ends *ends)
{
    for (size_t i = 0; i < job->n; i++) {
        struct sw_generation expected;
        const struct sw_generation *g = &job->prompts[i].result;
        struct sw_generate_request request = request_of(&job->prompts[i]);
        job->prompts[i].n_told = 0;
        assert_int_equal(sw_engine_generate(single, &request, &expected, NULL), SW_OK);
        assert_int_equal(g->n_ids, expected.n_ids);
        assert_memory_equal(g->ids, expected.ids, g->n_ids * sizeof *g->ids);
        assert_int_equal(g->stop_reason, expected.stop_reason);
        if (score && job->prompts[i].n > 1)
            assert_true(g->prompt_nll == expected.prompt_nll);
        else
            assert_true(isnan(g->prompt_nll));
        ends->n_by_reason[g->stop_reason]++;
        for (size_t t = 1; t < g->n_ids; t++)
            ends->n_different += g->ids[t] != g->ids[t - 1];
        sw_generation_free(&expected);
    }
}

static void answers_are_those_of_batch_1(void **state)
{
    (void)state;
    uint64_t counter = 0;
    struct ends ends = {0};
    static struct job job;
    struct sw_engine *single = open_engine(1, NULL, 0, true);
    print_message("# seed %d\n", SEED);
    for (size_t n_sequences = 1; n_sequences <= 7; n_sequences++) {
        for (int n_threads = 1; n_threads <= 3; n_threads++) {
            struct sw_pool *pool;
            struct sw_pool_options options = {.n_threads = n_threads, .wait = SW_WAIT_SLEEP};
            assert_int_equal(sw_pool_create(&pool, &options, NULL), SW_OK);
            size_t block = 1 + below(&counter, 64);
            bool score = below(&counter, 2) == 0;
            chooses = n_threads == 2;
            struct sw_engine *engine = open_engine(n_sequences, pool, block, score);
            chooses = false;
            for (int round = 0; round < 3; round++) {
                int32_t first = (int32_t)below(&counter, VOCAB);
                sw_test_set_eos(model, 2, first, (int32_t)below(&counter, VOCAB));
                fill_job(&job, &counter);
                run_batch(&job, engine);
                check_windows(&job, n_sequences);
                compare_with_single(&job, single, score, &ends);
            }
            sw_engine_close(engine);
            sw_pool_destroy(pool);
        }
    }
    sw_engine_close(single);
    print_message("# ends: %zu length, %zu EOS, %zu text; %zu different ids\n",
                  ends.n_by_reason[SW_STOP_LENGTH], ends.n_by_reason[SW_STOP_EOS],
                  ends.n_by_reason[SW_STOP_TEXT], ends.n_different);
    sw_test_set_eos(model, 0, 0, 0);
    /* Or the test would show less than it says. */
    assert_true(ends.n_by_reason[SW_STOP_LENGTH] > 50);
    assert_true(ends.n_by_reason[SW_STOP_EOS] > 5);
    assert_true(ends.n_by_reason[SW_STOP_TEXT] > 20);
    assert_true(ends.n_different > 1000);
    assert_true(n_greedy > 100);
}

/* Whatever base_cpu runs: what is multiplied for one token may not depend on its neighbours. */
static void every_strategy_answers_as_batch_1(void **state)
{
    (void)state;
#define X(name, text) {name, text},
    static const struct {
        enum sw_strategy strategy;
        const char *name;
    } strategies[] = {SW_STRATEGIES(X)};
#undef X
    uint64_t counter = 1 << 20;
    size_t n_run = 0;
    static struct job job;
    struct sw_pool *pool;
    struct sw_pool_options options = {.n_threads = 2, .wait = SW_WAIT_SLEEP};
    assert_int_equal(sw_pool_create(&pool, &options, NULL), SW_OK);
    for (size_t s = 0; s < sizeof strategies / sizeof *strategies; s++) {
        struct ends ends = {0};
        struct sw_engine *single = open_strategy(strategies[s].strategy, 1, NULL, 0, true);
        if (single == NULL) {
            print_message("# %s: refused\n", strategies[s].name);
            continue;
        }
        for (size_t n_sequences = 2; n_sequences <= 7; n_sequences++) {
            chooses = n_sequences % 2 == 0;
            struct sw_engine *engine =
                open_strategy(strategies[s].strategy, n_sequences, pool, 0, true);
            chooses = false;
            assert_non_null(engine);
            fill_job(&job, &counter);
            run_batch(&job, engine);
            compare_with_single(&job, single, true, &ends);
            sw_engine_close(engine);
        }
        sw_engine_close(single);
        print_message("# %s: equal\n", strategies[s].name);
        n_run++;
    }
    sw_pool_destroy(pool);
    assert_true(n_run > 0);
}

/* n prompts of three tokens with these numbers of new tokens. */
static void job_with_lengths(struct job *job, const size_t *max_new_tokens, size_t n)
{
    memset(job, 0, sizeof *job);
    job->n = n;
    for (size_t i = 0; i < n; i++) {
        job->prompts[i] = (struct prompt){
            .job = job, .ids = {1, 2, (int32_t)i}, .n = 3, .max_new_tokens = max_new_tokens[i]};
    }
}

static void the_end_of_one_makes_room_for_the_next(void **state)
{
    (void)state;
    static struct job job;
    static const struct {
        size_t n_sequences, n, lengths[5];
        const char *story;
    } cases[] = {
        {2, 0, {0}, ""},
        {1, 2, {2, 1}, "P1 D1 e0 P1 e1 "},
        {2, 3, {3, 5, 2}, "P2 D2 e0 P1 D2 e2 D1 e1 "},
        {3, 3, {4, 2, 3}, "P3 D3 e1 D2 e2 D1 e0 "},
        {3, 5, {4, 4, 4, 4, 4}, "P3 D3 e0 e1 e2 P2 D2 e3 e4 "},
        /* One id, or none, ends with the prefill, and the next prompt goes before decoding. */
        {2, 4, {3, 1, 0, 2}, "P2 e1 P1 e2 P1 D2 e3 D1 e0 "},
        {7, 2, {2, 2}, "P2 D2 e0 e1 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_engine *engine = open_engine(cases[i].n_sequences, NULL, 4, false);
        job_with_lengths(&job, cases[i].lengths, cases[i].n);
        run_batch(&job, engine);
        assert_string_equal(job.story, cases[i].story);
        check_windows(&job, cases[i].n_sequences);
        sw_engine_close(engine);
    }
    assert_string_equal(sw_window_phase_name(SW_WINDOW_PREFILL), "prefill");
    assert_string_equal(sw_window_phase_name(SW_WINDOW_DECODE), "decode");
}

static void an_interruption_drops_what_is_under_way(void **state)
{
    (void)state;
    static struct job job;
    static const struct {
        size_t after;
        const char *story;
    } cases[] = {
        {1, "P2 i0 i1 "}, /* at the first id of all */
        {2, "P2 i0 i1 "},
        {3, "P2 D2 i0 i1 "},
        {4, "P2 D2 e0 i1 "},          /* the first one's last id was known before */
        {7, "P2 D2 e0 P1 D2 i2 i1 "}, /* in the place of the first */
    };
    static const size_t lengths[] = {2, 5, 5, 5};
    struct sw_engine *engine = open_engine(2, NULL, 0, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        job_with_lengths(&job, lengths, 4);
        job.interrupt_after = cases[i].after;
        run_batch(&job, engine);
        assert_string_equal(job.story, cases[i].story);
    }
    sw_engine_close(engine);
}

static void failures_end_everything(void **state)
{
    (void)state;
    static struct job job;
    static const size_t lengths[] = {3, 5, 2};
    struct sw_error err = {0};
    struct sw_engine *engine = open_engine(2, NULL, 0, false);
    struct sw_batch_request request = batch_of(&job);

    job_with_lengths(&job, lengths, 3);
    job.prompts[2].ids[1] = VOCAB;
    assert_int_equal(sw_engine_generate_batch(engine, &request, &err), SW_EUSAGE);
    assert_string_equal(err.text, "prompt id 101 at place 1 is outside 0 to 100");
    assert_string_equal(job.story, "P2 D2 e0 ");

    job_with_lengths(&job, lengths, 3);
    job.prompts[0].max_new_tokens = MAX_NEW + 1;
    assert_int_equal(sw_engine_generate_batch(engine, &request, &err), SW_EUSAGE);
    assert_string_equal(err.text, "13 new tokens were asked for, the engine was opened for 12");

    job_with_lengths(&job, lengths, 3);
    job.fail_window = 2;
    assert_int_equal(sw_engine_generate_batch(engine, &request, &err), SW_EFILE);
    assert_string_equal(err.text, "disk full");
    assert_string_equal(job.story, "P2 D2 ");

    job_with_lengths(&job, lengths, 3);
    job.fail_end = true;
    assert_int_equal(sw_engine_generate_batch(engine, &request, &err), SW_ENOMEM);
    assert_string_equal(err.text, "no room for the answer");
    assert_string_equal(job.story, "P2 D2 e0 ");
    sw_engine_close(engine);
}

static void everything_is_allocated_before_the_first_window(void **state)
{
    (void)state;
    static struct job job;
    static const size_t lengths[] = {3, 5, 2, 4, 1};
    enum { N_ALLOCATIONS = 4 + 2 * 2 }; /* lists, and ids and stamps of each sequence */
    struct sw_error err = {0};
    struct sw_engine *engine = open_engine(2, NULL, 0, false);
    struct sw_batch_request request = batch_of(&job);
    for (long n = 0; n <= N_ALLOCATIONS; n++) {
        job_with_lengths(&job, lengths, 5);
        sw_test_alloc_fail_from(n);
        enum sw_code code = sw_engine_generate_batch(engine, &request, &err);
        sw_test_alloc_normal();
        assert_int_equal(code, n < N_ALLOCATIONS ? SW_ENOMEM : SW_OK);
        assert_int_equal(job.n_ended, n < N_ALLOCATIONS ? 0 : 5);
    }
    sw_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_those_of_batch_1),
        cmocka_unit_test(every_strategy_answers_as_batch_1),
        cmocka_unit_test(the_end_of_one_makes_room_for_the_next),
        cmocka_unit_test(an_interruption_drops_what_is_under_way),
        cmocka_unit_test(failures_end_everything),
        cmocka_unit_test(everything_is_allocated_before_the_first_window),
    };
    return cmocka_run_group_tests_name("batch", tests, open_model, close_model);
}
