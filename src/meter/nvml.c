/*
 * The energy counter of NVIDIA GPUs (Volta and newer) through the driver's own library, loaded at
 * run time: nvmlDeviceGetTotalEnergyConsumption gives millijoules of the whole board since the
 * driver was loaded. Declared here is the little of its stable binary interface that is used.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/set.h"

typedef int nvml_return; /* 0 is success; the numbers are fixed by NVML's interface */
typedef struct nvml_device *nvml_device;
enum { NVML_NOT_SUPPORTED = 3, NVML_NO_PERMISSION = 4, NVML_DRIVER_NOT_LOADED = 9 };
enum { NAME_BYTES = 96, MAX_GPUS = 64 };

/* NVML's manual: power readings within 5 %. */
static const double nvml_uncertainty_percent = 5;

struct nvml {
    void *library;
    nvml_return (*init)(void);
    nvml_return (*shutdown)(void);
    nvml_return (*count)(unsigned *count);
    nvml_return (*handle)(unsigned index, nvml_device *device);
    nvml_return (*energy)(nvml_device device, unsigned long long *millijoules);
    nvml_return (*name)(nvml_device device, char *name, unsigned size); /* may be NULL */
    bool initialised;
};

struct board {
    struct nvml *nvml; /* of the set, lives longer */
    nvml_device device;
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

/* By its name, else by that of the first version, which has no "_v2". */
static bool find_symbol(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    size_t length = strlen(name);
    if (symbol == NULL && length > 3 && strcmp(name + length - 3, "_v2") == 0) {
        char first[64];
        snprintf(first, sizeof first, "%.*s", (int)(length - 3), name);
        symbol = dlsym(library, first);
    }
    /* The copy turns an object pointer into a function pointer, as POSIX allows for dlsym. */
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
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
    nvml->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (nvml->library == NULL) {
        const char *text = dlerror();
        *problem = sw_set_text(set, "%s", text != NULL ? text : path);
        return NULL;
    }
    const struct {
        const char *name;
        void *function;
    } symbols[] = {
        {"nvmlInit_v2", &nvml->init},
        {"nvmlShutdown", &nvml->shutdown},
        {"nvmlDeviceGetCount_v2", &nvml->count},
        {"nvmlDeviceGetHandleByIndex_v2", &nvml->handle},
        {"nvmlDeviceGetTotalEnergyConsumption", &nvml->energy},
    };
    (void)find_symbol(nvml->library, "nvmlDeviceGetName", &nvml->name);
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
        if (!find_symbol(nvml->library, symbols[i].name, symbols[i].function)) {
            *problem = sw_set_text(set, "%s: has no %s", path, symbols[i].name);
            return NULL;
        }
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
    if (nvml->library != NULL)
        dlclose(nvml->library);
    free(nvml);
    set->nvml = NULL;
}

static bool board_energy_uj(const struct board *board, uint64_t *uj, nvml_return *result)
{
    unsigned long long millijoules = 0;
    *result = board->nvml->energy(board->device, &millijoules);
    return *result == 0 && !__builtin_mul_overflow((uint64_t)millijoules, UINT64_C(1000), uj) &&
           *uj <= INT64_MAX; /* what a JSON integer holds */
}

static bool board_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    nvml_return result;
    bool ok = board_energy_uj(meter->state, uj, &result);
    *at_ns = sw_clock_ns();
    return ok;
}

static void board_close(struct sw_meter *meter)
{
    free(meter->state);
}

/* Adds GPU index; problem becomes why it has no counter, or stays "". */
static void add_board(struct sw_meter_set *set, struct nvml *nvml, const char *path, unsigned index,
                      bool counted, const char **problem)
{
    const char *label = sw_set_text(set, "nvml:%u", index);
    const char *scope = "board";
    struct board *board = malloc(sizeof *board);
    if (board == NULL) {
        set->out_of_memory = true;
        return;
    }
    *board = (struct board){.nvml = nvml};
    nvml_return result = nvml->handle(index, &board->device);
    uint64_t uj;
    if (result != 0) {
        *problem = sw_set_text(set, "GPU %u: %s (%d)", index, result_text(result), result);
    } else {
        char name[NAME_BYTES] = "";
        if (nvml->name != NULL && nvml->name(board->device, name, sizeof name) == 0)
            scope = sw_set_text(set, "board (%.*s)", (int)strnlen(name, sizeof name), name);
        if (!board_energy_uj(board, &uj, &result))
            *problem =
                sw_set_text(set, "GPU %u has no energy counter: %s (%d)", index,
                            result == 0 ? "its value overflows" : result_text(result), result);
    }
    bool found = (*problem)[0] == 0;
    sw_set_probe(set, &(struct sw_meter_probe){
                          .component = SW_GPU,
                          .name = label,
                          .path = path,
                          .found = found,
                          .counted = found && counted,
                          .reason = !found    ? *problem
                                    : counted ? ""
                                              : "listed, not counted: the work does not run on it",
                          .enable = "",
                      });
    if (!found) {
        free(board);
        return;
    }
    sw_set_add(set, &(struct sw_meter){
                        .info = {.name = label,
                                 .scope = scope,
                                 .path = path,
                                 .component = SW_GPU,
                                 .source = SW_MEASURED,
                                 .counted = counted,
                                 .uncertainty_percent = nvml_uncertainty_percent,
                                 .formula = ""},
                        .read = board_read,
                        .close = board_close,
                        .state = board,
                    });
}

static void note_missing(struct sw_meter_set *set, const char *path, const char *reason)
{
    sw_set_probe(
        set,
        &(struct sw_meter_probe){
            .component = SW_GPU, .name = "nvml", .path = path, .reason = reason, .enable = ""});
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
    const char *path = getenv("SMOLWATT_NVML");
    if (path == NULL || path[0] == 0) {
        path = "libnvidia-ml.so.1";
        if (set->root[0] != 0) {
            note_missing(set, path,
                         "a GPU of the real machine is not read below another root (SMOLWATT_NVML "
                         "names a library that is)");
            return;
        }
    }
    path = sw_set_text(set, "%s", path);
    const char *problem = "";
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
    set->reason[SW_GPU] = "no work runs on a GPU; its joules are listed, not counted";
    if (options->use_gpu && options->gpu >= count)
        note_missing(set, path,
                     sw_set_text(set, "GPU %u is not there: %s knows %u, counted from 0",
                                 options->gpu, path, count));
    for (unsigned i = 0; i < count && i < MAX_GPUS; i++) {
        bool chosen = options->use_gpu && i == options->gpu;
        problem = "";
        add_board(set, nvml, path, i, chosen, &problem);
        if (chosen)
            set->reason[SW_GPU] = problem;
    }
}
