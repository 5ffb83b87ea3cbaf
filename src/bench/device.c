#include "bench/device.h"

#include <stdio.h>

/* "13.0" of 13000: 1000 times the major version, 10 times the minor one (CUDA's runtime API,
 * cudaDriverGetVersion). */
static const char *version_text(char text[32], int version)
{
    snprintf(text, 32, "%d.%d", version / 1000, version % 1000 / 10);
    return text;
}

json_t *sw_device_to_json(const struct sw_backend_info *info)
{
    const struct sw_device_info *d = &info->device;
    char driver[32], runtime[32];
    if (d->name == NULL)
        return json_null();
    bool has_reason = d->mode_reason != NULL && d->mode_reason[0] != 0;
    return json_pack("{s:s, s:i, s:s, s:o, s:b, s:b, s:s, s:s, s:s}", "name", d->name, "gpu",
                     (int)d->index, "mode", d->mode, "mode_reason",
                     has_reason ? json_string(d->mode_reason) : json_null(), "tf32",
                     (int)d->uses_tf32, "emulated", (int)d->is_emulated, "cuda_driver",
                     version_text(driver, d->driver), "cuda_runtime",
                     version_text(runtime, d->runtime), "plugin", d->plugin);
}
