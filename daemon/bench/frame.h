/* The time of a frame from the camera's bytes to the virtual camera's, step by step, as in exact mode. */
#pragma once

#include "daemon/bench/network.h"
#include "daemon/common/config.h"

enum bench_step {
        BENCH_UPLOAD,  /* the camera's bytes to the GPU's memory */
        BENCH_UNPACK,  /* to a picture */
        BENCH_PARSE,   /* copies the picture, and labels the copy */
        BENCH_COMPOSE, /* effects, and the virtual camera's bytes to the host's memory */
        BENCH_PLAIN,   /* the same without an effect */
        BENCH_STEPS,
};

struct bench_frame {
        struct spread steps[BENCH_STEPS];
        struct spread total; /* without BENCH_PLAIN */
        uint64_t memory;     /* bytes allocated on the GPU meanwhile */
};

extern const char *const bench_step_names[BENCH_STEPS]; /* "unpack" */

/* From YUYV to YUV420, of the size and with the effects of `config`.  Returns 0 or a negative errno. */
int bench_frame(struct engine *engine, const struct config *config, unsigned iterations,
                const struct bench_progress *progress, struct bench_frame *ret);

/* The formats that bench_frame() uses. */
int bench_formats(const struct config *config, struct frame_format *ret_camera, struct frame_format *ret_output);
