/* Shared by the commands that open an engine: the options that select it, and progress messages. */
#pragma once

#include <getopt.h>

#include "daemon/pipeline/engine.h"

enum {
        COMMAND_MODEL = 256,
        COMMAND_GPU,
        COMMAND_FP32,
        COMMAND_FP16,
        COMMAND_OWN_OPTION, /* the first one that is free for the command's own options */
};

/* Rows of getopt_long()'s table. */
/* clang-format off */
#define COMMAND_ENGINE_OPTIONS                                  \
        {"model", required_argument, NULL, COMMAND_MODEL},      \
        {"gpu", required_argument, NULL, COMMAND_GPU},          \
        {"fp32", no_argument, NULL, COMMAND_FP32},              \
        {"fp16", no_argument, NULL, COMMAND_FP16},              \
        {"help", no_argument, NULL, 'h'}
/* clang-format on */
/* Their description and that of --help: the last lines of a help text. */
extern const char command_engine_help[];

/* Handles one of these options with its `optarg`.  Returns whether it was one. */
bool command_engine_option(int option, struct engine_options *options);

/* --backend of those commands that have it.  Returns an exit status, or -1 to continue. */
int command_engine_backend(const char *command, struct engine_options *options);

/* The exit status for a negative errno. */
int command_engine_status(int error);

/* engine_open(), which shows its progress and reports an error. */
int command_engine_open(struct engine *engine, struct engine_options *options);
