/* The memory layout of the supported pixel formats: the only table of these formats. */
#pragma once

#include "v4l2/frame.h"

#define FRAME_SIDE_MAX 16384

struct frame_layout {
        uint32_t fourcc;
        uint8_t bytes;            /* per pixel in the first plane */
        uint8_t chroma_planes;    /* further planes: 1 interleaves Cb and Cr, 2 are one each */
        uint8_t shift_x, shift_y; /* log2 of the number of pixels that share a chroma sample */
        bool rgb;
        struct {
                uint8_t plane;
                uint8_t offset; /* bytes before its first sample in the plane */
                uint8_t step;   /* bytes from one sample to the next; 0: no such component */
        } component[3];         /* R G B, or Y Cb Cr */
};

/* NULL: not supported. */
const struct frame_layout *frame_layout(uint32_t fourcc);

/* The stride of the planes after the first, given that of the first. */
uint32_t frame_chroma_stride(const struct frame_layout *layout, uint32_t stride);

/* Takes `stride` from the format (0: packed) and fills in the rest; for strides that drivers require. -EINVAL as for
 * frame_format_pack(), or the stride is too small, too large, or odd although chroma rows have half of it. */
int frame_layout_fit(struct frame_format *format);
