/* What /proc and /sys say of the machine, as far as a model needs it. */
#ifndef SW_METER_MACHINE_H
#define SW_METER_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meter/job.h"

struct sw_machine {
    char cpu_name[128];   /* "model name"; "" where the kernel gives none */
    unsigned logical;     /* processors in /proc/cpuinfo; 0: unreadable */
    unsigned sockets;     /* distinct physical ids, at least 1 */
    bool virtual_machine; /* CPU flag "hypervisor" */
    bool arm;
    uint64_t memory_bytes;       /* MemTotal; 0: unreadable */
    uint64_t memory_limit_bytes; /* control group's; 0: none */
    double cpu_limit;            /* control group's quota in CPUs; 0: none */
    unsigned n_cpu_set;          /* CPUs that the control group may run on; 0: all */
    char cpu_vendor[16];         /* "GenuineIntel"; "" where the kernel gives none */
    unsigned cpu_family, cpu_model;
    struct sw_job job; /* of SLURM */
};

void sw_machine_read(struct sw_machine *out, const char *root);

/* A whole file below root as text with a NUL behind it; NULL where it cannot be had, is no plain
 * file or is larger. The caller frees. size may be NULL. */
char *sw_machine_text_dup(const char *root, const char *path, size_t max_bytes, size_t *size);

/* Pieces of it, for tests: text need not end with a newline. */
void sw_machine_parse_cpuinfo(struct sw_machine *out, const char *text);
bool sw_machine_parse_meminfo(uint64_t *bytes, const char *text);

#endif
