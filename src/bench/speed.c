#include "bench/speed.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/device.h"
#include "bench/opening.h"
#include "backend/limits.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/statistics.h"
#include "bench/phase.h"
#include "bench/prefill.h"
#include "engine/engine.h"
#include "record/energy.h"

enum { MOST_PASSES = 1 << 16, LONG_ENOUGH_NS = 1000 * 1000 * 1000 };

/* One row under way. */
struct row {
    const struct sw_speed_plan *plan;
    struct sw_backend *backend;
    struct sw_limits *limits;
    struct sw_batch_token *tokens; /* (max_batch) */
    float *logits;                 /* (batch, vocab_size), or NULL: the backend chooses ids */
    int32_t *ids;                  /* (batch, or n_gen if that is more) */
    uint64_t *stamps_ns;           /* (n_gen) */
    size_t max_batch;
    size_t n_passes; /* in one repetition */
    bool is_prefill;
    uint64_t cpu_ns; /* of all threads, over the repetitions */
    double *tokens_per_second, *read_bytes_per_second, *operations_per_second; /* (n_repetitions) */
    struct sw_energy_sum energy[SW_RECORD_COMPONENTS];
};

static int32_t some_id(const struct row *row, size_t i)
{
    return (int32_t)(sw_random_at(1, i) % sw_model_config(row->plan->model)->vocab_size);
}

/* One call: the next ids are chosen by the backend where it can, as they are when it generates. */
static enum sw_code forward(struct row *row, size_t n_tokens, struct sw_error *err)
{
    const struct sw_backend_api *api = row->plan->api;
    if (api->greedy != NULL)
        return api->greedy(row->backend, row->tokens, n_tokens, row->ids, NULL, err);
    return api->forward(row->backend, row->tokens, n_tokens, row->logits, err);
}

static enum sw_code flush(struct row *row, size_t *n, struct sw_error *err)
{
    if (*n == 0)
        return SW_OK;
    size_t n_tokens = *n;
    *n = 0;
    return forward(row, n_tokens, err);
}

/* The prompts of all sequences, in blocks; logits of each one's last token. */
static enum sw_code prefill(struct row *row, size_t n_prompt, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    size_t n = 0;
    for (size_t s = 0; s < row->plan->batch; s++) {
        for (size_t i = 0; i < n_prompt && code == SW_OK; i++) {
            row->tokens[n++] = (struct sw_batch_token){.id = some_id(row, s * n_prompt + i),
                                                       .position = (uint32_t)i,
                                                       .sequence = (uint32_t)s,
                                                       .want_logits = i + 1 == n_prompt};
            if (n == row->max_batch)
                code = flush(row, &n, err);
        }
    }
    return code == SW_OK ? flush(row, &n, err) : code;
}

/* n_gen steps of all sequences, from the first position on. */
static enum sw_code decode(struct row *row, size_t n_gen, struct sw_error *err)
{
    const struct sw_backend_api *api = row->plan->api;
    enum sw_code code = SW_OK;
    if (row->plan->batch == 1 && api->decode != NULL)
        return api->decode(row->backend,
                           &(struct sw_backend_answer){.id = some_id(row, 0),
                                                       .max_ids = n_gen,
                                                       .ids = row->ids,
                                                       .stamps_ns = row->stamps_ns},
                           err);
    for (size_t i = 0; i < n_gen && code == SW_OK; i++) {
        for (size_t s = 0; s < row->plan->batch; s++)
            row->tokens[s] = (struct sw_batch_token){.id = some_id(row, s * n_gen + i),
                                                     .position = (uint32_t)i,
                                                     .sequence = (uint32_t)s,
                                                     .want_logits = true};
        code = forward(row, row->plan->batch, err);
    }
    return code;
}

static enum sw_code pass(struct row *row, struct sw_error *err)
{
    const struct sw_speed_plan *plan = row->plan;
    for (size_t s = 0; s < plan->batch; s++)
        plan->api->reset(row->backend, (uint32_t)s);
    return row->is_prefill ? prefill(row, plan->n_prompt, err) : decode(row, plan->n_gen, err);
}

/* Passes between two edges, and the time they took. */
static enum sw_code run_passes(struct row *row, struct sw_snapshot *before,
                               struct sw_snapshot *after, uint64_t *ns, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    sw_meter_set_read_at_tick(row->plan->meters, SW_EDGE_WAIT_NS, before);
    uint64_t begin_cpu_ns = sw_clock_cpu_ns();
    uint64_t begin_ns = sw_clock_ns();
    for (size_t i = 0; i < row->n_passes && code == SW_OK; i++)
        code = pass(row, err);
    *ns = sw_clock_ns() - begin_ns + 1;
    row->cpu_ns += sw_clock_cpu_ns() - begin_cpu_ns;
    sw_meter_set_read_at_tick(row->plan->meters, SW_EDGE_WAIT_NS, after);
    return code;
}

/* Warms up, and finds how many passes it takes until the counters' ticks leave little of their
 * joules open: a GPU's counter ticks every 20 to 100 ms, and an answer may take less. */
static enum sw_code settle(struct row *row, struct sw_error *err)
{
    struct sw_snapshot before, after;
    uint64_t ns = 0;
    enum sw_code code = SW_OK;
    bool goes_on = true;
    for (row->n_passes = 1; goes_on && code == SW_OK;) {
        code = run_passes(row, &before, &after, &ns, err);
        goes_on =
            row->n_passes < MOST_PASSES && ns < LONG_ENOUGH_NS &&
            sw_prefill_open_percent(row->plan->meters, &before, &after) > SW_PREFILL_OPEN_PERCENT;
        if (goes_on)
            row->n_passes *= 2;
    }
    return code;
}

static enum sw_code add_energy(struct row *row, const struct sw_snapshot *a,
                               const struct sw_snapshot *b, struct sw_error *err)
{
    json_t *phase = sw_phase_energy_to_json(row->plan->meters, a, b);
    enum sw_code code = SW_OK;
    for (size_t c = 0; c < SW_RECORD_COMPONENTS && code == SW_OK; c++)
        code = sw_energy_sum_add(
            &row->energy[c], json_object_get(phase, sw_record_component_names[c]), "bench", err);
    json_decref(phase);
    return code;
}

/* The machine's limits in the same minute. */
static enum sw_code measure_limits(struct row *row, long index, struct sw_error *err)
{
    struct sw_device_rates rates;
    enum sw_code code = SW_OK;
    if (row->plan->api->measure_limits != NULL) {
        code = row->plan->api->measure_limits(row->backend, &rates, err);
    } else {
        rates.read_bytes_per_second = sw_limits_read_bytes_per_second(row->limits);
        rates.operations_per_second = sw_limits_operations_per_second(row->limits);
    }
    if (code != SW_OK)
        return code;
    row->read_bytes_per_second[index] = rates.read_bytes_per_second;
    row->operations_per_second[index] = rates.operations_per_second;
    return SW_OK;
}

static size_t tokens_per_repetition(const struct row *row)
{
    const struct sw_speed_plan *plan = row->plan;
    return row->n_passes * plan->batch * (row->is_prefill ? plan->n_prompt : plan->n_gen);
}

static enum sw_code repeat(struct row *row, long index, struct sw_error *err)
{
    const struct sw_speed_plan *plan = row->plan;
    struct sw_snapshot before, after;
    uint64_t ns;
    if (plan->is_interrupted != NULL && plan->is_interrupted(plan->ctx))
        return sw_fail(err, SW_EINTERRUPTED, "interrupted");
    enum sw_code code = run_passes(row, &before, &after, &ns, err);
    if (code != SW_OK)
        return code;
    row->tokens_per_second[index] = (double)tokens_per_repetition(row) / ((double)ns * 1e-9);
    code = measure_limits(row, index, err);
    return code == SW_OK ? add_energy(row, &before, &after, err) : code;
}

/* Seconds that the machine's limits allow for one token: the roofline minimum of reading the
 * weights once per pass and of the multiply-adds of the matrices (two operations each; attention
 * and the norms are left out, so the true limit is a little higher). Of a prompt, the head and what
 * the last layer does behind its keys and values are needed for one token. */
static double least_seconds_per_token(const struct row *row, const struct sw_backend_info *info,
                                      double read_bytes_per_second, double operations_per_second)
{
    const struct sw_config *c = sw_model_config(row->plan->model);
    double attention =
        (double)c->dim * (double)c->head_dim * (2 * (double)c->n_heads + 2 * (double)c->n_kv_heads);
    double layer = attention + 3 * (double)c->dim * (double)c->hidden_dim;
    double keys_and_values = 2 * (double)c->dim * (double)c->head_dim * (double)c->n_kv_heads;
    double head = (double)c->vocab_size * (double)c->dim;
    double n_prompt = (double)row->plan->n_prompt;
    double batch = (double)row->plan->batch;
    double tokens_per_pass = batch;
    double ends_per_token = 1;
    if (row->is_prefill) {
        double all = n_prompt * batch;
        tokens_per_pass = all < (double)row->max_batch ? all : (double)row->max_batch;
        ends_per_token = 1 / n_prompt;
    }
    double end = layer - keys_and_values + head;
    double operations = 2 * ((double)c->n_layers * layer + head - end + ends_per_token * end);
    double read_s = (double)info->weight_bytes_per_token / tokens_per_pass / read_bytes_per_second;
    double compute_s = operations / operations_per_second;
    return read_s > compute_s ? read_s : compute_s;
}

static json_t *samples_to_json(const double *values, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_real(values[i]));
    return array;
}

static json_t *row_to_json(struct row *row)
{
    const struct sw_speed_plan *plan = row->plan;
    size_t n = plan->n_repetitions;
    struct sw_backend_info info;
    char test[32];
    plan->api->describe(row->backend, &info);
    snprintf(test, sizeof test, "%s%zu", row->is_prefill ? "pp" : "tg",
             row->is_prefill ? plan->n_prompt : plan->n_gen);
    json_t *samples = samples_to_json(row->tokens_per_second, n);
    double rate = sw_median(row->tokens_per_second, n);
    double read = sw_median(row->read_bytes_per_second, n);
    double compute = sw_median(row->operations_per_second, n);
    double least_s = least_seconds_per_token(row, &info, read, compute);
    double n_tokens = (double)(n * tokens_per_repetition(row));
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:s, s:f, s:o, s:I, s:f, s:o, s:s, s:s, s:f, s:s, s:f}", "test",
        test, "backend", info.backend, "strategy", sw_strategy_name(plan->strategy), "batch",
        (json_int_t)plan->batch, "threads", (json_int_t)sw_pool_size(plan->pool), "isa", info.isa,
        "tokens_per_second", rate, "tokens_per_second_samples", samples, "weight_bytes_per_token",
        (json_int_t)info.weight_bytes_per_token, "limit_fraction", least_s * rate,
        "energy_j_per_token", sw_energy_joules(row->energy, n_tokens), "weights",
        sw_model_is_synthetic(plan->model) ? "synthetic" : "checkpoint", "arithmetic",
        info.arithmetic, "read_limit_bytes_per_second", read, "compute_limit",
        sw_compute_limit_name(info.compute_limit), "compute_limit_operations_per_second", compute);
}

/* How threads waited, what computing and waiting took of the processors, and who computed. */
static void put_circumstances(json_t *object, const struct row *row)
{
    const struct sw_speed_plan *plan = row->plan;
    size_t n = plan->n_repetitions * tokens_per_repetition(row);
    json_object_set_new(object, "wait", json_string(sw_wait_name(sw_pool_wait_policy(plan->pool))));
    json_object_set_new(object, "passes", json_integer((json_int_t)row->n_passes));
    json_object_set_new(object, "cpu_ns_per_token", json_real((double)row->cpu_ns / (double)n));
    struct sw_backend_info info;
    plan->api->describe(row->backend, &info);
    json_object_set_new(object, "runtime", sw_opening_to_json(NULL, &info));
    json_object_set_new(object, "device", sw_device_to_json(&info));
}

static enum sw_code measure_row(struct row *row, json_t *rows, struct sw_error *err)
{
    enum sw_code code = SW_OK;
    for (size_t c = 0; c < SW_RECORD_COMPONENTS; c++)
        row->energy[c] = (struct sw_energy_sum){0};
    code = settle(row, err);
    row->cpu_ns = 0;
    for (long i = 0; i < (long)row->plan->n_repetitions && code == SW_OK; i++)
        code = repeat(row, i, err);
    if (code != SW_OK)
        return code;
    json_t *object = row_to_json(row);
    if (object != NULL)
        put_circumstances(object, row);
    if (object == NULL || json_array_append_new(rows, object) != 0)
        return sw_fail(err, SW_ENOMEM, "bench: out of memory");
    return SW_OK;
}

enum sw_code sw_speed_measure(const struct sw_speed_plan *plan, json_t *rows, struct sw_error *err)
{
    const struct sw_config *config = sw_model_config(plan->model);
    size_t longest = plan->n_prompt > plan->n_gen ? plan->n_prompt : plan->n_gen;
    size_t n_ids = plan->batch > plan->n_gen ? plan->batch : plan->n_gen;
    size_t n = plan->n_repetitions;
    struct row row = {.plan = plan};
    if (longest > config->max_positions)
        return sw_fail(err, SW_EUSAGE, "%zu tokens are asked for, the model has %zu positions",
                       longest, config->max_positions);
    row.max_batch = SW_PREFILL_BLOCK > plan->batch ? SW_PREFILL_BLOCK : plan->batch;
    row.tokens = calloc(row.max_batch, sizeof *row.tokens);
    bool has_logits = plan->api->greedy == NULL;
    if (has_logits)
        row.logits = calloc(plan->batch * config->vocab_size, sizeof *row.logits);
    row.ids = calloc(n_ids, sizeof *row.ids);
    row.stamps_ns = calloc(n_ids, sizeof *row.stamps_ns);
    row.tokens_per_second = calloc(3 * n, sizeof *row.tokens_per_second);
    enum sw_code code = SW_OK;
    if (row.tokens == NULL || (has_logits && row.logits == NULL) || row.ids == NULL ||
        row.stamps_ns == NULL || row.tokens_per_second == NULL) {
        code = sw_fail(err, SW_ENOMEM, "bench: out of memory");
        goto done;
    }
    row.read_bytes_per_second = row.tokens_per_second + n;
    row.operations_per_second = row.tokens_per_second + 2 * n;
    code = plan->api->open(&row.backend, plan->model,
                           &(struct sw_backend_options){.strategy = plan->strategy,
                                                        .onnx_graph = plan->onnx_graph,
                                                        .gpu = plan->gpu,
                                                        .pool = plan->pool,
                                                        .n_sequences = plan->batch,
                                                        .max_positions = longest,
                                                        .max_batch = row.max_batch,
                                                        .max_logits = plan->batch},
                           err);
    if (code != SW_OK)
        goto done;
    struct sw_backend_info info;
    plan->api->describe(row.backend, &info);
    if (plan->api->measure_limits == NULL)
        code = sw_limits_open(&row.limits, plan->pool, (size_t)info.weight_bytes_per_token,
                              info.compute_limit, err);
    if (code == SW_OK && plan->n_prompt > 0) {
        row.is_prefill = true;
        code = measure_row(&row, rows, err);
    }
    if (code == SW_OK && plan->n_gen > 0) {
        row.is_prefill = false;
        code = measure_row(&row, rows, err);
    }
done:
    sw_limits_close(row.limits);
    if (row.backend != NULL)
        plan->api->close(row.backend);
    free(row.tokens);
    free(row.logits);
    free(row.ids);
    free(row.stamps_ns);
    free(row.tokens_per_second);
    return code;
}
