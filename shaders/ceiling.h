/* The most that a device can reach: the rates that operators are compared with. */
#pragma once

#include "shaders/gpu.h"

struct gpu_ceiling {
        double multiply_adds; /* a second, 32 bits, on numbers in registers */
        double bytes;         /* a second, read and written, while a buffer larger than most caches is copied */
};

/* Measures each rate with a kernel of its own, and takes the best of several runs.  For tools: it allocates, compiles
 * and waits.  Errors are those of gpu.h. */
int gpu_measure_ceiling(struct gpu *gpu, struct gpu_ceiling *ret);
