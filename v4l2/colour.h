/* V4L2's four colour fields against the two that frames carry. */
#pragma once

#include "v4l2/frame.h"

struct v4l2_pix_format;

/* Sets matrix and full_range of `format` from what a driver says about its Y'CbCr samples; fourcc must be set. */
void colour_read(const struct v4l2_pix_format *pix, struct frame_format *format);

/* The other way round, for a driver to repeat to its readers. */
void colour_write(const struct frame_format *format, struct v4l2_pix_format *pix);
