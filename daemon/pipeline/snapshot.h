/* Reads an image back once; not for the middle of a stream. */
#pragma once

#include "shaders/image.h"

/* `ret`: RGBA, 4 * width * height bytes.  Waits. */
int snapshot_read(struct gpu *gpu, const struct gpu_image *image, uint8_t *ret);
