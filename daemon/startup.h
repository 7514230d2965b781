/* Opening the GPU and the model takes seconds, on the first run many: it happens on a thread of its own, so that the
 * virtual camera shows its placeholder and the program answers meanwhile.  The thread ends before the result is used.
 */
#pragma once

#include <pthread.h>

#include "daemon/engine.h"
#include "daemon/pipeline.h"

struct startup {
        struct engine_options engine_options;
        struct pipeline_options pipeline_options; /* .engine is filled in */
        struct engine engine;
        struct pipeline *pipeline;
        int result;
        char why[600];

        int fd; /* readable when it is done */
        pthread_t thread;
        bool running;
};

/* The options are filled in.  Keep `startup` where it is until startup_finish(). */
int startup_begin(struct startup *startup);
/* Waits for the end; 0 and .engine and .pipeline are there, or an error and .why. */
int startup_finish(struct startup *startup);
