/* How fast the engine is on this machine: all measurements, and their JSON. */
#pragma once

#include "daemon/bench/frame.h"
#include "daemon/bench/start.h"
#include "shaders/ceiling.h"

struct bench {
        struct engine engine;
        struct gpu_ceiling ceiling;
        struct bench_start start;
        struct bench_network network;
        struct bench_frame frame;
};

/* A new object, whose members visagectl(1) describes. */
json_t *bench_json(const struct bench *bench, const struct config *config);
