/* The program: picks the subcommand; `run` where none is named. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "build_info.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"

static const struct sw_command *const commands[] = {
    &sw_command_run,       &sw_command_bench,    &sw_command_measure,  &sw_command_doctor,
    &sw_command_report,    &sw_command_generate, &sw_command_tokenize, &sw_command_pull,
    &sw_command_calibrate, &sw_command_compare,  &sw_command_export,
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static int print_help(void)
{
    printf("smolwatt tells what a token costs: seconds, joules and grams of CO2e per token of a\n"
           "small language model, on this machine.\n\n"
           "Usage: smolwatt [COMMAND] [OPTION ...]\n\nCommands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n  smolwatt COMMAND --help    options of one command, with defaults and units\n"
           "  smolwatt --version         version, commit and build\n\n"
           "Without a command, `run` is meant. Results go to standard output, remarks to standard\n"
           "error. Exit codes: 0 good, 1 failed, 2 wrong use, 4 a regression found by\n"
           "compare, 130 interrupted.\n");
    return SW_EXIT_GOOD;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C");
    sw_interrupt_install();
    int code = SW_EXIT_USAGE;
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        code = print_help();
    } else if (strcmp(word, "--version") == 0) {
        printf("smolwatt %s (%s), %s, %s\n", SW_VERSION, SW_COMMIT, __VERSION__, SW_CFLAGS);
        code = SW_EXIT_GOOD;
    } else if (argc < 2 || word[0] == '-') {
        code = sw_command_run.run(argc, argv);
    } else {
        const struct sw_command *found = NULL;
        for (size_t i = 0; i < N_COMMANDS; i++) {
            if (strcmp(word, commands[i]->name) == 0)
                found = commands[i];
        }
        if (found == NULL)
            fprintf(stderr, "smolwatt: %s: no such command (see smolwatt --help)\n", word);
        else
            code = found->run(argc - 1, argv + 1);
    }
    /* A full disk or a closed pipe shows only when the last bytes leave. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == SW_EXIT_GOOD) {
        fprintf(stderr, "smolwatt: standard output cannot be written\n");
        code = SW_EXIT_FAILED;
    }
    return code;
}
