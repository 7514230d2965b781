/* Summarises a time that was measured repeatedly. */
#pragma once

#include <jansson.h>

#define BENCH_ITERATIONS_MAX 1000

struct spread {
        double median, min, max; /* seconds */
};

/* Of `count` times, at least one.  Sorts them. */
struct spread spread_of(double *seconds, unsigned count);

/* Adds median_ms, min_ms and max_ms to an object. */
void spread_json(const struct spread *spread, json_t *object);
