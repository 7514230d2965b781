/* The default device, with a buffer of each kind, for one test. */
#pragma once

#include "shaders/gpu.h"
#include "tests/cm.h"

#define SIZE (1u << 20)

struct fixture {
        struct gpu *gpu;
        struct gpu_buffer *upload, *device, *readback; /* of SIZE bytes */
};

int setup(void **state);
int teardown(void **state);

struct gpu_buffer *buffer(struct gpu *gpu, uint64_t size, enum gpu_memory memory);

/* Copies there and back `count` times. */
struct gpu_program *program(struct fixture *f, unsigned count);
