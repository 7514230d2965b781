/* Private to ops/: how long a program takes. */
#pragma once

#include "shaders/gpu.h"

/* Runs a program that has been ended; *ret is the time in seconds. */
int timed_run(struct gpu_program *program, double *ret);

/* Runs the program `runs` + 1 times; the first run does not count, because drivers may compile in it.  A run that takes
 * longer than `hopeless` is the last.  *ret is the time of the shortest run.  Both are in seconds. */
int shortest_run(struct gpu_program *program, int runs, double hopeless, double *ret);
