/* Reads an image back.  It waits, so not while frames flow. */
#pragma once

#include "shaders/image.h"

/* `ret`: RGBA, 4 * width * height bytes.  Waits. */
int snapshot_read(struct gpu *gpu, const struct gpu_image *image, uint8_t *ret);
