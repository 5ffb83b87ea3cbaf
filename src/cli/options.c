#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "cli/exit_code.h"

/* '-' and '_' are one character in option names. */
static bool names_equal(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char x = a[i] == '-' ? '_' : a[i];
        char y = b[i] == '-' ? '_' : b[i];
        if (x != y || x == 0)
            return false;
    }
    return b[size] == 0;
}

static const struct sw_option *find_long(const struct sw_option *options, size_t n_options,
                                         const char *name, size_t size)
{
    for (size_t i = 0; i < n_options; i++) {
        if (options[i].kind != SW_OPTION_GROUP && names_equal(name, options[i].name, size))
            return &options[i];
    }
    return NULL;
}

static const struct sw_option *find_letter(const struct sw_option *options, size_t n_options,
                                           char letter)
{
    for (size_t i = 0; i < n_options; i++) {
        if (options[i].kind != SW_OPTION_GROUP && options[i].letter == letter)
            return &options[i];
    }
    return NULL;
}

static enum sw_code set_value(const struct sw_option *option, const char *text,
                              struct sw_error *err)
{
    switch (option->kind) {
    case SW_OPTION_GROUP:
        break;
    case SW_OPTION_FLAG:
        *(bool *)option->value = true;
        break;
    case SW_OPTION_TEXT:
        *(const char **)option->value = text;
        break;
    case SW_OPTION_TEXTS: {
        struct sw_texts *texts = option->value;
        if (texts->n == sizeof texts->items / sizeof texts->items[0])
            return sw_fail(err, SW_EUSAGE, "--%s: given more than %zu times", option->name,
                           texts->n);
        texts->items[texts->n++] = text;
        break;
    }
    case SW_OPTION_COUNT:
        if (!sw_parse_u64(option->value, text, (uint64_t)option->min, (uint64_t)option->max))
            return sw_fail(err, SW_EUSAGE, "--%s: \"%s\" is not a whole number from %.0f to %.0f",
                           option->name, text, option->min, option->max);
        break;
    case SW_OPTION_REAL:
        if (!sw_parse_double(option->value, text, option->min, option->max))
            return sw_fail(err, SW_EUSAGE, "--%s: \"%s\" is not a number from %g to %g",
                           option->name, text, option->min, option->max);
        break;
    }
    if (option->given != NULL)
        *option->given = true;
    return SW_OK;
}

enum sw_code sw_options_parse(const struct sw_option *options, size_t n_options, int argc,
                              char **argv, const char **positionals, size_t *n_positionals,
                              bool *help, struct sw_error *err)
{
    *n_positionals = 0;
    *help = false;
    bool only_positionals = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (only_positionals || word[0] != '-' || word[1] == 0) {
            positionals[(*n_positionals)++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_positionals = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            *help = true;
            return SW_OK;
        }
        const struct sw_option *option;
        const char *argument = NULL;
        if (word[1] == '-') {
            size_t size = strcspn(word + 2, "=");
            option = find_long(options, n_options, word + 2, size);
            if (word[2 + size] == '=')
                argument = word + 2 + size + 1;
        } else {
            option = find_letter(options, n_options, word[1]);
            if (word[2] != 0)
                argument = word + 2;
        }
        if (option == NULL)
            return sw_fail(err, SW_EUSAGE, "%s: no such option", word);
        if (option->argument == NULL && argument != NULL)
            return sw_fail(err, SW_EUSAGE, "%s: --%s takes no argument", word, option->name);
        if (option->argument != NULL && argument == NULL) {
            if (i + 1 == argc)
                return sw_fail(err, SW_EUSAGE, "%s: %s is missing", word, option->argument);
            argument = argv[++i];
        }
        enum sw_code code = set_value(option, argument, err);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

int sw_options_end(const struct sw_option *options, size_t n_options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--") == 0)
            return i;
        if (word[0] != '-' || word[1] == 0)
            continue;
        /* An option that takes the next word takes it whatever it is. */
        bool is_long = word[1] == '-';
        size_t size = is_long ? strcspn(word + 2, "=") : 0;
        const struct sw_option *option = is_long ? find_long(options, n_options, word + 2, size)
                                                 : find_letter(options, n_options, word[1]);
        bool has_argument = is_long ? word[2 + size] == '=' : word[2] != 0;
        if (option != NULL && option->argument != NULL && !has_argument)
            i++;
    }
    return argc;
}

/* Prints text wrapped to 80 columns, each line behind indent spaces; column is where the first
 * line stands already. */
static void print_wrapped(const char *text, int indent, int column)
{
    while (*text != 0) {
        size_t word = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)word > 80) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, text);
        column += (int)word;
        text += word;
        if (*text == '\n') {
            printf("\n%*s", indent, "");
            column = indent;
        }
        if (*text != 0)
            text++;
    }
    putchar('\n');
}

void sw_options_print_help(const struct sw_command *command, const struct sw_option *options,
                           size_t n_options)
{
    printf("Usage: smolwatt %s %s\n\n", command->name, command->usage);
    print_wrapped(command->description, 0, 0);
    for (size_t i = 0; i < n_options; i++) {
        const struct sw_option *o = &options[i];
        if (o->kind == SW_OPTION_GROUP) {
            printf("\n%s:\n", o->name);
            continue;
        }
        int column = 0;
        if (o->letter != 0)
            column += printf("  -%c, ", o->letter);
        else
            column += printf("      ");
        column += printf("--%s", o->name);
        if (o->argument != NULL)
            column += printf(" %s", o->argument);
        if (column >= 30) {
            putchar('\n');
            column = 0;
        }
        printf("%*s", 30 - column, "");
        print_wrapped(o->help, 30, 30);
    }
    printf("\n  -h, --help                  this text\n");
}

int sw_options_begin(const struct sw_command *command, const struct sw_option *options,
                     size_t n_options, int argc, char **argv, const char **positionals,
                     size_t *n_positionals)
{
    struct sw_error err = {0};
    bool help = false;
    const char *none[256];
    size_t n_none = 0;
    if (argc > 255) {
        fprintf(stderr, "smolwatt %s: more than 255 arguments\n", command->name);
        return SW_EXIT_USAGE;
    }
    const char **words = positionals != NULL ? positionals : none;
    size_t *n_words = positionals != NULL ? n_positionals : &n_none;
    enum sw_code code =
        sw_options_parse(options, n_options, argc, argv, words, n_words, &help, &err);
    if (code == SW_OK && help) {
        sw_options_print_help(command, options, n_options);
        return SW_EXIT_GOOD;
    }
    if (code == SW_OK && positionals == NULL && n_none > 0)
        code = sw_fail(&err, SW_EUSAGE, "%s: unexpected argument", none[0]);
    if (code != SW_OK) {
        fprintf(stderr, "smolwatt %s: %s (see smolwatt %s --help)\n", command->name, err.text,
                command->name);
        return SW_EXIT_USAGE;
    }
    return -1;
}

enum sw_code sw_parse_counts(uint64_t *items, size_t *n_items, size_t max_items, const char *text,
                             uint64_t min, uint64_t max, const char *option, struct sw_error *err)
{
    *n_items = 0;
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        char number[24];
        if (size >= sizeof number)
            size = sizeof number - 1;
        memcpy(number, at, size);
        number[size] = 0;
        if (*n_items == max_items)
            return sw_fail(err, SW_EUSAGE, "%s: more than %zu numbers", option, max_items);
        if (!sw_parse_u64(&items[*n_items], number, min, max))
            return sw_fail(err, SW_EUSAGE,
                           "%s: \"%s\" in \"%s\" is not a whole number from %llu to %llu", option,
                           number, text, (unsigned long long)min, (unsigned long long)max);
        (*n_items)++;
        at += strcspn(at, ",");
        if (*at == 0)
            return SW_OK;
    }
}
