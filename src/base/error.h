/*
 * One error shape for the whole program. A fallible call returns a code, writes its results through
 * pointers, and fills a struct sw_error with one line for the person at the terminal: file, place,
 * reason. Nothing below cli/ prints, exits or aborts on input.
 */
#ifndef SW_BASE_ERROR_H
#define SW_BASE_ERROR_H

/* One list gives number, name and meaning. */
#define SW_CODES(X)                                                                                \
    X(SW_OK, "ok")                                                                                 \
    X(SW_ENOMEM, "out of memory")                                                                  \
    X(SW_EFILE, "file cannot be read or written")                                                  \
    X(SW_EFORMAT, "malformed input")                                                               \
    X(SW_EUNSUPPORTED, "not supported")                                                            \
    X(SW_EUSAGE, "wrong use of an option or argument")                                             \
    X(SW_EABSENT, "not found")                                                                     \
    X(SW_ENET, "network failure")                                                                  \
    X(SW_ESYSTEM, "system call failed")                                                            \
    X(SW_EINTERRUPTED, "interrupted")

enum sw_code {
#define X(name, text) name,
    SW_CODES(X)
#undef X
};

struct sw_error {
    enum sw_code code;
    char text[768]; /* one line, no newline at its end, no control characters from input */
};

#define SW_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Fills err (which may be NULL) and returns code, so that a call site reads `return sw_fail(...)`.
 * Control characters that input smuggled into the arguments are replaced by '?'. */
enum sw_code sw_fail(struct sw_error *err, enum sw_code code, const char *format, ...)
    SW_PRINTF(3, 4);

/* Puts "context: " in front of the text that err holds already. Returns err's code. */
enum sw_code sw_fail_prefix(struct sw_error *err, const char *format, ...) SW_PRINTF(2, 3);

/* Short meaning of a code; never NULL. */
const char *sw_code_text(enum sw_code code);

#endif
