#include <errno.h>
#include <string.h>

#include "daemon/visagectl/command-engine.h"
#include "daemon/visagectl/command.h"

const char command_engine_help[] =
        "      --model=FILE   a .safetensors model file instead of the one that comes with visaged\n"
        "      --gpu=GPU      part of a name, a number from \"visagectl gpus\", or a /dev/dri node\n"
        "      --fp32|--fp16  how weights and feature maps are stored [--fp32]\n"
        "      --help         print this help\n";

bool command_engine_option(int option, struct engine_options *options)
{
        switch (option) {
        case COMMAND_MODEL:
                options->model = optarg;
                return true;
        case COMMAND_GPU:
                options->gpu = optarg;
                return true;
        case COMMAND_FP32:
                options->precision = PRECISION_FP32;
                return true;
        case COMMAND_FP16:
                options->precision = PRECISION_FP16;
                return true;
        default:
                return false;
        }
}

int command_engine_backend(const char *command, struct engine_options *options)
{
        static const struct {
                const char *name;
                enum gpu_backend backend;
        } names[] = {
                {"subgroup", GPU_BACKEND_SUBGROUP},
                {"tiled", GPU_BACKEND_TILED},
                {"lane", GPU_BACKEND_SUBGROUP}, /* their former names */
                {"tile", GPU_BACKEND_TILED},
        };

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(optarg, names[i].name) == 0) {
                        options->backend = names[i].backend;
                        return -1;
                }
        return command_usage(command, "--backend cannot be \"%s\": must be subgroup or tiled", optarg);
}

/* Shows progress, because the first run on a machine compiles for a while. */
static void progress(void *userdata, const char *what, double seconds)
{
        command_progress("%.70s", what);
}

int command_engine_open(struct engine *engine, struct engine_options *options)
{
        char why[600];

        options->progress = progress;
        int r = engine_open(engine, options, why, sizeof why);
        command_progress_clear();
        if (r < 0)
                command_error("%s", why);
        return r;
}

int command_engine_status(int error)
{
        return error == -ENODEV ? COMMAND_GPU_LOST : 1;
}
