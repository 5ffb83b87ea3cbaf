#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Input reaches messages (names of tensors, fields of JSON): a terminal must not obey it. */
static void replace_control_characters(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != 0; c++) {
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

enum sw_code sw_fail(struct sw_error *err, enum sw_code code, const char *format, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    replace_control_characters(err->text);
    err->code = code;
    return code;
}

enum sw_code sw_fail_prefix(struct sw_error *err, const char *format, ...)
{
    if (err == NULL)
        return SW_EFORMAT;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t size = strlen(err->text), room = sizeof err->text - 1 - size;
    if (room > 2)
        snprintf(err->text + size, room + 1, ": %.*s", (int)(room - 2), old);
    replace_control_characters(err->text);
    return err->code;
}

const char *sw_code_text(enum sw_code code)
{
    switch (code) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        SW_CODES(X)
#undef X
    }
    return "unknown error";
}
