/* The commands that tell the daemon something and get no result: start, stop, pause, resume, reload, set. */
#include <stdio.h>
#include <string.h>

#include "daemon/visagectl/command-bus.h"
#include "daemon/visagectl/command.h"

static const struct {
        const char *command, *method, *help;
        bool activate;
} methods[] = {
        {"start", "Start",
         "Opens the GPU and the model again after \"stop\", and waits until they are open.  If the daemon is not\n"
         "running, the bus starts it.\n",
         true},
        {"stop", "Stop",
         "Closes the camera, the model and the GPU, until \"start\".  The daemon keeps running, and programs that\n"
         "read the virtual camera see the placeholder.  To end the daemon, use \"systemctl stop visaged\".\n",
         false},
        {"pause", "Pause",
         "Closes the camera, so that its light goes out, until \"resume\".  Programs that read the virtual camera see\n"
         "the placeholder.  Returns when the camera is closed.\n",
         false},
        {"resume", "Resume", "Ends a pause.\n", false},
        {"reload", "Reload",
         "Makes the daemon read its configuration again, and use it in place of what clients have set.  If there is\n"
         "a mistake in it, nothing changes.\n",
         false},
};

/* Calls a method, and reports an error.  Returns an exit status. */
static int tell_daemon(enum client_bus bus, bool activate, const char *method, const char *argument)
{
        struct client client;
        char why[1024];

        if (command_bus_open(bus, activate, &client) < 0)
                return 1;
        int r = client_call(&client, method, argument, NULL, why, sizeof why);
        client_close(&client);
        if (r < 0)
                command_error("%s", why);
        return r < 0 ? 1 : 0;
}

int command_control(int argc, char **argv)
{
        enum client_bus bus;
        char help[1024];
        size_t i = 0;

        while (strcmp(methods[i].command, argv[0]) != 0) /* visagectl.c has ensured that it is one of them */
                i++;
        snprintf(help, sizeof help, "Usage: visagectl %s [OPTION]...\n\n%s\n", argv[0], methods[i].help);
        int status = command_bus_options(argc, argv, help, &bus, NULL);
        if (status >= 0)
                return status;
        if (optind < argc)
                return command_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
        return tell_daemon(bus, methods[i].activate, methods[i].method, NULL);
}

static const char set_help[] =
        "Usage: visagectl set [OPTION]... camera|model|gpu|mode VALUE\n"
        "\n"
        "Changes a setting of the daemon until it ends or reloads its configuration.  VALUE may be \"\", except for "
        "the mode.\n"
        "\n"
        "  camera  a node or an id from \"visagectl cameras\"; \"\": the first one found\n"
        "  model   a name from \"visagectl models\"; \"\": the default\n"
        "  gpu     part of a name, a number or a node from \"visagectl gpus\"; \"\": the best\n"
        "  mode    smooth (every frame, with the newest labels) or exact (each frame with its own labels)\n"
        "\n";

static const struct {
        const char *name, *method;
} settings[] = {{"camera", "SetCamera"}, {"model", "SetModel"}, {"gpu", "SetGpu"}, {"mode", "SetMode"}};
#define SETTINGS (sizeof settings / sizeof settings[0])

int command_set(int argc, char **argv)
{
        enum client_bus bus;
        size_t i = 0;

        int status = command_bus_options(argc, argv, set_help, &bus, NULL);
        if (status >= 0)
                return status;
        if (argc - optind < 2)
                return command_usage("set", "%s", optind < argc ? "no value given" : "no setting and value given");
        if (argc - optind > 2)
                return command_usage("set", "unexpected argument \"%s\"; quote a value that contains spaces",
                                     argv[optind + 2]);
        while (i < SETTINGS && strcmp(settings[i].name, argv[optind]) != 0)
                i++;
        if (i == SETTINGS)
                return command_usage("set",
                                     "\"%s\" cannot be set: choose camera, model, gpu or mode; "
                                     "for the effect, use \"visagectl effect\"",
                                     argv[optind]);
        return tell_daemon(bus, false, settings[i].method, argv[optind + 1]);
}
