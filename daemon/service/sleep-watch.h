/* Notices that the machine was suspended: CLOCK_BOOTTIME continues meanwhile, CLOCK_MONOTONIC does not
 * (clock_gettime(2)).  The time of day is not used, because it can be set. */
#pragma once

#include <stdint.h>

struct sleep_watch {
        int64_t ahead; /* how far CLOCK_BOOTTIME was ahead, ns */
};

void sleep_watch_init(struct sleep_watch *watch);
/* Seconds slept since the last call; 0: none. */
double sleep_watch_slept(struct sleep_watch *watch);
