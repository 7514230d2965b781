/* How long it takes from the start of a process to its first composed frame. */
#pragma once

#include "daemon/common/config.h"
#include "daemon/pipeline/engine.h"

struct bench_start {
        double cold, warm;      /* seconds with an empty cache, and with the cache that run left; 0: not measured */
        uint64_t peak_resident; /* bytes, of the warm process */
};

/* Runs both in child processes, with a temporary cache that is removed even if a signal ends this process.  Call it
 * before a GPU is open.  On failure `why` gets one line for the user; -EINTR: a signal that the caller has handled. */
int bench_start(const struct engine_options *options, const struct config *config, struct bench_start *ret, char *why,
                size_t why_size);
