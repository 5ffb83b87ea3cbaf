#include "support/waveform.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

enum { LOG_ENTRIES = 1 << 15 }; /* half a minute */
static const uint64_t tick_ns = 1000000;

struct waveform_log {
    atomic_size_t n[WAVEFORM_ZONES];
    _Atomic uint64_t at_ns[WAVEFORM_ZONES][LOG_ENTRIES]; /* when the write was done */
};

const char *waveform_name(enum waveform waveform)
{
    static const char *const names[N_WAVEFORMS] = {"constant", "square", "ramp", "bursts"};
    return names[waveform];
}

double waveform_joules(enum waveform waveform, double t)
{
    double whole, part;
    switch (waveform) {
    case WAVEFORM_SQUARE: /* 5 W first */
        whole = floor(t / 0.1);
        part = t - whole * 0.1;
        return whole * 2.5 + 5 * fmin(part, 0.05) + 45 * fmax(part - 0.05, 0);
    case WAVEFORM_RAMP:
        whole = floor(t);
        part = t - whole;
        return whole * 30 + 5 * part + 25 * part * part;
    case WAVEFORM_BURSTS:
        whole = floor(t / 0.7);
        part = t - whole * 0.7;
        return 3 * t + 57 * (whole * 0.2 + fmin(part, 0.2));
    default:
        return 25 * t;
    }
}

double waveform_watts(enum waveform waveform, double t)
{
    double part;
    switch (waveform) {
    case WAVEFORM_SQUARE:
        return t - floor(t / 0.1) * 0.1 < 0.05 ? 5 : 45;
    case WAVEFORM_RAMP:
        return 5 + 50 * (t - floor(t));
    case WAVEFORM_BURSTS:
        part = t - floor(t / 0.7) * 0.7;
        return part < 0.2 ? 60 : 3;
    default:
        return 25;
    }
}

static double joules_at(const struct waveform_writer *writer, size_t i, uint64_t at_ns)
{
    const struct waveform_zone *zone = &writer->zones[i];
    return zone->scale * waveform_joules(zone->waveform, (double)(at_ns - writer->epoch_ns) * 1e-9);
}

double waveform_uj(const struct waveform_writer *writer, size_t zone, uint64_t from_ns,
                   uint64_t to_ns)
{
    return 1e6 * (joules_at(writer, zone, to_ns) - joules_at(writer, zone, from_ns));
}

void waveform_tree_create(struct fake_tree *tree)
{
    strcpy(tree->root, "/dev/shm/smolwatt-tree-XXXXXX");
    if (mkdtemp(tree->root) == NULL)
        fake_tree_create(tree);
    assert_int_equal(chmod(tree->root, 0755), 0);
}

static void update(const struct waveform_writer *writer, size_t i, int fd)
{
    const struct waveform_zone *zone = &writer->zones[i];
    char text[64];
    uint64_t now_ns = sw_clock_ns(), count;
    uint64_t uj = zone->start_uj + (uint64_t)(1e6 * joules_at(writer, i, now_ns));
    int n;
    bool ok;
    switch (zone->form) {
    case WAVEFORM_REGISTER: /* 32 bits count, and the range is theirs */
        count = (uint64_t)((double)uj * 0x1p14 / 1e6) & UINT32_MAX;
        ok = pwrite(fd, &count, sizeof count, zone->offset) == (ssize_t)sizeof count;
        break;
    case WAVEFORM_FEED:
        n = snprintf(text, sizeof text, "%" PRIu64 ",%.6f\n", now_ns,
                     zone->scale * waveform_watts(zone->waveform,
                                                  (double)(now_ns - writer->epoch_ns) * 1e-9));
        ok = write(fd, text, (size_t)n) == n;
        break;
    default:
        n = snprintf(text, sizeof text, "%" PRIu64 "\n",
                     zone->range_uj > 0 ? uj % zone->range_uj : uj);
        ok = pwrite(fd, text, (size_t)n, 0) == n;
    }
    if (!ok)
        _exit(1);
    size_t k = atomic_load(&writer->log->n[i]);
    atomic_store(&writer->log->at_ns[i][k % LOG_ENTRIES], sw_clock_ns());
    atomic_store(&writer->log->n[i], k + 1);
}

static _Noreturn void write_for_ever(const struct waveform_writer *writer,
                                     const int fds[WAVEFORM_ZONES])
{
    /* Real time where that is allowed, so that a busy machine does not keep it waiting. */
    struct sched_param first = {.sched_priority = 1};
    (void)sched_setscheduler(0, SCHED_FIFO, &first);
    prctl(PR_SET_TIMERSLACK, 1UL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uint64_t tick = 0;
    for (uint64_t ms_ns = writer->epoch_ns;; ms_ns += tick_ns, tick++) {
        for (size_t i = 0; i < writer->n; i++) {
            if (writer->zones[i].tick_ms > 1 && tick % writer->zones[i].tick_ms != 0)
                continue;
            sw_clock_sleep_until(ms_ns + writer->zones[i].phase_us * UINT64_C(1000));
            update(writer, i, fds[i]);
        }
        uint64_t now_ns = sw_clock_ns();
        if (now_ns > ms_ns + 2 * tick_ns) /* what was missed is missed */
            ms_ns += (now_ns - ms_ns) / tick_ns * tick_ns - tick_ns;
    }
}

void waveform_start(struct waveform_writer *writer)
{
    int fds[WAVEFORM_ZONES];
    for (size_t i = 0; i < writer->n; i++) {
        const struct waveform_zone *zone = &writer->zones[i];
        char path[256], text[32];
        snprintf(path, sizeof path, "%s%s", zone->tree->root, zone->zone);
        if (zone->form == WAVEFORM_ZONE) {
            fake_tree_zone(zone->tree, zone->zone, zone->name, zone->start_uj, zone->range_uj);
            snprintf(path, sizeof path, "%s" FAKE_POWERCAP "%s/energy_uj", zone->tree->root,
                     zone->zone);
        } else if (zone->form != WAVEFORM_REGISTER) {
            snprintf(text, sizeof text, "%" PRIu64 "\n", zone->start_uj);
            fake_tree_write(zone->tree, zone->zone, zone->form == WAVEFORM_FEED ? "" : text);
        }
        fds[i] = open(path, O_WRONLY | O_CLOEXEC | (zone->form == WAVEFORM_FEED ? O_APPEND : 0));
        assert_true(fds[i] >= 0);
    }
    writer->log =
        mmap(NULL, sizeof *writer->log, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(writer->log != MAP_FAILED);
    writer->epoch_ns = sw_clock_ns();
    writer->pid = fork();
    assert_true(writer->pid >= 0);
    if (writer->pid == 0)
        write_for_ever(writer, fds);
    for (size_t i = 0; i < writer->n; i++)
        close(fds[i]);
    for (size_t last = writer->n - 1; atomic_load(&writer->log->n[last]) < 2;)
        usleep(500);
}

void waveform_stop(struct waveform_writer *writer)
{
    if (writer->pid > 0) {
        kill(writer->pid, SIGKILL);
        waitpid(writer->pid, NULL, 0);
        munmap(writer->log, sizeof *writer->log);
    }
    writer->pid = 0;
}

static bool zone_was_on_time(const struct waveform_log *log, size_t zone, uint64_t zone_tick_ns,
                             uint64_t at_ns)
{
    uint64_t late_ns = zone_tick_ns + zone_tick_ns / 4, around_ns = 2 * zone_tick_ns;
    size_t n = atomic_load(&log->n[zone]);
    size_t oldest = n > LOG_ENTRIES ? n - LOG_ENTRIES : 0;
    uint64_t later_ns = 0;
    for (size_t k = n; k-- > oldest;) {
        uint64_t updated_ns = atomic_load(&log->at_ns[zone][k % LOG_ENTRIES]);
        if (later_ns == 0 && updated_ns < at_ns + around_ns && k == n - 1)
            return false; /* nothing was written since */
        if (later_ns != 0 && updated_ns < at_ns + around_ns && later_ns - updated_ns > late_ns)
            return false;
        if (updated_ns + around_ns < at_ns)
            return true;
        later_ns = updated_ns;
    }
    return false;
}

bool waveform_was_on_time(const struct waveform_writer *writer, uint64_t at_ns)
{
    for (size_t i = 0; i < writer->n; i++)
        if (!zone_was_on_time(
                writer->log, i,
                tick_ns * (writer->zones[i].tick_ms > 0 ? writer->zones[i].tick_ms : 1), at_ns))
            return false;
    return true;
}

bool waveform_machine_is_overloaded(void)
{
    double load[1];
    return getloadavg(load, 1) == 1 && load[0] > 2 * (double)sysconf(_SC_NPROCESSORS_ONLN);
}
