#include "meter/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"

enum { CHUNK_BYTES = 4096, MOST_CHUNKS = 16, TAIL_BYTES = 65536 };
static const uint64_t since_1970_ns = 1000000000000000000;
static const uint64_t future_ns = 1000000000;
/* Before the distance of two lines is known; and always a little for the way. */
static const uint64_t first_hold_ns = 2000000000, way_ns = 250000000;
/* Lines further apart than five usual distances, and this, leave a hole. */
static const uint64_t hole_ns = 5000000000;

static void fail(struct sw_feed *feed, const char *format, ...) SW_PRINTF(2, 3);

static void fail(struct sw_feed *feed, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = snprintf(feed->problem, sizeof feed->problem, "%.120s:%llu: ", feed->path,
                     (unsigned long long)feed->n_lines);
    vsnprintf(feed->problem + n, sizeof feed->problem - (size_t)n, format, arguments);
    va_end(arguments);
    for (char *c = feed->problem; *c != 0; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    feed->broken = true;
}

static void add_point(struct sw_feed *feed, uint64_t at_ns, double watts)
{
    if (feed->n_points++ == 0) {
        sw_power_integral_begin(&feed->integral, 0, at_ns, watts);
        return;
    }
    uint64_t step_ns = at_ns - feed->integral.last_ns;
    if (step_ns > hole_ns && step_ns / 5 > feed->period_ns)
        feed->has_hole = true;
    else if (feed->period_ns == 0)
        feed->period_ns = step_ns;
    else
        feed->period_ns = (7 * feed->period_ns + step_ns) / 8;
    sw_power_integral_add(&feed->integral, at_ns, watts);
}

/* line without its newline. */
static void take_line(struct sw_feed *feed, char *line)
{
    char *comma = strchr(line, ',');
    uint64_t at_ns, now_ns = sw_clock_ns();
    double watts;
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\r')
        line[--length] = 0;
    if (length == 0 || line[0] == '#' || (feed->n_lines == 1 && strcmp(line, "time_ns,watts") == 0))
        return;
    if (comma == NULL) {
        fail(feed, "\"%.40s\" is not time_ns,watts", line);
        return;
    }
    *comma = 0;
    const char *number = comma + 1 + strspn(comma + 1, " ");
    if (!sw_parse_u64(&at_ns, line, 1, INT64_MAX) ||
        !sw_parse_double(&watts, number, 0, SW_MAX_WATTS)) {
        *comma = ',';
        fail(feed, "\"%.40s\" is not time_ns,watts", line);
        return;
    }
    if (at_ns >= since_1970_ns) {
        uint64_t offset_ns = sw_clock_wall_ns() - now_ns;
        if (at_ns < offset_ns) /* before this machine was started */
            return;
        at_ns -= offset_ns;
    }
    if (at_ns > now_ns && at_ns - now_ns > future_ns)
        fail(feed, "%.3f s in the future: time is that of CLOCK_MONOTONIC, or since 1970",
             (double)(at_ns - now_ns) * 1e-9);
    else if (feed->n_points > 0 && at_ns <= feed->integral.last_ns)
        fail(feed, "time goes back");
    else
        add_point(feed, at_ns, watts);
}

void sw_feed_take(struct sw_feed *feed, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && !feed->broken; i++) {
        if (bytes[i] == '\n') {
            feed->line[feed->n_line] = 0;
            feed->n_lines++;
            if (!feed->skipping)
                take_line(feed, feed->line);
            feed->skipping = false;
            feed->n_line = 0;
        } else if (bytes[i] == 0) {
            feed->n_lines++;
            fail(feed, "a NUL byte");
        } else if (feed->n_line == SW_FEED_LINE_BYTES - 1) {
            if (!feed->skipping) {
                feed->n_lines++;
                fail(feed, "a line of more than %d bytes", SW_FEED_LINE_BYTES - 1);
            }
        } else {
            feed->line[feed->n_line++] = bytes[i];
        }
        if (feed->skipping)
            feed->n_line = 0;
    }
}

/* What has come since, without waiting, and not more at once than takes a millisecond or so. */
static void drain(struct sw_feed *feed)
{
    char chunk[CHUNK_BYTES];
    struct stat info;
    if (feed->is_file && fstat(feed->fd, &info) == 0 && (uint64_t)info.st_size < feed->offset) {
        fail(feed, "the file was cut");
        return;
    }
    for (int i = 0; i < MOST_CHUNKS && !feed->broken; i++) {
        ssize_t n = read(feed->fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        feed->offset += (uint64_t)n;
        sw_feed_take(feed, chunk, (size_t)n);
        if ((size_t)n < sizeof chunk)
            break;
    }
}

static bool feed_read(struct sw_meter *meter, uint64_t *uj, uint64_t *at_ns)
{
    struct sw_feed *feed = meter->state;
    meter->problem = feed->problem;
    if (!feed->broken)
        drain(feed);
    *at_ns = sw_clock_ns();
    meter->info.tick_ns = feed->period_ns;
    if (feed->broken)
        return false;
    if (feed->n_points == 0) {
        snprintf(feed->problem, sizeof feed->problem, "%.200s: no line yet", feed->path);
        return false;
    }
    uint64_t last_ns = feed->integral.last_ns;
    uint64_t age_ns = *at_ns > last_ns ? *at_ns - last_ns : 0;
    uint64_t hold_ns = feed->period_ns > 0 ? 2 * feed->period_ns + way_ns : first_hold_ns;
    if (age_ns > hold_ns) {
        snprintf(feed->problem, sizeof feed->problem,
                 "%.160s: not covered, its last line was %.3f s old", feed->path,
                 (double)age_ns * 1e-9);
        return false;
    }
    if (feed->has_hole)
        meter->noted = SW_FAULT_UNSAMPLED;
    feed->has_hole = false;
    double energy_uj = sw_power_integral_uj(&feed->integral, *at_ns);
    if (energy_uj > (double)feed->reported_uj && energy_uj < 0x1p62)
        feed->reported_uj = (uint64_t)(energy_uj + 0.5);
    *uj = feed->reported_uj;
    return true;
}

static void feed_close(struct sw_meter *meter)
{
    struct sw_feed *feed = meter->state;
    if (feed->fd >= 0)
        close(feed->fd);
    free(feed);
}

void sw_feed_find(struct sw_meter_set *set, const struct sw_meter_options *options,
                  const struct sw_machine *machine)
{
    (void)machine;
    struct stat info;
    if (options->models_only)
        return;
    if (options->power_feed == NULL || options->power_feed[0] == 0) {
        sw_set_probe(
            set, &(struct sw_meter_probe){.component = SW_MACHINE,
                                          .name = "feed",
                                          .path = "",
                                          .reason = "no external meter was named",
                                          .enable = "smolwatt measure --power_feed FILE -- CMD"});
        return;
    }
    struct sw_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) {
        set->out_of_memory = true;
        return;
    }
    feed->path = sw_set_text(set, "%s", options->power_feed);
    feed->fd = open(feed->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool ok = feed->fd >= 0 && fstat(feed->fd, &info) == 0 && !S_ISDIR(info.st_mode);
    const char *problem =
        ok ? "" : sw_set_text(set, "%s: %s", feed->path, strerror(feed->fd < 0 ? errno : EISDIR));
    sw_set_probe(set, &(struct sw_meter_probe){.component = SW_MACHINE,
                                               .name = "feed",
                                               .path = feed->path,
                                               .found = ok,
                                               .counted = ok,
                                               .reason = problem,
                                               .enable = ""});
    struct sw_meter meter = {.info = {.name = "feed",
                                      .scope = "what the external meter is plugged into",
                                      .path = feed->path,
                                      .component = SW_MACHINE,
                                      .source = SW_SAMPLED,
                                      .counted = true,
                                      .formula = ""},
                             .read = feed_read,
                             .close = feed_close,
                             .state = feed};
    if (!ok) {
        set->reason[SW_MACHINE] = problem;
        feed_close(&meter);
        return;
    }
    feed->is_file = S_ISREG(info.st_mode);
    /* Of a long log only its end can matter. */
    if (feed->is_file && info.st_size > TAIL_BYTES &&
        lseek(feed->fd, info.st_size - TAIL_BYTES, SEEK_SET) > 0) {
        feed->offset = (uint64_t)info.st_size - TAIL_BYTES;
        feed->skipping = true;
    }
    set->reason[SW_MACHINE] = "";
    sw_set_add(set, &meter);
}
