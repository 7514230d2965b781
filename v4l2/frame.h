/* Frames and their pixel formats: what a camera gives and a virtual camera takes.
 *
 * The formats are the kernel's (V4L2_PIX_FMT_*, "Image Formats" in the V4L2 documentation), restricted to the ones that
 * the rest of the program computes with.  All planes of a frame are in one contiguous block; the stride of the chroma
 * planes follows from that of the first one as the V4L2 documentation defines it for single-planar buffers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Coefficients of Y'CbCr; a format with RGB samples carries FRAME_BT601 and is not converted. */
enum frame_matrix { FRAME_BT601, FRAME_BT709 };

struct frame_format {
        uint32_t fourcc;        /* V4L2_PIX_FMT_* */
        uint32_t width, height; /* pixels */
        uint32_t stride;        /* bytes from one row of the first plane to the next */
        uint32_t size;          /* bytes of a whole frame, every plane */
        enum frame_matrix matrix;
        bool full_range; /* Y' in 0..255 rather than 16..235 */
};

struct frame_rate {
        uint32_t numerator, denominator; /* frames per second: 30/1 */
};

struct frame {
        const uint8_t *data; /* valid until given back; format.size bytes at least */
        uint64_t time_ns;    /* CLOCK_MONOTONIC, of capture */
        uint32_t sequence;   /* counts captured frames; a gap is a loss in the driver */
        uint32_t index;      /* the owner's own */
};

/* Fills in stride and size of a tightly packed frame.  -EINVAL: the fourcc is not one of those supported, the size is 0,
 * larger than 16384, or odd where the format shares chroma between pixels. */
int frame_format_pack(struct frame_format *format);

bool frame_format_equal(const struct frame_format *a, const struct frame_format *b);

/* "YUYV" for a fourcc; the string lives until the thread's next call. */
const char *frame_fourcc_name(uint32_t fourcc);
