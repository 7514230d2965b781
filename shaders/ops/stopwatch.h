/* Private to ops/: how long a program takes. */
#pragma once

#include "shaders/gpu.h"

/* Runs a program; *ret: in how many seconds. */
int timed_run(struct gpu_program *program, double *ret);

/* Runs a program that is ended once more than `runs` times: drivers compile in the first run, which does not count.
 * *ret: the seconds of the shortest. */
int shortest_run(struct gpu_program *program, int runs, double *ret);
