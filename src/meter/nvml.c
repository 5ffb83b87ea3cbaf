/*
 * The energy of NVIDIA GPUs through the driver's own library, loaded at run time. Volta and newer
 * count: nvmlDeviceGetTotalEnergyConsumption gives millijoules of the whole board since the driver
 * was loaded. Where there is no counter, power is integrated, and what a reading of power means
 * depends on the chip (NVML's manual): the mean over 1 s on Ampere (except GA100) and newer,
 * instantaneous before. Declared here is the little of its stable binary interface that is used.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/library.h"
#include "meter/power_check.h"

typedef int nvml_return; /* 0 is success; the numbers are fixed by NVML's interface */
typedef struct nvml_device *nvml_device;
enum { NVML_NOT_SUPPORTED = 3, NVML_NO_PERMISSION = 4, NVML_DRIVER_NOT_LOADED = 9 };
enum { NAME_BYTES = 96, MAX_GPUS = 64 };
enum { NVML_CLOCK_SM = 1, NVML_CLOCK_MEMORY = 2, NVML_TEMPERATURE_GPU = 0 };

/* One value by its number, as NVML lays it out. */
struct nvml_field {
    unsigned id, scope;
    long long timestamp_us, latency_us;
    unsigned value_type;
    nvml_return result;
    union {
        unsigned u32;
        unsigned long long u64;
    } value;
};
enum {
    NVML_POLICY_POWER = 74,   /* nanoseconds that clocks were lowered for the power limit, */
    NVML_POLICY_THERMAL = 75, /* for heat */
    NVML_POWER_AVERAGE = 185,
    NVML_POWER_INSTANT = 186,
};

/* NVML's manual: power readings within 5 %. */
static const double nvml_uncertainty_percent = 5;

/* Counters move every 20 to 100 ms, sensors every 25 to 100 ms. */
static const uint64_t slowest_update_ns = 100000000;
static const uint64_t average_ns = 1000000000;
/* Power beside the counter is asked no more often. */
static const uint64_t check_rest_ns = 25000000;
/* Further apart, readings of power are a guess of what was in between. */
static const uint64_t power_gap_ns = 1000000000;

struct nvml {
    void *library;
    nvml_return (*init)(void);
    nvml_return (*shutdown)(void);
    nvml_return (*count)(unsigned *count);
    nvml_return (*handle)(unsigned index, nvml_device *device);
    nvml_return (*energy)(nvml_device device, unsigned long long *millijoules);
    /* These may be NULL: older drivers lack them. */
    nvml_return (*name)(nvml_device device, char *name, unsigned size);
    nvml_return (*power)(nvml_device device, unsigned *milliwatts);
    nvml_return (*fields)(nvml_device device, int n, struct nvml_field *fields);
    nvml_return (*capability)(nvml_device device, int *major, int *minor);
    nvml_return (*architecture)(nvml_device device, unsigned *number);
    nvml_return (*clock)(nvml_device device, int domain, unsigned *mhz);
    nvml_return (*power_limit)(nvml_device device, unsigned *milliwatts);
    nvml_return (*temperature)(nvml_device device, int sensor, unsigned *degrees);
    bool initialised;
    nvml_device used; /* the board that the work runs on; NULL: none */
};

/* What a reading of power is. */
enum averaging { UNKNOWN, INSTANTANEOUS, AVERAGED };

struct board {
    struct nvml *nvml; /* of the set, lives longer */
    nvml_device device;
    unsigned power_field; /* 0: nvmlDeviceGetPowerUsage */
    enum averaging averaging;
    bool has_check; /* it has a counter, and tells its power as well */
    uint64_t asked_ns;
    struct sw_power_check check;
};

static const char *result_text(nvml_return result)
{
    switch (result) {
    case NVML_NOT_SUPPORTED:
        return "not supported by this GPU";
    case NVML_NO_PERMISSION:
        return "no permission";
    case NVML_DRIVER_NOT_LOADED:
        return "the driver is not loaded";
    default:
        return "failed";
    }
}

/* Loads and initialises; NULL and *problem where that fails. */
static struct nvml *load(struct sw_meter_set *set, const char *path, const char **problem)
{
    struct nvml *nvml = calloc(1, sizeof *nvml);
    if (nvml == NULL) {
        set->out_of_memory = true;
        *problem = "out of memory";
        return NULL;
    }
    set->nvml = nvml;
    const struct sw_library_symbol symbols[] = {
        {"nvmlInit_v2", "nvmlInit", &nvml->init, false},
        {"nvmlShutdown", NULL, &nvml->shutdown, false},
        {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount", &nvml->count, false},
        {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex", &nvml->handle, false},
        {"nvmlDeviceGetTotalEnergyConsumption", NULL, &nvml->energy, true},
        {"nvmlDeviceGetName", NULL, &nvml->name, true},
        {"nvmlDeviceGetPowerUsage", NULL, &nvml->power, true},
        {"nvmlDeviceGetFieldValues", NULL, &nvml->fields, true},
        {"nvmlDeviceGetCudaComputeCapability", NULL, &nvml->capability, true},
        {"nvmlDeviceGetArchitecture", NULL, &nvml->architecture, true},
        {"nvmlDeviceGetClockInfo", NULL, &nvml->clock, true},
        {"nvmlDeviceGetEnforcedPowerLimit", NULL, &nvml->power_limit, true},
        {"nvmlDeviceGetTemperature", NULL, &nvml->temperature, true},
    };
    nvml->library =
        sw_library_open(set, path, symbols, sizeof symbols / sizeof symbols[0], problem);
    if (nvml->library == NULL)
        return NULL;
    nvml_return result = nvml->init();
    if (result != 0) {
        *problem = sw_set_text(set, "%s: nvmlInit_v2: %s (%d)", path, result_text(result), result);
        return NULL;
    }
    nvml->initialised = true;
    return nvml;
}

void sw_nvml_close(struct sw_meter_set *set)
{
    struct nvml *nvml = set->nvml;
    if (nvml == NULL)
        return;
    if (nvml->initialised)
        nvml->shutdown();
    sw_library_close(nvml->library);
    free(nvml);
    set->nvml = NULL;
}

/* A number of the driver's, times a unit; -1: not told. */
static int64_t told(nvml_return result, unsigned value, int64_t unit)
{
    return result == 0 && value != UINT_MAX ? (int64_t)value * unit : -1;
}

static int64_t clock_hz(const struct nvml *nvml, int domain)
{
    unsigned mhz = 0;
    nvml_return result =
        nvml->clock != NULL ? nvml->clock(nvml->used, domain, &mhz) : NVML_NOT_SUPPORTED;
    return told(result, mhz, 1000000);
}

/* Nanoseconds of one reason to lower clocks, since the driver was loaded. */
static int64_t policy_ns(const struct nvml *nvml, unsigned id)
{
    struct nvml_field field = {.id = id};
    if (nvml->fields == NULL || nvml->fields(nvml->used, 1, &field) != 0 || field.result != 0 ||
        field.value.u64 > INT64_MAX)
        return -1;
    return (int64_t)field.value.u64;
}

bool sw_meter_set_gpu_state(struct sw_meter_set *set, struct sw_gpu_state *out)
{
    const struct nvml *nvml = set->nvml;
    unsigned milliwatts = 0, degrees = 0;
    if (nvml == NULL || nvml->used == NULL)
        return false;
    out->clock_hz = clock_hz(nvml, NVML_CLOCK_SM);
    out->memory_clock_hz = clock_hz(nvml, NVML_CLOCK_MEMORY);
    nvml_return result =
        nvml->power_limit != NULL ? nvml->power_limit(nvml->used, &milliwatts) : NVML_NOT_SUPPORTED;
    out->power_limit_mw = told(result, milliwatts, 1);
    result = nvml->temperature != NULL
                 ? nvml->temperature(nvml->used, NVML_TEMPERATURE_GPU, &degrees)
                 : NVML_NOT_SUPPORTED;
    out->temperature_mc = result == 0 && degrees <= 200 ? (int64_t)degrees * 1000 : INT64_MIN;
    out->power_capped_ns = policy_ns(nvml, NVML_POLICY_POWER);
    out->throttled_ns = policy_ns(nvml, NVML_POLICY_THERMAL);
    return true;
}

static bool board_energy_uj(const struct board *board, uint64_t *uj, nvml_return *result)
{
    unsigned long long millijoules = 0;
    *result = board->nvml->energy != NULL ? board->nvml->energy(board->device, &millijoules)
                                          : NVML_NOT_SUPPORTED;
    return *result == 0 && !__builtin_mul_overflow((uint64_t)millijoules, UINT64_C(1000), uj) &&
           *uj <= INT64_MAX; /* what a JSON integer holds */
}

/* Power, where energy is not counted, and to check the counter by. */

static bool board_power(void *state, double *watts, const char **problem)
{
    const struct board *board = state;
    struct nvml_field field = {.id = board->power_field};
    unsigned milliwatts = 0;
    nvml_return result;
    (void)problem;
    if (field.id != 0) {
        result = board->nvml->fields(board->device, 1, &field);
        if (result == 0)
            result = field.result;
        milliwatts = field.value.u32;
    } else {
        result = board->nvml->power(board->device, &milliwatts);
    }
    *watts = milliwatts * 1e-3;
    return result == 0;
}

/* What nvmlDeviceGetPowerUsage means by the chip: a mean on Ampere and newer, but for GA100, whose
 * compute capability is 8.0. NVML numbers architectures too, Ampere is 7, but has one for both. */
static enum averaging averaging_of(const struct board *board, const char *name)
{
    const struct nvml *nvml = board->nvml;
    int major = 0, minor = 0;
    unsigned architecture = 0;
    if (nvml->capability != NULL && nvml->capability(board->device, &major, &minor) == 0 &&
        major > 0)
        return major > 8 || (major == 8 && minor > 0) ? AVERAGED : INSTANTANEOUS;
    if (nvml->architecture == NULL || nvml->architecture(board->device, &architecture) != 0 ||
        architecture == 0 || architecture == UINT_MAX)
        return UNKNOWN;
    bool is_ga100 =
        strstr(name, "A100") != NULL || strstr(name, "A30") != NULL || strstr(name, "A800") != NULL;
    return architecture > 7 || (architecture == 7 && !is_ga100) ? AVERAGED : INSTANTANEOUS;
}

/* Tells which reading of power the board has, and over how long it is a mean: 0 where it is none,
 * or nobody says. */
static bool choose_power(struct board *board, const char *name, uint64_t *window_ns,
                         const char **basis)
{
    static const char *const bases[] = {
        [UNKNOWN] = "power integrated; the driver does not say over how long a reading is a mean",
        [INSTANTANEOUS] = "power integrated, instantaneous readings",
        [AVERAGED] = "power integrated, its mean over 1 s undone",
    };
    static const unsigned fields[] = {NVML_POWER_AVERAGE, NVML_POWER_INSTANT, 0};
    double watts;
    const char *problem;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        board->power_field = fields[i];
        if ((fields[i] != 0 ? board->nvml->fields == NULL : board->nvml->power == NULL) ||
            !board_power(board, &watts, &problem))
            continue;
        board->averaging = fields[i] == NVML_POWER_AVERAGE   ? AVERAGED
                           : fields[i] == NVML_POWER_INSTANT ? INSTANTANEOUS
                                                             : averaging_of(board, name);
        *window_ns = board->averaging == AVERAGED ? average_ns : 0;
        *basis = bases[board->averaging];
        return true;
    }
    return false;
}

/* The counter, held against power. */
static bool board_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct board *board = meter->state;
    nvml_return result;
    double watts;
    const char *problem;
    bool ok = board_energy_uj(board, uj, &result);
    *at_ns = sw_clock_ns();
    meter->problem = NULL;
    if (!ok || !board->has_check)
        return ok;
    if (*at_ns - board->asked_ns >= check_rest_ns) {
        board->asked_ns = *at_ns;
        if (board_power(board, &watts, &problem) && watts >= 0 && watts <= SW_MAX_WATTS)
            sw_power_check_add(&board->check, *at_ns, *uj, watts);
    }
    if (board->check.text[0] != 0)
        meter->problem = board->check.text;
    if (board->check.disagrees)
        meter->noted = SW_FAULT_DISAGREES;
    return true;
}

/* Counter and sensor are updated every 100 ms at most each, and a reading is up to half of that
 * late; a mean over an unknown time is late by that. */
static void begin_check(struct board *board, const char *name)
{
    uint64_t window_ns = 0;
    const char *basis;
    board->has_check = choose_power(board, name, &window_ns, &basis);
    uint64_t slack_ns = 3 * slowest_update_ns;
    if (board->averaging == UNKNOWN)
        slack_ns += average_ns;
    sw_power_check_init(&board->check, window_ns, slack_ns);
}

/* Takes the board over. False where it gives no power either. */
static bool add_power(struct sw_meter_set *set, struct board *board, struct sw_meter_info info,
                      const char *name, const char **basis)
{
    const char *problem;
    uint64_t window_ns = 0;
    if (!choose_power(board, name, &window_ns, basis)) {
        free(board);
        return false;
    }
    info.name = sw_set_text(set, "%s-power", info.name);
    /* What a reading misses at an edge is what happened since the sensor was updated; where a mean
     * over an unknown time is read as if it were none, half of that time. */
    info.tick_ns = board->averaging != UNKNOWN ? slowest_update_ns : average_ns;
    return sw_set_add_power(set, &info,
                            &(struct sw_power_source){.read = board_power,
                                                      .close = free,
                                                      .state = board,
                                                      .window_ns = window_ns,
                                                      .gap_ns = power_gap_ns},
                            &problem);
}

/* Adds GPU index. Why it is not measured by its counter, "" where it is. */
static const char *add_board(struct sw_meter_set *set, struct nvml *nvml, const char *path,
                             unsigned index, bool counted)
{
    struct sw_meter_info info = {.name = sw_set_text(set, "nvml:%u", index),
                                 .scope = "board",
                                 .path = path,
                                 .component = SW_GPU,
                                 .source = SW_MEASURED,
                                 .counted = counted,
                                 .tick_ns = slowest_update_ns,
                                 .uncertainty_percent = nvml_uncertainty_percent,
                                 .formula = ""};
    const char *problem = "", *basis = "";
    struct board *board = malloc(sizeof *board);
    if (board == NULL) {
        set->out_of_memory = true;
        return "";
    }
    *board = (struct board){.nvml = nvml};
    nvml_return result = nvml->handle(index, &board->device);
    if (result == 0 && counted)
        nvml->used = board->device;
    bool found = false;
    uint64_t uj;
    if (result != 0) {
        problem = sw_set_text(set, "GPU %u: %s (%d)", index, result_text(result), result);
        free(board);
    } else {
        char name[NAME_BYTES] = "";
        if (nvml->name != NULL && nvml->name(board->device, name, sizeof name) == 0)
            info.scope = sw_set_text(set, "board (%.*s)", (int)strnlen(name, sizeof name), name);
        found = board_energy_uj(board, &uj, &result);
        if (found) {
            begin_check(board, name);
            sw_set_add(set, &(struct sw_meter){.info = info,
                                               .read = board_read,
                                               .close = sw_meter_free_state,
                                               .state = board});
        } else {
            problem =
                sw_set_text(set, "GPU %u has no energy counter: %s (%d)", index,
                            result == 0 ? "its value overflows" : result_text(result), result);
            found = add_power(set, board, info, name, &basis);
            if (found) {
                info.name = sw_set_text(set, "%s-power", info.name);
                problem = sw_set_text(set, "%s; %s", problem, basis);
            }
        }
    }
    sw_set_probe(set, &(struct sw_meter_probe){
                          .component = SW_GPU,
                          .name = info.name,
                          .path = path,
                          .found = found,
                          .counted = found && counted,
                          .reason = problem[0] != 0 ? problem
                                    : counted       ? ""
                                              : "listed, not counted: the work does not run on it",
                          .enable = "",
                      });
    return problem;
}

static void note_missing(struct sw_meter_set *set, const char *path, const char *reason)
{
    sw_library_note_missing(set, "nvml", path, reason, "");
    set->reason[SW_GPU] = reason;
}

void sw_nvml_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                  const struct sw_machine *machine)
{
    (void)machine;
    if (options->models_only) {
        set->reason[SW_GPU] = "counters are left alone, and a GPU is not modelled";
        return;
    }
    static const char library[] = "libnvidia-ml.so.1";
    const char *problem = "";
    const char *path = sw_library_path(set, "SMOLWATT_NVML", library, &problem);
    if (path == NULL) {
        note_missing(set, library, problem);
        return;
    }
    struct nvml *nvml = load(set, path, &problem);
    if (nvml == NULL) {
        note_missing(set, path, problem);
        return;
    }
    unsigned count = 0;
    nvml_return result = nvml->count(&count);
    if (result != 0 || count == 0) {
        note_missing(set, path,
                     result != 0 ? sw_set_text(set, "%s: GPUs cannot be counted: %s (%d)", path,
                                               result_text(result), result)
                                 : sw_set_text(set, "%s: no GPU", path));
        return;
    }
    set->reason[SW_GPU] = sw_library_gpu_unused;
    if (options->use_gpu && options->gpu >= count)
        note_missing(set, path, sw_library_gpu_absent(set, options->gpu, path, count));
    for (unsigned i = 0; i < count && i < MAX_GPUS; i++) {
        bool chosen = options->use_gpu && i == options->gpu;
        problem = add_board(set, nvml, path, i, chosen);
        if (chosen)
            set->reason[SW_GPU] = problem;
    }
}
