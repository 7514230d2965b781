#include <time.h>

#include "daemon/service/sleep-watch.h"

/* The two clocks are not read at the same moment. */
#define NOISE_NS 500000000

static int64_t now(clockid_t clock)
{
        struct timespec time;

        clock_gettime(clock, &time);
        return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t ahead(void)
{
        int64_t monotonic = now(CLOCK_MONOTONIC);

        return now(CLOCK_BOOTTIME) - monotonic;
}

void sleep_watch_init(struct sleep_watch *watch)
{
        watch->ahead = ahead();
}

double sleep_watch_slept(struct sleep_watch *watch)
{
        int64_t slept = ahead() - watch->ahead;

        if (slept < NOISE_NS)
                return 0;
        watch->ahead += slept;
        return slept / 1e9;
}
