/* The summary from journal lines: exact sums, missing values, malformed lines. */
#include "support/skip.h"

#include <string.h>

#include "base/json.h"
#include "record/summary.h"
#include "report/run_report.h"

static json_t *component(long long uj, const char *source)
{
    if (uj < 0)
        return json_pack("{s:n, s:n, s:s, s:n, s:s}", "uj", "meter", "source", "absent",
                         "uncertainty_percent", "reason", "no such meter");
    return json_pack("{s:I, s:s, s:s, s:f, s:n}", "uj", (json_int_t)uj, "meter", "m", "source",
                     source, "uncertainty_percent", 5.0, "reason");
}

static json_t *phase(long long cpu_uj, long long ram_uj)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "cpu", component(cpu_uj, "measured"), "gpu",
                     component(-1, ""), "ram", component(ram_uj, "modelled"), "machine",
                     component(-1, ""));
}

static json_t *sample(long long start_ns, long long n_tokens, long long cpu_uj, long long ram_uj)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:{s:o, s:o}}", "n_prompt_tokens",
                     (json_int_t)3, "n_generated_tokens", (json_int_t)n_tokens, "prefill_ns",
                     (json_int_t)1000, "decode_ns", (json_int_t)4000, "start_ns",
                     (json_int_t)start_ns, "end_ns", (json_int_t)(start_ns + 5000), "energy",
                     "prefill", phase(cpu_uj, ram_uj), "decode", phase(2 * cpu_uj, ram_uj));
}

static json_t *run_line(void)
{
    return json_pack("{s:s, s:s, s:{s:f, s:s, s:s, s:i, s:b}, s:{s:o, s:o}}", "run_id",
                     "0123456789abcdef", "model_name", "test", "g_per_kwh", "value", 360.0, "place",
                     "here", "source", "a test", "year", 2020, "is_default", 0, "energy", "load",
                     phase(1, 1), "idle_before", phase(-1, -1));
}

static struct sw_summary *summary_of(json_t *run)
{
    struct sw_summary *s;
    assert_int_equal(sw_summary_create(&s, run, NULL), SW_OK);
    json_decref(run);
    return s;
}

static void add(struct sw_summary *s, json_t *line)
{
    struct sw_error err = {0};
    if (sw_summary_add(s, line, &err) != SW_OK)
        fail_msg("%s", err.text);
    json_decref(line);
}

static json_t *finish(struct sw_summary *s)
{
    json_t *end;
    struct sw_summary_end facts = {.ended_at = "2026-01-01T00:00:00Z"};
    assert_int_equal(sw_summary_finish(s, &facts, &end, NULL), SW_OK);
    sw_summary_destroy(s);
    return end;
}

static double number(const json_t *record, const char *path)
{
    const json_t *value = sw_json_at(record, path);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void sums_and_per_token_figures_are_exact(void **state)
{
    (void)state;
    struct sw_summary *s = summary_of(run_line());
    add(s, sample(100000, 10, 1000000, 500000));
    add(s, sample(200000, 30, 3000000, 500000));
    json_t *end = finish(s);
    assert_int_equal((long long)number(end, "n_generated_tokens"), 40);
    assert_int_equal((long long)number(end, "wall_ns"), 105000);
    assert_true(number(end, "energy_j.cpu.value") == 12.0);
    assert_true(number(end, "energy_j.ram.value") == 2.0);
    assert_true(number(end, "energy_j.total.value") == 14.0);
    assert_string_equal(json_string_value(sw_json_at(end, "energy_j.total.source")), "modelled");
    assert_string_equal(json_string_value(sw_json_at(end, "energy_j.total.reason")), "without gpu");
    assert_true(json_is_null(sw_json_at(end, "energy_j.gpu.value")));
    assert_string_equal(json_string_value(sw_json_at(end, "energy_j.gpu.reason")), "no such meter");
    assert_true(number(end, "energy_j_per_token.total.value") == 14.0 / 40);
    /* 14 J at 360 g/kWh: 14 / 3.6e6 * 360. */
    assert_true(number(end, "co2e_g") == 14.0 / 3.6e6 * 360);
    assert_int_equal((long long)number(end, "energy.load.cpu.uj"), 1);
    json_decref(end);
}

static void one_missing_reading_makes_the_sum_null_and_not_smaller(void **state)
{
    (void)state;
    struct sw_summary *s = summary_of(run_line());
    add(s, sample(0, 10, 1000000, 500000));
    add(s, sample(9000, 10, -1, 500000));
    json_t *end = finish(s);
    assert_true(json_is_null(sw_json_at(end, "energy_j.cpu.value")));
    assert_string_equal(json_string_value(sw_json_at(end, "energy_j.cpu.reason")), "no such meter");
    assert_true(number(end, "energy_j.total.value") == 2.0);
    assert_string_equal(json_string_value(sw_json_at(end, "energy_j.total.reason")),
                        "without cpu, gpu");
    json_decref(end);
}

static void stretches_of_a_resumed_run_add_up(void **state)
{
    (void)state;
    struct sw_summary *s = summary_of(run_line());
    add(s, sample(900000, 1, 1, 1));
    sw_summary_begin_stretch(s);
    /* Another boot: the clock began anew. */
    add(s, sample(1000, 1, 1, 1));
    add(s, sample(7000, 1, 1, 1));
    json_t *end = finish(s);
    assert_int_equal((long long)number(end, "wall_ns"), 5000 + 11000);
    json_decref(end);
    /* What lies between two blocks may be another's turn. */
    s = summary_of(run_line());
    for (int i = 0; i < 4; i++) {
        json_t *line = sample(100000 + i * 6000 + (i / 2) * 500000, 1, 1, 1);
        json_object_set_new(line, "block", json_integer(i / 2));
        add(s, line);
    }
    assert_true(sw_summary_seconds(s) == 2 * 11000 * 1e-9);
    end = finish(s);
    assert_int_equal((long long)number(end, "wall_ns"), 2 * 11000);
    assert_true(json_is_null(json_object_get(end, "tpot_ns")));
    json_decref(end);
}

static json_t *window(const char *phase_name, long long start_ns, long long n_prompt,
                      long long n_tokens, long long cpu_uj)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "phase", phase_name, "start_ns",
                     (json_int_t)start_ns, "end_ns", (json_int_t)(start_ns + 1000),
                     "n_prompt_tokens", (json_int_t)n_prompt, "n_generated_tokens",
                     (json_int_t)n_tokens, "energy", phase(cpu_uj, 500000));
}

static void add_window(struct sw_summary *s, json_t *line)
{
    struct sw_error err = {0};
    if (sw_summary_add_window(s, line, &err) != SW_OK)
        fail_msg("%s", err.text);
    json_decref(line);
}

static json_t *batch_run_line(void)
{
    json_t *run = run_line();
    json_object_set_new(run, "batch", json_integer(4));
    return run;
}

static void a_batch_sums_windows_and_counts_all_their_tokens(void **state)
{
    (void)state;
    struct sw_summary *s = summary_of(batch_run_line());
    add_window(s, window("prefill", 1000, 30, 4, 1000000));
    add_window(s, window("decode", 2500, 0, 16, 3000000));
    /* Joules of a sample are nobody's: they would be counted twice. */
    add(s, sample(1000, 9, 7000000, 7000000));
    add(s, sample(1000, 9, -1, -1));
    json_t *end = finish(s);
    assert_int_equal((long long)number(end, "n_generated_tokens"), 18);
    assert_int_equal((long long)number(end, "windows.n"), 2);
    assert_int_equal((long long)number(end, "windows.n_prompt_tokens"), 30);
    assert_int_equal((long long)number(end, "windows.n_generated_tokens"), 20);
    assert_int_equal((long long)number(end, "prefill_ns"), 1000);
    assert_int_equal((long long)number(end, "decode_ns"), 1000);
    assert_int_equal((long long)number(end, "wall_ns"), 2500);
    assert_int_equal((long long)number(end, "energy.prefill.cpu.uj"), 1000000);
    assert_int_equal((long long)number(end, "energy.decode.cpu.uj"), 3000000);
    assert_true(number(end, "energy_j.total.value") == 5.0);
    /* 20 tokens were paid for, though an interruption dropped two of them. */
    assert_true(number(end, "energy_j_per_token.total.value") == 5.0 / 20);
    assert_true(number(end, "seconds_per_token") == 2000 * 1e-9 / 20);
    assert_int_equal((long long)number(end, "ttft_ns.n"), 2);
    json_decref(end);
}

static void malformed_windows_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *json;
        const char *message;
    } cases[] = {
        {"phase", "\"load\"", "window: \"phase\" is neither prefill nor decode"},
        {"phase", "7", "window: \"phase\" is neither prefill nor decode"},
        {"n_generated_tokens", "-1",
         "window: \"n_generated_tokens\" is -1, outside 0 to 9007199254740992"},
        {"n_prompt_tokens", "null", "window: \"n_prompt_tokens\" is missing"},
        {"energy", "[]", "window: energy.cpu: not an object"},
        {"end_ns", "5", "window: \"end_ns\" is 5, outside 100 to 9223372036854775807"},
    };
    struct sw_summary *s = summary_of(batch_run_line());
    struct sw_error err = {0};
    json_t *end = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *line = window("decode", 100, 0, 5, 1);
        json_object_set_new(line, cases[i].key, json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
        assert_int_equal(sw_summary_add_window(s, line, &err), SW_EFORMAT);
        assert_string_equal(err.text, cases[i].message);
        json_decref(line);
    }
    /* A sample whose windows were lost has nothing to be divided. */
    add(s, sample(100, 5, -1, -1));
    assert_int_equal(sw_summary_finish(s, &(struct sw_summary_end){.ended_at = ""}, &end, &err),
                     SW_EABSENT);
    add_window(s, window("decode", 100, 0, 5, 1));
    end = finish(s);
    assert_int_equal((long long)number(end, "windows.n"), 1);
    json_decref(end);
}

static void malformed_samples_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *json;
        const char *message;
    } cases[] = {
        {"n_generated_tokens", "-1",
         "sample: \"n_generated_tokens\" is -1, outside 1 to "
         "9007199254740992"},
        {"n_generated_tokens", "\"7\"", "sample: \"n_generated_tokens\" is not an integer"},
        {"prefill_ns", "null", "sample: \"prefill_ns\" is missing"},
        {"energy", "[]", "sample: energy.prefill.cpu: not an object"},
        {"end_ns", "5", "sample: \"end_ns\" is 5, outside 100 to 9223372036854775807"},
    };
    struct sw_summary *s = summary_of(run_line());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_error err = {0};
        json_t *line = sample(100, 1, 1, 1);
        json_object_set_new(line, cases[i].key, json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
        assert_int_equal(sw_summary_add(s, line, &err), SW_EFORMAT);
        assert_string_equal(err.text, cases[i].message);
        json_decref(line);
    }
    json_t *lying = sample(100, 1, 1, 1);
    json_object_set_new(
        json_object_get(json_object_get(json_object_get(lying, "energy"), "decode"), "cpu"),
        "source", json_string("absent"));
    struct sw_error err = {0};
    assert_int_equal(sw_summary_add(s, lying, &err), SW_EFORMAT);
    assert_string_equal(err.text,
                        "sample: energy.decode.cpu: source \"absent\" does not fit its \"uj\"");
    json_decref(lying);
    json_t *end = NULL;
    assert_int_equal(sw_summary_finish(s, &(struct sw_summary_end){.ended_at = ""}, &end, &err),
                     SW_EABSENT);
    add(s, sample(100, 2, 1, 1));
    end = finish(s);
    assert_int_equal((long long)number(end, "samples"), 1);
    json_decref(end);
}

static void repeated_prefills_stand_beside_the_sums(void **state)
{
    (void)state;
    struct sw_summary *s = summary_of(run_line());
    for (int i = 0; i < 2; i++) {
        json_t *line = sample(100000 + i * 100000, 10, 1000000, 500000);
        json_object_set_new(
            line, "prefill_repeated",
            json_pack("{s:i, s:i, s:o}", "n", 50, "ns", 1000, "energy", phase(6000000, 1)));
        add(s, line);
    }
    struct sw_error err = {0};
    json_t *strange = sample(900000, 10, 1, 1);
    json_object_set_new(strange, "prefill_repeated", json_pack("{s:i}", "n", 0));
    assert_int_equal(sw_summary_add(s, strange, &err), SW_EFORMAT);
    assert_string_equal(err.text, "sample: prefill_repeated: \"n\" is 0, outside 1 to 4294967295");
    json_decref(strange);
    json_t *end = finish(s);
    assert_int_equal((long long)number(end, "prefill_repeated.n"), 100);
    assert_int_equal((long long)number(end, "prefill_repeated.n_prompt_tokens"), 300);
    assert_true(number(end, "prefill_repeated.energy_j_per_prompt_token.cpu.value") == 12.0 / 300);
    assert_true(number(end, "energy_j.cpu.value") == 6.0);
    json_decref(end);
}

static void the_report_survives_any_record(void **state)
{
    (void)state;
    static const char *const records[] = {"{}", "[]", "{\"energy_j\":7,\"g_per_kwh\":[]}",
                                          "{\"co2e_g_per_token\":1e300,\"model_name\":5}"};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        for (int format = SW_FORMAT_TABLE; format <= SW_FORMAT_MD; format++) {
            struct sw_buffer out = {0};
            json_t *record = json_loads(records[i], 0, NULL);
            sw_run_report_write(&out, (enum sw_format)format, record);
            assert_true(out.size > 0);
            assert_false(out.failed);
            sw_buffer_free(&out);
            json_decref(record);
        }
    }
}

static void csv_fields_are_quoted_as_rfc_4180_says(void **state)
{
    (void)state;
    struct sw_buffer out = {0};
    static const struct sw_table_column columns[] = {{"a", "A", 0, 0}, {"b.c", "C", 3, 1000}};
    json_t *rows = json_pack("[{s:s, s:{s:f}}, {s:b}]", "a", "x,\"y\"\nz", "b", "c", 0.5, "a", 1);
    sw_table_write(&out, SW_FORMAT_CSV, rows, columns, 2);
    assert_string_equal(out.data, "a,b.c\n\"x,\"\"y\"\"\nz\",0.5\ntrue,\n");
    sw_buffer_clear(&out);
    sw_table_write(&out, SW_FORMAT_MD, rows, columns, 2);
    assert_non_null(strstr(out.data, "| 500 |"));
    json_decref(rows);
    sw_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_per_token_figures_are_exact),
        cmocka_unit_test(one_missing_reading_makes_the_sum_null_and_not_smaller),
        cmocka_unit_test(stretches_of_a_resumed_run_add_up),
        cmocka_unit_test(a_batch_sums_windows_and_counts_all_their_tokens),
        cmocka_unit_test(malformed_windows_are_refused_and_change_nothing),
        cmocka_unit_test(malformed_samples_are_refused_and_change_nothing),
        cmocka_unit_test(repeated_prefills_stand_beside_the_sums),
        cmocka_unit_test(the_report_survives_any_record),
        cmocka_unit_test(csv_fields_are_quoted_as_rfc_4180_says),
    };
    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
