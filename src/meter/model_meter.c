/*
 * A law that is not linear in the load makes the length of the interval matter: energy is
 * integrated read by read, with the busy share of all logical CPUs between two reads. /proc/stat
 * counts in ticks of 10 ms. Until an interval holds two ticks per CPU it is charged with the last
 * share known, and corrected when it does; the counter never goes back.
 */
#include "meter/model_meter.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

struct model {
    struct sw_power_law law;
    uint64_t at_ns; /* energy_uj belongs to this moment */
    double energy_uj;
    uint64_t reported_uj; /* last counter given out */
    int stat_fd;          /* /proc/stat; -1: a constant */
    uint64_t busy, all;   /* its ticks at at_ns */
    double utilisation;   /* last known */
    uint64_t min_ticks;
};

static double model_uj(const struct model *model, uint64_t ns)
{
    return model->law.watts(&model->law, model->utilisation) * model->law.share * (double)ns / 1e3;
}

static bool report(struct model *model, double energy_uj, uint64_t *uj)
{
    uint64_t now_uj = energy_uj < 0x1p63 ? (uint64_t)llround(energy_uj) : model->reported_uj;
    if (now_uj > model->reported_uj)
        model->reported_uj = now_uj;
    *uj = model->reported_uj;
    return true;
}

static bool constant_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct model *model = meter->state;
    *at_ns = sw_clock_ns();
    return report(model, model_uj(model, *at_ns - model->at_ns), uj);
}

static bool read_ticks(const struct model *model, uint64_t *busy, uint64_t *all)
{
    char line[256];
    struct sw_cpu_times times;
    ssize_t n = pread(model->stat_fd, line, sizeof line - 1, 0);
    if (n <= 0)
        return false;
    line[n] = 0;
    line[strcspn(line, "\n")] = 0;
    if (!sw_power_parse_times(&times, line))
        return false;
    *busy = times.busy + (model->law.stolen_is_busy ? times.stolen : 0);
    *all = times.all;
    return true;
}

static bool load_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct model *model = meter->state;
    uint64_t busy, all;
    bool ok = read_ticks(model, &busy, &all);
    *at_ns = sw_clock_ns();
    if (!ok)
        return false;
    uint64_t elapsed_ns = *at_ns - model->at_ns;
    if (all < model->all || busy < model->busy || all - model->all < busy - model->busy) {
        /* Idle time of the kernel's own making goes back now and then: start anew, keep the load.
         */
        model->busy = busy;
        model->all = all;
    }
    uint64_t ticks = all - model->all;
    bool is_load = ticks >= model->min_ticks;
    if (is_load)
        model->utilisation = (double)(busy - model->busy) / (double)ticks;
    double energy_uj = model->energy_uj + model_uj(model, elapsed_ns);
    if (is_load && elapsed_ns >= model->law.sample_ns) {
        model->energy_uj = energy_uj;
        model->at_ns = *at_ns;
        model->busy = busy;
        model->all = all;
    }
    return report(model, energy_uj, uj);
}

static void model_close(struct sw_meter *meter)
{
    struct model *model = meter->state;
    if (model->stat_fd >= 0)
        close(model->stat_fd);
    free(model);
}

void sw_model_refuse(struct sw_meter_set *set, enum sw_component component, const char *name,
                     const char *reason)
{
    sw_set_probe(
        set, &(struct sw_meter_probe){
                 .component = component, .name = name, .path = "", .reason = reason, .enable = ""});
    const char *missing = set->reason[component];
    set->reason[component] =
        sw_set_text(set, "%s%s%s", missing, missing[0] != 0 ? "; " : "", reason);
}

void sw_model_add(struct sw_meter_set *set, const struct sw_meter_info *info,
                  const struct sw_power_law *law, const char *stat_path, unsigned n_logical,
                  const char *reason)
{
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        set->out_of_memory = true;
        return;
    }
    model->law = *law;
    model->stat_fd = -1;
    if (law->follows_load) {
        model->stat_fd = open(stat_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (model->stat_fd < 0 || !read_ticks(model, &model->busy, &model->all)) {
            if (model->stat_fd >= 0)
                close(model->stat_fd);
            free(model);
            sw_model_refuse(
                set, info->component, info->name,
                sw_set_text(set, "%s holds no line of CPU times, so no load is known", stat_path));
            return;
        }
        model->min_ticks = 2 * (uint64_t)n_logical;
        model->utilisation = 1.0 / n_logical; /* this program's own thread, until more is known */
    }
    model->at_ns = sw_clock_ns();
    struct sw_meter meter = {.info = *info,
                             .read = law->follows_load ? load_read : constant_read,
                             .close = model_close,
                             .state = model};
    meter.info.source = SW_MODELLED;
    meter.info.counted = true;
    meter.info.path = "";
    sw_set_add(set, &meter);
    sw_set_probe(set, &(struct sw_meter_probe){.component = info->component,
                                               .name = info->name,
                                               .path = "",
                                               .found = true,
                                               .counted = true,
                                               .reason = reason,
                                               .enable = ""});
    const char *missing = set->reason[info->component];
    set->reason[info->component] =
        sw_set_text(set, "%s%smodelled: %s", missing, missing[0] != 0 ? "; " : "", reason);
}
