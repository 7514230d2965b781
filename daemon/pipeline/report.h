/* A summary of a run: a line for the user, and JSON for programs. */
#pragma once

#include <jansson.h>

#include "daemon/common/stats.h"
#include "daemon/pipeline/engine.h"

struct report {
        const struct engine *engine; /* NULL: it was never opened */
        const struct stats *stats;
        const struct config *config;
        const uint8_t *labels; /* the last label map; NULL: there is none */
        uint32_t width, height;
        double seconds;
};

void report_line(const struct report *report, char *ret, size_t size);
/* -EIO or the file's errno. */
int report_write(const struct report *report, const char *path);

/* The model's classes with their pixels among `size` labels, as a JSON array. */
json_t *report_classes(const struct model_info *model, const uint8_t *labels, size_t size);
