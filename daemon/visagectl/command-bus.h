/* What the commands that speak to the daemon share: how they are told which one, and what they say when it fails. */
#pragma once

#include <getopt.h>

#include "daemon/client/client.h"

enum {
        COMMAND_USER = 512,
        COMMAND_SYSTEM,
        COMMAND_BUS_OWN_OPTION, /* the first that is free for the command's own */
};

/* Rows of getopt_long()'s table. */
#define COMMAND_BUS_OPTIONS                                                                                            \
        {"user", no_argument, NULL, COMMAND_USER}, {"system", no_argument, NULL, COMMAND_SYSTEM},                      \
        {                                                                                                              \
                "help", no_argument, NULL, 'h'                                                                         \
        }
/* They: a help text's last lines. */
extern const char command_bus_help[];

/* Takes one of these options; 'h' prints `help` and command_bus_help.  Returns an exit status, or -1 to go on. */
int command_bus_option(int option, const char *command, const char *help, enum client_bus *bus);

/* The options of a command that has no others; `ret_json` is NULL where it has no --json.  Returns an exit status, or
 * -1 to go on, arguments being from `optind` on. */
int command_bus_options(int argc, char **argv, const char *help, enum client_bus *bus, bool *ret_json);

/* client_open(), an error being told. */
int command_bus_open(enum client_bus bus, bool activate, struct client *ret);

/* Prints a JSON value, readable by people, and drops it. */
void command_print_json(json_t *value);
