/* How the stream goes: counts, times and rates.  All times in nanoseconds of CLOCK_MONOTONIC. */
#pragma once

#include <stdint.h>

#define STATS_WINDOW 256
#define STATS_RECENT 32

/* The newest durations of something. */
struct stats_times {
        uint64_t recent[STATS_WINDOW];
        uint64_t count;
};

/* Something that happens again and again. */
struct stats_events {
        uint64_t count, first, last;
        uint64_t recent[STATS_RECENT]; /* when the newest were */
};

struct stats {
        uint64_t captured, stale, corrupt, lost; /* of the camera: camera_counters, over all the times it was opened */
        uint64_t placeholders, repeated;         /* shown in place of a new frame */
        uint64_t refused;                        /* not taken by the sink */
        uint64_t reopened;                       /* how often the camera was opened again after it was lost */
        struct stats_events parsed, shown;
        struct stats_times latency; /* from capture to shown */
        struct stats_times parse;   /* from submission to labels */
};

uint64_t stats_now(void);
void stats_event(struct stats_events *events, uint64_t now);
void stats_time(struct stats_times *times, uint64_t duration);

double stats_rate(const struct stats_events *events); /* per second; 0 for fewer than two */
/* Per second over the newest ones; 0 where the last one is two seconds old. */
double stats_recent_rate(const struct stats_events *events, uint64_t now);
double stats_last_ms(const struct stats_times *times);
double stats_median_ms(const struct stats_times *times); /* of the window */

/* Frames that the camera captured and that were not shown. */
uint64_t stats_dropped(const struct stats *stats);
