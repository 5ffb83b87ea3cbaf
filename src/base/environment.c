#include "base/environment.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

const char *sw_environment_view(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != 0 ? value : NULL;
}

char *sw_home_expand_dup(const char *folder)
{
    if (folder[0] != '~' || (folder[1] != '/' && folder[1] != 0))
        return strdup(folder);
    const char *home = sw_environment_view("HOME");
    if (home == NULL)
        return NULL;
    return folder[1] == 0 ? strdup(home) : sw_path_join_dup(home, folder + 2);
}

char *sw_environment_folder_dup(const char *const *names, const char *base_variable,
                                const char *name, const char *fallback)
{
    for (; *names != NULL; names++) {
        if (sw_environment_view(*names) != NULL)
            return sw_home_expand_dup(sw_environment_view(*names));
    }
    const char *base_view = sw_environment_view(base_variable);
    char *base = sw_home_expand_dup(base_view != NULL ? base_view : fallback);
    char *folder = base != NULL ? sw_path_join_dup(base, name) : NULL;
    free(base);
    return folder;
}

char *sw_own_cache_dup(void)
{
    static const char *const names[] = {"SMOLWATT_CACHE", NULL};
    return sw_environment_folder_dup(names, "XDG_CACHE_HOME", "smolwatt", "~/.cache");
}
