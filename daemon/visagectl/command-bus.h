/* Shared by the commands that talk to the daemon: the options that select it, and error messages. */
#pragma once

#include <getopt.h>

#include "daemon/client/client.h"

enum {
        COMMAND_USER = 512,
        COMMAND_SYSTEM,
        COMMAND_BUS_OWN_OPTION, /* the first one that is free for the command's own options */
};

/* Rows of getopt_long()'s table. */
/* clang-format off */
#define COMMAND_BUS_OPTIONS                                     \
        {"user", no_argument, NULL, COMMAND_USER},              \
        {"system", no_argument, NULL, COMMAND_SYSTEM},          \
        {"help", no_argument, NULL, 'h'}
/* clang-format on */
/* Their description: the last lines of a help text. */
extern const char command_bus_help[];

/* Handles one of these options; 'h' prints `help` and command_bus_help.  Returns an exit status, or -1 to continue. */
int command_bus_option(int option, const char *command, const char *help, enum client_bus *bus);

/* Parses the options of a command that has no others; `ret_json` is NULL if it has no --json.  Returns an exit status,
 * or -1 to continue with the arguments from `optind` on. */
int command_bus_options(int argc, char **argv, const char *help, enum client_bus *bus, bool *ret_json);

/* client_open(), which also reports an error. */
int command_bus_open(enum client_bus bus, bool activate, struct client *ret);

/* Reports that the daemon has closed its end of a descriptor, for a reason that it cannot tell.  Returns the exit
 * status. */
int command_bus_lost(void);

/* Pretty-prints a JSON value and releases it. */
void command_print_json(json_t *value);
