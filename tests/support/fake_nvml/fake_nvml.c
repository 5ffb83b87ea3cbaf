/*
 * A library with the few functions of NVML that the meter uses. The test steers it through the
 * environment, read at each call:
 *
 *   FAKE_NVML_INIT     result of nvmlInit_v2 (default 0)
 *   FAKE_NVML_COUNT    number of GPUs (default 1)
 *   FAKE_NVML_MJ       energy counter of GPU 0 in millijoules; GPU i has i * 1000000 more
 *   FAKE_NVML_ENERGY   result of the energy call (default 0; 3: not supported)
 *   FAKE_NVML_INITS    file to which 'i' and 's' are appended on init and shutdown
 */
#include <stdio.h>
#include <stdlib.h>

struct nvml_device;
typedef struct nvml_device *nvml_device;

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device *device);
int nvmlDeviceGetTotalEnergyConsumption(nvml_device device, unsigned long long *millijoules);
int nvmlDeviceGetName(nvml_device device, char *name, unsigned size);

static unsigned long long setting(const char *name, unsigned long long fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

static void log_call(char letter)
{
    const char *path = getenv("FAKE_NVML_INITS");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file == NULL)
        return;
    fputc(letter, file);
    fclose(file);
}

int nvmlInit_v2(void)
{
    log_call('i');
    return (int)setting("FAKE_NVML_INIT", 0);
}

int nvmlShutdown(void)
{
    log_call('s');
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = (unsigned)setting("FAKE_NVML_COUNT", 1);
    return 0;
}

static char boards[64];

int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device *device)
{
    if (index >= setting("FAKE_NVML_COUNT", 1) || index >= sizeof boards)
        return 2;
    *device = (nvml_device)(void *)&boards[index];
    return 0;
}

int nvmlDeviceGetTotalEnergyConsumption(nvml_device device, unsigned long long *millijoules)
{
    unsigned long long index = (unsigned long long)((char *)(void *)device - boards);
    *millijoules = setting("FAKE_NVML_MJ", 0) + index * 1000000;
    return (int)setting("FAKE_NVML_ENERGY", 0);
}

int nvmlDeviceGetName(nvml_device device, char *name, unsigned size)
{
    snprintf(name, size, "Fake GPU %d\n", (int)((char *)(void *)device - boards));
    return 0;
}
