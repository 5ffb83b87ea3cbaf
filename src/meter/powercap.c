/*
 * RAPL through the powercap tree of Linux. A zone is a folder such as
 *
 *   /sys/class/powercap/
 *       intel-rapl:0         name=package-0   (multi-die: package-0-die-0, ...)
 *       intel-rapl:0:0       name=core        part of its package: ignored
 *       intel-rapl:0:1       name=dram        beside its package, though inside its folder
 *       intel-rapl:1         name=psys        holds the packages: the machine's, never added
 *       intel-rapl-mmio:0    name=package-0   the same counter by another way
 *
 * with energy_uj, which restarts at 0 after max_energy_range_uj. AMD's zones have the same names.
 * The tree is full of links to itself; a zone is known by its folder's inode and by its base name,
 * which the kernel makes unique.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/number.h"
#include "meter/file_meter.h"
#include "meter/machine.h"
#include "meter/package.h"
#include "meter/seen.h"
#include "meter/set.h"

enum { MAX_ZONES = 128, MAX_DEPTH = 4 };

/* Intel states no error; studies against external meters find a few per cent (energy and package
 * power correlate within that since Haswell, where RAPL began to measure rather than to model). */
static const double rapl_uncertainty_percent = 5;

enum kind { PACKAGE, DRAM, PSYS, PART }; /* PART: inside a package, never counted */

struct zone {
    char base[64];      /* "intel-rapl:0:1" */
    char name[48];      /* first line of its name file: "dram" */
    const char *folder; /* owned by the set */
    const char *path;   /* of energy_uj, owned by the set */
    enum kind kind;
    int interface_rank; /* 0 MSR, 1 MMIO, 2 others */
    bool twin;          /* another zone is the same counter, and is preferred */
    bool readable;
    bool denied;
    uint64_t first_uj, range_uj;
    const char *problem;         /* "" if readable */
    struct sw_counter_file file; /* open if readable, until a meter takes it */
};

struct tree {
    struct sw_meter_set *set;
    struct zone zones[MAX_ZONES];
    size_t count;
    size_t n_left_out; /* zones past MAX_ZONES */
    struct sw_seen seen;
};

static enum kind classify(const char *name)
{
    if (strncasecmp(name, "package", 7) == 0)
        return PACKAGE;
    if (strcasecmp(name, "dram") == 0)
        return DRAM;
    if (strncasecmp(name, "psys", 4) == 0)
        return PSYS;
    return PART;
}

static int interface_rank(const char *base)
{
    if (strncmp(base, "intel-rapl:", 11) == 0)
        return 0;
    return strncmp(base, "intel-rapl-mmio:", 16) == 0 ? 1 : 2;
}

/* Opens the counter and reads its range; fills problem if that fails. */
static void zone_open(struct tree *tree, struct zone *zone)
{
    struct sw_meter_set *set = tree->set;
    struct sw_error err;
    zone->file.fd = -1;
    zone->problem = "";
    if (sw_counter_file_open(&zone->file, zone->path, &zone->first_uj, &zone->denied, &err) !=
        SW_OK) {
        zone->problem = sw_set_text(set, "%s", err.text);
        return;
    }
    char line[64];
    const char *range_path = sw_set_text(set, "%s/max_energy_range_uj", zone->folder);
    uint64_t range = 0;
    /* Without its range a counter is taken never to wrap: going back is then an error, not a sum.
     */
    if (sw_file_first_line(line, sizeof line, range_path, NULL) == SW_OK)
        (void)sw_counter_parse(&range, line, strlen(line));
    zone->range_uj = range;
    if (range > 0 && zone->first_uj > range) {
        zone->problem = sw_set_text(set, "%s: %llu is more than its range of %llu uJ", zone->path,
                                    (unsigned long long)zone->first_uj, (unsigned long long)range);
        sw_counter_file_close(&zone->file);
        return;
    }
    zone->readable = true;
}

static void zone_add(struct tree *tree, const char *folder, const char *base)
{
    struct stat info;
    const char *path = sw_set_text(tree->set, "%s/energy_uj", folder);
    /* A link that leads nowhere is a counter that cannot be read, not one that is not there. */
    if (lstat(path, &info) != 0 || strlen(base) >= sizeof tree->zones[0].base)
        return;
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->zones[i].base, base) == 0)
            return;
    if (tree->count == MAX_ZONES) {
        tree->n_left_out++;
        return;
    }
    struct zone *zone = &tree->zones[tree->count];
    memset(zone, 0, sizeof *zone);
    zone->file.fd = -1;
    zone->problem = "";
    snprintf(zone->base, sizeof zone->base, "%s", base);
    zone->folder = folder;
    zone->path = path;
    zone->interface_rank = interface_rank(base);
    const char *name_path = sw_set_text(tree->set, "%s/name", folder);
    struct sw_error err;
    if (sw_file_first_line(zone->name, sizeof zone->name, name_path, &err) != SW_OK) {
        /* A zone at the top might be a package: to leave it out of a sum would be a wrong joule. */
        bool is_top = strchr(base, ':') == strrchr(base, ':');
        snprintf(zone->name, sizeof zone->name, "%.40s", base);
        zone->kind = is_top ? PACKAGE : PART;
        zone->problem = sw_set_text(tree->set, "%s", err.text);
        tree->count++;
        return;
    }
    for (char *c = zone->name; *c != 0; c++)
        if (strchr("-_.:", *c) == NULL && !(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'z') &&
            !(*c >= 'A' && *c <= 'Z'))
            *c = '?';
    zone->kind = classify(zone->name);
    tree->count++;
    if (zone->kind != PART)
        zone_open(tree, zone);
}

static int is_rapl(const struct dirent *entry)
{
    return strncmp(entry->d_name, "intel-rapl", 10) == 0;
}

/* Zones of this folder first, then what lies deeper: a zone is named by its shortest path. */
static void walk(struct tree *tree, const char *folder, int depth)
{
    if (depth > MAX_DEPTH || !sw_seen_is_new(&tree->seen, folder))
        return;
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_rapl, alphasort);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            const char *base = entries[i]->d_name;
            const char *path = sw_set_text(tree->set, "%s/%s", folder, base);
            if (pass == 0 && strchr(base, ':') != NULL)
                zone_add(tree, path, base);
            else if (pass == 1)
                walk(tree, path, depth + 1);
        }
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
}

static const struct zone *parent_of(const struct tree *tree, const struct zone *zone)
{
    const char *last = strrchr(zone->base, ':');
    size_t length = last != NULL ? (size_t)(last - zone->base) : 0;
    for (size_t i = 0; i < tree->count; i++)
        if (strlen(tree->zones[i].base) == length &&
            strncmp(tree->zones[i].base, zone->base, length) == 0)
            return &tree->zones[i];
    return NULL;
}

static const char *parent_name(const struct tree *tree, const struct zone *zone)
{
    const struct zone *parent = parent_of(tree, zone);
    return parent != NULL ? parent->name : "";
}

/* One counter reached through MSR and through MMIO: same name, same parent's name. Keeps what can
 * be read, and of two readable ones the MSR's. */
static void mark_twins(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        for (size_t k = 0; k < tree->count; k++) {
            struct zone *a = &tree->zones[i];
            const struct zone *b = &tree->zones[k];
            if (i == k || a->kind == PART || b->twin || a->interface_rank == b->interface_rank ||
                strcasecmp(a->name, b->name) != 0 ||
                strcasecmp(parent_name(tree, a), parent_name(tree, b)) != 0)
                continue;
            if (a->readable != b->readable ? b->readable : b->interface_rank < a->interface_rank)
                a->twin = true;
        }
}

/* Meters. */

/* "package-0" gives "0"; "package-1-die-0" gives "1-die-0". */
static const char *package_label(const char *name)
{
    const char *dash = strchr(name, '-');
    return dash != NULL ? dash + 1 : name;
}

/* "powercap:package-0", "powercap:dram-0"; with the folder's name where that is not unique. */
static const char *meter_name(struct tree *tree, const struct zone *zone)
{
    const char *parent = zone->kind == DRAM ? parent_name(tree, zone) : "";
    bool unique = !zone->twin;
    for (const struct zone *other = tree->zones; other < zone; other++)
        if (other->kind == zone->kind && !other->twin && strcasecmp(other->name, zone->name) == 0 &&
            strcasecmp(zone->kind == DRAM ? parent_name(tree, other) : "", parent) == 0)
            unique = false;
    return sw_set_text(tree->set, "powercap:%s%s%s%s%s", zone->name, parent[0] != 0 ? "-" : "",
                       parent[0] != 0 ? package_label(parent) : "", unique ? "" : "@",
                       unique ? "" : zone->base);
}

static const char *meter_scope(struct tree *tree, const struct zone *zone)
{
    switch (zone->kind) {
    case PACKAGE:
        return sw_set_text(tree->set, "package %s, idle power included", package_label(zone->name));
    case DRAM:
        return sw_set_text(tree->set, "dram of %s", parent_name(tree, zone));
    default:
        return sw_psys_scope;
    }
}

static enum sw_component component_of(enum kind kind)
{
    return kind == PACKAGE ? SW_CPU : kind == DRAM ? SW_RAM : SW_MACHINE;
}

static const char *enable_command(struct sw_meter_set *set)
{
    const char *root = sw_set_shell_word(set, set->root);
    return sw_set_text(set,
                       "sudo chgrp \"$(id -gn)\" %s/sys/class/powercap/*/energy_uj && "
                       "sudo chmod g+r %s/sys/class/powercap/*/energy_uj",
                       root, root);
}

/* Hands the zone's open file to a new meter. */
static size_t zone_to_meter(struct tree *tree, struct zone *zone, bool counted)
{
    return sw_set_add_counter_file(
        tree->set,
        &(struct sw_meter_info){
            .name = meter_name(tree, zone),
            .scope = meter_scope(tree, zone),
            .path = zone->path,
            .component = component_of(zone->kind),
            .source = SW_MEASURED,
            .counted = counted,
            .range_uj = zone->range_uj,
            .uncertainty_percent = zone->kind == PSYS ? 0 : rapl_uncertainty_percent,
            .formula = "",
        },
        &zone->file);
}

/* "package-0-die-1" and "package-0-die-0" are one package; so are two zones of one name. */
static bool same_package(const struct zone *a, const struct zone *b)
{
    size_t n = strcspn(package_label(a->name), "-"), m = strcspn(package_label(b->name), "-");
    return n == m && strncasecmp(package_label(a->name), package_label(b->name), n) == 0;
}

static size_t n_of_kind(const struct tree *tree, enum kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < tree->count; i++)
        n += tree->zones[i].kind == kind && !tree->zones[i].twin;
    return n;
}

/* All zones of a kind, or none: a sum that lacks a socket would be a wrong joule. */
static void add_kind(struct tree *tree, enum kind kind)
{
    struct sw_meter_set *set = tree->set;
    const struct zone *bad = NULL;
    size_t meters[MAX_ZONES], probes[MAX_ZONES];
    for (size_t i = 0; i < tree->count; i++) {
        const struct zone *zone = &tree->zones[i];
        if (zone->kind == kind && !zone->twin && !zone->readable && bad == NULL)
            bad = zone;
    }
    /* Another kind of meter may show the same counters, and be preferred. */
    bool is_second = kind != PSYS && sw_set_has_counted(set, component_of(kind));
    const char *why_not = kind == PSYS ? sw_set_why_not_psys(set, n_of_kind(tree, PSYS)) : "";
    bool counted = bad == NULL && tree->n_left_out == 0 && !is_second && why_not[0] == 0;
    for (size_t i = 0; i < tree->count; i++) {
        struct zone *zone = &tree->zones[i];
        if (zone->kind != kind)
            continue;
        const char *reason = zone->problem;
        const char *name = meter_name(tree, zone);
        const char *twin =
            kind == PSYS || is_second ? sw_set_twin(set, component_of(kind), name) : NULL;
        if (zone->readable && twin != NULL)
            reason = sw_set_twin_text(set, twin);
        else if (zone->twin)
            reason = "the same counter is read through another interface";
        else if (zone->readable && why_not[0] != 0)
            reason = why_not;
        else if (zone->readable && !counted)
            reason = "not counted, as another zone of its kind cannot be read";
        probes[i] = sw_set_probe(set, &(struct sw_meter_probe){
                                          .component = component_of(kind),
                                          .name = name,
                                          .path = zone->path,
                                          .found = zone->readable,
                                          .counted = zone->readable && counted && !zone->twin,
                                          .reason = reason,
                                          .enable = zone->denied ? enable_command(set) : "",
                                      });
        meters[i] = SIZE_MAX;
        if (!zone->readable || zone->twin || twin != NULL)
            continue;
        meters[i] = zone_to_meter(tree, zone, counted);
        for (size_t k = 0; k < i && kind == PACKAGE && meters[i] != SIZE_MAX; k++) {
            const struct zone *first = &tree->zones[k];
            if (first->kind != PACKAGE || first->twin || !first->readable ||
                meters[k] == SIZE_MAX || !same_package(first, zone))
                continue;
            if (sw_mirror_suspect(set, meters[k], first->first_uj, meters[i], zone->first_uj,
                                  probes[i]))
                break;
        }
    }
    if (bad != NULL)
        sw_set_reason(set, component_of(kind),
                      bad->denied ? sw_set_text(set, "%s; enable it with: %s", bad->problem,
                                                enable_command(set))
                                  : bad->problem);
    else if (tree->n_left_out > 0)
        sw_set_reason(set, component_of(kind),
                      sw_set_text(set, "more than %d powercap zones", MAX_ZONES));
    else
        sw_set_reason(set, component_of(kind), why_not);
}

/* No zone at all of a component: one probe that says what was looked for. */
static void note_missing(struct tree *tree, enum kind kind, const struct sw_machine *machine)
{
    struct sw_meter_set *set = tree->set;
    static const char *const wanted[] = {"package", "dram", "psys"};
    const char *folder = sw_set_path(set, "/sys/class/powercap");
    bool any = n_of_kind(tree, PACKAGE) > 0;
    const char *reason =
        any ? sw_set_text(set, "%s: this CPU has no %s zone", folder, wanted[kind])
        : sw_file_is_folder(folder)
            ? sw_set_text(set, "%s: holds no %s zone of intel-rapl", folder, wanted[kind])
            : sw_set_text(set, "%s: No such file or directory", folder);
    const char *enable = "";
    if (!any && machine->virtual_machine)
        reason = sw_set_text(set, "%s (a virtual machine: only its host can read RAPL)", reason);
    else if (!any && machine->arm)
        reason = sw_set_text(set, "%s (an arm CPU has no RAPL)", reason);
    else if (!any) /* where the CPU has no RAPL this changes nothing, and says so */
        enable = "sudo modprobe intel_rapl_msr";
    sw_set_probe(set,
                 &(struct sw_meter_probe){.component = component_of(kind),
                                          .name = sw_set_text(set, "powercap:%s", wanted[kind]),
                                          .path = folder,
                                          .reason = reason,
                                          .enable = enable});
    sw_set_reason(set, component_of(kind), reason);
}

void sw_powercap_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                      const struct sw_machine *machine)
{
    if (options->models_only) {
        for (size_t c = 0; c < SW_N_COMPONENTS; c++)
            set->reason[c] = "counters are left alone, models only";
        return;
    }
    struct tree *tree = calloc(1, sizeof *tree);
    if (tree == NULL) {
        set->out_of_memory = true;
        return;
    }
    tree->set = set;
    walk(tree, sw_set_path(set, "/sys/class/powercap"), 0);
    walk(tree, sw_set_path(set, "/sys/devices/virtual/powercap"), 0);
    mark_twins(tree);
    for (enum kind kind = PACKAGE; kind <= PSYS; kind++)
        if (n_of_kind(tree, kind) > 0)
            add_kind(tree, kind);
        else
            note_missing(tree, kind, machine);
    for (size_t i = 0; i < tree->count; i++)
        sw_counter_file_close(&tree->zones[i].file);
    free(tree);
}
