/* The batch job of SLURM that the program runs in: what of the machine was allocated to it. */
#ifndef SW_METER_JOB_H
#define SW_METER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_job {
    char id[24];           /* SLURM_JOB_ID; "": no job */
    unsigned cpus;         /* logical CPUs on this node; 0: not told */
    uint64_t memory_bytes; /* on this node; 0: not told, or all of it */
    /* The same as CodeCarbon reads it off scontrol: its T is 1000, M 1/1000, K 1e-6, and it takes
     * the number for GiB. */
    double codecarbon_gb;
    const char *memory_from; /* "SLURM_MEM_PER_NODE" */
    char note[160];          /* what made no sense; "" */
};

/* environment: size bytes of "NAME=value" with a NUL behind each, as /proc/self/environ has them.
 * Of the machine there are n_logical CPUs and memory_bytes; 0: not known. */
void sw_job_parse(struct sw_job *out, const char *environment, size_t size, unsigned n_logical,
                  uint64_t memory_bytes);

/* An amount of memory in SLURM's notation, a number of MiB or with K, M, G or T behind it. */
bool sw_job_parse_memory(uint64_t *bytes, double *codecarbon_gb, const char *text);

#endif
