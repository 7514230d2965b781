/* How long to wait before the next attempt at something that keeps failing: not at all, then longer and longer. */
#pragma once

#include <stdint.h>

#define BACKOFF_LONGEST 1000000 /* us */

struct backoff {
        unsigned failures;
};

/* Microseconds until the next attempt.  At most a second, because somebody who plugs a camera in again is waiting. */
static inline uint64_t backoff_next(struct backoff *backoff)
{
        static const uint64_t delays[] = {0, 100000, 250000, 500000, BACKOFF_LONGEST};
        const unsigned last = sizeof delays / sizeof delays[0] - 1;

        return delays[backoff->failures < last ? backoff->failures++ : last];
}

static inline void backoff_reset(struct backoff *backoff)
{
        backoff->failures = 0;
}
