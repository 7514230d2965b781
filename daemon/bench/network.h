/* The times of the network and of its operators, alone on the GPU. */
#pragma once

#include "daemon/bench/spread.h"
#include "daemon/pipeline/engine.h"

enum { BENCH_WARM_UP = 2 }; /* runs that are not counted: drivers compile in the first */

struct bench_operator {
        struct parser_operator what;
        struct spread time;
};

struct bench_network {
        struct spread time; /* of all operators as one program, seen by the host */
        double cpu;         /* seconds of CPU time that it takes of this process, the median */
        bool clock;         /* the operators were measured by the device's clock, else one by one by the host's */
        struct bench_operator *operators;
        unsigned count;
};

struct bench_progress {
        void (*show)(void *userdata, const char *what, unsigned done, unsigned of);
        void *userdata;
};

/* For pictures of that size.  A negative errno, after which nothing has to be freed. */
int bench_network(struct engine *engine, uint32_t width, uint32_t height, unsigned iterations,
                  const struct bench_progress *progress, struct bench_network *ret);
void bench_network_free(struct bench_network *network);
