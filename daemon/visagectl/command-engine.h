/* What the commands that open an engine share: how they are told which, and what they say meanwhile. */
#pragma once

#include <getopt.h>

#include "daemon/pipeline/engine.h"

enum {
        COMMAND_MODEL = 256,
        COMMAND_GPU,
        COMMAND_FP32,
        COMMAND_FP16,
        COMMAND_OWN_OPTION, /* the first that is free for the command's own */
};

/* Rows of getopt_long()'s table. */
#define COMMAND_ENGINE_OPTIONS                                                                                         \
        {"model", required_argument, NULL, COMMAND_MODEL}, {"gpu", required_argument, NULL, COMMAND_GPU},              \
                {"fp32", no_argument, NULL, COMMAND_FP32}, {"fp16", no_argument, NULL, COMMAND_FP16},                  \
        {                                                                                                              \
                "help", no_argument, NULL, 'h'                                                                         \
        }
/* They and --help: a help text's last lines. */
extern const char command_engine_help[];

/* Takes one of these options with its `optarg`.  Whether it was one. */
bool command_engine_option(int option, struct engine_options *options);

/* What a command returns that has failed with `error`. */
int command_engine_status(int error);

/* engine_open() with its steps shown as progress, and an error told. */
int command_engine_open(struct engine *engine, struct engine_options *options);
