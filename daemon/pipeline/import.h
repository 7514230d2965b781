/* A camera's memory as buffers of the GPU, so that its frames need not be copied. */
#pragma once

#include "shaders/gpu.h"
#include "v4l2/memory.h"

struct import {
        struct frame_memory *memory; /* NULL: nothing is imported */
        enum gpu_import how;
        uint32_t count;
        struct gpu_buffer *buffers[FRAME_BUFFERS_MAX]; /* as in `memory` */
};

/* Imports all buffers, in the first way that the GPU and the driver of the camera agree on.  If there is none, or
 * `memory` is NULL, nothing is imported, and the frames must be copied.  -ENODEV: the GPU is lost. */
int import_init(struct import *import, struct gpu *gpu, struct frame_memory *memory);

/* No program that uses a buffer may run.  A zeroed one is fine. */
void import_finish(struct import *import, struct gpu *gpu);

/* "read in place (dma-buf)", for the log. */
const char *import_text(const struct import *import);
