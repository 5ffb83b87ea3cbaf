/* Two journals compared: pairs and figures to the last digit, what is left out and why, and what
 * cannot be compared at all. */
#include "support/close.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/comparison.h"
#include "report/compare_report.h"

static struct sw_error err;

/* One journal under construction. */
struct journal {
    char path[32];
    FILE *file;
    uint64_t phase_uj[2][2]; /* prefill, decode by cpu, ram: of the run under way */
    double wall_s;
    uint64_t clock_ns, n_tokens;
    const char *source;         /* of the CPU's joules; "absent": there are none */
    const char *meter, *reason; /* the reason: of the verdict */
};

static void write_line(struct journal *j, json_t *line)
{
    assert_non_null(line);
    assert_int_equal(json_dumpf(line, j->file, JSON_COMPACT), 0);
    fputc('\n', j->file);
    json_decref(line);
}

static void begin(struct journal *j)
{
    *j = (struct journal){.path = "/tmp/test_comparison.XXXXXX",
                          .source = "measured",
                          .meter = "rapl",
                          .reason = "because",
                          .clock_ns = 1000};
    int fd = mkstemp(j->path);
    assert_true(fd >= 0);
    j->file = fdopen(fd, "w");
    assert_non_null(j->file);
}

static json_t *component(const struct journal *j, uint64_t uj)
{
    if (strcmp(j->source, "absent") == 0)
        return json_pack("{s:n, s:n, s:s, s:n, s:s}", "uj", "meter", "source", "absent",
                         "uncertainty_percent", "reason", "no counter");
    return json_pack("{s:I, s:s, s:s, s:n, s:n}", "uj", (json_int_t)uj, "meter", j->meter, "source",
                     j->source, "uncertainty_percent", "reason");
}

static json_t *absent(void)
{
    return json_pack("{s:n, s:n, s:s, s:n, s:s}", "uj", "meter", "source", "absent",
                     "uncertainty_percent", "reason", "none here");
}

/* RAM has half of the CPU's joules, measured. */
static json_t *phase(const struct journal *j, uint64_t uj)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "cpu", component(j, uj), "gpu", absent(), "ram",
                     json_pack("{s:I, s:s, s:s, s:n, s:n}", "uj", (json_int_t)(uj / 2), "meter",
                               "dram", "source", "measured", "uncertainty_percent", "reason"),
                     "machine", absent());
}

static json_t *line_of(const char *type, const char *id)
{
    return json_pack("{s:i, s:s, s:s}", "schema_version", 1, "type", type, "run_id", id);
}

static void write_run(struct journal *j, const char *id, const char *strategy, int batch)
{
    json_t *line = line_of("run", id);
    memset(j->phase_uj, 0, sizeof j->phase_uj);
    j->wall_s = 0;
    j->n_tokens = 0;
    json_object_update_new(line, json_pack("{s:s, s:s, s:s, s:i, s:i, s:{s:s}, s:{s:s}}",
                                           "strategy", strategy, "arithmetic", "f32", "backend",
                                           "base_cpu", "threads", 2, "batch", batch, "dataset",
                                           "hash", "d1", "environment", "cpu", "one"));
    write_line(j, line);
}

/* prefill takes 10 ms and 2 mJ; decode what is left of them. block -1: none said. */
static void write_sample(struct journal *j, const char *id, int block, int index, int n_tokens,
                         double seconds, double millijoules, bool is_batch)
{
    char question[24];
    uint64_t ns = (uint64_t)llround(seconds * 1e9), uj = (uint64_t)llround(millijoules * 1e3);
    snprintf(question, sizeof question, "q%d", index);
    json_t *line = line_of("sample", id), *ids = json_array();
    for (int i = 0; i < n_tokens; i++)
        json_array_append_new(ids, json_integer(7 * i + index));
    json_object_update_new(
        line,
        json_pack("{s:i, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:o}", "index", index, "question_id",
                  question, "n_prompt_tokens", 3, "n_generated_tokens", n_tokens, "start_ns",
                  (json_int_t)j->clock_ns, "end_ns", (json_int_t)(j->clock_ns + ns), "prefill_ns",
                  (json_int_t)10000000, "decode_ns", (json_int_t)(ns - 10000000), "ids", ids));
    if (block >= 0)
        json_object_set_new(line, "block", json_integer(block));
    if (!is_batch) {
        json_object_set_new(
            line, "energy",
            json_pack("{s:o, s:o}", "prefill", phase(j, 2000), "decode", phase(j, uj - 2000)));
        j->phase_uj[0][0] += 2000;
        j->phase_uj[1][0] += uj - 2000;
        j->phase_uj[0][1] += 1000;
        j->phase_uj[1][1] += (uj - 2000) / 2;
        j->n_tokens += (uint64_t)n_tokens;
    }
    j->clock_ns += ns + 1000;
    j->wall_s += seconds;
    write_line(j, line);
}

static void write_window(struct journal *j, const char *id, int block, int n_tokens, double seconds,
                         double millijoules)
{
    uint64_t ns = (uint64_t)llround(seconds * 1e9), uj = (uint64_t)llround(millijoules * 1e3);
    json_t *line = line_of("window", id);
    json_object_update_new(line, json_pack("{s:s, s:i, s:i, s:I, s:I, s:o}", "phase", "decode",
                                           "n_prompt_tokens", 0, "n_generated_tokens", n_tokens,
                                           "start_ns", (json_int_t)j->clock_ns, "end_ns",
                                           (json_int_t)(j->clock_ns + ns), "energy", phase(j, uj)));
    if (block >= 0)
        json_object_set_new(line, "block", json_integer(block));
    j->phase_uj[1][0] += uj;
    j->phase_uj[1][1] += uj / 2;
    j->n_tokens += (uint64_t)n_tokens;
    write_line(j, line);
}

static void write_end(struct journal *j, const char *id, const char *verdict)
{
    json_t *line = line_of("end", id), *phases = json_object();
    static const char *const names[] = {"prefill", "decode"};
    uint64_t uj = 0;
    bool has_cpu = strcmp(j->source, "absent") != 0;
    for (size_t p = 0; p < 2; p++) {
        json_t *energy = phase(j, j->phase_uj[p][0]);
        json_object_set_new(json_object_get(energy, "ram"), "uj",
                            json_integer((json_int_t)j->phase_uj[p][1]));
        json_object_set_new(phases, names[p], energy);
        uj += (has_cpu ? j->phase_uj[p][0] : 0) + j->phase_uj[p][1];
    }
    json_object_update_new(
        line, json_pack("{s:b, s:I, s:I, s:f, s:o, s:{s:{s:f}}, s:{s:s, s:[s]}, s:{s:s}, s:s, s:s}",
                        "interrupted", 0, "n_generated_tokens", (json_int_t)j->n_tokens, "wall_ns",
                        (json_int_t)llround(j->wall_s * 1e9), "seconds_per_token",
                        j->wall_s / (double)j->n_tokens, "energy", phases, "energy_j", "total",
                        "value", (double)uj * 1e-6, "verdict", "row", verdict, "reasons", j->reason,
                        "environment", "cpu", "one", "strategy", "none", "arithmetic", "f32"));
    write_line(j, line);
}

static void finish(struct journal *j)
{
    if (j->file != NULL)
        fclose(j->file);
    j->file = NULL;
}

/* The last two runs of the journal compared; NULL where that fails. */
static json_t *compare(struct journal *j, const struct sw_comparison_options *options)
{
    struct sw_measured_runs runs = {0};
    const struct sw_measured_run *a, *b;
    json_t *out = NULL;
    finish(j);
    err = (struct sw_error){0};
    if (sw_measured_runs_read(&runs, j->path, &err) == SW_OK &&
        sw_measured_runs_pick(&b, &runs, j->path, "", NULL, &err) == SW_OK &&
        sw_measured_runs_pick(&a, &runs, j->path, "", b, &err) == SW_OK)
        sw_comparison_create(&out, a, b, options, &err);
    sw_measured_runs_free(&runs);
    unlink(j->path);
    return out;
}

static const struct sw_comparison_options plain = {
    .level = 0.95, .within = 0.02, .threshold = (double)NAN};

static const json_t *figure(const json_t *comparison, const char *name)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(comparison, "figures"), i,
                       row) if (strcmp(json_string_value(json_object_get(row, "figure")), name) ==
                                0) return row;
    fail_msg("no figure %s", name);
    return NULL;
}

static double number(const json_t *row, const char *key)
{
    if (!json_is_number(json_object_get(row, key)))
        fail_msg("%s is no number: %s", key, json_dumps(row, JSON_COMPACT));
    return json_number_value(json_object_get(row, key));
}

static const char *text(const json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));
    return value != NULL ? value : "(null)";
}

static bool has_note(const json_t *comparison, const char *part)
{
    size_t i;
    const json_t *note;
    json_array_foreach(json_object_get(comparison, "notes"), i,
                       note) if (strstr(json_string_value(note), part) != NULL) return true;
    return false;
}

/* A run of n answers of 11 tokens: 0.11 s and 22 mJ each, times factor, and a little that is not
 * the same from answer to answer. */
static void simple_run(struct journal *j, const char *id, int n, double factor, double joule_factor)
{
    static const double noise[] = {0.001, -0.001, 0.0005, -0.0012, 0.0007, 0.0002, -0.0002, 0.0};
    write_run(j, id, factor < 1 ? "quantization8bit" : "none", 1);
    for (int i = 0; i < n; i++)
        write_sample(j, id, -1, i, 11, 0.11 * factor + (factor < 1 ? 0.11 * noise[i % 8] : 0),
                     22 * joule_factor, false);
    write_end(j, id, "VALID");
}

static void answers_are_paired(void **state)
{
    (void)state;
    struct journal j;
    begin(&j);
    simple_run(&j, "aaaa000000000001", 8, 1, 1);
    simple_run(&j, "bbbb000000000002", 8, 0.8, 0.9);
    json_t *c = compare(&j, &plain);
    if (c == NULL)
        fail_msg("%s", err.text);
    const json_t *pairs = json_object_get(c, "pairs"), *row = figure(c, "seconds_per_token");
    assert_string_equal(text(pairs, "by"), "samples");
    assert_close(number(pairs, "n"), 8, 0);
    assert_close(number(pairs, "of_same_ids"), 8, 0);
    assert_close(number(row, "a"), 0.01, 1e-12);
    assert_close(number(row, "difference"), -0.2, 1e-9);
    assert_true(number(row, "low") < -0.2 && number(row, "high") > -0.202);
    assert_close(number(row, "a_record"), 0.01, 1e-12);
    assert_string_equal(text(row, "verdict"), "better");
    row = figure(c, "decode_seconds_per_token");
    assert_close(number(row, "a"), 0.01, 1e-12); /* 0.1 s, 10 tokens behind the first */
    assert_close(number(row, "difference"), -0.22, 1e-9);
    row = figure(c, "ttft_seconds");
    assert_close(number(row, "difference"), 0, 1e-12);
    assert_string_equal(text(row, "verdict_text"), "same within 2 %");
    row = figure(c, "cpu_j_per_token");
    assert_close(number(row, "a"), 0.002, 1e-12);
    assert_close(number(row, "difference"), -0.1, 1e-9);
    row = figure(c, "j_per_token"); /* with RAM's half */
    assert_close(number(row, "a"), 0.003, 1e-12);
    assert_close(number(row, "b"), 0.0027, 1e-12);
    assert_string_equal(text(row, "verdict"), "better");
    row = figure(c, "j_per_answer");
    assert_close(number(row, "a"), 0.033, 1e-12);
    row = figure(c, "gpu_j_per_token");
    assert_true(json_is_null(json_object_get(row, "a")) &&
                json_is_null(json_object_get(row, "low")));
    assert_true(json_is_null(json_object_get(row, "verdict")));
    assert_string_equal(text(row, "reason"), "A: none here");
    assert_true(json_is_false(json_object_get(c, "regression")));
    assert_true(has_note(c, "one run after the other"));
    json_decref(c);
}

static void a_regression_is_beyond_the_threshold(void **state)
{
    (void)state;
    static const struct {
        double threshold;
        const char *figure;
        bool regression;
    } rows[] = {{(double)NAN, NULL, true},
                {0.2, NULL, true},
                {0.3, NULL, false},
                {0.05, "j_per_token", true},
                {0.15, "j_per_token", false},
                {0, "ttft_seconds", false},
                {(double)NAN, "ttft_seconds", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct journal j;
        struct sw_comparison_options options = plain;
        begin(&j);
        simple_run(&j, "bbbb000000000002", 8, 0.8, 0.9);
        simple_run(&j, "aaaa000000000001", 8, 1, 1);
        options.threshold = rows[i].threshold;
        options.figures = &rows[i].figure;
        options.n_figures = rows[i].figure != NULL;
        json_t *c = compare(&j, &options);
        assert_non_null(c);
        assert_int_equal(json_is_true(json_object_get(c, "regression")), rows[i].regression);
        json_decref(c);
    }
    const char *wrong = "speed";
    struct sw_comparison_options options = plain;
    options.figures = &wrong;
    options.n_figures = 1;
    assert_int_equal(sw_comparison_check(&options, &err), SW_EUSAGE);
    assert_non_null(strstr(err.text, "--figure: \"speed\" is none of seconds_per_token, "));
}

static void blocks_are_paired_by_their_sums(void **state)
{
    (void)state;
    struct journal j;
    begin(&j);
    for (int r = 0; r < 2; r++) {
        const char *id = r == 0 ? "aaaa000000000001" : "bbbb000000000002";
        write_run(&j, id, "none", 1);
        for (int block = 0; block < 9; block++)
            for (int i = 0; i < 2; i++) /* 10 and 30 tokens: 0.2 and 0.3 s */
                write_sample(&j, id, block, i, i == 0 ? 10 : 30,
                             (i == 0 ? 0.2 : 0.3) * (r == 0 ? 1 : 1.1) + 0.0001 * (block % 3),
                             i == 0 ? 20 : 40, false);
        /* A block that the other has not. */
        if (r == 1)
            write_sample(&j, id, 9, 0, 10, 5, 20, false);
        write_end(&j, id, "VALID");
    }
    json_t *c = compare(&j, &plain);
    if (c == NULL)
        fail_msg("%s", err.text);
    const json_t *pairs = json_object_get(c, "pairs"), *row = figure(c, "seconds_per_token");
    assert_string_equal(text(pairs, "by"), "blocks");
    assert_close(number(pairs, "n"), 9, 0);
    assert_close(number(pairs, "answers_in_common"), 18, 0);
    assert_close(number(row, "a"), (0.5 + 0.0002) / 40, 1e-12);
    assert_close(number(row, "b"), (0.55 + 0.0002) / 40, 1e-12);
    assert_string_equal(text(row, "verdict"), "worse");
    row = figure(c, "cpu_j_per_token");
    assert_close(number(row, "a"), 0.06 / 40, 1e-12);
    assert_string_equal(text(row, "verdict_text"), "same within 2 %");
    assert_true(has_note(c, "1 of the 19 answers of B have no partner"));
    json_decref(c);
}

/* B 3 % slower, interval about 1 to 5 %: shown where the runs took turns; where one came after the
 * other, 2 % of it may be the machine's. */
static void runs_in_turns_show_more(void **state)
{
    (void)state;
    static const double noise[] = {0.02, -0.02, 0.01, -0.03, 0.02, 0.03, -0.01, -0.02, 0.01, -0.01};
    for (int in_turns = 0; in_turns < 2; in_turns++)
        for (int is_invalid = 0; is_invalid < 2; is_invalid++) {
            struct journal j;
            begin(&j);
            j.reason = "foreign load: of others";
            for (int r = 0; r < 2; r++) {
                const char *id = r == 0 ? "aaaa000000000001" : "bbbb000000000002";
                write_run(&j, id, "none", 1);
                for (int block = 0; block < 10; block++) {
                    int other = block % 2 == r; /* A B, B A, A B, ... */
                    j.clock_ns = (uint64_t)(in_turns ? 2 * block + other : 10 * r + block) *
                                 UINT64_C(1000000000);
                    write_sample(&j, id, block, 0, 11, r == 0 ? 0.11 : 0.1133 + 0.1 * noise[block],
                                 22, false);
                }
                write_end(&j, id, is_invalid ? "INVALID" : "VALID");
            }
            json_t *c = compare(&j, &plain);
            if (c == NULL)
                fail_msg("%s", err.text);
            const json_t *row = figure(c, "seconds_per_token");
            assert_close(number(row, "difference"), 0.03, 0.002);
            assert_true(number(row, "low") > 0.01 && number(row, "low") < 0.02);
            assert_int_equal(json_is_true(json_object_get(json_object_get(c, "pairs"), "in_turns")),
                             in_turns);
            assert_string_equal(text(row, "verdict"), in_turns ? "worse" : "undecided");
            if (is_invalid && !in_turns)
                assert_string_equal(text(row, "reason"), "the verdict of A is INVALID");
            else if (!in_turns)
                assert_true(number(row, "n_more") >= 1 && has_note(c, "only one beyond 2 %"));
            if (is_invalid)
                assert_true(has_note(c, in_turns ? "its joules are compared" : "its seconds and"));
            json_decref(c);
        }
}

static void a_batch_is_paired_by_its_windows(void **state)
{
    (void)state;
    for (int with_blocks = 0; with_blocks < 2; with_blocks++) {
        struct journal j;
        begin(&j);
        for (int r = 0; r < 2; r++) {
            const char *id = r == 0 ? "aaaa000000000001" : "bbbb000000000002";
            write_run(&j, id, "none", 2);
            for (int block = 0; block < 8; block++) {
                int at = with_blocks ? block : -1;
                for (int i = 0; i < 2; i++)
                    write_sample(&j, id, at, with_blocks ? i : 2 * block + i, 10, 0.2, 20, true);
                write_window(&j, id, at, 20, r == 0 ? 0.25 : 0.2, r == 0 ? 40 : 30);
            }
            write_end(&j, id, "VALID");
        }
        json_t *c = compare(&j, &plain);
        if (c == NULL)
            fail_msg("%s", err.text);
        const json_t *row = figure(c, "seconds_per_token");
        if (with_blocks) {
            assert_close(number(row, "difference"), -0.2, 1e-9);
            assert_string_equal(text(row, "verdict"), "better");
            assert_close(number(figure(c, "cpu_j_per_token"), "b"), 0.0015, 1e-12);
        } else {
            assert_true(json_is_null(json_object_get(row, "verdict")));
            assert_string_equal(text(row, "reason"), "A is a batch without blocks to pair");
            assert_true(json_is_null(json_object_get(figure(c, "j_per_answer"), "a")));
            assert_true(json_is_null(json_object_get(figure(c, "cpu_j_per_token"), "low")));
            assert_string_equal(text(figure(c, "ttft_seconds"), "verdict"), "same");
        }
        json_decref(c);
    }
}

static void joules_that_are_not_on_one_scale_are_not_judged(void **state)
{
    (void)state;
    static const struct {
        const char *source, *meter, *verdict, *reason;
    } rows[] = {
        {"modelled", "tdp", "VALID", "a measurement against a model"},
        {"measured", "rapl", "INVALID", "the verdict of B is INVALID"},
        {"absent", "rapl", "VALID", "the totals are not of the same components"},
        {"measured", "perf", "VALID", "(null)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct journal j;
        begin(&j);
        simple_run(&j, "aaaa000000000001", 8, 1, 1);
        j.source = rows[i].source;
        j.meter = rows[i].meter;
        write_run(&j, "bbbb000000000002", "none", 1);
        for (int k = 0; k < 8; k++)
            write_sample(&j, "bbbb000000000002", -1, k, 11, 0.11, 44, false);
        write_end(&j, "bbbb000000000002", rows[i].verdict);
        json_t *c = compare(&j, &plain);
        if (c == NULL)
            fail_msg("%s", err.text);
        const json_t *row = figure(c, "j_per_token");
        assert_string_equal(text(row, "reason"), rows[i].reason);
        assert_string_equal(text(row, "verdict"), i < 3 ? "undecided" : "worse");
        assert_string_equal(text(figure(c, "seconds_per_token"), "verdict"), "same");
        assert_int_equal(has_note(c, "B is INVALID (because)"), i == 1);
        assert_int_equal(json_is_true(json_object_get(c, "regression")), i == 3);
        if (i == 2)
            assert_string_equal(text(figure(c, "cpu_j_per_token"), "reason"), "B: no counter");
        json_decref(c);
    }
}

static void only_the_first_of_equal_lines_counts(void **state)
{
    (void)state;
    struct journal j;
    begin(&j);
    simple_run(&j, "aaaa000000000001", 6, 1, 1);
    write_run(&j, "bbbb000000000002", "none", 1);
    for (int i = 0; i < 6; i++)
        write_sample(&j, "bbbb000000000002", -1, i, 11, 0.11, 22, false);
    write_sample(&j, "bbbb000000000002", -1, 2, 11, 99, 22, false);
    write_sample(&j, "bbbb000000000002", -1, 9, 11, 99, 22, false);
    write_end(&j, "bbbb000000000002", "VALID");
    json_t *c = compare(&j, &plain);
    assert_non_null(c);
    assert_close(number(figure(c, "seconds_per_token"), "difference"), 0, 1e-12);
    assert_true(has_note(c, "1 lines of B repeat an answer"));
    assert_true(has_note(c, "1 of the 7 answers of B have no partner"));
    json_decref(c);
}

static void what_cannot_be_compared_is_told(void **state)
{
    (void)state;
    struct journal j;
    begin(&j);
    simple_run(&j, "aaaa000000000001", 6, 1, 1);
    write_run(&j, "bbbb000000000002", "none", 1);
    write_sample(&j, "bbbb000000000002", -1, 77, 11, 0.11, 22, false);
    write_end(&j, "bbbb000000000002", "VALID");
    assert_null(compare(&j, &plain));
    assert_int_equal(err.code, SW_EFORMAT);
    assert_non_null(strstr(err.text, "nothing in common: none of the 6 answers of run "
                                     "aaaa000000000001"));
    begin(&j);
    simple_run(&j, "aaaa000000000001", 6, 1, 1);
    assert_null(compare(&j, &plain));
    assert_non_null(strstr(err.text, "only one run to compare"));

    /* A record without its journal has figures, and no interval. */
    begin(&j);
    simple_run(&j, "aaaa000000000001", 6, 1, 1);
    j.n_tokens = 10;
    j.wall_s = 0.2;
    write_end(&j, "cccc000000000003", "VALID");
    json_t *c = compare(&j, &plain);
    if (c == NULL)
        fail_msg("%s", err.text);
    const json_t *row = figure(c, "seconds_per_token");
    assert_close(number(row, "difference"), 1, 1e-9);
    assert_true(json_is_null(json_object_get(row, "low")));
    assert_string_equal(text(row, "reason"), "B is a record alone, without its journal's answers");
    assert_true(json_is_null(json_object_get(json_object_get(c, "pairs"), "by")));
    json_decref(c);
}

static void runs_are_found_by_the_beginning_of_their_id(void **state)
{
    (void)state;
    struct journal j;
    struct sw_measured_runs runs;
    const struct sw_measured_run *run;
    begin(&j);
    simple_run(&j, "aaaa000000000001", 2, 1, 1);
    simple_run(&j, "aab0000000000002", 2, 1, 1);
    write_run(&j, "cccc000000000003", "none", 1); /* never came to its end */
    write_sample(&j, "cccc000000000003", -1, 0, 11, 0.11, 22, false);
    fputs(
        "{\"schema_version\":1,\"type\":\"sample\",\"run_id\":\"cccc000000000003\",\"index\":-1}\n",
        j.file);
    finish(&j);
    assert_int_equal(sw_measured_runs_read(&runs, j.path, &err), SW_OK);
    assert_int_equal(runs.n, 2); /* a sample that is none spoils an unfinished run */
    assert_non_null(strstr(runs.remarks.first.text, ": line 11: sample: "));
    assert_int_equal(sw_measured_runs_pick(&run, &runs, "F", "", NULL, &err), SW_OK);
    assert_string_equal(run->id, "aab0000000000002");
    assert_int_equal(sw_measured_runs_pick(&run, &runs, "F", "", run, &err), SW_OK);
    assert_string_equal(run->id, "aaaa000000000001");
    assert_int_equal(sw_measured_runs_pick(&run, &runs, "F", "aaa", NULL, &err), SW_OK);
    assert_int_equal(sw_measured_runs_pick(&run, &runs, "F", "aa", NULL, &err), SW_EUSAGE);
    assert_string_equal(err.text,
                        "F: runs aaaa000000000001 and aab0000000000002 both begin with \"aa\"");
    assert_int_equal(sw_measured_runs_pick(&run, &runs, "F", "d", NULL, &err), SW_EABSENT);
    assert_string_equal(err.text, "F: no run begins with \"d\", among 2 runs");
    sw_measured_runs_free(&runs);
    unlink(j.path);
}

/* All formats of one comparison; the figures of a table stand in one line each. */
static void every_format_is_written(void **state)
{
    (void)state;
    struct journal j;
    begin(&j);
    simple_run(&j, "aaaa000000000001", 8, 1, 1);
    simple_run(&j, "bbbb000000000002", 8, 0.8, 0.9);
    json_t *c = compare(&j, &plain);
    assert_non_null(c);
    static const char *const parts[] = {"Time/token     10 ms   8 ms     -20.00 %",
                                        "\"type\": \"comparison\"", "\"type\":\"comparison\"",
                                        "figure,unit,a,b,difference,low,high,n,",
                                        "| Time/token    | 10 ms"};
    for (size_t i = 0; i < 5; i++) {
        struct sw_buffer out = {0};
        sw_compare_report_write(&out, (enum sw_format)i, c);
        assert_false(out.failed);
        if (strstr(out.data, parts[i]) == NULL)
            fail_msg("%s", out.data);
        sw_buffer_free(&out);
    }
    json_decref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_paired),
        cmocka_unit_test(a_regression_is_beyond_the_threshold),
        cmocka_unit_test(blocks_are_paired_by_their_sums),
        cmocka_unit_test(runs_in_turns_show_more),
        cmocka_unit_test(a_batch_is_paired_by_its_windows),
        cmocka_unit_test(joules_that_are_not_on_one_scale_are_not_judged),
        cmocka_unit_test(only_the_first_of_equal_lines_counts),
        cmocka_unit_test(what_cannot_be_compared_is_told),
        cmocka_unit_test(runs_are_found_by_the_beginning_of_their_id),
        cmocka_unit_test(every_format_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
