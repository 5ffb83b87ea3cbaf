/*
 * A laptop's batteries under /sys/class/power_supply, which see the whole machine while they feed
 * it alone: type Battery, scope not Device (that is a mouse), status Discharging, and no mains
 * online. Power is power_now in microwatts, or current_now times voltage_now (either may be
 * negative while discharging); where a battery gives neither, the charge it has left is the
 * counter: energy_now in microwatt-hours, or charge_now in microampere-hours at the voltage of the
 * moment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "meter/package.h"
#include "meter/power.h"
#include "meter/seen.h"

enum { MAX_SUPPLIES = 8, TEXT_BYTES = 32 };

/* The kernel keeps what ACPI's battery says for a second; embedded controllers take longer. */
static const uint64_t power_update_ns = 1000000000, charge_update_ns = 30000000000;
static const uint64_t rest_ns = 250000000, gap_ns = 5000000000;

/* Files that stay open; -1: the battery has none. */
struct cell {
    int status, power, current, voltage, energy, charge;
    const char *name; /* owned by the set */
};

struct battery {
    struct cell cells[MAX_SUPPLIES];
    size_t n_cells;
    int mains[MAX_SUPPLIES]; /* files `online` */
    size_t n_mains;
    double left_uj; /* at first, where there is no power */

    double used_uj;
    char problem[160];
};

static bool read_text(int fd, char text[TEXT_BYTES])
{
    ssize_t n;
    do
        n = fd >= 0 ? pread(fd, text, TEXT_BYTES - 1, 0) : -1;
    while (n < 0 && fd >= 0 && errno == EINTR);
    text[n > 0 ? n : 0] = 0;
    text[strcspn(text, "\r\n")] = 0;
    return n > 0;
}

/* Size of a value whose sign says which way it flows. */
static bool read_size(int fd, double *value)
{
    char text[TEXT_BYTES];
    int64_t number;
    if (!read_text(fd, text) ||
        !sw_parse_i64(&number, text, -INT64_C(1000000000000000), INT64_C(1000000000000000)))
        return false;
    *value = fabs((double)number);
    return true;
}

/* Whether the batteries, and they alone, feed the machine; why not in problem. */
static bool feeds_alone(struct battery *battery)
{
    char text[TEXT_BYTES];
    bool any = false;
    for (size_t i = 0; i < battery->n_mains; i++)
        if (read_text(battery->mains[i], text) && strcmp(text, "1") == 0) {
            snprintf(battery->problem, sizeof battery->problem,
                     "the mains feed the machine; batteries are a meter only while they alone do");
            return false;
        }
    for (size_t i = 0; i < battery->n_cells; i++) {
        const struct cell *cell = &battery->cells[i];
        if (!read_text(cell->status, text))
            snprintf(text, sizeof text, "unreadable");
        bool idle = strcmp(text, "Full") == 0 || strcmp(text, "Not charging") == 0;
        if (strcmp(text, "Discharging") == 0) {
            any = true;
        } else if (!idle) {
            for (char *c = text; *c != 0; c++)
                if (*c < ' ' || *c > '~')
                    *c = '?';
            snprintf(battery->problem, sizeof battery->problem,
                     "%.32s is %s; a battery is a meter only while it discharges", cell->name,
                     text);
            return false;
        }
    }
    if (!any)
        snprintf(battery->problem, sizeof battery->problem, "no battery discharges");
    return any;
}

static bool cell_watts(const struct cell *cell, double *watts)
{
    char status[TEXT_BYTES];
    double microwatts, microamperes, microvolts;
    *watts = 0;
    if (read_text(cell->status, status) && strcmp(status, "Discharging") != 0)
        return true;
    if (read_size(cell->power, &microwatts))
        *watts = microwatts * 1e-6;
    else if (read_size(cell->current, &microamperes) && read_size(cell->voltage, &microvolts))
        *watts = microamperes * microvolts * 1e-12;
    else
        return false;
    return true;
}

static bool battery_watts(void *state, double *watts, const char **problem)
{
    struct battery *battery = state;
    *problem = battery->problem;
    *watts = 0;
    if (!feeds_alone(battery))
        return false;
    for (size_t i = 0; i < battery->n_cells; i++) {
        double one;
        if (!cell_watts(&battery->cells[i], &one)) {
            snprintf(battery->problem, sizeof battery->problem,
                     "%.32s gives no power, nor current and voltage", battery->cells[i].name);
            return false;
        }
        *watts += one;
    }
    if (!(*watts > 0 && *watts <= SW_MAX_WATTS)) {
        snprintf(battery->problem, sizeof battery->problem, "%.4g W is no power of a machine",
                 *watts);
        return false;
    }
    return true;
}

/* What is left in all of them, in microjoules. */
static bool left_uj(struct battery *battery, double *uj)
{
    *uj = 0;
    for (size_t i = 0; i < battery->n_cells; i++) {
        const struct cell *cell = &battery->cells[i];
        double microwatt_hours, microampere_hours, microvolts;
        if (read_size(cell->energy, &microwatt_hours)) {
            *uj += microwatt_hours * 3600;
        } else if (read_size(cell->charge, &microampere_hours) &&
                   read_size(cell->voltage, &microvolts)) {
            *uj += microampere_hours * microvolts * 1e-6 * 3600;
        } else {
            snprintf(battery->problem, sizeof battery->problem,
                     "%.32s gives no energy, nor charge and voltage", cell->name);
            return false;
        }
    }
    return true;
}

/* Counts down what is left. The voltage of a charge sinks and rises with the load, so what is left
 * may rise for a moment: the counter then stands. */
static bool charge_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct battery *battery = meter->state;
    double now_uj;
    meter->problem = battery->problem;
    bool ok = feeds_alone(battery) && left_uj(battery, &now_uj);
    *at_ns = sw_clock_ns();
    if (!ok)
        return false;
    if (battery->left_uj - now_uj > battery->used_uj)
        battery->used_uj = battery->left_uj - now_uj;
    *uj = battery->used_uj < 0x1p62 ? (uint64_t)battery->used_uj : 0;
    return true;
}

static void close_battery(void *state)
{
    struct battery *battery = state;
    for (size_t i = 0; i < battery->n_cells; i++) {
        const struct cell *cell = &battery->cells[i];
        const int fds[] = {cell->status,  cell->power,  cell->current,
                           cell->voltage, cell->energy, cell->charge};
        for (size_t k = 0; k < sizeof fds / sizeof fds[0]; k++)
            if (fds[k] >= 0)
                close(fds[k]);
    }
    for (size_t i = 0; i < battery->n_mains; i++)
        close(battery->mains[i]);
    free(battery);
}

static void charge_close(struct sw_meter *meter)
{
    close_battery(meter->state);
}

static int open_file(struct sw_meter_set *set, const char *folder, const char *file)
{
    const char *path = sw_set_text(set, "%s/%s", folder, file);
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static bool line_is(struct sw_meter_set *set, const char *folder, const char *file,
                    const char *wanted)
{
    char line[TEXT_BYTES];
    const char *path = sw_set_text(set, "%s/%s", folder, file);
    return sw_file_first_line(line, sizeof line, path, NULL) == SW_OK && strcmp(line, wanted) == 0;
}

static void add_supply(struct sw_meter_set *set, struct battery *battery, const char *folder,
                       const char *name)
{
    if (line_is(set, folder, "type", "Mains") && battery->n_mains < MAX_SUPPLIES) {
        int fd = open_file(set, folder, "online");
        if (fd >= 0)
            battery->mains[battery->n_mains++] = fd;
    }
    if (!line_is(set, folder, "type", "Battery") || line_is(set, folder, "scope", "Device") ||
        battery->n_cells == MAX_SUPPLIES)
        return;
    struct cell *cell = &battery->cells[battery->n_cells++];
    *cell = (struct cell){.name = sw_set_text(set, "%s", name),
                          .status = open_file(set, folder, "status"),
                          .power = open_file(set, folder, "power_now"),
                          .current = open_file(set, folder, "current_now"),
                          .voltage = open_file(set, folder, "voltage_now"),
                          .energy = open_file(set, folder, "energy_now"),
                          .charge = open_file(set, folder, "charge_now")};
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strlen(entry->d_name) < 64;
}

static void find_supplies(struct sw_meter_set *set, struct battery *battery, const char *root)
{
    struct dirent **entries = NULL;
    struct sw_seen seen = {.n = 0};
    int n = scandir(root, &entries, is_visible, alphasort);
    for (int i = 0; i < n; i++) {
        const char *folder = sw_set_text(set, "%s/%s", root, entries[i]->d_name);
        if (sw_seen_is_new(&seen, folder))
            add_supply(set, battery, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static const char *battery_name(struct sw_meter_set *set, const struct battery *battery)
{
    const char *name = "battery:";
    for (size_t i = 0; i < battery->n_cells; i++)
        name = sw_set_text(set, "%s%s%s", name, i > 0 ? "+" : "", battery->cells[i].name);
    return name;
}

/* Takes the batteries over. Why they are no meter now, NULL where they are. */
static const char *add_meter(struct sw_meter_set *set, struct battery *battery,
                             struct sw_meter_info info)
{
    const char *problem = battery->problem;
    double watts, uj;
    bool has_power = true;
    for (size_t i = 0; i < battery->n_cells; i++)
        has_power = has_power && (battery->cells[i].power >= 0 || battery->cells[i].current >= 0);
    if (has_power) {
        info.tick_ns = power_update_ns;
        /* A text that outlives the batteries where they are no meter. */
        if (!battery_watts(battery, &watts, &problem))
            problem = sw_set_text(set, "%s", problem);
        else if (sw_set_add_power(set, &info,
                                  &(struct sw_power_source){.read = battery_watts,
                                                            .close = close_battery,
                                                            .state = battery,
                                                            .rest_ns = rest_ns,
                                                            .gap_ns = gap_ns},
                                  &problem))
            return NULL;
        else
            return "stopped discharging";
    } else if (feeds_alone(battery) && left_uj(battery, &uj)) {
        battery->left_uj = uj;
        info.tick_ns = charge_update_ns;
        sw_set_add(set,
                   &(struct sw_meter){
                       .info = info, .read = charge_read, .close = charge_close, .state = battery});
        return NULL;
    } else {
        problem = sw_set_text(set, "%s", battery->problem);
    }
    close_battery(battery);
    return problem;
}

void sw_battery_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                     const struct sw_machine *machine)
{
    (void)machine;
    const char *root = sw_set_path(set, "/sys/class/power_supply");
    if (options->models_only)
        return;
    struct battery *battery = calloc(1, sizeof *battery);
    if (battery == NULL) {
        set->out_of_memory = true;
        return;
    }
    find_supplies(set, battery, root);
    if (battery->n_cells == 0) { /* most machines have none, and need not be told */
        close_battery(battery);
        return;
    }
    struct sw_meter_info info = {.name = battery_name(set, battery),
                                 .scope = "whole machine, as its battery feeds it",
                                 .path = root,
                                 .component = SW_MACHINE,
                                 .source = SW_MEASURED,
                                 .counted = !sw_set_has_counted(set, SW_MACHINE),
                                 .formula = ""};
    const char *name = info.name;
    bool counted = info.counted;
    const char *problem = add_meter(set, battery, info);
    const char *preferred = counted ? ""
                                    : sw_set_text(set, "listed, not counted: another meter of "
                                                       "the machine is preferred");
    sw_set_probe(set, &(struct sw_meter_probe){.component = SW_MACHINE,
                                               .name = name,
                                               .path = root,
                                               .found = problem == NULL,
                                               .counted = problem == NULL && counted,
                                               .reason = problem != NULL ? problem : preferred,
                                               .enable = ""});
    /* A battery that is there says more than a psys that is not. */
    if (counted)
        set->reason[SW_MACHINE] = problem != NULL ? sw_set_text(set, "%s: %s", name, problem) : "";
}
