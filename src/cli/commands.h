/* Every subcommand; each lives in its own file. */
#ifndef SW_CLI_COMMANDS_H
#define SW_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct sw_command sw_command_run;
extern const struct sw_command sw_command_bench;
extern const struct sw_command sw_command_measure;
extern const struct sw_command sw_command_doctor;
extern const struct sw_command sw_command_report;
extern const struct sw_command sw_command_compare;
extern const struct sw_command sw_command_calibrate;
extern const struct sw_command sw_command_generate;
extern const struct sw_command sw_command_tokenize;
extern const struct sw_command sw_command_pull;
extern const struct sw_command sw_command_export;

#endif
