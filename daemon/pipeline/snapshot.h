/* Reads an image back.  It waits, so do not use it while frames flow. */
#pragma once

#include "shaders/image.h"

/* `ret`: RGBA, 4 * width * height bytes.  Negative errno. */
int snapshot_read(struct gpu *gpu, const struct gpu_image *image, uint8_t *ret);
