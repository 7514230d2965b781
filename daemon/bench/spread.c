#include <stdlib.h>

#include "daemon/bench/spread.h"

static int compare(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

struct spread spread_of(double *seconds, unsigned count)
{
        qsort(seconds, count, sizeof *seconds, compare);
        return (struct spread){
                .median = (seconds[(count - 1) / 2] + seconds[count / 2]) / 2,
                .min = seconds[0],
                .max = seconds[count - 1],
        };
}

void spread_json(const struct spread *spread, json_t *object)
{
        json_object_set_new(object, "median_ms", json_real(1e3 * spread->median));
        json_object_set_new(object, "min_ms", json_real(1e3 * spread->min));
        json_object_set_new(object, "max_ms", json_real(1e3 * spread->max));
}
