#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"

/* Signals that are passed on when a process sent them to us. */
static const int passed_on[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT};
enum { N_PASSED_ON = sizeof passed_on / sizeof passed_on[0], LAST_SIGNAL = 31 };

static bool asks_to_end(int signal_number)
{
    return signal_number == SIGHUP || signal_number == SIGINT || signal_number == SIGQUIT ||
           signal_number == SIGTERM;
}

static void waited_for(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < N_PASSED_ON; i++)
        sigaddset(set, passed_on[i]);
}

void sw_child_signals_begin(struct sw_child_signals *signals, const sigset_t *ignored)
{
    sigset_t set;
    *signals = (struct sw_child_signals){0};
    sigemptyset(&signals->ignored);
    if (ignored != NULL)
        signals->ignored = *ignored;
    waited_for(&set);
    pthread_sigmask(SIG_BLOCK, &set, &signals->mask_before);
    /* A caller that ignores SIGCHLD would have the kernel take exit codes away. */
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &action, &signals->chld_before);
    prctl(PR_GET_CHILD_SUBREAPER, &signals->subreaper_before);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void sw_child_signals_end(const struct sw_child_signals *signals)
{
    prctl(PR_SET_CHILD_SUBREAPER, signals->subreaper_before);
    sigaction(SIGCHLD, &signals->chld_before, NULL);
    pthread_sigmask(SIG_SETMASK, &signals->mask_before, NULL);
}

int sw_child_signals_take(const struct sw_child_signals *signals)
{
    static const struct timespec at_once = {0};
    sigset_t set;
    waited_for(&set);
    for (int n; (n = sigtimedwait(&set, NULL, &at_once)) > 0;)
        if (asks_to_end(n) && !sigismember(&signals->ignored, n))
            return n;
    return 0;
}

/* In the child: what we changed of its surroundings goes back to what our caller gave us. */
static void restore_signals(const struct sw_child_signals *signals)
{
    for (int n = 1; n <= LAST_SIGNAL; n++) {
        struct sigaction action = {0};
        action.sa_handler = sigismember(&signals->ignored, n) ? SIG_IGN : SIG_DFL;
        if (n != SIGKILL && n != SIGSTOP)
            sigaction(n, &action, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &signals->mask_before, NULL);
}

/* Moves three descriptors to 0, 1 and 2, whichever of these they are; first out of each other's
 * way. */
static bool redirect(const struct sw_child_plan *plan)
{
    int wanted[3] = {plan->stdin_fd, plan->stdout_fd, plan->stderr_fd};
    for (int i = 0; i < 3; i++)
        if (wanted[i] >= 0 && wanted[i] < 3 && wanted[i] != i) {
            wanted[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, 3);
            if (wanted[i] < 0)
                return false;
        }
    for (int i = 0; i < 3; i++)
        if (wanted[i] >= 3 && dup2(wanted[i], i) < 0)
            return false;
    return true;
}

/* What the child says before the gate, and behind it if it could not begin. */
struct message {
    int error;
    struct rusage usage;
};

static uint64_t to_ns(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

/* Only async-signal-safe calls: other threads may have held locks when it was forked. */
static void be_child(const struct sw_child_plan *plan, const struct sw_child_signals *signals,
                     int gate_fd, int status_fd)
{
    struct message message = {0};
    char go;
    restore_signals(signals);
    if (!redirect(plan))
        message.error = errno;
    getrusage(RUSAGE_SELF, &message.usage);
    ssize_t n = write(status_fd, &message, sizeof message);
    if (n != (ssize_t)sizeof message || message.error != 0)
        _exit(126);
    do
        n = read(gate_fd, &go, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        _exit(126);
    execvp(plan->argv[0], plan->argv);
    message.error = errno;
    n = write(status_fd, &message, sizeof message);
    _exit(message.error == ENOENT ? 127 : 126);
}

static bool read_message(int fd, struct message *message)
{
    ssize_t n;
    do
        n = read(fd, message, sizeof *message);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *message;
}

/* Both ends above 2, so that a caller who closed its standard streams does no harm. */
static bool make_pipe(int fds[2])
{
    int raw[2];
    fds[0] = fds[1] = -1;
    if (pipe2(raw, O_CLOEXEC) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        fds[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 3);
    close(raw[0]);
    close(raw[1]);
    return fds[0] >= 0 && fds[1] >= 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

enum sw_code sw_child_start(struct sw_child *child, const struct sw_child_signals *signals,
                            const struct sw_child_plan *plan, struct sw_error *err)
{
    int gate[2] = {-1, -1}, status[2] = {-1, -1};
    enum sw_code code = SW_OK;
    struct message message = {0};
    *child = (struct sw_child){.signals = signals, .gate_fd = -1, .status_fd = -1};
    if (!make_pipe(gate) || !make_pipe(status)) {
        code = sw_fail(err, SW_ESYSTEM, "%s: no pipe: %s", plan->argv[0], strerror(errno));
        goto done;
    }
    child->pid = fork();
    if (child->pid == 0) {
        close(gate[1]);
        close(status[0]);
        be_child(plan, signals, gate[0], status[1]);
    }
    if (child->pid < 0) {
        child->pid = 0;
        code = sw_fail(err, SW_ESYSTEM, "%s: no process: %s", plan->argv[0], strerror(errno));
        goto done;
    }
    close_fd(&gate[0]);
    close_fd(&status[1]);
    child->gate_fd = gate[1];
    child->status_fd = status[0];
    gate[1] = status[0] = -1;
    if (!read_message(child->status_fd, &message) || message.error != 0) {
        code = sw_fail(err, SW_ESYSTEM, "%s: cannot be prepared: %s", plan->argv[0],
                       message.error != 0 ? strerror(message.error) : "the child ended");
        sw_child_cancel(child);
    }
    child->floor_bytes = (uint64_t)message.usage.ru_maxrss * 1024;
    child->before_user_ns = to_ns(&message.usage.ru_utime);
    child->before_system_ns = to_ns(&message.usage.ru_stime);
done:
    for (int i = 0; i < 2; i++) {
        close_fd(&gate[i]);
        close_fd(&status[i]);
    }
    return code;
}

void sw_child_release(struct sw_child *child)
{
    static const char go = 1;
    ssize_t n;
    do
        n = write(child->gate_fd, &go, 1);
    while (n < 0 && errno == EINTR);
    close_fd(&child->gate_fd);
}

void sw_child_cancel(struct sw_child *child)
{
    close_fd(&child->gate_fd);
    close_fd(&child->status_fd);
    if (child->pid > 0)
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    child->pid = 0;
}

/* Descendants that ended and are ours now. The child itself stays a zombie until it is reaped. */
static void reap_orphans(struct sw_child *child)
{
    for (;;) {
        siginfo_t info = {0};
        struct rusage usage;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 ||
            info.si_pid == child->pid)
            return;
        if (wait4(info.si_pid, NULL, WNOHANG, &usage) <= 0)
            return;
        child->orphans_user_ns += to_ns(&usage.ru_utime);
        child->orphans_system_ns += to_ns(&usage.ru_stime);
        if ((uint64_t)usage.ru_maxrss * 1024 > child->orphans_peak_bytes)
            child->orphans_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    }
}

static bool has_ended(struct sw_child *child)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return true;
    if (info.si_pid == child->pid)
        return true;
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)child->pid, &info, WSTOPPED | WNOHANG) == 0 &&
        info.si_pid == child->pid)
        child->n_stops++;
    reap_orphans(child);
    return false;
}

static void pass_on(struct sw_child *child, const siginfo_t *info)
{
    /* The terminal, that is the kernel, has sent it to the whole process group already. */
    bool from_process = info->si_code <= 0;
    int n = info->si_signo;
    if (sigismember(&child->signals->ignored, n))
        return;
    if (from_process)
        kill(child->pid, n);
    if (asks_to_end(n))
        child->last_signal = n;
    /* Stopped with our child, we go on when somebody says so. */
    if (n == SIGTSTP)
        raise(SIGSTOP);
}

void sw_child_wait(struct sw_child *child)
{
    sigset_t set;
    waited_for(&set);
    while (!has_ended(child)) {
        siginfo_t info;
        int n = sigwaitinfo(&set, &info);
        if (n > 0 && n != SIGCHLD)
            pass_on(child, &info);
    }
}

/* Fields 16 and 17 of /proc/PID/stat, cutime and cstime, of a zombie: time of its children that it
 * waited for. */
static uint64_t children_ns(pid_t pid)
{
    char path[64], line[1024];
    uint64_t ticks[2] = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (sw_file_first_line(line, sizeof line, path, NULL) != SW_OK)
        return 0;
    /* The second field is a name in parentheses, which may hold anything. */
    char *at = strrchr(line, ')');
    char *rest = NULL;
    char *word = at != NULL ? strtok_r(at + 1, " ", &rest) : NULL;
    for (int field = 3; word != NULL && field <= 17; field++) {
        if (field >= 16 && !sw_parse_u64(&ticks[field - 16], word, 0, UINT64_MAX / 4000000000u))
            return 0;
        word = strtok_r(NULL, " ", &rest);
    }
    long per_second = sysconf(_SC_CLK_TCK);
    return per_second > 0 ? (ticks[0] + ticks[1]) * (UINT64_C(1000000000) / (uint64_t)per_second)
                          : 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

void sw_child_reap(struct sw_child *child, struct sw_child_result *result)
{
    struct rusage usage = {0};
    struct message message = {0};
    siginfo_t info = {0};
    int status = 0;
    *result = (struct sw_child_result){.children_ns = children_ns(child->pid)};
    while (wait4(child->pid, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    if (read_message(child->status_fd, &message))
        result->start_errno = message.error;
    close_fd(&child->status_fd);
    reap_orphans(child);
    if (WIFSIGNALED(status)) {
        result->signal = WTERMSIG(status);
        result->exit_code = 128 + result->signal;
        result->core_dumped = WCOREDUMP(status);
    } else {
        result->exit_code = WEXITSTATUS(status);
    }
    result->user_ns = less(to_ns(&usage.ru_utime), child->before_user_ns) + child->orphans_user_ns;
    result->system_ns =
        less(to_ns(&usage.ru_stime), child->before_system_ns) + child->orphans_system_ns;
    result->children_ns += child->orphans_user_ns + child->orphans_system_ns;
    result->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    /* A few pages more are touched on the way from the gate into the command. */
    result->peak_is_bound = result->peak_bytes <= child->floor_bytes + (256 << 10);
    if (child->orphans_peak_bytes > result->peak_bytes) {
        result->peak_bytes = child->orphans_peak_bytes;
        result->peak_is_bound = false;
    }
    result->n_stops = child->n_stops;
    result->last_signal = child->last_signal;
    result->left_behind = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}
