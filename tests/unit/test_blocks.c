/* Statistics of blocks from journal lines: exact means, what counts, what is marked. */
#include "support/skip.h"

#include <math.h>

#include "base/json.h"
#include "record/blocks.h"
#include "report/table.h"

static json_t *energy(long long cpu_uj, const char *source)
{
    json_t *cpu = cpu_uj < 0
                      ? json_pack("{s:n, s:s, s:s}", "uj", "source", "absent", "reason", "no")
                      : json_pack("{s:I, s:s}", "uj", (json_int_t)cpu_uj, "source", source);
    return json_pack("{s:o, s:{s:n, s:s}, s:{s:i, s:s}, s:{s:n, s:s}}", "cpu", cpu, "gpu", "uj",
                     "source", "absent", "ram", "uj", 1000, "source", "modelled", "machine", "uj",
                     "source", "absent");
}

/* Ten tokens, 1 ms of prefill and decode_ms of the rest; each phase cost cpu_uj. */
static void add(struct sw_blocks *b, int block, int index, int decode_ms, long long cpu_uj,
                const char *source)
{
    struct sw_error err = {0};
    json_t *line = json_pack("{s:i, s:i, s:i, s:I, s:I, s:{s:o, s:o}}", "block", block, "index",
                             index, "n_generated_tokens", 10, "prefill_ns", (json_int_t)1000000,
                             "decode_ns", (json_int_t)decode_ms * 1000000, "energy", "prefill",
                             energy(cpu_uj, source), "decode", energy(cpu_uj, source));
    if (sw_blocks_add_sample(b, line, &err) != SW_OK)
        fail_msg("%s", err.text);
    json_decref(line);
}

static double number(const json_t *object, const char *path)
{
    const json_t *value = sw_json_at(object, path);
    if (!json_is_number(value))
        fail_msg("%s is no number", path);
    return json_number_value(value);
}

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-12 * fabs(b)))
        fail_msg("%.17g is not %.17g", a, b);
}

static const char *text(const json_t *object, const char *path)
{
    const char *value = json_string_value(sw_json_at(object, path));
    return value != NULL ? value : "";
}

static void means_are_those_of_complete_blocks(void **state)
{
    (void)state;
    struct sw_blocks b = {.n_questions = 2};
    struct sw_precision p;
    for (int block = 0; block < 6; block++) {
        add(&b, block, 1, 9 + block, 50000, "measured");
        add(&b, block, 0, 9 + block, 50000, "measured");
    }
    add(&b, 6, 0, 500, 900000, "measured"); /* half of a block, under way */
    json_t *s = sw_blocks_to_json(&b);
    /* Two samples of 10 tokens take 2 (1 + 9 + block) ms. */
    near(number(s, "seconds_per_token.mean"), (10 + 2.5) * 1e-4);
    assert_int_equal((int)number(s, "seconds_per_token.n_blocks"), 6);
    near(json_number_value(json_array_get(sw_json_at(s, "seconds_per_token.blocks"), 5)), 15e-4);
    assert_true(number(s, "seconds_per_token.low") < 12.5e-4);
    assert_true(number(s, "seconds_per_token.high") > 12.5e-4);
    assert_true(number(s, "seconds_per_token.level") == 0.95);
    near(number(s, "ttft_ns.mean"), 1e6);
    near(number(s, "tpot_ns.mean"), (9 + 2.5) * 1e6 / 9);
    near(number(s, "energy_j_per_token.cpu.mean"), 4 * 50000e-6 / 20);
    near(number(s, "energy_j_per_token.total.mean"), 4 * 51000e-6 / 20);
    assert_true(json_is_null(sw_json_at(s, "energy_j_per_token.gpu")));
    /* Every block slower than the one before. */
    assert_true(json_is_true(sw_json_at(s, "seconds_per_token.marked")));
    assert_true(number(s, "seconds_per_token.drift_p") < 0.01);
    assert_int_equal((int)number(s, "sample_outliers.of"), 13);
    assert_int_equal((int)number(s, "sample_outliers.n"), 1);
    assert_int_equal(json_integer_value(json_object_get(
                         json_array_get(sw_json_at(s, "sample_outliers.samples"), 0), "block")),
                     6);
    json_decref(s);
    assert_int_equal(sw_blocks_precision(&b, &p, NULL), SW_OK);
    assert_int_equal(p.n_blocks, 6);
    assert_string_equal(p.figure, "energy_j_per_token.total");
    near(p.interval.mean, 4 * 51000e-6 / 20);
    sw_blocks_free(&b);
}

static void an_outlier_is_told_and_stays_in(void **state)
{
    (void)state;
    struct sw_blocks b = {.n_questions = 1};
    static const int ms[] = {10, 11, 10, 9, 10, 11, 9, 100, 10, 11};
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        add(&b, i, 0, ms[i], 1, "modelled");
        sum += ms[i] + 1;
    }
    json_t *s = sw_blocks_to_json(&b);
    near(number(s, "seconds_per_token.mean"), sum / 10 * 1e-4);
    const json_t *outliers = sw_json_at(s, "seconds_per_token.outliers");
    assert_int_equal(json_array_size(outliers), 1);
    assert_int_equal(json_integer_value(json_array_get(outliers, 0)), 7);
    json_decref(s);
    /* A formula's joules are no precision to stop at. */
    struct sw_precision p;
    assert_int_equal(sw_blocks_precision(&b, &p, NULL), SW_OK);
    assert_string_equal(p.figure, "seconds_per_token");
    sw_blocks_free(&b);
}

static void a_block_without_joules_marks_them(void **state)
{
    (void)state;
    struct sw_blocks b = {.n_questions = 1};
    for (int i = 0; i < 6; i++)
        add(&b, i, 0, 10, i == 2 ? -1 : 1000, "measured");
    json_t *s = sw_blocks_to_json(&b);
    assert_int_equal((int)number(s, "energy_j_per_token.cpu.n_blocks"), 5);
    assert_string_equal(text(s, "energy_j_per_token.cpu.reason"), "some blocks have no value");
    assert_true(json_is_true(sw_json_at(s, "energy_j_per_token.cpu.marked")));
    /* The total holds the same in every block: the RAM alone. */
    near(number(s, "energy_j_per_token.total.mean"), 2000e-6 / 10);
    assert_int_equal((int)number(s, "energy_j_per_token.total.n_blocks"), 6);
    json_decref(s);
    sw_blocks_free(&b);
}

static void few_blocks_are_marked(void **state)
{
    (void)state;
    struct sw_blocks b = {.n_questions = 1};
    add(&b, 0, 0, 10, 1, "measured");
    json_t *s = sw_blocks_to_json(&b);
    assert_true(json_is_null(sw_json_at(s, "seconds_per_token.low")));
    assert_string_equal(text(s, "seconds_per_token.reason"), "one block alone has no interval");
    json_decref(s);
    add(&b, 1, 0, 10, 1, "measured");
    s = sw_blocks_to_json(&b);
    assert_string_equal(text(s, "seconds_per_token.reason"), "fewer than eight blocks");
    json_decref(s);
    sw_blocks_free(&b);
}

static void a_batch_has_the_seconds_and_joules_of_windows(void **state)
{
    (void)state;
    struct sw_blocks b = {.n_questions = 1, .is_batch = true};
    for (int i = 0; i < 5; i++) {
        json_t *window = json_pack("{s:i, s:i, s:I, s:I, s:o}", "block", i, "n_generated_tokens",
                                   20, "start_ns", (json_int_t)1000, "end_ns", (json_int_t)3000,
                                   "energy", energy(1000, "measured"));
        assert_int_equal(sw_blocks_add_window(&b, window, NULL), SW_OK);
        json_decref(window);
        add(&b, i, 0, 77, 999, "measured"); /* nobody's */
    }
    json_t *s = sw_blocks_to_json(&b);
    near(number(s, "seconds_per_token.mean"), 2000e-9 / 20);
    near(number(s, "energy_j_per_token.cpu.mean"), 1000e-6 / 20);
    near(number(s, "tpot_ns.mean"), 77e6 / 9);
    json_decref(s);
    sw_blocks_free(&b);
}

static void blocks_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    struct sw_blocks b = {.n_questions = 1};
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"{\"block\":-1}", "sample: \"block\" is -1, outside 0 to 9999"},
        {"{\"block\":10000}", "sample: \"block\" is 10000, outside 0 to 9999"},
        {"{\"block\":\"1\"}", "sample: \"block\" is not an integer"},
        {"{\"block\":null}", "sample: \"block\" is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_error err = {0};
        json_t *line = json_loads(cases[i].json, 0, NULL);
        assert_int_equal(sw_blocks_add_sample(&b, line, &err), SW_EFORMAT);
        assert_string_equal(err.text, cases[i].message);
        json_decref(line);
    }
    assert_int_equal(b.n, 0);
    /* Without one it is of a run without blocks. */
    json_t *line = json_object();
    assert_int_equal(sw_blocks_add_sample(&b, line, NULL), SW_OK);
    assert_int_equal(b.n, 0);
    /* One far off makes those before it, and they are not complete. */
    add(&b, 9999, 0, 1, 1, "measured");
    json_decref(line);
    json_t *s = sw_blocks_to_json(&b);
    assert_int_equal((int)number(s, "seconds_per_token.n_blocks"), 1);
    assert_int_equal(
        json_integer_value(json_array_get(sw_json_at(s, "seconds_per_token.outliers"), 0)), 0);
    json_decref(s);
    sw_blocks_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_are_those_of_complete_blocks),
        cmocka_unit_test(an_outlier_is_told_and_stays_in),
        cmocka_unit_test(a_block_without_joules_marks_them),
        cmocka_unit_test(few_blocks_are_marked),
        cmocka_unit_test(a_batch_has_the_seconds_and_joules_of_windows),
        cmocka_unit_test(blocks_that_are_no_numbers_are_refused),
    };
    return cmocka_run_group_tests_name("blocks", tests, NULL, NULL);
}
