#include "meter/file_meter.h"

#include <stdlib.h>

#include "base/clock.h"
#include "meter/package.h"

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

static bool counter_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    bool ok = sw_counter_file_read(meter->state, uj);
    *at_ns = sw_clock_ns();
    return ok;
}

static void counter_close(struct sw_meter *meter)
{
    sw_counter_file_close(meter->state);
    free(meter->state);
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

struct power_files {
    struct sw_counter_file file;
    struct sw_counter_file amperes; /* fd -1: file is microwatts */
    bool is_product;
};

static bool power_read(void *state, double *watts, const char **problem)
{
    struct power_files *files = state;
    uint64_t value, milliamperes = 1;
    (void)problem;
    if (!sw_counter_file_read(&files->file, &value) ||
        (files->is_product && !sw_counter_file_read(&files->amperes, &milliamperes)))
        return false;
    *watts = (double)value * (double)milliamperes * 1e-6;
    return true;
}

static void power_close(void *state)
{
    struct power_files *files = state;
    sw_counter_file_close(&files->file);
    sw_counter_file_close(&files->amperes);
    free(files);
}

bool sw_set_add_power_file(struct sw_meter_set *set, const struct sw_meter_info *info,
                           struct sw_counter_file *file, struct sw_counter_file *amperes,
                           const struct sw_power_source *times, const char **problem)
{
    struct sw_power_source source = *times;
    struct power_files *files = malloc(sizeof *files);
    *problem = "";
    if (files == NULL) {
        set->out_of_memory = true;
        return false;
    }
    *files = (struct power_files){.file = *file, .amperes.fd = -1, .is_product = amperes != NULL};
    *file = (struct sw_counter_file){.fd = -1};
    if (amperes != NULL) {
        files->amperes = *amperes;
        *amperes = (struct sw_counter_file){.fd = -1};
    }
    source.state = files;
    source.read = power_read;
    source.close = power_close;
    return sw_set_add_power(set, info, &source, problem);
}

const char *sw_set_chgrp_command(struct sw_meter_set *set, const char *path)
{
    const char *word = sw_set_shell_word(set, path);
    return sw_set_text(set, "sudo chgrp \"$(id -gn)\" %s && sudo chmod g+r %s", word, word);
}
