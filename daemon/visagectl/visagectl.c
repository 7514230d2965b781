#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/common/finish.h"
#include "daemon/visagectl/command.h"

static const struct {
        const char *name, *summary;
        int (*run)(int argc, char **argv);
} commands[] = {
        {"status", "show what visaged is doing", command_status},
        {"start", "open camera, model and GPU after \"stop\"; starts the service", command_control},
        {"stop", "close them; the virtual camera shows a placeholder", command_control},
        {"pause", "close the camera and show the placeholder", command_control},
        {"resume", "end the pause", command_control},
        {"effect", "choose what is shown, or list the effects", command_effect},
        {"set", "choose the camera, the model, the GPU or the mode", command_set},
        {"reload", "read the configuration again", command_control},
        {"snapshot", "write the current picture as a PNG", command_snapshot},
        {"monitor", "show the faces in every parsed frame", command_monitor},
        {"hold", "keep the camera open while a command runs", command_hold},
        {"metrics", "print counters and states as OpenMetrics text", command_metrics},
        {"doctor", "find problems and print how to fix them", command_doctor},
        {"cameras", "list the cameras of this machine", command_cameras},
        {"gpus", "list the GPUs of this machine", command_gpus},
        {"models", "list the models that visaged can use", command_models},
        {"parse", "label the faces in pictures", command_parse},
        {"eval", "measure a model on labelled pictures", command_eval},
        {"bench", "measure how fast the GPU labels faces", command_bench},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static int help(void)
{
        printf("Usage: visagectl COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n");
        for (size_t i = 0; i < COMMANDS; i++)
                printf("  %-10s %s\n", commands[i].name, commands[i].summary);
        printf("\nFor more, see \"visagectl help COMMAND\".  --version prints the version.\n");
        return 0;
}

static int version(void)
{
        printf("visagectl " VISAGED_VERSION "\n");
        return 0;
}

static int unknown(const char *name)
{
        char names[512];
        size_t n = 0;

        for (size_t i = 0; i < COMMANDS && n < sizeof names; i++)
                n += snprintf(names + n, sizeof names - n, "%s%s", i > 0 ? ", " : "", commands[i].name);
        return command_usage(NULL, "unknown command \"%s\"; the commands are %s", name, names);
}

static int run(int argc, char **argv)
{
        for (size_t i = 0; i < COMMANDS; i++)
                if (strcmp(argv[0], commands[i].name) == 0)
                        return commands[i].run(argc, argv);
        return unknown(argv[0]);
}

/* "help parse" is "parse --help". */
static int help_of(char *command)
{
        char option[] = "--help", *argv[] = {command, option, NULL};

        return command ? run(2, argv) : help();
}

static int choose(int argc, char **argv)
{
        if (argc < 2)
                return command_usage(NULL, "no command given");
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
                return help();
        if (strcmp(argv[1], "--version") == 0)
                return version();
        if (strcmp(argv[1], "help") == 0)
                return help_of(argv[2]);
        return run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
        setlocale(LC_CTYPE, "C.UTF-8"); /* all that is printed is UTF-8, whatever the user's locale */
        int status = choose(argc, argv);
        if (status == COMMAND_GPU_LOST)
                _exit(finish("visagectl", 1));
        return finish("visagectl", status);
}
