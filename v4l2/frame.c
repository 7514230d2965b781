#include <errno.h>
#include <linux/videodev2.h>

#include "v4l2/frame.h"
#include "v4l2/layout.h"

/* Generous: four times the widest packed row with 3 bytes per pixel.  A driver that wants more is broken. */
#define STRIDE_MAX (FRAME_SIDE_MAX * 3 * 4)

static const struct frame_layout layouts[] = {
        {V4L2_PIX_FMT_YUYV, 2, 0, 1, 0, false, {{0, 0, 2}, {0, 1, 4}, {0, 3, 4}}},
        {V4L2_PIX_FMT_UYVY, 2, 0, 1, 0, false, {{0, 1, 2}, {0, 0, 4}, {0, 2, 4}}},
        {V4L2_PIX_FMT_NV12, 1, 1, 1, 1, false, {{0, 0, 1}, {1, 0, 2}, {1, 1, 2}}},
        {V4L2_PIX_FMT_YUV420, 1, 2, 1, 1, false, {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}}},
        {V4L2_PIX_FMT_YUV422P, 1, 2, 1, 0, false, {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}}},
        {V4L2_PIX_FMT_RGB24, 3, 0, 0, 0, true, {{0, 0, 3}, {0, 1, 3}, {0, 2, 3}}},
        {V4L2_PIX_FMT_BGR24, 3, 0, 0, 0, true, {{0, 2, 3}, {0, 1, 3}, {0, 0, 3}}},
        {V4L2_PIX_FMT_GREY, 1, 0, 0, 0, false, {{0, 0, 1}, {0, 0, 0}, {0, 0, 0}}},
};

const struct frame_layout *frame_layout(uint32_t fourcc)
{
        for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
                if (layouts[i].fourcc == fourcc)
                        return &layouts[i];
        return NULL;
}

/* An interleaved chroma row has half as many samples of two bytes each: the stride of the first plane. */
uint32_t frame_chroma_stride(const struct frame_layout *layout, uint32_t stride)
{
        return layout->chroma_planes == 2 ? stride >> layout->shift_x : stride;
}

int frame_layout_fit(struct frame_format *format)
{
        const struct frame_layout *layout = frame_layout(format->fourcc);
        uint32_t width = format->width, height = format->height;
        uint64_t stride, chroma, size;

        if (!layout || !width || !height || width > FRAME_SIDE_MAX || height > FRAME_SIDE_MAX)
                return -EINVAL;
        if (width & ((1u << layout->shift_x) - 1) || height & ((1u << layout->shift_y) - 1))
                return -EINVAL;

        stride = format->stride ? format->stride : (uint64_t)width * layout->bytes;
        if (stride < (uint64_t)width * layout->bytes || stride > STRIDE_MAX)
                return -EINVAL;
        if (layout->chroma_planes == 2 && stride & 1)
                return -EINVAL;

        chroma = (uint64_t)frame_chroma_stride(layout, (uint32_t)stride) * (height >> layout->shift_y);
        size = stride * height + chroma * layout->chroma_planes;
        if (size > INT32_MAX)
                return -EINVAL;

        format->stride = (uint32_t)stride;
        format->size = (uint32_t)size;
        return 0;
}

int frame_format_pack(struct frame_format *format)
{
        struct frame_format packed = *format;
        int r;

        packed.stride = 0;
        r = frame_layout_fit(&packed);
        if (r < 0)
                return r;
        *format = packed;
        return 0;
}

bool frame_format_equal(const struct frame_format *a, const struct frame_format *b)
{
        return a->fourcc == b->fourcc && a->width == b->width && a->height == b->height && a->stride == b->stride &&
               a->size == b->size && a->matrix == b->matrix && a->full_range == b->full_range;
}

const char *frame_fourcc_name(uint32_t fourcc)
{
        static _Thread_local char name[5];

        for (int i = 0; i < 4; i++) {
                char c = (char)(fourcc >> 8 * i & 0x7f);

                name[i] = c > ' ' && c < 0x7f ? c : '.';
        }
        return name;
}
