/* A constant delay from a frame's capture to its display, for frames that are ready after varying times, as a jitter
 * buffer has it.  It begins with the latency of the first frame and a reserve.  A frame that is ready later makes it
 * longer at once; it gets shorter only after seconds in which all frames were ready much earlier.  So it is constant
 * while latencies vary as they have before. */
#pragma once

#include <stdint.h>

/* A frame that is ready later than this is shown at once, and does not make the delay longer. */
#define DELAY_MOST_NS UINT64_C(1000000000)

/* All 0: no frame yet. */
struct delay {
        uint64_t ns;
        uint64_t since, largest; /* when the current window began, and the largest latency in it */
};

/* A frame is ready.  It is due at `captured` + delay->ns, which may have passed. */
void delay_take(struct delay *delay, uint64_t captured, uint64_t ready);
/* No more than this from now on, because no frame can be kept for longer. */
void delay_limit(struct delay *delay, uint64_t ns);
