/* Meters behind files of sysfs: a counter in microjoules, or a power. */
#ifndef SW_METER_FILE_METER_H
#define SW_METER_FILE_METER_H

#include "meter/counter_file.h"
#include "meter/power.h"

/* Takes the open file over, also where it fails. Index of the meter, or SIZE_MAX. */
size_t sw_set_add_counter_file(struct sw_meter_set *set, const struct sw_meter_info *info,
                               struct sw_counter_file *file);

/* The same for watts, integrated: a file of microwatts, or of millivolts with one of milliamperes
 * (else NULL). Of times only the times are looked at. False and *problem where there is no power.
 */
bool sw_set_add_power_file(struct sw_meter_set *set, const struct sw_meter_info *info,
                           struct sw_counter_file *file, struct sw_counter_file *amperes,
                           const struct sw_power_source *times, const char **problem);

/* Lets the user's own group read the file until it is made anew. */
const char *sw_set_chgrp_command(struct sw_meter_set *set, const char *path);

#endif
