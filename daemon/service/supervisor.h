/* The daemon: an event loop around the three rooms.  The sink is opened first and shows the placeholder; then the GPU
 * and the model open on a thread of their own; then the camera, again and again while there is none. */
#pragma once

#include "daemon/common/options.h"

/* Runs until a signal, the end of a file that is played once, --frames, or an error.  Returns a process's exit status.
 */
int manager_run(const struct options *options);
