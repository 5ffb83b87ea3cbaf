#include "meter/power_check.h"

#include <math.h>
#include <stdio.h>

/* NVML states 5 % for either, but some boards' sensors look for a quarter of the time only, which
 * made energies tens of per cent wrong under load that beats with them (Yang, Adamek and Armour,
 * SC24): what is further apart is no matter of precision. */
static const double tolerance = 0.30;

static const uint64_t mark_every_ns = 1000000000, gap_ns = 1000000000;

void sw_power_check_init(struct sw_power_check *check, uint64_t window_ns, uint64_t slack_ns)
{
    *check = (struct sw_power_check){.window_ns = window_ns, .slack_ns = slack_ns};
}

static void judge(struct sw_power_check *check, const struct sw_power_check_mark *now)
{
    const struct sw_power_check_mark *from = &check->marks[0];
    double seconds = (double)(now->ns - from->ns) * 1e-9;
    double counted_j = (double)(now->counter_uj - from->counter_uj) * 1e-6;
    double power_j = (now->power_uj - from->power_uj) * 1e-6;
    double most_watts = fmax(from->most_watts, counted_j / seconds);
    double open_j = tolerance * fmax(counted_j, power_j) +
                    most_watts * (double)check->slack_ns * 1e-9 + from->between_uj * 1e-6;
    check->disagrees = fabs(counted_j - power_j) > open_j;
    if (check->disagrees)
        snprintf(check->text, sizeof check->text,
                 "in %.3g s the counter rose by %.4g J, power came to %.4g J", seconds, counted_j,
                 power_j);
}

void sw_power_check_add(struct sw_power_check *check, uint64_t at_ns, uint64_t counter_uj,
                        double watts)
{
    bool goes_on = check->running && at_ns > check->integral.last_ns &&
                   at_ns - check->integral.last_ns <= gap_ns &&
                   (!check->has_marks || counter_uj >= check->marks[1].counter_uj);
    if (!goes_on) {
        sw_power_integral_begin(&check->integral, check->window_ns, at_ns, watts);
        check->running = true;
        check->has_marks = false;
        check->disagrees = false;
        return;
    }
    double watts_before = check->integral.watts_now, between_ns;
    between_ns = (double)(at_ns - check->integral.last_ns);
    sw_power_integral_add(&check->integral, at_ns, watts);
    /* Power may have stepped right behind the one reading or right before the other. */
    double between_uj = fabs(check->integral.watts_now - watts_before) * between_ns * 1e-3 / 2;
    for (int i = 0; i < 2; i++) {
        check->marks[i].most_watts = fmax(check->marks[i].most_watts, watts);
        check->marks[i].between_uj += between_uj;
    }
    /* A mean holds what came before the first reading. */
    if (at_ns - check->integral.first_ns < check->window_ns)
        return;
    struct sw_power_check_mark now = {.ns = at_ns,
                                      .counter_uj = counter_uj,
                                      .power_uj = sw_power_integral_uj(&check->integral, at_ns),
                                      .most_watts = watts};
    if (!check->has_marks) {
        check->marks[0] = check->marks[1] = now;
        check->has_marks = true;
        return;
    }
    if (at_ns - check->marks[0].ns >= mark_every_ns)
        judge(check, &now);
    if (at_ns - check->marks[1].ns >= mark_every_ns) {
        check->marks[0] = check->marks[1];
        check->marks[1] = now;
    }
}
