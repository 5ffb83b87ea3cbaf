/* Texts of /proc and /sys that the meters parse, and processor names through the TDP table. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter/conditions.h"
#include "meter/counter_file.h"
#include "meter/machine.h"
#include "meter/power_model.h"
#include "meter/tdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    uint64_t value, busy, all;
    (void)sw_counter_parse(&value, text, size);
    if (sw_machine_parse_meminfo(&value, text) && (value == 0 || value % 1024 != 0))
        abort();
    if (sw_power_parse_stat(&busy, &all, text) && busy > all)
        abort();
    struct sw_cpu_times times;
    if (sw_power_parse_times(&times, text) && times.stolen > times.all)
        abort();
    uint64_t n;
    (void)sw_conditions_parse_self(&n, text);
    if (sw_conditions_parse_pressure(&n, text) && n > INT64_MAX)
        abort();
    if (sw_conditions_parse_limit(&n, &value, text) && (n > INT64_MAX || value > INT64_MAX))
        abort();
    struct sw_machine machine = {0};
    sw_machine_parse_cpuinfo(&machine, text);
    if (machine.sockets == 0)
        abort();
    struct sw_tdp_match match;
    if (sw_tdp_find(&match, machine.cpu_name) && !(match.watts >= 0))
        abort();
    (void)sw_tdp_find(&match, text);
    if (sw_cpu_family_find(machine.cpu_name) == NULL || sw_cpu_family_find(text)->knee <= 0)
        abort();
    free(text);
    return 0;
}
