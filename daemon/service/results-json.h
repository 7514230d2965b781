/* The results of a parsed frame as a line of JSON.  A subscription's first line lists the fields of the others; both
 * come from the same tables.  Fields are only ever added. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/bus/control.h"
#include "daemon/faces/faces.h"

struct result {
        uint64_t sequence, time_ns;
        uint32_t width, height;
        const char (*names)[CONTROL_NAME_MAX]; /* of the classes, by results_json_name() */
        const uint64_t *counts;                /* of their pixels */
        uint32_t classes;
        const struct face *faces;
        size_t face_count;
        double parse_ms;
};

/* For use between the quotes of a JSON string: characters that would have to be escaped are left out. */
void results_json_name(const char *name, char ret[CONTROL_NAME_MAX]);

/* Both leave out the last brace and room for what the bus adds, and return the length. */
size_t results_json_first(char ret[CONTROL_LINE_MAX]);
/* If not everything fits, the areas of the faces are left out first, then the classes.  0: it does not fit. */
size_t results_json_line(const struct result *result, char ret[CONTROL_LINE_MAX]);
