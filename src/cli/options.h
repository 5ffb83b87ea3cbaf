/*
 * Command-line options from one table per command: the table parses, checks ranges, and prints the
 * help, so that the three never differ. Options are spelled with '-' or '_' alike.
 */
#ifndef SW_CLI_OPTIONS_H
#define SW_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum sw_option_kind {
    SW_OPTION_GROUP, /* a heading of the help; name is its text */
    SW_OPTION_FLAG,  /* bool: true when given */
    SW_OPTION_TEXT,  /* const char *: view of the argument */
    SW_OPTION_TEXTS, /* struct sw_texts: may be given again */
    SW_OPTION_COUNT, /* uint64_t in [min, max] */
    SW_OPTION_REAL,  /* double in [min, max] */
};

/* Arguments of an option that may be given several times; views into argv. */
struct sw_texts {
    const char *items[16];
    size_t n;
};

struct sw_option {
    enum sw_option_kind kind;
    const char *name;     /* canonical spelling, with '_' */
    char letter;          /* short form, or 0 */
    void *value;          /* what kind says; holds the default before parsing */
    const char *argument; /* "N", "FILE"; NULL for a flag */
    const char *help;     /* what it does; the default and unit in words */
    double min, max;      /* COUNT and REAL */
    bool *given;          /* set true if the option appears; may be NULL */
};

struct sw_command {
    const char *name;
    const char *summary;               /* one line for the list of commands */
    const char *usage;                 /* arguments behind the name */
    const char *description;           /* a paragraph for --help */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};

/* Parses argv[1..argc). Words that are no options, and everything behind "--", go to positionals
 * (argc entries of room). *help becomes true at --help or -h, and parsing stops there. */
enum sw_code sw_options_parse(const struct sw_option *options, size_t n_options, int argc,
                              char **argv, const char **positionals, size_t *n_positionals,
                              bool *help, struct sw_error *err);

/* Index of the "--" that ends the options, argc where there is none. */
int sw_options_end(const struct sw_option *options, size_t n_options, int argc, char **argv);

/* Prints the help of a command to standard output. */
void sw_options_print_help(const struct sw_command *command, const struct sw_option *options,
                           size_t n_options);

/* Parses, and handles --help and wrong use: returns -1 to go on, else the exit code to end with.
 * A command without positionals passes NULL and refuses them. */
int sw_options_begin(const struct sw_command *command, const struct sw_option *options,
                     size_t n_options, int argc, char **argv, const char **positionals,
                     size_t *n_positionals);

/* "256" or "1,16,50" to numbers in [min, max]; at most max_items. */
enum sw_code sw_parse_counts(uint64_t *items, size_t *n_items, size_t max_items, const char *text,
                             uint64_t min, uint64_t max, const char *option, struct sw_error *err);

#endif
