#include "daemon/service/delay.h"

#define WINDOW_NS UINT64_C(5000000000)
#define LEAST_RESERVE_NS UINT64_C(1000000)

/* With a reserve for latencies that are a little larger. */
static uint64_t fitting(uint64_t latency)
{
        const uint64_t ns = latency + latency / 8 + LEAST_RESERVE_NS;

        return ns < DELAY_MOST_NS ? ns : DELAY_MOST_NS;
}

static void begin_window(struct delay *delay, uint64_t now)
{
        delay->since = now;
        delay->largest = 0;
}

/* Each change of the delay is seen as a jerk: a quarter less is worth one. */
static void end_window(struct delay *delay, uint64_t now)
{
        const uint64_t ns = fitting(delay->largest);

        if (ns < delay->ns / 4 * 3)
                delay->ns = ns;
        begin_window(delay, now);
}

void delay_take(struct delay *delay, uint64_t captured, uint64_t ready)
{
        const uint64_t latency = ready - captured;

        if (latency > DELAY_MOST_NS)
                return;
        if (delay->ns == 0 || latency > delay->ns) {
                delay->ns = fitting(latency);
                begin_window(delay, ready);
                return;
        }
        if (latency > delay->largest)
                delay->largest = latency;
        if (ready - delay->since >= WINDOW_NS)
                end_window(delay, ready);
}

void delay_limit(struct delay *delay, uint64_t ns)
{
        if (ns < delay->ns)
                delay->ns = ns;
}
