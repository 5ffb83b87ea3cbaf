/*
 * A library with the few functions of NVML that the meter uses. The test steers it through the
 * environment, read at each call:
 *
 *   FAKE_NVML_INIT     result of nvmlInit_v2 (default 0)
 *   FAKE_NVML_COUNT    number of GPUs (default 1)
 *   FAKE_NVML_MJ       energy counter of GPU 0 in millijoules; GPU i has i * 1000000 more
 *   FAKE_NVML_ENERGY   result of the energy call (default 0; 3: not supported)
 *   FAKE_NVML_INITS    file to which 'i' and 's' are appended on init and shutdown
 *   FAKE_NVML_STEPS    power in steps (gpu_waveform.h); the counter is then its energy
 *   FAKE_NVML_SCALE    what the counter makes of that energy, in per cent (default 100)
 *   FAKE_NVML_TICK_MS  by which that counter, or the power sensor, is updated (default 0: at once)
 *   FAKE_NVML_POWER    result of nvmlDeviceGetPowerUsage (default 3: not supported)
 *   FAKE_NVML_MEAN_MS  over which its readings are a mean (default 0)
 *   FAKE_NVML_CAPABILITY, FAKE_NVML_ARCHITECTURE   of CUDA times 10; of NVML (default 0: not told)
 *   FAKE_NVML_AVERAGE  result of the field of mean power, over 1 s (default 3)
 *   FAKE_NVML_CLOCK_MHZ, FAKE_NVML_MEMORY_MHZ, FAKE_NVML_LIMIT_MW, FAKE_NVML_DEGREES   (default:
 * not told) FAKE_NVML_CAPPED_NS, FAKE_NVML_HOT_NS   counters of lowered clocks (default: not told)
 *   FAKE_NVML_INSTANT  result of the field of instantaneous power (default 3)
 */
#include <stdio.h>
#include <stdlib.h>

#include "../gpu_waveform.h"

struct nvml_device;
typedef struct nvml_device *nvml_device;

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device *device);
int nvmlDeviceGetTotalEnergyConsumption(nvml_device device, unsigned long long *millijoules);

struct field {
    unsigned id, scope;
    long long timestamp, latency;
    unsigned value_type;
    int result;
    union {
        unsigned u32;
        unsigned long long u64;
    } value;
};
int nvmlDeviceGetPowerUsage(nvml_device device, unsigned *milliwatts);
int nvmlDeviceGetFieldValues(nvml_device device, int n, struct field *fields);
int nvmlDeviceGetCudaComputeCapability(nvml_device device, int *major, int *minor);
int nvmlDeviceGetArchitecture(nvml_device device, unsigned *number);
int nvmlDeviceGetName(nvml_device device, char *name, unsigned size);
int nvmlDeviceGetClockInfo(nvml_device device, int domain, unsigned *mhz);
int nvmlDeviceGetEnforcedPowerLimit(nvml_device device, unsigned *milliwatts);
int nvmlDeviceGetTemperature(nvml_device device, int sensor, unsigned *degrees);

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

static unsigned long long updated_ns(void)
{
    unsigned long long now_ns = gpu_now_ns(), tick_ns = setting("FAKE_NVML_TICK_MS", 0) * 1000000;
    return tick_ns > 0 ? now_ns / tick_ns * tick_ns : now_ns;
}

int nvmlDeviceGetTotalEnergyConsumption(nvml_device device, unsigned long long *millijoules)
{
    unsigned long long index = (unsigned long long)((char *)(void *)device - boards);
    const char *steps = getenv("FAKE_NVML_STEPS");
    *millijoules = setting("FAKE_NVML_MJ", 0) + index * 1000000;
    if (steps != NULL)
        *millijoules += (unsigned long long)(gpu_energy_uj(steps, updated_ns()) * 1e-5 *
                                             (double)setting("FAKE_NVML_SCALE", 100));
    return (int)setting("FAKE_NVML_ENERGY", 0);
}

static unsigned power_now(unsigned long long window_ns)
{
    return (unsigned)(gpu_power_mw(getenv("FAKE_NVML_STEPS"), updated_ns(), window_ns) + 0.5);
}

int nvmlDeviceGetPowerUsage(nvml_device device, unsigned *milliwatts)
{
    (void)device;
    *milliwatts = power_now(setting("FAKE_NVML_MEAN_MS", 0) * 1000000);
    return (int)setting("FAKE_NVML_POWER", 3);
}

int nvmlDeviceGetFieldValues(nvml_device device, int n, struct field *fields)
{
    (void)device;
    for (int i = 0; i < n; i++) {
        fields[i].result = 2;
        if (fields[i].id == 74 || fields[i].id == 75) {
            const char *name = fields[i].id == 74 ? "FAKE_NVML_CAPPED_NS" : "FAKE_NVML_HOT_NS";
            fields[i].result = getenv(name) != NULL ? 0 : 3;
            fields[i].value.u64 = setting(name, 0);
            continue;
        }
        if (fields[i].id == 185)
            fields[i].result = (int)setting("FAKE_NVML_AVERAGE", 3);
        if (fields[i].id == 186)
            fields[i].result = (int)setting("FAKE_NVML_INSTANT", 3);
        fields[i].value.u64 = 0;
        if (fields[i].result == 0)
            fields[i].value.u32 = power_now(fields[i].id == 185 ? 1000000000u : 0);
    }
    return 0;
}

int nvmlDeviceGetName(nvml_device device, char *name, unsigned size)
{
    snprintf(name, size, "Fake GPU %d\n", (int)((char *)(void *)device - boards));
    return 0;
}

int nvmlDeviceGetCudaComputeCapability(nvml_device device, int *major, int *minor)
{
    (void)device;
    *major = (int)setting("FAKE_NVML_CAPABILITY", 0) / 10;
    *minor = (int)setting("FAKE_NVML_CAPABILITY", 0) % 10;
    return *major > 0 ? 0 : 3;
}

int nvmlDeviceGetArchitecture(nvml_device device, unsigned *number)
{
    (void)device;
    *number = (unsigned)setting("FAKE_NVML_ARCHITECTURE", 0);
    return *number > 0 ? 0 : 3;
}

static int told(const char *name, unsigned *value)
{
    *value = (unsigned)setting(name, 0);
    return getenv(name) != NULL ? 0 : 3;
}

int nvmlDeviceGetClockInfo(nvml_device device, int domain, unsigned *mhz)
{
    (void)device;
    return told(domain == 1 ? "FAKE_NVML_CLOCK_MHZ" : "FAKE_NVML_MEMORY_MHZ", mhz);
}

int nvmlDeviceGetEnforcedPowerLimit(nvml_device device, unsigned *milliwatts)
{
    (void)device;
    return told("FAKE_NVML_LIMIT_MW", milliwatts);
}

int nvmlDeviceGetTemperature(nvml_device device, int sensor, unsigned *degrees)
{
    (void)device;
    (void)sensor;
    return told("FAKE_NVML_DEGREES", degrees);
}
