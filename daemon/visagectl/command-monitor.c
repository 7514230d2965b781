#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/cleanup.h"
#include "daemon/common/text.h"
#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

#define CLASSES_SHOWN 5

static const char help[] = "Usage: visagectl monitor [OPTION]...\n"
                           "\n"
                           "Prints a line for every parsed frame, until ctrl-C.  Meanwhile the camera is open.  On a "
                           "terminal, a line has the\n"
                           "frame's number and size, whether there is a face, how long parsing took, how many lines "
                           "were lost because the\n"
                           "terminal was slow, and the largest classes with their share of the picture.  Otherwise it "
                           "is JSON, as on the bus.\n"
                           "\n"
                           "      --json     print JSON even on a terminal\n";

/* ---- for people ---- */

struct share {
        const char *name;
        double pixels;
};

static int compare(const void *a, const void *b)
{
        const struct share *x = a, *y = b;

        return (x->pixels < y->pixels) - (x->pixels > y->pixels);
}

static void print_classes(const json_t *classes, double size)
{
        struct share shares[64];
        size_t n = 0;
        const char *name;
        json_t *value;

        json_object_foreach((json_t *)classes, name, value) if (n < sizeof shares / sizeof shares[0]) shares[n++] =
                (struct share){name, json_number_value(value)};
        qsort(shares, n, sizeof shares[0], compare);
        for (size_t i = 0; i < n && i < CLASSES_SHOWN; i++) {
                char printable[64];
                text_printable(shares[i].name, printable, sizeof printable);
                printf("%s%s %.1f %%", i > 0 ? ", " : "  ", printable, size > 0 ? 100 * shares[i].pixels / size : 0.0);
        }
}

static int print_result(const char *line)
{
        json_t *result = json_loads(line, 0, NULL);
        long long sequence, width, height, dropped;
        double parse_ms;
        json_t *classes;
        char size[48];
        int face;

        int r = json_unpack(result, "{s:I, s:I, s:I, s:b, s:F, s:I, s:o}", "sequence", &sequence, "width", &width,
                            "height", &height, "face", &face, "parse_ms", &parse_ms, "dropped", &dropped, "classes",
                            &classes);
        if (r == 0) {
                snprintf(size, sizeof size, "%lldx%lld", width, height);
                printf("%8lld  %9s  %-4s  %8.1f  %7lld", sequence, size, face ? "yes" : "no", parse_ms, dropped);
                print_classes(classes, (double)width * (double)height);
                putchar('\n');
        }
        json_decref(result);
        return r < 0 ? -EBADMSG : 0;
}

/* ---- every line ---- */

/* Until the daemon ends or takes the subscription back, or standard output is closed. */
static int show(FILE *lines, bool json)
{
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;

        if (!json)
                printf("%8s  %9s  %-4s  %8s  %7s  %s\n", "FRAME", "SIZE", "FACE", "PARSE MS", "DROPPED",
                       "LARGEST CLASSES");
        while (fflush(stdout) == 0 && getline(&line, &size, lines) >= 0) {
                if (json)
                        fputs(line, stdout);
                else if (print_result(line) < 0) {
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
