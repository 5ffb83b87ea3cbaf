#include "meter/perf_event.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"

bool sw_perf_paranoid(const struct sw_meter_set *set, int64_t *level)
{
    char path[4096], line[32];
    snprintf(path, sizeof path, "%s/proc/sys/kernel/perf_event_paranoid", set->root);
    return sw_file_first_line(line, sizeof line, path, NULL) == SW_OK &&
           sw_parse_i64(level, line, -1000, 1000);
}

static bool replay(struct sw_perf_counter *out, const struct sw_meter_set *set,
                   const struct sw_perf_event *event, const char *events, const char *name)
{
    char path[4096];
    uint64_t first;
    int64_t level;
    struct sw_error err;
    bool denied;
    snprintf(path, sizeof path, "%s/%s.cpu%u", events, name, event->cpu);
    enum sw_code code = sw_counter_file_open(&out->file, path, &first, &denied, &err);
    if (code == SW_OK)
        return true;
    /* As the kernel of that tree would have answered. */
    bool forbidden = sw_perf_paranoid(set, &level) && level > 0;
    errno = denied || (code == SW_EABSENT && forbidden) ? EACCES
            : code == SW_EABSENT                        ? ENOENT
                                                        : EINVAL;
    return false;
}

bool sw_perf_counter_open(struct sw_perf_counter *out, const struct sw_meter_set *set,
                          const struct sw_perf_event *event, const char *events, const char *name)
{
    *out = (struct sw_perf_counter){.fd = -1, .file.fd = -1};
    if (set->root[0] != 0)
        return replay(out, set, event, events, name);
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = event->type;
    attributes.config = event->config;
    out->fd = (int)syscall(SYS_perf_event_open, &attributes, -1, (int)event->cpu, -1,
                           PERF_FLAG_FD_CLOEXEC);
    return out->fd >= 0;
}

bool sw_perf_counter_read(struct sw_perf_counter *counter, uint64_t *count)
{
    if (counter->fd < 0)
        return sw_counter_file_read(&counter->file, count);
    ssize_t n;
    do
        n = read(counter->fd, count, sizeof *count);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *count;
}

void sw_perf_counter_close(struct sw_perf_counter *counter)
{
    if (counter->fd >= 0)
        close(counter->fd);
    counter->fd = -1;
    sw_counter_file_close(&counter->file);
}
