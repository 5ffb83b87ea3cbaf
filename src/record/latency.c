#include "record/latency.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/statistics.h"

static const uint64_t most = UINT64_C(1) << 53;

/* Room for n more values. */
static enum sw_code reserve(struct sw_series *series, size_t n, struct sw_error *err)
{
    if (n <= series->capacity - series->n)
        return SW_OK;
    size_t capacity = series->capacity * 2 > series->n + n ? series->capacity * 2 : series->n + n;
    double *values = capacity <= SIZE_MAX / sizeof *values
                         ? realloc(series->values, capacity * sizeof *values)
                         : NULL;
    if (values == NULL)
        return sw_fail(err, SW_ENOMEM, "latency: out of memory");
    series->values = values;
    series->capacity = capacity;
    return SW_OK;
}

/* Gaps of one sample behind series, not counted in yet; there is room for n - 1. The first is
 * without the reading of meters between prefill and decoding. */
static enum sw_code take_gaps(struct sw_series *series, const json_t *stamps, uint64_t n,
                              uint64_t decode_start_ns, struct sw_error *err)
{
    json_int_t before = (json_int_t)decode_start_ns;
    const json_t *first = json_array_get(stamps, 0);
    if (!json_is_integer(first) || json_integer_value(first) > before)
        return sw_fail(err, SW_EFORMAT, "sample: stamps_ns[0] is no time before decode_start_ns");
    for (uint64_t i = 1; i < n; i++) {
        const json_t *stamp = json_array_get(stamps, i);
        if (!json_is_integer(stamp) || json_integer_value(stamp) < before)
            return sw_fail(err, SW_EFORMAT,
                           "sample: stamps_ns[%llu] is no time after the one "
                           "before it",
                           (unsigned long long)i);
        series->values[series->n + i - 1] = (double)(json_integer_value(stamp) - before);
        before = json_integer_value(stamp);
    }
    return SW_OK;
}

static enum sw_code check_length(const json_t *array, const char *name, uint64_t n,
                                 struct sw_error *err)
{
    if (array == NULL || (json_is_array(array) && json_array_size(array) == n))
        return SW_OK;
    return sw_fail(err, SW_EFORMAT, "sample: \"%s\" is not an array of n_generated_tokens = %llu",
                   name, (unsigned long long)n);
}

enum sw_code sw_latency_add(struct sw_latency *latency, const json_t *sample, struct sw_error *err)
{
    uint64_t n, prefill_ns, decode_ns, decode_start_ns = 0;
    const json_t *ids = json_object_get(sample, "ids");
    const json_t *stamps = json_object_get(sample, "stamps_ns");
    enum sw_code code = sw_json_u64(&n, sample, "n_generated_tokens", 1, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&prefill_ns, sample, "prefill_ns", 0, most, "sample", err);
    if (code == SW_OK)
        code = sw_json_u64(&decode_ns, sample, "decode_ns", 0, most, "sample", err);
    if (code == SW_OK)
        code = check_length(ids, "ids", n, err);
    if (code == SW_OK)
        code = check_length(stamps, "stamps_ns", n, err);
    if (code == SW_OK && stamps != NULL && n > 1)
        code =
            sw_json_u64(&decode_start_ns, sample, "decode_start_ns", 0, INT64_MAX, "sample", err);
    if (code == SW_OK)
        code = reserve(&latency->ttft_ns, 1, err);
    if (code == SW_OK)
        code = reserve(&latency->tpot_ns, 1, err);
    bool has_gaps = stamps != NULL && n > 1;
    if (code == SW_OK && has_gaps)
        code = reserve(&latency->gap_ns, (size_t)n - 1, err);
    if (code == SW_OK && has_gaps)
        code = take_gaps(&latency->gap_ns, stamps, n, decode_start_ns, err);
    if (code != SW_OK)
        return code;
    latency->ttft_ns.values[latency->ttft_ns.n++] = (double)prefill_ns;
    if (n > 1)
        latency->tpot_ns.values[latency->tpot_ns.n++] = (double)decode_ns / (double)(n - 1);
    latency->gap_ns.n += has_gaps ? (size_t)n - 1 : 0;
    return SW_OK;
}

static json_t *spread(struct sw_series *series)
{
    double *v = series->values;
    size_t n = series->n;
    if (n == 0)
        return json_null();
    double median = sw_median(v, n); /* sorts */
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "n", (json_int_t)n, "min", v[0],
                     "p50", median, "p90", sw_quantile(v, n, 0.9), "p95", sw_quantile(v, n, 0.95),
                     "p99", sw_quantile(v, n, 0.99), "max", v[n - 1], "median", median);
}

void sw_latency_put(struct sw_latency *latency, json_t *end)
{
    json_object_set_new(end, "ttft_ns", spread(&latency->ttft_ns));
    json_object_set_new(end, "tpot_ns", spread(&latency->tpot_ns));
    json_object_set_new(end, "inter_token_ns", spread(&latency->gap_ns));
}

void sw_latency_free(struct sw_latency *latency)
{
    free(latency->ttft_ns.values);
    free(latency->tpot_ns.values);
    free(latency->gap_ns.values);
    *latency = (struct sw_latency){0};
}
