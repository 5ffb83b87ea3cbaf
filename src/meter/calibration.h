/*
 * The CPU model of one machine, as `smolwatt calibrate` found and wrote it: a small JSON file that
 * later runs read where no counter can be.
 */
#ifndef SW_METER_CALIBRATION_H
#define SW_METER_CALIBRATION_H

#include "base/error.h"
#include "meter/machine.h"
#include "meter/power_model.h"

struct sw_calibration {
    char cpu_name[128];
    unsigned n_logical, n_sockets;
    char component[16]; /* what was measured: "cpu" or "machine" */
    char meter[192];
    char made_at[24]; /* UTC */
    struct sw_cpu_curve curve;
    double uncertainty_percent; /* of the meter and of the fit together */
    double left_out_percent;
};

/* Where it stands: $SMOLWATT_CALIBRATION, else smolwatt/calibration.json below $XDG_CONFIG_HOME or
 * ~/.config. Caller frees; NULL where there is no such place (no home, or the variable is "none").
 * A replayed tree (root not "") has none unless the variable names it. */
char *sw_calibration_path_dup(const char *root);

/* SW_EABSENT where there is no such file. */
enum sw_code sw_calibration_load(struct sw_calibration *out, const char *path,
                                 struct sw_error *err);

/* Whether it was made on a machine like this one. */
bool sw_calibration_fits(const struct sw_calibration *calibration,
                         const struct sw_machine *machine);

#endif
