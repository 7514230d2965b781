/* Translates the formats of v4l2/ to those of shaders/, and packs and unpacks the few pictures that are made without a
 * GPU. */
#pragma once

#include "shaders/image.h"
#include "v4l2/frame.h"

/* -ENOTSUP: a format without a row in the table. */
int pixels_layout(const struct frame_format *format, struct gpu_pixels *ret);

/* RGBA of the same size -> bytes.  Slow: for pictures that are made only once. */
void pixels_pack(const struct gpu_pixels *pixels, const uint8_t *rgba, uint8_t *ret);
/* Bytes -> RGBA, alpha 255. */
void pixels_unpack(const struct gpu_pixels *pixels, const uint8_t *bytes, uint8_t *ret_rgba);
