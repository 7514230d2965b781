/* A value filtered over time: the one-euro filter (Casiez, Roussel, Vogel, CHI 2012).  It is steady while the value
 * rests, and follows quickly when it moves. */
#pragma once

#include <stdint.h>

struct steady {
        float value, raw; /* filtered; the last input */
        float speed;      /* per second */
        uint64_t time_ns; /* 0: there is no value yet */
};

/* `unit`: the scale of the value, such as the size of the face for its position. */
float steady_filter(struct steady *steady, float value, float unit, uint64_t time_ns);
