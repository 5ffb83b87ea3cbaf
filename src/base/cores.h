/*
 * The processors that this process may use: its affinity mask, and the time quota of its cgroups.
 * Threads are pinned in the order given here: one per physical core first, siblings behind.
 */
#ifndef SW_BASE_CORES_H
#define SW_BASE_CORES_H

#include <stdbool.h>

#include "base/error.h"

enum { SW_MAX_CPUS = 1024 };

struct sw_cores {
    int n_cores;            /* physical cores with a processor in the mask; at least 1 */
    int n_cpus;             /* processors in the mask (hardware threads); at least 1 */
    int cpus[SW_MAX_CPUS];  /* (n_cpus) operating-system numbers, first of each core first */
    bool is_topology_known; /* false: hwloc could not tell; each processor counts as a core */
    double quota;           /* processors' worth of time the cgroups allow; 0: no limit */
};

/* The mask of the calling thread as it was before sw_pool pinned it. */
void sw_cores_read(struct sw_cores *out);

/* Smallest cpu.max (or cfs quota) on the way from the cgroup of this process up to the root, as a
 * number of processors; 0 without a limit. root is put in front of /proc and /sys. */
double sw_cores_quota(const char *root);

/* Pins the calling thread to one processor and remembers what it was allowed before; false where
 * the system refuses. Unpin goes back to that. Calls nest. */
bool sw_cores_pin(int cpu);
void sw_cores_unpin(void);

#endif
