/*
 * Settings of the machine that change what a measurement means: found by reading alone, each with
 * what it does to figures, the command that changes it and the one that puts it back. Nothing here
 * changes anything.
 */
#ifndef SW_METER_SETTINGS_H
#define SW_METER_SETTINGS_H

#include <stddef.h>

#include "base/error.h"

enum sw_setting_state {
    SW_SETTING_GOOD,
    SW_SETTING_NOTE,   /* figures vary more, or compare less, than they could */
    SW_SETTING_SPOILS, /* figures are not this work's, or not measured */
    SW_SETTING_UNKNOWN /* not told by this machine */
};
const char *sw_setting_state_name(enum sw_setting_state state); /* "good", "note", ... */

/* Texts are one line each, "" where there is nothing to say. */
struct sw_setting {
    const char *name; /* "governor" */
    enum sw_setting_state state;
    char value[160];
    char path[96];     /* as on the machine itself, without the root */
    char reason[192];  /* why it matters, where it is not good */
    char change[256];  /* shell command, or words where only hands can do it */
    char restore[512]; /* shell command that sets what is set now */
};

enum { SW_MAX_SETTINGS = 24 };
struct sw_settings {
    struct sw_setting items[SW_MAX_SETTINGS];
    size_t n;
};

/* root stands in front of every /proc and /sys path. What is not there is left out, or unknown. */
void sw_settings_read(struct sw_settings *out, const char *root);

#endif
