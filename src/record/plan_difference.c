#include "record/plan_difference.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char machines[] = "two machines: the difference is theirs, too";

/* Two levels of keys; what is compared for its own sake has no note. */
static const struct {
    const char *what, *key, *inner;
    const char *note;
} fields[] = {
    {"model_name", "model_name", NULL, NULL},
    {"model", "model", "hash", NULL},
    {"tokenizer", "model", "tokenizer_hash", "other tokenizers: a token is not the same text"},
    {"weights", "weights", NULL, NULL},
    {"backend", "backend", NULL, NULL},
    {"strategy", "strategy", NULL, NULL},
    {"arithmetic", "arithmetic", NULL, NULL},
    {"compute_dtype", "compute_dtype", NULL, NULL},
    {"kv_dtype", "kv_dtype", NULL, NULL},
    {"runtime_version", "runtime", "version", NULL},
    {"runtime_graph", "runtime", "graph", NULL},
    {"device", "device", "name", "two GPUs: the difference is theirs, too"},
    {"gpu_mode", "device", "mode", NULL},
    {"tf32", "device", "tf32", "only one of them multiplies in TF32"},
    {"emulated", "device", "emulated", "only one of them ran on a GPU: nothing can be compared"},
    {"cuda_driver", "device", "cuda_driver", NULL},
    {"cuda_runtime", "device", "cuda_runtime", NULL},
    {"threads", "threads", NULL, NULL},
    {"isa", "isa", NULL, NULL},
    {"batch", "batch", NULL, NULL},
    {"wait", "engine", "wait", NULL},
    {"pinned", "engine", "pinned", NULL},
    {"profile", "plan", "profile", NULL},
    {"samples", "plan", "samples", NULL},
    {"max_new_tokens", "plan", "max_new_tokens",
     "other limits of new tokens: prefill weighs otherwise"},
    {"ignore_eos", "plan", "ignore_eos", "only one of them goes on after the end of an answer"},
    {"prompt", "prompt", "hash", "other prompts around the same questions"},
    {"dataset", "dataset", "hash", "other data: only what has the same place and id is paired"},
    {"dataset_split", "dataset_split", NULL, NULL},
    {"cpu", "environment", "cpu", machines},
    {"n_logical_cpus", "environment", "n_logical_cpus", machines},
    {"memory", "environment", "memory_total_bytes", machines},
    {"kernel", "environment", "kernel", NULL},
    {"governor", "environment", "governor", NULL},
    {"cgroup_cpu_max", "environment", "cgroup_cpu_max", NULL},
    {"version", "build", "version", NULL},
    {"commit", "build", "commit", NULL},
    {"compiler", "build", "compiler", NULL},
    {"flags", "build", "flags", NULL},
};

static json_t *value_at(const json_t *record, const char *key, const char *inner)
{
    json_t *value = json_object_get(record, key);
    if (inner != NULL)
        value = json_object_get(value, inner);
    bool is_plain = json_is_string(value) || json_is_number(value) || json_is_boolean(value);
    return is_plain ? value : NULL;
}

static bool is_equal(const json_t *x, const json_t *y)
{
    return x == y || (x != NULL && y != NULL && json_equal(x, y));
}

static bool has_text(const json_t *notes, const char *text)
{
    size_t i;
    const json_t *note;
    json_array_foreach(notes, i, note) if (strcmp(json_string_value(note), text) == 0) return true;
    return false;
}

/* A strategy's name stands for other arithmetic on another backend; design of the names. */
static void note_arithmetic(const json_t *a, const json_t *b, json_t *notes)
{
    const char *x = json_string_value(json_object_get(a, "arithmetic"));
    const char *y = json_string_value(json_object_get(b, "arithmetic"));
    const char *strategy = json_string_value(json_object_get(a, "strategy"));
    if (x == NULL || y == NULL || strategy == NULL || strcmp(x, y) == 0 ||
        !json_equal(json_object_get(a, "strategy"), json_object_get(b, "strategy")))
        return;
    char text[320];
    snprintf(text, sizeof text, "strategy %.64s is %.64s in A and %.64s in B", strategy, x, y);
    json_array_append_new(notes, json_string(text));
}

json_t *sw_plan_differences(const json_t *a, const json_t *b, json_t *notes, bool *same_machine)
{
    json_t *out = json_array();
    *same_machine = true;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        json_t *x = value_at(a, fields[i].key, fields[i].inner);
        json_t *y = value_at(b, fields[i].key, fields[i].inner);
        if (is_equal(x, y))
            continue;
        json_array_append_new(
            out, json_pack("{s:s, s:O?, s:O?}", "what", fields[i].what, "a", x, "b", y));
        *same_machine &= fields[i].note != machines;
        if (fields[i].note != NULL && !has_text(notes, fields[i].note))
            json_array_append_new(notes, json_string(fields[i].note));
    }
    note_arithmetic(a, b, notes);
    return out;
}
