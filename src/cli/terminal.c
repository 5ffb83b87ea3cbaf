#include "cli/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_WIDTH = 24 };

void sw_progress_begin(struct sw_progress *progress, bool quiet)
{
    const char *term = getenv("TERM");
    bool dumb = term == NULL || strcmp(term, "dumb") == 0;
    *progress = (struct sw_progress){
        .is_terminal = isatty(STDERR_FILENO) && !dumb,
        .quiet = quiet,
        .start_ns = sw_clock_ns(),
    };
}

static void clear_bar(struct sw_progress *progress)
{
    if (progress->bar_is_shown)
        fputs("\r\033[K", stderr);
    progress->bar_is_shown = false;
}

void sw_progress_bar(struct sw_progress *progress, uint64_t done, uint64_t total, const char *tail)
{
    if (!progress->is_terminal || progress->quiet || total == 0)
        return;
    double share = (double)done / (double)total;
    double elapsed_s = (double)(sw_clock_ns() - progress->start_ns) / 1e9;
    char bar[BAR_WIDTH + 1];
    int filled = (int)(share * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = 0;
    clear_bar(progress);
    fprintf(stderr, "[%s] %llu/%llu  %s", bar, (unsigned long long)done, (unsigned long long)total,
            tail);
    if (done > 0 && done < total)
        fprintf(stderr, "  %s left", sw_text_seconds(elapsed_s / share - elapsed_s));
    fflush(stderr);
    progress->bar_is_shown = true;
}

void sw_progress_line(struct sw_progress *progress, const char *format, ...)
{
    if (progress->quiet)
        return;
    clear_bar(progress);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void sw_progress_end(struct sw_progress *progress)
{
    clear_bar(progress);
    fflush(stderr);
}

static char *next_text(void)
{
    static char texts[8][32];
    static unsigned next;
    return texts[next++ % 8];
}

const char *sw_text_bytes(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    char *text = next_text();
    snprintf(text, 32, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

const char *sw_text_seconds(double seconds)
{
    char *text = next_text();
    if (!(seconds >= 0) || seconds > 1e7)
        seconds = 0;
    if (seconds < 60) {
        snprintf(text, 32, "%.0f s", seconds);
    } else {
        unsigned long s = (unsigned long)(seconds + 0.5);
        if (s < 3600)
            snprintf(text, 32, "%lu:%02lu min", s / 60, s % 60);
        else
            snprintf(text, 32, "%lu:%02lu h", s / 3600, s / 60 % 60);
    }
    return text;
}

void sw_say(const char *format, ...)
{
    fputs("smolwatt: ", stderr);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}
