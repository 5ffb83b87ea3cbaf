#include "bench/command.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "bench/phase.h"
#include "meter/sampler.h"

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != 0 ? json_string(text) : json_null();
}

/* Standard input of a run: a descriptor that the caller closes, or -1 for ours. */
static enum sw_code open_input(int *fd, const char *input, struct sw_error *err)
{
    *fd = -1;
    if (input == NULL)
        return SW_OK;
    const char *path = input[0] != 0 ? input : "/dev/null";
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? SW_OK : sw_fail(err, SW_EFILE, "--input: %s: %s", path, strerror(errno));
}

static enum sw_code start(const struct sw_command_plan *plan, char *const *argv, const char *input,
                          struct sw_child *child, struct sw_error *err)
{
    int fd;
    enum sw_code code = open_input(&fd, input, err);
    if (code != SW_OK)
        return code;
    code = sw_child_start(child, plan->signals,
                          &(struct sw_child_plan){.argv = argv,
                                                  .stdin_fd = fd,
                                                  .stdout_fd = plan->stdout_fd,
                                                  .stderr_fd = plan->stderr_fd},
                          err);
    if (fd >= 0)
        close(fd);
    return code;
}

static enum sw_code run_unmeasured(const struct sw_command_plan *plan, char *const *argv,
                                   const char *input, struct sw_child_result *result,
                                   struct sw_error *err)
{
    struct sw_child child;
    enum sw_code code = start(plan, argv, input, &child, err);
    if (code != SW_OK)
        return code;
    sw_child_release(&child);
    sw_child_wait(&child);
    sw_child_reap(&child, result);
    return SW_OK;
}

static enum sw_code prepare(const struct sw_command_plan *plan, const char *line,
                            struct sw_error *err)
{
    struct sw_child_result result;
    if (line == NULL)
        return SW_OK;
    /* execvp takes no const words, and changes none. */
    char *const argv[] = {(char *)(uintptr_t)plan->shell, (char *)(uintptr_t) "-c",
                          (char *)(uintptr_t)line, NULL};
    enum sw_code code = run_unmeasured(plan, argv, "", &result, err);
    if (code != SW_OK)
        return code;
    if (result.last_signal != 0)
        return sw_fail(err, SW_EINTERRUPTED, "--prepare: \"%s\" was interrupted", line);
    if (result.start_errno != 0)
        return sw_fail(err, SW_ESYSTEM, "--prepare: %s: %s", plan->shell,
                       strerror(result.start_errno));
    if (result.exit_code != 0)
        return sw_fail(err, SW_ESYSTEM, "--prepare: \"%s\" ended with exit code %d", line,
                       result.exit_code);
    return SW_OK;
}

/* One run with everything that is known of it. */
struct run {
    struct sw_snapshot a, b;
    struct sw_child_result result;
    struct sw_meter_sampler_report report;
};

static enum sw_code run_measured(const struct sw_command_plan *plan, char *const *argv,
                                 struct run *run, struct sw_error *err)
{
    struct sw_child child;
    struct sw_meter_sampler *sampler = NULL;
    enum sw_code code = start(plan, argv, plan->input, &child, err);
    if (code != SW_OK)
        return code;
    code = sw_meter_sampler_start(
        &sampler, plan->meters,
        &(struct sw_meter_sampler_options){.period_ns = plan->sample_period_ns,
                                           .keep_trace = plan->keep_trace},
        err);
    if (code != SW_OK) {
        sw_child_cancel(&child);
        return code;
    }
    sw_meter_set_read_at_tick(plan->meters, SW_EDGE_WAIT_NS, &run->a);
    sw_child_release(&child);
    sw_child_wait(&child);
    sw_meter_set_read_at_tick(plan->meters, SW_EDGE_WAIT_NS, &run->b);
    sw_child_reap(&child, &run->result);
    sw_meter_sampler_stop(sampler, &run->report);
    return SW_OK;
}

static void add_remark(json_t *remarks, const char *text)
{
    json_array_append_new(remarks, json_string(text));
}

static json_t *remarks_of(const struct sw_meter_set *meters, const struct run *run)
{
    char text[256];
    json_t *remarks = json_array();
    const struct sw_child_result *r = &run->result;
    if (r->start_errno != 0)
        return remarks;
    if (r->left_behind)
        add_remark(remarks, "processes that the command started go on; what they do is not in "
                            "these figures");
    if (r->n_stops > 0) {
        snprintf(text, sizeof text, "stopped %u time%s; the time it stood still is in wall_ns",
                 r->n_stops, r->n_stops == 1 ? "" : "s");
        add_remark(remarks, text);
    }
    if (r->core_dumped)
        add_remark(remarks, "dumped core");
    for (int c = 0; c < SW_N_COMPONENTS; c++) {
        struct sw_energy e;
        sw_meter_set_energy(meters, (enum sw_component)c, &run->a, &run->b, &e);
        const char *name = sw_component_name((enum sw_component)c);
        if (!e.has_value || e.edge_percent < 1)
            continue;
        if (isnan(e.edge_percent))
            snprintf(text, sizeof text,
                     "%s: too short for its counter, which did not tick meanwhile", name);
        else
            snprintf(text, sizeof text,
                     "%s: short for its counter's ticks, which leave %.2g %% open; --repeat "
                     "averages",
                     name, e.edge_percent);
        add_remark(remarks, text);
    }
    return remarks;
}

static json_t *trace_to_json(const struct sw_meter_sampler_report *report)
{
    json_t *points = json_array();
    for (size_t i = 0; i < report->n_trace; i++) {
        const struct sw_power_point *p = &report->trace[i];
        json_t *point = json_pack("{s:I, s:I}", "begin_ns", (json_int_t)p->begin_ns, "end_ns",
                                  (json_int_t)p->end_ns);
        for (int c = 0; c < SW_N_COMPONENTS; c++) {
            char key[32];
            snprintf(key, sizeof key, "%s_w", sw_component_name((enum sw_component)c));
            json_object_set_new(point, key,
                                isnan(p->watts[c]) ? json_null() : json_real((double)p->watts[c]));
        }
        json_array_append_new(points, point);
    }
    return points;
}

static json_t *sampler_to_json(const struct sw_meter_sampler_report *report)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:o}", "period_ns", (json_int_t)report->period_ns, "n_samples",
        (json_int_t)report->n_samples, "n_late", (json_int_t)report->n_late, "longest_gap_ns",
        (json_int_t)report->longest_gap_ns, "cpu_ns", (json_int_t)report->cpu_ns, "own_uj_at_most",
        report->has_own_uj ? json_integer((json_int_t)report->own_uj_at_most) : json_null());
}

static json_t *edge_to_json(const struct sw_meter_set *meters, const struct sw_snapshot *edge)
{
    json_t *json = sw_phase_edge_to_json(meters, edge);
    json_object_set_new(json, "aligned", json_boolean(edge->aligned));
    json_object_set_new(json, "waited_ns", json_integer((json_int_t)edge->waited_ns));
    return json;
}

/* A run whose command could not start has no window: null with a reason. */
static json_t *energy_of(const struct sw_command_plan *plan, const struct run *run)
{
    char reason[128];
    if (run->result.start_errno == 0)
        return sw_phase_energy_to_json(plan->meters, &run->a, &run->b);
    snprintf(reason, sizeof reason, "the command could not start: %s",
             strerror(run->result.start_errno));
    return sw_phase_energy_absent(reason);
}

static json_t *run_to_json(const struct sw_command_plan *plan, const struct run *run)
{
    const struct sw_child_result *r = &run->result;
    bool started = r->start_errno == 0;
    uint64_t begin_ns = run->a.end_ns, end_ns = run->b.begin_ns;
    char name[32] = "";
    if (r->signal != 0)
        snprintf(name, sizeof name, "SIG%s",
                 sigabbrev_np(r->signal) ? sigabbrev_np(r->signal) : "?");
    json_t *json =
        json_pack("{s:i, s:o, s:o}", "exit_code", r->exit_code, "signal", text_or_null(name),
                  "start_error", started ? json_null() : json_string(strerror(r->start_errno)));
    const struct {
        const char *key;
        uint64_t value;
    } figures[] = {{"start_ns", begin_ns},
                   {"end_ns", end_ns},
                   {"wall_ns", end_ns - begin_ns},
                   {"user_ns", r->user_ns},
                   {"system_ns", r->system_ns},
                   {"children_ns", r->children_ns},
                   {"peak_memory_bytes", r->peak_bytes}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        json_object_set_new(json, figures[i].key,
                            started ? json_integer((json_int_t)figures[i].value) : json_null());
    json_object_set_new(json, "peak_memory_is_bound", json_boolean(started && r->peak_is_bound));
    json_object_set_new(json, "energy", energy_of(plan, run));
    json_object_set_new(json, "edges",
                        json_pack("{s:o, s:o}", "start", edge_to_json(plan->meters, &run->a), "end",
                                  edge_to_json(plan->meters, &run->b)));
    json_object_set_new(json, "sampler", sampler_to_json(&run->report));
    if (plan->keep_trace)
        json_object_set_new(json, "trace", trace_to_json(&run->report));
    json_object_set_new(json, "remarks", remarks_of(plan->meters, run));
    return json;
}

/* What ends the measurement early, as an exit code; 0: nothing. */
static int verdict_of(const struct sw_command_plan *plan, const struct sw_child_result *result)
{
    if (result->start_errno != 0)
        return result->exit_code;
    if (result->last_signal != 0)
        return result->exit_code != 0 ? result->exit_code : 128 + result->last_signal;
    return plan->ignore_failure ? 0 : result->exit_code;
}

/* Every command `times` times in rounds; runs: NULL for warm-up. */
static enum sw_code run_rounds(const struct sw_command_plan *plan, uint64_t times,
                               json_t *const *runs, int *exit_code, bool *ended,
                               struct sw_error *err)
{
    enum sw_code code = SW_OK;
    uint64_t n_drawn = 0;
    size_t n_done = 0;
    size_t *order = malloc(plan->n_commands * sizeof *order);
    struct run *run = malloc(sizeof *run);
    if (order == NULL || run == NULL)
        code = sw_fail(err, SW_ENOMEM, "out of memory");
    for (size_t i = 0; i < plan->n_commands && code == SW_OK; i++)
        order[i] = i;
    bool go_on = code == SW_OK;
    for (uint64_t round = 0; round < times && go_on; round++) {
        for (size_t i = plan->n_commands; i > 1 && runs != NULL; i--) {
            size_t k = (size_t)(sw_random_at(plan->seed, n_drawn++) % i), other = order[k];
            order[k] = order[i - 1];
            order[i - 1] = other;
        }
        for (size_t i = 0; i < plan->n_commands && go_on; i++) {
            const struct sw_command_spec *command = &plan->commands[order[i]];
            int asked = sw_child_signals_take(plan->signals);
            if (asked != 0) {
                *exit_code = 128 + asked;
                go_on = false;
                break;
            }
            *run = (struct run){0};
            code = prepare(plan, command->prepare, err);
            if (code == SW_OK)
                code = runs != NULL
                           ? run_measured(plan, command->argv, run, err)
                           : run_unmeasured(plan, command->argv, plan->input, &run->result, err);
            if (code == SW_OK && runs != NULL) {
                json_array_append_new(runs[order[i]], run_to_json(plan, run));
                if (plan->on_run != NULL)
                    plan->on_run(plan->ctx, ++n_done, (size_t)times * plan->n_commands);
            }
            sw_meter_sampler_report_free(&run->report);
            int ending = code == SW_OK ? verdict_of(plan, &run->result) : 0;
            if (ending != 0)
                *exit_code = ending;
            else if (code == SW_OK && run->result.exit_code != 0 && *exit_code == 0)
                *exit_code = run->result.exit_code;
            go_on = code == SW_OK && ending == 0;
        }
    }
    *ended = !go_on;
    free(order);
    free(run);
    return code;
}

enum sw_code sw_command_run_all(const struct sw_command_plan *plan, json_t *const *runs,
                                int *exit_code, struct sw_error *err)
{
    bool ended = false;
    *exit_code = 0;
    enum sw_code code = run_rounds(plan, plan->n_warmup, NULL, exit_code, &ended, err);
    if (ended)
        return code;
    *exit_code = 0;
    return run_rounds(plan, plan->n_repeat, runs, exit_code, &ended, err);
}
