/* Statistics of the stream: counts, times and rates.  All times are in nanoseconds of CLOCK_MONOTONIC. */
#pragma once

#include <stdint.h>

#include "daemon/common/interface.h"

#define STATS_WINDOW 256
#define STATS_RECENT 32

/* The most recent durations of something. */
struct stats_times {
        uint64_t recent[STATS_WINDOW];
        uint64_t count;
};

/* An event that happens repeatedly. */
struct stats_events {
        uint64_t count, first, last;
        uint64_t recent[STATS_RECENT]; /* times of the most recent ones */
};

struct stats {
        uint64_t captured, stale, corrupt, lost; /* camera_counters, summed over all openings of the camera */
        uint64_t placeholders, repeated;         /* shown instead of a new frame */
        uint64_t refused;                        /* not accepted by the sink */
        uint64_t reopened;                       /* how often the camera was reopened after it was lost */
        struct stats_events parsed, shown;
        struct stats_times latency; /* from capture to display */
        struct stats_times parse;   /* from submission to labels */
};

uint64_t stats_now(void);
void stats_event(struct stats_events *events, uint64_t now);
void stats_time(struct stats_times *times, uint64_t duration);

double stats_rate(const struct stats_events *events); /* per second; 0 for fewer than two */
/* Per second over the most recent ones; 0 if the last one was more than two seconds ago. */
double stats_recent_rate(const struct stats_events *events, uint64_t now);
double stats_last_ms(const struct stats_times *times);
double stats_median_ms(const struct stats_times *times); /* of the window */
/* Which this share of the window does not exceed: 0 is the shortest, 1 the longest. */
double stats_share_ms(const struct stats_times *times, double share);

void stats_counters(const struct stats *stats, uint64_t ret[COUNTERS]);
/* Frames that were captured but not shown. */
uint64_t stats_dropped(const struct stats *stats);
