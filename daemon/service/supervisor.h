/* The daemon: an event loop around three parts.  The output is opened first and shows the placeholder; then the GPU and
 * the model are opened on a thread; then the camera, again and again while there is none. */
#pragma once

#include "daemon/common/options.h"

/* Runs until a signal, the end of a file that is played once, --frames, or an error.  Returns the exit status. */
int supervisor_run(const struct options *options);
