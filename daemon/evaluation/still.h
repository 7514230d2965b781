/* Parses single pictures of any size, with one program that is recorded again when the size changes. */
#pragma once

#include "daemon/pipeline/engine.h"
#include "v4l2/files/picture.h"

struct still {
        struct engine *engine;
        struct gpu_image image, overlay;
        struct gpu_answers answers, map; /* of the network; of the picture */
        struct gpu_labels labels;
        struct gpu_buffer *upload, *parameters, *labels_read, *overlay_read; /* parameters: the view, the palette */
        struct gpu_program *program;
};

/* Before the first call, set .engine and zero the rest.  On failure `why` has one line for the user.  -ENODEV: the GPU
 * is lost. */
int still_parse(struct still *still, const struct picture *picture, char *why, size_t why_size);
/* The results, valid until the next call: one byte per pixel, and RGBA. */
const uint8_t *still_labels(const struct still *still);
const uint8_t *still_overlay(const struct still *still);
void still_finish(struct still *still);
