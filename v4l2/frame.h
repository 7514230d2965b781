/* Frames and their pixel formats: what a camera delivers and a virtual camera takes.
 *
 * The formats are the kernel's (V4L2_PIX_FMT_*, "Image Formats" in the V4L2 documentation), limited to those that the
 * rest of the program can process.  All planes of a frame are in one contiguous block.  The stride of the chroma planes
 * follows from that of the first one, as the V4L2 documentation defines it for single-planar buffers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Coefficients of Y'CbCr.  A format with RGB samples has FRAME_BT601 and is not converted. */
enum frame_matrix { FRAME_BT601, FRAME_BT709 };

struct frame_format {
        uint32_t fourcc;        /* V4L2_PIX_FMT_* */
        uint32_t width, height; /* pixels */
        uint32_t stride;        /* bytes from one row of the first plane to the next */
        uint32_t size;          /* bytes of a whole frame, with all planes */
        enum frame_matrix matrix;
        bool full_range; /* Y' is in 0..255 rather than 16..235 */
};

struct frame_rate {
        uint32_t numerator, denominator; /* frames per second: 30/1 */
};

struct frame {
        const uint8_t *data; /* valid until it is given back; at least format.size bytes */
        uint64_t time_ns;    /* CLOCK_MONOTONIC, of capture */
        uint32_t sequence;   /* counts captured frames; gaps are losses in the driver */
        uint32_t index;      /* of its buffer in camera_memory(); otherwise private to the camera */
};

/* Fills in stride and size of a tightly packed frame.  -EINVAL: the fourcc is not supported, or the size is 0, larger
 * than 16384, or odd although the format shares chroma between pixels. */
int frame_format_pack(struct frame_format *format);

bool frame_format_equal(const struct frame_format *a, const struct frame_format *b);

/* The letters of a fourcc, such as "YUYV"; valid until the thread's next call. */
const char *frame_fourcc_name(uint32_t fourcc);
