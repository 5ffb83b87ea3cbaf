/* What the control groups around the program allow it, versions 1 and 2. */
#ifndef SW_METER_CONTROL_GROUP_H
#define SW_METER_CONTROL_GROUP_H

#include "meter/machine.h"

/* Sets memory_limit_bytes, cpu_limit and n_cpu_set: the least of all limits on the way from the
 * program's own groups up to the root, so that a batch system's limit on a job holds for its steps.
 */
void sw_control_group_read(struct sw_machine *out, const char *root);

#endif
