#include "bench/prefill.h"

#include <math.h>

#include "base/clock.h"
#include "bench/phase.h"

enum { MOST_NS = 2000000000, MOST_TIMES = 1 << 16 };

double sw_prefill_open_percent(const struct sw_meter_set *meters, const struct sw_snapshot *a,
                               const struct sw_snapshot *b)
{
    double most = 0;
    for (int c = 0; c < SW_MACHINE; c++) {
        struct sw_energy e;
        sw_meter_set_energy(meters, (enum sw_component)c, a, b, &e);
        if (!e.has_value || (e.source != SW_MEASURED && e.source != SW_SAMPLED))
            continue;
        double percent = isnan(e.edge_percent) ? 100 : e.edge_percent;
        if (percent > most)
            most = percent;
    }
    return most;
}

enum sw_code sw_prefill_repeat(const struct sw_study *study, size_t index, json_t **out,
                               struct sw_error *err)
{
    struct sw_snapshot begin, end;
    struct sw_generate_request request = {.prompt_ids = study->prompts[index].ids.data,
                                          .n_prompt = study->prompts[index].ids.n};
    enum sw_code code = SW_OK;
    size_t n = 0, look_at = 1;
    bool goes_on = true;
    *out = NULL;
    sw_meter_set_read_at_tick(study->meters, SW_EDGE_WAIT_NS, &begin);
    while (goes_on && code == SW_OK) {
        struct sw_generation generation = {0};
        code = sw_engine_generate(study->engine, &request, &generation, err);
        sw_generation_free(&generation);
        n++;
        goes_on = n < MOST_TIMES && sw_clock_ns() - begin.end_ns < MOST_NS &&
                  (study->is_interrupted == NULL || !study->is_interrupted(study->ctx));
        if (n < look_at)
            continue;
        /* A reading without a wait leaves a tick more open than the last one will. */
        look_at = n * 2;
        sw_meter_set_read(study->meters, &end);
        goes_on = goes_on &&
                  sw_prefill_open_percent(study->meters, &begin, &end) > SW_PREFILL_OPEN_PERCENT;
    }
    if (code != SW_OK)
        return code;
    sw_meter_set_read_at_tick(study->meters, SW_EDGE_WAIT_NS, &end);
    *out = json_pack("{s:I, s:I, s:f, s:{s:o, s:o}, s:o}", "n", (json_int_t)n, "ns",
                     (json_int_t)(end.begin_ns - begin.end_ns), "open_percent",
                     sw_prefill_open_percent(study->meters, &begin, &end), "edges", "begin",
                     sw_phase_edge_to_json(study->meters, &begin), "end",
                     sw_phase_edge_to_json(study->meters, &end), "energy",
                     sw_phase_energy_to_json(study->meters, &begin, &end));
    return *out != NULL ? SW_OK : sw_fail(err, SW_ENOMEM, "prefill: out of memory");
}
