#include <errno.h>
#include <string.h>

#include "daemon/pipeline/pixels.h"
#include "v4l2/layout.h"

int pixels_layout(const struct frame_format *format, struct gpu_pixels *ret)
{
        const struct frame_layout *layout = frame_layout(format->fourcc);

        if (!layout)
                return -ENOTSUP;
        uint32_t chroma_stride = frame_chroma_stride(layout, format->stride);
        uint32_t strides[3] = {format->stride, chroma_stride, chroma_stride};
        uint32_t starts[3] = {0, format->stride * format->height};
        starts[2] = starts[1] + chroma_stride * (format->height >> layout->shift_y);

        struct gpu_pixels pixels = {
                .width = format->width,
                .height = format->height,
                .color = layout->rgb                     ? GPU_COLOR_RGB
                         : format->matrix == FRAME_BT709 ? GPU_COLOR_BT709
                                                         : GPU_COLOR_BT601,
                .full_range = format->full_range,
                .size = format->size,
        };
        for (int c = 0; c < 3; c++) {
                const unsigned plane = layout->component[c].plane, step = layout->component[c].step;
                pixels.component[c].offset = starts[plane] + layout->component[c].offset;
                pixels.component[c].stride = strides[plane];
                pixels.component[c].step = step;
                if (c == 0 || step == 0)
                        continue;
                pixels.component[c].shift_x = layout->shift_x;
                pixels.component[c].shift_y = layout->shift_y;
        }
        *ret = pixels;
        return 0;
}

/* Component `c` of a colour, 0..255, after ITU-R BT.601 and BT.709. */
static float component(const struct gpu_pixels *pixels, unsigned c, const uint8_t rgba[4])
{
        const bool hd = pixels->color == GPU_COLOR_BT709;
        const float kr = hd ? 0.2126f : 0.299f, kb = hd ? 0.0722f : 0.114f;

        if (pixels->color == GPU_COLOR_RGB)
                return rgba[c];
        float y = kr * rgba[0] + (1 - kr - kb) * rgba[1] + kb * rgba[2];
        if (c == 0)
                return pixels->full_range ? y : 16 + y * 219 / 255;
        float d = c == 1 ? (rgba[2] - y) / (2 * (1 - kb)) : (rgba[0] - y) / (2 * (1 - kr));
        return 128 + (pixels->full_range ? d : d * 224 / 255);
}

static void pack_component(const struct gpu_pixels *pixels, unsigned c, const uint8_t *rgba, uint8_t *ret)
{
        const uint32_t block_w = 1u << pixels->component[c].shift_x, block_h = 1u << pixels->component[c].shift_y;

        for (uint32_t y = 0; y + block_h <= pixels->height; y += block_h)
                for (uint32_t x = 0; x + block_w <= pixels->width; x += block_w) {
                        float sum = 0;
                        for (uint32_t i = 0; i < block_w * block_h; i++) {
                                size_t at = (size_t)(y + i / block_w) * pixels->width + x + i % block_w;
                                sum += component(pixels, c, rgba + at * 4);
                        }
                        float mean = sum / (block_w * block_h) + 0.5f;
                        ret[pixels->component[c].offset + y / block_h * pixels->component[c].stride +
                            x / block_w * pixels->component[c].step] = mean > 255 ? 255
                                                                       : mean < 0 ? 0
                                                                                  : mean;
                }
}

void pixels_pack(const struct gpu_pixels *pixels, const uint8_t *rgba, uint8_t *ret)
{
        memset(ret, 0, pixels->size); /* bytes between the rows */
        for (unsigned c = 0; c < 3; c++)
                if (pixels->component[c].step > 0)
                        pack_component(pixels, c, rgba, ret);
}

static float sample(const struct gpu_pixels *pixels, unsigned c, const uint8_t *bytes, uint32_t x, uint32_t y)
{
        return bytes[pixels->component[c].offset + (y >> pixels->component[c].shift_y) * pixels->component[c].stride +
                     (x >> pixels->component[c].shift_x) * pixels->component[c].step];
}

static uint8_t to_byte(float value)
{
        return value < 0 ? 0 : value > 255 ? 255 : value + 0.5f;
}

/* The inverse of component(). */
static void to_rgb(const struct gpu_pixels *pixels, const float sample[3], uint8_t ret[3])
{
        const bool hd = pixels->color == GPU_COLOR_BT709, full = pixels->full_range;
        const float kr = hd ? 0.2126f : 0.299f, kb = hd ? 0.0722f : 0.114f;
        float y = full ? sample[0] : (sample[0] - 16) * 255 / 219;
        float cb = (sample[1] - 128) * (full ? 1 : 255 / 224.0f), cr = (sample[2] - 128) * (full ? 1 : 255 / 224.0f);
        float red = y + 2 * (1 - kr) * cr, blue = y + 2 * (1 - kb) * cb;

        ret[0] = to_byte(red);
        ret[1] = to_byte((y - kr * red - kb * blue) / (1 - kr - kb));
        ret[2] = to_byte(blue);
}

void pixels_unpack(const struct gpu_pixels *pixels, const uint8_t *bytes, uint8_t *rgba)
{
        for (uint32_t y = 0; y < pixels->height; y++)
                for (uint32_t x = 0; x < pixels->width; x++, rgba += 4) {
                        float value[3] = {0, 128, 128}; /* grey has no chroma */
                        for (unsigned c = 0; c < 3; c++)
                                if (pixels->component[c].step > 0)
                                        value[c] = sample(pixels, c, bytes, x, y);
                        if (pixels->color == GPU_COLOR_RGB)
                                for (unsigned c = 0; c < 3; c++)
                                        rgba[c] = value[c];
                        else
                                to_rgb(pixels, value, rgba);
                        rgba[3] = 255;
                }
}
