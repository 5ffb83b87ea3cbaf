/* An external meter's lines, in pieces: no joule without sense, and a reason for every refusal. The
 * same bytes as a list of processors, as sysfs writes it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meter/feed.h"
#include "meter/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const uint8_t *data, size_t size)
{
    unsigned cpus[16];
    char *text = malloc(size + 1);
    if (text == NULL)
        return;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    size_t n = sw_cpu_list_parse(cpus, 16, text);
    for (size_t i = 0; i < n; i++)
        if (n > 16 || cpus[i] > 65535)
            abort();
    free(text);
}

/* The first byte is the size of a piece. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL || size == 0) {
        free(feed);
        return 0;
    }
    feed->path = "feed";
    feed->fd = -1;
    size_t piece = 1 + data[0] % 64;
    for (size_t i = 1; i < size; i += piece) {
        uint64_t last_ns = feed->integral.last_ns;
        double last_uj = feed->integral.energy_uj;
        sw_feed_take(feed, (const char *)data + i, size - i < piece ? size - i : piece);
        double uj = feed->integral.energy_uj;
        if (feed->integral.last_ns < last_ns || !isfinite(uj) || uj < last_uj ||
            feed->broken != (feed->problem[0] != 0))
            abort();
        /* At most a megawatt all the time. */
        uint64_t span_ns = feed->integral.last_ns - feed->integral.first_ns;
        if (uj > SW_MAX_WATTS * 1e-3 * (double)span_ns * (1 + 1e-9))
            abort();
    }
    for (const char *c = feed->problem; *c != 0; c++)
        if (*c < ' ' || *c > '~')
            abort();
    check_list(data, size);
    free(feed);
    return 0;
}
