#include "meter/power.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* The integral. */

/* How much E is drawn towards an even power, once in each window. Noise of the readings then comes
 * to at most 1 / sqrt(1 - 0.95^2), 3.2 times that of one reading over the window; a step of power
 * is off by at most an eighth of this share of it. */
static const double drawn_share = 0.05;

static void remember(struct sw_power_integral *integral, int64_t ns, double uj)
{
    size_t i = integral->n_past++ % SW_POWER_HISTORY;
    integral->past[i].ns = ns;
    integral->past[i].uj = uj;
}

void sw_power_integral_begin(struct sw_power_integral *integral, uint64_t window_ns, uint64_t at_ns,
                             double watts)
{
    *integral = (struct sw_power_integral){.window_ns = window_ns,
                                           .first_ns = at_ns,
                                           .last_ns = at_ns,
                                           .first_watts = watts,
                                           .last_watts = watts,
                                           .watts_now = watts};
    remember(integral, -(int64_t)window_ns, -watts * (double)window_ns * 1e-3);
    remember(integral, 0, 0);
}

/* E at a moment of the past; after the latest reading power goes on as it was. */
static double past_uj(const struct sw_power_integral *integral, int64_t ns)
{
    int64_t after_ns = (int64_t)(integral->last_ns - integral->first_ns);
    double after_uj = integral->energy_uj;
    if (ns >= after_ns)
        return after_uj + integral->watts_now * (double)(ns - after_ns) * 1e-3;
    size_t n = integral->n_past < SW_POWER_HISTORY ? integral->n_past : SW_POWER_HISTORY;
    for (size_t k = 1; k <= n; k++) {
        size_t i = (integral->n_past - k) % SW_POWER_HISTORY;
        int64_t before_ns = integral->past[i].ns;
        double before_uj = integral->past[i].uj;
        if (before_ns <= ns) {
            double share = after_ns > before_ns
                               ? (double)(ns - before_ns) / (double)(after_ns - before_ns)
                               : 0;
            return before_uj + share * (after_uj - before_uj);
        }
        after_ns = before_ns;
        after_uj = before_uj;
    }
    return after_uj;
}

void sw_power_integral_add(struct sw_power_integral *integral, uint64_t at_ns, double watts)
{
    if (at_ns <= integral->last_ns)
        return;
    double step_ns = (double)(at_ns - integral->last_ns), step_uj;
    int64_t window_ns = (int64_t)integral->window_ns;
    int64_t now_ns = (int64_t)(at_ns - integral->first_ns);
    double plain_uj = (integral->last_watts + watts) / 2 * step_ns * 1e-3;
    integral->sum_uj += plain_uj;
    if (window_ns > 0) {
        double window_uj = watts * (double)window_ns * 1e-3;
        double exact_uj = past_uj(integral, now_ns - window_ns) + window_uj;
        double even_uj =
            integral->sum_uj + (window_uj - integral->first_watts * (double)window_ns * 1e-3) / 2;
        step_uj = exact_uj + drawn_share * (even_uj - exact_uj) - integral->energy_uj;
    } else {
        step_uj = plain_uj;
    }
    integral->watts_now = window_ns > 0 ? step_uj / step_ns * 1e3 : watts;
    integral->energy_uj += step_uj;
    integral->last_ns = at_ns;
    integral->last_watts = watts;
    int64_t kept_ns = integral->past[(integral->n_past - 1) % SW_POWER_HISTORY].ns;
    if (window_ns > 0 && now_ns - kept_ns >= window_ns / (SW_POWER_HISTORY / 2))
        remember(integral, now_ns, integral->energy_uj);
}

double sw_power_integral_uj(const struct sw_power_integral *integral, uint64_t at_ns)
{
    double since_ns = at_ns > integral->last_ns ? (double)(at_ns - integral->last_ns) : 0;
    return integral->energy_uj + integral->watts_now * since_ns * 1e-3;
}

/* The meter. */

struct power_meter {
    struct sw_power_source source;
    struct sw_power_integral integral;
    uint64_t reported_uj; /* the counter never goes back */
};

static bool read_source(const struct sw_power_source *source, double *watts, const char **problem)
{
    if (!source->read(source->state, watts, problem))
        return false;
    return *watts >= 0 && *watts <= SW_MAX_WATTS;
}

static bool power_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct power_meter *power = meter->state;
    const struct sw_power_source *source = &power->source;
    uint64_t now_ns = sw_clock_ns(), gap_ns = now_ns - power->integral.last_ns;
    if (gap_ns >= source->rest_ns) {
        double watts;
        if (!read_source(source, &watts, &meter->problem))
            return false;
        now_ns = sw_clock_ns();
        gap_ns = now_ns - power->integral.last_ns;
        if (gap_ns > source->gap_ns)
            meter->noted = SW_FAULT_UNSAMPLED;
        sw_power_integral_add(&power->integral, now_ns, watts);
    }
    double energy_uj = sw_power_integral_uj(&power->integral, now_ns);
    if (energy_uj > (double)power->reported_uj && energy_uj < 0x1p62)
        power->reported_uj = (uint64_t)(energy_uj + 0.5);
    *uj = power->reported_uj;
    *at_ns = now_ns;
    return true;
}

static void close_source(const struct sw_power_source *source)
{
    if (source->close != NULL)
        source->close(source->state);
}

static void power_close(struct sw_meter *meter)
{
    struct power_meter *power = meter->state;
    close_source(&power->source);
    free(power);
}

bool sw_set_add_power(struct sw_meter_set *set, const struct sw_meter_info *info,
                      const struct sw_power_source *source, const char **problem)
{
    double watts;
    *problem = "";
    struct power_meter *power = calloc(1, sizeof *power);
    uint64_t began_ns = sw_clock_ns();
    if (power == NULL)
        set->out_of_memory = true;
    else if (read_source(source, &watts, problem)) {
        power->source = *source;
        uint64_t now_ns = sw_clock_ns();
        sw_power_integral_begin(&power->integral, source->window_ns, now_ns, watts);
        struct sw_meter meter = {
            .info = *info, .read = power_read, .close = power_close, .state = power};
        meter.info.source = SW_SAMPLED;
        meter.info.read_ns = now_ns - began_ns;
        sw_set_add(set, &meter);
        return true;
    } else if ((*problem)[0] == 0) {
        *problem =
            sw_set_text(set, "%s%sgives no power now", info->path, info->path[0] != 0 ? ": " : "");
    }
    close_source(source);
    free(power);
    return false;
}
