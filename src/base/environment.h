/* Environment variables, and folders that they name. */
#ifndef SW_BASE_ENVIRONMENT_H
#define SW_BASE_ENVIRONMENT_H

/* A variable's value, or NULL: set but empty counts as not set. */
const char *sw_environment_view(const char *name);

/* folder, with "~" at its start replaced by the home folder. Caller frees; NULL if out of memory or
 * without a home. */
char *sw_home_expand_dup(const char *folder);

/* Folder of the first variable of names (NULL-ended) that is set; else name below the folder of
 * base_variable; else name below fallback, which may begin with "~". Caller frees; NULL as above.
 */
char *sw_environment_folder_dup(const char *const *names, const char *base_variable,
                                const char *name, const char *fallback);

/* This program's own cache: $SMOLWATT_CACHE, else smolwatt in $XDG_CACHE_HOME or ~/.cache. */
char *sw_own_cache_dup(void);

#endif
