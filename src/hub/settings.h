/* What the environment says about caches, servers and the token, read once per call. */
#ifndef SW_HUB_SETTINGS_H
#define SW_HUB_SETTINGS_H

#include <stdbool.h>

#include "base/error.h"
#include "hub/hub.h"
#include "hub/origin.h"

struct sw_hub_settings {
    char *hub_cache;               /* owned: folder with models--org--name folders */
    char *own_cache;               /* owned: smolwatt's own cache folder */
    char *endpoint;                /* owned: no slash at its end */
    char *rows_endpoint;           /* owned: no slash at its end */
    char *squad_url;               /* owned: folder of the SQuAD files, no slash at its end */
    char *token;                   /* owned, NULL where there is none; never part of a message */
    bool offline;                  /* HF_HUB_OFFLINE or the options' offline */
    bool no_symlinks;              /* HF_HUB_DISABLE_SYMLINKS */
    struct sw_hub_options options; /* the caller's, defaults filled in */
};

/* options may be NULL. */
enum sw_code sw_hub_settings_read(struct sw_hub_settings *out, const struct sw_hub_options *options,
                                  struct sw_error *err);
void sw_hub_settings_free(struct sw_hub_settings *settings);

bool sw_hub_is_interrupted(const struct sw_hub_settings *settings);

/* The token where url may be sent it, else NULL: https, or plain http to loopback where the hub
 * endpoint is there (allow_loopback). */
const char *sw_hub_token_for_view(const struct sw_hub_settings *settings, const char *url,
                                  bool allow_loopback);

#endif
