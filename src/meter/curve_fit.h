/* The curve of the default CPU model (power_model.h) fitted to measured powers. */
#ifndef SW_METER_CURVE_FIT_H
#define SW_METER_CURVE_FIT_H

#include <stddef.h>

#include "base/error.h"
#include "meter/power_model.h"

struct sw_curve_point {
    double utilisation; /* 0 to 1 */
    double watts;       /* above 0 */
};

struct sw_curve_fit {
    struct sw_cpu_curve curve;
    bool knee_is_given;      /* too few different loads to fit it */
    double residual_percent; /* root mean square over the points */
    double left_out_percent; /* the same on each point left out of the fit, lone ends excepted; 100
                                where there is none */
    double worst_percent;    /* largest of those */
};

enum { SW_CURVE_MAX_POINTS = 64 };

/* Least squares of the relative error. Needs points at rest and at load; below three different
 * loads the knee is fallback_knee. SW_EFORMAT where power does not rise with load. */
enum sw_code sw_curve_fit(struct sw_curve_fit *out, const struct sw_curve_point *points, size_t n,
                          double fallback_knee, struct sw_error *err);

#endif
