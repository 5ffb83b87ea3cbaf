/*
 * The choice of the next token: the greatest logit as engine/sampler.c chooses it, its
 * log-probability, through both ways to candidates (the head's product, rows of logits), and what
 * an answer's step leaves for the next one and for the host.
 */
#include <math.h>

#include "backend/cuda/choice.cuh"
#include "backend/cuda/step.cuh"
extern "C" {
#include "engine/sampler.h"
}
#include "gpu/definition.h"
#include "gpu/memory.h"

namespace
{

/* exp in float is right to two units, its argument, up to 100, to half a unit of itself, the
 * logarithm to two units: what issue and interface ask for is wider. */
const double LOGPROB_BOUND = 1e-5;

void expect_choice(const char *what, const float *logits, uint32_t n, const sw_choice &choice)
{
    int32_t id = sw_argmax(logits, n);
    if (choice.id != id)
        fail_msg("%s of %u: id %d, not %d", what, n, choice.id, id);
    double logprob = sw_logprob(logits, n, id < 0 ? 0 : id);
    if (isnan(logprob) ? !isnan(choice.logprob)
                       : !(fabs((double)choice.logprob - logprob) <= LOGPROB_BOUND))
        fail_msg("%s of %u: log-probability %.9g, not %.9g", what, n, (double)choice.logprob,
                 logprob);
}

struct pattern {
    const char *name;
    void (*fill)(float *logits, uint32_t n, noise &random);
};

void fill_random(float *x, uint32_t n, noise &random)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = 20 * noise_next(random);
}
void fill_equal(float *x, uint32_t n, noise &)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = i % 2 == 0 ? 0.0f : -0.0f;
}
void fill_ties(float *x, uint32_t n, noise &random)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)(noise_bits(random) % 3);
}
void fill_rising(float *x, uint32_t n, noise &)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)i * 0.01f - 50;
}
void fill_nan(float *x, uint32_t n, noise &)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = NAN;
}
void fill_nan_first(float *x, uint32_t n, noise &random)
{
    fill_random(x, n, random);
    x[0] = NAN;
}
void fill_nan_somewhere(float *x, uint32_t n, noise &random)
{
    fill_random(x, n, random);
    x[n / 2] = NAN;
    x[n - 1] = 30;
}
void fill_infinite(float *x, uint32_t n, noise &random)
{
    fill_random(x, n, random);
    x[n / 2] = INFINITY;
    x[n / 3] = INFINITY;
}
void fill_all_lowest(float *x, uint32_t n, noise &)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = -INFINITY;
}
void fill_some_lowest(float *x, uint32_t n, noise &random)
{
    fill_random(x, n, random);
    for (uint32_t i = 0; i < n; i += 2)
        x[i] = -INFINITY;
}
void fill_far(float *x, uint32_t n, noise &)
{
    for (uint32_t i = 0; i < n; i++)
        x[i] = i == n - 1 ? 1e30f : -1e30f;
}

const pattern PATTERNS[] = {
    {"random", fill_random},
    {"equal", fill_equal},
    {"ties", fill_ties},
    {"rising", fill_rising},
    {"nan", fill_nan},
    {"nan first", fill_nan_first},
    {"nan somewhere", fill_nan_somewhere},
    {"infinite", fill_infinite},
    {"all lowest", fill_all_lowest},
    {"some lowest", fill_some_lowest},
    {"far apart", fill_far},
};

void test_rows(void **state)
{
    (void)state;
    enum : uint32_t { N_ROWS = 3 };
    for (const pattern &p : PATTERNS) {
        for (uint32_t n : {1u, 2u, 31u, 131u, 5003u}) {
            for (uint32_t n_parts : {1u, 8u, 40u}) {
                memory mem;
                noise random = {n};
                std::vector<float> logits((size_t)N_ROWS * n);
                for (uint32_t r = 0; r < N_ROWS; r++)
                    p.fill(&logits[(size_t)r * n], n, random);
                const float *on_device = memory_put(mem, logits);
                sw_candidate *candidates = memory_take<sw_candidate>(mem, N_ROWS * n_parts);
                sw_choice *choices = memory_take<sw_choice>(mem, N_ROWS);
                GPU_OK(sw_launch(sw_candidates_kernel, N_ROWS * n_parts, 96,
                                 3 * sizeof(sw_candidate), 0, SW_LAUNCH_OVERLAPPED, on_device, n,
                                 n_parts, candidates));
                GPU_OK(sw_launch(sw_choose_kernel, N_ROWS, SW_WARP, 0, 0, SW_LAUNCH_OVERLAPPED,
                                 candidates, n_parts, choices));
                std::vector<sw_choice> got = memory_get(choices, N_ROWS);
                for (uint32_t r = 0; r < N_ROWS; r++)
                    expect_choice(p.name, &logits[(size_t)r * n], n, got[r]);
                memory_free(mem);
            }
        }
    }
}

/* Candidates that the head leaves say what its logits say. */
void test_head(void **state)
{
    (void)state;
    enum : uint32_t { VOCAB = 517, DIM = 24, MOST = 8 };
    memory mem;
    sw_step step = {};
    sw_gpu_model &m = step.m;
    sw_gpu_matrix head = definition_random_matrix(SW_GPU_F32, SW_GPU_IN_F32, VOCAB, DIM, false, 9);
    /* Equal rows tie; one row makes NaN where x is infinite only. */
    float *rows = static_cast<float *>(const_cast<void *>(head.rows));
    for (uint32_t i = 0; i < DIM; i++) /* longer than any other */
        rows[300 * DIM + i] *= 1000;
    for (uint32_t r : {400u, 77u, 516u})
        memcpy(rows + r * DIM, rows + 300 * DIM, DIM * sizeof *rows);
    std::vector<float> x((size_t)MOST * DIM);
    for (uint32_t t = 0; t < MOST; t++)
        definition_random_row(&x[t * DIM], DIM, 0, t);
    for (uint32_t i = 0; i < DIM; i++)
        x[2 * DIM + i] = rows[300 * DIM + i]; /* token 2 likes the equal rows best */
    x[5 * DIM] = NAN;
    m.dim = DIM;
    m.vocab_size = VOCAB;
    m.head_form = SW_GPU_F32;
    m.head_input = SW_GPU_IN_F32;
    m.rms_eps = 1e-5f;
    m.head = head;
    m.head.rows = memory_put(mem, std::vector<float>(rows, rows + (size_t)VOCAB * DIM));
    m.final_norm = memory_put(mem, std::vector<float>(DIM, 1.0f));
    m.x = memory_put(mem, x);
    m.wanted = memory_put(mem, std::vector<uint32_t>{2, 0, 5, 7, 1, 6, 3, 4});
    m.logits = memory_take<float>(mem, MOST * VOCAB);
    step.shared_bytes = 64 * 1024;
    for (uint32_t n_rows = 1; n_rows <= MOST; n_rows++) {
        for (uint32_t n_sms : {1u, 3u, 40u}) {
            step.n_sms = n_sms;
            sw_candidate *candidates = memory_take<sw_candidate>(mem, MOST * n_sms);
            sw_choice *choices = memory_take<sw_choice>(mem, MOST);
            uint32_t n_parts = 0;
            GPU_OK(sw_step_head(step, n_rows, {m.logits, candidates}, &n_parts));
            GPU_OK(sw_launch(sw_choose_kernel, n_rows, SW_WARP, 0, 0, SW_LAUNCH_PLAIN, candidates,
                             n_parts, choices));
            std::vector<float> logits = memory_get(m.logits, (size_t)n_rows * VOCAB);
            std::vector<sw_choice> got = memory_get(choices, n_rows);
            for (uint32_t r = 0; r < n_rows; r++)
                expect_choice("head", &logits[(size_t)r * VOCAB], VOCAB, got[r]);
            assert_int_equal(got[0].id, 77); /* the lowest of the equal ones */
            if (n_rows > 2)
                assert_int_equal(got[2].id, -1);
            /* Without logits the candidates are the same. */
            sw_candidate *again = memory_take<sw_candidate>(mem, MOST * n_sms);
            GPU_OK(sw_step_head(step, n_rows, {NULL, again}, &n_parts));
            std::vector<sw_candidate> a = memory_get(candidates, n_rows * n_parts);
            std::vector<sw_candidate> b = memory_get(again, n_rows * n_parts);
            assert_memory_equal(a.data(), b.data(), a.size() * sizeof a[0]);
        }
    }
    memory_free(mem);
    definition_matrix_free(&head);
}

struct answer {
    memory mem;
    sw_gpu_token *token;
    sw_answer_state *state;
    sw_answer_record record;
    sw_candidate *candidates;
};

/* A step whose only candidate is id. */
void step(answer &a, int32_t id)
{
    sw_candidate c = {1.0f, id, 2.0};
    if (id < 0)
        c = {-INFINITY, -1, NAN};
    GPU_OK(cudaMemcpy(a.candidates, &c, sizeof c, cudaMemcpyHostToDevice));
    GPU_OK(sw_launch(sw_next_kernel, 1, SW_WARP, 0, 0, SW_LAUNCH_OVERLAPPED, a.candidates, 1,
                     a.token, a.state, a.record));
}

answer begin(uint32_t max_ids, const std::vector<int32_t> &stops)
{
    answer a;
    sw_answer_state state = {};
    std::copy(stops.begin(), stops.end(), state.stop_ids);
    state.n_stop_ids = (uint32_t)stops.size();
    state.max_ids = max_ids;
    a.token = memory_put(a.mem, std::vector<sw_gpu_token>{{5, 10, 3, 0}});
    a.state = memory_put(a.mem, std::vector<sw_answer_state>{state});
    a.record.n_ready = memory_put(a.mem, std::vector<uint32_t>{0});
    a.record.entries = memory_take<sw_answer_entry>(a.mem, max_ids);
    a.candidates = memory_take<sw_candidate>(a.mem, 1);
    return a;
}

/* ids so far, and the token that would run next. */
void expect_answer(const answer &a, const std::vector<int32_t> &ids, int32_t next,
                   uint32_t position)
{
    assert_int_equal(memory_get(a.record.n_ready, 1)[0], ids.size());
    std::vector<sw_answer_entry> entries = memory_get(a.record.entries, ids.size());
    for (size_t i = 0; i < ids.size(); i++) {
        assert_int_equal(entries[i].id, ids[i]);
        assert_true(i == 0 || entries[i].stamp_ns >= entries[i - 1].stamp_ns);
        assert_true(ids[i] < 0 ? isnan(entries[i].logprob)
                               : fabsf(entries[i].logprob + logf(2)) < 1e-6f);
    }
    sw_gpu_token token = memory_get(a.token, 1)[0];
    assert_int_equal(token.id, next);
    assert_int_equal(token.position, position);
    assert_int_equal(token.sequence, 3);
    assert_int_equal(token.logits_row, 0);
}

void test_next(void **state)
{
    (void)state;
    answer a = begin(3, {7, 9});
    step(a, 4);
    expect_answer(a, {4}, 4, 11);
    step(a, 6);
    expect_answer(a, {4, 6}, 6, 12);
    step(a, 8); /* the last one: not run any more */
    expect_answer(a, {4, 6, 8}, 6, 12);
    step(a, 2); /* the host had asked for more by then */
    step(a, 2);
    expect_answer(a, {4, 6, 8}, 6, 12);
    memory_free(a.mem);

    a = begin(5, {7, 9});
    step(a, 4);
    step(a, 9);
    expect_answer(a, {4, 9}, 4, 11);
    step(a, 1);
    expect_answer(a, {4, 9}, 4, 11);
    memory_free(a.mem);

    a = begin(5, {});
    step(a, -1);
    step(a, 3);
    expect_answer(a, {-1}, 5, 10);
    memory_free(a.mem);

    std::vector<int32_t> all;
    for (int32_t i = 0; i < SW_ANSWER_STOPS; i++)
        all.push_back(100 + i);
    a = begin(5, all);
    step(a, 99);
    step(a, 115); /* the last of 16 */
    step(a, 3);
    expect_answer(a, {99, 115}, 99, 11);
    memory_free(a.mem);
}

} // namespace

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
