/* What a device can reach at most: the rates with which operators are compared. */
#pragma once

#include "shaders/gpu.h"

struct gpu_ceiling {
        double multiply_adds; /* a second, 32 bits, on numbers in registers */
        double bytes;         /* a second, read and written, while a buffer larger than most caches is copied */
};

/* The best of several runs of a kernel each.  For tools: it allocates, compiles and waits. */
int gpu_measure_ceiling(struct gpu *gpu, struct gpu_ceiling *ret);
