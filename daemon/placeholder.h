/* The picture that the virtual camera shows while there is nothing better: a soft grey card with the outline of a face.
 */
#pragma once

#include "v4l2/frame.h"

/* In the sink's format; *ret: free().  -ENOMEM, -ENOTSUP. */
int placeholder_make(const struct frame_format *format, uint8_t **ret);

/* The same as RGBA, width x height x 4 bytes. */
void placeholder_draw(uint32_t width, uint32_t height, uint8_t *ret);
