#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/common/stats.h"

uint64_t stats_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void stats_event(struct stats_events *events, uint64_t now)
{
        if (events->count++ == 0)
                events->first = now;
        events->last = now;
        events->recent[events->count % STATS_RECENT] = now;
}

void stats_time(struct stats_times *times, uint64_t duration)
{
        times->recent[times->count++ % STATS_WINDOW] = duration;
}

double stats_rate(const struct stats_events *events)
{
        if (events->count < 2 || events->last <= events->first)
                return 0;
        return (events->count - 1) * 1e9 / (events->last - events->first);
}

double stats_recent_rate(const struct stats_events *events, uint64_t now)
{
        uint64_t n = events->count < STATS_RECENT ? events->count : STATS_RECENT;

        if (n < 2 || now - events->last > 2000000000)
                return 0;
        uint64_t oldest = events->recent[(events->count - n + 1) % STATS_RECENT];
        return events->last > oldest ? (n - 1) * 1e9 / (events->last - oldest) : 0;
}

double stats_last_ms(const struct stats_times *times)
{
        return times->count ? times->recent[(times->count - 1) % STATS_WINDOW] / 1e6 : 0;
}

static int compare(const void *a, const void *b)
{
        const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

/* In ascending order. */
static size_t sort(const struct stats_times *times, uint64_t ret[STATS_WINDOW])
{
        size_t n = times->count < STATS_WINDOW ? times->count : STATS_WINDOW;

        memcpy(ret, times->recent, n * sizeof *ret);
        qsort(ret, n, sizeof *ret, compare);
        return n;
}

double stats_median_ms(const struct stats_times *times)
{
        uint64_t sorted[STATS_WINDOW];
        const size_t n = sort(times, sorted);

        if (n == 0)
                return 0;
        const size_t below = (n - 1) / 2, above = n / 2;
        return (sorted[below] + sorted[above]) / 2e6;
}

double stats_share_ms(const struct stats_times *times, double share)
{
        uint64_t sorted[STATS_WINDOW];
        const size_t n = sort(times, sorted);

        return n ? sorted[(size_t)(share * (n - 1))] / 1e6 : 0;
}

void stats_counters(const struct stats *stats, uint64_t ret[COUNTERS])
{
        const uint64_t counters[COUNTERS] = {
                [COUNTER_CAPTURED] = stats->captured,        [COUNTER_PARSED] = stats->parsed.count,
                [COUNTER_SHOWN] = stats->shown.count,        [COUNTER_REPEATED] = stats->repeated,
                [COUNTER_PLACEHOLDER] = stats->placeholders, [COUNTER_STALE] = stats->stale,
                [COUNTER_CORRUPT] = stats->corrupt,          [COUNTER_LOST] = stats->lost,
                [COUNTER_REFUSED] = stats->refused,          [COUNTER_REOPENED] = stats->reopened,
        };

        memcpy(ret, counters, sizeof counters);
}

uint64_t stats_dropped(const struct stats *stats)
{
        uint64_t seen = stats->captured + stats->lost; /* lost ones never reached us */

        return seen > stats->shown.count ? seen - stats->shown.count : 0;
}
