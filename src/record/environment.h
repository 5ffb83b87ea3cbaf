/* What the machine was when a run started: facts that a reader of the numbers asks for first. */
#ifndef SW_RECORD_ENVIRONMENT_H
#define SW_RECORD_ENVIRONMENT_H

#include <jansson.h>

/* A new object: cpu, n_logical_cpus, hypervisor, governor, kernel, os, memory_total_bytes,
 * load_average_1m, temperature_c, cgroup limits. What cannot be read is null. root stands in front
 * of every /proc and /sys path ("" for the real machine). NULL if out of memory. */
json_t *sw_environment_read(const char *root);

#endif
