#include "meter/file_meter.h"

#include <stdlib.h>

#include "base/clock.h"

static struct sw_counter_file *moved(struct sw_meter_set *set, struct sw_counter_file *file)
{
    struct sw_counter_file *own = malloc(sizeof *own);
    if (own == NULL) {
        set->out_of_memory = true;
        sw_counter_file_close(file);
        return NULL;
    }
    *own = *file;
    *file = (struct sw_counter_file){.fd = -1};
    return own;
}

static void close_file(void *state)
{
    sw_counter_file_close(state);
    free(state);
}

static bool counter_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    bool ok = sw_counter_file_read(meter->state, uj);
    *at_ns = sw_clock_ns();
    return ok;
}

static void counter_close(struct sw_meter *meter)
{
    close_file(meter->state);
}

size_t sw_set_add_counter_file(struct sw_meter_set *set, const struct sw_meter_info *info,
                               struct sw_counter_file *file)
{
    struct sw_counter_file *own = moved(set, file);
    if (own == NULL)
        return SIZE_MAX;
    return sw_set_add(
        set, &(struct sw_meter){
                 .info = *info, .read = counter_read, .close = counter_close, .state = own});
}

static bool power_read(void *state, double *watts, const char **problem)
{
    uint64_t microwatts;
    (void)problem;
    if (!sw_counter_file_read(state, &microwatts))
        return false;
    *watts = (double)microwatts * 1e-6;
    return true;
}

bool sw_set_add_power_file(struct sw_meter_set *set, const struct sw_meter_info *info,
                           struct sw_counter_file *file, const struct sw_power_source *times,
                           const char **problem)
{
    struct sw_power_source source = *times;
    *problem = "";
    source.state = moved(set, file);
    if (source.state == NULL)
        return false;
    source.read = power_read;
    source.close = close_file;
    return sw_set_add_power(set, info, &source, problem);
}

const char *sw_set_chgrp_command(struct sw_meter_set *set, const char *path)
{
    return sw_set_text(set, "sudo chgrp \"$(id -gn)\" %s && sudo chmod g+r %s", path, path);
}
