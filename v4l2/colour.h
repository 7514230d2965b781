/* Conversion between V4L2's four colour fields and the two of a frame. */
#pragma once

#include "v4l2/frame.h"

struct v4l2_pix_format;

/* Sets matrix and full_range of `format` from what a driver reports about its Y'CbCr samples; fourcc must be set. */
void colour_read(const struct v4l2_pix_format *pix, struct frame_format *format);

/* The inverse, for a driver that reports it to its readers. */
void colour_write(const struct frame_format *format, struct v4l2_pix_format *pix);
