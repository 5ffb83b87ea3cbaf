/*
 * The energy counter of AMD GPUs through AMD's own library, loaded at run time.
 * amdsmi_get_energy_count gives a 64-bit accumulator, what one unit of it is in microjoules (15.3
 * on the Instinct cards), and a time stamp of the card's own clock. Declared here is the little of
 * its interface that is used; the library's later versions keep these calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "meter/library.h"

typedef int amd_status; /* 0 is success */
typedef void *amd_handle;
enum { AMD_NOT_SUPPORTED = 2, AMD_NO_PERMISSION = 10, AMD_NOT_INIT = 32, AMD_NO_DRIVER = 34 };
enum { MAX_SOCKETS = 64, MAX_GPUS = 64, INIT_AMD_GPUS = 2, PROCESSOR_IS_GPU = 1 };

/* Neither AMD nor a study that we know of states an error for boards; as for NVIDIA's. */
static const double amd_uncertainty_percent = 5;
/* The firmware's averaging period is a few milliseconds; drivers cache its table for up to 100. */
static const uint64_t slowest_update_ns = 100000000;

struct amd_smi {
    void *library;
    amd_status (*init)(uint64_t flags);
    amd_status (*shut_down)(void);
    amd_status (*sockets)(uint32_t *n, amd_handle *sockets);
    amd_status (*processors)(amd_handle socket, uint32_t *n, amd_handle *processors);
    amd_status (*energy)(amd_handle processor, uint64_t *count, float *unit_uj, uint64_t *at);
    amd_status (*type)(amd_handle processor, int *type); /* may be NULL */
    bool initialised;
};

struct amd_board {
    struct amd_smi *smi; /* of the set, lives longer */
    amd_handle processor;
};

static const char *status_text(amd_status status)
{
    switch (status) {
    case AMD_NOT_SUPPORTED:
        return "not supported by this GPU";
    case AMD_NO_PERMISSION:
        return "no permission: /dev/kfd and /dev/dri/renderD* belong to the group render";
    case AMD_NOT_INIT:
    case AMD_NO_DRIVER:
        return "the driver is not loaded";
    default:
        return "failed";
    }
}

/* The least right that helps. */
static const char *status_remedy(amd_status status)
{
    return status == AMD_NO_PERMISSION ? "sudo usermod -aG render \"$USER\"   # log in again" : "";
}

static struct amd_smi *load(struct sw_meter_set *set, const char *path, const char **problem,
                            const char **enable)
{
    struct amd_smi *smi = calloc(1, sizeof *smi);
    if (smi == NULL) {
        set->out_of_memory = true;
        *problem = "out of memory";
        return NULL;
    }
    set->amd_smi = smi;
    const struct sw_library_symbol symbols[] = {
        {"amdsmi_init", NULL, &smi->init, false},
        {"amdsmi_shut_down", NULL, &smi->shut_down, false},
        {"amdsmi_get_socket_handles", NULL, &smi->sockets, false},
        {"amdsmi_get_processor_handles", NULL, &smi->processors, false},
        {"amdsmi_get_energy_count", NULL, &smi->energy, false},
        {"amdsmi_get_processor_type", NULL, &smi->type, true},
    };
    smi->library = sw_library_open(set, path, symbols, sizeof symbols / sizeof symbols[0], problem);
    if (smi->library == NULL)
        return NULL;
    amd_status status = smi->init(INIT_AMD_GPUS);
    if (status != 0) {
        *problem = sw_set_text(set, "%s: amdsmi_init: %s (%d)", path, status_text(status), status);
        *enable = status_remedy(status);
        return NULL;
    }
    smi->initialised = true;
    return smi;
}

void sw_amd_smi_close(struct sw_meter_set *set)
{
    struct amd_smi *smi = set->amd_smi;
    if (smi == NULL)
        return;
    if (smi->initialised)
        smi->shut_down();
    sw_library_close(smi->library);
    free(smi);
    set->amd_smi = NULL;
}

static bool board_energy_uj(const struct amd_board *board, uint64_t *uj, amd_status *status)
{
    uint64_t count = 0, at = 0;
    float unit_uj = 0;
    *status = board->smi->energy(board->processor, &count, &unit_uj, &at);
    /* A float has 24 bits, which is the unit's precision; the product needs a double's. */
    double energy_uj = (double)count * (double)unit_uj;
    if (*status != 0 || !(unit_uj > 0) || !(energy_uj >= 0 && energy_uj < 0x1p62))
        return false;
    *uj = (uint64_t)energy_uj;
    return true;
}

static bool board_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    amd_status status;
    bool ok = board_energy_uj(meter->state, uj, &status);
    *at_ns = sw_clock_ns();
    return ok;
}

/* Why the board is not measured, "" where it is. */
static const char *add_board(struct sw_meter_set *set, struct amd_smi *smi, const char *path,
                             amd_handle processor, unsigned index, bool counted)
{
    const char *problem = "", *name = sw_set_text(set, "amd_smi:%u", index);
    struct amd_board *board = malloc(sizeof *board);
    if (board == NULL) {
        set->out_of_memory = true;
        return "";
    }
    *board = (struct amd_board){.smi = smi, .processor = processor};
    amd_status status;
    uint64_t uj;
    bool found = board_energy_uj(board, &uj, &status);
    if (found)
        sw_set_add(set, &(struct sw_meter){.info = {.name = name,
                                                    .scope = "board",
                                                    .path = path,
                                                    .component = SW_GPU,
                                                    .source = SW_MEASURED,
                                                    .counted = counted,
                                                    .tick_ns = slowest_update_ns,
                                                    .uncertainty_percent = amd_uncertainty_percent,
                                                    .formula = ""},
                                           .read = board_read,
                                           .close = sw_meter_free_state,
                                           .state = board});
    else {
        problem = sw_set_text(
            set, "AMD GPU %u has no energy counter: %s (%d)", index,
            status == 0 ? "its value has no unit or overflows" : status_text(status), status);
        free(board);
    }
    sw_set_probe(set, &(struct sw_meter_probe){
                          .component = SW_GPU,
                          .name = name,
                          .path = path,
                          .found = found,
                          .counted = found && counted,
                          .reason = problem[0] != 0 ? problem
                                    : counted       ? ""
                                              : "listed, not counted: the work does not run on it",
                          .enable = found ? "" : status_remedy(status)});
    return problem;
}

/* GPUs among the processors of all sockets; some versions list others as well. */
static uint32_t find_boards(struct amd_smi *smi, amd_handle boards[MAX_GPUS], amd_status *status)
{
    amd_handle sockets[MAX_SOCKETS], processors[MAX_GPUS];
    uint32_t n_sockets = MAX_SOCKETS, n_boards = 0;
    *status = smi->sockets(&n_sockets, sockets);
    for (uint32_t s = 0; *status == 0 && s < n_sockets && s < MAX_SOCKETS; s++) {
        uint32_t n = MAX_GPUS;
        if (smi->processors(sockets[s], &n, processors) != 0)
            continue;
        for (uint32_t i = 0; i < n && i < MAX_GPUS && n_boards < MAX_GPUS; i++) {
            int type = PROCESSOR_IS_GPU;
            if (smi->type != NULL && smi->type(processors[i], &type) != 0)
                type = PROCESSOR_IS_GPU;
            if (type == PROCESSOR_IS_GPU)
                boards[n_boards++] = processors[i];
        }
    }
    return n_boards;
}

static bool has_nvidia(const struct sw_meter_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->meters[i].info.component == SW_GPU)
            return true;
    return false;
}

/* On a machine with both makes --gpu counts NVIDIA's boards, and AMD's are listed. */
void sw_amd_smi_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                     const struct sw_machine *machine)
{
    (void)machine;
    if (options->models_only)
        return;
    static const char library[] = "libamd_smi.so";
    const char *problem = "", *enable = "";
    const char *path = sw_library_path(set, "SMOLWATT_AMD_SMI", library, &problem);
    if (path == NULL) {
        sw_library_note_missing(set, "amd_smi", library, problem, "");
        return;
    }
    struct amd_smi *smi = load(set, path, &problem, &enable);
    if (smi == NULL) {
        sw_library_note_missing(set, "amd_smi", path, problem, enable);
        return;
    }
    amd_handle boards[MAX_GPUS];
    amd_status status;
    uint32_t n = find_boards(smi, boards, &status);
    if (n == 0) {
        sw_library_note_missing(set, "amd_smi", path,
                                status != 0 ? sw_set_text(set, "%s: GPUs cannot be listed: %s (%d)",
                                                          path, status_text(status), status)
                                            : sw_set_text(set, "%s: no GPU", path),
                                status_remedy(status));
        return;
    }
    bool may_count = options->use_gpu && !has_nvidia(set);
    if (!options->use_gpu && !has_nvidia(set))
        set->reason[SW_GPU] = sw_library_gpu_unused;
    else if (may_count && options->gpu >= n)
        set->reason[SW_GPU] = sw_library_gpu_absent(set, options->gpu, path, n);
    for (uint32_t i = 0; i < n; i++) {
        bool chosen = may_count && i == options->gpu;
        problem = add_board(set, smi, path, boards[i], i, chosen);
        if (chosen)
            set->reason[SW_GPU] = problem;
    }
}
