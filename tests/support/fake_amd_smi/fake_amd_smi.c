/*
 * A library with the few functions of AMD SMI that the meter uses. The test steers it through the
 * environment, read at each call:
 *
 *   FAKE_AMD_INIT    result of amdsmi_init (default 0)
 *   FAKE_AMD_GPUS    sockets with one GPU each (default 1); socket 0 holds a CPU as well
 *   FAKE_AMD_COUNT   accumulator of GPU 0; GPU i has i * 1000000 more
 *   FAKE_AMD_UNIT    microjoules of one unit of it (default 15.3)
 *   FAKE_AMD_ENERGY  result of the energy call (default 0; 2: not supported)
 *   FAKE_AMD_STEPS   power in steps (gpu_waveform.h), counted from 0 in that unit
 *   FAKE_AMD_CALLS   file to which 'i' and 's' are appended on init and shutdown
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../gpu_waveform.h"

int amdsmi_init(uint64_t flags);
int amdsmi_shut_down(void);
int amdsmi_get_socket_handles(uint32_t *n, void **sockets);
int amdsmi_get_processor_handles(void *socket, uint32_t *n, void **processors);
int amdsmi_get_processor_type(void *processor, int *type);
int amdsmi_get_energy_count(void *processor, uint64_t *count, float *unit_uj, uint64_t *at);

static double setting(const char *name, double fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtod(text, NULL) : fallback;
}

static void log_call(char letter)
{
    const char *path = getenv("FAKE_AMD_CALLS");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file == NULL)
        return;
    fputc(letter, file);
    fclose(file);
}

int amdsmi_init(uint64_t flags)
{
    log_call('i');
    return flags == 2 ? (int)setting("FAKE_AMD_INIT", 0) : 1;
}

int amdsmi_shut_down(void)
{
    log_call('s');
    return 0;
}

static char sockets_of[64], processors_of[64], cpu;

int amdsmi_get_socket_handles(uint32_t *n, void **sockets)
{
    uint32_t room = *n;
    *n = (uint32_t)setting("FAKE_AMD_GPUS", 1);
    for (uint32_t i = 0; sockets != NULL && i < room && i < *n && i < sizeof sockets_of; i++)
        sockets[i] = &sockets_of[i];
    return 0;
}

int amdsmi_get_processor_handles(void *socket, uint32_t *n, void **processors)
{
    size_t i = (size_t)((char *)socket - sockets_of);
    uint32_t room = *n;
    *n = i == 0 ? 2 : 1;
    if (processors == NULL || room < *n)
        return 0;
    processors[*n - 1] = &processors_of[i];
    if (i == 0)
        processors[0] = &cpu;
    return 0;
}

int amdsmi_get_processor_type(void *processor, int *type)
{
    *type = processor == &cpu ? 2 : 1;
    return 0;
}

int amdsmi_get_energy_count(void *processor, uint64_t *count, float *unit_uj, uint64_t *at)
{
    const char *text = getenv("FAKE_AMD_COUNT"), *steps = getenv("FAKE_AMD_STEPS");
    if (processor == &cpu)
        return 1;
    *unit_uj = (float)setting("FAKE_AMD_UNIT", 15.3);
    *count = text != NULL ? strtoull(text, NULL, 10) : 0;
    *count += (uint64_t)((char *)processor - processors_of) * 1000000;
    *at = gpu_now_ns();
    if (steps != NULL)
        *count += (uint64_t)(gpu_energy_uj(steps, *at) / (double)*unit_uj);
    return (int)setting("FAKE_AMD_ENERGY", 0);
}
