/* What tests of meters ask again and again. Every call fails the test on error. */
#ifndef SW_TESTS_SUPPORT_METERS_H
#define SW_TESTS_SUPPORT_METERS_H

#include "meter/meter.h"

/* The probe of that name; where there is none, those that there are stand in the test's output. */
const struct sw_meter_probe *probe_of(const struct sw_meter_set *set, const char *name);

void holds(const char *text, const char *part);

/* Points the variable at a library that the tests built: "fake_nvml", "fake_amd_smi". */
void use_library(const char *variable, const char *name);

#endif
