#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/text.h"
#include "daemon/visagectl/command.h"

/* A message may quote anything, such as an argument or a name from a file, so control characters are replaced. */
static void print_error(const char *format, va_list ap)
{
        char raw[2 * PATH_MAX], text[2 * PATH_MAX];

        vsnprintf(raw, sizeof raw, format, ap);
        text_printable(raw, text, sizeof text);
        fprintf(stderr, "visagectl: %s\n", text);
}

void command_error(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        print_error(format, ap);
        va_end(ap);
}

int command_usage(const char *command, const char *format, ...)
{
        va_list ap;

        if (format) {
                va_start(ap, format);
                print_error(format, ap);
                va_end(ap);
        }
        fprintf(stderr, "Try \"visagectl%s%s --help\".\n", command ? " " : "", command ? command : "");
        return 2;
}

void command_error_of(const char *file, const char *why)
{
        char name[1024], reason[PATH_MAX + 200];

        text_printable(file, name, sizeof name);
        text_printable(why, reason, sizeof reason);
        if (strstr(reason, name))
                command_error("%s", reason);
        else
                command_error("%s: %s", name, reason);
}

void command_progress(const char *format, ...)
{
        va_list ap;

        if (!isatty(STDERR_FILENO))
                return;
        fputs("\r\033[K", stderr);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fflush(stderr);
}

void command_progress_clear(void)
{
        command_progress("%s", "");
}

int command_getopt(int argc, char **argv, const char *brief, const struct option *table)
{
        char *command = argv[0], name[64];

        snprintf(name, sizeof name, "visagectl %s", command);
        argv[0] = name;
        int option = getopt_long(argc, argv, brief, table, NULL);
        argv[0] = command;
        return option;
}
