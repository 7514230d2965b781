#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"
#include "daemon/visagectl/faces-screen.h"

static const char help[] = "Usage: visagectl monitor [OPTION]...\n"
                           "\n"
                           "Shows the faces in the picture, and keeps the camera open, until ctrl-C.  On a terminal, "
                           "prints a table of them,\n"
                           "drawn again for every parsed frame; above it are the frame's number and size, how "
                           "long parsing took, how many\n"
                           "results were lost because the terminal was slow, and the largest classes with their "
                           "share of the picture.\n"
                           "Otherwise prints a line of JSON for each frame, as on the bus.\n"
                           "\n"
                           "      --json     print JSON even on a terminal\n";

static int print_screen(const char *line)
{
        json_t *result = json_loads(line, 0, NULL);
        /* The first line only describes the others. */
        int r = json_object_get(result, "version") ? 0 : faces_screen_print(result);

        json_decref(result);
        return r;
}

/* Until the daemon ends or revokes the subscription, or standard output is closed. */
static int show(FILE *lines, bool json)
{
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;

        while (fflush(stdout) == 0 && getline(&line, &size, lines) >= 0) {
                if (json)
                        fputs(line, stdout);
                else if (print_screen(line) < 0) {
                        command_error("visaged sent an invalid line; are both programs of the same version?");
                        return 1;
                }
        }
        if (ferror(stdout))
                return 1; /* finish() reports it */
        return command_bus_lost();
}

int command_monitor(int argc, char **argv)
{
        struct client client;
        enum client_bus bus;
        char why[1024];
        bool json;
        int fd;

        int status = command_bus_options(argc, argv, help, &bus, &json);
        if (status >= 0)
                return status;
        if (optind < argc)
                return command_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
        if (command_bus_open(bus, true, &client) < 0)
                return 1;
        int r = client_call_fd(&client, "Subscribe", NULL, &fd, why, sizeof why);
        client_close(&client);
        if (r < 0) {
                command_error("%s", why);
                return 1;
        }
        FILE *lines = fdopen(fd, "r");
        if (!lines) {
                close(fd);
                return 1;
        }
        status = show(lines, json || !isatty(STDOUT_FILENO));
        fclose(lines);
        return status;
}
