#include <stdio.h>

#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

const char command_bus_help[] =
        "      --user     use the visaged of this session, on the session bus\n"
        "      --system   use the visaged of this machine, on the system bus\n"
        "                 without either: this session's if it is running, else this machine's\n"
        "      --help     print this help\n";

int command_bus_option(int option, const char *command, const char *help, enum client_bus *bus)
{
        switch (option) {
        case COMMAND_USER:
                *bus = CLIENT_USER;
                return -1;
        case COMMAND_SYSTEM:
                *bus = CLIENT_SYSTEM;
                return -1;
        case 'h':
                printf("%s%s", help, command_bus_help);
                return 0;
        default:
                return command_usage(command, NULL);
        }
}

int command_bus_options(int argc, char **argv, const char *help, enum client_bus *bus, bool *ret_json)
{
        static const struct option table[] = {COMMAND_BUS_OPTIONS, {"json", no_argument, NULL, 'j'}, {0}};
        static const struct option without_json[] = {COMMAND_BUS_OPTIONS, {0}};
        int option, status;

        *bus = CLIENT_EITHER;
        if (ret_json)
                *ret_json = false;
        while ((option = command_getopt(argc, argv, "h", ret_json ? table : without_json)) != -1)
                if (option == 'j' && ret_json)
                        *ret_json = true;
                else if ((status = command_bus_option(option, argv[0], help, bus)) >= 0)
                        return status;
        return -1;
}

int command_bus_open(enum client_bus bus, bool activate, struct client *ret)
{
        char why[200];

        int r = client_open(bus, activate, ret, why, sizeof why);
        if (r < 0)
                command_error("%s", why);
        return r;
}

int command_bus_lost(void)
{
        command_error("visaged has ended, or no longer permits this");
        return 1;
}

void command_print_json(json_t *value)
{
        json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        putchar('\n');
        json_decref(value);
}
