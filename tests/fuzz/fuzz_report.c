/* Stored records: any file is read, and what is taken gives grams that are finite and in order; the
 * same bytes as a calibration of the CPU model. */
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter/calibration.h"
#include "report/carbon_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static struct sw_carbon_factor factor;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void remove_file(void)
{
    unlink(path);
}

static void see(void *ctx, const struct sw_stored *stored)
{
    json_t *reports = ctx;
    struct sw_carbon_report_options options = {.footprint = SW_FOOTPRINT_DEFAULT, .idle_w = 1};
    options.footprint.embodied_kg = 300;
    json_t *report = sw_carbon_report(stored, &factor, &options);
    must(report != NULL);
    const json_t *co2e = json_object_get(report, "co2e");
    double low = json_number_value(json_object_get(json_object_get(co2e, "low"), "g"));
    double used = json_number_value(json_object_get(json_object_get(co2e, "used"), "g"));
    double high = json_number_value(json_object_get(json_object_get(co2e, "high"), "g"));
    must(low >= 0 && low <= used && used <= high && isfinite(high));
    json_array_append_new(reports, report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (path[0] == 0) {
        snprintf(path, sizeof path, "%s/sw-fuzz-report-%ld",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
        atexit(remove_file);
        struct sw_carbon_options place = {.country = "CA", .g_per_kwh = -1};
        must(sw_carbon_find(&factor, &place, NULL) == SW_OK);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
    struct sw_error err = {0};
    struct sw_stored_remarks remarks;
    json_t *reports = json_array();
    enum sw_code code = sw_stored_read(path, see, reports, &remarks, &err);
    must(remarks.n_records == json_array_size(reports));
    must((code == SW_OK) == (remarks.n_records > 0));
    must(code == SW_OK || err.text[0] != 0);
    static const enum sw_format formats[] = {SW_FORMAT_TABLE, SW_FORMAT_JSON, SW_FORMAT_CSV,
                                             SW_FORMAT_MD};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct sw_buffer out = {0};
        sw_carbon_report_write(&out, formats[i], reports);
        sw_buffer_free(&out);
    }
    json_decref(reports);
    struct sw_calibration calibration;
    if (sw_calibration_load(&calibration, path, &err) == SW_OK)
        for (double u = 0; u <= 1; u += 0.25)
            must(isfinite(sw_cpu_curve_w(&calibration.curve, u)) &&
                 sw_cpu_curve_w(&calibration.curve, u) >= 0);
    return 0;
}
