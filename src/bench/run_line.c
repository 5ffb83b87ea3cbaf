#include "bench/run_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/random.h"
#include "bench/device.h"
#include "bench/phase.h"
#include "record/block_figure.h"
#include "record/environment.h"
#include "record/journal.h"

void sw_run_id_create(char id[17])
{
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        bits = sw_random_mix(sw_clock_wall_ns() ^ (uint64_t)getpid() << 48);
    snprintf(id, 17, "%016llx", (unsigned long long)bits);
}

json_t *sw_run_memory_to_json(const struct sw_engine *engine, const struct sw_model *model)
{
    struct rusage usage;
    struct sw_backend_info info;
    sw_engine_describe(engine, &info);
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return NULL;
    /* ru_maxrss counts KiB (getrusage(2)), mapped weights that were read included. */
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "peak_rss_bytes",
                     (json_int_t)usage.ru_maxrss * 1024, "model_bytes",
                     (json_int_t)sw_model_weight_bytes(model), "packed_bytes",
                     (json_int_t)info.packed_bytes, "cache_bytes", (json_int_t)info.cache_bytes,
                     "scratch_bytes", (json_int_t)info.scratch_bytes);
}

static json_t *indices_to_json(const size_t *indices, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer((json_int_t)indices[i]));
    return array;
}

static json_t *texts_to_json(char *const *texts, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(texts[i]));
    return array;
}

/* Of a profile with blocks. */
static json_t *blocks_to_json(const struct sw_run_facts *f)
{
    const struct sw_profile *p = f->used;
    return json_pack("{s:I, s:I, s:o, s:f, s:o, s:I, s:I, s:f}", "min", (json_int_t)p->min_blocks,
                     "max", (json_int_t)p->max_blocks, "target",
                     p->target > 0 ? json_real(p->target) : json_null(), "level", SW_BLOCK_LEVEL,
                     "time_limit_s", p->time_limit_s > 0 ? json_real(p->time_limit_s) : json_null(),
                     "order_seed", (json_int_t)f->order_seed, "warm_up", (json_int_t)p->warm_up,
                     "idle_s", p->idle_s);
}

static json_t *plan_to_json(const struct sw_run_facts *f)
{
    json_t *plan =
        json_pack("{s:s, s:I, s:o, s:I, s:b, s:o}", "profile", f->profile, "samples",
                  (json_int_t)f->n_samples, "seed",
                  f->random_subset ? json_integer((json_int_t)f->seed) : json_null(),
                  "max_new_tokens", (json_int_t)f->max_new_tokens, "ignore_eos", (int)f->ignore_eos,
                  "questions", indices_to_json(f->indices, f->n_samples));
    if (f->used->max_blocks > 0)
        json_object_set_new(plan, "blocks", blocks_to_json(f));
    return plan;
}

static json_t *model_to_json(const struct sw_run_facts *f)
{
    const struct sw_config *c = sw_model_config(f->model);
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "hash",
        sw_model_hash(f->model), "tokenizer_hash", sw_tokenizer_hash(f->tokenizer), "dtype",
        sw_model_dtype_name(f->model), "n_parameters", (json_int_t)sw_config_n_parameters(c),
        "n_layers", (json_int_t)c->n_layers, "dim", (json_int_t)c->dim, "hidden_dim",
        (json_int_t)c->hidden_dim, "n_heads", (json_int_t)c->n_heads, "n_kv_heads",
        (json_int_t)c->n_kv_heads, "head_dim", (json_int_t)c->head_dim, "vocab_size",
        (json_int_t)c->vocab_size, "max_positions", (json_int_t)c->max_positions, "tied",
        (int)c->tied, "weights", sw_model_is_synthetic(f->model) ? "synthetic" : "checkpoint");
}

static json_t *dataset_to_json(const struct sw_dataset *d)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", d->name, "split", d->split, "source",
                     d->source, "hash", d->hash, "n_questions", (json_int_t)d->n_questions);
}

static json_t *prompt_to_json(const struct sw_prompt_template *p)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s}", "template", p->name, "text", p->text, "stops",
                     texts_to_json(p->stops, p->n_stops), "extraction",
                     sw_prompt_extraction_rule(p), "hash", p->hash);
}

static json_t *engine_to_json(const struct sw_backend_info *info, const struct sw_run_facts *f)
{
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:s, s:I}", "weight_dtype", info->weight_dtype,
        "compute_dtype", info->compute_dtype, "kv_dtype", info->kv_dtype, "model_bytes",
        (json_int_t)sw_model_weight_bytes(f->model), "packed_bytes", (json_int_t)info->packed_bytes,
        "cache_bytes", (json_int_t)info->cache_bytes, "scratch_bytes",
        (json_int_t)info->scratch_bytes, "pinned", (int)sw_pool_is_pinned(f->pool), "wait",
        sw_wait_name(sw_pool_wait_policy(f->pool)), "batch", (json_int_t)f->batch);
}

/* What must be equal for one run to go on where another stopped. */
static void hash_plan(char hash[72], const json_t *line)
{
    static const char *const keys[] = {"backend",       "strategy", "arithmetic",
                                       "compute_dtype", "threads",  "batch",
                                       "plan",          "prompt",   "dataset"};
    json_t *plan = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        json_object_set(plan, keys[i], json_object_get(line, keys[i]));
    json_object_set(plan, "model", json_object_get(json_object_get(line, "model"), "hash"));
    const json_t *runtime = json_object_get(line, "runtime");
    if (json_is_object(runtime)) {
        json_object_set(plan, "runtime_version", json_object_get(runtime, "version"));
        json_object_set(plan, "runtime_graph", json_object_get(runtime, "graph"));
    }
    const json_t *device = json_object_get(line, "device");
    if (json_is_object(device)) {
        static const char *const device_keys[] = {"name", "mode", "tf32", "emulated"};
        for (size_t i = 0; i < sizeof device_keys / sizeof device_keys[0]; i++)
            json_object_set(plan, device_keys[i], json_object_get(device, device_keys[i]));
    }
    char *text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
    char hex[65] = "";
    if (text != NULL)
        sw_sha256_hex(hex, text, strlen(text));
    snprintf(hash, 72, "sha256:%s", hex);
    free(text);
    json_decref(plan);
}

json_t *sw_run_line_create(const struct sw_run_facts *f)
{
    struct sw_backend_info info;
    char started_at[21];
    char plan_hash[72];
    sw_engine_describe(f->engine, &info);
    sw_clock_format_utc(started_at, f->started_wall_ns);
    json_t *line = json_pack("{s:i, s:s, s:s, s:s}", "schema_version", SW_SCHEMA_VERSION, "type",
                             "run", "run_id", f->run_id, "started_at", started_at);
    json_t *more = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "model_name", f->model_name,
        "weights", sw_model_is_synthetic(f->model) ? "synthetic" : "checkpoint", "backend",
        info.backend, "strategy", sw_strategy_name(f->strategy), "arithmetic", info.arithmetic,
        "threads", (json_int_t)sw_pool_size(f->pool), "isa", info.isa, "dataset_name",
        f->dataset->name, "samples_planned", (json_int_t)f->n_samples, "weight_bytes_per_token",
        (json_int_t)info.weight_bytes_per_token, "load_ns",
        (json_int_t)(f->load_end->begin_ns - f->load_begin->end_ns), "batch", (json_int_t)f->batch);
    if (line == NULL || more == NULL) {
        json_decref(line);
        json_decref(more);
        return NULL;
    }
    json_object_update_new(line, more);
    json_object_set_new(line, "dataset_split", json_string(f->dataset_split));
    json_object_set_new(line, "weight_dtype", json_string(info.weight_dtype));
    json_object_set_new(line, "compute_dtype", json_string(info.compute_dtype));
    json_object_set_new(line, "kv_dtype", json_string(info.kv_dtype));
    json_object_set_new(line, "plan", plan_to_json(f));
    json_object_set_new(line, "prompt", prompt_to_json(f->prompt_template));
    json_object_set_new(line, "dataset", dataset_to_json(f->dataset));
    json_object_set_new(line, "model", model_to_json(f));
    json_object_set_new(line, "engine", engine_to_json(&info, f));
    json_object_set_new(line, "runtime", sw_opening_to_json(f->opening, &info));
    json_object_set_new(line, "device", sw_device_to_json(&info));
    json_object_set_new(line, "environment", sw_environment_read(f->sysfs_root));
    json_object_set_new(line, "build",
                        json_pack("{s:s, s:s, s:s, s:s}", "version", f->version, "commit",
                                  f->commit, "compiler", f->compiler, "flags", f->cflags));
    json_object_set_new(line, "g_per_kwh", f->g_per_kwh);
    json_object_set_new(line, "meters", sw_phase_meters_to_json(f->meters));
    json_object_set_new(line, "load_edges",
                        json_pack("{s:o, s:o}", "begin",
                                  sw_phase_edge_to_json(f->meters, f->load_begin), "end",
                                  sw_phase_edge_to_json(f->meters, f->load_end)));
    json_object_set_new(line, "energy",
                        json_pack("{s:o, s:o}", "load",
                                  sw_phase_energy_to_json(f->meters, f->load_begin, f->load_end),
                                  "idle_before", f->idle_before));
    json_object_set_new(line, "warm_up", f->warm_up != NULL ? f->warm_up : json_null());
    json_object_set_new(line, "idle_before_ns",
                        f->idle_ns > 0 ? json_integer((json_int_t)f->idle_ns) : json_null());
    json_object_set_new(line, "idle_before_edges",
                        f->idle_edges != NULL ? f->idle_edges : json_null());
    hash_plan(plan_hash, line);
    json_object_set_new(line, "plan_hash", json_string(plan_hash));
    return line;
}
