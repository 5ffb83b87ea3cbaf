/* Verdicts from lines: each rule on both sides of its limits, alone and together. */
#include "support/close.h"

#include <string.h>

#include "record/verdict.h"

static struct sw_verdict *verdict;
static json_t *end;

static json_t *energy(long long uj, const char *source, double edge_percent, const char *fault)
{
    if (uj < 0)
        return json_pack("{s:n, s:s, s:s}", "uj", "source", "absent", "reason", "no such meter");
    return json_pack("{s:I, s:s, s:s, s:f, s:o}", "uj", (json_int_t)uj, "source", source, "reason",
                     "", "edge_percent", edge_percent, "faults",
                     fault[0] != 0 ? json_pack("[s]", fault) : json_array());
}

/* Two threads busy for a second on two processors; nothing else. */
static json_t *calm(void)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b}",
                     "elapsed_ns", (json_int_t)1000000000, "own_cpu_ns", (json_int_t)1900000000,
                     "busy_cpu_ns", (json_int_t)1950000000, "stolen_cpu_ns", (json_int_t)0,
                     "all_cpu_ns", (json_int_t)2000000000, "waiting_ns", (json_int_t)20000000,
                     "n_core_throttles", (json_int_t)0, "n_package_throttles", (json_int_t)0,
                     "n_limited", (json_int_t)0, "limited_ns", (json_int_t)0, "clock_hz",
                     (json_int_t)3000000000, "clock_base_hz", (json_int_t)2500000000,
                     "clock_most_hz", (json_int_t)4000000000, "temperature_c", 60.0, "on_battery",
                     0);
}

/* Everything measured, ticks within 1 %, five tokens of 10 ms each. */
static json_t *good_line(void)
{
    json_t *phases = json_object();
    for (int p = 0; p < 2; p++)
        json_object_set_new(phases, p == 0 ? "prefill" : "decode",
                            json_pack("{s:o, s:o, s:o}", "cpu", energy(5000000, "measured", 1, ""),
                                      "gpu", energy(-1, "", 0, ""), "ram",
                                      energy(1000000, "measured", 1, "")));
    return json_pack("{s:s, s:i, s:i, s:o, s:o}", "type", "sample", "n_generated_tokens", 5,
                     "decode_ns", 40000000, "energy", phases, "conditions", calm());
}

/* The end line of n such lines. */
static json_t *good_end(void)
{
    json_t *phases = json_object();
    for (int p = 0; p < 2; p++)
        json_object_set_new(phases, p == 0 ? "prefill" : "decode",
                            json_pack("{s:o, s:o, s:o}", "cpu", energy(50000000, "measured", 1, ""),
                                      "gpu", energy(-1, "", 0, ""), "ram",
                                      energy(10000000, "measured", 1, "")));
    return json_pack("{s:b, s:o, s:{s:i, s:i, s:i, s:i}}", "interrupted", 0, "energy", phases,
                     "sampling", "period_ns", 100000000, "longest_gap_ns", 101000000,
                     "suspended_ns", 0, "n_clock_steps", 0);
}

static json_t *good_run(const char *backend)
{
    return json_pack("{s:s, s:i, s:{s:s}}", "backend", backend, "threads", 2, "environment",
                     "cgroup_cpu_max", "max 100000");
}

/* "a.b.c" of object, whose parts are there. */
static void set(json_t *object, const char *path, json_t *value)
{
    char key[64];
    const char *dot;
    for (; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
        object = json_object_get(object, key);
        assert_non_null(object);
    }
    json_object_set_new(object, path, value);
}

static void begin(json_t *run)
{
    sw_verdict_destroy(verdict);
    assert_int_equal(sw_verdict_create(&verdict, run, NULL), SW_OK);
    json_decref(run);
    json_decref(end);
    end = good_end();
}

/* n equal lines. */
static void add(json_t *line, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(sw_verdict_add(verdict, line, NULL), SW_OK);
    json_decref(line);
}

/* Row, its only reason ("" for none) and the verdicts of cpu, gpu and ram. */
static void expect(const char *row, const char *reason, const char *cpu, const char *gpu,
                   const char *ram)
{
    json_t *v = sw_verdict_to_json(verdict, end);
    assert_non_null(v);
    const json_t *reasons = json_object_get(v, "reasons");
    const char *first = json_string_value(json_array_get(reasons, 0));
    if (json_array_size(reasons) > 1)
        fail_msg("more than one reason: %s; %s", first,
                 json_string_value(json_array_get(reasons, 1)));
    assert_string_equal(first != NULL ? first : "", reason);
    assert_string_equal(json_string_value(json_object_get(v, "row")), row);
    const char *names[] = {"cpu", "gpu", "ram"}, *levels[] = {cpu, gpu, ram};
    for (int c = 0; c < 3; c++) {
        const json_t *component = json_object_get(json_object_get(v, "components"), names[c]);
        const char *level = json_string_value(json_object_get(component, "verdict"));
        assert_string_equal(level != NULL ? level : "null", levels[c]);
        bool has_reasons = json_array_size(json_object_get(component, "reasons")) > 0;
        assert_true(has_reasons == (strcmp(levels[c], "VALID") != 0));
    }
    json_decref(v);
}

static int teardown(void **state)
{
    (void)state;
    sw_verdict_destroy(verdict);
    json_decref(end);
    verdict = NULL;
    end = NULL;
    return 0;
}

static void a_calm_measured_run_is_valid(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    add(good_line(), 10);
    expect("VALID", "", "VALID", "null", "VALID");
    json_t *v = sw_verdict_to_json(verdict, end);
    assert_close(json_real_value(json_object_get(v, "modelled_share")), 0, 0);
    json_decref(v);
}

static void a_model_informs_at_best_and_ram_may_have_one(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    json_t *line = good_line();
    for (int p = 0; p < 2; p++) {
        set(line, p ? "energy.decode.ram" : "energy.prefill.ram",
            energy(1000000, "modelled", 0, ""));
        set(end, p ? "energy.decode.ram" : "energy.prefill.ram",
            energy(10000000, "modelled", 0, ""));
    }
    add(json_deep_copy(line), 10);
    expect("VALID", "", "VALID", "null", "INFORMATIVE");
    json_t *v = sw_verdict_to_json(verdict, end);
    assert_close(json_real_value(json_object_get(v, "modelled_share")), 1.0 / 6, 1e-12);
    json_decref(v);
    begin(good_run("base_cpu"));
    set(end, "energy.prefill.cpu", energy(50000000, "modelled", 0, ""));
    add(line, 10);
    v = sw_verdict_to_json(verdict, end);
    assert_string_equal(json_string_value(json_object_get(v, "row")), "INFORMATIVE");
    json_decref(v);
}

static void a_missing_domain_is_told(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    json_t *line = good_line();
    for (int p = 0; p < 2; p++) {
        set(line, p ? "energy.decode.ram" : "energy.prefill.ram", energy(-1, "", 0, ""));
        set(end, p ? "energy.decode.ram" : "energy.prefill.ram", energy(-1, "", 0, ""));
    }
    add(json_deep_copy(line), 3);
    expect("INFORMATIVE", "missing domain: ram has no joules: no such meter", "VALID", "null",
           "INFORMATIVE");
    begin(good_run("onnx_gpu"));
    add(line, 3);
    set(end, "energy.prefill.ram", energy(1, "measured", 0, ""));
    set(end, "energy.decode.ram", energy(1, "measured", 0, ""));
    expect("INVALID", "missing domain: gpu has no joules: no such meter", "VALID", "INVALID",
           "VALID");
}

static void one_phase_without_joules_spoils_the_sum(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    add(good_line(), 9);
    json_t *line = good_line();
    set(line, "energy.decode.cpu", energy(-1, "", 0, ""));
    add(line, 1);
    set(end, "energy.decode.cpu",
        json_pack("{s:n, s:s, s:s}", "uj", "source", "absent", "reason", "it stood still"));
    expect("INVALID", "meter fault: cpu has no joules: it stood still", "INVALID", "null", "VALID");
}

static void edges_are_weighed_over_all_lines(void **state)
{
    (void)state;
    /* 12 % a phase, independent: 12 / sqrt(2 n) % of the sum. */
    static const struct {
        int n;
        const char *row, *reason;
    } cases[] = {
        {1, "INFORMATIVE",
         "too few ticks: the edges of the phases leave 8.5 % of cpu's joules open (at most 2 %)"},
        {17, "INFORMATIVE",
         "too few ticks: the edges of the phases leave 2.1 % of cpu's joules open (at most 2 %)"},
        {19, "VALID", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(good_run("base_cpu"));
        json_t *line = good_line();
        set(line, "energy.decode.cpu", energy(5000000, "measured", 12, ""));
        set(line, "energy.prefill.cpu", energy(5000000, "measured", 12, ""));
        add(line, cases[i].n);
        expect(cases[i].row, cases[i].reason, cases[i].row, "null", "VALID");
    }
    begin(good_run("base_cpu"));
    json_t *line = good_line();
    set(line, "energy.decode.cpu", energy(5000000, "measured", 30, ""));
    add(line, 1);
    expect("INVALID",
           "too few ticks: the edges of the phases leave 15 % of cpu's joules open (at most 10 %)",
           "INVALID", "null", "VALID");
}

static void faults_that_leave_a_value_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *reason;
    } cases[] = {
        {"late", "sampler stopped: nobody looked at its counter for a while (cpu, in 1 of 4 "
                 "phases)"},
        {"unreadable",
         "meter fault: its counter could not be read for a while (cpu, in 1 of 4 phases)"},
        {"stalled", "meter fault: its counter did not tick for a while (cpu, in 1 of 4 phases)"},
        {"clock_stepped", "clock step: the wall clock was set (no duration comes from it) (cpu, in "
                          "1 of 4 phases)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(good_run("base_cpu"));
        add(good_line(), 1);
        json_t *line = good_line();
        set(line, "energy.decode.cpu", energy(5000000, "measured", 1, cases[i].fault));
        add(line, 1);
        expect("INFORMATIVE", cases[i].reason, "INFORMATIVE", "null", "VALID");
    }
}

/* One of the conditions, in every one of four lines. */
struct condition_case {
    const char *field;
    double value;
    const char *row, *reason;
};

static void conditions_have_their_limits(void **state)
{
    (void)state;
    static const struct condition_case cases[] = {
        {"busy_cpu_ns", 1999e6, "VALID", ""},
        {"busy_cpu_ns", 2020e6, "INFORMATIVE",
         "foreign load: other programs had 5.9 % of the busy processor time (at most 5 %)"},
        {"own_cpu_ns", 1400e6, "INVALID",
         "foreign load: other programs had 28 % of the busy processor time (at most 25 %)"},
        {"own_cpu_ns", 1990e6, "VALID", ""}, /* ticks round */
        {"stolen_cpu_ns", 39e6, "VALID", ""},
        {"stolen_cpu_ns", 60e6, "INFORMATIVE",
         "stolen time: the host ran others on these processors 3 % of the time (at most 2 %)"},
        {"stolen_cpu_ns", 300e6, "INVALID",
         "stolen time: the host ran others on these processors 13 % of the time (at most 10 %)"},
        {"waiting_ns", 99e6, "VALID", ""},
        {"waiting_ns", 990e6, "INFORMATIVE",
         "foreign load: threads waited for a processor 99 % of the time (at most 10 %)"},
        {"n_core_throttles", 2, "INVALID",
         "throttled: the processors slowed down for heat in 4 of 4 measurements"},
        {"limited_ns", 1e6, "INFORMATIVE",
         "container limits: a CPU quota held threads back 0.1 % of the time"},
        {"limited_ns", 150e6, "INVALID",
         "container limits: a CPU quota held threads back 15 % of the time (at most 10 %)"},
        {"gpu_power_capped_ns", 900e6, "VALID", ""}, /* boards are made to run at their limit */
        {"gpu_throttled_ns", 9e6, "VALID", ""},
        {"gpu_throttled_ns", 20e6, "INFORMATIVE",
         "throttled: the GPU slowed down for heat 2 % of the time (at most 1 %)"},
        {"gpu_throttled_ns", 600e6, "INVALID",
         "throttled: the GPU slowed down for heat 60 % of the time (at most 50 %)"},
        {"clock_hz", 2.46e9, "VALID", ""},
        {"clock_hz", 2.4e9, "INFORMATIVE",
         "throttled: the clock went down to 2.4 GHz, below the 2.5 GHz that the processor is made "
         "for"},
        {"elapsed_ns", 49e6, "INFORMATIVE",
         "foreign load: not known: the run is too short (196 ms) for ticks of 10 ms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(good_run("base_cpu"));
        json_t *line = good_line();
        char path[64];
        snprintf(path, sizeof path, "conditions.%s", cases[i].field);
        set(line, path, json_integer((json_int_t)cases[i].value));
        if (strcmp(cases[i].field, "elapsed_ns") == 0)
            set(line, "conditions.waiting_ns", json_integer(0));
        add(line, 4);
        expect(cases[i].row, cases[i].reason, cases[i].row, "null", cases[i].row);
    }
}

static void some_throttled_lines_inform(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    add(good_line(), 3);
    json_t *line = good_line();
    set(line, "conditions.n_package_throttles", json_integer(1));
    add(line, 1);
    expect("INFORMATIVE", "throttled: the processors slowed down for heat in 1 of 4 measurements",
           "INFORMATIVE", "null", "INFORMATIVE");
}

static void a_clock_without_base_is_held_against_the_highest(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    json_t *line = good_line();
    set(line, "conditions.clock_base_hz", json_null());
    set(line, "conditions.clock_hz", json_integer(1900000000));
    add(json_deep_copy(line), 4);
    expect("INFORMATIVE",
           "throttled: the clock went down to 1.9 GHz, of 4 GHz that the processor can reach",
           "INFORMATIVE", "null", "INFORMATIVE");
    /* With a GPU at work the processors idle. */
    begin(good_run("base_gpu"));
    set(line, "energy.prefill.gpu", energy(1000000, "measured", 0, ""));
    set(line, "energy.decode.gpu", energy(1000000, "measured", 0, ""));
    set(end, "energy.prefill.gpu", energy(1000000, "measured", 0, ""));
    set(end, "energy.decode.gpu", energy(1000000, "measured", 0, ""));
    add(line, 4);
    expect("VALID", "", "VALID", "VALID", "VALID");
}

static void an_emulated_gpu_is_none(void **state)
{
    (void)state;
    for (int emulated = 0; emulated < 2; emulated++) {
        json_t *run = good_run("base_gpu"), *line = good_line();
        set(run, "device", json_pack("{s:b}", "emulated", emulated));
        begin(run);
        for (int p = 0; p < 2; p++) {
            const char *name = p == 0 ? "energy.prefill.gpu" : "energy.decode.gpu";
            set(line, name, energy(1000000, "measured", 1, ""));
            set(end, name, energy(1000000, "measured", 1, ""));
        }
        add(line, 4);
        if (emulated)
            expect("INVALID", "emulated: the processors computed in a GPU's place", "INVALID",
                   "INVALID", "INVALID");
        else
            expect("VALID", "", "VALID", "VALID", "VALID");
    }
}

static void battery_and_quotas_are_told(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    json_t *line = good_line();
    set(line, "conditions.on_battery", json_true());
    add(line, 4);
    expect("INFORMATIVE", "battery: firmware lowers clocks on battery", "INFORMATIVE", "null",
           "INFORMATIVE");
    json_t *run = good_run("base_cpu");
    set(run, "environment.cgroup_cpu_max", json_string("150000 100000"));
    begin(run);
    add(good_line(), 4);
    expect("INFORMATIVE", "container limits: 2 threads share a quota of 1.5 processors",
           "INFORMATIVE", "null", "INFORMATIVE");
    run = good_run("base_cpu");
    set(run, "environment.cgroup_cpu_max", json_string("200000 100000"));
    begin(run);
    add(good_line(), 4);
    expect("VALID", "", "VALID", "null", "VALID");
}

static void what_is_not_known_is_not_taken_as_good(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    json_t *line = good_line();
    json_object_del(line, "conditions");
    add(line, 4);
    expect("INFORMATIVE", "foreign load: the record does not tell what else ran", "INFORMATIVE",
           "null", "INFORMATIVE");
    begin(good_run("base_cpu"));
    line = good_line();
    set(line, "conditions.busy_cpu_ns", json_null());
    set(line, "conditions.missing", json_pack("{s:s}", "busy_cpu_ns", "/proc/stat: not there"));
    add(line, 4);
    expect("INFORMATIVE", "foreign load: not known: /proc/stat: not there", "INFORMATIVE", "null",
           "INFORMATIVE");
    begin(good_run("base_cpu"));
    line = good_line();
    json_object_del(
        json_object_get(json_object_get(json_object_get(line, "energy"), "decode"), "cpu"),
        "edge_percent");
    add(line, 4);
    expect("INFORMATIVE", "too few ticks: the record does not tell what cpu's edges leave open",
           "INFORMATIVE", "null", "VALID");
}

static void a_drift_is_no_noise(void **state)
{
    (void)state;
    static const struct {
        double drift, noise;
        const char *row, *reason;
    } cases[] = {
        {0.04, 0, "VALID", ""},
        {0.09, 0, "INFORMATIVE",
         "drift: the last third of the answers took +6.1 % time per token against the first (at "
         "most 5 %)"},
        {-0.09, 0.002, "INFORMATIVE",
         "drift: the last third of the answers took -6.3 % time per token against the first (at "
         "most 5 %)"},
        {0.09, 0.5, "VALID", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(good_run("base_cpu"));
        for (int k = 0; k < 30; k++) {
            double factor = 1 + cases[i].drift * k / 29 + cases[i].noise * (k % 2 ? 1 : -1);
            json_t *line = good_line();
            set(line, "decode_ns", json_integer((json_int_t)(40e6 * factor)));
            add(line, 1);
        }
        expect(cases[i].row, cases[i].reason, "VALID", "null", "VALID");
    }
}

static void what_happened_to_the_run_concerns_the_row(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        long long value;
        const char *reason;
    } cases[] = {
        {"sampling.suspended_ns", 2500000000,
         "suspended: the machine slept for 2.5 s during the run"},
        {"sampling.n_clock_steps", 1,
         "clock step: the wall clock was set during the run (no duration comes from it)"},
        {"sampling.longest_gap_ns", 3000000000,
         "sampler stopped: it did not look at the counters for 3 s (it should every 0.1 s)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(good_run("base_cpu"));
        add(good_line(), 4);
        set(end, cases[i].path, json_integer(cases[i].value));
        expect("INFORMATIVE", cases[i].reason, "VALID", "null", "VALID");
    }
    begin(good_run("base_cpu"));
    add(good_line(), 4);
    set(end, "interrupted", json_true());
    expect("INFORMATIVE", "incomplete: the run was interrupted", "VALID", "null", "VALID");
}

static void an_interval_that_is_marked_marks_the_row(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    add(good_line(), 4);
    json_object_set_new(
        end, "statistics",
        json_loads("{\"s_per_token\": {\"mean\": 1, \"marked\": false, \"reason\": null}, "
                   "\"j_per_token\": {\"cpu\": {\"mean\": 1, \"marked\": true, \"reason\": "
                   "\"blocks depend on each other\"}}, \"seed\": 4}",
                   0, NULL));
    expect("INFORMATIVE",
           "interval: that of j_per_token.cpu is marked: blocks depend on each other", "VALID",
           "null", "VALID");
}

/* One reason for many figures is told once. */
static void intervals_marked_alike_are_told_together(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    add(good_line(), 4);
    json_object_set_new(
        end, "statistics",
        json_loads("{\"a\": {\"marked\": true, \"reason\": \"drift\"}, \"b\": {\"cpu\": "
                   "{\"marked\": true, \"reason\": \"drift\"}, \"ram\": null, \"total\": "
                   "{\"marked\": true, \"reason\": \"drift\"}}}",
                   0, NULL));
    expect("INFORMATIVE", "interval: that of a is marked, as 2 others are: drift", "VALID", "null",
           "VALID");
}

static void set_idle(long long before_uj, long long after_uj, double edge_percent,
                     const char *source)
{
    json_t *phases = json_object_get(end, "energy");
    json_object_set_new(phases, "idle_before",
                        json_pack("{s:o}", "cpu", energy(before_uj, source, edge_percent, "")));
    json_object_set_new(phases, "idle_after",
                        json_pack("{s:o}", "cpu", energy(after_uj, source, edge_percent, "")));
    json_object_set_new(end, "idle_before_ns", json_integer(1000000000));
    json_object_set_new(end, "idle_after_ns", json_integer(2000000000));
}

static void power_at_rest_is_the_same_before_and_after(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    add(good_line(), 4);
    set_idle(10000000, 21900000, 0.1, "measured"); /* 10 W, 10.95 W */
    expect("VALID", "", "VALID", "null", "VALID");
    set_idle(10000000, 22200000, 0.1, "measured");
    expect("INFORMATIVE",
           "drift: at rest afterwards cpu drew +11 % against 10 W before (at most 10 %)",
           "INFORMATIVE", "null", "VALID");
    set_idle(10000000, 16000000, 0.1, "sampled");
    expect("INFORMATIVE",
           "drift: at rest afterwards cpu drew -20 % against 10 W before (at most 10 %)",
           "INFORMATIVE", "null", "VALID");
    set_idle(10000000, 22200000, 10, "measured"); /* the ticks leave as much open */
    expect("VALID", "", "VALID", "null", "VALID");
    set_idle(10000000, 40000000, 0, "modelled");
    expect("VALID", "", "VALID", "null", "VALID");
    set_idle(10000000, -1, 0, "measured");
    expect("VALID", "", "VALID", "null", "VALID");
}

static void a_warm_up_that_did_not_settle_is_told(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    add(good_line(), 4);
    json_object_set_new(end, "warm_up", json_pack("{s:i, s:b}", "n", 10, "agreed", 1));
    expect("VALID", "", "VALID", "null", "VALID");
    json_object_set_new(end, "warm_up", json_pack("{s:i, s:b}", "n", 10, "agreed", 0));
    expect("INFORMATIVE", "drift: 10 answers of warm-up did not come to take the same time",
           "VALID", "null", "VALID");
}

static void windows_count_as_lines(void **state)
{
    (void)state;
    begin(good_run("base_cpu"));
    json_t *line = json_pack("{s:s, s:{s:o, s:o}, s:o}", "type", "window", "energy", "cpu",
                             energy(5000000, "measured", 1, ""), "ram",
                             energy(1000000, "modelled", 0, ""), "conditions", calm());
    add(line, 4);
    set(end, "energy.prefill.ram", energy(10000000, "modelled", 0, ""));
    expect("VALID", "", "VALID", "null", "INFORMATIVE");
}

static void hostile_lines_are_judged_too(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{}",
        "{\"energy\": 5, \"conditions\": []}",
        "{\"energy\": {\"prefill\": {\"cpu\": {\"uj\": -5, \"source\": \"measured\"}}}}",
        "{\"energy\": {\"prefill\": {\"cpu\": {\"uj\": 9223372036854775807, \"source\": "
        "\"measured\", \"edge_percent\": 1e300, \"faults\": [3, null, \"late\"]}}}}",
        "{\"conditions\": {\"elapsed_ns\": -1, \"busy_cpu_ns\": 1e300, \"missing\": 7}}",
        "{\"n_generated_tokens\": 1e308, \"decode_ns\": \"long\"}",
    };
    begin(json_pack("{s:i, s:s}", "backend", 3, "threads", "two"));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        add(json_loads(lines[i], 0, NULL), 2);
    json_decref(end);
    end = json_loads("{\"energy\": [], \"sampling\": {\"period_ns\": \"x\"}}", 0, NULL);
    json_t *v = sw_verdict_to_json(verdict, end);
    assert_string_equal(json_string_value(json_object_get(v, "row")), "INVALID");
    assert_true(json_is_null(json_object_get(v, "modelled_share")));
    json_decref(v);
}

static void levels_have_names(void **state)
{
    (void)state;
    enum sw_verdict_level level;
    assert_true(sw_verdict_parse(&level, "informative") && level == SW_INFORMATIVE);
    assert_true(sw_verdict_parse(&level, "VALID") && level == SW_VALID);
    assert_false(sw_verdict_parse(&level, "VALI") || sw_verdict_parse(&level, ""));
    assert_string_equal(sw_verdict_name(SW_INVALID), "INVALID");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_calm_measured_run_is_valid),
        TEST(a_model_informs_at_best_and_ram_may_have_one),
        TEST(a_missing_domain_is_told),
        TEST(one_phase_without_joules_spoils_the_sum),
        TEST(edges_are_weighed_over_all_lines),
        TEST(faults_that_leave_a_value_are_told),
        TEST(conditions_have_their_limits),
        TEST(some_throttled_lines_inform),
        TEST(a_clock_without_base_is_held_against_the_highest),
        TEST(an_emulated_gpu_is_none),
        TEST(battery_and_quotas_are_told),
        TEST(what_is_not_known_is_not_taken_as_good),
        TEST(a_drift_is_no_noise),
        TEST(what_happened_to_the_run_concerns_the_row),
        TEST(an_interval_that_is_marked_marks_the_row),
        TEST(intervals_marked_alike_are_told_together),
        TEST(power_at_rest_is_the_same_before_and_after),
        TEST(a_warm_up_that_did_not_settle_is_told),
        TEST(windows_count_as_lines),
        TEST(hostile_lines_are_judged_too),
        TEST(levels_have_names),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
