#include "support/meters.h"

#include <string.h>

#include "support/skip.h"

const struct sw_meter_probe *probe_of(const struct sw_meter_set *set, const char *name)
{
    size_t n = sw_meter_set_probe_count(set);
    for (size_t i = 0; i < n; i++)
        if (strcmp(sw_meter_set_probe(set, i)->name, name) == 0)
            return sw_meter_set_probe(set, i);
    for (size_t i = 0; i < n; i++)
        print_message("# %s: %s\n", sw_meter_set_probe(set, i)->name,
                      sw_meter_set_probe(set, i)->reason);
    fail_msg("no probe %s", name);
    return NULL;
}

void holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", text, part);
}

void use_library(const char *variable, const char *name)
{
    const char *build = getenv("BUILD");
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/support/lib%s.so", build != NULL ? build : "build", name);
    char *absolute = realpath(path, NULL);
    assert_non_null(absolute);
    setenv(variable, absolute, 1);
    free(absolute);
}
