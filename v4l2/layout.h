/* How the planes of a supported pixel format lie in memory: the one table of these formats. */
#pragma once

#include "v4l2/frame.h"

#define FRAME_SIDE_MAX 16384

struct frame_layout {
        uint32_t fourcc;
        uint8_t bytes;            /* per pixel in the first plane */
        uint8_t chroma_planes;    /* further planes: 1 interleaves Cb and Cr, 2 keeps them apart */
        uint8_t shift_x, shift_y; /* log2 of the pixels that share one chroma sample */
        bool rgb;
        struct {
                uint8_t plane;
                uint8_t offset; /* bytes before its first sample in the plane */
                uint8_t step;   /* bytes from one sample to the next; 0: there is none */
        } component[3];         /* R G B, or Y Cb Cr */
};

/* NULL: not supported. */
const struct frame_layout *frame_layout(uint32_t fourcc);

/* The stride of the planes after the first, whose own is `stride`. */
uint32_t frame_chroma_stride(const struct frame_layout *layout, uint32_t stride);

/* Takes `stride` from the format (0: packed) and fills in the rest; for the strides that drivers ask for.
 * -EINVAL as for frame_format_pack(), or a stride too small, too large, or odd where chroma rows are half of it. */
int frame_layout_fit(struct frame_format *format);
