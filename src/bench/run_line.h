/* The `run` line of the journal: plan, model, engine, meters and machine, before the first sample.
 */
#ifndef SW_BENCH_RUN_LINE_H
#define SW_BENCH_RUN_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "bench/profile.h"
#include "dataset/dataset.h"
#include "bench/opening.h"
#include "dataset/prompt.h"
#include "engine/engine.h"
#include "meter/meter.h"
#include "model/model.h"
#include "text/tokenizer.h"

/* Everything that a run is made of, borrowed. */
struct sw_run_facts {
    const char *run_id;
    uint64_t started_wall_ns;
    const char *version, *commit, *cflags, *compiler;
    const char *model_name;    /* as the user named it */
    const char *dataset_split; /* as the user named it */
    const char *sysfs_root;
    const char *profile;
    enum sw_strategy strategy;
    const struct sw_model *model;
    const struct sw_tokenizer *tokenizer;
    const struct sw_engine *engine;
    const struct sw_pool *pool;
    const struct sw_dataset *dataset;
    const size_t *indices; /* (n_samples) */
    size_t n_samples;
    bool random_subset;
    uint64_t seed;
    const struct sw_prompt_template *prompt_template;
    size_t max_new_tokens;
    size_t batch; /* sequences at once, from 1 */
    bool ignore_eos;
    const struct sw_meter_set *meters;
    const struct sw_snapshot *load_begin, *load_end;
    const struct sw_opening *opening; /* of the engine */
    const struct sw_profile *used;    /* the profile with what options changed of it */
    uint64_t order_seed;              /* of the order inside blocks */
    json_t *warm_up;                  /* what it came to, stolen; NULL: there was none */
    json_t *idle_before;              /* energy of the phase, stolen */
    json_t *idle_edges; /* {"begin", "end"} of that phase, stolen; NULL: not measured */
    uint64_t idle_ns;   /* between those edges; 0: not measured */
    json_t *g_per_kwh;  /* stolen */
};

/* The object, or NULL if memory is out. Its plan_hash is equal for runs that may continue each
 * other. */
json_t *sw_run_line_create(const struct sw_run_facts *facts);

/* Bytes at the end of a run: {"peak_rss_bytes", "model_bytes", "packed_bytes", "cache_bytes",
 * "scratch_bytes"}; NULL where they cannot be told. */
json_t *sw_run_memory_to_json(const struct sw_engine *engine, const struct sw_model *model);

/* 16 hexadecimal digits that no other run has. */
void sw_run_id_create(char id[17]);

#endif
