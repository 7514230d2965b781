/* A value filtered over time: the one-euro filter (Casiez, Roussel, Vogel, CHI 2012).  It is steady while the value
 * rests, and follows when it moves. */
#pragma once

#include <stdint.h>

struct steady {
        float value, raw; /* filtered, and as it was last given */
        float speed;      /* per second */
        uint64_t time_ns; /* 0: there is no value yet */
};

/* `unit`: what counts as a step, such as the size of the face whose place this is. */
float steady_filter(struct steady *steady, float value, float unit, uint64_t time_ns);
