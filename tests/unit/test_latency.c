/* Latency from stamps: exact percentiles, and stamps that cannot be. */
#include "support/close.h"

#include <string.h>

#include "record/latency.h"
#include "report/table.h"

static struct sw_latency latency;

static int teardown(void **state)
{
    (void)state;
    sw_latency_free(&latency);
    return 0;
}

static json_t *sample(const char *ids, const char *stamps, int n)
{
    json_t *line = json_pack("{s:i, s:i, s:i, s:i}", "n_generated_tokens", n, "prefill_ns", 1000,
                             "decode_ns", 8000, "decode_start_ns", 5000);
    if (ids != NULL)
        json_object_set_new(line, "ids", json_loads(ids, 0, NULL));
    if (stamps != NULL)
        json_object_set_new(line, "stamps_ns", json_loads(stamps, 0, NULL));
    return line;
}

static void add(json_t *line)
{
    struct sw_error err = {0};
    if (sw_latency_add(&latency, line, &err) != SW_OK)
        fail_msg("%s", err.text);
    json_decref(line);
}

static double number(const json_t *record, const char *path)
{
    const json_t *value = sw_json_at(record, path);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void gaps_leave_out_the_reading_of_meters(void **state)
{
    (void)state;
    /* The first id at 4000, the meters were read until 5000: the gap is 300, not 1300. */
    add(sample("[1, 2, 3, 4, 5]", "[4000, 5300, 5400, 5600, 13000]", 5));
    json_t *end = json_object();
    sw_latency_put(&latency, end);
    assert_close(number(end, "ttft_ns.p50"), 1000, 0);
    assert_close(number(end, "tpot_ns.p50"), 2000, 0);
    assert_close(number(end, "inter_token_ns.n"), 4, 0);
    assert_close(number(end, "inter_token_ns.min"), 100, 0);
    assert_close(number(end, "inter_token_ns.p50"), 250, 0);
    assert_close(number(end, "inter_token_ns.max"), 7400, 0);
    json_decref(end);
}

static void percentiles_are_those_of_the_definition(void **state)
{
    (void)state;
    /* Gaps 1 to 100: between neighbours, at (n - 1) q. */
    char stamps[2048] = "[5000, 5001", ids[1024] = "[7, 7";
    long long at = 5001;
    for (int gap = 2; gap <= 100; gap++) {
        at += gap;
        snprintf(stamps + strlen(stamps), sizeof stamps - strlen(stamps), ", %lld", at);
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), ", 7");
    }
    strcat(stamps, "]");
    strcat(ids, "]");
    add(sample(ids, stamps, 101));
    json_t *end = json_object();
    sw_latency_put(&latency, end);
    assert_close(number(end, "inter_token_ns.p50"), 50.5, 1e-9);
    assert_close(number(end, "inter_token_ns.p90"), 90.1, 1e-9);
    assert_close(number(end, "inter_token_ns.p95"), 95.05, 1e-9);
    assert_close(number(end, "inter_token_ns.p99"), 99.01, 1e-9);
    json_decref(end);
}

static void one_token_has_no_gap(void **state)
{
    (void)state;
    add(sample("[1]", "[4000]", 1));
    json_t *end = json_object();
    sw_latency_put(&latency, end);
    assert_close(number(end, "ttft_ns.n"), 1, 0);
    assert_true(json_is_null(json_object_get(end, "tpot_ns")));
    assert_true(json_is_null(json_object_get(end, "inter_token_ns")));
    json_decref(end);
}

static void impossible_stamps_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *ids, *stamps;
        int n;
        const char *text;
    } cases[] = {
        {"[1, 2]", "[4000, 5000, 6000]", 3,
         "sample: \"ids\" is not an array of n_generated_tokens = 3"},
        {"[1, 2, 3]", "[4000, 5000]", 3,
         "sample: \"stamps_ns\" is not an array of n_generated_tokens = 3"},
        {"[1, 2]", "{}", 2, "sample: \"stamps_ns\" is not an array of n_generated_tokens = 2"},
        {"[1, 2, 3]", "[4000, 6000, 5999]", 3,
         "sample: stamps_ns[2] is no time after the one before it"},
        {"[1, 2, 3]", "[4000, 6000, \"6001\"]", 3,
         "sample: stamps_ns[2] is no time after the one before it"},
        {"[1, 2]", "[5001, 6000]", 2, "sample: stamps_ns[0] is no time before decode_start_ns"},
        {"[1, 2]", "[null, 6000]", 2, "sample: stamps_ns[0] is no time before decode_start_ns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_error err = {0};
        json_t *line = sample(cases[i].ids, cases[i].stamps, cases[i].n);
        assert_int_equal(sw_latency_add(&latency, line, &err), SW_EFORMAT);
        assert_string_equal(err.text, cases[i].text);
        json_decref(line);
    }
    assert_int_equal(latency.ttft_ns.n + latency.tpot_ns.n + latency.gap_ns.n, 0);
    /* A line that says there were more tokens than memory could hold. */
    json_t *line = sample(NULL, NULL, 1);
    json_object_set_new(line, "n_generated_tokens", json_integer((json_int_t)1 << 53));
    add(line);
    assert_int_equal(latency.gap_ns.n, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
    const struct CMUnitTest tests[] = {
        TEST(gaps_leave_out_the_reading_of_meters),
        TEST(percentiles_are_those_of_the_definition),
        TEST(one_token_has_no_gap),
        TEST(impossible_stamps_are_refused),
    };
    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
